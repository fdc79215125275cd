"""The tone stage: keys heard in the sound, fax tones, call progress, and beeps, of all legs at
once.

Joins the detectors of `media.detection` to legs: who is listened to for what, and who is told. What
a call makes of it is not known here.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from media.detection.detectors import ToneDetectors
from media.detection.signs import Sign, SignKind
from softswitch.hearing.ear import Ear
from softswitch.hearing.heard import Heard

if TYPE_CHECKING:
    from softswitch.call.leg import Leg

__all__ = ["ToneStage"]

LOOK_EVERY_NS = 60_000_000
"""How often to look whether legs were answered, and on which a beep is waited for: shorter than any
beep."""
_NEVER = -(1 << 60)


class ToneStage:
    """Runs the tone detectors; sets `heard.tonal` and `heard.beep` for the stages after it."""

    name = "tones"
    shed_at = 5

    def __init__(self, *, in_band_digits: bool = True, fax_tones: bool = True) -> None:
        self._keys = in_band_digits
        self._fax = fax_tones
        self._detectors = ToneDetectors()
        self._ears: dict[int, Ear] = {}
        self._slots: dict[Leg, int] = {}
        self._ringing: dict[int, Ear] = {}
        """Called, and not answered yet."""
        self._beep_legs: Collection[Leg] = ()
        self._beep_slots: set[int] = set()
        """On which one is waited for."""
        self._next_look_ns = _NEVER
        self._fax_told: set[tuple[int, str]] = set()
        """At most the three tones of each leg."""

    def hear_beeps_of(self, legs: Collection[Leg]) -> None:
        """On which legs a beep is waited for; looked at again and again."""
        self._beep_legs = legs

    def open(self, ear: Ear) -> None:
        """A leg is heard from now on; its slot is clean."""
        slot = ear.slot
        self._fax_told -= {(slot, tone) for tone in ("cng", "ced", "ansam")}
        self._ears[slot] = ear
        self._slots[ear.leg] = slot
        if ear.leg.side == "called":
            self._ringing[slot] = ear
        self._beep_slots.discard(slot)
        self._detectors.open(
            slot,
            country=ear.campaign.ringback,
            keys=self._keys,
            fax=self._fax,
            progress=slot in self._ringing,
        )

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
        answered = [slot for slot, ear in self._ringing.items() if ear.leg.answered]
        for slot in answered:
            del self._ringing[slot]
        changed = set(answered)
        if self._beep_slots or self._beep_legs:
            watched = {self._slots[leg] for leg in self._beep_legs if leg in self._slots}
            changed |= watched ^ self._beep_slots
            self._beep_slots = watched
        for slot in changed:
            self._detectors.want(
                slot,
                keys=self._keys,
                fax=self._fax,
                progress=slot in self._ringing,
                beep=slot in self._beep_slots,
            )

    def hear(self, heard: Heard) -> None:
        """One frame of many legs."""
        heard.tonal, heard.beep, signs = self._detectors.hear(
            heard.slots, heard.samples, heard.valid, heard.positions, heard.power
        )
        for sign in signs:
            ear = self._ears.get(sign.slot)
            if ear is not None:
                self._tell(ear, sign, heard.now_ns)

    def _tell(self, ear: Ear, sign: Sign, now_ns: int) -> None:
        if sign.kind is SignKind.KEY:
            ear.leg.on_digit(sign.name, "inband")
        elif sign.kind is SignKind.KEY_SOUNDS:
            ear.leg.on_key_sounds(now_ns / 1e9)
        elif sign.kind is SignKind.FAX:
            self._tell_fax(ear, sign.name)
        # The answer may have come since the tick began to look.
        elif not ear.leg.answered:
            ear.leg.on_tone(sign.name)

    def _tell_fax(self, ear: Ear, tone: str) -> None:
        """Once a tone and leg."""
        if (ear.slot, tone) not in self._fax_told:
            self._fax_told.add((ear.slot, tone))
            ear.leg.on_fax(tone)
