"""Callers who give up, and the races of CANCEL (RFC 3261 sections 9 and 15)."""

from __future__ import annotations

from tests.support.program import leg
from tests.support.stage import DIRECT, Stage


def test_cancel_while_the_far_end_rings_ends_both_legs(stage: Stage) -> None:
    calling = stage.caller.invite(DIRECT, stage.rtp().sdp())
    called = stage.callee.expect_call()
    called.respond(180)
    calling.expect(180)
    calling.cancel([("Reason", 'SIP;cause=487;text="gave up"')])
    calling.expect(200, to="CANCEL")
    calling.expect(487)
    cancel = called.expect("CANCEL")
    assert called.invite is not None
    assert cancel.branch == called.invite.branch
    assert cancel.uri == called.invite.uri
    called.expect("ACK")
    record = stage.switch.record()
    assert record["ended_by"] == "calling"
    assert record["answered_at"] is None
    assert leg(record, "calling")["status"] == 487


def test_cancel_before_any_provisional_of_the_far_end_waits_for_one(stage: Stage) -> None:
    stage.callee.sends_trying = False
    calling = stage.caller.invite(DIRECT, stage.rtp().sdp())
    called = stage.callee.expect_call()
    calling.cancel()
    calling.expect(200, to="CANCEL")
    calling.expect(487)
    called.expect_nothing(during=0.3)
    called.respond(180)
    called.expect("CANCEL")
    called.expect("ACK")
    assert stage.switch.record()["ended_by"] == "calling"


def test_an_answer_that_crosses_the_cancel_is_acknowledged_and_hung_up(stage: Stage) -> None:
    stage.callee.automatic.discard("CANCEL")
    calling = stage.caller.invite(DIRECT, stage.rtp().sdp())
    called = stage.callee.expect_call()
    called.respond(180)
    calling.expect(180)
    calling.cancel()
    calling.expect(200, to="CANCEL")
    calling.expect(487)
    cancel = called.expect("CANCEL")
    called.respond(200, request=cancel)
    called.respond(200, stage.rtp().sdp())
    called.expect("ACK")
    called.expect("BYE")
    record = stage.switch.record()
    assert record["ended_by"] == "calling"
    assert record["answered_at"] is None


def test_cancel_of_an_answered_call_changes_nothing(stage: Stage) -> None:
    bridge = stage.bridge()
    bridge.calling.cancel()
    answer = bridge.calling.expect(lambda message: message.cseq_method == "CANCEL")
    assert answer.status in (200, 481)
    bridge.called.expect_nothing(during=0.2)
    bridge.hang_up()


def test_cancel_of_a_call_that_never_was_is_481(stage: Stage) -> None:
    uri = f"sip:{DIRECT}@127.0.0.1:{stage.switch.sip_port}"
    assert stage.caller.ask("CANCEL", uri).status == 481


def test_an_early_bye_of_the_caller_ends_the_call(stage: Stage) -> None:
    calling = stage.caller.invite(DIRECT, stage.rtp().sdp())
    called = stage.callee.expect_call()
    called.respond(180)
    ringing = calling.expect(180)
    calling.remote_tag = ringing.to_tag
    calling.target = ringing.contact or calling.target
    calling.send("BYE")
    answers = [calling.expect(lambda message: (message.status or 0) >= 200) for _ in range(2)]
    assert sorted(str(one.status) for one in answers) == ["200", "487"]
    called.expect("CANCEL")
    called.expect("ACK")
    assert stage.switch.record()["ended_by"] == "calling"
