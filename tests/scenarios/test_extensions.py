"""Extensions of SIP through the real program: PRACK, session timers, UPDATE."""

from __future__ import annotations

from contextlib import closing

from tests.support.rtp_end import RtpEnd
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
