"""The appended file: whole lines or none, torn last lines cut."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from softswitch.store.lines import LineFile, encode_line


def test_appended_lines_come_back_in_order(tmp_path: Path) -> None:
    file = LineFile(tmp_path / "a.jsonl")
    for n in range(3):
        file.append(encode_line({"n": n}))
    assert [line["n"] for line in file.lines()] == [0, 1, 2]
    assert file.size == (tmp_path / "a.jsonl").stat().st_size
    file.close()


@pytest.mark.parametrize("torn", [b"{", b'{"n": 1', b'{"n": 1}', b"x" * 200_000])
def test_a_torn_last_line_is_cut_when_the_file_is_opened(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"n":0}\n' + torn)
    file = LineFile(path)
    assert file.cut_bytes == len(torn)
    assert path.read_bytes() == b'{"n":0}\n'
    file.append(encode_line({"n": 2}))
    assert [line["n"] for line in file.lines()] == [0, 2]
    file.close()


def test_a_file_of_one_torn_line_becomes_empty(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"n":')
    file = LineFile(path)
    assert (file.size, path.read_bytes()) == (0, b"")
    file.close()


def test_lines_that_are_no_objects_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"n":0}\n\x00\xff\n[1]\nnull\n{"n":1}\n')
    file = LineFile(path)
    assert [line["n"] for line in file.lines()] == [0, 1]
    file.close()


def test_reading_starts_at_an_offset(tmp_path: Path) -> None:
    file = LineFile(tmp_path / "a.jsonl")
    file.append(encode_line({"n": 0}))
    start = file.size
    file.append(encode_line({"n": 1}))
    assert [line["n"] for line in file.lines(start)] == [1]
    file.close()


def test_a_write_that_fails_half_way_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.jsonl"
    file = LineFile(path)
    file.append(encode_line({"n": 0}))
    real_write = os.write
    calls = []

    def full_disk(fd: int, data: bytes) -> int:
        calls.append(len(data))
        if len(calls) == 1:
            return real_write(fd, data[:3])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full_disk)
    with pytest.raises(OSError, match="No space"):
        file.append(encode_line({"n": 1}))
    monkeypatch.undo()
    assert path.read_bytes() == b'{"n":0}\n'
    file.append(encode_line({"n": 2}))
    assert [line["n"] for line in file.lines()] == [0, 2]
    file.close()


def test_text_that_utf8_cannot_hold_is_written_all_the_same() -> None:
    assert encode_line({"a": "\udcff"}) == b'{"a":"?"}\n'


def test_nothing_is_written_behind_a_line_that_could_not_be_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.jsonl"
    file = LineFile(path)
    file.append(encode_line({"n": 0}))
    real_write = os.write

    def half(fd: int, data: bytes) -> int:
        real_write(fd, data[:3])
        raise OSError(errno.EIO, "Input/output error")

    def short(fd: int, data: bytes) -> int:
        monkeypatch.setattr(os, "write", half)
        return real_write(fd, data[:3])

    def stuck(fd: int, size: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "write", short)
    monkeypatch.setattr(os, "ftruncate", stuck)
    for _ in range(2):
        with pytest.raises(OSError, match="Input/output"):
            file.append(encode_line({"n": 1}))
    monkeypatch.undo()
    file.append(encode_line({"n": 2}))
    assert path.read_bytes() == b'{"n":0}\n{"n":2}\n'
    file.close()
