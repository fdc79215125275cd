"""The phone of the tests, against itself: a tool that lies would make every scenario lie."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from tests.support.phone import Phone
from tests.support.rtp_end import (
    RtpEnd,
    alaw_to_linear,
    digits_heard,
    discontinuities,
    heard,
    known_signal,
    ulaw_to_linear,
)
from tests.support.sip_text import parse, split_stream

MakePhone = Callable[..., Phone]


@pytest.fixture
def phones() -> Iterator[MakePhone]:
    made: list[Phone] = []

    def make(server: tuple[str, int] | None = None, *, transport: str = "udp") -> Phone:
        made.append(Phone(server, transport=transport))
        return made[-1]

    yield make
    for phone in made:
        phone.close()
    assert [problem for phone in made for problem in phone.problems] == []


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_call_is_set_up_and_ended_between_two_phones(phones: MakePhone, transport: str) -> None:
    callee = phones(transport=transport)
    caller = phones((callee.host, callee.port), transport=transport)
    out = caller.invite("100001", b"v=0\r\n")
    call = callee.expect_call()
    call.respond(180)
    out.expect(180)
    call.respond(200, b"v=0\r\n")
    assert out.expect(200).body == b"v=0\r\n"
    out.ack()
    call.expect("ACK")
    call.reinvite(b"v=0\r\n")
    again = out.expect("INVITE")
    out.respond(200, b"v=0\r\n", request=again)
    call.expect(200)
    call.ack()
    out.expect("ACK")
    out.bye()
    call.expect("BYE")


def test_a_lost_invite_and_a_lost_200_are_repeated_until_the_call_stands(phones: MakePhone) -> None:
    callee = phones()
    caller = phones((callee.host, callee.port))
    caller.fault("out", "INVITE")
    out = caller.invite("100001")
    call = callee.expect_call()
    callee.fault("out", 200)
    call.respond(200)
    out.expect(200)
    out.ack()
    call.expect("ACK")
    out.expect_nothing(during=0.6)
    assert out.repeats["200"] == 0


def test_a_lost_ack_brings_the_200_again_and_the_ack_again(phones: MakePhone) -> None:
    callee = phones()
    caller = phones((callee.host, callee.port))
    out = caller.invite("100001")
    call = callee.expect_call()
    call.respond(200)
    out.expect(200)
    caller.fault("out", "ACK")
    out.ack()
    call.expect("ACK")
    assert out.repeats["200"] == 1


def test_a_delayed_message_comes_late_and_a_doubled_one_twice(phones: MakePhone) -> None:
    callee = phones()
    caller = phones((callee.host, callee.port))
    caller.fault("out", "INVITE", 0.3)
    began = time.monotonic()
    out = caller.invite("100001")
    call = callee.expect_call()
    assert 0.25 < time.monotonic() - began < 0.48
    caller.fault("out", "BYE", "double")
    call.respond(200)
    out.expect(200)
    out.ack()
    call.expect("ACK")
    out.bye()
    call.expect("BYE")
    call.expect_nothing(during=0.05)
    assert call.repeats["BYE"] == 1


def test_cancel_is_answered_by_200_and_487(phones: MakePhone) -> None:
    callee = phones()
    caller = phones((callee.host, callee.port))
    out = caller.invite("100001")
    call = callee.expect_call()
    call.respond(180)
    out.expect(180)
    out.cancel()
    out.expect(200, to="CANCEL")
    out.expect(487)
    call.expect("CANCEL")
    call.expect("ACK")


def test_an_unexpected_answer_fails_with_the_ladder(phones: MakePhone) -> None:
    callee = phones()
    caller = phones((callee.host, callee.port))
    out = caller.invite("100001")
    callee.expect_call().respond(486)
    with pytest.raises(AssertionError, match=r"expected 200, got SIP/2.0 486(?s:.)*-> INVITE"):
        out.expect(200)


def test_what_a_strict_peer_dislikes_is_named() -> None:
    response = parse(
        b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\n"
        b"To: <sip:b@h>\r\nCall-ID: 1\r\nCSeq: 1 BYE\r\nContent-Type: a/b\r\n"
        b"Content-Length: 4\r\n\r\nabc"
    )
    assert response.problems == ["Content-Length 4, body 3", "200 whose To has no tag"]


def test_a_stream_is_cut_by_content_length() -> None:
    one = b"INVITE sip:a SIP/2.0\r\nContent-Length: 3\r\n\r\nabc"
    whole, rest = split_stream(b"\r\n\r\n" + one + one + one[:-1])
    assert whole == [one, one]
    assert rest == one[:-1]


def test_an_rtp_end_hears_what_the_other_plays_in_one_continuous_stream() -> None:
    first, second = RtpEnd(), RtpEnd()
    signal = known_signal(0.3)
    first.aim_by(second.sdp())
    first.play(signal)
    first.press("5#")
    first.wait_until_played()
    second.wait_for_packets(2)
    first.close()
    second.close()
    assert signal in heard(second.arrivals)
    assert digits_heard(second.arrivals) == "5#"
    assert discontinuities(second.arrivals) == []


def test_a_break_in_a_stream_is_seen() -> None:
    first, second = RtpEnd(), RtpEnd()
    first.aim_by(second.sdp())
    second.wait_for_packets(3)
    first.restart_source()
    second.wait_for_packets(3)
    first.close()
    second.close()
    assert any("SSRC" in found for found in discontinuities(second.arrivals))


def test_g711_tables_have_the_values_of_the_recommendation() -> None:
    assert [ulaw_to_linear(byte) for byte in (0x00, 0x80, 0xFF, 0x7F)] == [-32124, 32124, 0, 0]
    assert [alaw_to_linear(byte) for byte in (0x2A, 0xAA, 0xD5, 0x55)] == [-32256, 32256, 8, -8]
