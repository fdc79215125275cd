"""Legs that are heard, for tests of stages: what is told of them is kept in a list."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from config.model import Campaign
from softswitch.hearing.ear import Ear
from softswitch.hearing.heard import FRAME, Heard

__all__ = ["FRAME_NS", "HeardCall", "HeardLeg", "ear", "one_frame"]

FRAME_NS = 20_000_000


class HeardCall:
    """A call that remembers what was emitted."""

    def __init__(self, campaign: Campaign | None = None) -> None:
        self.campaign = campaign or Campaign(name="c", treatment="t")
        self.told: list[Any] = []
        self.caller = HeardLeg(self, "a", "calling")
        self.callee = HeardLeg(self, "b1", "called")
        self.bridged = False

    def emit(self, kind: Any, **facts: Any) -> None:
        self.told.append(kind(call_id="c", number=1, at=0.0, clock=0.0, **facts))

    def other_leg(self, leg: HeardLeg) -> HeardLeg | None:
        if not self.bridged:
            return None
        return self.callee if leg is self.caller else self.caller


class HeardLeg:
    """A leg as far as stages look at it."""

    def __init__(self, call: HeardCall, leg_id: str, side: str) -> None:
        self.call = call
        self.leg_id = leg_id
        self.side = side
        self.answered_clock: float | None = None
        self.ended = False
        self.player = SimpleNamespace(played=())


def ear(slot: int, leg: HeardLeg) -> Ear:
    """The ear of a leg of a call that was received at monotonic zero."""
    return Ear(slot, cast("Any", leg), leg.call.campaign, 0)


def one_frame(
    frames: dict[int, NDArray[np.int16] | None], positions: dict[int, int], now_ns: int
) -> Heard:
    """A round: a frame a slot, None where nothing arrived; all began 20 ms before `now_ns`."""
    slots = np.array(list(frames), np.intp)
    silence = np.zeros(FRAME, np.int16)
    return Heard(
        slots,
        np.stack([silence if frame is None else frame for frame in frames.values()]),
        np.stack([np.full(FRAME, frame is not None) for frame in frames.values()]),
        np.array([positions[slot] for slot in frames], np.int64),
        np.full(len(slots), now_ns - FRAME_NS, np.int64),
        now_ns,
    )
