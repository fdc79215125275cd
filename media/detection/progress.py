"""Call progress heard on a leg that is being called: ringback, busy, reorder, SIT, silence.

Any plan of `media.tones` may be at the far end: a tone is told by its cadence and by the presence
of the plan's frequencies, those of the preferred country first where plans contradict each other.
440 and 480 Hz are 40 Hz apart, 20 ms tell 50: the complex outputs of five frames in a row, turned
to a common origin, add up to the exact transform of 100 ms, which tells 10 Hz.

Which leg that is, and what follows from it, is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media import SAMPLE_RATE
from media.detection.bank import FRAME, PROGRESS_TONES, QUIET, Bank, BankFrames
from media.detection.cadence import (
    FREQUENCIES,
    MAX_SEGMENTS,
    PAUSE,
    Sounded,
    burst,
    name_cadence,
)
from media.detection.slots import SlotState

__all__ = ["ProgressDetector"]

_MS: Final = SAMPLE_RATE // 1000
_NEVER: Final = -(1 << 40)

_GATE: Final = 0.3
"""Share of a frame's energy in one tone of the bank: 440 and 480 Hz together leave 0.4 of it when
their beat is at its lowest."""
_DROPOUT: Final = 70 * _MS
"""A pause up to this is none: lost packets, and the troughs of modulated tones. The shortest of a
cadence is 167 ms."""
_BLOCK: Final = 5
"""Frames in a row that are transformed together: 100 ms."""
_FIRST: Final = -1
"""The first frame of a burst may be only half tone: it is in no block."""

# E.180 section 7: each tone 330 +-70 ms, up to 30 ms apart. North America's are 276 or 380 ms, and
# up to 40 Hz off.
_SIT_BANDS: Final = ((890.0, 1010.0), (1340.0, 1460.0), (1740.0, 1840.0))
_SIT_SHARE: Final = 0.7
_SIT_LASTS: Final = 200 * _MS
_SIT_LAST_LASTS: Final = 140 * _MS
"""So much of the third one must have been heard."""
_SIT_APART: Final = 110 * _MS

SILENCE_LASTS: Final = 5500 * _MS
"""Five seconds and more: the longest pause of a ringing tone is five."""
_SILENT: Final = 1e-5
"""-50 dBFS: whatever it is, it is not heard."""
_STEADY: Final = 8.0
"""Noise whose frames are within 9 dB of each other is silence too ..."""
_NOISE: Final = 1e-3
"""... up to -30 dBFS; what is louder is music."""


class ProgressDetector:
    """Follows the cadence of many legs; each slot has a preferred country."""

    def __init__(self) -> None:
        self._bank = Bank(FREQUENCIES)
        width = len(FREQUENCIES)
        self._state = SlotState(
            width,
            start=(np.int64, _NEVER),  # of the burst
            last=(np.int64, _NEVER),  # frame of a burst
            sounding=(np.bool_, False),
            block_each=(np.complex64, 0),  # sum of the frames of a block
            blocked=(np.int8, 0),  # frames in it
            power_each=(np.float32, 0),  # of whole blocks
            energy=(np.float32, 0.0),
            block_energy=(np.float32, 0.0),
            silent_since=(np.int64, _NEVER),
            softest=(np.float32, 0.0),
            loudest=(np.float32, 0.0),
            sit=(np.int8, -1),  # which of its tones sounds
            sit_start=(np.int64, _NEVER),
            sit_last=(np.int64, _NEVER),
        )
        self._segments: dict[int, list[Sounded]] = {}
        """Of slots that sounded; bounded by the slots, and each by MAX_SEGMENTS."""
        self._told: dict[int, str] = {}
        self._countries: dict[int, str] = {}

    def grow(self, slots: int) -> None:
        """Have room for so many slots."""
        self._state.grow(slots)

    def reset(self, slot: int, country: str = "") -> None:
        """Another leg has this slot, whose far end is likely in this country."""
        self._state.reset(slot)
        self._segments.pop(slot, None)
        self._told.pop(slot, None)
        self._countries.pop(slot, None)
        if country:
            self._countries[slot] = country

    def hear(
        self,
        slots: NDArray[np.intp],
        frames: BankFrames,
        rows: NDArray[np.intp],
        positions: NDArray[np.int64],
        dominant: NDArray[np.float32],
    ) -> list[tuple[int, str]]:
        """(slot, tone) where a tone was recognised that is another than the one before.

        `rows` [C] of the frames' legs, of which all else is given [C]; none of them is missing.
        `dominant` [2, C]: frequency and share of the tone that carries each frame.
        """
        power = frames.power[rows]
        sounds = frames.tones[PROGRESS_TONES][:, rows].max(axis=0) > _GATE * power
        sounds &= power > QUIET
        found = [
            *self._end_bursts(slots, positions, sounds),
            *self._sound(slots[sounds], frames.floats[rows[sounds]], positions[sounds]),
            *self._hear_sit(slots, positions, *dominant),
            *self._hear_silence(slots, positions, power, sounds),
        ]
        return [one for one in found if self._is_news(*one)]

    def _is_news(self, slot: int, name: str) -> bool:
        """Whether it is another tone than the one told last. What was taken for busy or reorder
        stays it: some networks' busy is others' reorder, to a few milliseconds."""
        before = self._told.get(slot)
        if name == before or {name, before} == {"busy", "reorder"}:
            return False
        self._told[slot] = name
        return True

    def _end_bursts(
        self,
        slots: NDArray[np.intp],
        positions: NDArray[np.int64],
        sounds: NDArray[np.bool_],
    ) -> Iterable[tuple[int, str]]:
        """Bursts that are over: the tone has been away for longer than a dropout."""
        state = self._state
        away = positions + np.where(sounds, 0, FRAME) - (state["last"][slots] + FRAME) > _DROPOUT
        for slot in slots[state["sounding"][slots] & away]:
            state["sounding"][slot] = False
            length = state["last"][slot] + FRAME - state["start"][slot]
            energy = max(float(state["energy"][slot]), 1e-12)
            shares = [float(one) / energy for one in state["power_each"][slot]]
            yield from self._add(int(slot), burst(float(length) / _MS, shares))

    def _add(self, slot: int, sounded: Sounded) -> Iterable[tuple[int, str]]:
        segments = self._segments.setdefault(slot, [])
        if not sounded.chords:
            # Speech or music: what was before it is no part of a cadence any more.
            segments.clear()
            return []
        segments.append(sounded)
        del segments[:-MAX_SEGMENTS]
        name = name_cadence(segments, self._countries.get(slot, ""))
        return [] if name is None else [(slot, name)]

    def _sound(
        self, at: NDArray[np.intp], floats: NDArray[np.float32], positions: NDArray[np.int64]
    ) -> list[tuple[int, str]]:
        """Go on with bursts and begin new ones, at whose beginning the pause is known."""
        if at.size == 0:
            return []
        state = self._state
        found: list[tuple[int, str]] = []
        new = ~state["sounding"][at]
        for slot, position in zip(at[new], positions[new], strict=True):
            last = int(state["last"][slot])
            if last != _NEVER:
                pause = (int(position) - last - FRAME) / _MS
                found += self._add(int(slot), Sounded(pause, PAUSE))
        fresh = at[new]
        state["sounding"][fresh] = True
        state["start"][fresh] = positions[new]
        state["power_each"][fresh] = 0
        state["energy"][fresh] = 0
        apart = new | (positions - state["last"][at] != FRAME)
        state["blocked"][at[apart]] = _FIRST
        state["last"][at] = positions
        self._add_block(at, floats, positions)
        return found

    def _add_block(
        self, at: NDArray[np.intp], floats: NDArray[np.float32], positions: NDArray[np.int64]
    ) -> None:
        state, count = self._state, len(FREQUENCIES)
        parts = self._bank.transform(floats)
        turn = np.outer(positions, np.array(FREQUENCIES) * (-2j * np.pi / SAMPLE_RATE))
        waves = (parts[:count] + 1j * parts[count:]).T * np.exp(turn)
        clean = state["blocked"][at] > 0
        state["block_each"][at] = np.where(clean[:, None], state["block_each"][at], 0) + waves
        energy = np.einsum("cn,cn->c", floats, floats) / FRAME
        state["block_energy"][at] = np.where(clean, state["block_energy"][at], 0) + energy
        state["blocked"][at] += 1
        whole = at[state["blocked"][at] >= _BLOCK]
        if whole.size:
            block = np.abs(state["block_each"][whole]) ** 2 / _BLOCK
            state["power_each"][whole] += block
            state["energy"][whole] += state["block_energy"][whole]
            state["blocked"][whole] = 0

    def _hear_sit(
        self,
        slots: NDArray[np.intp],
        positions: NDArray[np.int64],
        frequency: NDArray[np.float32],
        share: NDArray[np.float32],
    ) -> list[tuple[int, str]]:
        """Three tones, one after the other. A row a step: they are rare."""
        found = []
        for row in np.flatnonzero(share >= _SIT_SHARE):
            band = _sit_band(float(frequency[row]))
            slot = int(slots[row])
            if band is not None and self._step_sit(slot, int(positions[row]), band):
                found.append((slot, "sit"))
        return found

    def _step_sit(self, slot: int, position: int, band: int) -> bool:
        state = self._state
        step, last = int(state["sit"][slot]), int(state["sit_last"][slot])
        start = int(state["sit_start"][slot])
        goes_on = position - last <= FRAME + _SIT_APART
        if not (goes_on and band == step):
            lasted = last + FRAME - start >= _SIT_LASTS
            follows = goes_on and band == step + 1 and lasted
            state["sit"][slot] = band if follows or band == 0 else -1
            state["sit_start"][slot] = start = position
        state["sit_last"][slot] = position
        return int(state["sit"][slot]) == 2 and position + FRAME - start >= _SIT_LAST_LASTS

    def _hear_silence(
        self,
        slots: NDArray[np.intp],
        positions: NDArray[np.int64],
        power: NDArray[np.float32],
        sounds: NDArray[np.bool_],
    ) -> list[tuple[int, str]]:
        state = self._state
        softest = np.minimum(state["softest"][slots], power)
        loudest = np.maximum(state["loudest"][slots], power)
        silent = (loudest <= _SILENT) | (loudest <= np.minimum(_STEADY * softest, _NOISE))
        silent &= ~sounds & (state["silent_since"][slots] != _NEVER)
        state["silent_since"][slots] = np.where(silent, state["silent_since"][slots], positions)
        state["softest"][slots] = np.where(silent, softest, power)
        state["loudest"][slots] = np.where(silent, loudest, power)
        long_enough = positions + FRAME - state["silent_since"][slots] >= SILENCE_LASTS
        return [(int(slot), "silence") for slot in slots[long_enough]]


def _sit_band(frequency: float) -> int | None:
    for band, (lowest, highest) in enumerate(_SIT_BANDS):
        if lowest <= frequency <= highest:
            return band
    return None
