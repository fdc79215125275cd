"""Calls, legs and a clock for stages that are measured faster than time goes, without SIP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from config.model import Campaign
from softswitch.call.end_hold import EndHold
from softswitch.hearing.ear import Ear
from softswitch.hearing.heard import FRAME, Heard

__all__ = ["FRAME_NS", "StandInCall", "VirtualLoop", "round_of"]

FRAME_NS = 20_000_000


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop whose time is what it is told."""

    def __init__(self) -> None:
        self.clock = 1000.0
        super().__init__()

    def time(self) -> float:
        """Told, not read."""
        return self.clock


class StandInCall:
    """A call with one leg, which was just answered; events go to `tell`."""

    def __init__(
        self, slot: int, answered: float, campaign: Campaign, tell: Callable[[Any, Any], None]
    ) -> None:
        self.call = self
        self.slot = slot
        self.leg_id = "b1"
        self.side = "called"
        self.answered = True
        self.ended = False
        self.answered_clock = answered
        self.player = SimpleNamespace(played=())
        """Nothing is played to it."""
        self._tell = tell
        self.ear = Ear(slot, cast("Any", self), campaign, int(answered * 1e9))

    def emit(self, kind: Any, **facts: Any) -> None:
        """An event of the call."""
        self._tell(self, kind(call_id="", number=1, at=0.0, clock=0.0, **facts))

    def hold_end(self, what: str) -> EndHold:
        """Nobody waits for its end."""
        return EndHold(what, lambda _hold: None)

    def secret_during(self, _start: float, _end: float) -> bool:
        """Nothing is secret."""
        return False

    def other_leg(self, _leg: object) -> None:
        """There is none."""

    def on_digit(self, digit: str, source: str) -> None:
        """Nobody asked for keys."""

    def on_tone(self, tone: str) -> None:
        """Nor for tones."""

    def on_fax(self, tone: str) -> None:
        """Nor for faxes."""


def round_of(
    frames: NDArray[np.int16], lost: NDArray[np.bool_], position: int, start_ns: int
) -> Heard:
    """A frame [M, 160] of each of M legs, slots 0 to M - 1, some of them lost."""
    count = len(frames)
    valid = np.repeat(~lost[:, None], FRAME, axis=1)
    return Heard(
        np.arange(count),
        np.where(valid, frames, np.int16(0)),
        valid,
        np.full(count, position, np.int64),
        np.full(count, start_ns, np.int64),
        start_ns + FRAME_NS,
    )
