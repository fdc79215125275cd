import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from media.speech.recognition.recognisers import Recognisers
from media.speech.recognition.result import Recognised
from media.speech.recognition.window import Window
from media.voice.echo import AHEAD, BEHIND
from tests.support.speakers import needs_speech, say

pytestmark = [needs_speech, pytest.mark.slow]


class Results:
    """What came back, and a way to wait for it."""

    def __init__(self) -> None:
        self.came: list[tuple[Window, Recognised | None]] = []
        self._event = asyncio.Event()

    def take(self, window: Window, result: Recognised | None) -> None:
        self.came.append((window, result))
        self._event.set()

    async def wait(self, count: int) -> None:
        async with asyncio.timeout(40):
            while len(self.came) < count:
                self._event.clear()
                await self._event.wait()


@pytest.fixture
def results() -> Results:
    return Results()


@pytest.fixture
async def workers(results: Results) -> AsyncIterator[Recognisers]:
    made = Recognisers("whisper", results.take)
    await made.start()
    yield made
    await made.stop()


def worker_pid() -> int:
    """The process that recognises for this one."""
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                command = file.read()
        except OSError:
            continue
        if b"recognition.worker" in command and f"\0{os.getpid()}\0".encode() in command:
            return int(name)
    raise AssertionError("no worker runs")


async def test_windows_come_back_understood(workers: Recognisers, results: Results) -> None:
    sound = say("I want a refund.")
    for stream in range(3):
        workers.submit(Window(stream, sound, stream, "segment", True))
    await results.wait(3)
    assert sorted(window.start_ns for window, _ in results.came) == [0, 1, 2]
    for window, result in results.came:
        assert result is not None
        assert result.start_ns == window.start_ns
        assert "refund" in [word.text for word in result.words]
    status = workers.status()
    assert (status.recognised, status.waiting, status.lost) == (3, 0, 0)
    assert status.delay_seconds > 0
    assert status.cpu_seconds > 0


async def test_the_worker_runs_at_idle_priority(workers: Recognisers, results: Results) -> None:
    assert await workers.ready(40)
    pid = worker_pid()
    assert os.sched_getscheduler(pid) == os.SCHED_IDLE
    assert os.getpriority(os.PRIO_PROCESS, pid) == 19


async def test_the_echo_of_what_was_played_is_no_speech(
    workers: Recognisers, results: Results
) -> None:
    sound = say("I want a refund.")
    sent = np.concatenate([np.zeros(BEHIND, np.int16), sound, np.zeros(AHEAD, np.int16)])
    echo = (sound // 20).astype(np.int16)
    workers.submit(Window(1, echo, 7, "answer", True, ("refund",), sent))
    workers.submit(Window(2, sound, 8, "answer", True, (), sent[::-1].copy()))
    await results.wait(2)
    found = {window.stream: result for window, result in results.came}
    assert found[1] is not None
    assert found[2] is not None
    assert (found[1].words, found[1].text, found[1].start_ns) == ((), "", 7)
    assert "refund" in [word.text for word in found[2].words]


async def test_a_worker_that_dies_is_replaced_and_its_windows_are_lost(
    workers: Recognisers, results: Results
) -> None:
    assert await workers.ready(40)
    pid = worker_pid()
    os.kill(pid, signal.SIGSTOP)
    sound = say("I want a refund.")
    workers.submit(Window(1, sound, 0, "segment", True))
    await asyncio.sleep(0.1)
    os.kill(pid, signal.SIGKILL)
    await results.wait(1)
    assert results.came[0][1] is None
    workers.submit(Window(2, sound, 0, "segment", True))
    await results.wait(2)
    assert results.came[1][1] is not None
    status = workers.status()
    assert (status.lost, status.restarts, status.recognised) == (1, 1, 1)
    assert worker_pid() != pid


async def test_what_waits_when_the_workers_stop_is_told(results: Results) -> None:
    workers = Recognisers("whisper", results.take)
    workers.submit(Window(1, say("Yes."), 0, "answer", True))
    await workers.stop()
    assert [result for _, result in results.came] == [None]
    assert workers.status().lost == 1


async def test_a_model_that_cannot_be_loaded_is_said_once_it_was_tried(tmp_path: Path) -> None:
    pytest.importorskip("vosk")
    workers = Recognisers("vosk", lambda *_: None, model=tmp_path)
    await workers.start()
    try:
        assert "is no model of vosk's" in await workers.refusal(30)
    finally:
        await workers.stop()
