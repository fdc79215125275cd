"""Where the cost of a bridged call stands: beside a peer of the same run, and against the limits.

A machine's speed drifts by a third and more between days and hours, so that milliseconds of one day
say little on another. The limits were set on a machine on which the peer was measured too: how many
times the peer's cost ours is, run by run, needs no machine, and brings our cost to that one.
Arithmetic and tables; knows no process.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.figures import Figure, figure, ratio, table


@dataclass(frozen=True, slots=True)
class Limit:
    """What a bridged call may cost at a rate, and what it cost the peer where that was set."""

    cost_ms: float
    peer_ms: Figure

    @property
    def times_peer(self) -> float:
        """The same limit for any machine."""
        return self.cost_ms / self.peer_ms.median


# Limits that the project set itself, by calls a second, with the figures of the machine that they
# were set on: a virtual one of 2 cores, Kamailio 5.6.3 and rtpengine 10.5.3.5 together on one of
# them, ms of CPU; least, median and most of the runs at 100 a second, one figure at 600. Those runs
# took seconds: what rtpengine does 30 s after a call by default may not be in them.
LIMITS = {
    100: Limit(2.0, figure([1.27, 1.47, 1.51])),
    600: Limit(1.0, figure([0.94])),
}

HEAD = (
    *("rate", "form", "ms CPU", "peer, ms CPU", "x peer", "wanted"),
    *("machine slower by", "brought there, ms CPU", "wanted"),
)


@dataclass(frozen=True, slots=True)
class Standing:
    """The runs of one form at one rate, and the peer's runs that were made in turn with them."""

    rate: int
    form: str
    ours: Figure
    peer: Figure

    @property
    def times_peer(self) -> Figure:
        """Our cost over the peer's, run by run."""
        return ratio(self.ours.runs, self.peer.runs)

    @property
    def slowness(self) -> Figure:
        """The peer's cost here over its cost where the limits were set."""
        there = LIMITS[self.rate].peer_ms.median
        return figure([one / there for one in self.peer.runs])

    @property
    def brought(self) -> Figure:
        """Our cost as it would be where the limits were set."""
        there = LIMITS[self.rate].peer_ms.median
        return figure([times * there for times in self.times_peer.runs])

    def row(self) -> list[str]:
        """A cell under each of HEAD."""
        limit = LIMITS[self.rate]
        return [
            *(f"{self.rate}/s", self.form, str(self.ours), str(self.peer)),
            *(str(self.times_peer), f"{limit.times_peer:.2f}"),
            *(str(self.slowness), str(self.brought), f"{limit.cost_ms}"),
        ]

    def as_json(self) -> dict[str, object]:
        """For the results."""
        return {
            "rate": self.rate,
            "form": self.form,
            "times_peer": self.times_peer.runs,
            "slowness": self.slowness.runs,
            "brought_ms": self.brought.runs,
            "wanted_ms": LIMITS[self.rate].cost_ms,
        }


def report(standings: Sequence[Standing]) -> str:
    """A table, and under it what the limits rest on."""
    there = ", ".join(f"{limit.peer_ms} ms at {rate}/s" for rate, limit in LIMITS.items())
    return "\n".join(
        [
            table(HEAD, [one.row() for one in standings]),
            "",
            f"Where the limits were set the peer took {there}; brought there: x peer times that.",
            "The peer's runs there may lack its clearing up, up to a tenth of its cost.",
        ]
    )
