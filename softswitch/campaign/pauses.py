"""Campaigns and destinations that get no calls for the time being, whatever their caps say.

Somebody has paused them: a buyer who takes no more today, a campaign whose offer is over. Calls in
progress go on; a leg that is to be called is refused as over a cap is. Knows no files and no calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from softswitch.campaign.caps import CapExceeded

__all__ = ["MAX_PAUSES", "PAUSED", "Pause", "Pauses"]

PAUSED = "paused"
"""The cap that such calls are told to be over."""

MAX_PAUSES = 1000
"""More than somebody can have in mind; they are written anew at each change."""


@dataclass(frozen=True, slots=True)
class Pause:
    """What gets no calls, and who says so."""

    campaign: str
    """Empty: calls of every campaign to the destination."""
    destination: str
    """Empty: the campaign, wherever its calls would go."""
    by: str
    at: float
    """UTC in seconds."""
    why: str = ""


class Pauses:
    """All pauses of a node."""

    def __init__(self, pauses: Iterable[Pause] = ()) -> None:
        self._pauses = {(one.campaign, one.destination): one for one in pauses}

    def __len__(self) -> int:
        return len(self._pauses)

    def __iter__(self) -> Iterator[Pause]:
        return iter(self._pauses.values())

    def has(self, campaign: str, destination: str) -> bool:
        """Whether just this is paused."""
        return (campaign, destination) in self._pauses

    def put(self, pause: Pause) -> None:
        """Pause, or say it anew."""
        self._pauses[pause.campaign, pause.destination] = pause

    def remove(self, campaign: str, destination: str) -> Pause | None:
        """Pause no longer; None: it was not paused."""
        return self._pauses.pop((campaign, destination), None)

    def in_the_way(self, campaigns: Iterable[str], destination: str | None) -> CapExceeded | None:
        """Why a leg is not called that counts for these campaigns; None: nothing is paused."""
        place = destination or ""
        for campaign in campaigns:
            for whose, where in ((campaign, ""), (campaign, place), ("", place)):
                pause = self._pauses.get((whose, where))
                if pause is not None:
                    return _exceeded(pause, campaign)
        return None


def _exceeded(pause: Pause, campaign: str) -> CapExceeded:
    return CapExceeded(
        cap=PAUSED,
        campaign=campaign,
        scope=pause.destination or campaign,
        limit="0",
        over=None,
        why=pause.why or f"paused by {pause.by}",
        elsewhere=bool(pause.destination),
    )
