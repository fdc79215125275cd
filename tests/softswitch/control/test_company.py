"""Supervisors and conferences beside everything else that happens to calls: who is to hear whom.

What comes out at each ear is measured in tests/scenarios/test_monitor.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from softswitch.call import conference as conferences
from softswitch.call import monitor as monitors
from softswitch.call.call import Call
from softswitch.call.called_leg import CalledLeg
from softswitch.call.company import whom_hears
from softswitch.call.leg import Leg
from softswitch.control.access import ADMINISTRATOR, Identity, Token
from softswitch.switchboard.originate import Originator
from tests.support.desk_bench import DeskBench
from tests.support.laboratory import DIRECT, LONG_PROMPT, ROOM, laboratory

READER = Token.of("reader", "s", ("read",)).identity
CONTROL = Token.of("control", "s", ("control",)).identity
DIRECT_ONLY = Token.of("direct", "s", ("control",), ("direct",)).identity
STEERED_ONLY = Token.of("steered", "s", ("control",), ("steered",)).identity
OTHERS_ONLY = Token.of("others", "s", ("control",), ("long-prompt",)).identity


class Bench(DeskBench):
    """Two who talk, and others who were answered."""

    def next_call(self, number: str, *, answer: bool = False) -> Call:
        """One more call."""
        before = set(self.lab.switchboard.calls)
        self.lab.caller.invite(number)
        self.lab.settle()
        if answer:
            self.lab.callee.answer()
            self.lab.settle()
        (new,) = set(self.lab.switchboard.calls) - before
        return self.lab.switchboard.calls[new]

    def talk(self) -> Call:
        return self.next_call(DIRECT, answer=True)

    def answered(self) -> Call:
        return self.next_call(LONG_PROMPT)

    def hang_up(self, call: Call) -> None:
        """The peer of its first leg leaves."""
        self.leave(call.caller)

    def leave(self, leg: Leg) -> None:
        """The peer of a leg leaves."""
        assert leg.dialog is not None
        far = leg.dialog.call_id
        for phone in (self.lab.caller, self.lab.callee):
            for dialog in phone.dialogs:
                if dialog.call_id == far:
                    dialog.bye(now=phone.now)
                    phone.pump.flush()
        self.lab.settle()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with laboratory(tmp_path / "data") as lab:
        made = Bench(lab)
        yield made
        lab.do(lambda: lab.switchboard.end_all("over"))
        lab.settle()
        assert len(lab.services.conferences) == 0
        assert len(lab.services.monitors) == 0


def hears(leg: Leg, *others: Leg) -> None:
    assert set(whom_hears(leg)) == set(others)


def parties(call: Call) -> tuple[Leg, Leg]:
    assert call.callee is not None
    return call.caller, call.callee


MODES = ("listen", "whisper", "barge")


@pytest.mark.parametrize("mode", MODES)
def test_who_hears_the_supervisor_is_a_matter_of_the_mode(bench: Bench, mode: str) -> None:
    call, own = bench.talk(), bench.answered()
    caller, agent = parties(call)
    ear = own.caller
    answer = bench.ask(f"monitor.{mode}", call=call.call_id, supervisor=own.call_id)
    assert (answer["mode"], answer["supervisor"]) == (mode, own.call_id)
    hears(ear, caller, agent)
    hears(agent, caller, *([ear] if mode != "listen" else []))
    hears(caller, agent, *([ear] if mode == "barge" else []))
    assert bench.ask("monitor.list")["monitors"][0]["mode"] == mode
    bench.ask("monitor.stop", monitor=answer["monitor"])
    assert own.ended
    hears(caller, agent)
    hears(agent, caller)
    assert caller.company is agent.company is None


def test_a_whisper_is_for_the_leg_that_is_named(bench: Bench) -> None:
    call, own = bench.talk(), bench.answered()
    caller, agent = parties(call)
    asked: dict[str, Any] = {"call": call.call_id, "supervisor": own.call_id}
    bench.ask("monitor.whisper", **asked, party="a")
    hears(caller, agent, own.caller)
    hears(agent, caller)
    bench.ask("monitor.whisper", **asked)
    hears(caller, agent)
    hears(agent, caller, own.caller)


@pytest.mark.parametrize("mode", MODES)
def test_a_parked_leg_is_overheard_only_where_it_is_named(bench: Bench, mode: str) -> None:
    call, own = bench.talk(), bench.answered()
    caller, agent = parties(call)
    ear = own.caller
    asked: dict[str, Any] = {"call": call.call_id, "supervisor": own.call_id}
    call.unbridge()
    bench.ask(f"monitor.{mode}", **asked)
    hears(ear, caller)
    hears(agent)
    hears(caller, *([ear] if mode == "barge" else []))
    bench.ask(f"monitor.{mode}", **asked, party=agent.leg_id)
    hears(ear, caller, agent)
    hears(agent, *([ear] if mode != "listen" else []))
    bench.ask(f"monitor.{mode}", **asked)
    hears(ear, caller)
    hears(agent)
    assert isinstance(agent, CalledLeg)
    call.bridge(agent)
    hears(ear, caller, agent)
    hears(agent, caller, *([ear] if mode != "listen" else []))
    call.unbridge()
    hears(ear, caller)
    hears(agent)


def test_a_party_that_is_not_there_is_not_whispered_to(bench: Bench) -> None:
    call, own = bench.talk(), bench.answered()
    asked: dict[str, Any] = {"call": call.call_id, "supervisor": own.call_id, "party": "b7"}
    assert bench.ask("monitor.whisper", **asked) == "leg_not_found"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("who", ["caller", "agent", "supervisor", "switch"])
def test_whoever_leaves_first_leaves_nothing_behind(bench: Bench, mode: str, who: str) -> None:
    call, own = bench.talk(), bench.answered()
    caller, agent = parties(call)
    bench.ask(f"monitor.{mode}", call=call.call_id, supervisor=own.call_id)
    if who == "switch":
        bench.ask("call.hangup", call=call.call_id)
    else:
        bench.leave({"caller": caller, "agent": agent, "supervisor": own.caller}[who])
    assert own.ended
    assert call.ended == (who != "supervisor")
    if who == "supervisor":
        hears(caller, agent)
        hears(agent, caller)
    (told,) = {fact["why"] for fact in bench.lab.facts("monitor.ended")}
    assert told == ("supervisor_left" if who == "supervisor" else "call_ended")
    assert caller.company is agent.company is None


def test_a_leg_on_hold_or_with_a_secret_is_heard_by_nobody(bench: Bench) -> None:
    call, own = bench.talk(), bench.answered()
    caller, agent = parties(call)
    bench.ask("monitor.barge", call=call.call_id, supervisor=own.call_id)
    bench.ask("call.hold", call=call.call_id, leg=agent.leg_id)
    hears(agent)
    hears(own.caller, caller)
    hears(caller, own.caller)
    bench.ask("call.unhold", call=call.call_id, leg=agent.leg_id)
    hears(own.caller, caller, agent)
    with caller.secret():
        hears(own.caller, agent)
        hears(agent, own.caller)
        hears(caller, agent, own.caller)
    hears(own.caller, caller, agent)


def test_a_supervisor_follows_the_call_to_another_treatment(bench: Bench) -> None:
    call, own = bench.talk(), bench.answered()
    caller, _ = parties(call)
    bench.ask("monitor.whisper", call=call.call_id, supervisor=own.call_id)
    bench.ask("call.route", call=call.call_id, treatment="direct")
    bench.lab.settle()
    hears(own.caller, caller)
    bench.lab.callee.answer()
    bench.lab.settle()
    new = call.callee
    assert new is not None
    hears(own.caller, caller, new)
    hears(new, caller, own.caller)


def test_only_who_may_steer_a_call_has_it_heard_and_an_administrator(bench: Bench) -> None:
    call, own = bench.talk(), bench.answered()
    asked: dict[str, Any] = {"call": call.call_id, "supervisor": own.call_id}
    assert bench.ask("monitor.listen", READER, **asked) == "forbidden"
    assert bench.ask("monitor.listen", DIRECT_ONLY, **asked) == "call_not_found"
    assert bench.ask("monitor.listen", OTHERS_ONLY, **asked) == "call_not_found"
    bench.desk.holders[call.call_id] = bench.session()
    assert bench.ask("monitor.listen", CONTROL, **asked) == "not_in_control"
    monitor = bench.ask("monitor.listen", **asked)["monitor"]
    assert bench.ask("monitor.stop", OTHERS_ONLY, monitor=monitor) == "monitor_not_found"
    assert bench.ask("monitor.list", OTHERS_ONLY)["total"] == 0
    assert bench.ask("monitor.list", CONTROL)["total"] == 1
    bench.desk.holders.clear()


def test_a_supervisor_hears_one_call_and_talks_to_nobody_else(bench: Bench) -> None:
    call, other, own = bench.talk(), bench.talk(), bench.answered()
    bench.ask("monitor.listen", call=call.call_id, supervisor=own.call_id)
    asked: dict[str, Any] = {"call": other.call_id, "supervisor": own.call_id}
    assert bench.ask("monitor.listen", **asked) == "limit_reached"
    asked = {"call": call.call_id, "supervisor": other.call_id}
    assert bench.ask("monitor.listen", **asked) == "wrong_state"
    assert not other.ended


def test_a_call_has_only_so_many_supervisors(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitors, "MAX_MONITORS_A_CALL", 1)
    call, one, two = bench.talk(), bench.answered(), bench.answered()
    first = bench.ask("monitor.barge", call=call.call_id, supervisor=one.call_id)
    assert first["mode"] == "barge"
    asked: dict[str, Any] = {"call": call.call_id, "supervisor": two.call_id}
    assert bench.ask("monitor.barge", **asked) == "limit_reached"
    assert not two.ended


# Conferences.


def add(bench: Bench, call: Call, **params: Any) -> Any:
    return bench.ask("conference.add", conference="room", call=call.call_id, **params)


def test_two_who_talk_and_a_third_hear_each_other(bench: Bench) -> None:
    call, third = bench.talk(), bench.answered()
    caller, agent = parties(call)
    add(bench, call)
    add(bench, third)
    hears(caller, agent, third.caller)
    hears(agent, caller, third.caller)
    hears(third.caller, caller, agent)
    bench.hang_up(call)
    hears(third.caller)
    assert not third.ended
    assert [fact["why"] for fact in bench.lab.facts("conference.left")] == ["hung_up"] * 2


def test_one_of_two_who_talk_may_be_in_it_alone(bench: Bench) -> None:
    call, third = bench.talk(), bench.answered()
    caller, agent = parties(call)
    add(bench, call, leg="b1")
    add(bench, third)
    hears(caller, agent)
    hears(agent, caller, third.caller)
    hears(third.caller, agent)
    bench.ask("conference.mute", conference="room", call=call.call_id)
    hears(caller)
    hears(third.caller)
    bench.ask("conference.mute", conference="room", call=call.call_id, muted=False)
    hears(caller, agent)
    bench.ask("conference.remove", conference="room", call=call.call_id)
    hears(agent, caller)
    assert call.bridged


@pytest.mark.parametrize("how", ["remove", "destroy", "hang_up"])
def test_a_call_that_did_nothing_else_ends_with_its_conference(bench: Bench, how: str) -> None:
    one, two = bench.answered(), bench.answered()
    bench.ask("conference.create", conference="room")
    add(bench, one, muted=True)
    add(bench, two)
    hears(one.caller, two.caller)
    hears(two.caller)
    if how == "remove":
        bench.ask("conference.remove", conference="room", call=one.call_id)
    elif how == "destroy":
        bench.ask("conference.destroy", conference="room")
    else:
        bench.hang_up(one)
    assert one.ended
    assert two.ended == (how == "destroy")
    if how != "destroy":
        bench.ask("conference.destroy", conference="room")


@pytest.mark.parametrize("what", ["conference", "monitor"])
def test_a_call_that_is_taken_elsewhere_leaves(bench: Bench, what: str) -> None:
    call, own = bench.talk(), bench.answered()
    if what == "monitor":
        bench.ask("monitor.barge", call=call.call_id, supervisor=own.call_id)
    else:
        add(bench, call)
        add(bench, own)
    assert whom_hears(own.caller)
    bench.ask("call.route", call=own.call_id, treatment="long-prompt")
    bench.lab.settle()
    assert own.caller.company is None
    assert own.caller.player.playing
    assert not own.ended
    caller, agent = parties(call)
    hears(caller, agent)
    hears(agent, caller)


def test_a_conference_has_an_end_and_a_leg_is_in_one(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conferences, "MAX_MEMBERS", 1)
    call, third = bench.talk(), bench.answered()
    assert add(bench, call) == "limit_reached"
    assert bench.ask("conference.list")["total"] == 0
    assert parties(call)[0].company is None
    assert not call.ended
    add(bench, third)
    again = bench.ask("conference.add", conference="another", call=third.call_id)
    assert again == "limit_reached"
    assert [one["conference"] for one in bench.ask("conference.list")["conferences"]] == ["room"]
    monkeypatch.setattr(conferences, "MAX_CONFERENCES", 1)
    assert bench.ask("conference.create", conference="third") == "limit_reached"


def test_a_conference_is_its_makers_and_the_administrators(bench: Bench) -> None:
    call = bench.talk()
    asked: dict[str, Any] = {"conference": "room"}
    assert bench.ask("conference.create", READER, **asked) == "forbidden"
    assert bench.ask("conference.create", DIRECT_ONLY, **asked)["members"] == []
    assert bench.ask("conference.add", OTHERS_ONLY, **asked, call=call.call_id) == "call_not_found"
    assert bench.ask("conference.create", OTHERS_ONLY, **asked) == "forbidden"
    assert bench.ask("conference.destroy", OTHERS_ONLY, **asked) == "conference_not_found"
    assert bench.ask("conference.list", OTHERS_ONLY)["total"] == 0
    assert bench.ask("conference.list", DIRECT_ONLY)["total"] == 1
    assert bench.ask("conference.destroy", **asked) == asked


def route(bench: Bench, who: Identity, call: Call) -> None:
    """Have a call come into the room by its treatment."""
    bench.ask("call.route", who, call=call.call_id, treatment="room")
    bench.lab.settle()


def test_a_token_of_other_campaigns_routes_nobody_into_a_room(bench: Bench) -> None:
    inside, stranger = bench.next_call(ROOM), bench.answered()
    route(bench, OTHERS_ONLY, stranger)
    hears(inside.caller)
    assert stranger.ended
    assert bench.lab.all_records()[-1]["cause"] == "out"
    colleague = bench.answered()
    route(bench, CONTROL, colleague)
    hears(inside.caller, colleague.caller)


def test_a_token_of_other_campaigns_places_no_call_into_a_room(bench: Bench) -> None:
    bench.desk.originator = Originator(bench.lab.switchboard)
    inside = bench.next_call(ROOM)
    asked = {"campaign": "steered", "first": "+16025550123", "treatment": "room"}
    placed = bench.ask("call.originate", STEERED_ONLY, **asked)
    bench.lab.callee.answer()
    bench.lab.settle()
    hears(inside.caller)
    assert placed["call"] not in bench.lab.switchboard.calls


@pytest.mark.parametrize("how", ["add", "route"])
def test_a_token_is_not_in_the_room_before_those_of_another_campaign(
    bench: Bench, how: str
) -> None:
    early = bench.answered()
    if how == "route":
        route(bench, OTHERS_ONLY, early)
    else:
        bench.ask("conference.create", OTHERS_ONLY, conference="room")
        bench.ask("conference.add", OTHERS_ONLY, conference="room", call=early.call_id)
    assert bench.ask("conference.list", OTHERS_ONLY)["total"] == 1
    late = bench.next_call(ROOM)
    hears(late.caller)
    assert early.ended
    assert [fact["why"] for fact in bench.lab.facts("conference.left")] == ["claimed"]
    assert bench.ask("conference.list", OTHERS_ONLY)["total"] == 0
    assert len(bench.ask("conference.list")["conferences"][0]["members"]) == 1
    bench.hang_up(late)
    if how == "add":
        assert bench.ask("conference.destroy", OTHERS_ONLY, conference="room")


def test_callers_of_two_campaigns_meet_by_their_treatments(bench: Bench) -> None:
    one, two = bench.next_call(ROOM), bench.answered()
    route(bench, ADMINISTRATOR, two)
    hears(one.caller, two.caller)
    assert bench.ask("conference.list", OTHERS_ONLY)["total"] == 0
    assert bench.ask("conference.mute", OTHERS_ONLY, conference="room", call=one.call_id) == (
        "conference_not_found"
    )


@pytest.mark.parametrize(
    ("method", "params", "reason"),
    [
        ("conference.add", {"conference": "room"}, "invalid_params"),
        ("conference.add", {"conference": "no spaces", "call": "x"}, "invalid_params"),
        ("conference.add", {"conference": "room", "call": "x"}, "call_not_found"),
        ("conference.add", {"conference": "room", "to": "+16025550199"}, "not_supported"),
        ("conference.remove", {"conference": "room", "call": "x"}, "conference_not_found"),
        ("conference.mute", {"conference": "room", "call": "x"}, "conference_not_found"),
        ("conference.destroy", {"conference": "room"}, "conference_not_found"),
        ("monitor.listen", {"call": "x"}, "invalid_params"),
        ("monitor.listen", {"call": "x", "supervisor": "y"}, "call_not_found"),
        ("monitor.stop", {"monitor": "x"}, "monitor_not_found"),
    ],
)
def test_what_makes_no_sense_is_an_error(
    bench: Bench, method: str, params: dict[str, Any], reason: str
) -> None:
    assert bench.ask(method, **params) == reason
    assert bench.ask("conference.list")["total"] == 0


def test_a_caller_who_was_not_answered_is_in_nothing(bench: Bench) -> None:
    call = bench.next_call(DIRECT)
    assert add(bench, call) == "wrong_state"
    own = bench.answered()
    answer = bench.ask("monitor.listen", call=call.call_id, supervisor=own.call_id)
    hears(own.caller, call.caller)
    bench.lab.callee.answer()
    bench.lab.settle()
    hears(own.caller, *parties(call))
    assert answer["call"] == call.call_id
