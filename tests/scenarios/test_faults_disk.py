"""The disk is full: calls go on, new ones are sent elsewhere, all records are written afterwards.

What is promised for it stands in docs/failures.md.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from tests.support.control import ControlPeer, Refused
from tests.support.disks import SmallDisk, small_disk
from tests.support.program import wait_for
from tests.support.rtp_end import RtpEnd
from tests.support.stage import DIRECT, Stage
from tests.support.web_receiver import Receiver

__all__ = ["small_disk"]

MakeStage = Callable[..., Stage]
SECRET = "a-secret-of-the-receiver-0123456789"


def staged(make_stage: MakeStage, disk: SmallDisk, **options: Any) -> Stage:
    """A stage whose data folder is on the small disk."""
    return make_stage(environment={"SOFTSWITCH_DATA": str(disk.folder / "data")}, **options)


def records(disk: SmallDisk) -> list[dict[str, Any]]:
    path = disk.folder / "data" / "records.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


def wait_for_records(disk: SmallDisk, count: int) -> list[dict[str, Any]]:
    wait_for(f"{count} records", lambda: len(records(disk)) >= count, within=15)
    found = records(disk)
    assert len(found) == count
    assert len({one["call_id"] for one in found}) == count
    return found


def hears_on(end: RtpEnd, packets: int = 25) -> None:
    """Sound comes, from now on."""
    end.wait_for_packets(len(end.arrivals) + packets, within=20.0)


def control(stage: Stage) -> ControlPeer:
    return ControlPeer(("127.0.0.1", stage.switch.control_port))


def test_calls_in_progress_go_on_and_their_records_are_written_when_there_is_room(
    make_stage: MakeStage, small_disk: SmallDisk
) -> None:
    stage = staged(make_stage, small_disk)
    first, second = stage.bridge(), stage.bridge()
    small_disk.fill()
    for end in (first.near, first.far):
        hears_on(end)
    first.hang_up()
    refused = stage.caller.invite(DIRECT).expect(503)
    assert int(refused.get("retry-after")) >= 1
    hears_on(second.near)
    with closing(control(stage)) as peer:
        wait_for("the waiting record", lambda: _waiting(peer) == 1)
        second.hang_up()
        wait_for("both", lambda: _waiting(peer) == 2)
        assert records(small_disk) == []
        small_disk.free()
        found = wait_for_records(small_disk, 2)
        assert _waiting(peer) == 0
    wait_for("its end", lambda: " disk.recovered " in stage.switch.output())
    output = stage.switch.output()
    assert output.count(" disk.failed ") == output.count(" disk.recovered ") == 1
    assert output.count("the journal cannot be written: [Errno 28]") == 1
    assert {one["ended_by"] for one in found} == {"calling"}
    assert all(one["talk_seconds"] > 0 for one in found)
    stage.bridge().hang_up()
    wait_for_records(small_disk, 3)


def _waiting(peer: ControlPeer) -> int:
    waiting = peer.ask("status")["parts"]["queues"]["queues"]["records"]
    assert isinstance(waiting, int)
    return waiting


def test_what_cannot_be_written_down_is_refused_in_a_sentence(
    make_stage: MakeStage, small_disk: SmallDisk
) -> None:
    stage = staged(make_stage, small_disk)
    bridge = stage.bridge()
    small_disk.fill()
    with closing(control(stage)) as peer:
        for method, params in (
            ("number.activate", {"number": "602 555 7777", "campaign": "direct"}),
            ("cap.pause", {"campaign": "direct"}),
        ):
            with pytest.raises(Refused, match="No space left on device"):
                peer.ask(method, **params)
        hears_on(bridge.near)
        small_disk.free()
        peer.ask("number.activate", number="602 555 7777", campaign="direct")
        peer.ask("cap.pause", campaign="direct")
    bridge.hang_up()
    wait_for_records(small_disk, 1)


def test_an_opt_out_without_room_holds_and_outlives_the_switch_once_there_is_room(
    make_stage: MakeStage, small_disk: SmallDisk
) -> None:
    stage = staged(make_stage, small_disk)
    kept = small_disk.folder / "data" / "opt-outs.jsonl"
    small_disk.fill()
    with closing(control(stage)) as peer:
        message = "holds in memory only until the disk has room: No space left on device"
        with pytest.raises(Refused, match=message):
            peer.ask("list.opt_out", party="602 555 7703")
        with pytest.raises(Refused, match="the opt-out holds: No space left on device"):
            peer.ask("list.opt_out", party="602 555 7703", called=True)
        assert kept.read_text() == ""
        small_disk.free()
        wait_for("its line", lambda: '"+16025557703","out":true' in kept.read_text())
        told = peer.ask("list.opt_out", party="602 555 7703")
        assert told == {"party": "+16025557703", "called": False}
    assert kept.read_text().count("\n") == 1


def test_a_kill_while_records_wait_leaves_a_crash_record_of_each(
    make_stage: MakeStage, small_disk: SmallDisk
) -> None:
    stage = staged(make_stage, small_disk)
    bridge, other = stage.bridge(), stage.bridge()
    small_disk.fill()
    bridge.hang_up()
    hears_on(other.near)
    stage.switch.kill()
    small_disk.free()
    stage.switch.start()
    found = wait_for_records(small_disk, 2)
    assert {one["ended_by"] for one in found} == {"crash"}


def test_a_stop_while_records_wait_says_so_and_loses_none(
    make_stage: MakeStage, small_disk: SmallDisk
) -> None:
    stage = staged(make_stage, small_disk)
    bridge = stage.bridge()
    small_disk.fill()
    bridge.hang_up()
    stage.switch.terminate()
    stage.switch.wait_for_exit()
    output = stage.switch.output()
    assert "1 records are in the log alone: No space left on device" in output
    (line,) = (one for one in output.splitlines() if " error record: " in one)
    told = json.loads(line.partition(" error record: ")[2])
    small_disk.free()
    stage.switch.start()
    (record,) = wait_for_records(small_disk, 1)
    assert record["call_id"] == told["call_id"]
    assert (record["ended_by"], told["ended_by"]) == ("crash", "calling")


def test_a_switch_on_a_full_disk_says_so_and_does_not_start(
    make_stage: MakeStage, small_disk: SmallDisk
) -> None:
    stage = staged(make_stage, small_disk)
    stage.switch.terminate()
    stage.switch.wait_for_exit()
    small_disk.fill()
    stage.switch.start(wait_until_ready=False)
    assert stage.switch.wait_for_exit() == 1
    assert "disk/data: No space left on device" in stage.switch.output()
    small_disk.free()
    stage.switch.start()


def test_a_webhook_gets_the_records_of_a_time_without_room(
    make_stage: MakeStage, small_disk: SmallDisk
) -> None:
    with Receiver() as receiver:
        hook = f"{{url: {receiver.url()}, events: [call.record], secret: {SECRET}}}"
        stage = staged(make_stage, small_disk, sections=f"webhooks:\n  crm: {hook}\n")
        stage.bridge().hang_up()
        receiver.wait_for(1, kind="call.record")
        bridge = stage.bridge()
        small_disk.fill()
        bridge.hang_up()
        wait_for("a line", lambda: "No space left on device" in stage.switch.output())
        small_disk.free()
        (_, record) = wait_for_records(small_disk, 2)
        receiver.wait_for(2, kind="call.record", within=30)
        told = [one.told["facts"]["record"]["call_id"] for one in receiver.taken]
        assert told[-1] == record["call_id"]
        assert len(set(told)) == 2
