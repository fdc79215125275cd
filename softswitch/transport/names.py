"""What may go wrong with names, for those who do not ask for them themselves."""

__all__ = ["NoAnswer"]


class NoAnswer(OSError):
    """The name service says nothing now: what was known holds on."""
