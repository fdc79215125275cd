"""Hundreds of calls of mixed fates through one switch: nothing of them stays alive."""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

import softswitch.call.call
import softswitch.call.called_leg
import softswitch.call.calling_leg
import softswitch.call.leg_media
import softswitch.sip.dialog
import softswitch.sip.invite_client
import softswitch.sip.invite_server
from softswitch.call.call import Call
from softswitch.call.called_leg import CalledLeg
from softswitch.call.outcomes import Answered
from tests.support.laboratory import (
    ANSWERED_FIRST,
    COMFORT,
    DIRECT,
    FAILOVER,
    LONG_PROMPT,
    MENU,
    Laboratory,
    laboratory,
)
from tests.support.treated import answer, requests_to, ring, treated

KINDS: tuple[tuple[ModuleType, str], ...] = (
    (softswitch.call.call, "Call"),
    (softswitch.call.calling_leg, "CallingLeg"),
    (softswitch.call.called_leg, "CalledLeg"),
    (softswitch.call.leg_media, "LegMedia"),
    (softswitch.sip.dialog, "Dialog"),
    (softswitch.sip.invite_client, "OutgoingInvite"),
    (softswitch.sip.invite_server, "IncomingInvite"),
)


def alive() -> dict[str, int]:
    """How many objects of a call's life there are in the process."""
    kinds = {getattr(module, name): name for module, name in KINDS}
    found = dict.fromkeys(kinds.values(), 0)
    for thing in gc.get_objects():
        name = kinds.get(type(thing))
        if name is not None:
            found[name] += 1
    return found


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def answered(lab: Laboratory) -> None:
    lab.caller.invite(DIRECT)
    lab.settle()
    lab.callee.ring()
    lab.settle()
    lab.callee.answer()
    lab.settle()


def caller_hangs_up(lab: Laboratory) -> None:
    answered(lab)
    lab.caller.hang_up()


def callee_hangs_up_on_hold(lab: Laboratory) -> None:
    answered(lab)
    lab.caller.reinvite("sendonly")
    lab.settle()
    lab.callee.hang_up()


def cancelled(lab: Laboratory) -> None:
    lab.caller.invite(COMFORT)
    lab.caller.cancel()


def cancelled_ringing(lab: Laboratory) -> None:
    lab.caller.invite(DIRECT)
    lab.settle()
    lab.callee.ring(183, media=True)
    lab.settle()
    lab.caller.cancel()


def busy(lab: Laboratory) -> None:
    lab.caller.invite(FAILOVER)
    lab.settle()
    lab.callee.refuse(486)


def nobody_answers(lab: Laboratory) -> None:
    lab.caller.invite(FAILOVER)
    lab.advance(5)


def silent_in_the_menu(lab: Laboratory) -> None:
    lab.caller.invite(MENU)
    before = lab.kinds().count("prompt.ended")
    lab.wait_for(lambda: lab.kinds().count("prompt.ended") > before)
    lab.caller.hang_up()


def leaves_in_the_prompt(lab: Laboratory) -> None:
    lab.caller.invite(LONG_PROMPT)
    lab.settle()
    lab.caller.hang_up()


def ended_by_the_switch(lab: Laboratory) -> None:
    lab.caller.invite(ANSWERED_FIRST)
    lab.settle()
    lab.do(lambda: lab.switchboard.end_all("test"))


def never_acknowledged(lab: Laboratory) -> None:
    lab.lost.add("caller:ACK")
    answered(lab)
    lab.advance(40)
    lab.lost.clear()


def refused(lab: Laboratory) -> None:
    lab.caller.invite("999999")


def rung_together(lab: Laboratory) -> None:
    """A group of three: one is asked and does not take it, one does, one is cancelled."""

    async def ask(leg: CalledLeg) -> bool:
        return await leg.next_digit(5) == "1"

    async def treatment(call: Call) -> None:
        outcome = await call.dial_all(requests_to(lab, 3), screen=ask)
        assert isinstance(outcome, Answered)
        call.bridge(outcome.leg)
        await call.talk()

    with treated(treatment):
        lab.caller.invite(DIRECT)
        lab.settle()
    answer(lab, 0)
    answer(lab, 1)
    for leg, digit in zip(list(lab.call._legs)[1:], "21", strict=False):
        leg.on_digit(digit)
        lab.settle()
    del leg
    assert lab.call.bridged
    lab.caller.hang_up()


def group_given_up(lab: Laboratory) -> None:
    async def treatment(call: Call) -> None:
        await call.dial_all(requests_to(lab, 3))

    with treated(treatment):
        lab.caller.invite(DIRECT)
        lab.settle()
    ring(lab, 1)
    lab.caller.cancel()


def sent_elsewhere_in_vain(lab: Laboratory) -> None:
    async def treatment(call: Call) -> None:
        with call.secret():
            await call.answer()
        await call.transfer("sip:other@192.0.2.1", within=2)

    with treated(treatment):
        lab.caller.invite(DIRECT)
        lab.settle()
    lab.advance(3)


FATES: tuple[Callable[[Laboratory], None], ...] = (
    caller_hangs_up, callee_hangs_up_on_hold, cancelled, cancelled_ringing, busy, nobody_answers,
    silent_in_the_menu, leaves_in_the_prompt, ended_by_the_switch, never_acknowledged, refused,
    rung_together, group_given_up, sent_elsewhere_in_vain,
)  # fmt: skip


def run_calls(lab: Laboratory, count: int) -> None:
    choose = random.Random(4711)
    for number in range(count):
        fate = FATES[number] if number < len(FATES) else choose.choice(FATES)
        lab.forget_peers()
        fate(lab)
        lab.settle()
        lab.advance(0.1)
        assert not lab.switchboard.calls, fate.__name__


def inspect_for_leaks(folder: Path, count: int) -> None:
    gc.collect()
    before = alive()
    open_before = descriptors()
    with laboratory(folder, rest_seconds=0.05, pairs=200) as lab:
        run_calls(lab, len(FATES))
        lab.inspect()
        open_warm = descriptors()
        run_calls(lab, count)
        lab.inspect()
        lab.forget_peers()
        lab.wait_for(lambda: lab.engine.counters.ports_resting == 0)
        gc.collect()
        assert alive() == before
        assert not asyncio.all_tasks(lab.loop)
        assert lab.engine.counters.ports_free == lab.engine.counters.ports_total
        # Port pairs may keep their sockets; nothing else may grow.
        assert descriptors() <= open_warm + 4 * lab.engine.counters.ports_total
    assert descriptors() == open_before


@pytest.mark.timeout(120)
def test_three_hundred_calls_leave_no_object_alive(tmp_path: Path) -> None:
    inspect_for_leaks(tmp_path, 300)


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_thousands_of_calls_leave_no_object_alive(tmp_path: Path) -> None:
    inspect_for_leaks(tmp_path, 5000)


@pytest.mark.parametrize("fate", FATES, ids=lambda fate: fate.__name__)
def test_a_call_is_freed_without_the_collector(
    lab: Laboratory, fate: Callable[[Laboratory], None]
) -> None:
    """A busy switch has its collector look seldom: no cycle may outlive a call."""
    fate(lab)
    lab.inspect()
    lab.forget_peers()
    gc.collect()
    gc.disable()
    try:
        before = alive()
        fate(lab)
        lab.inspect()
        lab.forget_peers()
        assert alive() == before
    finally:
        gc.enable()
