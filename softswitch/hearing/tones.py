"""The tone stage: keys heard in the sound, fax tones, call progress, and beeps, of all legs at
once."""

from __future__ import annotations

from softswitch.hearing.ear import Ear
from softswitch.hearing.heard import Heard

__all__ = ["ToneStage"]


class ToneStage:
    """Runs the tone detectors; sets `heard.tonal` and `heard.beep` for the stages after it."""

    name = "tones"
    shed_at = 5

    def __init__(self, *, in_band_digits: bool = True, fax_tones: bool = True) -> None:
        self._in_band_digits = in_band_digits
        self._fax_tones = fax_tones

    def open(self, ear: Ear) -> None:
        """A leg is heard from now on; its slot is clean."""

    def changed(self, ear: Ear) -> None:
        """The call goes on for another campaign: tones are the same."""

    def hear(self, heard: Heard) -> None:
        """One frame of many legs."""

    def close(self, ear: Ear) -> None:
        """The leg is over."""

    def after(self, now_ns: int) -> None:
        """Nothing waits for a time."""
