"""Calls whose sound is encrypted: SRTP by keys in the session description, both ways round."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial

import pytest

from tests.support.phone import Call
from tests.support.program import wait_for
from tests.support.rtp_end import DIGITS, PCMA, PCMU, RtpEnd, digits_heard, heard, known_signal
from tests.support.secure_end import LONG, SHORT, SecureEnd, crypto_lines
from tests.support.srtp import needs_srtp
from tests.support.stage import DIRECT, MENU, Stage, StandingSwitch

pytestmark = needs_srtp
MakeStage = Callable[..., Stage]


def trunk_lines(policy: str, more: str = "") -> str:
    return f"    srtp: {policy}\n{more}"


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandingSwitch]:
    """The switch of most tests here: nothing goes in the clear."""
    shared = StandingSwitch(
        tmp_path_factory.mktemp("encrypted"), trunk_lines=trunk_lines("required")
    )
    yield shared
    shared.stop()


@pytest.fixture
def ends() -> Iterator[Callable[..., SecureEnd]]:
    """Makes encrypted ends and closes them."""
    with ExitStack() as made:

        def make(suite: str = LONG, *, payload_type: int = PCMU) -> SecureEnd:
            end = SecureEnd(suite, payload_type=payload_type)
            made.callback(end.close)
            return end

        yield make


def called_and_answered(stage: Stage, calling: Call, far: RtpEnd) -> tuple[Call, bytes, bytes]:
    """The far end answers; the call to it, the offer it got, and the answer the caller got."""
    called = stage.callee.expect_call(within=6)
    assert called.invite is not None
    offer = called.invite.body
    if isinstance(far, SecureEnd):
        far.meet(offer)
        protocol = "RTP/SAVP" if b"RTP/SAVP" in offer else "RTP/AVP"
        called.respond(200, far.secure_sdp(protocol=protocol))
    else:
        far.aim_by(offer)
        called.respond(200, far.sdp())
    answer = calling.expect(200, within=6).body
    calling.ack()
    called.expect("ACK")
    return called, offer, answer


def hear_each_other(near: RtpEnd, far: RtpEnd, *, seed: int = 1) -> None:
    near.wait_for_packets(5)
    far.wait_for_packets(5)
    for speaker, listener in ((near, far), (far, near)):
        start = len(listener.arrivals)
        signal = known_signal(0.3, seed=seed + speaker.port)
        speaker.play(signal)
        speaker.wait_until_played()
        listener.wait_for_packets(5)
        assert signal in heard(listener.arrivals[start:])


@pytest.mark.parametrize(("near_suite", "far_suite"), [(LONG, SHORT), (SHORT, LONG)])
def test_both_legs_encrypted_where_that_is_required(
    stage: Stage, ends: Callable[..., SecureEnd], near_suite: str, far_suite: str
) -> None:
    near, far = ends(near_suite), ends(far_suite)
    calling = stage.caller.invite(DIRECT, near.secure_sdp())
    called = stage.callee.expect_call(within=6)
    assert called.invite is not None
    offer = called.invite.body
    assert b"RTP/SAVP" in offer
    assert [line[1] for line in crypto_lines(offer)] == [LONG, SHORT]
    far.meet(offer)
    called.respond(183, far.secure_sdp())
    early = calling.expect(183).body
    near.meet(early)
    near.wait_for_packets(3)  # early media is encrypted, too
    called.respond(200, far.secure_sdp())
    calling.expect(200, within=6)
    calling.ack()
    called.expect("ACK")
    hear_each_other(near, far)
    assert near.not_authentic == far.not_authentic == 0
    near.press("5")
    near.wait_until_played()
    far.wait_for_packets(5)
    assert digits_heard(far.arrivals) == "5"
    calling.bye()
    called.expect("BYE")
    record = stage.switch.record()
    assert [leg["srtp"] for leg in record["legs"]] == [near_suite, far_suite]
    assert all(leg["lost"] == 0 for leg in record["legs"])


@pytest.mark.parametrize("which", ["caller", "called"])
def test_an_encrypted_and_a_plain_leg_are_bridged(
    make_stage: MakeStage, ends: Callable[..., SecureEnd], which: str
) -> None:
    stage = make_stage(trunk_lines=trunk_lines("optional"))
    near = ends() if which == "caller" else stage.rtp()
    far = ends() if which == "called" else stage.rtp(PCMU)
    body = near.secure_sdp() if isinstance(near, SecureEnd) else near.sdp()
    calling = stage.caller.invite(DIRECT, body)
    called, offer, answer = called_and_answered(stage, calling, far)
    assert b"RTP/AVP " in offer
    assert len(crypto_lines(offer)) == 2  # offered to everybody (RFC 8643)
    if isinstance(near, SecureEnd):
        near.meet(answer)
    else:
        assert b"crypto" not in answer
        near.aim_by(answer)
    hear_each_other(near, far)
    calling.bye()
    called.expect("BYE")
    suites = [leg.get("srtp") for leg in stage.switch.record()["legs"]]
    assert suites == ([LONG, None] if which == "caller" else [None, LONG])


def test_keys_pressed_on_an_encrypted_leg_are_heard(
    stage: Stage, ends: Callable[..., SecureEnd]
) -> None:
    near, far = ends(), ends()
    calling = stage.caller.invite(MENU, near.secure_sdp())
    near.meet(calling.expect(200, within=6).body)
    calling.ack()
    near.wait_for_packets(5)
    near.press("1")
    called = stage.callee.expect_call(within=6)
    assert called.invite is not None
    far.meet(called.invite.body)
    called.respond(200, far.secure_sdp())
    called.expect("ACK")
    hear_each_other(near, far)
    calling.bye()
    called.expect("BYE")


def test_the_switch_hears_what_was_said_and_no_noise(
    stage: Stage, ends: Callable[..., SecureEnd]
) -> None:
    near, far = ends(), ends()
    calling = stage.caller.invite(DIRECT, near.secure_sdp())
    called, _, answer = called_and_answered(stage, calling, far)
    near.meet(answer)
    near.wait_for_packets(5)
    near.play(known_signal(1.0))
    near.wait_until_played()
    far.wait_for_packets(25)
    calling.bye()
    called.expect("BYE")
    talker, silent = stage.switch.record()["legs"]
    assert talker["talk_seconds"] > 0
    # Encrypted, silence is as loud as anything.
    assert silent["talk_seconds"] == 0
    assert silent["silence_seconds"] > 0


@pytest.mark.parametrize("policy", ["off", "required"])
def test_a_caller_that_does_not_fit_the_policy_is_refused(
    make_stage: MakeStage, ends: Callable[..., SecureEnd], policy: str
) -> None:
    stage = make_stage(trunk_lines=trunk_lines(policy))
    body = ends().secure_sdp() if policy == "off" else stage.rtp().sdp()
    calling = stage.caller.invite(DIRECT, body)
    refused = calling.expect(488)
    assert "302" in refused.get("warning")
    assert stage.switch.record()["legs"][0]["status"] == 488


def test_a_far_end_that_answers_without_keys_is_hung_up_on(
    stage: Stage, ends: Callable[..., SecureEnd]
) -> None:
    near, far = ends(), stage.rtp()
    calling = stage.caller.invite(DIRECT, near.secure_sdp())
    called = stage.callee.expect_call(within=6)
    called.respond(200, far.sdp())
    called.expect("ACK")
    called.expect("BYE")
    calling.expect(488, within=6)
    assert far.arrivals == []  # nothing has left in the clear
    assert stage.switch.record()["legs"][1]["status"] == 488


def test_a_reinvite_with_another_key_changes_both_and_nobody_goes_unheard(
    stage: Stage, ends: Callable[..., SecureEnd]
) -> None:
    near, far = ends(), ends()
    calling = stage.caller.invite(DIRECT, near.secure_sdp())
    called, _, answer = called_and_answered(stage, calling, far)
    near.meet(answer)
    hear_each_other(near, far)
    before = crypto_lines(answer)
    # The same description refreshes, and its key stays.
    calling.reinvite(near.secure_sdp())
    assert crypto_lines(calling.expect(200).body) == before
    calling.ack()
    hear_each_other(near, far, seed=2)
    near.sending = False
    near.new_key()
    calling.reinvite(near.secure_sdp(version=2))
    after = calling.expect(200).body
    calling.ack()
    assert crypto_lines(after) != before
    near.meet(after)
    near.sending = True
    hear_each_other(near, far, seed=3)
    calling.bye()
    called.expect("BYE")
    assert stage.switch.record()["ended_by"] == "calling"


def test_a_reinvite_that_takes_the_keys_away_is_refused_where_they_are_required(
    stage: Stage, ends: Callable[..., SecureEnd]
) -> None:
    near, far = ends(), ends()
    calling = stage.caller.invite(DIRECT, near.secure_sdp())
    called, _, answer = called_and_answered(stage, calling, far)
    near.meet(answer)
    calling.reinvite(near.sdp(version=2))
    calling.expect(488)
    hear_each_other(near, far)
    calling.bye()
    called.expect("BYE")


def test_a_hold_is_passed_on_with_the_key_in_force(
    stage: Stage, ends: Callable[..., SecureEnd]
) -> None:
    near, far = ends(), ends()
    calling = stage.caller.invite(DIRECT, near.secure_sdp())
    called, offer, answer = called_and_answered(stage, calling, far)
    near.meet(answer)
    hear_each_other(near, far)
    held = near.secure_sdp(version=2).replace(b"a=sendrecv", b"a=sendonly")
    calling.reinvite(held)
    calling.expect(200)
    calling.ack()
    passed_on = called.expect("INVITE")
    ours = next(line for line in crypto_lines(offer) if line[1] == LONG)
    assert crypto_lines(passed_on.body) == [ours]
    assert b"a=sendonly" in passed_on.body
    answered = far.secure_sdp(version=2).replace(b"a=sendrecv", b"a=recvonly")
    called.respond(200, answered)
    called.expect("ACK")
    calling.reinvite(near.secure_sdp(version=3))
    calling.expect(200)
    calling.ack()
    called.expect("INVITE")
    called.respond(200, far.secure_sdp(version=3))
    called.expect("ACK")
    hear_each_other(near, far, seed=2)
    calling.bye()
    called.expect("BYE")


def test_a_caller_without_an_offer_gets_one_with_keys(
    stage: Stage, ends: Callable[..., SecureEnd]
) -> None:
    near, far = ends(SHORT), ends()
    calling = stage.caller.invite(DIRECT)
    called = stage.callee.expect_call(within=6)
    assert called.invite is not None
    far.meet(called.invite.body)
    called.respond(200, far.secure_sdp())
    offer = calling.expect(200, within=6).body
    near.meet(offer)
    calling.ack(near.secure_sdp())
    called.expect("ACK")
    hear_each_other(near, far)
    calling.bye()
    called.expect("BYE")


def test_no_key_is_in_any_line_of_the_log(
    make_stage: MakeStage, ends: Callable[..., SecureEnd]
) -> None:
    stage = make_stage(trunk_lines=trunk_lines("required"), settings={"log_level": "debug"})
    near, far = ends(), ends()
    calling = stage.caller.invite(DIRECT, near.secure_sdp())
    called, offer, answer = called_and_answered(stage, calling, far)
    near.meet(answer)
    hear_each_other(near, far)
    calling.bye()
    called.expect("BYE")
    shown = stage.switch.output() + str(stage.switch.record())
    for body in (offer, answer, near.secure_sdp(), far.secure_sdp()):
        for text in re.findall(rb"inline:([^\r]+)", body):
            assert text.decode() not in shown
    assert "inline:" not in shown


def test_sound_and_reports_share_a_port_where_it_is_asked_for(
    make_stage: MakeStage, ends: Callable[..., SecureEnd]
) -> None:
    stage = make_stage(trunk_lines=trunk_lines("optional", "    rtcp_mux: true\n"))
    near, far = ends(), ends()
    calling = stage.caller.invite(DIRECT, near.secure_sdp(extra="a=rtcp-mux\r\n"))
    called = stage.callee.expect_call(within=6)
    assert called.invite is not None
    assert b"a=rtcp-mux" in called.invite.body
    far.meet(called.invite.body)
    called.respond(200, far.secure_sdp(protocol="RTP/AVP", extra="a=rtcp-mux\r\n"))
    answer = calling.expect(200, within=6).body
    calling.ack()
    called.expect("ACK")
    assert b"a=rtcp-mux" in answer
    near.meet(answer)
    hear_each_other(near, far)
    calling.bye()
    called.expect("BYE")
    for end in (near, far):
        # The goodbye of the switch, at the latest, has come to the port of the sound.
        wait_for("a report by the port of the sound", end.has_sealed_report)
        assert end.reports == []
        assert not end.not_authentic


@pytest.mark.parametrize("taken", [True, False])
def test_plain_sound_shares_a_port_where_both_sides_want_it(
    make_stage: MakeStage, taken: bool
) -> None:
    stage = make_stage(trunk_lines="    rtcp_mux: true\n")
    near, far = stage.rtp(), stage.rtp()
    wish = "a=rtcp-mux\r\n" if taken else ""
    calling = stage.caller.invite(DIRECT, near.sdp(extra=wish))
    called = stage.callee.expect_call(within=6)
    assert called.invite is not None
    assert b"a=rtcp-mux" in called.invite.body
    far.aim_by(called.invite.body)
    called.respond(200, far.sdp(extra=wish))
    answer = calling.expect(200, within=6).body
    calling.ack()
    called.expect("ACK")
    assert (b"a=rtcp-mux" in answer) is taken
    near.aim_by(answer)
    hear_each_other(near, far)
    calling.bye()
    called.expect("BYE")
    for end in (near, far):
        # The goodbye of the switch, at the latest.
        wait_for("a report", partial(_has_report, end, taken))
        assert _has_report(end, not taken) is False


def _has_report(end: RtpEnd, one_port: bool) -> bool:
    """Whether RTCP has come to the port of the sound, or to its own."""
    if not one_port:
        return bool(end.reports)
    # Sender and receiver reports, 200 and 201, look like these payload types there.
    return any(arrival.payload_type in (72, 73) for arrival in end.arrivals)


def test_codecs_of_encrypted_legs_may_differ(stage: Stage, ends: Callable[..., SecureEnd]) -> None:
    near, far = ends(payload_type=PCMU), ends(payload_type=PCMA)
    calling = stage.caller.invite(DIRECT, near.secure_sdp((PCMU, DIGITS)))
    called = stage.callee.expect_call(within=6)
    assert called.invite is not None
    far.meet(called.invite.body)
    called.respond(200, far.secure_sdp((PCMA, DIGITS)))
    near.meet(calling.expect(200, within=6).body)
    calling.ack()
    called.expect("ACK")
    near.wait_for_packets(5)
    arrived = far.wait_for_packets(5)
    assert {arrival.payload_type for arrival in arrived} == {PCMA}
    calling.bye()
    called.expect("BYE")
    assert [leg["codec"] for leg in stage.switch.record()["legs"]] == ["PCMU", "PCMA"]
