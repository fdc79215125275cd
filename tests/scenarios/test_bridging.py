"""A call through the real switch, message by message, with a phone on each side."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from tests.support.phone import Phone
from tests.support.program import leg
from tests.support.rtp_end import audio_address
from tests.support.sip_text import Message
from tests.support.stage import (
    AGENT,
    ANSWERED_FIRST,
    CALLER,
    CAPTURE_ONLY,
    DECLINED,
    DIRECT,
    FAILOVER,
    FIRST,
    POOLED,
    SECOND,
    Stage,
)

MakeStage = Callable[..., Stage]


def test_a_call_rings_is_answered_and_is_recorded_once(stage: Stage) -> None:
    near, far = stage.rtp(), stage.rtp()
    calling = stage.caller.invite(DIRECT, near.sdp())
    called = stage.callee.expect_call()
    assert called.invite is not None
    assert called.invite.uri.startswith(f"sip:{DIRECT}@")
    called.respond(180)
    assert calling.expect(180).body == b""
    called.respond(200, far.sdp())
    answer = calling.expect(200)
    calling.ack()
    called.expect("ACK")
    near.aim_by(answer.body)
    far.aim_by(called.invite.body)
    near.wait_for_packets(10)
    far.wait_for_packets(10)
    calling.bye()
    called.expect("BYE")

    record = stage.switch.record()
    assert record["ended_by"] == "calling"
    assert record["campaign"] == "direct"
    assert record["number"] == DIRECT
    assert CALLER in str(record["caller"])
    assert [one["side"] for one in record["legs"]] == ["calling", "called"]
    for side, call in (("calling", calling), ("called", called)):
        one = leg(record, side)
        assert one["sip_call_id"] == call.call_id
        assert one["trunk"] == "carrier"
        assert one["codec"] == "PCMU"
        assert one["status"] == 200
        assert one["q850"] == 16
        assert one["packets"] >= 8
        assert one["lost"] == 0
        assert one["answered_at"] is not None
    assert record["talk_seconds"] >= 0.15
    assert record["total_seconds"] >= record["talk_seconds"]
    times = [
        datetime.fromisoformat(record[f"{what}_at"]) for what in ("received", "answered", "ended")
    ]
    assert times == sorted(times)
    assert all(time.utcoffset() is not None for time in times)


def test_media_addresses_are_the_switchs_own_on_both_legs(stage: Stage) -> None:
    bridge = stage.bridge()
    offer = bridge.called.invite
    assert offer is not None
    host, port = audio_address(offer.body)
    first, last = stage.switch.rtp
    assert host == "127.0.0.1"
    assert first <= port <= last
    assert port % 2 == 0
    bridge.hang_up()


def test_topology_is_hidden(stage: Stage) -> None:
    near = stage.rtp()
    secret = [("X-Click-Id", "secret"), ("User-Agent", "leaky/1"), ("Subject", "secret")]
    calling = stage.caller.invite(DIRECT, near.sdp(), secret)
    called = stage.callee.expect_call()
    assert called.invite is not None
    text = str(called.invite)
    assert calling.call_id not in text
    assert str(stage.caller.port) not in text
    assert "secret" not in text
    assert "leaky" not in text
    called.respond(486)
    calling.expect(486)


def test_the_called_side_hangs_up(stage: Stage) -> None:
    bridge = stage.bridge()
    bridge.called.bye()
    bye = bridge.calling.expect("BYE")
    assert "Q.850" in bye.get("reason")
    record = stage.switch.record()
    assert record["ended_by"] == "called"


def test_early_media_is_passed_through_before_the_answer(stage: Stage) -> None:
    near, far = stage.rtp(), stage.rtp()
    calling = stage.caller.invite(DIRECT, near.sdp())
    called = stage.callee.expect_call()
    assert called.invite is not None
    far.aim_by(called.invite.body)
    called.respond(183, far.sdp())
    early = calling.expect(183)
    near.aim_by(early.body)
    near.wait_for_packets(10)
    far.wait_for_packets(10)
    called.respond(200, far.sdp())
    calling.expect(200)
    calling.ack()
    called.expect("ACK")
    calling.bye()
    called.expect("BYE")
    record = stage.switch.record()
    assert record["ring_seconds"] >= 0.15


def test_an_invite_without_an_offer_is_offered_in_the_200(stage: Stage) -> None:
    near, far = stage.rtp(), stage.rtp()
    calling = stage.caller.invite(DIRECT)
    called = stage.callee.expect_call()
    assert called.invite is not None
    far.aim_by(called.invite.body)
    called.respond(200, far.sdp())
    answer = calling.expect(200)
    assert b"m=audio" in answer.body
    calling.ack(near.sdp())
    called.expect("ACK")
    near.aim_by(answer.body)
    near.wait_for_packets(5)
    far.wait_for_packets(5)
    calling.bye()
    called.expect("BYE")
    assert stage.switch.record()["ended_by"] == "calling"


@pytest.mark.parametrize("status", [486, 600, 603])
def test_a_busy_or_declining_destination_is_not_failed_over(stage: Stage, status: int) -> None:
    near = stage.rtp()
    calling = stage.caller.invite(FAILOVER, near.sdp())
    called = stage.callee.expect_call()
    called.respond(status)
    refused = calling.expect(lambda message: (message.status or 0) >= 400, within=4)
    assert refused.status == status
    called.expect("ACK")
    stage.callee.expect_no_call(during=0.3)
    record = stage.switch.record()
    assert record["ended_by"] == "called"
    assert leg(record, "called")["status"] == status


@pytest.mark.parametrize("status", [404, 480, 500, 503])
def test_a_failing_destination_is_failed_over_to_the_next(stage: Stage, status: int) -> None:
    near, far = stage.rtp(), stage.rtp()
    calling = stage.caller.invite(FAILOVER, near.sdp())
    first = stage.callee.expect_call()
    assert first.invite is not None
    assert FIRST in first.invite.uri
    first.respond(status)
    second = stage.callee.expect_call()
    assert second.invite is not None
    assert SECOND in second.invite.uri
    second.respond(200, far.sdp())
    calling.expect(200)
    calling.ack()
    second.expect("ACK")
    calling.bye()
    second.expect("BYE")
    legs = stage.switch.record()["legs"]
    assert [one["side"] for one in legs] == ["calling", "called", "called"]
    assert legs[1]["status"] == status


def test_no_answer_is_cancelled_and_failed_over(stage: Stage) -> None:
    near, far = stage.rtp(), stage.rtp()
    calling = stage.caller.invite(FAILOVER, near.sdp())
    first = stage.callee.expect_call()
    first.respond(180)
    first.expect("CANCEL")
    first.expect("ACK")
    second = stage.callee.expect_call()
    second.respond(180)
    second.respond(200, far.sdp())
    calling.expect(200, within=4)
    calling.ack()
    second.expect("ACK")
    calling.bye()
    second.expect("BYE")
    record = stage.switch.record()
    assert len(record["legs"]) == 3
    assert record["ring_seconds"] >= 0.9


@pytest.mark.parametrize("status", [302, 401, 407])
def test_redirection_and_challenge_of_the_called_side_are_failures(
    stage: Stage, status: int
) -> None:
    near = stage.rtp()
    calling = stage.caller.invite(DIRECT, near.sdp())
    called = stage.callee.expect_call()
    extra = {
        302: [("Contact", "<sip:elsewhere@127.0.0.1:1>")],
        401: [("WWW-Authenticate", 'Digest realm="r", nonce="n"')],
        407: [("Proxy-Authenticate", 'Digest realm="r", nonce="n"')],
    }
    called.respond(status, headers=extra[status])
    refused = calling.expect(lambda message: (message.status or 0) >= 300)
    assert (refused.status or 0) >= 400
    assert refused.status not in (401, 407)
    called.expect("ACK")
    stage.callee.expect_no_call(during=0.2)
    record = stage.switch.record()
    assert leg(record, "called")["status"] == status
    assert record["answered_at"] is None


def test_of_two_forks_that_answer_the_first_is_bridged_and_the_other_hung_up(stage: Stage) -> None:
    near, far = stage.rtp(), stage.rtp()
    calling = stage.caller.invite(DIRECT, near.sdp())
    called = stage.callee.expect_call()
    called.respond(180, tag="one")
    called.respond(180, tag="two")
    called.respond(200, far.sdp(), tag="one")
    called.respond(200, far.sdp(), tag="two")
    calling.expect(200)
    calling.ack()
    seen = [called.expect(_request) for _ in range(3)]
    tags = sorted((message.method or "", message.to_tag) for message in seen)
    assert tags == [("ACK", "one"), ("ACK", "two"), ("BYE", "two")]
    calling.bye()
    assert called.expect("BYE").to_tag == "one"
    assert stage.switch.record()["ended_by"] == "calling"


def _request(message: Message) -> bool:
    return message.method is not None


def test_a_number_that_is_not_active_is_refused_with_404_and_leaves_no_leg(stage: Stage) -> None:
    calling = stage.caller.invite("999999", stage.rtp().sdp())
    calling.expect(404)
    stage.callee.expect_no_call(during=0.2)
    assert "999999" in stage.switch.output()


@pytest.mark.parametrize(("number", "status"), [(CAPTURE_ONLY, 480), (DECLINED, 603)])
def test_a_refusal_for_one_number_has_its_status_and_its_record(
    stage: Stage, number: str, status: int
) -> None:
    calling = stage.caller.invite(number, stage.rtp().sdp())
    calling.expect(status)
    record = stage.switch.record()
    assert record["ended_by"] == "switch"
    assert leg(record, "calling")["status"] == status
    assert record["answered_at"] is None


def test_a_pooled_number_carries_its_binding_into_the_record(stage: Stage) -> None:
    bridge = stage.bridge("18666831950")
    assert bridge.called.invite is not None
    assert AGENT in bridge.called.invite.uri
    bridge.hang_up()
    record = stage.switch.record()
    assert record["number"] == POOLED
    assert record["publisher"] == "p1"
    assert record["binding"] == {
        "pool": "ad-placement",
        "parameters": {"website": "one", "location": "footer"},
    }


def test_byes_that_cross_are_both_answered_and_make_one_record(stage: Stage) -> None:
    bridge = stage.bridge()
    bridge.calling.send("BYE")
    bridge.called.send("BYE")
    for call in (bridge.calling, bridge.called):
        message = call.expect(_of_bye)
        while message.status is None:  # the BYE that crosses
            message = call.expect(_of_bye)
        assert message.status in (200, 481)
    assert stage.switch.record()["ended_by"] in ("calling", "called")


def _of_bye(message: Message) -> bool:
    return message.cseq_method == "BYE"


def test_a_tcp_call_has_tcp_on_both_legs(make_stage: MakeStage) -> None:
    stage = make_stage(transport="tcp")
    bridge = stage.bridge()
    assert bridge.called.invite is not None
    assert bridge.called.invite.get("via").startswith("SIP/2.0/TCP ")
    bridge.near.wait_for_packets(5)
    bridge.hang_up()
    assert stage.switch.record()["ended_by"] == "calling"


def test_a_caller_that_is_answered_first_hears_ringback_and_then_the_far_end(stage: Stage) -> None:
    near, far = stage.rtp(), stage.rtp()
    calling = stage.caller.invite(ANSWERED_FIRST, near.sdp())
    answer = calling.expect(200)
    calling.ack()
    near.aim_by(answer.body)
    called = stage.callee.expect_call(within=6)
    assert called.invite is not None
    called.respond(180)
    ringing = near.wait_for_packets(50)
    assert len({arrival.payload for arrival in ringing}) > 5
    far.aim_by(called.invite.body)
    called.respond(200, far.sdp())
    called.expect("ACK")
    far.wait_for_packets(5)
    calling.bye()
    called.expect("BYE")
    record = stage.switch.record()
    assert record["ivr_seconds"] > 0
    assert record["ring_seconds"] >= 0.9


def test_a_call_from_an_unknown_host_is_refused_with_403_and_options_answered(
    stage: Stage,
) -> None:
    stranger: Phone = stage.phone(host="127.0.0.2")
    stranger.invite(DIRECT, stage.rtp().sdp()).expect(403)
    uri = f"sip:127.0.0.1:{stage.switch.sip_port}"
    assert stranger.options(uri).status == 200
    stage.callee.expect_no_call(during=0.2)
    assert stage.switch.records() == []


@pytest.mark.parametrize(("received", "sent"), [("70", "69"), ("5", "4"), ("1", "0")])
def test_max_forwards_is_counted_down_over_the_bridge(
    stage: Stage, received: str, sent: str
) -> None:
    """RFC 7332 section 4: so a call that comes back to the switch does not go round for ever."""
    near = stage.rtp()
    calling = stage.caller.invite(DIRECT, near.sdp(), headers=[("Max-Forwards", received)])
    called = stage.callee.expect_call()
    assert called.invite is not None
    assert called.invite.get("max-forwards") == sent
    called.respond(486)
    calling.expect(486)
    called.expect("ACK")


def test_a_callee_that_hangs_up_before_it_answers_is_not_bridged(stage: Stage) -> None:
    near, far = stage.rtp(), stage.rtp()
    calling = stage.caller.invite(DIRECT, near.sdp())
    called = stage.callee.expect_call()
    called.respond(180)
    calling.expect(180)
    called.bye()
    called.respond(200, far.sdp())
    called.expect("ACK")
    called.expect("BYE")
    calling.expect(480)
    record = stage.switch.record()
    assert record["answered_at"] is None
    assert record["talk_seconds"] == 0.0
