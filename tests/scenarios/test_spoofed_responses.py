"""Who has read a branch and answers in the trunk's place, against the real program; and an INVITE
that no datagram holds, by the listener of its trunk."""

from __future__ import annotations

import socket
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.support.control import ControlPeer
from tests.support.phone import Phone
from tests.support.ports import free_sip_port
from tests.support.program import Switch, wait_for
from tests.support.sip_text import Message
from tests.support.stage import CALLER, DIRECT, Stage, configuration

HOST = "127.0.0.2"
"""Of no trunk."""


@pytest.fixture
def spoofer() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind((HOST, 0))
        opened.settimeout(0.3)
        yield opened


def forged(to: Message, status: int, body: bytes = b"") -> bytes:
    """A response by somebody who has read the request."""
    host = to.all("via")[0]
    lines = [
        f"SIP/2.0 {status} Forged",
        f"Via: {host}",
        f"From: {to.get('from')}",
        f"To: {to.get('to')}" + ("" if ";tag=" in to.get("to") else ";tag=forged"),
        f"Call-ID: {to.call_id}",
        f"CSeq: {to.get('cseq')}",
        f"Contact: <sip:forger@{HOST}:9>",
        f"Content-Length: {len(body)}",
    ]
    if body:
        lines.insert(-1, "Content-Type: application/sdp")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def heard(opened: socket.socket) -> bytes:
    try:
        return opened.recv(65535)
    except TimeoutError:
        return b""


def dropped(stage: Stage) -> int:
    """What the metrics say."""
    url = f"http://{stage.switch.host}:{stage.switch.control_port}/metrics"
    with urllib.request.urlopen(url, timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    name = 'softswitch_sip_messages_dropped_total{reason="response-from-elsewhere"} '
    return sum(int(line.removeprefix(name)) for line in lines if line.startswith(name))


def test_a_call_is_not_affected_by_who_answers_in_the_trunks_place(
    make_stage: Callable[..., Stage], spoofer: socket.socket
) -> None:
    stage = make_stage(sections="trace: {calls: 5}\n")
    near, far = stage.rtp(), stage.rtp()
    calling = stage.caller.invite(DIRECT, near.sdp())
    called = stage.callee.expect_call(within=10)
    assert called.invite is not None
    address = (stage.switch.host, stage.switch.sip_port)
    for status in (180, 486, 603, 200, 302):
        spoofer.sendto(forged(called.invite, status, far.sdp() if status == 200 else b""), address)
    assert heard(spoofer) == b""
    wait_for("the metrics to count them", lambda: dropped(stage) == 5, within=10)
    called.respond(180)
    calling.expect(180, within=10)
    called.respond(200, far.sdp())
    calling.expect(200, within=10)
    calling.ack()
    called.expect("ACK")
    # Nor by who answers its BYE: that goes on until the trunk has answered.
    called.phone.fault("in", "BYE", times=1)
    calling.bye()
    with ControlPeer(stage.switch.data / "control.sock") as peer:
        (kept,) = peer.ask("trace.list")["traces"]
        trace = peer.ask("trace.get", call=kept["call"])
    called.expect("BYE", within=10)
    record = stage.switch.record()
    assert (record["ended_by"], record["cause"]) == ("calling", "hung_up")
    (line,) = [one for one in stage.switch.output().splitlines() if f"from udp {HOST}:" in one]
    assert "trunk carrier: 180 to INVITE" in line
    assert "(a stranger)" in line
    refused = [one for one in trace["entries"] if one.get("direction") == "drop"]
    assert [one["text"].split()[1] for one in refused] == ["180", "486", "603", "200", "302"]
    assert {one["why"] for one in refused} == {"response-from-elsewhere"}
    assert {one["leg"] for one in refused} == {"b1"}


def test_a_trunk_that_answers_from_elsewhere_says_so_in_its_configuration(
    make_stage: Callable[..., Stage], spoofer: socket.socket
) -> None:
    for lines in (f"    sources: [{HOST}]\n", "    responses_from: any\n"):
        stage = make_stage(trunk_lines=lines)
        calling = stage.caller.invite(DIRECT, stage.rtp().sdp())
        called = stage.callee.expect_call(within=10)
        assert called.invite is not None
        answer = forged(called.invite, 486)
        spoofer.sendto(answer, (stage.switch.host, stage.switch.sip_port))
        assert calling.expect(486, within=10).status == 486
        called.expect("ACK", within=10)
        assert dropped(stage) == 0


@pytest.mark.parametrize("listener", ["inside", "public"])
def test_what_no_datagram_holds_goes_by_tcp_from_the_listener_of_its_trunk(
    tmp_path: Path, listener: str
) -> None:
    ports = {"inside": free_sip_port("127.0.0.1"), "public": free_sip_port("127.0.0.2")}
    listen = (
        "  listen:\n"
        f"    - {{name: inside, address: 127.0.0.1:{ports['inside']}}}\n"
        f"    - {{name: public, address: 127.0.0.2:{ports['public']}, advertise: 127.0.0.3}}\n"
    )
    trunk = f"    listen: {listener}\n    pass_headers: [X-Large]\n"
    text = configuration(trunk=trunk).replace(
        "  listen: ${SOFTSWITCH_SIP:-127.0.0.1:5060}\n", listen
    )
    file = tmp_path / "switch.yaml"
    file.write_text(text)
    with ExitStack() as made:
        # The trunk is called by UDP; only TCP is there.
        callee = made.enter_context(closing(Phone(transport="tcp", user="agent")))
        made.enter_context(Switch(tmp_path / "run", file, trunk=f"127.0.0.1:{callee.port}"))
        address = ("127.0.0.1", ports["inside"])
        caller = made.enter_context(closing(Phone(address, user=CALLER)))
        sdp = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
        sdp += b"m=audio 40000 RTP/AVP 0\r\n"
        calling = caller.invite(DIRECT, sdp, headers=[("X-Large", "x" * 1400)])
        called = callee.expect_call(within=10)
        assert called.invite is not None
        host = {"inside": "127.0.0.1", "public": "127.0.0.3"}[listener]
        via = called.invite.get("via")
        assert via.startswith(f"SIP/2.0/TCP {host}:{ports[listener]};")
        assert called.peer[0] == {"inside": "127.0.0.1", "public": "127.0.0.2"}[listener]
        called.respond(486)
        calling.expect(486, within=10)
        called.expect("ACK", within=10)
