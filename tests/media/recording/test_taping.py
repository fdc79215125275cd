"""Jobs in, files and outcomes out; without threads."""

import errno
import hashlib
import logging
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from media.recording import (
    RIGHT,
    Begin,
    ClipDone,
    Cut,
    Discarded,
    Failed,
    Finish,
    Forget,
    Outcome,
    Play,
    Record,
    Remember,
    Saved,
    Sound,
    StopPlaying,
)
from media.recording.file import WaveFile
from media.recording.taping import MAX_CUTS, Taping
from tests.support.taped_sound import block, click_places, clicks, read_stereo

SECOND_NS = 1_000_000_000


class Desk:
    """Taping whose files are closed at once."""

    def __init__(self, open_file: Callable[[Record], WaveFile] | None = None) -> None:
        self.outcomes: list[Outcome] = []
        self.taping = Taping(self.outcomes.append, lambda work: work(), open_file=open_file)
        self.do = self.taping.do

    def record(self, path: Path, *, minimum: float = 0.0, history: float = 0.0) -> None:
        self.do(Begin(1, 0, history))
        self.do(Record(1, path, 0, "pcm", minimum))

    def hear(self, second: int, *, channel: int = 0) -> None:
        """A second with a click in the middle."""
        sound = clicks(8000, 8000, first=4000)
        one = block(
            sound, start_ns=second * SECOND_NS, position=second * 8000, channel=channel,
            source=channel,
        )  # fmt: skip
        self.do(Sound(1, (second + 1) * SECOND_NS, (one,)))


def test_a_call_is_recorded_from_its_answer_to_its_end(tmp_path: Path) -> None:
    desk = Desk()
    path = tmp_path / "call.wav"
    desk.do(Begin(1, 0, 0.0))
    desk.hear(0)
    desk.do(Record(1, path, SECOND_NS + SECOND_NS // 4, "pcm", 0.0))
    desk.hear(1)
    desk.hear(2, channel=RIGHT)
    desk.do(Finish(1, 3 * SECOND_NS + SECOND_NS // 2))
    desk.do(Forget(1))
    left, right = read_stereo(path)
    assert len(left) == 18000
    assert click_places(left).tolist() == [2000]
    assert click_places(right).tolist() == [10000]
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    assert desk.outcomes == [Saved(1, sha256, 2.25, 44 + 72000)]


def test_sound_that_came_too_late_is_told_with_its_call_and_side(
    caplog: pytest.LogCaptureFixture,
) -> None:
    desk = Desk()
    desk.do(Begin(1, 0, 0.0, "c7"))
    desk.do(Sound(1, 3 * SECOND_NS, ()))
    with caplog.at_level(logging.INFO):
        desk.do(Sound(1, 3 * SECOND_NS, (block(clicks(1600, 800), channel=RIGHT),)))
        desk.do(Forget(1))
    assert caplog.messages == [
        "call c7: 0.200 s of sound of the called leg came too late to be recorded"
    ]


def test_a_recording_that_is_too_short_is_deleted(tmp_path: Path) -> None:
    desk = Desk()
    desk.record(tmp_path / "call.wav", minimum=2.0)
    desk.hear(0)
    desk.do(Finish(1, SECOND_NS))
    assert desk.outcomes == [Discarded(1, 1.0)]
    assert list(tmp_path.iterdir()) == []


def test_one_that_is_long_enough_is_kept(tmp_path: Path) -> None:
    desk = Desk()
    desk.record(tmp_path / "call.wav", minimum=1.0)
    desk.hear(0)
    desk.do(Finish(1, SECOND_NS))
    assert isinstance(desk.outcomes[0], Saved)


def test_prompts_are_in_the_recording(tmp_path: Path) -> None:
    desk = Desk()
    desk.record(tmp_path / "call.wav")
    desk.do(Play(1, SECOND_NS // 2, bytes(8000), repeat=True))
    desk.do(StopPlaying(1, SECOND_NS))
    desk.do(Finish(1, 2 * SECOND_NS))
    right = read_stereo(tmp_path / "call.wav")[1]
    assert np.flatnonzero(right).tolist() == list(range(4000, 8000))


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 kB."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a tiny disk can be mounted by root only")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_full_ends_the_recording_which_can_be_heard(tiny_disk: Path) -> None:
    desk = Desk()
    path = tiny_disk / "call.wav"
    desk.record(path, minimum=60.0)
    for second in range(4):
        desk.hear(second)
    (outcome,) = desk.outcomes
    assert isinstance(outcome, Failed)
    assert outcome.why == "No space left on device"
    assert outcome.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    left, _ = read_stereo(path)
    assert 1.0 < len(left) / 8000 == pytest.approx(outcome.seconds, abs=0.001)
    assert click_places(left)[0] == 4000
    desk.do(Finish(1, 4 * SECOND_NS))
    assert len(desk.outcomes) == 1


def test_a_disk_full_from_the_start_fails_at_once_and_leaves_nothing(tiny_disk: Path) -> None:
    with pytest.raises(OSError, match="No space left"):
        (tiny_disk / "ballast").write_bytes(bytes(128 * 1024))
    desk = Desk()
    desk.record(tiny_disk / "day" / "call.wav")
    desk.hear(0)
    desk.do(Finish(1, SECOND_NS))
    (outcome,) = desk.outcomes
    assert outcome == Failed(1, "No space left on device", refused=True)
    assert not (tiny_disk / "day" / "call.wav").exists()


def failing_after(seconds: int, number: int) -> Callable[[Record], WaveFile]:
    """Files whose writes fail after so many seconds of sound: the seam of the disk."""
    left = [44 + seconds * 32000]

    def write(fd: int, data: memoryview) -> int:
        if left[0] <= 0:
            raise OSError(number, os.strerror(number))
        taken = os.write(fd, data[: left[0]])
        left[0] -= taken
        return taken

    return lambda job: WaveFile(job.path, job.sample_format, write=write)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
def test_a_failing_disk_ends_that_recording_and_no_other(tmp_path: Path, number: int) -> None:
    desk = Desk(failing_after(1, number))
    desk.record(tmp_path / "call.wav")
    desk.hear(0)
    desk.hear(1)
    (outcome,) = desk.outcomes
    assert isinstance(outcome, Failed)
    assert outcome.why == os.strerror(number)
    assert outcome.seconds == 1.0
    assert len(read_stereo(tmp_path / "call.wav")[0]) == 8000


def test_a_folder_that_cannot_be_made_fails_the_recording(tmp_path: Path) -> None:
    (tmp_path / "day").write_text("a file where a folder should be")
    desk = Desk()
    desk.record(tmp_path / "day" / "call.wav")
    (outcome,) = desk.outcomes
    assert isinstance(outcome, Failed)
    assert outcome.sha256 is None


def test_a_folder_that_vanishes_fails_the_recording(tmp_path: Path) -> None:
    desk = Desk()
    path = tmp_path / "day" / "call.wav"
    desk.record(path)
    desk.hear(0)
    path.with_name("call.wav.part").unlink()
    path.parent.rmdir()
    desk.do(Finish(1, SECOND_NS))
    (outcome,) = desk.outcomes
    assert isinstance(outcome, Failed)
    assert outcome.why == "its file was deleted or moved while it was written"
    assert (outcome.sha256, outcome.seconds) == (None, 0.0)


# Clips.


def test_a_clip_is_cut_when_the_tape_has_come_past_its_end(tmp_path: Path) -> None:
    desk = Desk()
    desk.do(Begin(1, 0, 20.0))
    clip = tmp_path / "day" / "clip.wav"
    for second in range(3):
        desk.hear(second)
    desk.do(Cut(1, 7, clip, 2 * SECOND_NS, 4 * SECOND_NS, "pcm"))
    desk.hear(3, channel=RIGHT)
    assert desk.outcomes == [ClipDone(1, 7)]
    left, right = read_stereo(clip)
    assert len(left) == 16000
    assert click_places(left).tolist() == [4000]
    assert click_places(right).tolist() == [12000]


@pytest.mark.parametrize("ending", [Finish(1, 2 * SECOND_NS), Forget(1)])
def test_a_clip_that_waits_gets_what_there_is_when_the_call_ends(
    tmp_path: Path, ending: Finish | Forget
) -> None:
    desk = Desk()
    desk.do(Begin(1, 0, 20.0))
    desk.hear(0)
    desk.hear(1)
    desk.do(Cut(1, 7, tmp_path / "clip.wav", SECOND_NS, 9 * SECOND_NS, "ulaw"))
    assert desk.outcomes == []
    desk.do(ending)
    assert desk.outcomes == [ClipDone(1, 7)]
    assert len(read_stereo(tmp_path / "clip.wav")[0]) == 8000


def test_a_clip_asked_for_after_the_end_gets_what_there_is(tmp_path: Path) -> None:
    desk = Desk()
    desk.do(Begin(1, 0, 20.0))
    desk.hear(0)
    desk.do(Finish(1, SECOND_NS))
    desk.do(Cut(1, 7, tmp_path / "clip.wav", 0, 9 * SECOND_NS, "pcm"))
    assert desk.outcomes == [ClipDone(1, 7)]
    assert len(read_stereo(tmp_path / "clip.wav")[0]) == 8000


def test_a_clip_goes_on_when_the_recording_has_failed(tmp_path: Path) -> None:
    desk = Desk(failing_after(1, errno.EIO))
    desk.record(tmp_path / "call.wav", history=20.0)
    desk.hear(0)
    desk.do(Cut(1, 7, tmp_path / "clip.wav", 0, 3 * SECOND_NS, "pcm"))
    desk.hear(1)
    desk.do(Finish(1, SECOND_NS, "too slow"))
    desk.hear(2)
    assert [type(outcome) for outcome in desk.outcomes] == [Failed, ClipDone]
    assert len(read_stereo(tmp_path / "clip.wav")[0]) == 24000


def test_what_cannot_be_cut_is_told(tmp_path: Path) -> None:
    desk = Desk()
    desk.do(Cut(1, 1, tmp_path / "a.wav", 0, SECOND_NS, "pcm"))
    desk.do(Begin(1, 0, 0.0))
    desk.hear(0)
    desk.do(Cut(1, 2, tmp_path / "b.wav", 0, SECOND_NS, "pcm"))
    desk.do(Remember(1, 5.0))
    desk.hear(1)
    (tmp_path / "file").touch()
    desk.do(Cut(1, 3, tmp_path / "file" / "c.wav", SECOND_NS, 2 * SECOND_NS, "pcm"))
    assert desk.outcomes == [
        ClipDone(1, 1, "the call is over"),
        ClipDone(1, 2, "nothing of it is remembered"),
        ClipDone(1, 3, "File exists", refused=True),
    ]


def test_clips_that_wait_are_bounded(tmp_path: Path) -> None:
    desk = Desk()
    desk.do(Begin(1, 0, 20.0))
    for number in range(MAX_CUTS + 1):
        desk.do(Cut(1, number, tmp_path / f"{number}.wav", 0, SECOND_NS, "pcm"))
    assert desk.outcomes == [ClipDone(1, MAX_CUTS, "too many clips wait")]


# The end.


def test_jobs_of_a_tape_that_is_not_there_are_answered_where_an_answer_is_due(
    tmp_path: Path,
) -> None:
    desk = Desk()
    desk.hear(0)
    desk.do(Forget(1))
    desk.do(Record(1, tmp_path / "call.wav", 0, "pcm", 0.0))
    assert desk.outcomes == [Failed(1, "internal error")]


def test_a_tape_given_up_keeps_its_file(tmp_path: Path) -> None:
    desk = Desk()
    desk.record(tmp_path / "call.wav", history=5.0)
    desk.hear(0)
    desk.do(Cut(1, 3, tmp_path / "clip.wav", 0, 9 * SECOND_NS, "pcm"))
    desk.taping.give_up(1)
    desk.taping.give_up(1)
    kept, clip = desk.outcomes
    assert isinstance(kept, Failed)
    assert (kept.why, kept.seconds) == ("internal error", 1.0)
    assert clip == ClipDone(1, 3, "internal error")


def test_what_is_open_when_the_switch_stops_is_finished(tmp_path: Path) -> None:
    desk = Desk()
    desk.record(tmp_path / "call.wav")
    desk.hear(0)
    desk.taping.end_all()
    (outcome,) = desk.outcomes
    assert isinstance(outcome, Failed)
    assert outcome.why == "the switch stopped"
    assert len(read_stereo(tmp_path / "call.wav")[0]) == 8000
