"""What can be wrong with the files of the section stir."""

__all__ = ["StirUnusable"]


class StirUnusable(Exception):
    """A file cannot be used, or the package is missing; the text is for the operator."""
