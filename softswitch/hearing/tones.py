"""The tone stage: keys heard in the sound, fax tones, call progress, and beeps, of all legs at
once.

Joins the detectors of `media.detection` to legs: who is listened to for what, and who is told. What
a call makes of it is not known here.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from media.detection.bank import FRAME, QUIET, Bank, BankFrames, dominant_tone
from media.detection.beep import HIGHEST_HZ, LOWEST_HZ, BeepDetector
from media.detection.dtmf import DtmfDetector
from media.detection.fax import FaxDetector
from media.detection.progress import ProgressDetector
from media.detection.slots import SlotState
from media.detection.steady import SteadyTones
from softswitch.hearing.ear import Ear
from softswitch.hearing.heard import Heard

if TYPE_CHECKING:
    from softswitch.call.leg import Leg

__all__ = ["ToneStage"]

LOOK_EVERY_NS = 60_000_000
"""How often to look whether legs were answered, and on which a beep is waited for: shorter than any
beep."""
_NEVER = -(1 << 60)


@dataclass(slots=True)
class _Sounds:
    """The legs of a round that are worth listening to."""

    slots: NDArray[np.intp]
    positions: NDArray[np.int64]
    frames: BankFrames

    @classmethod
    def of(cls, heard: Heard, rows: NDArray[np.intp], bank: Bank) -> _Sounds:
        """These rows of a round through the bank."""
        power, valid, whole = heard.power, heard.valid, heard.whole
        if rows.size == heard.slots.size:
            frames = bank.hear(heard.floats, power, valid, whole)
            return cls(heard.slots, heard.positions, frames)
        frames = bank.hear(heard.floats_of(rows), power[rows], valid, whole[rows], rows)
        return cls(heard.slots[rows], heard.positions[rows], frames)


class ToneStage:
    """Runs the tone detectors; sets `heard.tonal` and `heard.beep` for the stages after it."""

    name = "tones"
    shed_at = 5

    def __init__(self, *, in_band_digits: bool = True, fax_tones: bool = True) -> None:
        self._in_band_digits = in_band_digits
        self._fax_tones = fax_tones
        self._bank = Bank()
        self._dtmf = DtmfDetector()
        self._fax = FaxDetector()
        self._progress = ProgressDetector()
        self._beep = BeepDetector()
        self._steady = SteadyTones()
        self._state = SlotState(
            position=(np.int64, _NEVER),  # of the last frame
            ringing=(np.bool_, False),  # called, and not answered yet
            beep=(np.bool_, False),  # one is waited for
        )
        self._ears: dict[int, Ear] = {}
        self._slots: dict[Leg, int] = {}
        self._ringing: dict[int, Ear] = {}
        self._beep_legs: Collection[Leg] = ()
        self._beep_slots: list[int] = []
        self._next_look_ns = _NEVER
        self._fax_told: set[tuple[int, str]] = set()
        """At most the three tones of each leg."""

    def hear_beeps_of(self, legs: Collection[Leg]) -> None:
        """On which legs a beep is waited for; looked at again and again."""
        self._beep_legs = legs

    def open(self, ear: Ear) -> None:
        """A leg is heard from now on; its slot is clean."""
        slot = ear.slot
        for part in (self._dtmf, self._fax, self._beep, self._steady, self._state):
            part.grow(slot + 1)
            part.reset(slot)
        self._progress.grow(slot + 1)
        self._progress.reset(slot, ear.campaign.ringback)
        self._fax_told -= {(slot, tone) for tone in ("cng", "ced", "ansam")}
        self._ears[slot] = ear
        self._slots[ear.leg] = slot
        if ear.leg.side == "called":
            self._ringing[slot] = ear
            self._state["ringing"][slot] = True

    def changed(self, ear: Ear) -> None:
        """The call goes on for another campaign: tones are the same."""

    def close(self, ear: Ear) -> None:
        """The leg is over: a tone that still sounds is none."""
        self._ears.pop(ear.slot, None)
        self._slots.pop(ear.leg, None)
        self._ringing.pop(ear.slot, None)

    def after(self, now_ns: int) -> None:
        """Legs that were answered ring no more; a machine may beep on those that are watched."""
        if now_ns < self._next_look_ns:
            return
        self._next_look_ns = now_ns + LOOK_EVERY_NS
        for slot in [slot for slot, ear in self._ringing.items() if ear.leg.answered]:
            del self._ringing[slot]
            self._state["ringing"][slot] = False
        if self._beep_slots or self._beep_legs:
            self._state["beep"][self._beep_slots] = False
            slots = [self._slots[leg] for leg in self._beep_legs if leg in self._slots]
            self._state["beep"][slots] = True
            self._beep_slots = slots

    def hear(self, heard: Heard) -> None:
        """One frame of many legs."""
        count = heard.slots.size
        heard.tonal, heard.beep = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
        self._skip_gaps(heard.slots, heard.positions)
        rows = self._rows_to_hear(heard)
        if rows.size == 0:
            return
        sounds = _Sounds.of(heard, rows, self._bank)
        tonal = self._steady.hear(sounds.slots, sounds.frames, sounds.positions)
        if self._in_band_digits:
            for slot, key in self._dtmf.hear(sounds.slots, sounds.frames):
                self._tell_digit(slot, key)
            sounding = self._dtmf.sounding(sounds.slots)
            tonal |= sounding
            for slot in sounds.slots[sounding]:
                self._tell_sounding(int(slot), heard.now_ns)
        if self._fax_tones:
            for slot, tone in self._fax.hear(sounds.slots, sounds.frames, sounds.positions):
                self._tell_fax(slot, tone)
        heard.tonal[rows] = tonal
        if self._ringing or self._beep_slots:
            heard.beep[rows] = self._hear_called(sounds)

    def _skip_gaps(self, slots: NDArray[np.intp], positions: NDArray[np.int64]) -> None:
        """A key is not held over what was not sent, or not listened to."""
        last = self._state["position"]
        gap = positions - last[slots] != FRAME
        if gap.any():
            self._dtmf.reset(slots[gap])
        last[slots] = positions

    def _rows_to_hear(self, heard: Heard) -> NDArray[np.intp]:
        """Where there is a sound, where the end of one is waited for, and where silence counts.

        Most legs are silent most of the time: this is half of the work saved."""
        slots = heard.slots
        wanted = heard.power > QUIET / 2  # half of the frame may be missing
        wanted |= self._dtmf.active(slots)
        if self._ringing:
            wanted |= self._state["ringing"][slots]
        if self._beep_slots:
            wanted |= self._beep.sounding(slots)
        return np.flatnonzero(wanted)

    def _hear_called(self, sounds: _Sounds) -> NDArray[np.bool_]:
        """What only legs that we called can have: progress before the answer, a beep after it."""
        frames = sounds.frames
        beep = np.zeros(sounds.slots.size, np.bool_)
        ringing = self._state["ringing"][sounds.slots]
        wanted = ringing | self._state["beep"][sounds.slots]
        if frames.usable is not None:
            wanted &= frames.usable
        rows = np.flatnonzero(wanted)
        if rows.size == 0:
            return beep
        slots, positions, power = sounds.slots[rows], sounds.positions[rows], frames.power[rows]
        dominant = np.zeros((2, rows.size), np.float32)
        near = np.flatnonzero(power > QUIET)
        dominant[:, near] = dominant_tone(
            frames.floats[rows[near]], power[near], lowest=LOWEST_HZ, highest=HIGHEST_HZ
        )
        rings = ringing[rows]
        if rings.any():
            self._hear_progress(
                slots[rings], frames, rows[rings], positions[rings], dominant[:, rings]
            )
        if self._beep_slots:
            beep[rows] = self._beep.hear(slots, positions, power, *dominant) & ~rings
        return beep

    def _hear_progress(
        self,
        slots: NDArray[np.intp],
        frames: BankFrames,
        rows: NDArray[np.intp],
        positions: NDArray[np.int64],
        dominant: NDArray[np.float32],
    ) -> None:
        for slot, tone in self._progress.hear(slots, frames, rows, positions, dominant):
            ear = self._ears.get(slot)
            # The answer may have come since the tick began to look.
            if ear is not None and not ear.leg.answered:
                ear.leg.on_tone(tone)

    def _tell_digit(self, slot: int, key: str) -> None:
        ear = self._ears.get(slot)
        if ear is not None:
            ear.leg.on_digit(key, "inband")

    def _tell_sounding(self, slot: int, now_ns: int) -> None:
        ear = self._ears.get(slot)
        if ear is not None:
            ear.leg.on_key_sounds(now_ns / 1e9)

    def _tell_fax(self, slot: int, tone: str) -> None:
        """Once a tone and leg."""
        ear = self._ears.get(slot)
        if ear is not None and (slot, tone) not in self._fax_told:
            self._fax_told.add((slot, tone))
            ear.leg.on_fax(tone)
