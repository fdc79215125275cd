"""Files on disk: whole and hashed when finished, a WAV file whatever happened."""

import errno
import fcntl
import hashlib
import os
import struct
from pathlib import Path

import numpy as np
import pytest

from media.recording.file import FileTooLarge, WaveFile, write_clip
from media.wav import read_wav
from tests.support.taped_sound import read_stereo

STEREO = np.arange(2000, dtype="<i2").tobytes()


def test_a_finished_file_is_whole_under_its_name_and_its_hash_is_that_of_the_disk(
    tmp_path: Path,
) -> None:
    path = tmp_path / "2026-11-22" / "call.wav"
    file = WaveFile(path, "pcm")
    file.append(STEREO)
    file.append(STEREO)
    assert not path.exists()
    assert file.part.exists()
    assert file.seconds == 0.25
    sha256, size = file.finish()
    assert sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert size == path.stat().st_size == 44 + 2 * len(STEREO)
    assert not file.part.exists()
    left, right = read_stereo(path)
    assert left.tolist() == [*range(0, 2000, 2), *range(0, 2000, 2)]
    assert right[0] == 1
    assert path.stat().st_mode & 0o007 == 0, "strangers can listen"


def test_mu_law_has_the_header_that_its_form_needs(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    file = WaveFile(path, "ulaw")
    file.append(bytes([0xFF, 0x00]) * 100)
    file.finish()
    left, right = read_stereo(path)
    assert left.tolist() == [0] * 100
    assert right.tolist() == [-32124] * 100
    assert len(read_wav(path)) == 100
    assert struct.unpack_from("<4sII", path.read_bytes(), 38) == (b"fact", 4, 100)


def test_an_empty_recording_is_a_file_too(tmp_path: Path) -> None:
    file = WaveFile(tmp_path / "call.wav", "pcm")
    file.finish()
    assert read_stereo(tmp_path / "call.wav")[0].size == 0


def test_what_a_full_disk_took_is_kept_to_the_last_whole_sample(tmp_path: Path) -> None:
    room = [44 + 1003]

    def write(fd: int, data: memoryview) -> int:
        taken = min(room[0], len(data), 400)
        if not taken:
            raise OSError(errno.ENOSPC, "No space left on device")
        room[0] -= taken
        return os.write(fd, data[:taken])

    file = WaveFile(tmp_path / "call.wav", "pcm", write=write)
    with pytest.raises(OSError, match="No space left"):
        file.append(STEREO)
    assert file.frames == 250
    sha256, size = file.finish()
    assert size == 44 + 1000
    data = (tmp_path / "call.wav").read_bytes()
    assert hashlib.sha256(data).hexdigest() == sha256
    assert read_stereo(tmp_path / "call.wav")[0].tolist() == list(range(0, 500, 2))


def test_a_file_whose_header_finds_no_room_leaves_nothing_behind(tmp_path: Path) -> None:
    def write(_fd: int, _data: memoryview) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        WaveFile(tmp_path / "call.wav", "pcm", write=write)
    assert list(tmp_path.iterdir()) == []


def test_a_file_grows_no_larger_than_its_sizes_can_say(tmp_path: Path) -> None:
    file = WaveFile(tmp_path / "call.wav", "pcm", max_bytes=len(STEREO) + 100)
    file.append(STEREO)
    with pytest.raises(FileTooLarge, match="as long as a WAV file can be"):
        file.append(STEREO)
    file.finish()
    assert read_stereo(tmp_path / "call.wav")[0].size == 1000


def test_a_file_that_is_being_written_is_locked(tmp_path: Path) -> None:
    file = WaveFile(tmp_path / "call.wav", "pcm")
    with file.part.open("rb") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    file.discard()
    file.close()
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_without_locks_can_be_recorded_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(_fd: int, _how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    file = WaveFile(tmp_path / "call.wav", "pcm")
    file.append(STEREO)
    file.finish()
    assert read_stereo(tmp_path / "call.wav")[0].size == 1000


def test_a_link_in_the_way_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("kept")
    (tmp_path / "call.wav.part").symlink_to(victim)
    with pytest.raises(FileExistsError):
        WaveFile(tmp_path / "call.wav", "pcm")
    assert victim.read_text() == "kept"


def test_a_clip_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "clip.wav").mkdir()  # its name is taken, by a folder
    with pytest.raises(OSError, match=r"directory|Is a"):
        write_clip(tmp_path / "clip.wav", "pcm", STEREO)
    assert [path.name for path in tmp_path.iterdir()] == ["clip.wav"]
