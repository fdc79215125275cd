"""What the credit desk needs kept: the counts of all nodes, and what its calls took.

Implemented in `softswitch.store`.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from softswitch.campaign.caps import CountKey, Grant, Report

__all__ = ["CreditStore", "SpendingJournal", "Synced"]


@dataclass(frozen=True, slots=True)
class Synced:
    """What the database said to reports."""

    grants: Mapping[CountKey, Grant]
    nodes: int
    """Nodes that are alive."""
    at: float
    """The database's clock, UTC in seconds: periods begin and end by it on all nodes."""


class CreditStore(Protocol):
    """Where the counts of all nodes are kept."""

    @property
    def up(self) -> bool:
        """Whether the database answered a moment ago."""

    @property
    def process(self) -> int:
        """This process among those of the node; 0 until the database was there."""

    def on_up(self, callback: Callable[[], None]) -> None:
        """Have `callback` called after every (re)connect."""

    def on_wanted(self, callback: Callable[[CountKey], None]) -> None:
        """Have `callback` called when another node found no credit left."""

    def on_freed(self, callback: Callable[[CountKey], None]) -> None:
        """Have `callback` called when another node gave credit back."""

    async def sync(self, reports: Sequence[Report]) -> Synced | None:
        """Tell and ask; None: the database is away."""

    async def take_over(self, spent: Callable[[int], Mapping[CountKey, Decimal] | None]) -> bool:
        """Settle what earlier processes of this node left; False: the database is away."""


class SpendingJournal(Protocol):
    """What calls took of each count, through any crash."""

    def spent(self, process: int) -> Mapping[CountKey, Decimal] | None:
        """What the calls of an earlier process took; None: it is not known."""

    def begin(self, process: int, live: Container[CountKey]) -> None:
        """Start anew for this process; raises OSError. Counts that are not in `live` any more were
        settled for good."""

    def note(self, key: CountKey, total: Decimal) -> None:
        """Write what calls took of a count in all; raises OSError."""
