"""What is paused is on the disk before anybody is told, whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from softswitch.campaign.pauses import Pause
from softswitch.store.pause_file import PauseFile

SALE = Pause("sale", "", "ann", 1.0, "over")
BUYER = Pause("", "+16025550001", "ann", 2.0)


def test_pauses_are_there_again(tmp_path: Path) -> None:
    file = PauseFile(tmp_path)
    assert not file.pauses
    file.pause(SALE)
    file.pause(BUYER)
    assert list(PauseFile(tmp_path).pauses) == [SALE, BUYER]
    assert file.resume("sale", "")
    assert not file.resume("sale", "")
    assert list(PauseFile(tmp_path).pauses) == [BUYER]
    assert (tmp_path / "paused.json").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("step", ["fsync", "replace", "write"])
def test_a_disk_that_fails_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    file = PauseFile(tmp_path)
    file.pause(SALE)

    def fail(*_args: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, step, fail)
        with pytest.raises(OSError, match="No space"):
            file.pause(BUYER)
        with pytest.raises(OSError, match="No space"):
            file.resume("sale", "")
    assert list(file.pauses) == [SALE]
    assert list(PauseFile(tmp_path).pauses) == [SALE]
    file.pause(BUYER)
    assert list(PauseFile(tmp_path).pauses) == [SALE, BUYER]


@pytest.mark.parametrize("text", [b"", b"[{]", b'{"a": 1}', b'[{"campaign": 1}]', b"\xff"])
def test_a_file_that_is_none_of_ours_is_told(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "paused.json").write_bytes(text)
    with pytest.raises(ValueError, match=r"paused\.json cannot be read"):
        PauseFile(tmp_path)
