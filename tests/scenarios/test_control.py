"""The control socket of the real program: events of real calls, and what is done to them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.certificates import trusting, write_certificate
from tests.support.control import ControlPeer, Refused
from tests.support.sipp import Sipp, needs_sipp
from tests.support.stage import DIRECT, Stage

MakeStage = Callable[..., Stage]
CALLS = 200

SUBSCRIBER = """
import json, socket, sys
peer = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
asked = {"jsonrpc": "2.0", "id": 1, "method": "events.subscribe", "params": json.loads(sys.argv[2])}
peer.sendall(json.dumps(asked).encode() + b"\\n")
for line in peer.makefile("rb"):
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()
"""
"""Writes down what it is told, as a program of somebody else's would."""


def peer_of(stage: Stage) -> ControlPeer:
    return ControlPeer(("127.0.0.1", stage.switch.control_port))


def test_a_call_is_told_as_it_happens_over_both_sockets(stage: Stage) -> None:
    with peer_of(stage) as tcp, ControlPeer(stage.switch.data / "control.sock") as unix:
        for peer in (tcp, unix):
            peer.ask("events.subscribe", kinds=["call.*"])
        stage.bridge().hang_up()
        for peer in (tcp, unix):
            presented = peer.event("call.presented")
            assert presented["campaign"] == "direct"
            assert presented["facts"]["called"] == DIRECT
            record = peer.event("call.record")
            assert record["call"] == presented["call"]
            assert record["facts"]["record"] == stage.switch.record()


@needs_sipp
@pytest.mark.timeout(150)
def test_a_subscriber_killed_in_a_storm_of_calls_misses_nothing_and_sees_nothing_twice(
    make_stage: MakeStage, tmp_path: Path
) -> None:
    with Sipp(tmp_path, "uas_basic.xml", timeout=100) as uas:
        stage = make_stage(trunk_port=uas.port, rtp_count=1200)
        with peer_of(stage) as asking:
            epoch = asking.ask("status")["events"]["epoch"]
        options: dict[str, Any] = {"calls": CALLS, "rate": 30, "hold_ms": 300, "timeout": 90}
        lives: list[list[Any]] = []
        with Sipp(
            tmp_path, "uac_plain.xml", remote=stage.switch.address, service=DIRECT, **options
        ) as uac:
            while uac.process is not None and uac.process.poll() is None:
                lives.append(live(stage, last_of(lives), epoch, tmp_path / f"{len(lives)}"))
        assert uac.wait().successful == CALLS
        stage.switch.wait_for_records(CALLS)
        with peer_of(stage) as peer:
            last = peer.ask("status")["events"]["last"]
            peer.ask("events.subscribe", after=last_of(lives), epoch=epoch)
            rest = [peer.notification() for _ in range(last - last_of(lives))]
    told = [*(one for one_life in lives for one in one_life), *rest]
    assert [one["method"] for one in told] == ["event"] * last
    events = [one["params"] for one in told]
    assert [one["sequence"] for one in events] == list(range(1, last + 1))
    assert len(lives) >= 4
    by_call: dict[str, list[Any]] = {}
    for one in events:
        by_call.setdefault(one["call"], []).append(one)
    assert len(by_call) == CALLS
    for call in by_call.values():
        assert [one["number"] for one in call] == list(range(1, len(call) + 1))
        assert (call[0]["kind"], call[-1]["kind"]) == ("call.presented", "call.record")


def live(stage: Stage, after: int, epoch: str, path: Path) -> list[Any]:
    """One life of a subscriber, ended by SIGKILL: the whole lines that it has written."""
    wanted = json.dumps({"after": after, "epoch": epoch})
    with path.open("wb") as out:
        subscriber = subprocess.Popen(
            [sys.executable, "-c", SUBSCRIBER, str(stage.switch.control_port), wanted], stdout=out
        )
        time.sleep(0.6)
        os.kill(subscriber.pid, signal.SIGKILL)
        subscriber.wait()
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    told = [json.loads(line) for line in whole.splitlines()]
    return [one for one in told if "method" in one]


def last_of(lives: list[list[Any]]) -> int:
    """The number of the last event that any life has seen."""
    return max((one["params"]["sequence"] for life in lives for one in life), default=0)


def test_a_number_of_the_life_before_is_refused(make_stage: MakeStage) -> None:
    stage = make_stage()
    with peer_of(stage) as peer:
        before = peer.ask("events.subscribe")["epoch"]
    stage.switch.kill()
    stage.switch.start()
    with peer_of(stage) as peer:
        with pytest.raises(Refused) as refused:
            peer.ask("events.subscribe", after=3, epoch=before)
        assert refused.value.code == 400
        now = refused.value.data["epoch"]
        assert now != before
        assert peer.ask("events.subscribe", after=0, epoch=now)["epoch"] == now


def test_a_call_is_looked_at_and_ended_from_outside(stage: Stage) -> None:
    bridge = stage.bridge()
    with peer_of(stage) as peer:
        (line,) = peer.ask("call.list")["calls"]
        assert line["state"] == "bridged"
        assert len(peer.ask("call.get", call=line["call"])["legs"]) == 2
        peer.ask("call.send_dtmf", call=line["call"], leg="b1", digits="12")
        with pytest.raises(Refused) as refused:
            peer.ask("call.record.pause", call=line["call"])
        assert refused.value.reason == "wrong_state"
        peer.ask("call.hangup", call=line["call"], cause="enough")
        bridge.calling.expect("BYE")
        bridge.called.expect("BYE")
        record = stage.switch.record()
        assert peer.ask("call.list")["total"] == 0
    assert (record["ended_by"], record["cause"]) == ("switch", "enough")


SECRET = "s3cret-s3cret-s3cret"
BOARD = "b0ard-b0ard-b0ard-b0ard"


def test_with_tokens_a_peer_shows_one_and_sees_its_campaigns_only(
    make_stage: MakeStage, tmp_path: Path
) -> None:
    certificate, key = write_certificate(tmp_path)
    tokens = (
        f"{{crm: {{secret: {SECRET}, roles: control}}, "
        f"board: {{secret: {BOARD}, roles: read, campaigns: menu}}}}"
    )
    tls = f"{{certificate: {certificate}, key: {key}}}"
    stage = make_stage(sections=f"control: {{tokens: {tokens}, tls: {tls}, unix: off}}\n")
    assert not (stage.switch.data / "control.sock").exists()
    where = ("127.0.0.1", stage.switch.control_port)
    with ControlPeer(where, tls=trusting()) as crm, ControlPeer(where, tls=trusting()) as board:
        for peer in (crm, board):
            with pytest.raises(Refused) as refused:
                peer.ask("status")
            assert refused.value.reason == "not_authenticated"
        with pytest.raises(Refused):
            crm.ask("auth", token="guessed-guessed-guessed")
        assert crm.ask("auth", token=SECRET)["name"] == "crm"
        assert board.ask("auth", token=BOARD)["campaigns"] == ["menu"]
        crm.ask("events.subscribe")
        board.ask("events.subscribe")
        bridge = stage.bridge()
        call = crm.event("call.bridged")["call"]
        with pytest.raises(Refused) as refused:
            board.ask("call.hangup", call=call)
        assert refused.value.reason == "forbidden"
        with pytest.raises(Refused) as refused:
            board.ask("call.get", call=call)
        assert refused.value.reason == "call_not_found"
        crm.ask("call.hangup", call=call)
        bridge.calling.expect("BYE")
        bridge.called.expect("BYE")
        crm.event("call.record")
        assert board.notification(0.2) is None
    assert SECRET not in stage.switch.output()
