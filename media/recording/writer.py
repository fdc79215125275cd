"""The writer: one thread that lays tapes and writes files, some that make them safe and hash
them.

The loop hands over about a second of sound at a time and never waits. Threads and not processes:
what costs (copying, writing, hashing) runs without the interpreter's lock, and samples need not be
sent anywhere. Bounds: MAX_WAITING_BYTES of sound wait for a disk that is slow; more is refused, and
the recording whose sound it is ends. Knows no calls.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable

from media.recording.jobs import Begin, Finish, Forget, Job, Outcome, Sound, Stop, StopPlaying
from media.recording.taping import Taping
from media.recording.work import Work

__all__ = ["MAX_WAITING_BYTES", "Writer"]

logger = logging.getLogger(__name__)

MAX_WAITING_BYTES = 64 * 1024 * 1024
"""Twenty seconds of a hundred calls, two of a thousand: a disk that is further behind will not
catch up."""
JOB_BYTES = 512
"""What a job takes beside its sound."""
ALWAYS_TAKEN = (Begin, StopPlaying, Stop, Finish, Forget)
"""What begins or ends something: few, and without them what follows has no meaning."""
FINISHERS = 4
"""Threads that wait for the disk at the end of files: many calls may end at once."""


class Writer:
    """Does jobs in their order; outcomes are told from its threads."""

    def __init__(
        self,
        tell: Callable[[Outcome], None],
        *,
        max_waiting_bytes: int = MAX_WAITING_BYTES,
    ) -> None:
        self._max_waiting = max_waiting_bytes
        self._given = 0
        """Bytes handed over; only the loop counts it."""
        self._done = 0
        """Bytes done with; only the thread counts it."""
        self.refused = 0
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._works: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._taping = Taping(tell, self._works.put)
        self._threads = (
            threading.Thread(target=self._lay, name="recording", daemon=True),
            *(
                threading.Thread(target=self._finish, name=f"recording-end-{n}", daemon=True)
                for n in range(FINISHERS)
            ),
        )

    @property
    def waiting_bytes(self) -> int:
        """What waits to be laid."""
        return self._given - self._done

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def submit(self, job: Job) -> bool:
        """Hand a job over; False when too much waits. What begins or ends something is
        always taken."""
        size = _size(job)
        full = self.waiting_bytes + size > self._max_waiting
        if full and not isinstance(job, ALWAYS_TAKEN):
            self.refused += 1
            return False
        self._given += size
        self._jobs.put(job)
        return True

    def close(self, timeout: float) -> bool:
        """Do what waits, at most so many seconds, and stop; blocks. Whether all was done."""
        deadline = time.monotonic() + timeout
        self._jobs.put(None)
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _lay(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                self._taping.do(job)
            except Exception:
                # A bug must not end the recordings of all calls that come.
                logger.exception("a recording failed")
                self._taping.give_up(job.tape)
            self._done += _size(job)
        self._taping.end_all()
        for _ in range(FINISHERS):
            self._works.put(None)

    def _finish(self) -> None:
        while (work := self._works.get()) is not None:
            try:
                work()
            except Exception:
                logger.exception("a recording could not be finished")


def _size(job: Job) -> int:
    sound = sum(block.frames.nbytes for block in job.blocks) if isinstance(job, Sound) else 0
    return JOB_BYTES + sound
