"""Re-INVITEs through the switch: hold from either side, glare, refusals (RFC 3261 section 14)."""

from __future__ import annotations

import pytest

from tests.support.phone import Call
from tests.support.rtp_end import RtpEnd, audio_address
from tests.support.stage import Bridge, Stage


def _holder_and_held(bridge: Bridge, side: str) -> tuple[Call, RtpEnd, Call, RtpEnd]:
    if side == "calling":
        return bridge.calling, bridge.near, bridge.called, bridge.far
    return bridge.called, bridge.far, bridge.calling, bridge.near


def _direction(body: bytes) -> str:
    for word in ("sendonly", "recvonly", "inactive"):
        if f"a={word}" in body.decode():
            return word
    return "sendrecv"


@pytest.mark.parametrize("side", ["calling", "called"])
@pytest.mark.parametrize("by_address", [False, True])
def test_hold_is_answered_at_once_and_passed_on(stage: Stage, side: str, by_address: bool) -> None:
    bridge = stage.bridge()
    holder, own, held, other = _holder_and_held(bridge, side)
    offer = (
        own.sdp(version=2, connection="0.0.0.0")
        if by_address
        else own.sdp(version=2, direction="sendonly")
    )
    holder.reinvite(offer)
    answer = holder.expect(200)
    assert _direction(answer.body) in ("recvonly", "inactive")
    holder.ack()
    passed = held.expect("INVITE")
    assert _direction(passed.body) in ("sendonly", "inactive")
    held.respond(200, other.sdp(version=2, direction="recvonly"), request=passed)
    held.expect("ACK")

    holder.reinvite(own.sdp(version=3))
    answer = holder.expect(200)
    assert _direction(answer.body) == "sendrecv"
    holder.ack()
    passed = held.expect("INVITE")
    assert _direction(passed.body) == "sendrecv"
    held.respond(200, other.sdp(version=3), request=passed)
    held.expect("ACK")
    own.wait_for_packets(5)
    other.wait_for_packets(5)
    bridge.hang_up()
    assert stage.switch.record()["ended_by"] == "calling"


def test_media_keep_their_port_and_codec_over_a_reinvite(stage: Stage) -> None:
    bridge = stage.bridge()
    first = bridge.calling.final
    assert first is not None
    bridge.calling.reinvite(bridge.near.sdp(version=2))
    again = bridge.calling.expect(200)
    bridge.calling.ack()
    assert audio_address(again.body) == audio_address(first.body)
    bridge.near.wait_for_packets(5)
    bridge.hang_up()


def test_a_reinvite_that_moves_the_callers_media_is_followed(stage: Stage) -> None:
    bridge = stage.bridge()
    moved = stage.rtp()
    bridge.calling.reinvite(moved.sdp(version=2))
    answer = bridge.calling.expect(200)
    bridge.calling.ack()
    moved.aim_by(answer.body)
    bridge.near.sending = False
    moved.wait_for_packets(10)
    bridge.far.wait_for_packets(10)
    bridge.hang_up()


def test_reinvites_that_cross_are_refused_with_491_and_the_call_goes_on(stage: Stage) -> None:
    bridge = stage.bridge()
    bridge.calling.reinvite(bridge.near.sdp(version=2, direction="sendonly"))
    bridge.calling.expect(200)
    bridge.calling.ack()
    passed = bridge.called.expect("INVITE")
    bridge.called.reinvite(bridge.far.sdp(version=2))
    assert bridge.called.expect(lambda message: (message.status or 0) >= 200).status == 491
    bridge.called.respond(200, bridge.far.sdp(version=3, direction="recvonly"), request=passed)
    bridge.called.expect("ACK")
    bridge.hang_up()


def test_a_held_side_that_refuses_the_reinvite_stays_in_the_call(stage: Stage) -> None:
    bridge = stage.bridge()
    bridge.calling.reinvite(bridge.near.sdp(version=2, direction="sendonly"))
    bridge.calling.expect(200)
    bridge.calling.ack()
    passed = bridge.called.expect("INVITE")
    bridge.called.respond(488, request=passed)
    bridge.called.expect("ACK")
    bridge.calling.expect_nothing(during=0.2)
    bridge.hang_up()


def test_a_reinvite_that_offers_nothing_we_have_is_488_and_the_call_goes_on(stage: Stage) -> None:
    bridge = stage.bridge()
    offer = (
        bridge.near.sdp(version=2)
        .replace(b"AVP 0 101", b"AVP 3")
        .replace(b"a=rtpmap:0 PCMU/8000\r\n", b"a=rtpmap:3 GSM/8000\r\n")
    )
    bridge.calling.reinvite(offer)
    bridge.calling.expect(488)
    bridge.near.wait_for_packets(5)
    bridge.hang_up()


def test_a_lower_cseq_in_a_dialog_is_refused_with_500(stage: Stage) -> None:
    bridge = stage.bridge()
    bridge.calling.reinvite(bridge.near.sdp(version=2))
    bridge.calling.expect(200)
    bridge.calling.ack()
    bridge.calling.send("BYE", cseq=1)
    refused = bridge.calling.expect(500, to="BYE")
    assert refused.status == 500
    bridge.near.wait_for_packets(5)
    bridge.hang_up()


def test_a_reinvite_without_an_offer_is_answered_with_one(stage: Stage) -> None:
    bridge = stage.bridge()
    bridge.calling.reinvite(b"")
    answer = bridge.calling.expect(200)
    assert b"m=audio" in answer.body
    bridge.calling.ack(bridge.near.sdp(version=2))
    bridge.near.wait_for_packets(5)
    bridge.hang_up()
