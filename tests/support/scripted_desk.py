"""A credit desk that says yes or no by destination, and what it holds."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from config.model import Campaign, Cap
from softswitch.campaign.caps import CapExceeded


class Credit:
    def __init__(self, desk: Desk, destination: str | None) -> None:
        self.desk = desk
        self.destination = destination

    def give_back(self) -> None:
        if self in self.desk.held:
            self.desk.held.remove(self)


class Desk:
    """Exceeds caps for the destinations it is told."""

    def __init__(self, *over: str, treatment: str | None = None) -> None:
        self.over = over
        self.treatment = treatment
        self.held: list[Credit] = []
        self.taken: list[str | None] = []

    def take(
        self,
        campaign: Campaign,
        *,
        publisher: str | None,
        destination: str | None,
        call_id: str = "",
        beside: Any = None,
    ) -> Credit | CapExceeded:
        assert (publisher, call_id) == ("p1", "call-1")
        self.taken.append(destination)
        if destination in self.over or "all" in self.over:
            return CapExceeded("hourly", campaign.name, destination or "", "5", self.treatment)
        self.held.append(Credit(self, destination))
        return self.held[-1]


def capped(scope: Any = "campaign") -> Campaign:
    cap = Cap("hourly", "hourly", Decimal(5), scope=scope)
    return Campaign("fans", "main", trunk="carrier", caps=(cap,))
