"""A recording whose file or folder somebody takes away while it is written."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from media.recording import Begin, Failed, Finish, Outcome, Record, Sound
from media.recording.taping import Taping
from tests.support.taped_sound import block

SECOND_NS = 1_000_000_000


def sound(second: int) -> Sound:
    frames = np.full(8000, 1000, np.int16)
    one = block(frames, start_ns=second * SECOND_NS, position=second * 8000)
    return Sound(1, (second + 1) * SECOND_NS, (one,))


def delete_file(folder: Path) -> None:
    (folder / "call.wav.part").unlink()


def delete_folder(folder: Path) -> None:
    shutil.rmtree(folder)


def move_folder(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))


def put_another(folder: Path) -> None:
    delete_file(folder)
    (folder / "call.wav.part").write_bytes(b"something else")


@pytest.mark.parametrize("take_away", [delete_file, delete_folder, move_folder, put_another])
def test_a_file_that_is_taken_away_ends_its_recording_with_the_next_second(
    tmp_path: Path, take_away: Callable[[Path], None]
) -> None:
    told: list[Outcome] = []
    taping = Taping(told.append, lambda work: work())
    folder = tmp_path / "day"
    taping.do(Begin(1, 0, 0.0))
    taping.do(Record(1, folder / "call.wav", 0, "pcm", 0.0))
    taping.do(sound(0))
    assert told == []
    take_away(folder)
    taping.do(sound(1))
    (outcome,) = told
    assert isinstance(outcome, Failed)
    assert "deleted or moved" in outcome.why
    assert (outcome.sha256, outcome.seconds) == (None, 0.0), "there is no file"
    taping.do(sound(2))
    taping.do(Finish(1, 3 * SECOND_NS))
    assert len(told) == 1
    assert not (folder / "call.wav").exists()


def test_a_file_that_is_taken_away_in_the_last_second_leaves_no_seconds(tmp_path: Path) -> None:
    told: list[Outcome] = []
    taping = Taping(told.append, lambda work: work())
    taping.do(Begin(1, 0, 0.0))
    taping.do(Record(1, tmp_path / "day" / "call.wav", 0, "pcm", 0.0))
    taping.do(sound(0))
    shutil.rmtree(tmp_path / "day")
    taping.do(Finish(1, SECOND_NS))
    (outcome,) = told
    assert isinstance(outcome, Failed)
    assert "deleted or moved" in outcome.why
    assert (outcome.sha256, outcome.seconds) == (None, 0.0)
