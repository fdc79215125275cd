"""What can be wrong with the database, as exceptions whose text is one sentence for an operator."""

from __future__ import annotations

__all__ = ["DatabaseAway", "DatabaseUnusable", "ServerError"]


class DatabaseUnusable(Exception):
    """The database cannot be used as it is, and trying again does not help."""


class ServerError(Exception):
    """The embedded server does not run; `lasting` when trying again does not help."""

    def __init__(self, sentence: str, *, lasting: bool = False) -> None:
        super().__init__(sentence)
        self.lasting = lasting


class DatabaseAway(Exception):
    """The database does not answer, or not in time; whatever was asked for has not been done, or
    it is not known whether it has."""
