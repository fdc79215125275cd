"""Calls of our own making on the bench: what becomes of them, and that nothing is left of them,
whatever happens at whatever moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from config.model import Destination, Prompt
from ivr.click_to_call import Plan
from ivr.flow import run_treatment
from softswitch.call.call import Call
from softswitch.call.events import CallPresented, LegOriginated
from softswitch.sip import events as sip_events
from softswitch.switchboard.guards import Permit
from softswitch.switchboard.originate import NotPlaced, Originator
from softswitch.switchboard.protocols import WriteError
from tests.support.laboratory import AGENT, FIRST, SECOND, Laboratory, laboratory
from tests.support.scripted_ears import ScriptedEars

Step = Callable[[Laboratory], None]

ONE, OTHER = Destination("number", FIRST), Destination("number", AGENT)
SHORT, LONG = Prompt(text="short"), Prompt(text="long")


def place(lab: Laboratory, plan: Plan | None = None, **settings: Any) -> Call:
    """Place a call of the campaign `direct`; nothing has left yet."""
    placed = try_to_place(lab, plan or Plan(ONE, OTHER, **settings))
    assert isinstance(placed, Call), placed
    return placed


def try_to_place(lab: Laboratory, plan: Plan) -> Call | NotPlaced:
    found: list[Call | NotPlaced] = []
    campaign = lab.configuration.campaigns["direct"]
    lab.do(lambda: found.append(Originator(lab.switchboard).place(campaign, plan)))
    return found[0]


def test_a_call_that_was_placed_counts_as_one_that_there_was(tmp_path: Path) -> None:
    with laboratory(tmp_path / "data") as lab:
        place(lab)
        assert lab.switchboard.presented == len(lab.switchboard.calls) == 1
        lab.do(lambda: lab.switchboard.end_all("over"))
        lab.settle()


def answer(lab: Laboratory, number: int = 0) -> None:
    """A party takes its call, the first or the second."""
    phone = lab.callee
    phone.dialogs.append(phone.calls[number].accept(body=phone.description, now=phone.now))
    phone.pump.flush()
    lab.settle()


def hang_up(lab: Laboratory, number: int = 0) -> None:
    lab.callee.dialogs[number].bye(now=lab.callee.now)
    lab.callee.pump.flush()
    lab.settle()


def refuse(lab: Laboratory, number: int = 0, status: int = 486) -> None:
    lab.callee.calls[number].reject(status, now=lab.callee.now)
    lab.callee.pump.flush()
    lab.settle()


def ring(lab: Laboratory, number: int = 0) -> None:
    lab.callee.calls[number].provisional(180, now=lab.callee.now)
    lab.callee.pump.flush()
    lab.settle()


def begin(lab: Laboratory, **settings: Any) -> Call:
    call = place(lab, **settings)
    lab.settle()
    assert len(lab.callee.calls) == 1
    return call


def talk(lab: Laboratory, **settings: Any) -> Call:
    call = begin(lab, **settings)
    answer(lab)
    answer(lab, 1)
    assert call.bridged
    return call


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "lab"


# What it is.


def test_it_is_presented_and_in_the_journal_before_our_invite_leaves(folder: Path) -> None:
    with laboratory(folder) as lab:
        seen: list[tuple[str, int, bool]] = []
        lab.app.events.subscribe(
            lambda event: seen.append(
                (event.kind, lab.journal.open_calls, "switch:INVITE" in lab.carried)
            )
        )
        call = place(lab)
        lab.settle()
        assert seen[:2] == [("call.presented", 1, False), ("leg.originated", 1, False)]
        assert "switch:INVITE" in lab.carried
        assert call.caller.leg_id == "a"
        (presented,) = lab.facts("call.presented")
        assert presented["direction"] == "outbound"
        assert (presented["caller"], presented["called"]) == (FIRST, AGENT)


def test_the_record_tells_of_two_legs_and_their_times(folder: Path) -> None:
    with laboratory(folder) as lab:
        begin(lab)
        lab.advance(2)
        answer(lab)
        lab.advance(3)
        answer(lab, 1)
        lab.advance(5)
        hang_up(lab)
        record = lab.record
        assert (record["ended_by"], record["cause"]) == ("calling", "hung_up")
        assert [one["side"] for one in record["legs"]] == ["calling", "called"]
        assert (record["ring_seconds"], record["ivr_seconds"]) == (5.0, 0.0)
        assert record["talk_seconds"] == 5.0
        first, second = record["legs"]
        assert first["to"] == FIRST
        assert second["to"] == AGENT
        assert first["sip_call_id"]
        assert first["sip_call_id"] != second["sip_call_id"]
        assert record["path"] == ["second"]
        kinds = lab.kinds()
        assert kinds.index("leg.answered") < kinds.index("call.answered")


def test_the_first_party_may_get_a_treatment(folder: Path) -> None:
    with laboratory(folder) as lab:
        place(lab, Plan(ONE, treatment="menu"))
        lab.settle()
        answer(lab)
        lab.wait_for_prompts()
        lab.press("2")
        lab.settle()
        assert lab.record["keys"] == ["2"]
        assert lab.record["path"] == ["treatment", "menu-1", "hang_up-1"]
        assert lab.callee.count(sip_events.ByeReceived) == 1


def test_the_second_is_called_when_the_first_has_pressed_the_key(folder: Path) -> None:
    with laboratory(folder) as lab:
        begin(lab, criterion="key", key="5", prompt=SHORT)
        answer(lab)
        lab.wait_for_prompts()
        lab.press("4")
        lab.wait_for_prompts(2)
        assert len(lab.callee.calls) == 1
        lab.press("5")
        lab.settle()
        assert len(lab.callee.calls) == 2
        answer(lab, 1)
        hang_up(lab, 1)
        assert lab.record["keys"] == ["4", "5"]
        assert lab.record["ended_by"] == "called"


def test_any_key_will_do_where_it_was_said_so(folder: Path) -> None:
    with laboratory(folder) as lab:
        begin(lab, criterion="any_key", prompt=SHORT)
        answer(lab)
        lab.wait_for_prompts()
        lab.press("#")
        lab.settle()
        assert len(lab.callee.calls) == 2


def test_who_presses_nothing_is_left(folder: Path) -> None:
    with laboratory(folder) as lab:
        begin(lab, criterion="any_key", prompt=SHORT)
        answer(lab)
        for count in (1, 2, 3):
            lab.wait_for_prompts(count)
            lab.advance(9)
        assert (lab.record["ended_by"], lab.record["cause"]) == ("switch", "declined")
        assert len(lab.callee.calls) == 1


def test_the_second_party_is_asked_whether_it_takes_the_call(folder: Path) -> None:
    with laboratory(folder) as lab:
        call = begin(lab, accept=SHORT)
        answer(lab)
        answer(lab, 1)
        lab.wait_for_prompts()
        assert "call.bridged" not in lab.kinds()
        lab.do(lambda: call.legs[1].on_digit("1"))
        lab.settle()
        assert call.bridged
        hang_up(lab)


def test_a_second_party_that_hangs_up_at_the_question_has_ended_the_call(folder: Path) -> None:
    with laboratory(folder) as lab:
        begin(lab, accept=SHORT)
        answer(lab)
        answer(lab, 1)
        lab.wait_for_prompts()
        hang_up(lab, 1)
        assert (lab.record["ended_by"], lab.record["cause"]) == ("called", "hung_up")


def test_a_second_party_that_does_not_accept_is_left(folder: Path) -> None:
    with laboratory(folder) as lab:
        begin(lab, accept=SHORT)
        answer(lab)
        answer(lab, 1)
        lab.wait_for_prompts()
        lab.advance(20)
        assert (lab.record["ended_by"], lab.record["cause"]) == ("switch", "declined")


def test_the_first_hears_the_prompt_before_the_second_is_called(folder: Path) -> None:
    with laboratory(folder) as lab:
        begin(lab, prompt=SHORT)
        answer(lab)
        lab.wait_for_prompts()
        lab.settle()
        assert len(lab.callee.calls) == 2
        assert lab.facts("treatment.node") == [{"node": "prompt"}, {"node": "second"}]


def test_the_second_is_called_when_the_first_has_said_the_word(folder: Path) -> None:
    with laboratory(folder) as lab:
        ears = lab.services.ears = ScriptedEars()
        begin(lab, criterion="word", word="yes please", prompt=SHORT)
        answer(lab)
        lab.wait_for_prompts()
        lab.do(lambda: ears.question.say("no thank you"))
        lab.wait_for_prompts(2)
        assert len(lab.callee.calls) == 1
        lab.do(lambda: ears.question.say("oh yes please"))
        lab.settle()
        assert len(lab.callee.calls) == 2
        assert lab.facts("menu.choice") == [
            {"node": "criterion", "key": "1", "by_default": False, "spoken": True}
        ]
        hang_up(lab)


@pytest.mark.parametrize("verdict", ["human", "unknown", "machine"])
def test_a_machine_that_answers_first_is_left(folder: Path, verdict: str) -> None:
    with laboratory(folder) as lab:
        ears = lab.services.ears = ScriptedEars()
        ears.verdict = verdict
        begin(lab, leave_machines=True)
        answer(lab)
        assert len(lab.callee.calls) == 1
        lab.advance(2)
        if verdict == "machine":
            assert lab.record["cause"] == "machine"
            assert len(lab.callee.calls) == 1
        else:
            assert len(lab.callee.calls) == 2
            hang_up(lab)


def test_who_hangs_up_while_it_is_judged_has_ended_the_call(folder: Path) -> None:
    with laboratory(folder) as lab:
        ears = lab.services.ears = ScriptedEars()
        ears.verdict = "machine"
        begin(lab, leave_machines=True)
        answer(lab)
        hang_up(lab)
        lab.advance(2)
        assert (lab.record["ended_by"], lab.record["cause"]) == ("calling", "hung_up")


def test_a_call_that_goes_on_elsewhere_waits_for_the_first_answer_still(folder: Path) -> None:
    with laboratory(folder) as lab:
        begin(lab)
        diverted(lab)
        lab.advance(3)
        assert "prompt.started" not in lab.kinds()
        answer(lab)
        lab.wait_for_prompts()
        lab.press("2")
        lab.settle()
        assert lab.record["path"] == ["menu-1", "hang_up-1"]


# Ringing: both at once.


def test_the_second_is_called_when_the_first_rings(folder: Path) -> None:
    with laboratory(folder) as lab:
        call = begin(lab, criterion="ringing")
        assert len(lab.callee.calls) == 1
        ring(lab)
        assert len(lab.callee.calls) == 2
        answer(lab)
        lab.advance(1)
        assert "prompt.started" in lab.kinds()
        answer(lab, 1)
        assert call.bridged
        hang_up(lab)
        assert lab.record["talk_seconds"] == 0.0


def test_a_second_that_answers_first_waits_for_the_first(folder: Path) -> None:
    with laboratory(folder) as lab:
        call = begin(lab, criterion="ringing", prompt=SHORT)
        ring(lab)
        answer(lab, 1)
        lab.advance(2)
        assert not call.bridged
        assert lab.facts("prompt.started")[0]["leg"] == "b1"
        answer(lab)
        lab.wait_for(lambda: call.bridged)
        hang_up(lab)


def test_a_first_that_refuses_ends_it_for_the_second(folder: Path) -> None:
    with laboratory(folder) as lab:
        begin(lab, criterion="ringing")
        ring(lab)
        answer(lab, 1)
        refuse(lab)
        assert lab.callee.count(sip_events.ByeReceived) == 1
        record = lab.record
        assert (record["ended_by"], record["cause"]) == ("calling", "rejected")
        assert record["legs"][0]["status"] == 486


# How it ends.


def test_a_first_that_refuses_is_said_so(folder: Path) -> None:
    with laboratory(folder) as lab:
        begin(lab)
        refuse(lab, status=486)
        record = lab.record
        assert (record["ended_by"], record["cause"]) == ("calling", "rejected")
        assert (record["legs"][0]["status"], record["legs"][0]["q850"]) == (486, 17)
        assert record["answered_at"] is None


def test_a_first_that_does_not_answer_in_time_is_left(folder: Path) -> None:
    with laboratory(folder) as lab:
        begin(lab, ring_seconds=10.0)
        ring(lab)
        lab.advance(11)
        assert (lab.record["ended_by"], lab.record["cause"]) == ("switch", "no_answer")
        assert lab.record["legs"][0]["status"] == 408
        assert lab.record["ring_seconds"] == 10.0


def test_a_second_that_refuses_ends_the_call(folder: Path) -> None:
    with laboratory(folder) as lab:
        begin(lab)
        answer(lab)
        refuse(lab, 1)
        assert (lab.record["ended_by"], lab.record["cause"]) == ("called", "rejected")
        assert lab.callee.count(sip_events.ByeReceived) == 1


def test_the_time_limit_counts_from_the_first_answer(folder: Path) -> None:
    with laboratory(folder) as lab:
        begin(lab, time_limit=20.0)
        lab.advance(10)
        answer(lab)
        answer(lab, 1)
        lab.advance(19)
        assert lab.all_records() == []
        lab.advance(2)
        assert lab.record["cause"] == "max_duration"


def test_the_campaigns_longest_call_holds_too(folder: Path) -> None:
    with laboratory(folder) as lab:
        plan = Plan(ONE, OTHER)
        campaign = lab.configuration.campaigns["short-talk"]
        lab.do(lambda: Originator(lab.switchboard).place(campaign, plan))
        lab.settle()
        answer(lab)
        answer(lab, 1)
        lab.advance(2.5)
        assert lab.record["cause"] == "max_duration"


# What it is told with.


def test_attributes_and_caller_id_are_told(folder: Path) -> None:
    with laboratory(folder) as lab:
        begin(lab, attributes={"order": "4711"}, caller_id=SECOND)
        answer(lab)
        answer(lab, 1)
        for invite in lab.callee.calls:
            assert SECOND in (invite.request.headers.get("From") or "")
        hang_up(lab)
        assert lab.record["attributes"] == {"order": "4711"}
        assert [one["from"] for one in lab.record["legs"]] == [SECOND, SECOND]


def test_each_sees_the_other_where_the_campaign_shows_the_caller(folder: Path) -> None:
    with laboratory(folder) as lab:
        talk(lab)
        first, second = (invite.request.headers.get("From") or "" for invite in lab.callee.calls)
        assert AGENT in first
        assert FIRST in second
        hang_up(lab)


# No room.


def test_without_room_no_call_is_placed(folder: Path) -> None:
    with laboratory(folder, max_calls=1) as lab:
        begin(lab)
        placed = try_to_place(lab, Plan(ONE, OTHER))
        assert isinstance(placed, NotPlaced)
        assert "max_calls" in placed.why
        refuse(lab)


def test_without_a_media_port_no_call_is_placed(folder: Path) -> None:
    with laboratory(folder, pairs=1) as lab:
        begin(lab)
        placed = try_to_place(lab, Plan(ONE, OTHER))
        assert placed == NotPlaced("no media port is free")
        answer(lab)
        assert lab.record["cause"] == "no_capacity"


def test_on_a_full_trunk_no_call_is_placed(folder: Path) -> None:
    with laboratory(folder, agents="max_calls: 1") as lab:
        begin(lab)
        placed = try_to_place(lab, Plan(ONE, OTHER))
        assert isinstance(placed, NotPlaced)
        assert "trunk agents" in placed.why
        refuse(lab)


def test_what_cannot_be_written_down_is_not_placed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise WriteError("the disk is full")

    with laboratory(folder) as lab:
        monkeypatch.setattr(lab.journal, "open_call", full)
        assert try_to_place(lab, Plan(ONE, OTHER)) == NotPlaced("the disk is full")
        assert lab.kinds() == []


def test_a_switch_that_drains_places_no_call(folder: Path) -> None:
    with laboratory(folder) as lab:
        lab.do(lambda: lab.switchboard.begin_to_drain(0.0))
        assert try_to_place(lab, Plan(ONE, OTHER)) == NotPlaced("the switch is draining")


def test_permits_are_held_by_the_call_and_released_without_one(folder: Path) -> None:
    with laboratory(folder, max_calls=1) as lab:
        trunk = lab.configuration.trunks["agents"]
        campaign = lab.configuration.campaigns["direct"]
        held, released = Permit(ONE, trunk, None), Permit(ONE, trunk, None)
        originator = Originator(lab.switchboard)
        for permit in (held, released):
            lab.do(lambda p=permit: originator.place(campaign, Plan(ONE, OTHER), [p]))  # type: ignore[misc]
        assert held.call_id in lab.switchboard.calls
        assert not held.released
        assert released.released
        lab.settle()
        refuse(lab)


# Subscribers.


@pytest.mark.parametrize("kind", [CallPresented, LegOriginated])
def test_a_subscriber_may_end_it_in_the_event(folder: Path, kind: type) -> None:
    with laboratory(folder) as lab:

        def end(event: object) -> None:
            for call in list(lab.switchboard.calls.values()):
                call.end("switch", "unwanted")

        lab.app.events.subscribe(end, kinds=(kind,))
        place(lab)
        lab.settle()
        lab.advance(1)
        assert lab.record["cause"] == "unwanted"


# Whatever happens at whatever moment.


def placed(lab: Laboratory) -> None:
    place(lab)


def lost(lab: Laboratory) -> None:
    lab.held.add("switch:INVITE")
    place(lab)
    lab.settle()


def dialled(lab: Laboratory) -> None:
    begin(lab)


def rung(lab: Laboratory) -> None:
    begin(lab)
    ring(lab)


def prompted(lab: Laboratory) -> None:
    begin(lab, prompt=LONG)
    answer(lab)


def asked(lab: Laboratory) -> None:
    begin(lab, criterion="key", prompt=LONG)
    answer(lab)


def second_dialled(lab: Laboratory) -> None:
    begin(lab)
    answer(lab)


def second_asked(lab: Laboratory) -> None:
    begin(lab, accept=LONG)
    answer(lab)
    answer(lab, 1)


def both_dialled(lab: Laboratory) -> None:
    begin(lab, criterion="ringing")
    ring(lab)


def second_first(lab: Laboratory) -> None:
    both_dialled(lab)
    answer(lab, 1)


def answered_unacknowledged(lab: Laboratory) -> None:
    begin(lab)
    lab.held.add("switch:ACK")
    answer(lab)


def talking(lab: Laboratory) -> None:
    talk(lab)


def first_answers(lab: Laboratory) -> None:
    if lab.callee.calls:
        answer(lab)


def first_refuses(lab: Laboratory) -> None:
    if lab.callee.calls:
        refuse(lab)


def second_answers(lab: Laboratory) -> None:
    if len(lab.callee.calls) > 1:
        answer(lab, 1)


def second_refuses(lab: Laboratory) -> None:
    if len(lab.callee.calls) > 1:
        refuse(lab, 1)


def all_hang_up(lab: Laboratory) -> None:
    for number in range(len(lab.callee.dialogs)):
        hang_up(lab, number)


def second_hangs_up(lab: Laboratory) -> None:
    if len(lab.callee.dialogs) > 1:
        hang_up(lab, 1)


def ended(lab: Laboratory) -> None:
    for call in list(lab.switchboard.calls.values()):
        lab.do(lambda one=call: one.end("switch", "enough"))  # type: ignore[misc]


def ended_as_it_is_answered(lab: Laboratory) -> None:
    """Our CANCEL crosses the answer."""
    lab.held.add("switch:CANCEL")
    ended(lab)
    first_answers(lab)


def key_pressed(lab: Laboratory) -> None:
    for call in lab.switchboard.calls.values():
        lab.do(lambda one=call: one.caller.on_digit("1"))  # type: ignore[misc]
    lab.settle()


def fax_heard(lab: Laboratory) -> None:
    for call in lab.switchboard.calls.values():
        lab.do(lambda one=call: one.caller.on_fax("cng"))  # type: ignore[misc]


def diverted(lab: Laboratory) -> None:
    """It is given another treatment, as a controller or a fax tone does."""
    for call in lab.switchboard.calls.values():
        again = lab.switchboard.journey(call, presented_of(lab), lab.switchboard.snapshot)
        menu = partial(run_treatment, again, lab.configuration.treatments["menu"])
        lab.do(partial(call.divert, menu))
    lab.settle()


def presented_of(lab: Laboratory) -> CallPresented:
    return next(event for event in lab.all_events if isinstance(event, CallPresented))


def time_passes(lab: Laboratory) -> None:
    lab.advance(200)


def drained(lab: Laboratory) -> None:
    lab.do(lambda: lab.switchboard.end_all("drained"))


MOMENTS: Mapping[str, Step] = {
    step.__name__: step
    for step in (
        placed, lost, dialled, rung, prompted, asked, second_dialled, second_asked, both_dialled,
        second_first, answered_unacknowledged, talking,
    )
}  # fmt: skip
DEEDS: Mapping[str, Step] = {
    step.__name__: step
    for step in (
        diverted,
        first_answers, first_refuses, second_answers, second_refuses, all_hang_up, second_hangs_up,
        ended, ended_as_it_is_answered, key_pressed, fax_heard, time_passes, drained,
    )
}  # fmt: skip


@pytest.mark.parametrize(("moment", "deed"), list(product(MOMENTS, DEEDS)))
def test_whatever_happens_there_is_one_end_and_nothing_is_left(
    folder: Path, moment: str, deed: str
) -> None:
    with laboratory(folder) as lab:
        MOMENTS[moment](lab)
        DEEDS[deed](lab)
        lab.release()
        lab.settle()
        ended(lab)
        lab.advance(1)
        assert len(lab.all_records()) == 1
