"""The stage with its threads, and what a crash left behind."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from config.model import Recording
from media.recording.file import WaveFile
from softswitch.hearing.recordings import Recordings, recordings_folder
from tests.support.laboratory import LONG_PROMPT, Laboratory, laboratory
from tests.support.taped_sound import read_stereo


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Laboratory]:
    with laboratory(tmp_path / "data") as lab:
        yield lab


def recordings_of(lab: Laboratory, folder: Path) -> Recordings:
    return Recordings(
        lab.services,
        folder=folder,
        data=lab.folder,
        find_call=lab.switchboard.calls.get,
        campaign_of=lambda call: replace(call.campaign, record=Recording()),
    )


def test_a_call_is_recorded_by_threads_of_their_own(lab: Laboratory) -> None:
    folder = recordings_folder(lab.folder, None)
    recordings = recordings_of(lab, folder)
    assert recordings.start() == []
    lab.caller.invite(LONG_PROMPT)
    lab.settle()
    lab.advance(3.0)
    lab.caller.hang_up()
    lab.wait_for(lambda: bool(lab.facts("recording.saved")))
    (recorded,) = lab.record["recordings"]
    path = lab.folder / recorded["path"]
    assert path.parent.parent == folder
    assert len(read_stereo(path)[0]) == 24000
    assert recorded["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    lab.loop.run(recordings.close())
    assert recordings.status() == {
        "recording": 0, "saved": 1, "failed": 0, "waiting_bytes": 0, "refused": 0,
    }  # fmt: skip


def test_what_a_crash_left_behind_is_told_in_a_line(
    lab: Laboratory, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "recordings"
    lab.expected_errors.append("cannot be made whole")
    file = WaveFile(folder / "2026-11-22" / "call.wav", "pcm")
    file.append(bytes(48000))
    file.close()
    (folder / "2026-11-22" / "other.wav.part").write_bytes(b"?" * 100)
    recordings = recordings_of(lab, folder)
    (repaired,) = recordings.start()
    lab.loop.run(recordings.close())
    assert repaired.seconds == 1.5
    assert f"made whole: {folder}/2026-11-22/call.wav (1.5 s)" in caplog.text
    assert "1 unfinished recordings cannot be made whole" in caplog.text


def test_a_folder_that_cannot_be_read_keeps_nothing_from_starting(
    lab: Laboratory, tmp_path: Path
) -> None:
    lab.expected_errors.append("cannot be looked through")
    (tmp_path / "file").touch()
    recordings = recordings_of(lab, tmp_path / "file")
    assert recordings.start() == []
    assert len(lab.errors) == 1
    lab.loop.run(recordings.close())


def test_the_folder_is_that_of_the_configuration(tmp_path: Path) -> None:
    assert recordings_folder(tmp_path, tmp_path / "elsewhere") == tmp_path / "elsewhere"
    assert recordings_folder(tmp_path, None) == tmp_path / "recordings"
