"""Calls whose parties were moved, replaced or sent elsewhere are freed without the collector."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path

import pytest

from softswitch.call.attended import transfer_to_leg
from softswitch.sip.dialog import Dialog
from softswitch.sip.events import RequestReceived
from tests.softswitch.call.test_leaks import alive
from tests.support.laboratory import DIRECT, SWITCH, Laboratory
from tests.support.referring import THIRD, Referring, referring, replaces
from tests.support.treated import answer, refuse, ring


def last(lab: Laboratory) -> int:
    """The place of the last INVITE that reached the far end."""
    return len(lab.callee.calls) - 1


def moved(bench: Referring) -> None:
    _, agent = bench.bridge()
    bench.refer(agent)
    ring(bench.lab, last(bench.lab))
    answer(bench.lab, last(bench.lab))
    bench.lab.caller.hang_up()


def moved_by_the_caller(bench: Referring) -> None:
    caller, _ = bench.bridge()
    bench.refer(caller)
    answer(bench.lab, last(bench.lab))
    bench.lab.callee.dialogs[-1].bye(now=bench.lab.loop.time())
    bench.flush()


def given_back(bench: Referring) -> None:
    _, agent = bench.bridge()
    bench.refer(agent)
    refuse(bench.lab, last(bench.lab), 486)
    bench.lab.caller.hang_up()


def left_while_it_rings(bench: Referring) -> None:
    _, agent = bench.bridge()
    bench.refer(agent)
    ring(bench.lab, last(bench.lab))
    bench.lab.caller.hang_up()


def nobody_listens(bench: Referring) -> None:
    bench.lab.lost.add("callee:200 NOTIFY")
    moved(bench)
    bench.lab.settle()
    bench.lab.lost.clear()


def refused(bench: Referring) -> None:
    _, agent = bench.bridge()
    bench.refer(agent, "tel:+18005550177")
    bench.lab.caller.hang_up()


def joined(bench: Referring) -> None:
    _, agent = bench.bridge()
    consulting, _ = bench.consult()
    bench.refer(agent, bench.replacing(consulting))
    bench.lab.caller.hang_up()


def taken_over(bench: Referring) -> None:
    lab = bench.lab
    _, agent = bench.bridge()
    lab.callee.invite(DIRECT, headers=(("Replaces", replaces(agent)),))
    lab.settle()
    lab.caller.hang_up()


def picked_up(bench: Referring) -> None:
    lab = bench.lab
    lab.caller.invite(DIRECT)
    lab.settle()
    ring(lab, last(lab))
    ringing = lab.callee.calls[-1].dialog
    assert ringing is not None
    lab.callee.invite(DIRECT, headers=(("Replaces", replaces(ringing)),))
    lab.settle()
    lab.caller.hang_up()


def sent_elsewhere(bench: Referring) -> None:
    lab = bench.lab
    lab.caller.invite(DIRECT)
    lab.settle()
    contact = (("Contact", f"<sip:{THIRD}@{SWITCH}>"),)
    lab.callee.calls[-1].reject(302, headers=contact, now=lab.loop.time())
    bench.flush()
    answer(lab, last(lab))
    lab.caller.hang_up()


def sent(bench: Referring, status: int) -> tuple[Dialog, Dialog]:
    """The switch sends the caller to the agent's other party; the phone's answer. The dialogs of
    the two."""
    lab = bench.lab
    caller, _ = bench.bridge()
    first = lab.call
    _, other = bench.consult()
    (second,) = [call for call in lab.switchboard.calls.values() if call is not first]
    leg, aim = first.caller, second.callee
    assert aim is not None

    async def send() -> None:
        await transfer_to_leg(leg, aim, 10)

    lab.begin(send())
    lab.settle()
    refer = next(one for one in lab.caller.events if isinstance(one, RequestReceived))
    refer.transaction.respond(status, now=lab.loop.time())
    bench.flush()
    return caller, other


def sent_to_another_call(bench: Referring) -> None:
    for dialog in sent(bench, 202):
        dialog.bye(now=bench.lab.loop.time())
        bench.flush()


def sent_and_refused(bench: Referring) -> None:
    for dialog in sent(bench, 603):
        dialog.bye(now=bench.lab.loop.time())
        bench.flush()


def sent_and_never_told_of(bench: Referring) -> None:
    _, other = sent(bench, 202)
    other.bye(now=bench.lab.loop.time())
    bench.flush()
    bench.lab.advance(11)
    bench.lab.caller.hang_up()


FATES: tuple[Callable[[Referring], None], ...] = (
    moved, moved_by_the_caller, given_back, left_while_it_rings, nobody_listens, refused, joined,
    taken_over, picked_up, sent_elsewhere, sent_to_another_call, sent_and_refused,
    sent_and_never_told_of,
)  # fmt: skip


@pytest.mark.parametrize("fate", FATES, ids=lambda fate: fate.__name__)
def test_a_call_is_freed_without_the_collector(
    tmp_path: Path, fate: Callable[[Referring], None]
) -> None:
    with referring(tmp_path / "data") as bench:
        lab = bench.lab
        fate(bench)
        lab.inspect()
        lab.forget_peers()
        gc.collect()
        gc.disable()
        try:
            before = alive()
            fate(bench)
            lab.inspect()
            lab.forget_peers()
            assert alive() == before
        finally:
            gc.enable()
