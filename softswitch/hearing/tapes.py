"""The tapes of calls: what is gathered of each in rows of frames, and handed to the writer.

About once a second what a call gathered goes to the writer, whose threads do the rest
(`media.recording`): nothing here waits for a disk. A tape is known until its call is over and the
writer owes it nothing. Which calls have one, and who is on it, is said by the stage (`recording`).
"""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from config.model import Recording
from media.recording import LEFT, RIGHT, Begin, Finish, Forget, Job, Record, Sound
from softswitch.call.call import Call
from softswitch.call.events import RecordingStarted
from softswitch.call.services import Services
from softswitch.hearing.ear import Ear
from softswitch.hearing.pausing import Pausing
from softswitch.hearing.strands import Strand, Strands
from softswitch.hearing.taped import TapedCall, shown_path

__all__ = ["SETTLE_NS", "TapeWriter", "Tapes", "nanoseconds"]

HAND_OVER_NS = 1_000_000_000
"""How much sound a call gathers before it is handed over: less costs more, more takes memory."""
SETTLE_NS = 1_000_000_000
"""How long a moment is waited for after it has passed. Frames come 20-100 ms after they were
spoken, and later when the loop has stalled: nobody is in a hurry here."""
MAX_TAPES = 20_000
"""Tapes the writer may still owe something: far more than there can be calls, unless a disk hangs.
Further calls are not recorded, and say so."""


class TapeWriter(Protocol):
    """Who does the jobs: the threads of `media.recording.Writer`."""

    def submit(self, job: Job) -> bool:
        """Take a job; False when too much waits."""


class Tapes:
    """All tapes there are."""

    def __init__(self, services: Services, writer: TapeWriter, *, folder: Path, data: Path) -> None:
        """`folder` is that of recordings, `data` the data folder that told paths start from."""
        self._services = services
        self._writer = writer
        self._folder = folder
        self._data = data
        self.strands = Strands()
        self.of_calls: dict[str, TapedCall] = {}
        """Those of calls in progress, by call."""
        self.owed: dict[int, TapedCall] = {}
        """Those the writer still owes something, by number."""
        self.pausing = Pausing(self.strands, self.of_calls, self.now_ns)
        self._due: deque[tuple[int, TapedCall]] = deque()
        """When each tape is handed over next; every one once a second, so the first is first."""
        self._numbers = 0

    @property
    def due(self) -> int:
        """How many are handed over regularly."""
        return len(self._due)

    def submit(self, job: Job) -> bool:
        """Give the writer a job; False when too much waits."""
        return self._writer.submit(job)

    def now_ns(self) -> int:
        """The clock of everything that is said."""
        return nanoseconds(self._services.now())

    # Begin.

    def begin(self, call: Call, history: float) -> TapedCall:
        """A new tape, which keeps so many seconds of what was."""
        self._numbers += 1
        now_ns = self.now_ns()
        taped = TapedCall(call, call.caller.leg_id, self._numbers, history)
        self.of_calls[call.call_id] = taped
        self.owed[taped.number] = taped
        self.submit(Begin(taped.number, now_ns, history, call.call_id))
        self.hand_over_regularly(taped)
        if call.callee is not None and call.bridged:
            taped.right = call.callee.leg_id
            taped.legs.add(taped.right)
        return taped

    def record(self, taped: TapedCall, record: Recording) -> bool:
        """Have it written to a file from now on; False when too much waits for the disk."""
        call = taped.call
        taped.files += 1
        count = "" if taped.files == 1 else f"-{taped.files}"
        path = self.day_folder() / f"{call.call_id}{count}.wav"
        taped.shown = self.shown(path)
        taped.hold = call.hold_end("recording")
        call.emit(RecordingStarted, path=taped.shown)
        form, minimum = record.sample_format, record.minimum_seconds
        job = Record(taped.number, path, self.now_ns(), form, minimum)
        return len(self.owed) <= MAX_TAPES and self.submit(job)

    def day_folder(self) -> Path:
        """Where files of today are."""
        day = datetime.fromtimestamp(self._services.wall_clock(), UTC)
        return self._folder / day.strftime("%Y-%m-%d")

    def shown(self, path: Path) -> str:
        """A path as it is told."""
        return shown_path(path, self._data)

    # Who is on it.

    def attach(self, taped: TapedCall, ear: Ear, since_ns: int = 0) -> None:
        """Gather a leg's frames, if it is one of those on the tape."""
        if not taped.wanted or ear.leg_id not in (taped.caller, taped.right):
            return
        if taped.strand_of(ear) is None:
            strand = self.strands.open(ear, LEFT if ear.leg_id == taped.caller else RIGHT)
            taped.strands.append(strand)
            self.pausing.attached(taped, strand, since_ns)

    def detach(self, taped: TapedCall, strand: Strand | None) -> None:
        """Gather no more of a leg."""
        if strand is None:
            return
        taped.strands.remove(strand)
        block = self.strands.close(strand)
        if block is not None:
            taped.blocks.append(block)

    def detach_right(self, taped: TapedCall) -> None:
        """Gather no more of whom the caller has talked to."""
        for strand in [one for one in taped.strands if one.channel == RIGHT]:
            self.detach(taped, strand)

    # To the writer.

    def hand_over_regularly(self, taped: TapedCall) -> None:
        """Once a second from now on, as long as it is wanted."""
        if not taped.due:
            taped.due = True
            self._due.append((self.now_ns() + HAND_OVER_NS, taped))

    def hand_over_due(self, now_ns: int) -> None:
        """Hand over those whose second has passed."""
        due = self._due
        while due and due[0][0] <= now_ns:
            taped = due.popleft()[1]
            taped.due = taped.wanted
            if taped.due:
                self.hand_over(taped, now_ns - SETTLE_NS)
                due.append((now_ns + HAND_OVER_NS, taped))

    def hand_over(self, taped: TapedCall, until_ns: int) -> None:
        """Give the writer what was gathered; a recording for which that is too much ends."""
        blocks, taped.blocks = taped.blocks, []
        for strand in taped.strands:
            block = self.strands.take(strand)
            if block is not None:
                blocks.append(block)
        if not self.submit(Sound(taped.number, until_ns, tuple(blocks))) and taped.recording:
            why = "the disk is too slow: too much sound waits for it"
            self.submit(Finish(taped.number, until_ns, why))

    # The end.

    def finish(self, taped: TapedCall) -> None:
        """The legs are over: nothing more comes."""
        if taped.finished:
            return
        ended_ns = taped.ended_ns or self.now_ns()
        for strand in tuple(taped.strands):
            self.detach(taped, strand)
        self.hand_over(taped, ended_ns)
        taped.finished = True
        self.submit(Finish(taped.number, ended_ns))

    def end(self, call_id: str) -> None:
        """The call is over."""
        taped = self.of_calls.pop(call_id, None)
        if taped is not None:
            self.finish(taped)
            self.submit(Forget(taped.number))
            self.settle(taped)

    def settle(self, taped: TapedCall) -> None:
        """Gather no more where nobody wants it, forget what is over."""
        if not taped.wanted:
            for strand in tuple(taped.strands):
                self.detach(taped, strand)
            taped.blocks.clear()
        if taped.settled and taped.call_id not in self.of_calls:
            self.owed.pop(taped.number, None)


def nanoseconds(clock: float) -> int:
    """Monotonic seconds as the hearing counts them."""
    return round(clock * 1e9)
