"""What calls are treated with beside their legs; the composition root fills it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ivr.services import NodeServices
from softswitch.campaign.history import CallHistory, NoHistory
from softswitch.switchboard.heeding import Heeding
from softswitch.switchboard.money import Money
from softswitch.switchboard.vouching import Vouching

__all__ = ["CountCall", "Means"]

CountCall = Callable[[str, str, str | None, float], None]
"""Counts a call for its binding: pool, number, binding id, time of receipt (UTC, seconds)."""


def _count_nothing(pool: str, number: str, binding: str | None, at: float) -> None:
    """A switch without a database counts no activity."""


@dataclass(slots=True)
class Means:
    """One for the process."""

    nodes: NodeServices = field(default_factory=NodeServices)
    history: CallHistory = field(default_factory=NoHistory)
    money: Money | None = None
    heeding: Heeding | None = None
    count_call: CountCall = _count_nothing
    vouching: Vouching | None = None
    """None: nobody looks at signatures."""
