"""What is wrong with an expression, and where in its text."""


class ExpressionError(ValueError):
    """A mistake in an expression or template."""

    def __init__(self, message: str, position: int, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.position = position
        """Offset in the text, from 0."""
        self.suggestion = suggestion
