"""The threads: many recordings at once, a disk that is slow, the end."""

import hashlib
import queue
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from media.recording import (
    Begin,
    Failed,
    Finish,
    Forget,
    Job,
    Outcome,
    Record,
    Saved,
    Sound,
    Writer,
)
from media.recording.taping import Taping
from tests.support.taped_sound import block, read_stereo

SECOND_NS = 1_000_000_000


def sound(tape: int, second: int, *, value: int = 0) -> Sound:
    frames = np.full(8000, value or tape + 1, np.int16)
    one = block(frames, start_ns=second * SECOND_NS, position=second * 8000)
    return Sound(tape, (second + 1) * SECOND_NS, (one,))


def test_a_hundred_recordings_at_once_are_all_whole(tmp_path: Path) -> None:
    told: queue.Queue[Outcome] = queue.Queue()
    writer = Writer(told.put)
    writer.start()
    for tape in range(100):
        assert writer.submit(Begin(tape, 0, 0.0))
        assert writer.submit(Record(tape, tmp_path / f"{tape}.wav", 0, "pcm", 0.0))
    for second in range(5):
        for tape in range(100):
            assert writer.submit(sound(tape, second))
    for tape in range(100):
        writer.submit(Finish(tape, 5 * SECOND_NS))
        writer.submit(Forget(tape))
    outcomes = [told.get(timeout=30) for _ in range(100)]
    assert writer.close(10)
    assert writer.waiting_bytes == 0
    for outcome in outcomes:
        assert isinstance(outcome, Saved)
        path = tmp_path / f"{outcome.tape}.wav"
        assert hashlib.sha256(path.read_bytes()).hexdigest() == outcome.sha256
        left, _ = read_stereo(path)
        assert len(left) == 40000
        assert (left == outcome.tape + 1).all()
    assert len(list(tmp_path.iterdir())) == 100


def test_sound_that_a_slow_disk_leaves_waiting_is_refused_and_the_end_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: queue.Queue[Outcome] = queue.Queue()
    stuck, free = threading.Event(), threading.Event()
    do = Taping.do

    def slow(self: Taping, job: Job) -> None:
        if isinstance(job, Record):
            stuck.set()
            assert free.wait(20)
        do(self, job)

    monkeypatch.setattr(Taping, "do", slow)
    writer = Writer(told.put, max_waiting_bytes=40_000)
    writer.start()
    writer.submit(Begin(1, 0, 0.0))
    writer.submit(Record(1, tmp_path / "call.wav", 0, "pcm", 0.0))
    assert stuck.wait(10)
    assert [writer.submit(sound(1, second)) for second in range(4)] == [True, True, False, False]
    assert writer.refused == 2
    assert writer.submit(Finish(1, 2 * SECOND_NS, "the disk is too slow"))
    free.set()
    outcome = told.get(timeout=10)
    assert isinstance(outcome, Failed)
    assert (outcome.why, outcome.seconds) == ("the disk is too slow", 2.0)
    assert writer.close(10)


def test_a_bug_met_in_one_tape_ends_its_recording_only(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    told: queue.Queue[Outcome] = queue.Queue()
    writer = Writer(told.put)
    writer.start()
    for tape in (1, 2):
        writer.submit(Begin(tape, 0, 0.0))
        writer.submit(Record(tape, tmp_path / f"{tape}.wav", 0, "pcm", 0.0))
        writer.submit(sound(tape, 0))
    broken = block(np.ones(8000, np.int16), channel=7)
    writer.submit(Sound(1, 2 * SECOND_NS, (broken,)))
    writer.submit(Finish(2, SECOND_NS))
    outcomes = {outcome.tape: outcome for outcome in (told.get(timeout=10), told.get(timeout=10))}
    assert writer.close(10)
    assert isinstance(outcomes[2], Saved)
    failed = outcomes[1]
    assert isinstance(failed, Failed)
    assert failed.why == "internal error"
    assert "a recording failed" in caplog.text


def test_a_writer_that_is_closed_finishes_what_is_open(tmp_path: Path) -> None:
    told: queue.Queue[Outcome] = queue.Queue()
    writer = Writer(told.put)
    writer.start()
    writer.submit(Begin(1, 0, 0.0))
    writer.submit(Record(1, tmp_path / "call.wav", 0, "ulaw", 0.0))
    writer.submit(sound(1, 0, value=7932))
    begun = time.monotonic()
    assert writer.close(10)
    assert time.monotonic() - begun < 5
    outcome = told.get_nowait()
    assert isinstance(outcome, Failed)
    assert (read_stereo(tmp_path / "call.wav")[0] == 7932).all()
    assert not [one for one in threading.enumerate() if one.name.startswith("recording")]


def test_a_writer_that_never_started_can_be_closed() -> None:
    assert Writer(lambda _outcome: None).close(1)
