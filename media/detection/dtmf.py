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


class DtmfDetector:
    """Finds keys in the frames of the bank."""

    def __init__(self) -> None:
        self._state = SlotState(
            key=(np.int8, _NONE),
            reference=(np.float32, 0.0),  # amplitude of the tone
            lasted=(np.float32, 0.0),  # ms, times amplitude over reference
            absent=(np.float32, 0.0),  # ms of pause since it was last there
            pure=(np.int16, 0),  # halves
            error=(np.float32, (0.0)),  # sums of the frequencies' errors
            error_high=(np.float32, 0.0),
            measured=(np.int16, 0),  # frames in those sums
            unheard=(np.float32, 0.0),  # ms masked that count in `lasted`
            told=(np.bool_, False),
            masked=(np.bool_, False),  # whether the frame before is missing
        )
        self._active = 0
        self._any_masked = False

    def grow(self, slots: int) -> None:
        """Have room for so many slots."""
        self._state.grow(slots)

    def reset(self, slots: int | NDArray[np.intp]) -> None:
        """Forget what these slots heard: another leg, or a gap."""
        self._state.reset(slots)

    def active(self, slots: NDArray[np.intp]) -> NDArray[np.bool_]:
        """[M] whether there is a key, told or not, whose end is to be heard."""
        return np.asarray(self._state["key"][slots] != _NONE)

    def sounding(self, slots: NDArray[np.intp]) -> NDArray[np.bool_]:
        """[M] whether a key is down that was told."""
        return np.asarray(self._state["told"][slots])

    def hear(
        self, slots: NDArray[np.intp], frames: BankFrames, wanted: NDArray[np.bool_] | None = None
    ) -> list[tuple[int, str]]:
        """(slot, key) of each key that has lasted long enough in this frame."""
        rows, gated, best = self._rows_to_look_at(slots, frames, wanted)
        told = []
        if rows.size:
            told = self._follow(slots, frames, rows, gated, best)
        if frames.usable is not None or self._any_masked:
            self._keep_masked(slots, frames)
        return told

    def _rows_to_look_at(
        self, slots: NDArray[np.intp], frames: BankFrames, wanted: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.intp], NDArray[np.bool_], NDArray[np.intp]]:
        """Rows in which a pair is strong, or was: ([C], whether it is [C], which key [C])."""
        low, high = frames.tones[DTMF_LOW], frames.tones[DTMF_HIGH]
        strong_low, strong_high = low.max(axis=0), high.max(axis=0)
        gate = strong_low + strong_high > _GATE_SHARE * frames.power
        gate &= np.minimum(strong_low, strong_high) > LEAST_TONE / 16
        look = gate | (self._state["key"][slots] != _NONE)
        if wanted is not None:
            look &= wanted
        rows = np.flatnonzero(look)
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
        state, at = self._state, slots[rows]
        before = state["key"][at].astype(np.intp)
        halves = _measure(frames, rows, np.where(gated, best, before))
        live = before != _NONE
        worth = live | halves.pure.any(axis=1)
        if not worth.all():
            # Most of what passes the gate is speech.
            rows, at, before, live = rows[worth], at[worth], before[worth], live[worth]
            halves = halves.of(worth)
        if rows.size == 0:
            return []
        other = live & (halves.key != before)
        if other.any():
            strange = other & ~halves.pure.any(axis=1)
            # Noise at the end of a tone looks like some other key: stay with the one that was.
            halves = _measure(frames, rows, np.where(strange, before, halves.key))
            state.reset_keeping(at[other & ~strange], "masked")
        self._begin(at, halves)
        for half in (0, 1):
            self._step(at, halves, half)
        self._add_errors(at, halves)
        return self._tell(at)

    def _begin(self, at: NDArray[np.intp], halves: _Halves) -> None:
        """Rows that heard nothing before begin with a pure half; the reference follows the
        strongest."""
        state = self._state
        strongest = np.where(halves.masked, 0.0, halves.amplitude).max(axis=1)
        fresh = (state["key"][at] == _NONE) & halves.pure.any(axis=1)
        new = at[fresh]
        state["key"][new] = halves.key[fresh]
        credit = np.where(state["masked"][new], 2 * _HALF_MS, 0.0) * strongest[fresh]
        state["lasted"][new] = credit
        state["unheard"][new] = credit
        state["reference"][at] = np.maximum(state["reference"][at], strongest)

    def _step(self, at: NDArray[np.intp], halves: _Halves, half: int) -> None:
        """Go on by 10 ms."""
        state = self._state
        live = state["key"][at] != _NONE
        masked, amplitude = halves.masked[:, half], halves.amplitude[:, half]
        reference = state["reference"][at]
        there = live & ~masked & (amplitude >= _PRESENT * reference)
        away = live & ~masked & ~there
        absent = state["absent"][at]
        again = there & (absent >= LEAST_PAUSE_MS)
        if again.any():
            self._press_again(at[again], halves.amplitude[again].max(axis=1))
        unheard = np.where(live & masked & (absent == 0), reference * _HALF_MS, 0)
        state["lasted"][at] += unheard + np.where(
            there, np.minimum(amplitude, reference) * _HALF_MS, 0
        )
        state["unheard"][at] += unheard
        state["pure"][at] += there & halves.pure[:, half] & (amplitude >= _FULL * reference)
        gone = _HALF_MS * (1 - amplitude / np.maximum(reference, 1e-9))
        state["absent"][at] = np.where(there, 0, absent + np.where(away, gone, 0))

    def _press_again(self, at: NDArray[np.intp], reference: NDArray[np.float32]) -> None:
        """The same key after a pause."""
        key = self._state["key"][at]
        self._state.reset(at)
        self._state["key"][at] = key
        self._state["reference"][at] = reference

    def _add_errors(self, at: NDArray[np.intp], halves: _Halves) -> None:
        """Both halves all tone: the phase between them tells the frequencies."""
        state = self._state
        full = (halves.pure & ~halves.masked).all(axis=1)
        full &= halves.amplitude.min(axis=1) >= _FULL * state["reference"][at]
        full &= state["key"][at] != _NONE
        state["error"][at[full]] += halves.error[full, 0]
        state["error_high"][at[full]] += halves.error[full, 1]
        state["measured"][at[full]] += 1

    def _tell(self, at: NDArray[np.intp]) -> list[tuple[int, str]]:
        """What has lasted, and end what is over."""
        state = self._state
        reference = state["reference"][at]
        long_enough = state["lasted"][at] >= LEAST_TONE_MS * reference
        pure = state["pure"][at] + (state["unheard"][at] > 0)
        right = long_enough & (pure >= _LEAST_PURE_HALVES) & ~state["told"][at]
        measured = np.maximum(state["measured"][at], 1)
        right &= np.abs(state["error"][at]) <= MAX_FREQUENCY_ERROR * measured
        right &= np.abs(state["error_high"][at]) <= MAX_FREQUENCY_ERROR * measured
        # Without two halves in a row there must be a lost packet to explain it.
        right &= (state["measured"][at] > 0) | (state["unheard"][at] > 0)
        right &= state["key"][at] != _NONE
        state["told"][at[right]] = True
        told = [(int(slot), KEYS[state["key"][slot]]) for slot in at[right]]
        over = (state["absent"][at] >= LEAST_PAUSE_MS) | (state["key"][at] == _NONE)
        state.reset_keeping(at[over], "masked")
        return told

    def _keep_masked(self, slots: NDArray[np.intp], frames: BankFrames) -> None:
        missing = np.zeros(slots.size, np.bool_) if frames.usable is None else ~frames.usable
        self._state["masked"][slots] = missing
        self._any_masked = bool(self._state["masked"].any())


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
    kept = np.square(np.sinc(error * np.float32(HALF / SAMPLE_RATE)))
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
