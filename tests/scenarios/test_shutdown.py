"""SIGTERM, a full switch, and what ends a call by itself."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.phone import Phone
from tests.support.program import command, leg, wait_for
from tests.support.sip_text import Message
from tests.support.sipp import Sipp, needs_sipp
from tests.support.stage import CALLER, DIRECT, SHORT, Stage

MakeStage = Callable[..., Stage]


def _assert_unavailable(message: Message) -> None:
    assert message.status == 503
    assert 1 <= int(message.get("retry-after").split()[0]) <= 5


def test_sigterm_drains_then_hangs_up_and_ends_with_0(make_stage: MakeStage) -> None:
    stage = make_stage(settings={"grace_time": "2 s"})
    bridge = stage.bridge()
    began = time.monotonic()
    stage.switch.terminate()
    wait_for("the drain has begun", lambda: _is_draining(stage))
    _assert_unavailable(
        stage.caller.ask("INVITE", f"sip:{DIRECT}@127.0.0.1", (), stage.rtp().sdp())
    )
    bridge.near.wait_for_packets(5)
    bridge.calling.expect("BYE", within=4)
    bridge.called.expect("BYE", within=4)
    assert time.monotonic() - began > 1.8
    assert stage.switch.wait_for_exit(6) == 0
    record = stage.switch.record()
    assert record["ended_by"] == "switch"
    log = stage.switch.output()
    assert "grace_time is over: 1 calls are hung up" in log
    (told,) = (line for line in log.splitlines() if "call.refused" in line)
    assert "why=draining" in told
    assert f"caller={CALLER} " in told


def _is_draining(stage: Stage) -> bool:
    answer = stage.caller.options(f"sip:127.0.0.1:{stage.switch.sip_port}")
    if answer.status == 200:
        return False
    _assert_unavailable(answer)
    return True


def test_sigterm_without_calls_ends_at_once(make_stage: MakeStage) -> None:
    stage = make_stage()
    began = time.monotonic()
    stage.switch.terminate()
    assert stage.switch.wait_for_exit(5) == 0
    assert time.monotonic() - began < 4


def test_a_second_sigterm_ends_at_once_and_every_call_has_its_record(
    make_stage: MakeStage,
) -> None:
    stage = make_stage(settings={"grace_time": "30 s"})
    bridge = stage.bridge()
    stage.switch.terminate()
    wait_for("the drain has begun", lambda: _is_draining(stage))
    os.kill(stage.switch.pid, signal.SIGTERM)
    stage.switch.wait_for_exit(5)
    bridge.calling.expect("BYE")
    bridge.called.expect("BYE")
    record = stage.switch.record()
    assert record["ended_by"] == "switch"


@needs_sipp
def test_sigterm_under_load_loses_no_call_and_no_record(
    make_stage: MakeStage, tmp_path: Path
) -> None:
    with Sipp(tmp_path, "uas_basic.xml", timeout=40, rtp_echo=True) as uas:
        stage = make_stage(settings={"grace_time": "2 s"}, trunk_port=uas.port, rtp_count=1000)
        uac = Sipp(
            tmp_path,
            "uac_drain.xml",
            remote=stage.switch.address,
            service=DIRECT,
            calls=150,
            rate=50,
            timeout=30,
            extra=("-recv_timeout", "15000"),
            hears=True,
        )
        with uac:
            time.sleep(1.5)
            stage.switch.terminate()
            assert uac.wait().successful == 150
        assert stage.switch.wait_for_exit(8) == 0
        answered = uas.stop().successful
    assert 20 < answered < 150
    records = stage.switch.records()
    assert len(records) == answered
    assert len({record["call_id"] for record in records}) == answered
    assert all(record["ended_at"] for record in records)
    # The shortest of them talked for the two seconds of grace.
    packets = [one["packets"] for record in records for one in record["legs"]]
    assert len(packets) == 2 * answered
    assert min(packets) >= 20
    assert len(uac.heard()) >= 200


def test_a_switch_without_free_ports_says_503_and_serves_again_later(
    make_stage: MakeStage,
) -> None:
    stage = make_stage(rtp_count=4)  # two pairs: one call
    bridge = stage.bridge()
    refused = stage.caller.invite(DIRECT, stage.rtp().sdp())
    _assert_unavailable(refused.expect(lambda message: (message.status or 0) >= 200))
    bridge.hang_up()
    time.sleep(2.3)  # a port pair rests for 2 s
    stage.bridge().hang_up()


def test_a_switch_with_all_its_calls_says_503(make_stage: MakeStage) -> None:
    stage = make_stage(settings={"max_calls": "1"})
    bridge = stage.bridge()
    refused = stage.caller.invite(DIRECT, stage.rtp().sdp())
    _assert_unavailable(refused.expect(lambda message: (message.status or 0) >= 200))
    bridge.hang_up()
    stage.bridge().hang_up()


def test_a_port_that_another_program_holds_is_skipped(make_stage: MakeStage) -> None:
    stage = make_stage(rtp_count=8, occupied=(0, 3))
    bridge = stage.bridge()
    bridge.near.wait_for_packets(5)
    bridge.hang_up()


def test_a_second_switch_on_the_same_data_refuses_to_start(make_stage: MakeStage) -> None:
    stage = make_stage()
    second = subprocess.run(
        command("run", "-c", str(stage.switch.config)),
        env={**stage.switch.environment, "SOFTSWITCH_SIP": f"127.0.0.1:{Phone().port}"},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert second.returncode != 0
    assert "Traceback" not in second.stderr
    assert str(stage.switch.data) in second.stderr + second.stdout
    stage.bridge().hang_up()


def test_a_second_switch_on_the_same_port_refuses_to_start(
    make_stage: MakeStage, tmp_path: Path
) -> None:
    stage = make_stage()
    second = subprocess.run(
        command("run", "-c", str(stage.switch.config)),
        env={**stage.switch.environment, "SOFTSWITCH_DATA": str(tmp_path / "other")},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert second.returncode != 0
    assert "Traceback" not in second.stderr
    assert str(stage.switch.sip_port) in second.stderr + second.stdout


def test_a_call_ends_at_its_longest_duration_with_a_cause(stage: Stage) -> None:
    bridge = stage.bridge(SHORT)
    bridge.calling.expect("BYE", within=5)
    bridge.called.expect("BYE")
    record = stage.switch.record()
    assert record["ended_by"] == "switch"
    assert record["cause"]
    assert 1.8 < record["total_seconds"] < 3.5


def test_a_call_without_rtp_ends_with_a_cause(make_stage: MakeStage) -> None:
    stage = make_stage(settings={"no_media_time": "5 s"})
    bridge = stage.bridge()
    bridge.near.wait_for_packets(5)
    bridge.near.sending = bridge.far.sending = False
    bridge.calling.expect("BYE", within=9)
    bridge.called.expect("BYE")
    record = stage.switch.record()
    assert record["ended_by"] == "switch"
    assert record["cause"]
    assert leg(record, "calling")["packets"] > 0


def test_a_held_call_without_rtp_stays(make_stage: MakeStage) -> None:
    stage = make_stage(settings={"no_media_time": "5 s"})
    bridge = stage.bridge()
    bridge.calling.reinvite(bridge.near.sdp(version=2, direction="inactive"))
    bridge.calling.expect(200)
    bridge.calling.ack()
    passed = bridge.called.expect("INVITE")
    bridge.called.respond(200, bridge.far.sdp(version=2, direction="inactive"), request=passed)
    bridge.called.expect("ACK")
    bridge.near.sending = bridge.far.sending = False
    bridge.calling.expect_nothing(during=7)
    bridge.hang_up()


@pytest.mark.full
def test_nothing_is_left_after_a_thousand_calls(make_stage: MakeStage, tmp_path: Path) -> None:
    with Sipp(tmp_path, "uas_basic.xml", timeout=200, quiet=True) as uas:
        stage = make_stage(trunk_port=uas.port, rtp_count=4000)
        files_before = _open_files(stage.switch.pid)
        uac = Sipp(
            tmp_path,
            "uac_plain.xml",
            remote=stage.switch.address,
            service=DIRECT,
            calls=1000,
            rate=50,
            timeout=60,
            quiet=True,
        )
        with uac:
            assert uac.wait().successful == 1000
        uas.stop()
        stage.switch.wait_for_records(1000)
        # Sockets of ports that were used stay open for the next call, so the pool bounds them.
        assert _open_files(stage.switch.pid) <= files_before + 4000


def _open_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))
