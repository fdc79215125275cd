"""Recordings that somebody starts and stops while the call goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from config.model import Recording
from softswitch.hearing import recording
from tests.support.laboratory import DIRECT, Laboratory, laboratory
from tests.support.taped_calls import TapedCalls, spoken
from tests.support.taped_sound import read_stereo
from tests.support.treated import answer


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Laboratory]:
    with laboratory(tmp_path / "data") as lab:
        yield lab


def bridged(taped: TapedCalls) -> str:
    """A call that rings through and is answered; both legs are heard."""
    lab = taped.lab
    lab.caller.invite(DIRECT)
    lab.settle()
    answer(lab, 0)
    taped.open(lab.call.caller)
    assert lab.call.callee is not None
    taped.open(lab.call.callee)
    return lab.call.call_id


def hang_up(taped: TapedCalls) -> None:
    taped.lab.caller.hang_up()
    taped.lab.settle()
    for ear in tuple(taped.ears):
        taped.close(ear)


def saved(taped: TapedCalls) -> list[NDArray[np.int16]]:
    """The left channels of all recordings, in their order."""
    told = taped.lab.facts("recording.saved")
    return [read_stereo(taped.lab.folder / one["path"])[0] for one in told]


def test_a_call_is_recorded_from_the_start_to_the_stop(lab: Laboratory) -> None:
    taped = TapedCalls(lab)
    call = bridged(taped)
    taped.speak(1.0, a=1000)
    path = taped.stage.start(call)
    assert path is not None
    assert path.endswith(f"/{call}.wav")
    taped.speak(1.0, a=2000)
    assert taped.stage.stop(call)
    taped.speak(2.0, a=3000)
    (left,) = saved(taped)
    assert spoken(left, 1000)[1] <= 0.021
    assert spoken(left, 2000) == pytest.approx((0.0, 1.0), abs=0.03)
    assert spoken(left, 3000)[1] - spoken(left, 3000)[0] <= 0.05
    assert [one["path"] for one in lab.facts("recording.started")] == [path]
    assert lab.call.bridged
    hang_up(taped)
    assert [one["path"] for one in lab.record["recordings"]] == [path]
    assert taped.stage.status() == {"recording": 0, "saved": 1, "failed": 0}


def test_each_start_makes_a_file_of_its_own_with_the_sound_of_its_time(lab: Laboratory) -> None:
    taped = TapedCalls(lab)
    call = bridged(taped)
    for level in (1000, 2000):
        assert taped.stage.start(call)
        taped.speak(1.0, a=level)
        taped.stage.stop(call)
        # Longer than sound may lie ahead of the tape.
        taped.speak(8.0, a=500)
    first, second = saved(taped)
    assert spoken(first, 1000) == pytest.approx((0.0, 1.0), abs=0.03)
    assert spoken(second, 2000) == pytest.approx((0.0, 1.0), abs=0.03)
    assert taped.stage._tapes.due <= 1
    hang_up(taped)
    names = [Path(one["path"]).name for one in lab.record["recordings"]]
    assert names == [f"{call}.wav", f"{call}-2.wav"]


def test_what_the_campaign_records_is_stopped_and_not_begun_again_by_itself(
    lab: Laboratory,
) -> None:
    taped = TapedCalls(lab, record=Recording())
    call = bridged(taped)
    assert taped.stage.start(call) is None
    taped.speak(1.0, a=1000)
    assert taped.stage.stop(call)
    assert not taped.stage.stop(call)
    taped.speak(2.0, a=2000)
    hang_up(taped)
    assert len(lab.record["recordings"]) == 1
    assert lab.record["recordings"][0]["seconds"] == pytest.approx(1.0, abs=0.05)


def test_a_call_that_ends_right_after_the_stop_has_its_recording(lab: Laboratory) -> None:
    taped = TapedCalls(lab, record=Recording())
    call = bridged(taped)
    taped.speak(1.0, a=1000)
    taped.stage.stop(call)
    hang_up(taped)
    lab.advance(5)
    assert lab.record["recordings"][0]["sha256"]


def test_a_pause_ends_with_the_recording(lab: Laboratory) -> None:
    taped = TapedCalls(lab, record=Recording())
    call = bridged(taped)
    taped.stage.pause(call)
    taped.speak(0.5, a=1000)
    taped.stage.stop(call)
    taped.speak(1.5)
    taped.stage.start(call)
    taped.speak(1.0, a=2000)
    hang_up(taped)
    first, second = saved(taped)
    assert not np.any(first)
    assert spoken(second, 2000) == pytest.approx((0.0, 1.0), abs=0.03)


def test_calls_that_are_not_answered_over_or_unknown_are_not_recorded(lab: Laboratory) -> None:
    taped = TapedCalls(lab)
    lab.caller.invite(DIRECT)
    lab.settle()
    call = lab.call.call_id
    assert taped.stage.start(call) is None
    assert not taped.stage.stop(call)
    answer(lab, 0)
    lab.caller.hang_up()
    lab.settle()
    assert taped.stage.start(call) is None
    assert taped.stage.start("nobody") is None
    assert taped.files() == []
    assert taped.stage._tapes.owed == {}


def test_one_call_has_only_so_many_recordings(
    lab: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "MAX_FILES", 2)
    taped = TapedCalls(lab)
    call = bridged(taped)
    begun = []
    for _ in range(3):
        begun.append(taped.stage.start(call) is not None)
        taped.speak(0.1, a=1000)
        taped.stage.stop(call)
        taped.speak(1.5)
    assert begun == [True, True, False]
    hang_up(taped)
    assert len(lab.record["recordings"]) == 2


def test_a_disk_that_takes_nothing_is_told(lab: Laboratory) -> None:
    taped = TapedCalls(lab)
    call = bridged(taped)
    lab.expected_errors.append("wait for the disk")
    taped.writer.refuses = True
    assert taped.stage.start(call) is None
    assert len(lab.facts("recording.failed")) == 1
    hang_up(taped)
    assert lab.record["recordings"][0]["why"]
