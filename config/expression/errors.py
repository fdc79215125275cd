"""What is wrong with an expression, and where in its text."""

MAX_SHOWN = 60
"""Characters of an expression repeated in a message."""


class ExpressionError(ValueError):
    """A mistake in an expression or template."""

    def __init__(self, message: str, position: int, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.position = position
        """Offset in the text, from 0."""
        self.suggestion = suggestion


def shown(text: object) -> str:
    """Text for a message: one line, not too long."""
    line = " ".join(str(text).split())
    return line if len(line) <= MAX_SHOWN else f"{line[:MAX_SHOWN]}..."
