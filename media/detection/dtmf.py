"""Keys heard in the sound: ITU-T Q.24, for many legs at once.

A frame that may hold a pair of Q.23's frequencies is fitted with that pair in halves of 10 ms:
least squares, so that the two tones do not disturb each other. How much of the energy the pair
carries tells tones from speech, the phase between the halves tells the frequency, and the strength
of each half how long the tone was there, to a few milliseconds. Where a packet is missing a tone
goes on as it was. A key is told once, when it has lasted.

Who pressed it, and whether it was told another way too, is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media import SAMPLE_RATE
from media.detection.bank import (
    DTMF_HIGH,
    DTMF_LOW,
    FRAME,
    HALF,
    HIGH_GROUP,
    LOW_GROUP,
    BankFrames,
    kept_when_off,
    mean_square_of_dbm0,
)
from media.detection.slots import SlotState

__all__ = ["KEYS", "DtmfDetector"]

KEYS: Final = "123A456B789C*0#D"

_NONE: Final = -1
_HALF_MS: Final = 10.0

LEAST_TONE_MS: Final = 28.0
"""Q.24: 40 ms must be taken, administrations have less than 20 to 23 ms refused; what is measured
in noise spreads by a few milliseconds."""
LEAST_PAUSE_MS: Final = 15.0
"""Q.24: an interruption of 10 ms parts no key, a pause of 40 ms does, of which a frame may be
lost."""
_LEAST_PURE_HALVES: Final = 3
"""In 40 ms there are three whole halves; two will do where packets are missing."""
LEAST_TONE: Final = mean_square_of_dbm0(-32.0)
"""Of one frequency. Q.24: -24 to -29 dBm0 at least must be taken."""
MAX_FREQUENCY_ERROR: Final = 0.022
"""Q.24: 1.5 % (and 2 Hz) off must be taken, 3.5 % off must not."""
_LEAST_TWIST: Final = float(10 ** (-7.0 / 10))
_MOST_TWIST: Final = float(10 ** (11.0 / 10))
"""Low over high frequency in power. Q.24: the high one up to 4 dB stronger or the low one up to 8
dB (AT&T's figures, the widest) must be taken."""
# A frame of which three fifths are a key, off by 1.5 % and in noise 10 dB below, passes the gate.
_GATE_SHARE: Final = 0.28
_GATE_TWIST: Final = float(10 ** (16 / 10))
"""_MOST_TWIST, and what a high tone loses in 20 ms when it is off by 1.5 %."""
_LEAST_SHARE: Final = 0.75
"""Of a half's energy that the pair must carry, its frequencies as found: 0.91 in noise 10 dB
below."""
_PRESENT: Final = 0.5
"""A half with less of the tone's amplitude than this counts as pause."""
_FULL: Final = 0.8
"""A half with less of the tone's amplitude than this is not all tone: nothing is judged by it."""
_MASKED_SHARE: Final = 0.1
"""A half of which more samples than this are missing says nothing."""


def _fits() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Least squares of each key's pair over half a frame: ([16, 80, 4] cos, sin of the low and of
    the high frequency; [16, 4, 4] their products, for the fit's mean square)."""
    time = np.arange(HALF) / SAMPLE_RATE
    fits, products = [], []
    for low in LOW_GROUP:
        for high in HIGH_GROUP:
            angles = 2 * np.pi * np.outer((low, low, high, high), time)
            waves = np.cos(angles)
            waves[1::2] = np.sin(angles[1::2])
            fits.append(np.linalg.pinv(waves))
            products.append(waves @ waves.T / HALF)
    return np.array(fits, np.float32), np.array(products, np.float32)


_FITS, _PRODUCTS = _fits()
_FREQUENCIES: Final = np.array(
    [(low, high) for low in LOW_GROUP for high in HIGH_GROUP], np.float32
)
# Turn of each key's frequencies over half a frame.
_TURNS: Final = np.exp(-2j * np.pi * _FREQUENCIES * HALF / SAMPLE_RATE).astype(np.complex64)


@dataclass(slots=True)
class _Halves:
    """Frames that are looked at, in halves."""

    key: NDArray[np.intp]
    """[C] index into KEYS."""
    amplitude: NDArray[np.float32]
    """[C, 2] of the pair."""
    pure: NDArray[np.bool_]
    """[C, 2] whether there is nothing but the pair, and it as a telephone would send it."""
    error: NDArray[np.float32]
    """[C, 2] how far the low and the high frequency are off, as a share."""
    masked: NDArray[np.bool_]
    """[C, 2] whether the half is missing."""

    def of(self, rows: NDArray[np.bool_]) -> _Halves:
        """Only these."""
        return _Halves(
            self.key[rows],
            self.amplitude[rows],
            self.pure[rows],
            self.error[rows],
            self.masked[rows],
        )


# What is known of a leg: a row of floats, so that one look-up has it all.
_KEY: Final = 0
_REFERENCE: Final = 1
"""Amplitude of the tone."""
_LASTED: Final = 2
"""Milliseconds, times amplitude."""
_ABSENT: Final = 3
"""Milliseconds of pause since it was last there."""
_PURE: Final = 4
"""Halves that were."""
_ERRORS: Final = slice(5, 7)
"""Sums of the frequencies' errors ..."""
_MEASURED: Final = 7
"""... and how many frames are in them."""
_UNHEARD: Final = 8
"""What of _LASTED is missing packets."""
_TOLD: Final = 9
_FRESH: Final = np.array([_NONE, 0, 0, 0, 0, 0, 0, 0, 0, 0], np.float32)

Legs = NDArray[np.float32]


class DtmfDetector:
    """Finds keys in the frames of the bank."""

    def __init__(self) -> None:
        self._state = SlotState(
            len(_FRESH),
            leg_each=(np.float32, _FRESH),
            masked=(np.bool_, False),  # whether the frame before is missing
        )
        self._any_masked = False

    def grow(self, slots: int) -> None:
        """Have room for so many slots."""
        self._state.grow(slots)

    def reset(self, slots: int | NDArray[np.intp]) -> None:
        """Forget what these slots heard: another leg, or a gap."""
        self._state.reset(slots)

    def active(self, slots: NDArray[np.intp]) -> NDArray[np.bool_]:
        """[M] whether there is a key, told or not, whose end is to be heard."""
        return np.asarray(self._state["leg_each"][slots, _KEY] != _NONE)

    def sounding(self, slots: NDArray[np.intp]) -> NDArray[np.bool_]:
        """[M] whether a key is down that was told."""
        return np.asarray(self._state["leg_each"][slots, _TOLD] != 0)

    def hear(self, slots: NDArray[np.intp], frames: BankFrames) -> list[tuple[int, str]]:
        """(slot, key) of each key that has lasted long enough in this frame."""
        rows, gated, best = self._rows_to_look_at(slots, frames)
        told = []
        if rows.size:
            told = self._follow(slots, frames, rows, gated, best)
        if frames.usable is not None or self._any_masked:
            self._keep_masked(slots, frames)
        return told

    def _rows_to_look_at(
        self, slots: NDArray[np.intp], frames: BankFrames
    ) -> tuple[NDArray[np.intp], NDArray[np.bool_], NDArray[np.intp]]:
        """Rows in which a pair is strong, or was: ([C], whether it is [C], which key [C])."""
        low, high = frames.tones[DTMF_LOW], frames.tones[DTMF_HIGH]
        strong_low, strong_high = low.max(axis=0), high.max(axis=0)
        gate = strong_low + strong_high > _GATE_SHARE * frames.power
        weak = np.minimum(strong_low, strong_high)
        gate &= weak > LEAST_TONE / 16
        gate &= weak * _GATE_TWIST > np.maximum(strong_low, strong_high)
        rows = np.flatnonzero(gate | self.active(slots))
        best = low[:, rows].argmax(axis=0) * 4 + high[:, rows].argmax(axis=0)
        return rows, gate[rows], best

    def _follow(
        self,
        slots: NDArray[np.intp],
        frames: BankFrames,
        rows: NDArray[np.intp],
        gated: NDArray[np.bool_],
        best: NDArray[np.intp],
    ) -> list[tuple[int, str]]:
        at = slots[rows]
        legs = self._state["leg_each"][at]
        before = legs[:, _KEY].astype(np.intp)
        halves = _measure(frames, rows, np.where(gated, best, before))
        live = before != _NONE
        worth = live | halves.pure.any(axis=1)
        if not worth.all():
            # Most of what passes the gate is speech.
            rows, at, legs, before, live = (one[worth] for one in (rows, at, legs, before, live))
            halves = halves.of(worth)
        if rows.size == 0:
            return []
        other = live & (halves.key != before)
        if other.any():
            strange = other & ~halves.pure.any(axis=1)
            # Noise at the end of a tone looks like some other key: stay with the one that was.
            halves = _measure(frames, rows, np.where(strange, before, halves.key))
            legs[other & ~strange] = _FRESH
        _begin(legs, halves, self._state["masked"][at])
        for half in (0, 1):
            _step(legs, halves, half)
        _add_errors(legs, halves)
        right = _right(legs)
        legs[right, _TOLD] = 1
        keys = legs[right, _KEY].astype(np.intp)
        legs[(legs[:, _ABSENT] >= LEAST_PAUSE_MS) | (legs[:, _KEY] == _NONE)] = _FRESH
        self._state["leg_each"][at] = legs
        return [(int(slot), KEYS[key]) for slot, key in zip(at[right], keys, strict=True)]

    def _keep_masked(self, slots: NDArray[np.intp], frames: BankFrames) -> None:
        missing = np.zeros(slots.size, np.bool_) if frames.usable is None else ~frames.usable
        self._state["masked"][slots] = missing
        self._any_masked = bool(self._state["masked"].any())


def _begin(legs: Legs, halves: _Halves, masked: NDArray[np.bool_]) -> None:
    """Legs that heard nothing before begin with a pure half; the reference is the strongest."""
    strongest = np.where(halves.masked, 0, halves.amplitude).max(axis=1)
    fresh = (legs[:, _KEY] == _NONE) & halves.pure.any(axis=1)
    if fresh.any():
        legs[fresh, _KEY] = halves.key[fresh]
        credit = np.where(masked[fresh], 2 * _HALF_MS, 0) * strongest[fresh]
        legs[fresh, _LASTED] = credit
        legs[fresh, _UNHEARD] = credit
    legs[:, _REFERENCE] = np.maximum(legs[:, _REFERENCE], strongest)


def _step(legs: Legs, halves: _Halves, half: int) -> None:
    """Go on by 10 ms."""
    amplitude = halves.amplitude[:, half]
    live = legs[:, _KEY] != _NONE
    unheard = live & halves.masked[:, half]
    live &= ~halves.masked[:, half]
    there = amplitude >= _PRESENT * legs[:, _REFERENCE]
    away = live & ~there
    there &= live
    again = there & (legs[:, _ABSENT] >= LEAST_PAUSE_MS)
    if again.any():
        _press_again(legs, again, halves.amplitude[again].max(axis=1))
    reference = legs[:, _REFERENCE]
    if unheard.any():
        added = np.where(unheard & (legs[:, _ABSENT] == 0), reference * _HALF_MS, 0)
        legs[:, _LASTED] += added
        legs[:, _UNHEARD] += added
    legs[:, _LASTED] += np.where(there, np.minimum(amplitude, reference) * _HALF_MS, 0)
    legs[:, _PURE] += there & halves.pure[:, half] & (amplitude >= _FULL * reference)
    gone = _HALF_MS * (1 - amplitude / np.maximum(reference, np.float32(1e-9)))
    legs[:, _ABSENT] = np.where(there, 0, legs[:, _ABSENT] + np.where(away, gone, 0))


def _press_again(legs: Legs, again: NDArray[np.bool_], reference: NDArray[np.float32]) -> None:
    """The same key after a pause."""
    key = legs[again, _KEY]
    legs[again] = _FRESH
    legs[again, _KEY] = key
    legs[again, _REFERENCE] = reference


def _add_errors(legs: Legs, halves: _Halves) -> None:
    """Both halves all tone: the phase between them tells the frequencies."""
    full = (halves.pure & ~halves.masked).all(axis=1)
    full &= halves.amplitude.min(axis=1) >= _FULL * legs[:, _REFERENCE]
    full &= legs[:, _KEY] != _NONE
    legs[full, _ERRORS] += halves.error[full]
    legs[full, _MEASURED] += 1


def _right(legs: Legs) -> NDArray[np.bool_]:
    """Whose key has lasted, and was not told yet."""
    right = legs[:, _LASTED] >= LEAST_TONE_MS * legs[:, _REFERENCE]
    right &= (legs[:, _KEY] != _NONE) & (legs[:, _TOLD] == 0)
    unheard = legs[:, _UNHEARD] > 0
    right &= legs[:, _PURE] + unheard >= _LEAST_PURE_HALVES
    most = MAX_FREQUENCY_ERROR * np.maximum(legs[:, _MEASURED], 1)
    right &= np.abs(legs[:, _ERRORS]).max(axis=1) <= most
    # Without two halves in a row there must be a lost packet to explain it.
    return np.asarray(right & ((legs[:, _MEASURED] > 0) | unheard))


def _measure(frames: BankFrames, rows: NDArray[np.intp], key: NDArray[np.intp]) -> _Halves:
    """Fit the keys' pairs to the halves of these rows."""
    halves = frames.floats[rows].reshape(-1, 2, HALF)
    fits = np.matmul(halves, _FITS[key])  # [C, half, 4]
    power = (np.matmul(fits, _PRODUCTS[key]) * fits).sum(axis=2)
    energy = np.einsum("chn,chn->ch", halves, halves) * np.float32(1 / HALF)
    waves = fits.view(np.complex64).conj()  # [C, half, tone]
    tones = np.square(fits[:, :, 0::2]) + np.square(fits[:, :, 1::2])
    tones *= np.float32(0.5)
    phase = np.angle(waves[:, 1] * waves[:, 0].conj() * _TURNS[key])
    error = phase * np.float32(SAMPLE_RATE / HALF / (2 * np.pi))
    # A tone that is off by so much leaves this share outside of the fit.
    kept = kept_when_off(error)
    low, high = tones[:, :, 0], tones[:, :, 1]
    whole = (low / kept[:, :1] + high / kept[:, 1:]) * power
    pure = whole >= _LEAST_SHARE * energy * (low + high)
    pure &= (low >= _LEAST_TWIST * high) & (low <= _MOST_TWIST * high)
    pure &= np.minimum(low, high) >= LEAST_TONE
    return _Halves(
        key=key,
        amplitude=np.sqrt(np.maximum(power, 0)),
        pure=pure,
        error=error / _FREQUENCIES[key],
        masked=_masked_halves(frames, rows),
    )


def _masked_halves(frames: BankFrames, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
    if frames.valid is None:
        return np.zeros((rows.size, 2), np.bool_)
    missing = FRAME // 2 - frames.valid[rows].reshape(-1, 2, HALF).sum(axis=2)
    return np.asarray(missing > _MASKED_SHARE * HALF)
