"""What conditions ask about earlier calls: counts, from memory only.

Implemented where calls are kept (`softswitch.store`). `since` and `before` are UTC in seconds since
the epoch; calls received at `since` or later and earlier than `before` count, so that a call never
counts itself. Nothing here waits: what memory does not hold is not counted.
"""

from typing import Protocol


class CallHistory(Protocol):
    """Counts of earlier calls."""

    def calls_by_caller(
        self,
        caller: str,
        *,
        since: float,
        before: float,
        campaign: str | None = None,
        publisher: str | None = None,
        number: str | None = None,
    ) -> int:
        """Calls of a caller; only those to a campaign, publisher or number when it is given."""

    def calls_to_campaign(self, campaign: str, *, since: float, before: float) -> int:
        """Calls to a campaign."""

    def calls_to_number(self, number: str, *, since: float, before: float) -> int:
        """Calls to a number."""

    def callers_to_number(self, number: str, *, since: float, before: float) -> int:
        """Different callers that called a number."""

    def short_calls(
        self,
        *,
        since: float,
        before: float,
        below_seconds: float,
        caller: str | None = None,
        publisher: str | None = None,
        number: str | None = None,
    ) -> int:
        """Ended calls whose talk was shorter than `below_seconds`, of what is given."""


class NoHistory:
    """No earlier calls: for tests, and for a call that is only thought through."""

    def calls_by_caller(
        self,
        caller: str,
        *,
        since: float,
        before: float,
        campaign: str | None = None,
        publisher: str | None = None,
        number: str | None = None,
    ) -> int:
        return 0

    def calls_to_campaign(self, campaign: str, *, since: float, before: float) -> int:
        return 0

    def calls_to_number(self, number: str, *, since: float, before: float) -> int:
        return 0

    def callers_to_number(self, number: str, *, since: float, before: float) -> int:
        return 0

    def short_calls(
        self,
        *,
        since: float,
        before: float,
        below_seconds: float,
        caller: str | None = None,
        publisher: str | None = None,
        number: str | None = None,
    ) -> int:
        return 0
