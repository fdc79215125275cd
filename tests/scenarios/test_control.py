"""The control socket of the real program: events of real calls, and what is done to them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support.certificates import trusting, write_certificate
from tests.support.control import ControlPeer, Refused
from tests.support.program import wait_for
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
    assert asyncio.run(ping_over_tls(stage)) == "result"
    assert SECRET not in stage.switch.output()


async def ping_over_tls(stage: Stage) -> str:
    """What a WebSocket with a token is answered."""
    url = f"https://localhost:{stage.switch.control_port}/control"
    bearer = {"Authorization": f"Bearer {SECRET}"}
    connector = aiohttp.TCPConnector(ssl=trusting())
    async with (
        aiohttp.ClientSession(connector=connector) as client,
        client.ws_connect(url, headers=bearer) as frames,
    ):
        await frames.send_json({"jsonrpc": "2.0", "id": 1, "method": "ping"})
        answer = await frames.receive_json(timeout=5)
    return "result" if "result" in answer else answer["error"]["message"]


def fetch(stage: Stage, path: str, method: str = "GET") -> tuple[int, str]:
    """Status and body of an answer."""
    connection = HTTPConnection("127.0.0.1", stage.switch.control_port, timeout=5)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def sample(stage: Stage, name: str) -> float:
    """The present value of a metric."""
    lines = fetch(stage, "/metrics")[1].splitlines()
    return next(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(f"{name} "))


def test_metrics_count_calls_and_a_drain_is_seen(make_stage: MakeStage) -> None:
    stage = make_stage(settings={"grace_time": "5 s"})
    assert fetch(stage, "/healthz") == (200, "ok\n")
    assert fetch(stage, "/readyz") == (200, "ok\n")
    assert fetch(stage, "/healthz", "HEAD") == fetch(stage, "/readyz", "HEAD") == (200, "")
    bridge = stage.bridge()
    status, text = fetch(stage, "/metrics")
    assert status == 200
    samples = dict(line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#")
    assert samples["softswitch_calls"] == "1"
    assert samples["softswitch_sip_post_dial_delay_seconds_count"] == "1"
    assert samples['softswitch_media_port_pairs{state="in_use"}'] == "2"
    wait_for("ticks", lambda: sample(stage, "softswitch_hearing_ticks_total") > 0)
    with peer_of(stage) as peer:
        begun = peer.ask("drain")
        assert begun["calls"] == 1
        assert 0 < begun["seconds_left"] <= 5
        assert begun["until"] == pytest.approx(time.time() + begun["seconds_left"], abs=1)
        assert peer.ask("status")["drain_until"] == pytest.approx(begun["until"], abs=0.1)
    wait_for("it is draining", lambda: fetch(stage, "/readyz") == (503, "draining\n"))
    assert fetch(stage, "/healthz")[0] == 200
    bridge.hang_up()
    assert stage.switch.wait_for_exit(10) == 0


def test_the_same_is_said_over_a_websocket(stage: Stage) -> None:
    async def said() -> Any:
        url = f"http://127.0.0.1:{stage.switch.control_port}/control"
        async with aiohttp.ClientSession() as client, client.ws_connect(url) as frames:
            await frames.send_json({"jsonrpc": "2.0", "id": 1, "method": "events.subscribe"})
            await frames.receive_json(timeout=5)
            call = asyncio.get_running_loop().run_in_executor(None, bridge_shortly, stage)
            told = [await frames.receive_json(timeout=5)]
            while told[-1]["params"]["kind"] != "call.record":
                told.append(await frames.receive_json(timeout=5))
            await call
            return [one["params"]["number"] for one in told]

    numbers = asyncio.run(said())
    assert numbers == list(range(1, len(numbers) + 1))


def bridge_shortly(stage: Stage) -> None:
    stage.bridge().hang_up()


def test_the_switch_tells_what_it_understands(stage: Stage) -> None:
    with peer_of(stage) as peer:
        document = peer.ask("rpc.discover")
        assert document["openrpc"].startswith("1.")
        for method in document["methods"]:
            if method["params"]:
                with pytest.raises(Refused) as refused:
                    peer.ask(method["name"], no_such_parameter=1)
                assert refused.value.reason == "invalid_params", method["name"]
