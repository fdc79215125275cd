"""Scanners: they are told of once and get no answer, and calls of trunks notice nothing of them."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import ExitStack, closing

import pytest

from tests.support.phone import Phone
from tests.support.program import wait_for
from tests.support.rtp_end import discontinuities
from tests.support.stage import DIRECT, Stage

MakeStage = Callable[..., Stage]

SCANNER = "127.0.0.66"
STORM_SECONDS = 3.0
A_SECOND = 5000
MAX_CONNECTIONS_EACH = 8
OPTIONS = (
    b"OPTIONS sip:switch@127.0.0.1 SIP/2.0\r\n"
    b"Via: SIP/2.0/TCP 127.0.0.1:5999;branch=z9hG4bKslow\r\n"
    b"From: <sip:a@127.0.0.1>;tag=1\r\nTo: <sip:switch@127.0.0.1>\r\n"
    b"Call-ID: slow\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
)


def probe(number: int) -> bytes:
    """What a scanner sends: a call to the next number."""
    return (
        f"INVITE sip:{number}@127.0.0.1 SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP {SCANNER}:5060;branch=z9hG4bK{number};rport\r\n"
        f"From: <sip:{number}@1.1.1.1>;tag={number}\r\nTo: <sip:{number}@1.1.1.1>\r\n"
        f"Call-ID: {number}\r\nCSeq: 1 INVITE\r\nContact: <sip:a@{SCANNER}>\r\n"
        "User-Agent: friendly-scanner\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    ).encode()


def storm(address: tuple[str, int], seconds: float) -> tuple[int, int]:
    """Scan for so long; how much was sent, and how much was answered."""
    sent = answered = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as scanner:
        scanner.bind((SCANNER, 0))
        scanner.setblocking(False)
        began = time.monotonic()
        while (elapsed := time.monotonic() - began) < seconds:
            while sent < elapsed * A_SECOND:
                try:
                    scanner.sendto(probe(100_000_000 + sent), address)
                except BlockingIOError:
                    break
                sent += 1
            try:
                while scanner.recv(4096):
                    answered += 1
            except BlockingIOError:
                time.sleep(0.001)
    return sent, answered


def test_a_storm_of_a_scanner_costs_no_call_its_sound_and_no_caller_its_patience(
    make_stage: MakeStage,
) -> None:
    stage = make_stage()
    bridge = stage.bridge()
    bridge.near.wait_for_packets(20)
    sent, answered = storm(stage.switch.address, STORM_SECONDS)
    assert sent > STORM_SECONDS * A_SECOND / 2
    # One answer to each of the first few tries, and then none.
    assert 1 <= answered <= 60
    # Nothing of the call in progress was lost meanwhile.
    for end in (bridge.near, bridge.far):
        assert discontinuities(end.arrivals, slack=0.5) == []
    # A call of the trunk begins as fast as ever, while the next storm blows.
    began = time.monotonic()
    near = stage.rtp()
    calling = stage.caller.invite(DIRECT, near.sdp())
    called = stage.callee.expect_call()
    assert time.monotonic() - began < 2.0
    calling.cancel()
    called.expect("CANCEL")
    bridge.hang_up()
    banned = [one for one in stage.switch.output().splitlines() if "source.banned" in one]
    assert len(banned) == 1
    assert f"source={SCANNER}" in banned[0]


def test_a_banned_source_is_answered_again_after_its_time(make_stage: MakeStage) -> None:
    stage = make_stage(sections="defence: {ban_after: 2, ban_time: 1 s}\n")
    with closing(Phone(stage.switch.address, host=SCANNER)) as stranger:
        for _ in range(2):
            stranger.invite("1").expect(403)
        wait_for("the ban", lambda: "source.banned" in stage.switch.output())
        silent = stranger.invite("1")
        silent.expect_nothing(during=0.3)
        # It is sent again and again, and answered when the time is over.
        silent.expect(403, within=8.0)


def test_a_trunk_that_is_busy_is_told_when_to_come_again(make_stage: MakeStage) -> None:
    stage = make_stage(trunk_lines="    calls_per_second: 2\n")
    calls = [stage.caller.invite(DIRECT) for _ in range(4)]
    # Two of them in one second; how long the machine takes is not known.
    refused = calls[-1].expect(503, within=5.0)
    assert 1 <= int(refused.get("retry-after")) <= 5
    wait_for("the reason", lambda: "full (calls_per_second)" in stage.switch.output())
    stage.callee.expect_call()
    for calling in calls[:2]:
        calling.cancel()


def connected(stage: Stage, host: str, data: bytes = b"") -> socket.socket:
    """Somebody who has connected from a host, and has said so much."""
    made = socket.create_connection(stage.switch.address, 5.0, source_address=(host, 0))
    made.settimeout(30.0)
    if data:
        made.sendall(data)
    return made


def is_closed(peer: socket.socket) -> bool:
    """Whether the switch closes a connection, at once or later."""
    try:
        return peer.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.mark.slow
def test_half_messages_and_too_many_connections_are_closed_to_strangers_alone(
    make_stage: MakeStage,
) -> None:
    """Strangers cannot fill the switch's tables by waiting."""
    stage = make_stage()
    with ExitStack() as opened:
        trunk = opened.enter_context(connected(stage, "127.0.0.1", b"OPTIONS sip:"))
        began = time.monotonic()
        strangers = [
            opened.enter_context(connected(stage, SCANNER, b"INVITE sip:"))
            for _ in range(MAX_CONNECTIONS_EACH)
        ]
        assert is_closed(opened.enter_context(connected(stage, SCANNER)))
        assert time.monotonic() - began < 5.0
        assert all(is_closed(stranger) for stranger in strangers)
        assert 8.0 < time.monotonic() - began < 30.0
        rest = OPTIONS.removeprefix(b"OPTIONS sip:")
        trunk.sendall(rest)
        assert trunk.recv(4096).startswith(b"SIP/2.0 200 ")
