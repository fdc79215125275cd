"""What is heard through the bridge: sample for sample, in one continuous stream, both ways."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

from tests.support.rtp_end import (
    DIGITS,
    FRAME,
    PCMA,
    PCMU,
    RtpEnd,
    alaw_to_linear,
    digits_heard,
    discontinuities,
    heard,
    known_signal,
    ulaw_to_linear,
)
from tests.support.stage import ANSWERED_FIRST, HOLD_MUSIC, Stage

SECONDS = 2.0
MakeStage = Callable[..., Stage]


@pytest.mark.parametrize("codec", [PCMU, PCMA])
def test_a_known_signal_arrives_sample_for_sample_both_ways(stage: Stage, codec: int) -> None:
    bridge = stage.bridge(caller_codec=codec, callee_codec=codec)
    bridge.near.wait_for_packets(10)
    bridge.far.wait_for_packets(10)
    signals = known_signal(SECONDS, seed=1), known_signal(SECONDS, seed=2)
    bridge.near.play(signals[0])
    bridge.far.play(signals[1])
    bridge.near.wait_until_played()
    bridge.far.wait_until_played()
    bridge.far.wait_for_packets(5)
    assert signals[0] in heard(bridge.far.arrivals)
    assert signals[1] in heard(bridge.near.arrivals)
    for end in (bridge.near, bridge.far):
        assert discontinuities(end.arrivals) == []
        assert {arrival.payload_type for arrival in end.arrivals} == {codec}
        assert {len(arrival.payload) for arrival in end.arrivals} == {FRAME}
    bridge.hang_up()
    record = stage.switch.record()
    assert all(one["lost"] == 0 for one in record["legs"])


def test_a_stream_goes_on_over_prompt_ringback_and_bridge(stage: Stage) -> None:
    near, far = stage.rtp(), stage.rtp()
    calling = stage.caller.invite(ANSWERED_FIRST, near.sdp())
    answer = calling.expect(200)
    calling.ack()
    near.aim_by(answer.body)
    called = stage.callee.expect_call(within=6)
    assert called.invite is not None
    called.respond(180)
    near.wait_for_packets(25)
    far.aim_by(called.invite.body)
    called.respond(200, far.sdp())
    called.expect("ACK")
    signal = known_signal(1.0)
    far.wait_for_packets(5)
    far.play(signal)
    far.wait_until_played()
    near.wait_for_packets(5)
    assert signal in heard(near.arrivals)
    assert discontinuities(near.arrivals) == []
    calling.bye()
    called.expect("BYE")


def test_a_stream_goes_on_when_its_source_starts_anew(stage: Stage) -> None:
    bridge = stage.bridge()
    bridge.far.wait_for_packets(10)
    bridge.near.restart_source()
    signal = known_signal(0.5)
    bridge.far.wait_for_packets(10)
    bridge.near.play(signal)
    bridge.near.wait_until_played()
    bridge.far.wait_for_packets(3)
    assert signal in heard(bridge.far.arrivals)
    assert len({arrival.ssrc for arrival in bridge.far.arrivals}) == 1
    steps = [one for one in discontinuities(bridge.far.arrivals) if "sequence" in one]
    assert len(steps) <= 1, steps  # the packet of probation (RFC 3550 A.1) may be missing
    bridge.hang_up()


@pytest.mark.parametrize(("near_codec", "far_codec"), [(PCMU, PCMA), (PCMA, PCMU)])
def test_legs_with_different_codecs_are_transcoded(
    make_stage: MakeStage, near_codec: int, far_codec: int
) -> None:
    stage = make_stage()
    bridge = stage.bridge(caller_codec=near_codec, callee_codec=far_codec)
    bridge.near.wait_for_packets(10)
    bridge.far.wait_for_packets(10)
    for sender, receiver in ((bridge.near, bridge.far), (bridge.far, bridge.near)):
        signal = known_signal(0.5, seed=sender.port)
        start = len(receiver.arrivals)
        sender.play(signal)
        sender.wait_until_played()
        receiver.wait_for_packets(5)
        assert {one.payload_type for one in receiver.arrivals} == {receiver.payload_type}
        _assert_same_sound(sender, signal, receiver, heard(receiver.arrivals[start:]))
        assert discontinuities(receiver.arrivals) == []
    bridge.hang_up()
    codecs = [one["codec"] for one in stage.switch.record()["legs"]]
    assert codecs == [{PCMU: "PCMU", PCMA: "PCMA"}[one] for one in (near_codec, far_codec)]


def _assert_same_sound(sender: RtpEnd, signal: bytes, receiver: RtpEnd, got: bytes) -> None:
    """The signal is in what came, each sample within a step of the coarser of the two laws."""
    tables = {PCMU: ulaw_to_linear, PCMA: alaw_to_linear}
    wanted = [tables[sender.payload_type](byte) for byte in signal]
    came = [tables[receiver.payload_type](byte) for byte in got]
    for start in range(0, len(came) - len(wanted) + 1, FRAME):
        part = came[start : start + len(wanted)]
        if all(abs(a - b) <= max(16, abs(a) // 16) for a, b in zip(wanted, part, strict=True)):
            return
    raise AssertionError("the transcoded signal did not arrive")


def test_digits_of_the_caller_reach_the_agent_as_digits(stage: Stage) -> None:
    bridge = stage.bridge()
    bridge.far.wait_for_packets(5)
    bridge.near.press("5#0")
    bridge.near.wait_until_played()
    bridge.far.wait_for_packets(10)
    assert digits_heard(bridge.far.arrivals, DIGITS) == "5#0"
    assert discontinuities(bridge.far.arrivals) == []
    bridge.hang_up()


def test_a_prompt_plays_while_the_destination_rings(stage: Stage) -> None:
    near = stage.rtp()
    calling = stage.caller.invite(HOLD_MUSIC, near.sdp())
    called = stage.callee.expect_call()
    answer = calling.expect(200)
    calling.ack()
    near.aim_by(answer.body)
    near.wait_for_packets(15)
    assert discontinuities(near.arrivals) == []
    called.respond(486)
    calling.expect("BYE")


def test_packets_from_elsewhere_are_not_believed(stage: Stage) -> None:
    bridge = stage.bridge()
    bridge.far.wait_for_packets(10)
    target = bridge.near.target
    assert target is not None
    stranger = stage.rtp()
    stranger.aim(*target)
    stranger.play(b"\x12" * FRAME * 25)
    stranger.wait_until_played()
    bridge.far.wait_for_packets(3)
    assert b"\x12" * FRAME not in heard(bridge.far.arrivals)
    assert discontinuities(bridge.far.arrivals) == []
    assert stranger.arrivals == []
    bridge.hang_up()


def test_packets_that_are_not_rtp_do_no_harm(stage: Stage) -> None:
    bridge = stage.bridge()
    bridge.far.wait_for_packets(5)
    target = bridge.near.target
    assert target is not None
    head = struct.pack("!BBHII", 0xBF, 0xFF, 1, 1, 1)
    for junk in (b"", b"\x80", b"\x00" * 40, head, head * 20, b"\x80\x00" + bytes(9), b"x" * 1400):
        bridge.near.rtp.sendto(junk, target)
        bridge.near.rtcp.sendto(junk, (target[0], target[1] + 1))
    signal = known_signal(0.3)
    bridge.near.play(signal)
    bridge.near.wait_until_played()
    bridge.far.wait_for_packets(3)
    assert signal in heard(bridge.far.arrivals)
    bridge.hang_up()


def test_rtcp_reports_come_from_the_switch(stage: Stage) -> None:
    bridge = stage.bridge()
    bridge.near.wait_for_packets(350, within=9)
    assert bridge.near.reports
    assert bridge.near.reports[0][1] in (200, 201)
    bridge.hang_up()
