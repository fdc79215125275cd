"""Two fax machines behind phones, through the real program: T.38 in place of sound, and back."""

from __future__ import annotations

import re
import select
import socket
import time
from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest

from tests.support.phone import Call
from tests.support.rtp_end import RtpEnd, heard, known_signal
from tests.support.stage import DIRECT, Bridge, Stage
from tests.support.voices import calling_fax

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
def ends() -> Iterator[tuple[FaxEnd, FaxEnd]]:
    """Where the machines are."""
    near, far = FaxEnd(), FaxEnd()
    yield near, far
    near.socket.close()
    far.socket.close()


@pytest.fixture
def fax(make_stage: MakeStage, ends: tuple[FaxEnd, FaxEnd]) -> tuple[Stage, Bridge, FaxEnd, FaxEnd]:
    """A call with sound on trunks that have fax passed on, and where its machines are."""
    stage = make_stage(trunk_lines="    t38: true\n")
    return stage, stage.bridge(), *ends


def hears(end: RtpEnd, speaker: RtpEnd, seed: int) -> None:
    """What one end says is heard by the other, octet by octet."""
    speaker.sending = end.sending = True
    signal = known_signal(0.5, seed=seed)
    before = len(end.arrivals)
    deadline = time.monotonic() + PATIENCE
    again = 0.0
    while signal not in heard(end.arrivals[before:]):
        assert time.monotonic() < deadline, "the sound did not come through"
        if time.monotonic() > again and not speaker.playing():
            # The first packets may be sent before the switch has heard that there is sound.
            speaker.play(signal)
            again = time.monotonic() + 2.0
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


def reach(one: FaxEnd, other: FaxEnd) -> None:
    """Sends until it arrives, both ways: who asks nobody, and has its ACK, may be quicker than what
    follows in the switch; two threads know of the fax a moment apart."""
    for sender, receiver in ((one, other), (other, one)):
        deadline = time.monotonic() + PATIENCE
        while not select.select([receiver.socket], [], [], 0.05)[0]:
            assert time.monotonic() < deadline, "nothing arrived"
            sender.send(0)
        while select.select([receiver.socket], [], [], 0.2)[0]:
            receiver.socket.recv(4096)


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


# Across threads of the media engine.


def joined(stage: Stage) -> tuple[Call, Call]:
    """A caller, and whom an agent has asked before it made one call of its two."""
    bridge = stage.bridge()
    stage.callee.server = stage.switch.address
    end, new = stage.rtp(), stage.rtp()
    consulting = stage.callee.invite(DIRECT, end.sdp())
    third = stage.callee.expect_call(within=PATIENCE)
    third.respond(200, new.sdp())
    third.expect("ACK", within=PATIENCE)
    consulting.expect(200, within=PATIENCE)
    consulting.ack()
    host, port = stage.switch.address
    tags = f"to-tag={consulting.remote_tag};from-tag={consulting.local_tag}"
    replaced = quote(f"{consulting.call_id};{tags}", safe="")
    called = bridge.called
    to = f"<sip:{DIRECT}@{host}:{port}?Replaces={replaced}>"
    called.send("REFER", headers=[("Refer-To", to), ("Contact", called.phone.contact())])
    called.expect(202, to="REFER", within=PATIENCE)
    for _ in range(2):
        called.respond(200, request=called.expect("NOTIFY", within=PATIENCE))
    for left in (called, consulting):
        left.expect("BYE", within=PATIENCE)
    return bridge.calling, third


def test_fax_goes_between_parties_of_two_calls_that_became_one(
    make_stage: MakeStage, ends: tuple[FaxEnd, FaxEnd]
) -> None:
    """The legs of a call are of one thread, those of the next one of another."""
    stage = make_stage(
        settings={"engine_threads": "2"},
        trunk_lines="    t38: true\n    transfers: allow\n",
        sections='originate: {to: ["+1602555*"]}\n',
    )
    near, far = ends
    calling, third = joined(stage)
    turn(third, calling, far, near, far.sdp(version=2))
    reach(far, near)
    exchange(far, near)
    calling.bye()
    third.expect("BYE", within=PATIENCE)
    records = stage.switch.wait_for_records(2)
    (relay,) = [relay for record in records for relay in record.get("fax_relays", [])]
    assert relay["datagrams"] >= PAGE + PAGE // 4 + 2


# Asked for by the switch.


def test_whoever_answers_a_calling_machine_in_silence_is_asked_after_a_moment(
    make_stage: MakeStage, ends: tuple[FaxEnd, FaxEnd]
) -> None:
    stage = make_stage(trunk_lines="    t38: offer\n")
    near, far = ends
    bridge = stage.bridge()
    bridge.near.play(calling_fax(3))
    for call, end in ((bridge.called, far), (bridge.calling, near)):
        asked = call.expect("INVITE", within=PATIENCE)
        end.aim_by(asked.body)
        call.respond(200, end.sdp(version=2), request=asked)
        call.expect("ACK", within=PATIENCE)
    reach(near, far)
    exchange(near, far)
    bridge.hang_up()
    record = stage.switch.record()
    assert [(one["leg"], one["tone"]) for one in record["fax"]] == [("a", "cng")]
    assert len(record["fax_relays"]) == 1
