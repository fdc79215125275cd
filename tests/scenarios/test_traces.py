"""Traces of real calls: as a ladder, to Homer, as a pcap file; without their secrets."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rtp.packet import RtpPacket
from tests.support.control import ControlPeer, Refused
from tests.support.ctl import ctl, ctl_json, run_ctl
from tests.support.example_switch import Example
from tests.support.hep import Collector
from tests.support.pcap import Packet, read
from tests.support.program import command, wait_for
from tests.support.rtp_end import DIGITS, known_signal
from tests.support.stage import DIRECT, Bridge, Stage

MakeStage = Callable[..., Stage]

RELAY = [("Content-Type", "application/dtmf-relay")]


def peer_of(stage: Stage) -> ControlPeer:
    return ControlPeer(stage.switch.data / "control.sock")


def entries_of(trace: dict[str, Any]) -> list[str]:
    """What happened: messages by leg and first word, events by their kind."""
    return [
        f"{one['leg']} {one['direction']} {' '.join(one['text'].split()[:2])}"
        if one.get("direction")
        else one["event"]
        for one in trace["entries"]
    ]


def test_with_nothing_traced_nothing_listens_and_there_is_no_trace(stage: Stage) -> None:
    stage.bridge().hang_up()
    call = stage.switch.record()["call_id"]
    assert not ctl_json(stage.switch, "status")["parts"]["traces"]["listening"]
    failed = ctl(stage.switch, "trace", call, status=1)
    assert (
        failed == "softswitch ctl: there is no trace of such a call: see softswitch ctl tracing\n"
    )


def test_the_last_calls_are_kept_and_drawn_as_ladders(make_stage: MakeStage) -> None:
    stage = make_stage(sections="trace: {calls: 2}\n")
    for _ in range(3):
        stage.bridge().hang_up()
    calls = [record["call_id"] for record in stage.switch.wait_for_records(3)]
    kept = ctl_json(stage.switch, "tracing")["traces"]
    assert [one["call"] for one in kept] == calls[1:]
    drawn = ctl(stage.switch, "trace", calls[2][:8]).splitlines()
    assert drawn[0].startswith(f"call {calls[2]}: ")
    assert drawn[2].split() == ["leg", "a", "softswitch", "leg", "b1"]
    assert f"127.0.0.1:{stage.switch.sip_port}" in drawn[3]
    arrows = [line[24:] for line in drawn if "--" in line]
    assert [sign for line in arrows for sign in ("INVITE", "200 OK", "BYE", "ACK") if sign in line]
    assert sum("INVITE" in line for line in arrows) == 2
    assert sum("(BYE)" in line for line in arrows) == 2
    assert any("= call.bridged leg=a other_leg=b1 =" in line for line in drawn)
    assert any("PCMU/keys 127.0.0.1:" in line for line in drawn)
    whole = ctl(stage.switch, "trace", calls[2], "--messages")
    assert whole.count("\nINVITE sip:") == 2
    assert ctl(stage.switch, "trace", calls[2], "--mermaid").startswith("sequenceDiagram\n")


def test_messages_over_tcp_are_traced_one_by_one(make_stage: MakeStage) -> None:
    stage = make_stage(transport="tcp", sections="trace: {calls: 2}\n")
    stage.bridge().hang_up()
    call = stage.switch.record()["call_id"]
    with peer_of(stage) as peer:
        trace = peer.ask("trace.get", call=call)
    messages = [one for one in trace["entries"] if one.get("direction")]
    assert {one["transport"] for one in messages} == {"tcp"}
    assert [one["text"].count("Call-ID:") for one in messages] == [1] * 14
    assert {one["leg"] for one in messages} == {"a", "b1"}


def test_calls_of_a_number_are_traced_from_their_invite_on_and_others_are_not(
    stage: Stage,
) -> None:
    said = ctl(stage.switch, "tracing", "--number", "100007", "--calls", "1")
    assert said.endswith(": 1 calls are traced\n")
    stage.bridge(DIRECT).hang_up()
    stage.bridge("100007").hang_up()
    stage.bridge("100007").hang_up()
    records = stage.switch.wait_for_records(3)
    (traced,) = ctl_json(stage.switch, "tracing")["traces"]
    assert traced["call"] == records[1]["call_id"]
    with peer_of(stage) as peer:
        trace = peer.ask("trace.get", call=traced["call"])
    told = entries_of(trace)
    assert told[0] == "a in INVITE sip:100007@127.0.0.1:" + str(stage.switch.sip_port)
    assert told.index("call.presented") < told.index("leg.originated")
    assert told[-1] in ("b1 in SIP/2.0 200", "call.ended", "leg.talk")
    assert trace["ended"]


def test_a_call_in_progress_is_traced_from_now_on(make_stage: MakeStage) -> None:
    stage = make_stage()
    bridge = stage.bridge()
    with peer_of(stage) as peer:
        (line,) = peer.ask("call.list")["calls"]
        assert peer.ask("trace.start", call=line["call"]) == {"order": None, "call": line["call"]}
        bridge.hang_up()
        stage.switch.record()
        told = entries_of(peer.ask("trace.get", call=line["call"]))
    assert told[0].startswith("a in BYE ")
    assert any(one.startswith("b1 out BYE ") for one in told)
    assert "call.ended" in told


def test_a_call_that_is_refused_is_traced_by_its_call_id(stage: Stage) -> None:
    with peer_of(stage) as peer:
        order = peer.ask("trace.start", all=True, calls=1)["order"]
        refused = stage.caller.invite("999", b"")
        refused.expect(404)
        wait_for("a trace", lambda: bool(peer.ask("trace.list")["traces"]))
        found = peer.ask("trace.list")
        assert order not in [one["order"] for one in found["orders"]]
        trace = peer.ask("trace.get", call=found["traces"][-1]["call"])
    told = entries_of(trace)
    assert told[0].startswith("a in INVITE ")
    assert "a out SIP/2.0 404" in told
    assert "call.refused" in told


def test_what_is_asked_for_wrongly_is_refused(stage: Stage) -> None:
    with peer_of(stage) as peer:
        for params, reason in (
            ({}, "invalid_params"),
            ({"all": True, "number": "1"}, "invalid_params"),
            ({"trunk": "no such"}, "not_configured"),
            ({"call": "no such"}, "call_not_found"),
            ({"all": True, "calls": 0}, "invalid_params"),
        ):
            with pytest.raises(Refused) as refused:
                peer.ask("trace.start", **params)
            assert refused.value.reason == reason
        for method in ("trace.get", "trace.capture", "trace.capture.stop"):
            with pytest.raises(Refused) as refused:
                peer.ask(method, call="no such")
            assert refused.value.reason == "call_not_found"
        with pytest.raises(Refused) as refused:
            peer.ask("trace.stop", order=12345)
        assert refused.value.reason == "not_configured"


def test_orders_are_bounded_and_can_be_taken_back(make_stage: MakeStage) -> None:
    stage = make_stage()
    with peer_of(stage) as peer:
        orders = [peer.ask("trace.start", number=str(n))["order"] for n in range(100)]
        with pytest.raises(Refused) as refused:
            peer.ask("trace.start", number="one more")
        assert refused.value.reason == "limit_reached"
        peer.ask("trace.stop", order=orders[0])
        peer.ask("trace.start", number="one more")


TOKEN = "b0ard-b0ard-b0ard-b0ard"


def test_a_token_of_some_campaigns_sees_their_traces_only(make_stage: MakeStage) -> None:
    token = f"{{secret: {TOKEN}, roles: control, campaigns: menu}}"
    control = f"control: {{tokens: {{menu: {token}}}}}\n"
    stage = make_stage(sections=f"{control}trace: {{calls: 10}}\n")
    stage.bridge().hang_up()
    call = stage.switch.record()["call_id"]
    with ControlPeer(("127.0.0.1", stage.switch.control_port)) as peer:
        peer.ask("auth", token=TOKEN)
        assert peer.ask("trace.list")["traces"] == []
        for method, params, reason in (
            ("trace.get", {"call": call}, "call_not_found"),
            ("trace.start", {"all": True}, "forbidden"),
            ("trace.stop", {"order": 1}, "forbidden"),
            ("trace.capture", {"call": call}, "forbidden"),
        ):
            with pytest.raises(Refused) as refused:
                peer.ask(method, **params)
            assert refused.value.reason == reason


def test_keys_told_by_info_are_stars_in_the_trace_and_at_homer(make_stage: MakeStage) -> None:
    with contextlib.closing(Collector()) as homer:
        hep = f"{{to: '127.0.0.1:{homer.port}', id: 77, password: sesame}}"
        stage = make_stage(sections=f"trace: {{calls: 5, hep: {hep}}}\n")
        bridge = stage.bridge()
        bridge.calling.send("INFO", b"Signal=7\r\nDuration=160\r\n", RELAY)
        bridge.calling.expect(200, to="INFO")
        bridge.hang_up()
        call = stage.switch.record()["call_id"]
        packets = homer.collect(16)
        texts = ctl(stage.switch, "trace", call, "--messages")
    assert "Signal=*" in texts
    assert "Signal=7" not in texts
    payloads = [packet["payload"] for packet in packets]
    assert not any(b"Signal=7" in one for one in payloads)
    assert sum(b"Signal=*" in one for one in payloads) == 1
    assert {(one["agent"], one["key"]) for one in packets} == {(77, b"sesame")}
    assert {one["correlation"] for one in packets} == {call.encode()}
    first = packets[0]
    assert first["payload"].startswith(b"INVITE ")
    assert (first["source_port"], first["destination_port"]) == (
        stage.caller.port, stage.switch.sip_port
    )  # fmt: skip
    assert abs(first["seconds"] - time.time()) < 60


def test_a_homer_that_is_away_costs_no_call(make_stage: MakeStage) -> None:
    with contextlib.closing(Collector()) as homer:
        port = homer.port
    stage = make_stage(sections=f"trace: {{hep: {{to: '127.0.0.1:{port}'}}}}\n")
    for _ in range(2):
        stage.bridge().hang_up()
    stage.switch.wait_for_records(2)
    status = ctl_json(stage.switch, "status")["parts"]["traces"]["hep"]
    assert status["to"] == f"127.0.0.1:{port}"
    assert status["sent"] + status["lost"] >= 28


@contextlib.contextmanager
def pcap_of(stage: Stage, *options: str) -> Iterator[subprocess.Popen[str]]:
    """`ctl pcap` of the one call there is, when it has begun to write."""
    with peer_of(stage) as peer:
        (call,) = peer.ask("call.list")["calls"]
    # A shell that runs the tests in the background has them ignore SIGINT, and who inherits that
    # stays so.
    as_in_a_terminal = ("env", "--default-signal=INT,HUP")
    with subprocess.Popen(
        [*as_in_a_terminal, *command("ctl", "pcap", call["call"], *options)],
        cwd=stage.switch.directory, env=stage.switch.environment,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            with peer_of(stage) as peer:
                wait_for("it", lambda: bool(peer.ask("trace.list")["captures"]), within=20)
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def captured(stage: Stage) -> list[Packet]:
    """The packets of the one file."""
    (path,) = (stage.switch.data / "traces").glob("*.pcap")
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    return read(path.read_bytes())


def rtp_from(packets: list[Packet], port: int) -> list[RtpPacket]:
    return [RtpPacket.parse(one.payload) for one in packets if one.source[1] == port]


def speak(bridge: Bridge) -> tuple[bytes, bytes]:
    """A second of sound each way, never silent."""
    sounds = known_signal(1.0, seed=3), known_signal(1.0, seed=4)
    bridge.near.play(sounds[0])
    bridge.far.play(sounds[1])
    bridge.near.wait_until_played()
    bridge.far.wait_until_played()
    return sounds


def test_a_call_is_written_into_a_pcap_file_with_its_messages_and_its_sound(
    make_stage: MakeStage,
) -> None:
    stage = make_stage(sections="trace: {calls: 5}\n")
    bridge = stage.bridge()
    with pcap_of(stage) as process:
        sounds = speak(bridge)
        bridge.hang_up()
        out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert out.endswith(": call ended\n")
    packets = captured(stage)
    assert f"\n{len(packets)} packets, " in out
    sip = [one for one in packets if stage.switch.sip_port in (one.source[1], one.destination[1])]
    words = [one.payload.split()[0] for one in sip]
    assert (words.count(b"INVITE"), words.count(b"BYE"), words.count(b"SIP/2.0")) == (2, 2, 8)
    assert sip[0].source == ("127.0.0.1", stage.caller.port)
    for end, sound in ((bridge.near, sounds[0]), (bridge.far, sounds[1])):
        found = rtp_from(packets, end.port)
        assert sound in b"".join(one.payload for one in found)
        assert len({one.ssrc for one in found}) == 1
        first = found[0].sequence_number
        numbers = [(first + place) & 0xFFFF for place in range(len(found))]
        assert [one.sequence_number for one in found] == numbers
    sounds_at = [one.at for one in packets if one.source[1] == bridge.near.port]
    gaps = [after - before for before, after in itertools.pairwise(sounds_at)]
    assert 0.015 < sum(gaps) / len(gaps) < 0.025
    assert abs(sounds_at[0] - time.time()) < 60


def test_a_file_is_ended_by_control_c_and_the_call_goes_on(make_stage: MakeStage) -> None:
    stage = make_stage()
    bridge = stage.bridge()
    with pcap_of(stage, "--no-sound") as process:
        speak(bridge)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 1, "nothing is in it"
    assert err.endswith(".pcap: 0 packets, 24 bytes: stopped\n")
    assert captured(stage) == []
    assert ctl_json(stage.switch, "calls")["total"] == 1
    bridge.hang_up()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_whoever_ends_the_command_ends_the_file(
    make_stage: MakeStage, number: signal.Signals
) -> None:
    stage = make_stage(sections="trace: {calls: 5}\n")
    bridge = stage.bridge()
    with pcap_of(stage) as process:
        time.sleep(1.0)
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert out.endswith(": stopped\n")
    with peer_of(stage) as peer:
        (capture,) = peer.ask("trace.list")["captures"]
    assert (capture["over"], capture["why"]) == (True, "stopped")
    bridge.hang_up()


def test_a_file_whose_command_was_killed_is_ended_by_another(make_stage: MakeStage) -> None:
    stage = make_stage(sections="trace: {calls: 5}\n")
    bridge = stage.bridge()
    with pcap_of(stage) as process:
        process.kill()
        process.wait(20)
    (call,) = ctl_json(stage.switch, "calls")["calls"]
    assert ctl(stage.switch, "pcap", call["call"], "--stop").endswith(": stopped\n")
    assert captured(stage)
    bridge.hang_up()


def test_a_file_that_cannot_be_written_is_a_failure_of_the_command(make_stage: MakeStage) -> None:
    stage = make_stage(sections="trace: {calls: 5}\n")
    (stage.switch.data / "traces").write_text("no folder")
    bridge = stage.bridge()
    (call,) = ctl_json(stage.switch, "calls")["calls"]
    done = run_ctl(stage.switch, "pcap", call["call"])
    assert done.returncode == 1
    assert done.stderr.startswith("softswitch ctl: ")
    assert ".pcap: 0 packets, 0 bytes: cannot be written: " in done.stderr
    assert done.stderr.count("\n") == 1
    bridge.hang_up()


def test_a_file_ends_with_its_time_and_files_are_bounded(make_stage: MakeStage) -> None:
    stage = make_stage()
    folder = stage.switch.data / "traces"
    folder.mkdir()
    for number in range(120):
        (folder / f"old-{number}.pcap").write_bytes(b"")
        os.utime(folder / f"old-{number}.pcap", (number, number))
    bridge = stage.bridge()
    with peer_of(stage) as peer:
        (call,) = peer.ask("call.list")["calls"]
        begun = peer.ask("trace.capture", call=call["call"], seconds=1)
        assert not begun["over"]
        with pytest.raises(Refused) as refused:
            peer.ask("trace.capture", call=call["call"])
        assert refused.value.reason == "limit_reached"
        wait_for("its end", lambda: peer.ask("trace.list")["captures"][0]["over"], within=10)
        ended = peer.ask("trace.capture.stop", call=call["call"])
        assert ended["why"] == "time"
        assert Path(begun["path"]).stat().st_size == ended["bytes"]
    assert len(list(folder.glob("*.pcap"))) == 100
    assert not (folder / "old-20.pcap").exists()
    assert (folder / "old-21.pcap").exists()
    bridge.hang_up()


def test_a_disk_that_cannot_be_written_costs_no_call(make_stage: MakeStage) -> None:
    stage = make_stage()
    (stage.switch.data / "traces").write_text("no folder")
    bridge = stage.bridge()
    with peer_of(stage) as peer:
        (call,) = peer.ask("call.list")["calls"]
        peer.ask("trace.capture", call=call["call"])
        ended = peer.ask("trace.capture.stop", call=call["call"])
    assert ended["over"]
    assert stage.switch.is_running()
    bridge.hang_up()
    stage.switch.record()


def test_a_stop_in_the_middle_leaves_a_whole_file(make_stage: MakeStage) -> None:
    stage = make_stage()
    bridge = stage.bridge()
    with peer_of(stage) as peer:
        (call,) = peer.ask("call.list")["calls"]
        peer.ask("trace.capture", call=call["call"])
    speak(bridge)
    stage.switch.terminate()
    time.sleep(0.2)
    stage.switch.terminate()
    assert stage.switch.wait_for_exit() == 0
    assert len(rtp_from(captured(stage), bridge.near.port)) > 40


SECRET_ASKED = """
switch:
  listen: ${SOFTSWITCH_SIP:-127.0.0.1:5060}
  rtp_ports: ${SOFTSWITCH_RTP:-20000-29999}
  control: ${SOFTSWITCH_CONTROL:-127.0.0.1:8021}
  data: ${SOFTSWITCH_DATA:-./var}
  database: ${SOFTSWITCH_DATABASE:-}
  without_synthesiser: chime
trunks:
  carrier: ${SOFTSWITCH_TRUNK:-127.0.0.1:5080}
numbers:
  866 683 1950: {campaign: sale}
campaigns:
  sale: main
treatments:
  main:
    - name: card
      ask: {prompt: {tone: chime}, kind: digits, digits: 4, secret: true}
    - connect: 602 555 1234
"""


def test_digits_are_in_the_file_and_those_of_a_secret_are_not(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    path = tmp_path / "switch.yaml"
    path.write_text(SECRET_ASKED)
    failed_before = request.session.testsfailed
    switch = Example(tmp_path / "run", path)
    try:
        calling, near = switch.answered()
        with ControlPeer(switch.switch.data / "control.sock") as peer:
            (call,) = peer.ask("call.list")["calls"]
            peer.ask("trace.capture", call=call["call"])
            near.press("4921")
            called = switch.rings("16025551234")
            switch.takes(called)
            time.sleep(1.3)  # the second after a secret belongs to it
            near.press("5")
            near.wait_until_played()
            time.sleep(0.1)
            ended = peer.ask("trace.capture.stop", call=call["call"])
        calling.bye()
        called.expect("BYE")
        switch.record()
        found = rtp_from(read(Path(ended["path"]).read_bytes()), near.port)
        assert {one.payload[0] for one in found if one.payload_type == DIGITS} == {5}
        assert ended["secret_packets"] > 20
    finally:
        switch.close(failed=request.session.testsfailed > failed_before)
