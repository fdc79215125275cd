"""How each leg sounds, told while the call talks and once for its whole life: the quality stage.

Reads what the media engine has counted, never the sound: packets missing and in how many stretches,
jitter, and what the peer's RTCP said of what it hears of us. What the numbers mean is
`rtp.quality`'s. A listener that conceals lost packets is assumed, as nearly all do.
"""

from __future__ import annotations

from collections import OrderedDict

from rtp.engine import PortStatistics
from rtp.quality import burst_ratio, mean_opinion_score, mouth_to_ear_ms, rating
from softswitch.call.events import QualityMeasured
from softswitch.hearing.ear import Ear
from softswitch.hearing.heard import Heard
from softswitch.hearing.stage import NEVER_SHED

__all__ = ["QualityStage"]

NS_PER_SECOND = 1_000_000_000

NOT_AGREED = "bad_payload_type"
"""Why the engine drops such a packet."""

MAX_TOLD_A_TICK = 50
"""Legs told of in one tick: a thousand legs that were opened together are spread over some ticks.
It takes a fraction of a millisecond."""


class _Watched:
    """A leg, what was counted on it when it was last told of, and when it is told of again."""

    __slots__ = ("before", "due_ns", "ear")

    def __init__(self, ear: Ear, before: PortStatistics | None, due_ns: int) -> None:
        self.ear = ear
        self.before = before
        self.due_ns = due_ns


class QualityStage:
    """Tells the quality of all legs."""

    name = "quality"
    shed_at = NEVER_SHED

    def __init__(self, seconds: float) -> None:
        """Tell of a bridged call every so many seconds; 0: only of each leg, at its end."""
        self._period_ns = round(seconds * NS_PER_SECOND)
        self._watched: OrderedDict[int, _Watched] = OrderedDict()
        """By slot, in the order in which they are due."""
        self._now_ns = 0

    def open(self, ear: Ear) -> None:
        """A leg is heard from now on: its first packet is there."""
        if self._period_ns:
            began_ns = max(self._now_ns, ear.opened_ns)
            self._watched[ear.slot] = _Watched(ear, None, began_ns + self._period_ns)

    def changed(self, ear: Ear) -> None:
        """No campaign has wishes of its own."""

    def hear(self, heard: Heard) -> None:
        """The sound itself says nothing here."""

    def close(self, ear: Ear) -> None:
        """The leg is over: tell how it was as a whole."""
        self._watched.pop(ear.slot, None)
        counted = _counts(ear)
        if counted is not None:
            _tell(ear, counted, None, last=True)

    def after(self, now_ns: int) -> None:
        """Tell of those that are due."""
        self._now_ns = now_ns
        for _ in range(MAX_TOLD_A_TICK):
            watched = next(iter(self._watched.values()), None)
            if watched is None or watched.due_ns > now_ns:
                return
            self._look_at(watched)
            watched.due_ns = now_ns + self._period_ns
            self._watched.move_to_end(watched.ear.slot)

    def _look_at(self, watched: _Watched) -> None:
        ear, before = watched.ear, watched.before
        if ear.leg.ended:
            return  # what there is to tell is told when its ear closes
        watched.before = _counts(ear)
        if watched.before is not None and ear.call.other_leg(ear.leg) is not None:
            _tell(ear, watched.before, before, last=False)


def _counts(ear: Ear) -> PortStatistics | None:
    """What was counted on the leg until now, or until its end."""
    return None if ear.leg.media is None else ear.leg.media.port.statistics()


def _tell(ear: Ear, now: PortStatistics, before: PortStatistics | None, *, last: bool) -> None:
    """Tell of the time between two looks; of one in which nothing was to come there is nothing to
    tell."""
    # A packet that comes late was lost before and is not any more.
    lost = max(0, _missing(now) - (0 if before is None else _missing(before)))
    received = now.packets_received - (0 if before is None else before.packets_received)
    runs = now.loss_runs - (0 if before is None else before.loss_runs)
    expected = lost + received
    if expected <= 0:
        return
    bursts = burst_ratio(lost, runs, expected)
    late = now.late - (0 if before is None else before.late)
    unheard = min(1.0, (lost + late) / expected)
    score = _score(ear, now, unheard, bursts, now.jitter_ms)
    ear.call.emit(
        QualityMeasured,
        leg=ear.leg_id,
        mos=score,
        mos_far=_far_score(ear, now, last=last),
        loss=round(lost / expected, 5),
        burst_ratio=round(bursts, 2),
        jitter_ms=round(now.jitter_ms, 3),
        round_trip_ms=None if now.round_trip_ms is None else round(now.round_trip_ms, 3),
        last=last,
    )


def _missing(counted: PortStatistics) -> int:
    """What was lost. What came and is of no kind that was agreed on was not."""
    return max(0, counted.lost - counted.dropped.get(NOT_AGREED, 0))


def _far_score(ear: Ear, now: PortStatistics, *, last: bool) -> float | None:
    """What the peer hears of us, as its last report says; a report tells of no bursts."""
    loss = now.remote_fraction_lost
    if loss is None or now.remote_jitter_ms is None:
        return None
    if last and now.remote_lost is not None and now.packets_sent:
        loss = max(0, now.remote_lost) / now.packets_sent
    return _score(ear, now, loss, 1.0, now.remote_jitter_ms)


def _score(ear: Ear, now: PortStatistics, loss: float, bursts: float, jitter_ms: float) -> float:
    media = ear.leg.media
    agreement = None if media is None else media.agreement
    ptime_ms = 20.0 if agreement is None else float(agreement.ptime_ms)
    delay = mouth_to_ear_ms(now.round_trip_ms, jitter_ms, ptime_ms)
    return round(mean_opinion_score(rating(loss, delay, bursts)), 2)
