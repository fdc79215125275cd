"""How likely each frame is voice: by loudness on all legs, by a better detector on those where what
is said matters.

The better ones are optional packages; where one is missing, loudness does, and one line of the log
says so. Loading takes a while and happens beside the loop; loudness does until then.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

import numpy as np
from numpy.typing import NDArray

from config.model import VoiceActivity
from media.voice.energy import EnergyActivity, level_of
from media.voice.rows import FIRST_ROWS, grown
from media.voice.silero import SileroActivity, SileroMissing, find_model, load_silero
from media.voice.webrtc import WebrtcActivity, WebrtcMissing
from softswitch.hearing.heard import FRAME, Heard

__all__ = ["Activity"]

logger = logging.getLogger(__name__)

MAX_CLOSE_LEGS: Final = 400
"""Legs heard by the network at once: each costs 10 to 25 us a tick of 20 ms while it is loud, which
half of them are, so this is a quarter of a core. Those beyond are heard by loudness."""
SLEEP_FRAMES: Final = 25
"""After half a second in which nothing stood out of the noise the network is not asked, until
something does: a leg costs it only while there is something to be heard."""
CHEAPER_AT: Final = 2
"""Level of overload from which on loudness does for all."""
FADE: Final = 0.8
"""What is left of a voice with every frame that was lost: three lost in a row still bridge a
word."""
FORGET_FRAMES: Final = 50
"""After a second in which nothing was sent the network begins anew."""


class Activity:
    """Probability of voice for many legs, by up to two detectors."""

    def __init__(self, loop: asyncio.AbstractEventLoop, kind: VoiceActivity) -> None:
        self._loop = loop
        self._kind = kind
        self._energy = EnergyActivity()
        self._network: SileroActivity | None = None
        self._light = self._load_light() if kind == "webrtc" else None
        self._loading: asyncio.Future[None] | None = None
        self._rows = FIRST_ROWS
        self._close = np.zeros(FIRST_ROWS, np.bool_)
        self._closely = 0
        """Legs heard closely now."""
        self._last = np.zeros(FIRST_ROWS, np.float32)
        self._still = np.zeros(FIRST_ROWS, np.int32)
        """[rows] frames since something stood out of the noise, of legs heard closely."""

    @property
    def floor_db(self) -> NDArray[np.float32]:
        """[rows] noise of each leg."""
        return self._energy.floor_db

    @property
    def engine(self) -> str:
        """What listens closely: silero, webrtc or energy."""
        if self._network is not None:
            return "silero"
        return "energy" if self._light is None else "webrtc"

    def grow(self, rows: int) -> None:
        """Make room for slots below `rows`."""
        self._rows = rows
        self._energy.grow(rows)
        if self._network is not None:
            self._network.grow(rows)
        self._close = grown(self._close, rows, False)
        self._last = grown(self._last, rows, 0)
        self._still = grown(self._still, rows, 0)

    def reset(self, slot: int) -> None:
        """Forget what was in a slot; it is heard by loudness only."""
        self._energy.reset(slot)
        self._set_close(slot, False)
        self._last[slot] = 0

    def listen_closely(self, slot: int, closely: bool) -> None:
        """Whether what is said on this leg matters."""
        if self._kind == "energy" or closely == self._close[slot]:
            return
        if closely and self._closely >= MAX_CLOSE_LEGS:
            return
        self._set_close(slot, closely)
        if closely and self._kind in {"auto", "silero"}:
            self.load()

    def load(self) -> asyncio.Future[None] | None:
        """Begin to load the network, if that has not happened; done when it is, or cannot be."""
        if self._loading is None and self._kind in {"auto", "silero"}:
            self._loading = asyncio.ensure_future(self._load_network())
        return self._loading

    def hear(
        self,
        heard: Heard,
        counted: NDArray[np.bool_],
        tonal: NDArray[np.bool_] | None,
        skipped: NDArray[np.int64] | None,
    ) -> NDArray[np.float32]:
        """[M] 0 to 1. `counted`: enough of the frame arrived and no tone carries it."""
        slots = heard.slots
        self._energy.turn(heard.now_ns)
        if counted.all():
            likely = self._energy.hear(slots, level_of(_power(heard)))
        else:
            likely = self._last[slots] * np.float32(FADE)
            if tonal is not None:
                likely[tonal] = 0
            level = level_of(_power(heard)[counted])
            likely[counted] = self._energy.hear(slots[counted], level)
        if self._closely and heard.level < CHEAPER_AT:
            closely = np.flatnonzero(counted & self._close[slots])
            if len(closely):
                self._hear_closely(heard, closely, likely, skipped)
        self._last[slots] = likely
        return likely

    def _hear_closely(
        self,
        heard: Heard,
        rows: NDArray[np.intp],
        likely: NDArray[np.float32],
        skipped: NDArray[np.int64] | None,
    ) -> None:
        slots = heard.slots[rows]
        still = np.where(likely[rows] > 0, 0, np.minimum(self._still[slots] + 1, SLEEP_FRAMES + 1))
        self._still[slots] = still
        lost = still == SLEEP_FRAMES
        if skipped is not None:
            lost |= skipped[rows] >= FORGET_FRAMES
        for slot in slots[lost]:
            self._forget(int(slot))
        awake = still < SLEEP_FRAMES
        if not awake.all():
            rows, slots = rows[awake], slots[awake]
        if not len(rows):
            return
        if self._network is not None:
            likely[rows] = self._network.hear(slots, heard.floats_of(rows))
        elif self._light is not None:
            likely[rows] = self._light.hear(slots, heard.samples[rows])

    def _set_close(self, slot: int, closely: bool) -> None:
        self._closely += int(closely) - int(self._close[slot])
        self._close[slot] = closely
        self._still[slot] = 0
        self._forget(slot)

    def _forget(self, slot: int) -> None:
        if self._network is not None:
            self._network.reset(slot)
        if self._light is not None:
            self._light.reset(slot)

    def _load_light(self) -> WebrtcActivity | None:
        try:
            return WebrtcActivity()
        except WebrtcMissing as missing:
            logger.warning("voice activity by loudness alone: %s", missing)
            return None

    async def _load_network(self) -> None:
        try:
            network = await self._loop.run_in_executor(None, _load)
        except SileroMissing as missing:
            logger.warning("voice activity by loudness alone: %s", missing)
            return
        if self._rows > FIRST_ROWS:
            network.grow(self._rows)
        self._network = network


def _load() -> SileroActivity:
    return load_silero(find_model())


def _power(heard: Heard) -> NDArray[np.float32]:
    """Mean square of what has arrived of each frame."""
    if heard.whole.all():
        return heard.power
    arrived = np.maximum(np.count_nonzero(heard.valid, axis=1), 1)
    return np.asarray(heard.power * (np.float32(FRAME) / arrived), np.float32)
