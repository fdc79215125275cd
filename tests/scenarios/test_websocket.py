"""SIP over WebSocket: the running program with peers that connect to it, and sound by plain RTP."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.support import websocket
from tests.support.certificates import write_certificate
from tests.support.control import ControlPeer
from tests.support.ctl import ctl
from tests.support.digest import answer
from tests.support.phone import Call, Phone
from tests.support.ports import free_sip_port
from tests.support.program import Switch, leg, wait_for
from tests.support.rtp_end import RtpEnd, heard, known_signal
from tests.support.stage import CALLER, DIRECT, configuration
from tests.support.web_phone import WebPhone

LISTEN = "  listen: ${SOFTSWITCH_SIP:-127.0.0.1:5060}\n"
DTLS = (
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    b"m=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\na=fingerprint:sha-256 AA:BB\r\na=setup:actpass\r\n"
    b"a=rtpmap:0 PCMU/8000\r\na=ice-ufrag:x\r\na=ice-pwd:y\r\n"
)

OPTIONS = (
    b"OPTIONS sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/WS a.invalid;branch=z9hG4bK%d\r\n"
    b"From: <sip:a@b>;tag=x\r\nTo: <sip:x@y>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n\r\n"
)


class Web:
    """A switch with a listener of WebSockets beside its usual one; its trunk, which calls come from
    and go to, is the agent at `agent`, by UDP, and whoever is on this machine by WebSocket."""

    def __init__(self, folder: Path, made: ExitStack) -> None:
        self.made = made
        self.agent = made.enter_context(closing(Phone(user="agent")))
        self.port, self.web = free_sip_port(), free_sip_port()
        listen = (
            "  listen:\n"
            f"    - {{name: main, address: 127.0.0.1:{self.port}}}\n"
            f"    - {{name: web, address: 127.0.0.1:{self.web}, transports: [ws],"
            " origins: ['https://phone.example']}\n"
        )
        trunks = 'trunks:\n  web: {address: "127.0.0.1;transport=ws", listen: web}\n'
        text = configuration().replace(LISTEN, listen).replace("trunks:\n", trunks, 1)
        text = text.replace("campaigns:\n", "campaigns:\n  out: {treatment: direct, trunk: web}\n")
        text = text.replace("numbers:\n", "numbers:\n  3xxxxx: {campaign: out, as_is: true}\n")
        file = folder / "switch.yaml"
        file.write_text(text + "trace: {calls: 2}\n")
        self.switch = made.enter_context(
            Switch(folder / "run", file, trunk=f"127.0.0.1:{self.agent.port}")
        )

    def phone(self, user: str = CALLER) -> WebPhone:
        return self.made.enter_context(closing(WebPhone(("127.0.0.1", self.web), user=user)))

    def udp_phone(self) -> Phone:
        caller = Phone(("127.0.0.1", self.port), user=CALLER)
        return self.made.enter_context(closing(caller))

    def rtp(self) -> RtpEnd:
        return self.made.enter_context(closing(RtpEnd()))

    def bridge(
        self, caller: Phone, callee: Phone, number: str = DIRECT
    ) -> tuple[Call, Call, RtpEnd, RtpEnd]:
        """A call that two talk in."""
        near, far = self.rtp(), self.rtp()
        calling = caller.invite(number, near.sdp())
        called = callee.expect_call(10)
        assert called.invite is not None
        far.aim_by(called.invite.body)
        called.respond(180)
        called.respond(200, far.sdp())
        accepted = calling.expect(200, within=10)
        calling.ack()
        called.expect("ACK", within=10)
        near.aim_by(accepted.body)
        return calling, called, near, far

    def hang_up_by_another(self, caller: WebPhone, calling: Call, called: Call) -> None:
        """Over another WebSocket than the caller has lost."""
        caller.reconnect()
        calling.bye()
        called.expect("BYE", within=10)
        assert self.switch.record()["ended_by"] == "calling"


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    with ExitStack() as made:
        yield Web(tmp_path, made)


def hear_each_other(near: RtpEnd, far: RtpEnd) -> None:
    for one, other, seed in ((near, far, 1), (far, near, 2)):
        signal = known_signal(0.5, seed=seed)
        one.play(signal)
        one.wait_until_played()
        other.wait_for_packets(5)
        wait_for("sound", lambda: signal[-800:] in heard(other.arrivals))  # noqa: B023


def test_a_call_comes_in_by_websocket_with_sound_both_ways(web: Web) -> None:
    caller = web.phone()
    calling, called, near, far = web.bridge(caller, web.agent)
    hear_each_other(near, far)
    assert calling.target.endswith(f"@127.0.0.1:{web.web};transport=ws")
    assert called.invite is not None
    assert called.invite.get("via").startswith("SIP/2.0/UDP ")
    calling.bye()
    called.expect("BYE")
    record = web.switch.record()
    assert (record["ended_by"], record["legs"][0]["trunk"]) == ("calling", "web")
    assert not caller.problems
    with ControlPeer(web.switch.data / "control.sock") as peer:
        trace = peer.ask("trace.get", call=record["call_id"])
    messages = [one for one in trace["entries"] if one.get("direction")]
    assert {(one["leg"], one["transport"]) for one in messages} == {("a", "ws"), ("b1", "udp")}
    assert all(one["text"].count("Call-ID:") == 1 for one in messages)


def test_a_call_goes_out_over_the_websocket_that_the_trunk_has_opened(web: Web) -> None:
    agent, caller = web.phone(user="agent"), web.udp_phone()
    calling, called, near, far = web.bridge(caller, agent, "300001")
    assert called.invite is not None
    assert called.invite.get("via").startswith(f"SIP/2.0/WS 127.0.0.1:{web.web};branch=")
    assert f"@127.0.0.1:{web.web};transport=ws>" in called.invite.get("contact")
    hear_each_other(near, far)
    called.bye()
    calling.expect("BYE")
    assert web.switch.record()["ended_by"] == "called"
    assert not agent.problems


def test_a_trunk_that_has_not_connected_is_not_called(web: Web) -> None:
    calling = web.udp_phone().invite("300001", web.rtp().sdp())
    calling.expect(480, within=10)
    called = leg(web.switch.record(), "called")
    assert called["status"] == 503
    why = "trunk web: ws 127.0.0.1:5060: no WebSocket is open"
    assert called["detail"] == why
    wait_for("a line of the log", lambda: f'detail="{why}"' in web.switch.output())


def test_a_trunk_is_listed_as_not_connected_while_it_has_no_websocket(web: Web) -> None:
    def stands() -> tuple[str, str]:
        found = next(one for one in peer.ask("trunk.list")["trunks"] if one["trunk"] == "web")
        return found["address"], found["state"]

    with ControlPeer(web.switch.data / "control.sock") as peer:
        assert stands() == ("127.0.0.1", "not_connected")
        row = next(line for line in ctl(web.switch, "trunks").splitlines() if "web " in line)
        assert row.split()[:3] == ["web", "127.0.0.1", "ws"]
        assert "not connected" in row
        phone = web.phone()
        wait_for("the WebSocket", lambda: stands() == ("127.0.0.1", "ready"))
        phone.close()
        wait_for("its end", lambda: stands() == ("127.0.0.1", "not_connected"))


def test_a_cancelled_call_is_cancelled_by_websocket(web: Web) -> None:
    agent, caller = web.phone(user="agent"), web.udp_phone()
    calling = caller.invite("300001", web.rtp().sdp())
    called = agent.expect_call(10)
    called.respond(180)
    calling.expect(180, within=10)
    calling.cancel()
    called.expect("CANCEL", within=10)
    assert called.invite is not None
    called.respond(487)
    calling.expect(200, to="CANCEL", within=10)
    calling.expect(487, within=10)
    assert web.switch.record()["ended_by"] == "calling"


def test_a_call_survives_its_websocket_and_is_hung_up_over_another_one(web: Web) -> None:
    caller = web.phone()
    calling, called, near, far = web.bridge(caller, web.agent)
    caller.hang()
    time.sleep(0.3)
    hear_each_other(near, far)
    web.hang_up_by_another(caller, calling, called)


def test_a_call_whose_caller_is_gone_for_good_ends_with_the_other_side(web: Web) -> None:
    caller = web.phone()
    calling, called, _near, _far = web.bridge(caller, web.agent)
    caller.put_frame(websocket.frame(websocket.CLOSE, (1001).to_bytes(2)))
    time.sleep(0.3)
    called.bye()
    assert web.switch.record()["ended_by"] == "called"
    assert calling.inbox == []


def test_a_caller_that_leaves_while_it_rings_has_one_record(web: Web) -> None:
    caller = web.phone()
    caller.invite(DIRECT, web.rtp().sdp())
    called = web.agent.expect_call(10)
    called.respond(180)
    caller.hang()
    called.respond(486)
    web.switch.record(within=10)


def test_what_a_browser_offers_is_refused_by_its_name(web: Web) -> None:
    """Media of browsers (DTLS-SRTP, ICE) is not offered, and is not let ring in vain."""
    caller = web.phone()
    calling = caller.invite(DIRECT, DTLS)
    refusal = calling.expect(488, within=10)
    assert "DTLS-SRTP" in refusal.get("warning")
    web.agent.expect_no_call(during=0.2)
    wait_for("a line of the log", lambda: "DTLS-SRTP (UDP/TLS)" in web.switch.output())
    assert web.switch.record()["ended_by"] == "switch"


def test_pings_and_line_breaks_are_answered_while_a_call_goes_on(web: Web) -> None:
    caller = web.phone()
    calling, called, near, far = web.bridge(caller, web.agent)
    for _ in range(3):
        caller.put_frame(websocket.frame(websocket.PING, b"?"))
        caller.put_frame(websocket.frame(websocket.TEXT, b"\r\n\r\n"))
    wait_for("pongs", lambda: caller.pongs > 0)
    hear_each_other(near, far)
    calling.bye()
    called.expect("BYE")


@pytest.mark.parametrize(
    "data",
    [
        websocket.frame(websocket.TEXT, b"OPTIONS sip:x SIP/2.0\r\n\r\n", masked=False),
        websocket.frame(websocket.BINARY, b"x" * 100_000),
        websocket.frame(websocket.TEXT, b"\xff\xfe"),
        websocket.frame(websocket.TEXT, b"half")[:7],
    ],
    ids=["unmasked", "too long", "no UTF-8", "half"],
)
def test_who_breaks_the_protocol_in_a_call_loses_the_connection_and_not_the_call(
    web: Web, data: bytes
) -> None:
    caller = web.phone()
    calling, called, near, far = web.bridge(caller, web.agent)
    caller.put_frame(data)
    time.sleep(0.3)
    hear_each_other(near, far)
    web.hang_up_by_another(caller, calling, called)


def test_peers_that_hang_half_way_or_do_not_read_are_nobody_elses_business(web: Web) -> None:
    with ExitStack() as hanging:

        def connect() -> socket.socket:
            made = socket.create_connection(("127.0.0.1", web.web), timeout=10)
            return hanging.enter_context(closing(made))

        for piece in (b"", b"GET / HT", websocket.opening()[:-2]):
            connect().sendall(piece)
        deaf = connect()
        deaf.sendall(websocket.opening())
        for number in range(2000):
            deaf.sendall(websocket.frame(websocket.TEXT, OPTIONS % number))
        calling, called, near, far = web.bridge(web.phone(), web.agent)
        hear_each_other(near, far)
        calling.bye()
        called.expect("BYE", within=10)
        assert web.switch.record()["ended_by"] == "calling"


def test_a_page_of_another_origin_is_refused_and_told_of(web: Web) -> None:
    with closing(socket.create_connection(("127.0.0.1", web.web), timeout=10)) as page:
        page.sendall(websocket.opening(more=["Origin: https://evil.example"]))
        assert page.recv(4096).startswith(b"HTTP/1.1 403 ")
    wait_for("a line", lambda: "pages of https://evil.example may not" in web.switch.output())
    with closing(socket.create_connection(("127.0.0.1", web.web), timeout=10)) as page:
        page.sendall(websocket.opening(more=["Origin: https://phone.example"]))
        assert page.recv(4096).startswith(b"HTTP/1.1 101 ")


def test_a_stop_ends_calls_by_websocket_with_a_bye(web: Web) -> None:
    caller = web.phone()
    calling, called, _near, _far = web.bridge(caller, web.agent)
    for _ in range(2):
        # The second one says that there is no grace.
        web.switch.terminate()
        time.sleep(0.2)
    calling.expect("BYE", within=20)
    called.expect("BYE", within=20)


def test_credentials_are_enough_from_anywhere(tmp_path: Path) -> None:
    """A gateway whose address nobody knows: it is known by its password, as by any transport."""
    with ExitStack() as made:
        agent = made.enter_context(closing(Phone(user="agent")))
        port, web = free_sip_port(), free_sip_port()
        listen = (
            "  listen:\n"
            f"    - {{name: main, address: 127.0.0.1:{port}}}\n"
            f"    - {{name: web, address: 127.0.0.1:{web}, transports: ws}}\n"
        )
        trunks = (
            "trunks:\n  web:\n    address: 192.0.2.77;transport=ws\n"
            "    inbound_auth: {user: gw, password: secret-1}\n"
        )
        text = configuration().replace(LISTEN, listen).replace("trunks:\n", trunks, 1)
        file = tmp_path / "switch.yaml"
        file.write_text(text)
        trunk = f"127.0.0.1:{agent.port}"
        switch = made.enter_context(Switch(tmp_path / "run", file, trunk=trunk))
        caller = WebPhone(("127.0.0.1", web), host="127.0.0.9", user=CALLER)
        made.enter_context(closing(caller))
        near = made.enter_context(closing(RtpEnd()))
        calling = caller.invite(DIRECT, near.sdp())
        challenge = calling.expect(401, within=10)
        shown = answer(
            challenge, user="gw", password="secret-1", method="INVITE", uri=calling.target
        )
        calling.send("INVITE", near.sdp(), (("Authorization", shown),))
        called = agent.expect_call(10)
        called.respond(603)
        calling.expect(603, within=10)
        assert switch.record()["legs"][0]["trunk"] == "web"


def test_wss_is_the_same_behind_tls(tmp_path: Path) -> None:
    with ExitStack() as made:
        agent = made.enter_context(closing(Phone(user="agent")))
        port, web = free_sip_port(), free_sip_port()
        certificate, key = write_certificate(tmp_path)
        listen = (
            f"  tls: {{certificate: {certificate}, key: {key}, listen: "
            f"127.0.0.1:{free_sip_port()}}}\n"
            "  listen:\n"
            f"    - {{name: main, address: 127.0.0.1:{port}}}\n"
            f"    - {{name: web, address: 127.0.0.1:{web}, transports: wss}}\n"
        )
        trunks = "trunks:\n  web: 127.0.0.1;transport=wss\n"
        text = configuration().replace(LISTEN, listen).replace("trunks:\n", trunks, 1)
        file = tmp_path / "switch.yaml"
        file.write_text(text)
        switch = made.enter_context(Switch(tmp_path / "run", file, trunk=f"127.0.0.1:{agent.port}"))
        caller = WebPhone(("127.0.0.1", web), user=CALLER, tls=True)
        made.enter_context(closing(caller))
        near, far = (made.enter_context(closing(RtpEnd())) for _ in range(2))
        calling = caller.invite(DIRECT, near.sdp())
        called = agent.expect_call(10)
        assert called.invite is not None
        far.aim_by(called.invite.body)
        called.respond(200, far.sdp())
        accepted = calling.expect(200, within=10)
        calling.ack()
        near.aim_by(accepted.body)
        hear_each_other(near, far)
        assert accepted.get("contact").endswith(f"@127.0.0.1:{web};transport=ws>")
        calling.bye()
        called.expect("ACK")
        called.expect("BYE", within=10)
        assert switch.record()["legs"][0]["trunk"] == "web"
