"""The folder of recordings is there before the first call, or the switch does not start."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from config.model import Configuration
from softswitch.hearing.folder import make_recordings_folder
from tests.support.configurations import loaded


def wanting(wish: str, data: Path, hearing: str = "{}") -> Configuration:
    return loaded(
        f"switch: {{data: {data}}}\nhearing: {hearing}\ntrunks: {{a: h}}\n"
        f"campaigns: {{c: {{treatment: t, {wish}}}}}\ntreatments: {{t: [hang_up]}}\n"
    )


@pytest.mark.parametrize("wish", ["record: true", "keywords: [friend]"])
def test_the_folder_is_made_where_something_will_be_written(tmp_path: Path, wish: str) -> None:
    make_recordings_folder(wanting(wish, tmp_path / "data"))
    assert (tmp_path / "data" / "recordings").is_dir()


@pytest.mark.parametrize("wish", ["record: no", "keywords: {clip: off, rules: [friend]}"])
def test_a_folder_that_nobody_needs_is_not_made(tmp_path: Path, wish: str) -> None:
    make_recordings_folder(wanting(wish, tmp_path, f"{{recordings: {tmp_path}/elsewhere}}"))
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "recordings"
    with pytest.raises(OSError, match=f"folder of recordings {folder}: Not a directory"):
        make_recordings_folder(wanting("record: true", tmp_path, f"{{recordings: {folder}}}"))


def test_a_folder_that_cannot_be_written_to_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(OSError, match="it cannot be written to"):
        make_recordings_folder(wanting("record: true", tmp_path))
