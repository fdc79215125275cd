"""Extensions of SIP through the real program: PRACK, session timers, UPDATE."""

from __future__ import annotations

from contextlib import closing

import pytest

from tests.support.rtp_end import RtpEnd, heard, known_signal
from tests.support.stage import DIRECT, Stage


def test_a_caller_that_requires_reliable_ringing_gets_it_and_the_answer_after_its_prack(
    stage: Stage,
) -> None:
    near, far = stage.rtp(), stage.rtp()
    calling = stage.caller.invite(DIRECT, near.sdp(), [("Require", "100rel")])
    called = stage.callee.expect_call()
    called.respond(180)
    ringing = calling.expect(180)
    assert ringing.get("require") == "100rel"
    # Nothing but the PRACK lets the answer through.
    called.respond(200, far.sdp())
    called.expect("ACK")
    calling.expect_nothing(during=0.3)
    calling.remote_tag = ringing.to_tag
    calling.send("PRACK", headers=[("RAck", f"{ringing.get('rseq')} 1 INVITE")])
    calling.expect(200, to="PRACK")
    calling.expect(200)
    calling.ack()
    calling.bye()
    called.expect("BYE")
    assert stage.switch.record()["ended_by"] == "calling"


def hears(listener: RtpEnd, speaker: RtpEnd, seed: int) -> bool:
    """Whether what one end plays comes to the other."""
    sound = known_signal(0.4, seed=seed)
    before = len(listener.arrivals)
    speaker.play(sound)
    speaker.wait_until_played()
    # The speaker goes on with silence.
    listener.wait_for_packets(20, within=10)
    return sound[1600:3200] in heard(listener.arrivals[before:])


@pytest.mark.parametrize("early", [False, True])
def test_a_caller_that_requires_it_and_offers_nothing_hears_the_ringing(
    stage: Stage, early: bool
) -> None:
    near, far = stage.rtp(), stage.rtp()
    calling = stage.caller.invite(DIRECT, b"", [("Require", "100rel")])
    called = stage.callee.expect_call()
    assert called.invite is not None
    far.aim_by(called.invite.body)
    if early:
        called.respond(183, far.sdp())
    else:
        called.respond(180)
    ringing = calling.expect(183 if early else 180)
    assert b"m=audio" in ringing.body
    near.aim_by(ringing.body)
    calling.remote_tag = ringing.to_tag
    rack = [("RAck", f"{ringing.get('rseq')} 1 INVITE")]
    calling.send("PRACK", near.sdp(), rack)
    calling.expect(200, to="PRACK")
    if early:
        assert hears(near, far, 1)
    called.respond(200, far.sdp())
    called.expect("ACK")
    assert calling.expect(200).body == b""
    calling.ack()
    assert hears(near, far, 2)
    assert hears(far, near, 3)
    calling.bye()
    called.expect("BYE")
    assert stage.switch.record()["cause"] == "hung_up"


def test_a_caller_that_gives_up_before_it_has_answered_our_offer_is_let_go(stage: Stage) -> None:
    calling = stage.caller.invite(DIRECT, b"", [("Require", "100rel")])
    called = stage.callee.expect_call()
    called.respond(180)
    calling.expect(180)
    calling.cancel()
    calling.expect(200, to="CANCEL")
    calling.expect(487)
    called.expect("CANCEL")
    record = stage.switch.record()
    assert (record["ended_by"], record["cause"]) == ("calling", "cancelled")


@pytest.mark.parametrize("answer", [b"", b"v=0 and nonsense"])
def test_a_prack_without_a_usable_answer_ends_the_call(stage: Stage, answer: bytes) -> None:
    calling = stage.caller.invite(DIRECT, b"", [("Require", "100rel")])
    called = stage.callee.expect_call()
    called.respond(180)
    ringing = calling.expect(180)
    calling.remote_tag = ringing.to_tag
    calling.send("PRACK", answer, [("RAck", f"{ringing.get('rseq')} 1 INVITE")])
    calling.expect(200, to="PRACK")
    calling.expect(488)
    called.expect("CANCEL")
    assert stage.switch.record()["cause"] == "not_acceptable"


def test_a_called_party_that_rings_reliably_gets_a_prack(stage: Stage) -> None:
    with closing(RtpEnd()) as near:
        calling = stage.caller.invite(DIRECT, near.sdp())
        called = stage.callee.expect_call()
        assert called.invite is not None
        assert "100rel" in called.invite.get("supported")
        called.respond(180, headers=[("Require", "100rel"), ("RSeq", "41")])
        prack = called.expect("PRACK")
        assert prack.get("rack") == "41 1 INVITE"
        called.respond(200, request=prack)
        calling.expect(180)
        calling.cancel()
        called.expect("CANCEL")


def test_a_session_timer_is_agreed_and_refreshed_by_update(stage: Stage) -> None:
    near, far = stage.rtp(), stage.rtp()
    timer = [("Supported", "timer"), ("Session-Expires", "120;refresher=uac")]
    calling = stage.caller.invite(DIRECT, near.sdp(), timer)
    called = stage.callee.expect_call()
    called.respond(200, far.sdp())
    answer = calling.expect(200)
    assert answer.get("session-expires") == "120;refresher=uac"
    assert answer.get("require") == "timer"
    assert "UPDATE" in answer.get("allow")
    calling.ack()
    called.expect("ACK")
    calling.send("UPDATE", headers=timer)
    refreshed = calling.expect(200, to="UPDATE")
    assert refreshed.get("session-expires") == "120;refresher=uac"
    calling.bye()
    called.expect("BYE")


def test_a_hold_by_update_is_passed_on(stage: Stage) -> None:
    near, far = stage.rtp(), stage.rtp()
    calling = stage.caller.invite(DIRECT, near.sdp())
    called = stage.callee.expect_call()
    called.respond(200, far.sdp())
    calling.expect(200)
    calling.ack()
    called.expect("ACK")
    calling.send("UPDATE", near.sdp(direction="sendonly", version=2))
    held = calling.expect(200, to="UPDATE")
    assert b"a=recvonly" in held.body
    reinvite = called.expect("INVITE")
    assert b"a=sendonly" in reinvite.body
    called.respond(200, far.sdp(direction="recvonly", version=2), request=reinvite)
    called.expect("ACK")
    calling.bye()
    called.expect("BYE")
