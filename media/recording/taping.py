"""All tapes: does the jobs of the loop, in the writer's thread.

A file that cannot be written ends, with what it has; its tape goes on for clips. Knows no threads:
what may wait for the disk at the end of a file is handed to `later`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

import numpy as np

from media import SAMPLE_RATE
from media.g711 import ULAW_DECODE, Samples, encode
from media.recording.file import WaveFile
from media.recording.jobs import (
    Begin,
    ClipDone,
    Cut,
    Failed,
    Finish,
    Forget,
    Job,
    Play,
    Record,
    Remember,
    SampleFormat,
    Sound,
    Stop,
    StopPlaying,
)
from media.recording.tape import Tape
from media.recording.work import Tell, Work, close_file, reason, save_clip

__all__ = ["MAX_CUTS", "Taping"]

logger = logging.getLogger(__name__)

MAX_CUTS = 100
"""Clips of one call that wait for their end: a keyword said all the time."""


class _Reel:
    """One tape, the file it is written to, and the clips that wait."""

    __slots__ = ("call", "cuts", "file", "is_over", "minimum_seconds", "record_from", "tape")

    def __init__(self, tape: Tape, call: str) -> None:
        self.tape = tape
        self.call = call
        self.file: WaveFile | None = None
        self.record_from = 0
        self.minimum_seconds = 0.0
        self.cuts: list[Cut] = []
        self.is_over = False
        """Whether the tape goes no further."""


class Taping:
    """The tapes there are."""

    def __init__(
        self,
        tell: Tell,
        later: Callable[[Work], None],
        *,
        open_file: Callable[[Record], WaveFile] | None = None,
    ) -> None:
        self._tell = tell
        self._later = later
        self._open_file = open_file or (lambda job: WaveFile(job.path, job.sample_format))
        self._reels: dict[int, _Reel] = {}

    def do(self, job: Job) -> None:
        """Do one job; of tapes that there are not only what waits for an answer gets one."""
        if isinstance(job, Begin):
            tape = Tape(job.zero_ns, history=round(job.history_seconds * SAMPLE_RATE))
            self._reels[job.tape] = _Reel(tape, job.call)
            return
        reel = self._reels.get(job.tape)
        if reel is not None:
            self._do(reel, job)
        elif isinstance(job, Record):
            self._tell(Failed(job.tape, "internal error"))
        elif isinstance(job, Cut):
            self._tell(ClipDone(job.tape, job.cut, "the call is over"))

    def _do(self, reel: _Reel, job: Job) -> None:
        match job:
            case Sound():
                reel.tape.add(job.blocks)
                self._advance(job.tape, reel, job.until_ns)
            case Play():
                reel.tape.play(job.at_ns, job.ulaw, repeat=job.repeat)
            case StopPlaying():
                reel.tape.stop_playing(job.at_ns)
            case Remember():
                reel.tape.remember(round(job.history_seconds * SAMPLE_RATE))
            case Record():
                self._record(reel, job)
            case Cut():
                self._cut(reel, job)
            case Stop():
                self._advance(job.tape, reel, job.at_ns)
                self._end(job.tape, reel, "")
            case Finish():
                self._advance(job.tape, reel, job.at_ns)
                self._end(job.tape, reel, job.failed)
                if not job.failed:
                    reel.is_over = True
                    self._cut_all(reel)
            case Forget():
                self._cut_all(reel)
                self._end(job.tape, reel, "it was forgotten")
                self._tell_lost(reel)
                del self._reels[job.tape]

    def _tell_lost(self, reel: _Reel) -> None:
        for side, lost in zip(("caller", "called"), reel.tape.lost, strict=True):
            if lost:
                logger.info(
                    "call %s: %.3f s of sound of the %s leg came too late to be recorded",
                    reel.call, lost / SAMPLE_RATE, side,
                )  # fmt: skip

    # The file.

    def _record(self, reel: _Reel, job: Record) -> None:
        reel.record_from = max(reel.tape.base, reel.tape.index(job.from_ns))
        reel.minimum_seconds = job.minimum_seconds
        try:
            reel.file = self._open_file(job)
        except OSError as error:
            self._tell(Failed(job.tape, reason(error), refused=True))

    def _advance(self, number: int, reel: _Reel, until_ns: int) -> None:
        for stereo in reel.tape.mix(until_ns):
            skipped = max(0, reel.record_from - (reel.tape.base - len(stereo)))
            if reel.file is not None and skipped < len(stereo):
                self._append(number, reel, reel.file, stereo[skipped:])
        ready = [cut for cut in reel.cuts if reel.tape.index(cut.end_ns) <= reel.tape.base]
        for cut in ready:
            reel.cuts.remove(cut)
            self._save(reel, cut)

    def _append(self, number: int, reel: _Reel, file: WaveFile, stereo: Samples) -> None:
        try:
            file.append(_encoded(stereo, file.sample_format))
        except OSError as error:
            self._end(number, reel, reason(error))

    def _end(self, number: int, reel: _Reel, failed: str) -> None:
        file, reel.file = reel.file, None
        if file is not None:
            minimum = reel.minimum_seconds
            close = partial(close_file, minimum_seconds=minimum, failed=failed)
            self._later(partial(close, self._tell, number, file))

    # Clips.

    def _cut(self, reel: _Reel, job: Cut) -> None:
        if reel.is_over or reel.tape.index(job.end_ns) <= reel.tape.base:
            self._save(reel, job)
        elif len(reel.cuts) >= MAX_CUTS:
            self._tell(ClipDone(job.tape, job.cut, "too many clips wait"))
        else:
            reel.cuts.append(job)

    def _cut_all(self, reel: _Reel) -> None:
        """The tape goes no further: what waits gets what there is."""
        cuts, reel.cuts = reel.cuts, []
        for cut in cuts:
            self._save(reel, cut)

    def _save(self, reel: _Reel, job: Cut) -> None:
        tape = reel.tape
        sound = tape.cut(tape.index(job.start_ns), tape.index(job.end_ns))
        if not len(sound):
            self._tell(ClipDone(job.tape, job.cut, "nothing of it is remembered"))
            return
        data = (sound if job.sample_format == "ulaw" else ULAW_DECODE[sound]).tobytes()
        save = partial(save_clip, self._tell, job.tape, job.cut, job.path)
        self._later(partial(save, job.sample_format, data))

    # The end.

    def give_up(self, number: int) -> None:
        """A bug was met in the jobs of a tape: it is over, with what it has."""
        reel = self._reels.pop(number, None)
        if reel is None:
            return
        self._end(number, reel, "internal error")
        for cut in reel.cuts:
            self._tell(ClipDone(number, cut.cut, "internal error"))

    def end_all(self) -> None:
        """The switch stops: finish what is open."""
        for number, reel in self._reels.items():
            self._end(number, reel, "the switch stopped")
            self._cut_all(reel)
        self._reels.clear()


def _encoded(stereo: Samples, sample_format: SampleFormat) -> bytes:
    if sample_format == "ulaw":
        return encode(stereo)
    return np.ascontiguousarray(stereo, "<i2").tobytes()
