"""Credit of capped campaigns: taken from memory, refilled behind."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from config.model import Campaign, Cap, Configuration
from softswitch.campaign.caps import CapExceeded

__all__ = ["CapExceeded", "Credit", "CreditDesk"]


class Credit:
    """A call's place under every cap that it counts for."""

    def give_back(self) -> None:
        """The leg did not come about; twice is once."""

    def keep(self, converted: Callable[[Cap], bool], amount: Decimal) -> None:
        """The call has ended: count what is to be counted, give the rest back."""


class CreditDesk:
    """Gives credit from what the node holds; never waits."""

    def presented(
        self, configuration: Configuration, campaign: Campaign, publisher: str | None
    ) -> None:
        """A call came in that may need credit soon."""

    def take(
        self,
        campaign: Campaign,
        *,
        publisher: str | None,
        destination: str | None,
        call_id: str = "",
        beside: Credit | None = None,
    ) -> Credit | CapExceeded:
        """Credit for one outbound leg, or the cap that it would exceed."""
        raise NotImplementedError
