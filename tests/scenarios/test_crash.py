"""kill -9 at the worst moment: nothing that was presented is lost, nothing is recorded twice."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.program import Record, wait_for
from tests.support.sipp import Sipp, needs_sipp
from tests.support.stage import DIRECT, Stage

MakeStage = Callable[..., Stage]
CALLS = 200


@needs_sipp
def test_200_calls_in_flight_have_200_records_after_a_kill(
    make_stage: MakeStage, tmp_path: Path
) -> None:
    with Sipp(tmp_path, "uas_basic.xml", timeout=60) as uas:
        stage = make_stage(trunk_port=uas.port, rtp_count=1200)
        with Sipp(
            tmp_path,
            "uac_plain.xml",
            remote=stage.switch.address,
            service=DIRECT,
            calls=CALLS,
            rate=100,
            hold_ms=60000,
            timeout=50,
        ) as uac:
            wait_for(f"{CALLS} calls are up", lambda: _answered(uac) == CALLS, within=15)
            stage.switch.kill()
    assert stage.switch.records() == []
    stage.switch.start()
    records = stage.switch.records()
    assert len(records) == CALLS, "every record stands before `ready`"
    assert {record["ended_by"] for record in records} == {"crash"}
    assert len({record["call_id"] for record in records}) == CALLS
    for record in records:
        assert record["campaign"] == "direct"
        assert record["received_at"] <= record["ended_at"]
    _restart(stage)
    assert len(stage.switch.records()) == CALLS


def _answered(uac: Sipp) -> int:
    """Calls whose 200 SIPp has acknowledged, by its message trace."""
    path = uac.directory / f"{uac.name}.messages"
    return path.read_bytes().count(b"\nACK sip:") if path.exists() else 0


def _restart(stage: Stage) -> None:
    stage.switch.kill()
    stage.switch.start()


def test_calls_that_ended_before_the_kill_keep_their_one_record(make_stage: MakeStage) -> None:
    stage = make_stage()
    stage.bridge().hang_up()
    first = stage.switch.record()
    bridge = stage.bridge()
    bridge.near.wait_for_packets(3)
    _restart(stage)
    records = stage.switch.wait_for_records(2)
    assert records[0] == first
    assert records[1]["ended_by"] == "crash"
    assert records[1]["call_id"] != first["call_id"]


def test_a_call_that_was_only_presented_has_its_record(make_stage: MakeStage) -> None:
    stage = make_stage()
    stage.caller.invite(DIRECT, stage.rtp().sdp())
    stage.callee.expect_call()
    _restart(stage)
    record = stage.switch.record()
    assert record["ended_by"] == "crash"
    assert record["number"] == DIRECT


def test_a_torn_last_line_is_cut_and_the_call_still_has_one_record(make_stage: MakeStage) -> None:
    stage = make_stage()
    stage.bridge().hang_up()
    stage.switch.record()
    whole = _records_path(stage).read_bytes()
    bridge = stage.bridge()
    bridge.near.wait_for_packets(3)
    stage.switch.kill()
    with _records_path(stage).open("ab") as torn:
        torn.write(whole[: len(whole) // 2])
    stage.switch.start()
    records = stage.switch.wait_for_records(2)
    assert [record["ended_by"] for record in records] == ["calling", "crash"]


def test_a_torn_journal_line_is_cut(make_stage: MakeStage) -> None:
    stage = make_stage()
    bridge = stage.bridge()
    bridge.near.wait_for_packets(3)
    stage.switch.kill()
    for path in _journals(stage):
        with path.open("ab") as torn:
            torn.write(b'{"call_id": "torn')
    stage.switch.start()
    record = stage.switch.record()
    assert record["ended_by"] == "crash"
    stage.bridge().hang_up()
    stage.switch.wait_for_records(2)


@pytest.mark.parametrize(
    "moments",
    [(0, 1, 3, 9), pytest.param(tuple(range(10)), marks=pytest.mark.full)],
    ids=["a few", "ten"],
)
def test_a_kill_during_set_up_at_any_moment_keeps_what_was_presented(
    make_stage: MakeStage, moments: tuple[int, ...]
) -> None:
    """Presented means: the called side has seen its INVITE. Moments are milliseconds after it."""
    stage = make_stage()
    for moment in moments:
        called_before = _ids(stage.switch.records())
        stage.caller.invite(DIRECT, stage.rtp().sdp())
        stage.callee.expect_call()
        time.sleep(moment / 1000)
        _restart(stage)
        new = _ids(stage.switch.records()) - called_before
        assert len(new) == 1, f"{len(new)} records {moment} ms after the INVITE"


def _ids(records: list[Record]) -> set[str]:
    return {str(record["call_id"]) for record in records}


def _records_path(stage: Stage) -> Path:
    return stage.switch.data / "records.jsonl"


def _journals(stage: Stage) -> list[Path]:
    return [path for path in stage.switch.data.rglob("*journal*") if path.is_file()]
