"""Every exchange with each of its packets lost, doubled and late: one outcome, no leftovers."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from softswitch.sip.dialog import Dialog
from softswitch.sip.events import InviteAnswered, InviteRejected, ProvisionalReceived
from tests.support.agents import ANSWER, OFFER, Agent, leftovers, pair
from tests.support.link import (
    DOUBLED,
    DOUBLED_LATE,
    LATE,
    LOST,
    VERY_LATE,
    Fate,
    Link,
    PacketName,
)

Script = Callable[[Link, Agent, Agent], None]
Facts = tuple[list[str], list[str]]


def caller_hangs_up(link: Link, alice: Agent, bob: Agent) -> None:
    bob.ring_and_answer()
    alice.on_answered = lambda _dialog: link.after(10, alice.hang_up)
    alice.call(bob)


def callee_hangs_up(link: Link, alice: Agent, bob: Agent) -> None:
    bob.ring_and_answer()
    bob.on_acked = lambda _dialog: link.after(10, bob.hang_up)
    alice.call(bob)


def callee_hangs_up_at_once(link: Link, alice: Agent, bob: Agent) -> None:
    def answer_and_leave(invite: object) -> None:
        assert bob.incoming is not None
        bob.dialog = bob.incoming.accept(body=ANSWER, now=link.now)
        bob.hang_up()

    bob.on_invite = answer_and_leave
    alice.call(bob)


def refused(link: Link, alice: Agent, bob: Agent) -> None:
    bob.on_invite = lambda invite: link.after(1, lambda: invite.reject(486, now=link.now))
    alice.call(bob)


def refused_at_once(link: Link, alice: Agent, bob: Agent) -> None:
    bob.on_invite = lambda invite: invite.reject(404, now=link.now)
    alice.call(bob)


def cancelled_while_ringing(link: Link, alice: Agent, bob: Agent) -> None:
    bob.on_invite = lambda invite: invite.provisional(180, now=link.now)
    alice.call(bob)
    link.at(10, alice.cancel)


def cancelled_before_any_answer(link: Link, alice: Agent, bob: Agent) -> None:
    alice.call(bob)
    alice.cancel()


def delayed_offer(link: Link, alice: Agent, bob: Agent) -> None:
    bob.ring_and_answer(body=OFFER)

    def answer_later(dialog: Dialog) -> None:
        link.after(0.8, lambda: dialog.acknowledge(body=ANSWER, now=link.now))
        link.after(10, alice.hang_up)

    alice.on_answered = answer_later
    alice.call(bob, body=b"")


def caller_reinvites(link: Link, alice: Agent, bob: Agent) -> None:
    bob.ring_and_answer()
    bob.on_reinvite = lambda dialog: link.after(
        0.3, lambda: dialog.accept_reinvite(body=ANSWER, now=link.now)
    )
    alice.on_answered = lambda dialog: link.after(
        10, lambda: dialog.reinvite(body=OFFER, now=link.now)
    )
    alice.on_reinvite_done = lambda _dialog: link.after(10, alice.hang_up)
    alice.call(bob)


def callee_reinvites(link: Link, alice: Agent, bob: Agent) -> None:
    bob.ring_and_answer()
    alice.on_reinvite = lambda dialog: dialog.accept_reinvite(body=ANSWER, now=link.now)
    bob.on_acked = lambda dialog: link.after(10, lambda: dialog.reinvite(body=OFFER, now=link.now))
    bob.on_reinvite_done = lambda _dialog: link.after(10, bob.hang_up)
    alice.call(bob)


def reinvite_without_offer(link: Link, alice: Agent, bob: Agent) -> None:
    bob.ring_and_answer()
    bob.on_reinvite = lambda dialog: dialog.accept_reinvite(body=OFFER, now=link.now)
    alice.on_answered = lambda dialog: link.after(
        10, lambda: dialog.reinvite(body=b"", now=link.now)
    )

    def answer(dialog: Dialog) -> None:
        link.after(0.3, lambda: dialog.acknowledge(body=ANSWER, now=link.now))
        link.after(10, alice.hang_up)

    alice.on_reinvite_done = answer
    alice.call(bob)


def reinvite_refused(link: Link, alice: Agent, bob: Agent) -> None:
    bob.ring_and_answer()
    bob.on_reinvite = lambda dialog: dialog.reject_reinvite(488, now=link.now)
    alice.on_answered = lambda dialog: link.after(
        10, lambda: dialog.reinvite(body=OFFER, now=link.now)
    )
    alice.on_reinvite_done = lambda _dialog: link.after(10, alice.hang_up)
    alice.call(bob)


def caller_refers(link: Link, alice: Agent, bob: Agent) -> None:
    bob.ring_and_answer()
    bob.take_refer((0.0, 100, False), (8.0, 200, True))
    alice.on_answered = lambda _dialog: link.after(10, alice.refer)
    alice.on_refer_ended = lambda: link.after(10, alice.hang_up)
    alice.call(bob)


def callee_refers_before_the_ack(link: Link, alice: Agent, bob: Agent) -> None:
    def answer_and_refer(_invite: object) -> None:
        assert bob.incoming is not None
        bob.dialog = bob.incoming.accept(body=ANSWER, now=link.now)
        bob.refer()

    bob.on_invite = answer_and_refer
    alice.take_refer((8.0, 200, True))
    bob.on_refer_ended = lambda: link.after(10, bob.hang_up)
    alice.call(bob)


def refer_that_comes_to_nothing(link: Link, alice: Agent, bob: Agent) -> None:
    bob.ring_and_answer()
    bob.take_refer((0.0, 180, False), (8.0, 486, True))
    alice.on_answered = lambda _dialog: link.after(10, alice.refer)
    alice.on_refer_ended = lambda: link.after(10, alice.hang_up)
    alice.call(bob)


def refer_refused(link: Link, alice: Agent, bob: Agent) -> None:
    bob.ring_and_answer()
    bob.on_refer = lambda request: request.respond(603, now=link.now)
    alice.on_answered = lambda _dialog: link.after(10, alice.refer)
    alice.on_refer_ended = lambda: link.after(10, alice.hang_up)
    alice.call(bob)


def refer_never_told(link: Link, alice: Agent, bob: Agent) -> None:
    bob.ring_and_answer()
    bob.take_refer()
    alice.on_answered = lambda _dialog: link.after(10, alice.refer)
    alice.call(bob)
    link.at(60, alice.hang_up)


def transferee_leaves(link: Link, alice: Agent, bob: Agent) -> None:
    bob.ring_and_answer()
    bob.take_refer((0.0, 100, False))
    alice.on_answered = lambda _dialog: link.after(10, alice.refer)
    alice.call(bob)
    link.at(30, bob.hang_up)


SCRIPTS: dict[str, Script] = {
    script.__name__: script
    for script in (
        caller_hangs_up,
        callee_hangs_up,
        callee_hangs_up_at_once,
        refused,
        refused_at_once,
        cancelled_while_ringing,
        cancelled_before_any_answer,
        delayed_offer,
        caller_reinvites,
        callee_reinvites,
        reinvite_without_offer,
        reinvite_refused,
        caller_refers,
        callee_refers_before_the_ack,
        refer_that_comes_to_nothing,
        refer_refused,
        refer_never_told,
        transferee_leaves,
    )
}

FATES: dict[str, Fate] = {
    "lost": LOST,
    "doubled": DOUBLED,
    "doubled late": DOUBLED_LATE,
    "late": LATE,
    "very late": VERY_LATE,
}


def run(script: str, fates: dict[PacketName, Fate]) -> tuple[Link, Agent, Agent]:
    link, alice, bob = pair(fates)
    SCRIPTS[script](link, alice, bob)
    link.run()
    return link, alice, bob


EXPECTED: dict[str, Facts] = {
    "caller_hangs_up": (["answered", "bye-sent"], ["invited", "acked", "bye-received"]),
    "callee_hangs_up": (["answered", "bye-received"], ["invited", "acked", "bye-sent"]),
    "callee_hangs_up_at_once": (["answered", "bye-received"], ["invited", "acked", "bye-sent"]),
    "refused": (["rejected 486 response"], ["invited"]),
    "refused_at_once": (["rejected 404 response"], ["invited"]),
    "cancelled_while_ringing": (["rejected 487 cancelled"], ["invited", "cancelled"]),
    "cancelled_before_any_answer": (["rejected 487 cancelled"], ["invited", "cancelled"]),
    "delayed_offer": (
        ["answered", "bye-sent"],
        ["invited", "acked v=0 s=answer", "bye-received"],
    ),
    "caller_reinvites": (
        ["answered", "reinvite answered", "bye-sent"],
        ["invited", "acked", "reinvited", "acked", "bye-received"],
    ),
    "callee_reinvites": (
        ["answered", "reinvited", "acked", "bye-received"],
        ["invited", "acked", "reinvite answered", "bye-sent"],
    ),
    "reinvite_without_offer": (
        ["answered", "reinvite answered", "bye-sent"],
        ["invited", "acked", "reinvited", "acked v=0 s=answer", "bye-received"],
    ),
    "reinvite_refused": (
        ["answered", "reinvite rejected 488", "bye-sent"],
        ["invited", "acked", "reinvited", "bye-received"],
    ),
    "caller_refers": (
        ["answered", "refer told 200", "bye-sent"],
        ["invited", "acked", "asked REFER", "bye-received"],
    ),
    "callee_refers_before_the_ack": (
        ["answered", "asked REFER", "bye-received"],
        ["invited", "acked", "refer told 200", "bye-sent"],
    ),
    "refer_that_comes_to_nothing": (
        ["answered", "refer told 486", "bye-sent"],
        ["invited", "acked", "asked REFER", "bye-received"],
    ),
    "refer_refused": (
        ["answered", "refer refused 603", "bye-sent"],
        ["invited", "acked", "asked REFER", "bye-received"],
    ),
    "refer_never_told": (
        ["answered", "bye-sent"],
        ["invited", "acked", "asked REFER", "bye-received"],
    ),
    "transferee_leaves": (
        ["answered", "bye-received"],
        ["invited", "acked", "asked REFER", "bye-sent"],
    ),
}


@cache
def packets_of(script: str) -> tuple[PacketName, ...]:
    return tuple(run(script, {})[0].names())


CASES = [
    pytest.param(script, name, id=f"{script}-{name}")
    for script in SCRIPTS
    for name in packets_of(script)
]


def assert_provisionals_come_first(agent: Agent) -> None:
    """13.2.2: no 1xx is told after the final answer, of which there is one."""
    finals = [
        index
        for index, event in enumerate(agent.events)
        if isinstance(event, InviteAnswered | InviteRejected)
    ]
    assert len(finals) == 1
    assert not any(isinstance(event, ProvisionalReceived) for event in agent.events[finals[0] :])


def check(script: str, fates: dict[PacketName, Fate]) -> None:
    link, alice, bob = run(script, fates)
    assert (alice.facts, bob.facts) == EXPECTED[script]
    assert_provisionals_come_first(alice)
    assert not leftovers(alice, bob)
    assert link.now < 200


@pytest.mark.parametrize("script", SCRIPTS)
def test_each_exchange_runs_clean(script: str) -> None:
    check(script, {})


@pytest.mark.parametrize("script", SCRIPTS)
def test_each_exchange_runs_over_streams(script: str) -> None:
    link, alice, bob = pair(transport="tcp")
    SCRIPTS[script](link, alice, bob)
    link.run()
    assert (alice.facts, bob.facts) == EXPECTED[script]
    assert not leftovers(alice, bob)
    retransmitted = {name.what for name in link.names() if name.count > 2} - {"200 INVITE"}
    assert not retransmitted


@pytest.mark.parametrize("fate", FATES)
@pytest.mark.parametrize(("script", "name"), CASES)
def test_one_unlucky_packet_changes_no_outcome(script: str, name: PacketName, fate: str) -> None:
    check(script, {name: FATES[fate]})


@pytest.mark.parametrize(("script", "name"), CASES)
def test_a_packet_lost_three_times_changes_no_outcome(script: str, name: PacketName) -> None:
    again = {PacketName(name.sender, name.what, name.count + more): LOST for more in range(3)}
    check(script, again)
