"""What is in the sound of many legs: keys, fax tones, call progress, beeps, tones that stay.

The native detectors see one frame of each leg a round; here bursts and pauses become cadences, and
what was told of a leg is not told again. Which leg that is, and what follows from it, is not known
here.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from media.detection._detectors import Detectors
from media.detection.cadence import (
    FREQUENCIES,
    MAX_SEGMENTS,
    PAUSE,
    Sounded,
    burst,
    name_cadence,
)
from media.detection.signs import Sign, SignKind

__all__ = ["ToneDetectors"]

Flags = NDArray[np.bool_]
CADENCE = (SignKind.BURST, SignKind.PAUSE)


class ToneDetectors:
    """Listens to the legs in its slots, to each for what is wanted of it."""

    def __init__(self) -> None:
        self._native = Detectors(FREQUENCIES)
        self._segments: dict[int, list[Sounded]] = {}
        """Of slots that sounded; bounded by the slots, and each by MAX_SEGMENTS."""
        self._progress_told: dict[int, str] = {}
        self._countries: dict[int, str] = {}

    def open(
        self,
        slot: int,
        *,
        country: str = "",
        keys: bool = False,
        fax: bool = False,
        progress: bool = False,
        beep: bool = False,
    ) -> None:
        """Another leg has this slot, whose far end is likely in this country."""
        self._native.open(slot, keys=keys, fax=fax, progress=progress, beep=beep)
        self._segments.pop(slot, None)
        self._progress_told.pop(slot, None)
        self._countries[slot] = country

    def want(
        self,
        slot: int,
        *,
        keys: bool = False,
        fax: bool = False,
        progress: bool = False,
        beep: bool = False,
    ) -> None:
        """What the leg in this slot is listened to for from now on."""
        self._native.want(slot, keys=keys, fax=fax, progress=progress, beep=beep)

    def hear(
        self,
        slots: NDArray[np.intp],
        samples: NDArray[np.int16],
        valid: Flags,
        positions: NDArray[np.int64],
        power: NDArray[np.float32],
    ) -> tuple[Flags, Flags, list[Sign]]:
        """One frame of M legs: (whether a tone carries it, whether a beep is over and it is quiet,
        what was recognised).

        `samples` and `valid` [M, 160]: zero where nothing arrived, and whether it did; `positions`
        [M] of the frames on the legs' timelines; `power` [M] mean square of the samples in -1..1.
        """
        tonal, beep, signs = self._native.hear(slots, samples, valid, positions, power)
        return tonal, beep, list(self._named(signs)) if signs else signs

    def _named(self, signs: Iterable[Sign]) -> Iterable[Sign]:
        for sign in signs:
            if sign.kind in CADENCE:
                name = self._cadence(sign)
                if name is None:
                    continue
                sign = Sign(sign.slot, SignKind.PROGRESS, name)
            if sign.kind is not SignKind.PROGRESS or self._is_news(sign.slot, sign.name):
                yield sign

    def _cadence(self, sign: Sign) -> str | None:
        """What is known by this burst or pause and those before it."""
        if sign.kind is SignKind.BURST:
            sounded = burst(sign.milliseconds, sign.shares)
        else:
            sounded = Sounded(sign.milliseconds, PAUSE)
        segments = self._segments.setdefault(sign.slot, [])
        if not sounded.chords:
            # Speech or music: what was before it is no part of a cadence any more.
            segments.clear()
            return None
        segments.append(sounded)
        del segments[:-MAX_SEGMENTS]
        return name_cadence(segments, self._countries.get(sign.slot, ""))

    def _is_news(self, slot: int, name: str) -> bool:
        """Whether it is another tone than the one told last. What was taken for busy or reorder
        stays it: some networks' busy is others' reorder, to a few milliseconds."""
        before = self._progress_told.get(slot)
        if name == before or {name, before} == {"busy", "reorder"}:
            return False
        self._progress_told[slot] = name
        return True
