"""Two fax machines behind phones, through the real program: T.38 in place of sound, and back."""

from __future__ import annotations

import re
import select
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from tests.support.phone import Call
from tests.support.rtp_end import RtpEnd, heard, known_signal
from tests.support.stage import DIRECT, Bridge, Stage

MakeStage = Callable[..., Stage]
PATIENCE = 20.0
PAGE = 60
"""Datagrams of a short page."""
ATTRIBUTES = (
    "T38FaxVersion:0",
    "T38MaxBitRate:14400",
    "T38FaxRateManagement:transferredTCF",
    "T38FaxMaxDatagram:400",
    "T38FaxUdpEC:t38UDPRedundancy",
)


class FaxEnd:
    """A UDP port that sends and takes datagrams as UDPTL has them: a number, then what was sent
    before again (ITU-T T.38 section 9.1)."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port: int = self.socket.getsockname()[1]
        self.target = ("", 0)

    def sdp(self, *, version: int, sound: str = "") -> bytes:
        lines = "".join(f"a={attribute}\r\n" for attribute in ATTRIBUTES)
        return (
            f"v=0\r\no=fax {self.port} {version} IN IP4 127.0.0.1\r\ns=-\r\n"
            f"c=IN IP4 127.0.0.1\r\nt=0 0\r\n{sound}m=image {self.port} udptl t38\r\n{lines}"
        ).encode()

    def aim_by(self, body: bytes) -> None:
        host = re.search(rb"c=IN IP4 (\S+)", body)
        port = re.search(rb"m=image ([1-9][0-9]*) udptl t38\r\n", body)
        assert host is not None, body
        assert port is not None, body
        self.target = (host[1].decode(), int(port[1]))

    def send(self, number: int) -> bytes:
        primary = bytes([0xC0, number & 0xFF]) * 20
        head = number.to_bytes(2, "big") + bytes([len(primary)])
        datagram = head + primary + b"\x00\x01" + primary
        self.socket.sendto(datagram, self.target)
        return datagram

    def take(self) -> bytes:
        """The next datagram that is no RTP."""
        deadline = time.monotonic() + PATIENCE
        while True:
            ready, _, _ = select.select([self.socket], [], [], max(0, deadline - time.monotonic()))
            assert ready, "nothing arrived"
            data = self.socket.recv(4096)
            if data[0] >> 6 != 2:
                return data


@pytest.fixture
def fax(make_stage: MakeStage) -> Iterator[tuple[Stage, Bridge, FaxEnd, FaxEnd]]:
    """A call with sound on trunks that have fax passed on, and where its machines are."""
    stage = make_stage(trunk_lines="    t38: true\n")
    near, far = FaxEnd(), FaxEnd()
    yield stage, stage.bridge(), near, far
    near.socket.close()
    far.socket.close()


def hears(end: RtpEnd, speaker: RtpEnd, seed: int) -> None:
    """What one end says is heard by the other, octet by octet."""
    speaker.sending = end.sending = True
    signal = known_signal(0.5, seed=seed)
    before = len(end.arrivals)
    speaker.play(signal)
    deadline = time.monotonic() + PATIENCE
    while signal not in heard(end.arrivals[before:]):
        assert time.monotonic() < deadline, "the sound did not come through"
        time.sleep(0.05)


def turn(asker: Call, other: Call, own: FaxEnd, theirs: FaxEnd, offer: bytes) -> bytes:
    """Both agree to fax; the answer to who has asked."""
    asker.reinvite(offer)
    passed = other.expect("INVITE", within=PATIENCE)
    assert b"m=audio" not in passed.body
    for attribute in ATTRIBUTES:
        assert f"a={attribute}\r\n".encode() in passed.body
    theirs.aim_by(passed.body)
    other.respond(200, theirs.sdp(version=2), request=passed)
    answer = asker.expect(200, within=PATIENCE)
    asker.ack()
    other.expect("ACK", within=PATIENCE)
    own.aim_by(answer.body)
    return answer.body


def exchange(one: FaxEnd, other: FaxEnd) -> None:
    for number in range(PAGE):
        assert takes(other, one.send(number))
        if number % 4 == 0:
            assert takes(one, other.send(number))


def takes(end: FaxEnd, datagram: bytes) -> bool:
    return end.take() == datagram


@pytest.mark.parametrize("side", ["calling", "called"])
def test_a_page_goes_through_as_datagrams_and_the_sound_is_as_before(
    fax: tuple[Stage, Bridge, FaxEnd, FaxEnd], side: str
) -> None:
    stage, bridge, near, far = fax
    hears(bridge.far, bridge.near, 1)
    hears(bridge.near, bridge.far, 2)
    asker, other, own, theirs = (
        (bridge.calling, bridge.called, near, far)
        if side == "calling"
        else (bridge.called, bridge.calling, far, near)
    )
    turn(asker, other, own, theirs, own.sdp(version=2))
    exchange(own, theirs)
    # Sound again, asked for by the other party.
    ends = (bridge.far, bridge.near) if side == "calling" else (bridge.near, bridge.far)
    other.reinvite(ends[0].sdp(version=3))
    passed = asker.expect("INVITE", within=PATIENCE)
    assert b"m=audio " in passed.body
    assert b"m=image" not in passed.body
    asker.respond(200, ends[1].sdp(version=3), request=passed)
    other.expect(200, within=PATIENCE)
    other.ack()
    asker.expect("ACK", within=PATIENCE)
    hears(bridge.far, bridge.near, 3)
    hears(bridge.near, bridge.far, 4)
    bridge.hang_up()
    record = stage.switch.record()
    (relay,) = record["fax_relays"]
    assert relay["leg"] == ("a" if side == "calling" else "b1")
    assert relay["why"] == "asked"
    assert relay["datagrams"] == PAGE + PAGE // 4
    assert record["cause"] == "hung_up"


def test_fax_beside_a_refused_sound_is_answered_line_by_line(
    fax: tuple[Stage, Bridge, FaxEnd, FaxEnd],
) -> None:
    _, bridge, near, far = fax
    offer = near.sdp(version=2, sound="m=audio 0 RTP/AVP 0\r\n")
    answer = turn(bridge.calling, bridge.called, near, far, offer)
    assert re.findall(rb"m=\S+ (0|[1-9])", answer)[0] == b"0"
    exchange(near, far)
    # Whoever is in the call, hang-up in the middle of it is a hang-up.
    bridge.hang_up()


@pytest.mark.parametrize("status", [488, 606])
def test_a_machine_that_refuses_leaves_the_sound_as_it_was(
    fax: tuple[Stage, Bridge, FaxEnd, FaxEnd], status: int
) -> None:
    _, bridge, near, _ = fax
    bridge.calling.reinvite(near.sdp(version=2))
    passed = bridge.called.expect("INVITE", within=PATIENCE)
    bridge.called.respond(status, request=passed)
    assert bridge.calling.expect(status, within=PATIENCE).status == status
    bridge.called.expect("ACK", within=PATIENCE)
    hears(bridge.far, bridge.near, 5)
    hears(bridge.near, bridge.far, 6)
    bridge.hang_up()


def test_strangers_get_nothing_into_the_fax(
    fax: tuple[Stage, Bridge, FaxEnd, FaxEnd],
) -> None:
    stage, bridge, near, far = fax
    turn(bridge.calling, bridge.called, near, far, near.sdp(version=2))
    assert takes(far, near.send(0))
    stranger = FaxEnd()
    stranger.target = near.target
    for number in range(5):
        stranger.send(100 + number)
    assert takes(far, near.send(1))
    assert takes(near, far.send(1))
    stranger.socket.close()
    bridge.hang_up()
    assert stage.switch.record()["fax_relays"][0]["datagrams"] == 3


def test_a_trunk_that_has_no_fax_refuses_it(stage: Stage) -> None:
    bridge = stage.bridge()
    near = FaxEnd()
    bridge.calling.reinvite(near.sdp(version=2))
    bridge.calling.expect(488, within=PATIENCE)
    bridge.called.expect_nothing(during=0.2)
    near.socket.close()
    hears(bridge.far, bridge.near, 7)
    bridge.hang_up()


def test_a_call_cannot_begin_with_fax_alone(
    fax: tuple[Stage, Bridge, FaxEnd, FaxEnd],
) -> None:
    stage, bridge, near, _ = fax
    call = stage.caller.invite(DIRECT, near.sdp(version=1))
    call.expect(488, within=PATIENCE)
    bridge.hang_up()
