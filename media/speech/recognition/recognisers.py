"""Speech workers, as the event loop sees them: windows in, results back by callback.

Each worker is a spawned process with a queue of its own; a stream always goes to the same one,
which remembers its last words. A worker that dies or hangs is replaced; what it was working on is
lost, and counted. Nothing here waits for a worker: `submit` never does, and what cannot be carried
is left out by the queue's rules.
"""

import asyncio
import contextlib
import json
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import media
from media.speech.recognition.engines import RecogniserError, choose_recogniser
from media.speech.recognition.queue import WindowQueue
from media.speech.recognition.result import Recognised
from media.speech.recognition.window import Window
from media.speech.recognition.worker import parse_results, request_of

__all__ = ["RecogniserStatus", "Recognisers"]

logger = logging.getLogger(__name__)

OnResult = Callable[[Window, Recognised | None], None]
"""None: nobody will say what was in the window."""

MAX_BATCH = 8
"""Windows for one go of a worker: more would make the first of them wait for the last."""
MAX_REPLY_BYTES = 4 * 1024 * 1024
"""Eight windows of the fastest speech are a hundredth of it."""
START_SECONDS = 60.0
"""A model on a slow disk of a busy machine."""
DEADLINE_SECONDS = 20.0
"""A batch takes half a second; at idle priority on a full machine, many times that. Beyond it the
results would interest nobody, and the worker may be stuck."""
FIRST_REST_SECONDS = 0.5
MAX_REST_SECONDS = 30.0
"""A worker that keeps dying is started again and again, ever more slowly."""
STOP_SECONDS = 2.0
SMOOTHING = 0.2
"""Share of the newest delay in the one that is shown."""

HALF_LIFE_SECONDS = 1.0
"""While nothing waits, the delay that is shown halves in this time: what the next window will meet
is a worker that is free."""


@dataclass(frozen=True, slots=True)
class RecogniserStatus:
    """How the workers do."""

    engine: str
    workers: int
    ready: int
    waiting: int
    """Windows that wait, and that are being worked on."""
    delay_seconds: float
    """From `submit` to the result, lately."""
    recognised: int
    superseded: int
    """Windows that a newer one covered, or that there was no time for."""
    lost: int
    """Windows that went with a worker."""
    restarts: int
    cpu_seconds: float
    sound_seconds: float
    """Of all windows recognised."""


class Recognisers:
    """All workers of the process."""

    def __init__(
        self, engine: str, on_result: OnResult, *, model: Path | None = None, workers: int = 1
    ) -> None:
        """Raises RecogniserError when the engine cannot be used."""
        self.engine = choose_recogniser(engine, model)
        self._workers = [_Worker(self.engine, model, on_result) for _ in range(workers)]

    async def start(self) -> None:
        """Start the workers; they may take windows at once, and take them up when loaded."""
        for worker in self._workers:
            worker.start()

    async def refusal(self, within: float) -> str:
        """Why a model cannot be loaded, once that was tried; empty when all are, and when it takes
        longer than so many seconds."""
        try:
            async with asyncio.timeout(within):
                await asyncio.gather(*[worker.tried.wait() for worker in self._workers])
        except TimeoutError:
            return ""
        return next((worker.why for worker in self._workers if worker.why), "")

    async def ready(self, within: float) -> bool:
        """Whether every worker has loaded its model within so many seconds."""
        waits = [worker.ready.wait() for worker in self._workers]
        try:
            async with asyncio.timeout(within):
                await asyncio.gather(*waits)
        except TimeoutError:
            return False
        return True

    async def stop(self) -> None:
        """End the workers, whatever they are doing."""
        await asyncio.gather(*[worker.stop() for worker in self._workers])

    def submit(self, window: Window) -> None:
        """Have a window recognised; never waits. What becomes of it is told by the callback, once,
        which may be at once."""
        self._workers[window.stream % len(self._workers)].submit(window)

    @property
    def delay_seconds(self) -> float:
        """From `submit` to the result, lately; of the slowest worker."""
        return max([worker.delay_now() for worker in self._workers])

    def status(self) -> RecogniserStatus:
        """How they do."""
        parts = self._workers
        return RecogniserStatus(
            engine=self.engine,
            workers=len(parts),
            ready=sum([part.ready.is_set() for part in parts]),
            waiting=sum([part.waiting for part in parts]),
            delay_seconds=round(self.delay_seconds, 3),
            recognised=sum([part.recognised for part in parts]),
            superseded=sum([part.superseded for part in parts]),
            lost=sum([part.lost for part in parts]),
            restarts=sum([part.restarts for part in parts]),
            cpu_seconds=round(sum([part.cpu_seconds for part in parts]), 3),
            sound_seconds=round(sum([part.sound_seconds for part in parts]), 3),
        )


class _Worker:
    """One process, its queue, and the task that feeds it."""

    def __init__(self, engine: str, model: Path | None, on_result: OnResult) -> None:
        self._engine = engine
        self._model = model
        self._on_result = on_result
        self._queue = WindowQueue()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._batch: list[tuple[Window, float]] = []
        self._delay = 0.0
        self._answered = 0.0
        """When the last answer came."""
        self.ready = asyncio.Event()
        self.tried = asyncio.Event()
        """Whether the model was loaded, or could not be; then `why` says the reason."""
        self.why = ""
        self.recognised = self.superseded = self.lost = self.restarts = 0
        self.cpu_seconds = self.sound_seconds = 0.0

    @property
    def waiting(self) -> int:
        """Windows that wait and that are being worked on."""
        return len(self._queue) + len(self._batch)

    def delay_now(self) -> float:
        """The delay lately; longer when the batch at work has taken longer already, shorter when
        there has been no work since."""
        now = asyncio.get_running_loop().time()
        if not self._batch:
            return self._delay if self.waiting else self._rested(now)
        since = min([put for _, put in self._batch])
        return max(self._delay, now - since)

    def _rested(self, now: float) -> float:
        halvings = min(1000.0, (now - self._answered) / HALF_LIFE_SECONDS)
        return float(self._delay * 0.5**halvings)

    def start(self) -> None:
        """Begin to work."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="speech worker")

    async def stop(self) -> None:
        """End the process and the task; what waits is told as lost."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))
            self._task = None
        self._lose(self._queue.take(len(self._queue)))
        while len(self._queue):
            self._lose(self._queue.take(len(self._queue)))

    def submit(self, window: Window) -> None:
        """Put a window into the queue."""
        now = asyncio.get_running_loop().time()
        if not self.waiting:
            self._delay = self._rested(now)
        dropped = self._queue.put(window, now)
        self._wake.set()
        self.superseded += len(dropped)
        for one in dropped:
            self._on_result(one, None)

    async def _run(self) -> None:
        rest = FIRST_REST_SECONDS
        while True:
            before = self.recognised
            try:
                await self._live()
            except (OSError, ValueError, KeyError, TypeError, EOFError, TimeoutError) as error:
                why = str(error) or type(error).__name__
            except RecogniserError as error:
                why = str(error)
            else:
                why = "it has ended"
            if not self.tried.is_set():
                self.why = why
                self.tried.set()
            self.restarts += 1
            rest = FIRST_REST_SECONDS if self.recognised > before else rest
            logger.error("speech worker: %s; it is started again in %.1f s", why, rest)
            await asyncio.sleep(rest)
            rest = min(rest * 2, MAX_REST_SECONDS)

    async def _live(self) -> None:
        """One process from its start to its end."""
        process = await self._spawn()
        try:
            await self._read(process, START_SECONDS)
            self.ready.set()
            self.tried.set()
            while True:
                await self._serve(process)
        finally:
            self.ready.clear()
            self._lose(self._batch)
            self._batch = []
            await _end(process)

    async def _spawn(self) -> asyncio.subprocess.Process:
        command = [sys.executable, "-P", "-m", "media.speech.recognition.worker", self._engine]
        command += [str(os.getpid()), "-" if self._model is None else str(self._model)]
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            close_fds=True,
            env=_environment(),
            limit=MAX_REPLY_BYTES,
        )

    async def _serve(self, process: asyncio.subprocess.Process) -> None:
        """One batch, or the news that the process has ended."""
        await self._something(process)
        self._batch = self._queue.take(MAX_BATCH)
        windows = [window for window, _ in self._batch]
        assert process.stdin is not None
        process.stdin.write(request_of(windows))
        async with asyncio.timeout(DEADLINE_SECONDS):
            await process.stdin.drain()
        reply = await self._read(process, DEADLINE_SECONDS)
        results = parse_results(reply)
        self.cpu_seconds += float(reply["cpu_seconds"])
        batch, self._batch = self._batch, []
        now = self._answered = asyncio.get_running_loop().time()
        for (window, put), result in zip(batch, results, strict=True):
            self._delay += SMOOTHING * (now - put - self._delay)
            self.recognised += 1
            self.sound_seconds += window.seconds
            self._on_result(window, result)

    async def _something(self, process: asyncio.subprocess.Process) -> None:
        """Wait for a window; raises EOFError when the process ends before."""
        if len(self._queue):
            return
        self._wake.clear()
        waking = asyncio.ensure_future(self._wake.wait())
        ending = asyncio.ensure_future(process.wait())
        try:
            await asyncio.wait((waking, ending), return_when=asyncio.FIRST_COMPLETED)
        finally:
            waking.cancel()
            ending.cancel()
        if not len(self._queue):
            raise EOFError("it has ended")

    async def _read(self, process: asyncio.subprocess.Process, within: float) -> dict[str, Any]:
        """The next reply."""
        assert process.stdout is not None
        async with asyncio.timeout(within):
            line = await process.stdout.readline()
        if not line.endswith(b"\n"):
            raise EOFError("it has ended")
        reply: dict[str, Any] = json.loads(line)
        if "error" in reply:
            raise RecogniserError(str(reply["error"]))
        return reply

    def _lose(self, batch: list[tuple[Window, float]]) -> None:
        self.lost += len(batch)
        for window, _ in batch:
            self._on_result(window, None)


async def _end(process: asyncio.subprocess.Process) -> None:
    """End the process whatever it is doing, and leave no zombie."""
    if process.stdin is not None:
        process.stdin.close()
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()


def _environment() -> dict[str, str]:
    """This package importable, one thread for numerical libraries."""
    root = str(Path(media.__file__).parent.parent)
    path = os.pathsep.join([part for part in (root, os.environ.get("PYTHONPATH", "")) if part])
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return os.environ | {"PYTHONPATH": path} | threads
