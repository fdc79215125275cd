"""Whatever happens at whatever moment of a call: one end, one record, nothing left behind.

`MOMENTS` lead a call to a point where something can still happen; `DEEDS` are what peers, clocks
and operators do there. What must hold afterwards in every case is asserted by the laboratory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests.support.laboratory import (
    ANSWERED_FIRST,
    COMFORT,
    DIRECT,
    FAILOVER,
    LONG_PROMPT,
    MENU,
    PLAY_FAILOVER,
    Laboratory,
    laboratory,
)

Step = Callable[[Laboratory], None]


# Moments of a call.


def invited(lab: Laboratory) -> None:
    """The INVITE is on its way and what follows comes in the same turn of the loop."""
    lab.caller.invite(DIRECT)


def menu_invited(lab: Laboratory) -> None:
    """The same, on a number that is answered at once."""
    lab.caller.invite(MENU)


def dialled(lab: Laboratory) -> None:
    """Our INVITE is out and the far end has said nothing, not even 100."""
    lab.held.add("callee:100 INVITE")
    lab.caller.invite(DIRECT)
    lab.settle()


def dialled_into_silence(lab: Laboratory) -> None:
    """Our INVITE got lost."""
    lab.held.add("switch:INVITE")
    lab.caller.invite(DIRECT)
    lab.settle()


def tried(lab: Laboratory) -> None:
    """The far end has said 100 only."""
    lab.caller.invite(DIRECT)
    lab.settle()


def ringing(lab: Laboratory) -> None:
    tried(lab)
    lab.callee.ring()
    lab.settle()


def early_media(lab: Laboratory) -> None:
    tried(lab)
    lab.callee.ring(183, media=True)
    lab.settle()


def answer_under_way(lab: Laboratory) -> None:
    """The far end has answered, and we have not heard it yet."""
    ringing(lab)
    lab.held.add("callee:200 INVITE")
    lab.callee.answer()
    lab.settle()


def our_answer_under_way(lab: Laboratory) -> None:
    """Our 200 is out and the caller has not heard it yet."""
    ringing(lab)
    lab.held.add("switch:200 INVITE")
    lab.callee.answer()
    lab.settle()


def our_answer_lost(lab: Laboratory) -> None:
    """Our 200 gets lost, again and again."""
    ringing(lab)
    lab.lost.add("switch:200 INVITE")
    lab.callee.answer()
    lab.settle()


def ack_under_way(lab: Laboratory) -> None:
    """The caller has sent its ACK, and we have not heard it yet."""
    ringing(lab)
    lab.held.add("caller:ACK")
    lab.callee.answer()
    lab.settle()


def in_prompt(lab: Laboratory) -> None:
    lab.caller.invite(LONG_PROMPT)
    lab.settle()


def in_question(lab: Laboratory) -> None:
    lab.caller.invite(MENU)
    lab.settle()


def after_question(lab: Laboratory) -> None:
    in_question(lab)
    lab.wait_for_prompts()


def ringback(lab: Laboratory) -> None:
    """The caller is answered and hears ringback, the far end rings."""
    lab.caller.invite(ANSWERED_FIRST)
    lab.wait_for_prompts()
    lab.callee.ring()
    lab.settle()


def comfort_prompt(lab: Laboratory) -> None:
    """The caller hears a prompt while the far end rings."""
    lab.caller.invite(COMFORT)
    lab.settle()
    lab.callee.ring()
    lab.settle()


def early_media_of_answered(lab: Laboratory) -> None:
    ringback(lab)
    lab.callee.ring(183, media=True)
    lab.settle()


def second_destination(lab: Laboratory) -> None:
    lab.caller.invite(FAILOVER)
    lab.settle()
    lab.callee.refuse(503)
    lab.settle()
    lab.callee.ring()
    lab.settle()


def second_destination_of_answered(lab: Laboratory) -> None:
    lab.caller.invite(PLAY_FAILOVER)
    lab.wait_for_prompts()
    lab.callee.ring(183, media=True)
    lab.settle()
    lab.callee.refuse(503)
    lab.settle()


def between_destinations(lab: Laboratory) -> None:
    """The first rang too long; its CANCEL has not arrived while the second is called."""
    lab.held.add("switch:CANCEL")
    lab.caller.invite(FAILOVER)
    lab.settle()
    lab.callee.ring()
    lab.advance(2.5)
    assert len(lab.callee.calls) == 2
    lab.callee.calls.reverse()


def refused_between_destinations(lab: Laboratory) -> None:
    """The first has refused, and we have not heard it yet."""
    lab.held.add("callee:503 INVITE")
    lab.caller.invite(FAILOVER)
    lab.settle()
    lab.callee.refuse(503)
    lab.settle()


def bridged(lab: Laboratory) -> None:
    ringing(lab)
    lab.callee.answer()
    lab.settle()
    assert lab.call.bridged


def held(lab: Laboratory) -> None:
    bridged(lab)
    lab.caller.reinvite("sendonly")
    lab.settle()
    assert lab.kinds()[-1] == "leg.held"


def caller_reinvites(lab: Laboratory) -> None:
    """A hold of the caller is answered, and its ACK under way."""
    bridged(lab)
    lab.held.add("caller:ACK")
    lab.caller.reinvite("inactive")
    lab.settle()


def callee_reinvites(lab: Laboratory) -> None:
    """A hold of the far end is passed on, and the caller's answer under way."""
    bridged(lab)
    lab.held.add("caller:200 INVITE")
    lab.callee.reinvite("sendonly")
    lab.settle()


def callee_does_not_answer_reinvite(lab: Laboratory) -> None:
    """A hold of the caller is passed on to a far end that leaves it open."""
    bridged(lab)
    lab.callee.answers_reinvites = False
    lab.caller.reinvite("sendonly")
    lab.settle()


def offer_left_to_us(lab: Laboratory) -> None:
    """A re-INVITE without an offer has ours in its answer, and its ACK is under way."""
    bridged(lab)
    lab.held.add("caller:ACK")
    lab.caller.reinvite(body=b"")
    lab.settle()


def draining(lab: Laboratory) -> None:
    bridged(lab)
    drain(lab)


def draining_while_it_rings(lab: Laboratory) -> None:
    ringing(lab)
    drain(lab)


MOMENTS: tuple[Step, ...] = (
    invited, menu_invited, dialled, dialled_into_silence, tried, ringing, early_media,
    answer_under_way, our_answer_under_way, our_answer_lost, ack_under_way, in_prompt,
    in_question, after_question, ringback, comfort_prompt, early_media_of_answered,
    second_destination, second_destination_of_answered, between_destinations,
    refused_between_destinations, bridged, held, caller_reinvites, callee_reinvites,
    callee_does_not_answer_reinvite, offer_left_to_us, draining, draining_while_it_rings,
)  # fmt: skip


# Deeds.


def caller_leaves(lab: Laboratory) -> None:
    """CANCEL before the answer, BYE after it."""
    lab.caller.cancel()
    lab.caller.hang_up()


def callee_leaves(lab: Laboratory) -> None:
    """BYE after the answer, a refusal before it."""
    lab.callee.hang_up()
    lab.callee.refuse(486)


def callee_answers(lab: Laboratory) -> None:
    lab.callee.answer()


def callee_answers_and_leaves(lab: Laboratory) -> None:
    lab.callee.answer()
    lab.callee.hang_up()


def callee_answers_nonsense(lab: Laboratory) -> None:
    lab.callee.answer(body=b"this is no description")


def callee_refuses(lab: Laboratory) -> None:
    lab.callee.refuse(503)


def key_pressed(lab: Laboratory) -> None:
    for call in list(lab.switchboard.calls.values()):
        call.caller.on_digit("1")


def both_reinvite(lab: Laboratory) -> None:
    lab.caller.reinvite("sendonly")
    lab.callee.reinvite("inactive")


def caller_resumes(lab: Laboratory) -> None:
    lab.caller.reinvite("sendrecv")


def call_lasts_too_long(lab: Laboratory) -> None:
    for call in list(lab.switchboard.calls.values()):
        call.limit(0.0)


def clock_jumps(lab: Laboratory) -> None:
    """A minute without media, and all timers late."""
    lab.loop.jump(66.0)


def seconds_pass(lab: Laboratory) -> None:
    lab.advance(2.6)


def drain(lab: Laboratory) -> None:
    """SIGTERM, with a grace period of a second."""
    lab.begin(lab.switchboard.drain(1.0))


def everything_ends(lab: Laboratory) -> None:
    """The second SIGTERM."""
    lab.do(lambda: lab.switchboard.end_all("shutdown"))


DEEDS: tuple[Step, ...] = (
    caller_leaves, callee_leaves, callee_answers, callee_answers_and_leaves,
    callee_answers_nonsense, callee_refuses, key_pressed, both_reinvite, caller_resumes,
    call_lasts_too_long, clock_jumps, seconds_pass, drain, everything_ends,
)  # fmt: skip


def play(folder: Path, moment: Step, *deeds: Step) -> list[dict[str, Any]]:
    """Lead a call to the moment, do the deeds all at once, and give what was recorded."""
    with laboratory(folder) as lab:
        moment(lab)
        for deed in deeds:
            deed(lab)
        lab.settle()
        lab.lost.clear()
        lab.release()
        lab.advance(1.5)
        # Whatever still goes on is ended by the caller.
        caller_leaves(lab)
        lab.advance(6)
        lab.inspect()
        return lab.all_records()


CALLING = {("calling", "hung_up"), ("calling", "cancelled")}
CALLED = {("called", "hung_up"), ("called", "rejected")}
ENDS: Mapping[Step, set[tuple[str, str]]] = {
    caller_leaves: CALLING,
    callee_leaves: CALLED,
    callee_answers_and_leaves: CALLED,
    callee_refuses: CALLED,
    callee_answers_nonsense: {("switch", "rejected")},
    call_lasts_too_long: {("switch", "max_duration")},
    clock_jumps: {
        ("switch", "no_media"), ("switch", "no_answer"), ("switch", "leg_lost"),
        ("switch", "rejected"),
    },
    seconds_pass: {("switch", "no_answer")},
    drain: {("switch", "drained")},
    everything_ends: {("switch", "shutdown")},
}  # fmt: skip
"""How a deed may end a call. Where it does not, the caller ends it, or what the moment began."""

BEGUN: Mapping[Step, set[tuple[str, str]]] = {
    between_destinations: {("switch", "no_answer")},
    draining: {("switch", "drained")},
    draining_while_it_rings: {("switch", "drained")},
}

ALWAYS = {caller_leaves, call_lasts_too_long, everything_ends}
"""Deeds that end every call there is."""


@pytest.mark.parametrize("deed", DEEDS, ids=lambda step: step.__name__)
@pytest.mark.parametrize("moment", MOMENTS, ids=lambda step: step.__name__)
def test_one_deed_at_any_moment_leaves_one_record(moment: Step, deed: Step, tmp_path: Path) -> None:
    (record,) = play(tmp_path, moment, deed)
    end = (record["ended_by"], record["cause"])
    allowed = ENDS.get(deed, set())
    # Before the INVITE has arrived there is no call that a clock or an operator could end.
    if deed not in ALWAYS or moment in (invited, menu_invited):
        allowed = allowed | CALLING | BEGUN.get(moment, set())
    assert end in allowed


def test_a_far_end_that_leaves_a_bridged_call_has_ended_it(tmp_path: Path) -> None:
    for moment in (bridged, held, caller_reinvites, draining, our_answer_under_way):
        (record,) = play(tmp_path / moment.__name__, moment, callee_leaves)
        assert (record["ended_by"], record["cause"]) == ("called", "hung_up")


CROSSINGS = (
    (caller_leaves, callee_leaves),
    (callee_leaves, caller_leaves),
    (caller_leaves, callee_answers),
    (callee_answers, caller_leaves),
    (callee_answers, everything_ends),
    (callee_answers_and_leaves, caller_leaves),
    (caller_leaves, everything_ends),
    (both_reinvite, caller_leaves),
    (both_reinvite, callee_leaves),
    (key_pressed, caller_leaves),
)


@pytest.mark.parametrize("deeds", CROSSINGS, ids=lambda steps: "_".join(s.__name__ for s in steps))
def test_two_deeds_that_cross_leave_one_record(deeds: tuple[Step, Step], tmp_path: Path) -> None:
    for moment in MOMENTS:
        assert len(play(tmp_path / moment.__name__, moment, *deeds)) == 1


@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.parametrize("moment", MOMENTS, ids=lambda step: step.__name__)
def test_any_two_deeds_at_any_moment_leave_one_record(moment: Step, tmp_path: Path) -> None:
    for number, deeds in enumerate(product(DEEDS, DEEDS)):
        records = play(tmp_path / str(number), moment, *deeds)
        assert len(records) == 1, [deed.__name__ for deed in deeds]
