"""Calls of a laboratory whose legs speak what a test says, recorded to real files.

The stage and all of the writer but its threads are real; the ticks are the test's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from config.model import Campaign, Keywords, Recording
from media.g711 import Samples
from media.recording import Job, Outcome
from media.recording.taping import Taping
from media.recording.work import Work
from softswitch.call.call import Call
from softswitch.call.leg import Leg
from softswitch.hearing.ear import Ear
from softswitch.hearing.heard import FRAME, Heard
from softswitch.hearing.recording import RecordingStage
from tests.support.laboratory import Laboratory
from tests.support.taped_sound import read_stereo

FRAME_SECONDS = 0.02


class DirectWriter:
    """Does jobs at once; files are closed when `finish` is called, or at once too."""

    def __init__(self) -> None:
        self.tell: Callable[[Outcome], None] = lambda _outcome: None
        self.taping = Taping(self._tell, self._later)
        self.jobs: list[Job] = []
        self.refuses = False
        self.stalls = False
        """Whether the disk takes its time at the end of files."""
        self._works: list[Work] = []

    def submit(self, job: Job) -> bool:
        """Do a job."""
        self.jobs.append(job)
        if self.refuses:
            return False
        self.taping.do(job)
        return True

    def _tell(self, outcome: Outcome) -> None:
        self.tell(outcome)

    def _later(self, work: Work) -> None:
        if self.stalls:
            self._works.append(work)
        else:
            work()

    def finish(self) -> None:
        """The disk is through."""
        works, self._works = self._works, []
        for work in works:
            work()


class TapedCalls:
    """A laboratory with a recording stage and a tick by hand."""

    def __init__(
        self,
        lab: Laboratory,
        *,
        record: Recording | None = None,
        keywords: Keywords | None = None,
    ) -> None:
        self.lab = lab
        self.record = record
        self.keywords = keywords
        self.writer = DirectWriter()
        self.folder = lab.folder / "recordings"
        self.stage = RecordingStage(
            lab.services,
            self.writer,
            folder=self.folder,
            data=lab.folder,
            find_call=lab.switchboard.calls.get,
            campaign_of=self.campaign_of,
        )
        self.writer.tell = self.stage.tell
        self.ears: list[Ear] = []
        self._slots = 0
        self._positions: dict[int, int] = {}

    def campaign_of(self, call: Call) -> Campaign:
        """The campaign of a call, with what the test wants of it."""
        return replace(call.campaign, record=self.record, keywords=self.keywords)

    @property
    def now_ns(self) -> int:
        return round(self.lab.loop.time() * 1e9)

    def open(self, leg: Leg) -> Ear:
        """The first packet of a leg has come."""
        ear = Ear(self._slots, leg, self.campaign_of(leg.call), self.now_ns)
        self._slots += 1
        self._positions[ear.slot] = 0
        self.ears.append(ear)
        self.stage.open(ear)
        return ear

    def close(self, ear: Ear) -> None:
        """The tick has seen that a leg is over."""
        self.ears.remove(ear)
        self.stage.close(ear)
        self.lab.settle()

    def speak(self, seconds: float, **voices: int | Samples) -> None:
        """Legs speak, by leg id: a level, or samples; those not named send silence."""
        for number in range(round(seconds / FRAME_SECONDS)):
            self.lab.advance(FRAME_SECONDS)
            if self.ears:
                self.stage.hear(self._heard(number, voices))
            self.stage.after(self.now_ns)
            self.lab.settle()

    def _heard(self, number: int, voices: dict[str, int | Samples]) -> Heard:
        samples = np.zeros((len(self.ears), FRAME), np.int16)
        for row, ear in enumerate(self.ears):
            voice = voices.get(ear.leg_id, 0)
            piece = voice if isinstance(voice, int) else voice[number * FRAME :][:FRAME]
            samples[row] = piece
        slots = np.array([ear.slot for ear in self.ears], np.intp)
        positions = np.array([self._positions[ear.slot] for ear in self.ears], np.int64)
        for ear in self.ears:
            self._positions[ear.slot] += FRAME
        times = np.full(len(self.ears), self.now_ns - 20_000_000, np.int64)
        valid = np.ones(samples.shape, np.bool_)
        return Heard(slots, samples, valid, positions, times, self.now_ns)

    # What came of it.

    def files(self) -> list[Path]:
        """All files there are, by name."""
        return sorted(path for path in self.folder.rglob("*") if path.is_file())

    def channels(self) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
        """Left and right of the one recording."""
        (told,) = self.lab.facts("recording.saved")
        return read_stereo(self.lab.folder / told["path"])


def spoken(channel: NDArray[np.int16], level: int) -> tuple[float, float]:
    """From when to when a level is heard, in seconds; (0, 0) when it is not."""
    places = np.flatnonzero(np.abs(channel.astype(np.int32) - level) <= level // 100)
    if not len(places):
        return 0.0, 0.0
    return float(places[0]) / 8000, float(places[-1] + 1) / 8000
