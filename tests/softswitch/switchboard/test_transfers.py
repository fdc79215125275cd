"""Parties that have those they talk to moved: who may, whom it leads to, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ringpool.lookup import NumberTable
from softswitch.call.times import CallTimes
from softswitch.routing.trunks import TrunkTable
from softswitch.sip import events
from softswitch.sip.dialog import Dialog
from softswitch.sip.flow import Flow
from softswitch.switchboard.switchboard import Snapshot
from tests.support.laboratory import (
    CALLER,
    DIRECT,
    KEPT,
    LONG_PROMPT,
    SWITCH,
    session_description,
)
from tests.support.referring import RULES, THIRD, Referring, referring, replaces
from tests.support.treated import answer, refuse, ring


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Referring]:
    with referring(tmp_path / "data") as bench:
        yield bench


def test_an_agent_has_the_caller_moved(bench: Referring) -> None:
    lab = bench.lab
    _, agent = bench.bridge()
    bench.refer(agent)
    assert bench.told(agent) == ["202", "100"]
    assert lab.facts("transfer.received") == [
        {"leg": "b1", "to": THIRD, "attended": False, "other_call": None}
    ]
    invite = lab.callee.calls[1].request
    assert invite.uri == f"sip:{THIRD}@192.0.2.2"
    ring(lab, 1)
    answer(lab, 1)
    assert lab.facts("call.bridged")[-1] == {"leg": "a", "other_leg": "b2"}
    assert lab.facts("transfer.ended") == [{"leg": "b1", "ok": True, "status": 200, "why": ""}]
    assert bench.told(agent) == ["202", "100", "180", "200 told"]
    assert byes(bench) == [agent]
    lab.caller.hang_up()
    lab.settle()
    record = lab.record
    assert [leg["to"] for leg in record["legs"]][1:] == ["100001", THIRD]
    assert (record["ended_by"], record["cause"]) == ("calling", "hung_up")
    (entry,) = record["transfers"]
    assert isinstance(entry.pop("at"), str)
    assert entry == {
        "leg": "b1", "asked_by": "leg", "to": THIRD, "attended": False, "other_call": None,
        "ok": True, "status": 200, "why": "",
    }  # fmt: skip


def test_what_is_payable_begins_with_the_first_agent(bench: Referring) -> None:
    lab = bench.lab
    _, agent = bench.bridge()
    answered = lab.call.times().answered
    lab.advance(10.0)
    bench.refer(agent)
    lab.advance(3.0)
    answer(lab, 1)
    times: list[CallTimes] = []
    lab.call.on_ending = lambda call, *_: times.append(call.times())
    lab.advance(10.0)
    lab.caller.hang_up()
    lab.settle()
    (found,) = times
    assert found.answered == answered
    assert found.called_ended == pytest.approx(found.calling_ended)


def test_a_caller_that_is_not_wanted_there_is_given_back(bench: Referring) -> None:
    lab = bench.lab
    _, agent = bench.bridge()
    bench.refer(agent)
    refuse(lab, 1, 486)
    assert bench.told(agent) == ["202", "100", "486 told"]
    assert lab.facts("call.bridged")[-1] == {"leg": "a", "other_leg": "b1"}
    lab.advance(10.0)
    assert not lab.call.ended


def test_the_caller_has_the_agent_moved(bench: Referring) -> None:
    lab = bench.lab
    caller, agent = bench.bridge()
    bench.refer(caller)
    assert lab.facts("call.unbridged")[-1] == {
        "leg": "a", "other_leg": "b1", "why": "transferred",
    }  # fmt: skip
    answer(lab, 1)
    assert lab.facts("call.bridged")[-1] == {"leg": "b1", "other_leg": "b2"}
    assert bench.told(caller) == ["202", "100", "200 told"]
    assert byes(bench) == [caller]
    third = lab.callee.dialogs[-1]
    agent.bye(now=lab.loop.time())
    bench.flush()
    assert byes(bench) == [third, caller]
    assert lab.record["cause"] == "hung_up"


def test_an_attended_transfer_makes_one_call_of_two(bench: Referring) -> None:
    lab = bench.lab
    caller, agent = bench.bridge()
    first = lab.call.call_id
    consulting, third = bench.consult()
    second = next(one for one in lab.switchboard.calls if one != first)
    bench.refer(agent, bench.replacing(consulting))
    assert bench.told(agent) == ["202", "100", "200 told"]
    assert lab.facts("transfer.received") == [
        {"leg": "b1", "to": "100001", "attended": True, "other_call": second}
    ]
    assert lab.facts("call.bridged")[-1] == {"leg": "a", "other_leg": "b2"}
    assert sorted(map(id, byes(bench))) == sorted([id(agent), id(consulting)])
    assert [record["cause"] for record in lab.all_records()] == ["transferred"]
    third.bye(now=lab.loop.time())
    bench.flush()
    assert byes(bench)[-1] is caller
    last = lab.all_records()[-1]
    assert (last["call_id"], last["ended_by"], last["cause"]) == (first, "called", "hung_up")
    assert len(last["legs"]) == 3


def test_two_callers_of_one_agent_are_joined(bench: Referring) -> None:
    """The one that is brought over has called us: it stands where a called party would."""
    lab = bench.lab
    first, agent = bench.bridge()
    second, _ = bench.bridge("100002")
    with_second = lab.callee.dialogs[-1]
    bench.refer(agent, bench.replacing(with_second))
    assert bench.told(agent) == ["202", "100", "200 told"]
    assert sorted(map(id, byes(bench))) == sorted([id(agent), id(with_second)])
    call = lab.call
    assert call.callee is not None
    assert call.callee.request.to_number == CALLER
    media = call.callee.media
    assert media is not None
    assert lab.services.media_listeners[media.port.leg] is call.callee
    lab.do(lambda: call.callee.on_digit("7"))  # type: ignore[union-attr]
    assert lab.facts("call.dtmf")[-1] == {"leg": "b2", "digit": "7", "source": "rfc4733"}
    second.bye(now=lab.loop.time())
    bench.flush()
    assert byes(bench)[-1] is first
    assert [record["cause"] for record in lab.all_records()] == ["transferred", "hung_up"]


def test_two_who_hold_are_joined_and_hear_each_other(bench: Referring) -> None:
    """The agent has put both on hold; the one kept and the one brought over are taken off it."""
    lab = bench.lab
    _, agent = bench.bridge()
    consulting, _ = bench.consult()
    for dialog in (agent, consulting):
        offer = session_description(lab.sink_port, "sendonly")
        dialog.reinvite(body=offer, now=lab.loop.time())
        bench.flush()
    bench.refer(agent, bench.replacing(consulting))
    call = lab.call
    assert call.bridged
    directions = [leg.media.agreement.send for leg in (call.caller, call.callee)
                  if leg is not None and leg.media is not None and leg.media.agreement]  # fmt: skip
    assert directions == [True, True]
    last = [body for body in lab.bodies("caller") if b"m=audio" in body][-1]
    assert b"a=sendrecv" in last


# The worst moments.


def test_who_is_kept_may_leave_while_another_is_called(bench: Referring) -> None:
    lab = bench.lab
    _, agent = bench.bridge()
    bench.refer(agent)
    ring(lab, 1)
    lab.caller.hang_up()
    lab.settle()
    assert byes(bench) == [agent]
    assert lab.callee.count(events.InviteCancelled) == 1
    assert lab.facts("transfer.ended") == [
        {"leg": "b1", "ok": False, "status": 487, "why": "hung_up"}
    ]
    assert lab.record["cause"] == "hung_up"


def test_who_asked_may_leave_at_once(bench: Referring) -> None:
    lab = bench.lab
    _, agent = bench.bridge()
    bench.refer(agent)
    agent.bye(now=lab.loop.time())
    bench.flush()
    answer(lab, 1)
    assert lab.facts("call.bridged")[-1] == {"leg": "a", "other_leg": "b2"}
    assert not lab.call.ended


def test_a_caller_whom_nobody_wants_and_nobody_keeps_is_let_go(bench: Referring) -> None:
    lab = bench.lab
    _, agent = bench.bridge()
    bench.refer(agent)
    agent.bye(now=lab.loop.time())
    bench.flush()
    refuse(lab, 1, 486)
    assert (lab.record["ended_by"], lab.record["cause"]) == ("switch", "transfer_failed")
    assert [event.dialog for event in lab.caller.events if isinstance(event, events.ByeReceived)]


def test_a_caller_whom_nobody_wants_goes_on_in_its_treatment(bench: Referring) -> None:
    lab = bench.lab
    _, agent = bench.bridge(KEPT)
    bench.refer(agent)
    agent.bye(now=lab.loop.time())
    bench.flush()
    refuse(lab, 1, 486)
    lab.wait_for_prompts(2)
    lab.settle()
    assert lab.record["cause"] == "kept"


def test_a_caller_that_was_moved_goes_on_in_its_treatment_too(bench: Referring) -> None:
    lab = bench.lab
    _, agent = bench.bridge(KEPT)
    bench.refer(agent)
    answer(lab, 1)
    lab.callee.dialogs[-1].bye(now=lab.loop.time())
    bench.flush()
    lab.wait_for_prompts(2)
    lab.settle()
    assert lab.record["cause"] == "kept"


def test_a_caller_that_has_moved_the_agent_is_not_waited_for(bench: Referring) -> None:
    lab = bench.lab
    caller, agent = bench.bridge(KEPT)
    bench.refer(caller)
    answer(lab, 1)
    agent.bye(now=lab.loop.time())
    bench.flush()
    assert lab.record["cause"] == "hung_up"


def test_who_does_not_say_that_it_knows_is_left_all_the_same(bench: Referring) -> None:
    lab = bench.lab
    _, agent = bench.bridge()
    lab.lost.add("callee:200 NOTIFY")
    bench.refer(agent)
    answer(lab, 1)
    assert byes(bench) == []
    lab.advance(5.1)
    assert byes(bench) == [agent]


def test_who_wants_to_hear_nothing_hears_nothing(bench: Referring) -> None:
    """RFC 4488 section 4: "Refer-Sub: false" asks that no subscription be made."""
    lab = bench.lab
    _, agent = bench.bridge()
    bench.refer(agent, headers=(("Refer-Sub", "false"),))
    answer(lab, 1)
    assert bench.told(agent) == ["202", "202 silenced"]
    assert byes(bench) == [agent]
    assert lab.carried.count("switch:NOTIFY") == 0


def test_who_was_moved_to_may_move_the_caller_on(bench: Referring) -> None:
    lab = bench.lab
    _, agent = bench.bridge()
    bench.refer(agent)
    answer(lab, 1)
    bench.refer(lab.callee.dialogs[-1])
    answer(lab, 2)
    assert lab.facts("call.bridged")[-1] == {"leg": "a", "other_leg": "b3"}


def test_a_transfer_ends_where_the_call_goes_another_way(bench: Referring) -> None:
    lab = bench.lab
    _, agent = bench.bridge()
    bench.refer(agent)
    ring(lab, 1)

    async def elsewhere() -> None:
        await asyncio.sleep(60)

    lab.do(lambda: lab.call.divert(elsewhere))
    lab.settle()
    assert lab.facts("transfer.ended")[-1]["why"] == "given_up"
    assert byes(bench) == [agent]
    assert lab.callee.count(events.InviteCancelled) == 1
    assert not lab.call.ended


def test_a_transfer_ends_with_the_longest_talk(bench: Referring) -> None:
    lab = bench.lab
    _, agent = bench.bridge(KEPT)
    lab.advance(20.0)
    bench.refer(agent)
    ring(lab, 1)
    lab.advance(10.1)
    assert lab.facts("transfer.ended")[-1]["why"] == "given_up"
    assert lab.callee.count(events.InviteCancelled) == 1
    lab.wait_for_prompts(2)
    lab.settle()
    assert lab.record["cause"] == "kept"


def test_sixty_seconds_are_enough_to_answer(bench: Referring) -> None:
    lab = bench.lab
    _, agent = bench.bridge()
    bench.refer(agent)
    ring(lab, 1)
    lab.advance(61.0)
    assert bench.told(agent)[-1] == "408 told"
    assert lab.facts("call.bridged")[-1] == {"leg": "a", "other_leg": "b1"}


# Who may not.


REFUSED: dict[str, tuple[str, int, str]] = {
    "a number that nobody lists": ("sip:+18005550177@192.0.2.9", 403, "destination"),
    "a number that is excepted": ("tel:+16025559000", 403, "destination"),
    "an address that nobody lists": ("sip:carol@192.0.2.77", 403, "destination"),
    "no phone": ("sip:nobody@192.0.2.9", 403, "destination"),
    "another scheme": ("mailto:x@example.com", 403, "destination"),
    "a number that must go by TLS": ("sips:+16025550177@192.0.2.9", 403, "trunk"),
    "a number by TLS": ("sip:+16025550177@192.0.2.9;transport=tls", 403, "trunk"),
    "an address at a trunk that has no TLS": ("sip:carol@192.0.2.2;transport=tls", 403, "trunk"),
    "an address there that must go by TLS": ("sips:carol@192.0.2.2", 403, "trunk"),
    "another method": ("sip:+16025550177@192.0.2.9;method=BYE", 403, "method"),
    "a dialog of nobody's that cannot be read": (
        "sip:+16025550177@192.0.2.9?Replaces=x", 400, "bad_request"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_nobody_is_called_whom_the_rules_do_not_list(bench: Referring, name: str) -> None:
    to, status, why = REFUSED[name]
    lab = bench.lab
    _, agent = bench.bridge()
    bench.refer(agent, to)
    assert bench.told(agent) == [f"{status} refused"]
    assert [fact["why"] for fact in lab.facts("transfer.refused")] == [why]
    assert len(lab.callee.calls) == 1
    assert lab.call.bridged


def test_a_transfer_during_another_may_be_asked_for_again(bench: Referring) -> None:
    lab = bench.lab
    _, agent = bench.bridge()
    bench.refer(agent)
    bench.refer(agent)
    assert lab.facts("transfer.refused")[-1]["why"] == "busy"
    assert lab.facts("transfer.refused")[-1]["status"] == 491
    refuse(lab, 1, 486)


def test_a_listed_address_is_called_as_it_is(bench: Referring) -> None:
    lab = bench.lab
    caller, _ = bench.bridge()
    bench.refer(caller, "sip:carol@192.0.2.2;maddr=192.0.2.66?X-Evil=1")
    assert lab.callee.calls[1].request.uri == "sip:carol@192.0.2.2"
    assert "X-Evil" not in lab.callee.calls[1].request.headers
    assert lab.callee.calls[1].request.headers.get("Referred-By") == f"<sip:agent@{SWITCH}>"


def test_a_dialog_that_is_not_ours_is_named_to_whom_has_it(bench: Referring) -> None:
    lab = bench.lab
    caller, _ = bench.bridge()
    bench.refer(caller, "sip:carol@192.0.2.2?Replaces=abc%3Bto-tag%3D1%3Bfrom-tag%3D2")
    request = lab.callee.calls[1].request
    assert request.headers.get("Replaces") == "abc;to-tag=1;from-tag=2"


def test_a_trunk_must_be_allowed_to(tmp_path: Path) -> None:
    with referring(tmp_path / "data", allow=False) as bench:
        _, agent = bench.bridge()
        bench.refer(agent)
        assert bench.told(agent) == ["603 refused"]
        assert bench.lab.facts("transfer.refused")[0]["why"] == "not_allowed"


def test_who_has_only_read_the_dialog_moves_nobody(bench: Referring) -> None:
    lab = bench.lab
    _, agent = bench.bridge()
    data = (
        f"REFER sip:100001@{SWITCH} SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP 198.51.100.66;branch=z9hG4bKstranger\r\n"
        f"From: {agent.local}\r\nTo: {agent.remote}\r\nCall-ID: {agent.call_id}\r\n"
        f"CSeq: 900 REFER\r\nRefer-To: <sip:{THIRD}@{SWITCH}>\r\nContent-Length: 0\r\n\r\n"
    ).encode()
    lab.stack.receive_datagram(data, Flow("udp", "198.51.100.66", 5060), now=lab.loop.time())
    lab.do(lab.services.flush_soon)
    lab.settle()
    assert [fact["why"] for fact in lab.facts("transfer.refused")] == ["stranger"]
    assert len(lab.callee.calls) == 1


def test_an_address_that_is_refused_writes_no_line_of_its_own(
    bench: Referring, caplog: pytest.LogCaptureFixture
) -> None:
    _, agent = bench.bridge()
    bench.refer(agent, f"sip:1%0Aforged%0D%1b[31m@{SWITCH}")
    (line,) = [one for one in caplog.messages if "no transfer to" in one]
    assert line.isprintable()


def test_nobody_is_called_without_rules(tmp_path: Path) -> None:
    with referring(tmp_path / "data", rules=None) as bench:
        _, agent = bench.bridge()
        bench.refer(agent)
        assert bench.told(agent) == ["403 refused"]


def test_limits_hold_for_transfers(tmp_path: Path) -> None:
    with referring(tmp_path / "data", rules=replace(RULES, per_minute=1)) as bench:
        lab = bench.lab
        _, agent = bench.bridge()
        bench.refer(agent)
        refuse(lab, 1, 486)
        bench.refer(agent)
        assert bench.told(agent)[-1] == "503 refused"
        assert lab.facts("transfer.refused")[0]["why"] == "rate"
        assert lab.call.bridged
        entries = lab.recorder.so_far(lab.call.call_id)["transfers"]
        assert [(one["ok"], one["status"]) for one in entries] == [(False, 486), (False, 503)]


def test_who_did_not_come_counts_no_more(tmp_path: Path) -> None:
    with referring(tmp_path / "data", rules=replace(RULES, at_once=1)) as bench:
        lab = bench.lab
        _, agent = bench.bridge()
        for place in (1, 2):
            bench.refer(agent)
            refuse(lab, place, 486)
        bench.refer(agent)
        answer(lab, 3)
        bench.refer(lab.callee.dialogs[-1])
        assert lab.facts("transfer.refused") == [
            {"leg": "b4", "to": f"sip:{THIRD}@{SWITCH}", "status": 503, "why": "concurrency"}
        ]


def test_a_caller_that_talks_to_nobody_moves_nobody(bench: Referring) -> None:
    lab = bench.lab
    lab.caller.invite(LONG_PROMPT)
    lab.settle()
    assert lab.caller.dialog is not None
    bench.refer(lab.caller.dialog)
    assert bench.told(lab.caller.dialog) == ["603 refused"]


def test_one_transfer_at_a_time(bench: Referring) -> None:
    lab = bench.lab
    caller, agent = bench.bridge()
    bench.refer(agent, settle=False)
    bench.refer(caller)
    assert sorted([bench.told(caller)[0], bench.told(agent)[0]])[0] == "202"
    assert [fact["status"] for fact in lab.facts("transfer.refused")] in ([491], [603])


def test_a_call_that_a_controller_has_is_left_to_it(bench: Referring) -> None:
    _, agent = bench.bridge()
    bench.steered.add(bench.lab.call.call_id)
    bench.refer(agent)
    assert bench.told(agent) == ["603 refused"]
    assert bench.lab.facts("transfer.refused")[0]["why"] == "steered"


def test_a_call_is_moved_so_often_and_no_more(
    bench: Referring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("softswitch.switchboard.transfers.MAX_MOVES", 1)
    lab = bench.lab
    _, agent = bench.bridge()
    bench.refer(agent)
    refuse(lab, 1, 486)
    bench.refer(agent)
    assert bench.told(agent)[-1] == "603 refused"


def test_nobody_takes_what_another_trunk_talks_about(bench: Referring) -> None:
    """The agent's own call may be named by the agent alone."""
    caller, _ = bench.bridge()
    consulting, _ = bench.consult()
    bench.refer(caller, bench.replacing(consulting))
    assert bench.told(caller) == ["603 refused"]
    assert len(bench.lab.switchboard.calls) == 2


def test_a_dialog_of_the_same_call_is_not_joined(bench: Referring) -> None:
    _, agent = bench.bridge()
    bench.refer(agent, bench.replacing(agent))
    assert bench.told(agent) == ["603 refused"]
    assert bench.lab.call.bridged


# Legs taken over (RFC 3891).


def take(bench: Referring, value: str, *more: tuple[str, str], by: str = "callee") -> int:
    """A phone sends an INVITE with Replaces; how it was answered."""
    lab = bench.lab
    phone = lab.callee if by == "callee" else lab.caller
    phone.invite(DIRECT, headers=(("Replaces", value), *more))
    lab.settle()
    for event in phone.events[::-1]:
        if isinstance(event, events.InviteAnswered):
            return 200
        if isinstance(event, events.InviteRejected):
            return event.status
    raise AssertionError("no answer")


def test_another_phone_takes_the_agents_leg_over(bench: Referring) -> None:
    lab = bench.lab
    _, agent = bench.bridge()
    assert take(bench, replaces(agent)) == 200
    assert byes(bench) == [agent]
    (told,) = lab.facts("leg.replaced")
    assert (told["leg"], told["trunk"], told["by"]) == ("b1", "agents", CALLER)
    so_far = lab.recorder.so_far(lab.call.call_id)["legs"][1]["replaced"]
    assert [(one["sip_call_id"], one["by"]) for one in so_far] == [(told["sip_call_id"], CALLER)]
    assert lab.call.bridged
    taken = lab.callee.dialogs[-1]
    bench.refer(taken)
    answer(lab, 1)
    assert lab.facts("call.bridged")[-1] == {"leg": "a", "other_leg": "b2"}
    assert byes(bench) == [agent, taken]


def test_another_phone_takes_the_callers_leg_over(bench: Referring) -> None:
    lab = bench.lab
    caller, _ = bench.bridge()
    assert take(bench, replaces(caller), by="caller") == 200
    assert byes(bench) == [caller]
    lab.caller.dialogs[-1].bye(now=lab.loop.time())
    bench.flush()
    assert (lab.record["ended_by"], lab.record["cause"]) == ("calling", "hung_up")


def test_a_phone_that_leaves_the_offer_to_us_takes_a_leg_over_too(bench: Referring) -> None:
    lab = bench.lab
    _, agent = bench.bridge()
    lab.callee.invite(DIRECT, body=b"", headers=(("Replaces", replaces(agent)),))
    lab.settle()
    assert byes(bench) == [agent]
    assert lab.call.bridged


def test_a_phone_that_rings_is_picked_up(bench: Referring) -> None:
    lab = bench.lab
    lab.caller.invite(DIRECT)
    lab.settle()
    ring(lab, 0)
    ringing = lab.callee.calls[0].dialog
    assert ringing is not None
    assert take(bench, replaces(ringing) + ";early-only") == 200
    assert lab.callee.count(events.InviteCancelled) == 1
    assert lab.facts("call.bridged") == [{"leg": "a", "other_leg": "b1"}]
    assert lab.caller.count(events.InviteAnswered) == 1
    lab.caller.hang_up()
    lab.settle()
    assert byes(bench) == [lab.callee.dialogs[-1]]
    assert lab.record["legs"][1]["answered_at"] is not None


def test_who_picks_up_too_late_finds_it_busy(bench: Referring) -> None:
    _, agent = bench.bridge()
    assert take(bench, replaces(agent) + ";early-only") == 486
    assert bench.lab.call.bridged


def test_a_caller_that_waits_is_taken_over_by_nobody(bench: Referring) -> None:
    """Section 3: an early dialog that was not initiated by us gets a 481."""
    lab = bench.lab
    lab.caller.invite(DIRECT)
    lab.settle()
    ring(lab, 0)
    (early,) = [e.dialog for e in lab.caller.events if isinstance(e, events.ProvisionalReceived)]
    assert early is not None
    assert take(bench, replaces(early), by="caller") == 481


REPLACES = {
    "nobody's dialog": ("x;to-tag=1;from-tag=2", (), 481),
    "no dialog at all": ("x", (), 400),
    "two": ("x;to-tag=1;from-tag=2", (("Replaces", "y;to-tag=1;from-tag=2"),), 400),
    "a Join beside it": ("x;to-tag=1;from-tag=2", (("Join", "y;to-tag=1;from-tag=2"),), 400),
}


@pytest.mark.parametrize("name", REPLACES)
def test_what_cannot_be_replaced_is_refused(bench: Referring, name: str) -> None:
    value, more, status = REPLACES[name]
    bench.bridge()
    assert take(bench, value, *more) == status
    assert bench.lab.call.bridged
    assert [fact["status"] for fact in bench.lab.facts("call.refused")] == [status]


def test_a_leg_of_another_trunk_is_not_taken_over(bench: Referring) -> None:
    _, agent = bench.bridge()
    assert take(bench, replaces(agent), by="caller") == 403
    assert bench.lab.call.bridged


def test_a_trunk_that_may_not_refer_takes_nothing_over(tmp_path: Path) -> None:
    with referring(tmp_path / "data", allow=False) as bench:
        _, agent = bench.bridge()
        assert take(bench, replaces(agent)) == 403


def test_a_leg_is_taken_over_after_a_reload_too(bench: Referring) -> None:
    lab = bench.lab
    _, agent = bench.bridge()
    trunks = {name: replace(one) for name, one in bench.configuration.trunks.items()}
    reloaded = replace(bench.configuration, trunks=trunks)
    lab.switchboard.snapshot = Snapshot(reloaded, NumberTable(reloaded), TrunkTable(reloaded))
    assert take(bench, replaces(agent)) == 200


def test_a_leg_that_is_being_moved_is_not_taken_over(bench: Referring) -> None:
    _, agent = bench.bridge()
    bench.refer(agent)
    assert take(bench, replaces(agent)) == 491


def test_a_description_that_cannot_be_used_takes_nothing_over(bench: Referring) -> None:
    lab = bench.lab
    _, agent = bench.bridge()
    lab.callee.description = lab.callee.description.replace(b"AVP 0 8 101", b"AVP 18")
    assert take(bench, replaces(agent)) == 488
    assert byes(bench) == []
    assert lab.call.bridged


def byes(bench: Referring) -> list[Dialog]:
    """Which dialogs the switch has ended, in order."""
    lab = bench.lab
    return [
        event.dialog
        for event in (*lab.callee.events, *lab.caller.events)
        if isinstance(event, events.ByeReceived)
    ]


def test_who_is_kept_hears_ringing_then_the_far_ends_own_sound(bench: Referring) -> None:
    lab = bench.lab
    _, agent = bench.bridge()
    bench.refer(agent)
    assert lab.facts("prompt.started")[-1]["leg"] == "a"
    assert lab.call.caller.player.repeating
    ring(lab, 1, 183, media=True)
    assert not lab.call.caller.player.playing
    assert lab.call.joined is not None
    assert lab.call.joined.leg_id == "b2"
    refuse(lab, 1, 486)
    assert lab.call.joined.leg_id == "b1"
