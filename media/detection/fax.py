"""Fax tones: ITU-T T.30 section 4 (CNG, CED), V.8 (ANSam), V.25 (answer tone with reversals).

CNG is told by its cadence, not by its frequency alone: a burst of 1100 Hz that lasts half a second,
three seconds without, and then the next burst while it sounds. The answer tone is told when 2100 Hz
has lasted a good second: `ansam` with the amplitude modulation or the phase reversals of modems,
`ced` without. Time is counted in samples of the leg's own clock: what was not sent counts too.

Which leg does what about it is not known here.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from media import SAMPLE_RATE
from media.detection.bank import CED_TONE, CNG_TONES, FRAME, QUIET, BankFrames, single_tone
from media.detection.slots import SlotState

__all__ = ["FaxDetector"]

_NEVER: Final = -(1 << 40)
_MS: Final = SAMPLE_RATE // 1000

# T.30 4.1: CNG is 1100 Hz +-38 Hz, 0.5 s on and 3 s off, both +-15 %.
_CNG_HZ: Final = 1100.0
_CNG_ERROR_HZ: Final = 45.0
_CNG_GATE: Final = 0.3
_LEAST_SHARE: Final = 0.6
"""Of the frame's energy; in noise 10 dB below it is 0.9, in a burst's first and last frame less."""
MAX_DROPOUT: Final = 60 * _MS
"""Frames missing for so long do not end a burst: two lost packets."""
_CNG_ON: Final = (370 * _MS, 630 * _MS)
"""0.425 to 0.575 s, a frame and more of it cut or added at both ends."""
_CNG_OFF: Final = (2490 * _MS, 3510 * _MS)
_CNG_SECOND: Final = 160 * _MS
"""So much of the second burst must have been heard."""

# T.30 4.2 and V.25: 2100 Hz +-15 Hz, 2.6 to 4 s.
_CED_HZ: Final = 2100.0
_CED_ERROR_HZ: Final = 22.0
_CED_GATE: Final = 0.3
CED_LASTS: Final = 1300 * _MS
"""Two reversals (every 450 +-25 ms) and 19 periods of the modulation are in it; a note of music
that is as high and as plain is seldom as long."""
_LEAST_HEARD: Final = 0.75
"""Share of that time that must have been 2100 Hz."""
_AM_HZ: Final = 15.0
_LEAST_DEPTH: Final = 0.08
"""V.8 7.2: the amplitude is modulated by 20 % of its mean; in noise 10 dB below a plain tone seems
to be by 1 %."""
_BACK: Final = 2 * FRAME
"""Phases are compared over two frames: with a frame between in which it may have turned."""
_LEAST_BETWEEN: Final = 350 * _MS
"""Reversals are 425 ms apart at least."""


class FaxDetector:
    """Finds fax tones in the frames of the bank; each is told once a burst, CNG once a cadence."""

    def __init__(self) -> None:
        self._cng = SlotState(
            start=(np.int64, _NEVER),  # of the burst
            last=(np.int64, _NEVER),  # frame of it
            before=(np.int64, _NEVER),  # when the burst before ended, if it was as long as CNG is
            told=(np.bool_, False),
        )
        self._ced = SlotState(
            start=(np.int64, _NEVER),
            last=(np.int64, _NEVER),
            frames=(np.int32, 0),
            tones=(np.complex64, 0),  # amplitude of the last frame
            tones_before=(np.complex64, 0),  # and of the one before it
            last_before=(np.int64, _NEVER),
            turn=(np.complex64, 0),  # over two frames, smoothed
            reversed=(np.int64, _NEVER),  # when the last reversal was
            reversals=(np.int16, 0),
            strength=(np.float32, 0.0),
            swing=(np.complex64, 0),  # strength, turned back at 15 Hz
            turns=(np.complex64, 0),  # what swing would be of a steady strength of 1
            told=(np.bool_, False),
        )

    def grow(self, slots: int) -> None:
        """Have room for so many slots."""
        self._cng.grow(slots)
        self._ced.grow(slots)

    def reset(self, slots: int | NDArray[np.intp]) -> None:
        """Another leg has these slots."""
        self._cng.reset(slots)
        self._ced.reset(slots)

    def hear(
        self,
        slots: NDArray[np.intp],
        frames: BankFrames,
        positions: NDArray[np.int64],
        wanted: NDArray[np.bool_] | None = None,
    ) -> list[tuple[int, str]]:
        """(slot, cng or ced or ansam) of what was recognised in this frame."""
        loud = frames.power > QUIET
        if wanted is not None:
            loud &= wanted
        found = []
        calling = frames.tones[CNG_TONES].max(axis=0) > _CNG_GATE * frames.power
        rows = np.flatnonzero(calling & loud)
        if rows.size:
            found += self._hear_cng(slots[rows], frames.floats[rows], positions[rows])
        answering = frames.tones[CED_TONE] > _CED_GATE * frames.power
        rows = np.flatnonzero(answering & loud)
        if rows.size:
            found += self._hear_ced(slots[rows], frames.floats[rows], positions[rows])
        return found

    def _hear_cng(
        self, at: NDArray[np.intp], floats: NDArray[np.float32], positions: NDArray[np.int64]
    ) -> list[tuple[int, str]]:
        frequency, share, _ = single_tone(floats, _CNG_HZ)
        tone = (np.abs(frequency - _CNG_HZ) <= _CNG_ERROR_HZ) & (share >= _LEAST_SHARE)
        at, positions = at[tone], positions[tone]
        state = self._cng
        start, last = state["start"][at], state["last"][at]
        new = positions - last > FRAME + MAX_DROPOUT
        length = last + FRAME - start
        as_cng = (length >= _CNG_ON[0]) & (length <= _CNG_ON[1])
        state["before"][at[new]] = np.where(as_cng, last + FRAME, _NEVER)[new]
        state["start"][at[new]] = positions[new]
        state["told"][at[new]] = False
        state["last"][at] = positions
        gap = state["start"][at] - state["before"][at]
        long_enough = positions + FRAME - state["start"][at] >= _CNG_SECOND
        told = long_enough & (gap >= _CNG_OFF[0]) & (gap <= _CNG_OFF[1]) & ~state["told"][at]
        state["told"][at[told]] = True
        return [(int(slot), "cng") for slot in at[told]]

    def _hear_ced(
        self, at: NDArray[np.intp], floats: NDArray[np.float32], positions: NDArray[np.int64]
    ) -> list[tuple[int, str]]:
        frequency, share, amplitude = single_tone(floats, _CED_HZ)
        tone = (np.abs(frequency - _CED_HZ) <= _CED_ERROR_HZ) & (share >= _LEAST_SHARE)
        at, positions, amplitude = at[tone], positions[tone], amplitude[tone]
        state = self._ced
        new = positions - state["last"][at] > FRAME + MAX_DROPOUT
        state.reset(at[new])
        state["start"][at[new]] = positions[new]
        told = state["told"][at]
        state["last"][at[told]] = positions[told]
        if told.all():
            return []
        at, positions, amplitude = at[~told], positions[~told], amplitude[~told]
        self._follow_phase(at, positions, amplitude)
        self._follow_strength(at, positions, np.abs(amplitude))
        return self._tell_ced(at, positions)

    def _follow_strength(
        self, at: NDArray[np.intp], positions: NDArray[np.int64], strength: NDArray[np.float32]
    ) -> None:
        """How the amplitude swings at 15 Hz."""
        state = self._ced
        state["last"][at] = positions
        state["frames"][at] += 1
        state["strength"][at] += strength
        angle = 2 * np.pi * _AM_HZ / SAMPLE_RATE * (positions - state["start"][at])
        turn = np.exp(-1j * angle)
        state["swing"][at] += strength * turn
        state["turns"][at] += turn

    def _follow_phase(
        self,
        at: NDArray[np.intp],
        positions: NDArray[np.int64],
        amplitude: NDArray[np.complex64],
    ) -> None:
        """2100 Hz turn 84 times in two frames: but for a reversal, and for the little that the
        sender is off, the phase is where it was."""
        state = self._ced
        before = np.where(
            positions - state["last"][at] == _BACK, state["tones"][at], state["tones_before"][at]
        )
        back = positions - np.where(
            positions - state["last"][at] == _BACK, state["last"][at], state["last_before"][at]
        )
        turn = amplitude * before.conj()
        size = np.abs(turn)
        turn = np.where((back == _BACK) & (size > 0), turn / np.maximum(size, 1e-12), 0)
        usual = state["turn"][at]
        against = (turn * usual.conj()).real
        reversed_ = (against < -0.5 * np.abs(usual)) & (np.abs(usual) > 0.5)
        fresh = reversed_ & (positions - state["reversed"][at] >= _LEAST_BETWEEN)
        state["reversals"][at] += fresh
        state["reversed"][at] = np.where(fresh, positions, state["reversed"][at])
        learn = (turn != 0) & ~reversed_
        state["turn"][at] = np.where(
            learn, np.where(usual == 0, turn, 0.8 * usual + 0.2 * turn), usual
        )
        state["tones_before"][at] = state["tones"][at]
        state["last_before"][at] = state["last"][at]
        state["tones"][at] = amplitude

    def _tell_ced(
        self, at: NDArray[np.intp], positions: NDArray[np.int64]
    ) -> list[tuple[int, str]]:
        state = self._ced
        lasted = positions + FRAME - state["start"][at]
        heard = state["frames"][at] * FRAME >= _LEAST_HEARD * lasted
        right = (lasted >= CED_LASTS) & heard & ~state["told"][at]
        state["told"][at[right]] = True
        strength = np.maximum(state["strength"][at], 1e-9)
        # What a steady tone would give, of which frames are missing, is no swing.
        swing = (
            state["swing"][at] - strength / np.maximum(state["frames"][at], 1) * state["turns"][at]
        )
        depth = 2 * np.abs(swing) / strength
        modem = (state["reversals"][at] > 0) | (depth >= _LEAST_DEPTH)
        return [
            (int(slot), "ansam" if is_modem else "ced")
            for slot, is_modem in zip(at[right], modem[right], strict=True)
        ]
