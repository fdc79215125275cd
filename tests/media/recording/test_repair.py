"""What a crash left behind can be heard again."""

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from media.recording.file import WaveFile
from media.recording.repair import (
    Repaired,
    hash_beside,
    repair_recordings,
    unfinished_recordings,
)
from tests.support.taped_sound import read_stereo

WRITER = """\
import sys, time
from pathlib import Path
import numpy as np
from media.recording import Begin, Block, Record, Sound, Writer
writer = Writer(lambda outcome: print(outcome, flush=True))
writer.start()
writer.submit(Begin(1, 0, 0.0))
writer.submit(Record(1, Path(sys.argv[1]), 0, sys.argv[2], 0.0))
numbers = np.arange(50)
for second in range(3):
    frames = np.full((50, 160), 7932, np.int16)
    at = second * 50 + numbers
    block = Block(0, 1, frames, at * 160, at * 20_000_000)
    writer.submit(Sound(1, (second + 1) * 1_000_000_000, (block,)))
while writer.waiting_bytes:
    time.sleep(0.01)
print("written", flush=True)
time.sleep(60)
"""


def repair(folder: Path) -> tuple[list[Repaired], list[tuple[Path, str]]]:
    """Mend all that is left behind."""
    return repair_recordings(unfinished_recordings(folder))


@pytest.mark.parametrize("sample_format", ["pcm", "ulaw"])
def test_a_recording_whose_writer_was_killed_is_mended(tmp_path: Path, sample_format: str) -> None:
    path = tmp_path / "2026-11-22" / "call.wav"
    command = [sys.executable, "-c", WRITER, str(path), sample_format]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "written\n"
        assert repair(tmp_path) == ([], []), "it is still being written"
        writer.send_signal(signal.SIGKILL)
        writer.wait(10)
    assert not path.exists()
    (repaired,), failed = repair(tmp_path)
    assert failed == []
    assert repaired.path == path
    assert repaired.seconds == 3.0
    left, right = read_stereo(path)
    assert (left == 7932).all()
    assert not right.any()
    assert repaired.sha256 == hashlib.sha256(path.read_bytes()).hexdigest() == hash_beside(path)
    check = ["sha256sum", "-c", f"{path.name}.sha256"]
    assert subprocess.run(check, cwd=path.parent, capture_output=True, check=False).returncode == 0
    assert repair(tmp_path) == ([], [])


def left_behind(folder: Path, data: bytes) -> Path:
    """A file that a crash left in the middle."""
    file = WaveFile(folder / "day" / "call.wav", "pcm")
    if data:
        file.append(data)
    file.close()
    return file.part


def test_half_a_sample_at_the_end_is_left_out(tmp_path: Path) -> None:
    left_behind(tmp_path, bytes(range(7)))
    (repaired,), _ = repair(tmp_path)
    assert read_stereo(repaired.path)[0].size == 1


def test_what_holds_no_sound_is_deleted(tmp_path: Path) -> None:
    part = left_behind(tmp_path, b"")
    assert repair(tmp_path) == ([], [])
    assert not part.exists()
    part.write_bytes(b"")
    assert repair(tmp_path) == ([], [])
    assert not part.exists()


def test_what_is_no_recording_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    part = tmp_path / "day" / "other.wav.part"
    part.parent.mkdir()
    part.write_bytes(b"something else" * 10)
    repaired, ((path, why),) = repair(tmp_path)
    assert repaired == []
    assert path == part
    assert "does not begin like a recording" in why
    assert part.read_bytes() == b"something else" * 10


def test_a_link_or_a_folder_in_its_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "day").mkdir()
    (tmp_path / "day" / "a.wav.part").symlink_to("/dev/zero")
    (tmp_path / "day" / "b.wav.part").mkdir()
    os.mkfifo(tmp_path / "day" / "c.wav.part")
    repaired, failed = repair(tmp_path)
    assert repaired == []
    assert [path.name for path, _ in failed] == ["a.wav.part", "b.wav.part", "c.wav.part"]


def test_a_folder_that_is_not_there_has_nothing_to_mend(tmp_path: Path) -> None:
    assert repair(tmp_path / "none") == ([], [])


def test_a_folder_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        unfinished_recordings(tmp_path / "file")


def test_a_stop_leaves_the_rest_to_the_next_start(tmp_path: Path) -> None:
    part = left_behind(tmp_path, bytes(400))
    parts = unfinished_recordings(tmp_path)
    assert parts == [part]
    assert repair_recordings(parts, stopped=lambda: True) == ([], [])
    assert part.exists()
    assert len(repair(tmp_path)[0]) == 1


def test_a_mend_that_was_cut_off_itself_is_done_again(tmp_path: Path) -> None:
    part = left_behind(tmp_path, bytes(400))
    beside = part.with_name("call.wav.sha256")
    beside.write_text("half a ha")
    (repaired,), _ = repair(tmp_path)
    assert hash_beside(repaired.path) == repaired.sha256
    assert beside.stat().st_mode & 0o007 == 0


def test_a_recording_with_no_hash_beside_it_has_none(tmp_path: Path) -> None:
    assert hash_beside(tmp_path / "call.wav") is None
    (tmp_path / "call.wav.sha256").touch()
    assert hash_beside(tmp_path / "call.wav") is None


def test_only_the_last_days_are_looked_through(tmp_path: Path) -> None:
    for day in range(1, 6):
        file = WaveFile(tmp_path / f"2026-11-0{day}" / "call.wav", "pcm")
        file.append(bytes(400))
        file.close()
    repaired, _ = repair(tmp_path)
    assert [one.path.parent.name[-1] for one in repaired] == ["3", "4", "5"]
