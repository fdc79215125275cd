"""A call's way through real legs: what is told, what is sent, what the record says."""

from __future__ import annotations

import re

import pytest

from softswitch.sip.events import InviteRejected
from softswitch.sip.flow import Flow
from softswitch.sip.message import Response
from tests.support.laboratory import (
    AFTERWARDS,
    AGENT,
    ANSWERED_FIRST,
    CALLER,
    CAPTURE_ONLY,
    COMFORT,
    DECLINED,
    DIRECT,
    FAILOVER,
    HOSTS,
    LONG_PROMPT,
    MENU,
    PLAY_FAILOVER,
    SHORT_TALK,
    SWITCH,
    Laboratory,
    session_description,
)


def bridge(lab: Laboratory, number: str = DIRECT) -> None:
    lab.caller.invite(number)
    lab.settle()
    lab.callee.ring()
    lab.settle()
    lab.callee.answer()
    lab.settle()
    assert lab.call.bridged


def refusal(lab: Laboratory) -> Response:
    (event,) = [event for event in lab.caller.events if isinstance(event, InviteRejected)]
    assert event.response is not None
    return event.response


# The way of a call.


def test_a_transparent_call_tells_its_facts_in_order(lab: Laboratory) -> None:
    bridge(lab)
    lab.advance(7)
    lab.caller.hang_up()
    lab.settle()
    assert lab.kinds() == [
        "call.presented", "treatment.node", "leg.originated", "leg.progressed", "leg.answered",
        "call.answered", "call.bridged", "leg.ended", "leg.ended", "call.ended", "call.record",
    ]  # fmt: skip
    record = lab.record
    assert (record["ended_by"], record["cause"]) == ("calling", "hung_up")
    assert (record["ivr_seconds"], record["ring_seconds"]) == (0.0, 0.0)
    assert record["talk_seconds"] == record["total_seconds"] == 7.0
    assert [leg["side"] for leg in record["legs"]] == ["calling", "called"]
    assert [leg["trunk"] for leg in record["legs"]] == ["carrier", "agents"]


def test_a_question_a_key_and_an_agent(lab: Laboratory) -> None:
    lab.caller.invite(MENU)
    lab.wait_for_prompts()
    lab.advance(0.5)
    lab.press("1")
    lab.settle()
    lab.callee.ring()
    lab.advance(3)
    lab.callee.answer()
    lab.settle()
    lab.advance(20)
    lab.callee.hang_up()
    lab.settle()
    kinds = lab.kinds()
    assert kinds[:10] == [
        "call.presented", "treatment.node", "call.answered", "prompt.started", "prompt.ended",
        "call.dtmf", "menu.choice", "treatment.node", "leg.originated", "prompt.started",
    ]  # fmt: skip
    assert kinds[10:] == [
        "leg.progressed", "leg.answered", "prompt.ended", "call.bridged",
        "leg.ended", "leg.ended", "call.ended", "call.record",
    ]  # fmt: skip
    record = lab.record
    assert record["keys"] == ["1"]
    assert record["ended_by"] == "called"
    assert record["ivr_seconds"] == 0.5
    assert record["ring_seconds"] == 3.0
    assert record["talk_seconds"] == 20.0
    assert record["legs"][1]["to"] == AGENT


def test_a_key_after_the_end_of_the_question_is_heard_at_once(lab: Laboratory) -> None:
    lab.caller.invite(MENU)
    lab.wait_for_prompts()
    lab.press("2")
    lab.settle()
    assert lab.record["cause"] == "hang_up"
    assert lab.record["keys"] == ["2"]


def test_a_key_during_the_question_cuts_it(lab: Laboratory) -> None:
    lab.caller.invite(MENU)
    lab.settle()
    lab.press("2")
    lab.settle()
    assert lab.facts("prompt.ended")[0]["completed"] in (False, True)
    assert lab.record["cause"] == "hang_up"


def test_keys_ahead_of_each_other_are_taken_in_order(lab: Laboratory) -> None:
    lab.caller.invite(MENU)
    lab.settle()
    lab.press("9")
    lab.press("2")
    lab.settle()
    assert [fact["key"] for fact in lab.facts("menu.invalid")] == ["9"]
    assert lab.record["keys"] == ["9", "2"]
    assert lab.record["cause"] == "hang_up"


def test_silence_is_asked_again_and_then_ended(lab: Laboratory) -> None:
    lab.caller.invite(MENU)
    lab.wait_for_prompts(1)
    lab.advance(1.01)
    lab.wait_for_prompts(2)
    lab.advance(1.01)
    assert [fact["count"] for fact in lab.facts("menu.no_input")] == [1, 2]
    assert (lab.record["ended_by"], lab.record["cause"]) == ("switch", "no_input")


def test_more_keys_than_anyone_reads_are_bounded(lab: Laboratory) -> None:
    lab.caller.invite(LONG_PROMPT)
    lab.settle()
    for _ in range(500):
        lab.press("5")
    lab.caller.hang_up()
    lab.settle()
    assert len(lab.record["keys"]) == 100


def test_keys_of_a_bridged_call_are_told_and_not_kept_as_answers(lab: Laboratory) -> None:
    bridge(lab)
    lab.press("7")
    callee = lab.call.callee
    assert callee is not None
    callee.on_digit("8")
    lab.caller.hang_up()
    lab.settle()
    assert [(f["leg"], f["digit"]) for f in lab.facts("call.dtmf")] == [("a", "7"), ("b1", "8")]
    assert lab.record["keys"] == []


# Provisional answers and early media.


def test_ringing_and_early_media_reach_a_caller_that_waits(lab: Laboratory) -> None:
    lab.caller.invite(DIRECT)
    lab.settle()
    for status, media in ((181, False), (180, False), (183, True), (199, False), (182, False)):
        lab.callee.ring(status, media=media)
        lab.settle()
    told = [name for name in lab.carried if name.startswith("switch:1")]
    assert told == [f"switch:{s} INVITE" for s in (100, 181, 180, 183, 182)]
    lab.caller.cancel()


def test_an_answered_caller_hears_the_prompt_until_early_media(lab: Laboratory) -> None:
    lab.caller.invite(COMFORT)
    lab.settle()
    assert lab.facts("prompt.started")[0]["prompt"] == "long"
    lab.callee.ring()
    lab.settle()
    assert lab.facts("prompt.ended") == []
    lab.callee.ring(183, media=True)
    lab.settle()
    assert lab.facts("prompt.ended")[0]["completed"] is False
    lab.caller.hang_up()


def test_ringback_is_heard_again_after_early_media_of_one_that_failed(lab: Laboratory) -> None:
    lab.caller.invite(PLAY_FAILOVER)
    lab.wait_for_prompts()
    lab.callee.ring(183, media=True)
    lab.settle()
    assert lab.kinds().count("prompt.started") == 2
    lab.callee.refuse(503)
    lab.settle()
    assert lab.kinds().count("prompt.started") == 3
    lab.callee.answer()
    lab.settle()
    assert lab.call.bridged
    lab.caller.hang_up()


# How calls end.


def test_the_next_destination_is_tried_when_one_does_not_answer(lab: Laboratory) -> None:
    lab.caller.invite(FAILOVER)
    lab.settle()
    lab.callee.ring()
    lab.advance(2.1)
    assert "switch:CANCEL" in lab.carried
    lab.callee.answer()
    lab.settle()
    lab.caller.hang_up()
    lab.settle()
    assert [leg["status"] for leg in lab.record["legs"]] == [200, 408, 200]
    assert lab.record["ring_seconds"] == 2.1


def test_busy_reaches_the_caller_and_is_not_tried_elsewhere(lab: Laboratory) -> None:
    lab.caller.invite(FAILOVER)
    lab.settle()
    lab.callee.refuse(486)
    lab.settle()
    assert refusal(lab).status == 486
    assert len(lab.callee.calls) == 1
    assert (lab.record["ended_by"], lab.record["cause"]) == ("called", "rejected")


def test_steps_for_failure_answer_and_end_with_their_cause(lab: Laboratory) -> None:
    lab.caller.invite(AFTERWARDS)
    lab.settle()
    lab.callee.refuse(503)
    lab.wait_for_prompts()
    assert lab.record["cause"] == "closed"
    assert lab.record["answered_at"] is not None


@pytest.mark.parametrize(("number", "status"), [(CAPTURE_ONLY, 480), (DECLINED, 603)])
def test_a_number_or_treatment_may_refuse(lab: Laboratory, number: str, status: int) -> None:
    lab.caller.invite(number)
    lab.settle()
    assert refusal(lab).status == status
    assert lab.record["legs"][0]["status"] == status
    assert lab.record["ended_by"] == "switch"
    assert lab.record["answered_at"] is None


def test_a_longest_talk_ends_both_legs_by_bye_with_a_reason(lab: Laboratory) -> None:
    bridge(lab, SHORT_TALK)
    lab.advance(2.1)
    assert (lab.record["ended_by"], lab.record["cause"]) == ("switch", "max_duration")
    assert lab.record["talk_seconds"] == 2.0
    assert lab.carried.count("switch:BYE") == 2


def test_the_reason_of_who_hangs_up_reaches_the_other(lab: Laboratory) -> None:
    bridge(lab)
    lab.caller.hang_up(reason='Q.850;cause=31;text="because"')
    lab.settle()
    byes = [e for e in lab.callee.events if type(e).__name__ == "ByeReceived"]
    (bye,) = byes
    assert bye.request.headers.get("Reason") == 'Q.850;cause=31;text="because"'  # type: ignore[attr-defined]  # it is a ByeReceived


def test_an_offer_that_nobody_can_use_is_refused_before_anybody_is_called(lab: Laboratory) -> None:
    lab.caller.invite(DIRECT, body=session_description(4000, codecs="18"))
    lab.settle()
    assert refusal(lab).status == 488
    assert refusal(lab).headers.get("Warning")
    assert lab.callee.calls == []
    assert lab.record["cause"] == "not_acceptable"


# Hold.


def test_a_hold_is_passed_on_and_resumed(lab: Laboratory) -> None:
    bridge(lab)
    lab.caller.reinvite("sendonly")
    lab.settle()
    assert b"a=sendonly" in last_offer(lab)
    lab.loop.jump(300)
    assert lab.switchboard.calls, "a held call is not ended for its silence"
    lab.caller.reinvite("sendrecv")
    lab.settle()
    assert b"a=sendrecv" in last_offer(lab)
    assert lab.kinds()[-2:] == ["leg.held", "leg.resumed"]
    lab.loop.jump(66)
    assert lab.record["cause"] == "no_media"


def test_an_update_that_cannot_be_read_is_refused_by_its_name(
    lab: Laboratory, caplog: pytest.LogCaptureFixture
) -> None:
    bridge(lab)
    agent = lab.callee.dialog
    assert agent is not None
    data = (
        f"UPDATE sip:100001@{SWITCH} SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP {HOSTS['callee']};branch=z9hG4bKraw\r\nMax-Forwards: 70\r\n"
        f"From: {agent.local}\r\nTo: {agent.remote}\r\nCall-ID: {agent.call_id}\r\n"
        f"CSeq: 900 UPDATE\r\nContact: <sip:{HOSTS['callee']}>\r\n"
        f"Content-Type: application/sdp\r\nContent-Length: 3\r\n\r\nx=y"
    ).encode()
    with caplog.at_level("INFO"):
        lab.stack.receive_datagram(data, Flow("udp", HOSTS["callee"], 5060), now=lab.loop.time())
        lab.do(lab.services.flush_soon)
        lab.settle()
    assert "leg b1: UPDATE refused: " in caplog.text
    lab.caller.hang_up()
    lab.settle()
    lab.advance(40)


def test_a_hold_that_the_other_side_refuses_changes_nothing(lab: Laboratory) -> None:
    bridge(lab)
    lab.callee.answers_reinvites = False
    lab.caller.reinvite("sendonly")
    lab.settle()
    dialog = lab.callee.dialog
    assert dialog is not None
    dialog.reject_reinvite(488, now=lab.callee.now)
    lab.callee.pump.flush()
    lab.settle()
    lab.callee.answers_reinvites = True
    lab.caller.reinvite("sendrecv")
    lab.settle()
    assert lab.call.bridged
    lab.caller.hang_up()


def test_after_glare_our_description_is_newer_than_the_answer_given_meanwhile(
    lab: Laboratory,
) -> None:
    bridge(lab)
    lab.held |= {"switch:INVITE", "switch:491 INVITE"}
    lab.caller.reinvite("sendonly")
    lab.settle()
    # The far end offers too before ours has arrived: both are refused with 491 and tried again.
    lab.callee.reinvite(body=session_description(lab.sink_port, codecs="8 101"))
    lab.settle()
    lab.release()
    lab.settle()
    assert "callee:491 INVITE" in lab.carried
    lab.advance(10)
    described = descriptions(lab.bodies("callee"))
    versions = [version for version, _ in described]
    assert versions == sorted(versions)
    assert len(set(described)) == len(set(versions)), "a version stands for one description"
    assert "a=sendonly" in described[-1][1]
    lab.caller.hang_up()


def test_no_offer_of_ours_crosses_an_answer_that_is_due_in_an_ack(lab: Laboratory) -> None:
    bridge(lab)
    lab.held.add("caller:ACK")
    lab.caller.description = session_description(lab.sink_port, "sendonly")
    lab.caller.reinvite(body=b"")
    lab.settle()
    invites = lab.carried.count("switch:INVITE")
    lab.callee.reinvite("sendonly")
    lab.settle()
    assert lab.carried.count("switch:INVITE") == invites
    lab.release()
    lab.settle()
    assert lab.carried.count("switch:INVITE") > invites
    assert [fact["leg"] for fact in lab.facts("leg.held")] == ["b1", "a"]
    lab.caller.hang_up()


def test_who_calls_is_shown_to_who_is_called(lab: Laboratory) -> None:
    bridge(lab)
    assert CALLER in (lab.callee.calls[0].request.headers.get("From") or "")
    lab.caller.hang_up()


def test_ringback_is_a_prompt_that_repeats_until_the_answer(lab: Laboratory) -> None:
    lab.caller.invite(ANSWERED_FIRST)
    lab.wait_for_prompts()
    lab.callee.ring()
    lab.advance(3)
    assert lab.kinds().count("prompt.started") == 2
    lab.callee.answer()
    lab.settle()
    assert lab.facts("prompt.ended")[-1]["completed"] is False
    lab.caller.hang_up()


def last_offer(lab: Laboratory) -> bytes:
    """The last session description that the far end was sent."""
    return lab.bodies("callee")[-1]


def descriptions(bodies: list[bytes]) -> list[tuple[int, str]]:
    """Version and text of each description, without its origin line."""
    found = []
    for body in bodies:
        text = body.decode()
        origin = re.search(r"^o=\S+ \d+ (\d+) .*\r\n", text, re.MULTILINE)
        assert origin is not None
        found.append((int(origin.group(1)), text.replace(origin.group(0), "")))
    return found
