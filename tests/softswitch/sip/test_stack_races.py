"""Races between the two sides, with each packet of them lost, doubled and late."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from softswitch.sip.dialog import Dialog
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
FATES = {
    "lost": LOST,
    "doubled": DOUBLED,
    "doubled late": DOUBLED_LATE,
    "late": LATE,
    "very late": VERY_LATE,
}


def both_hang_up(link: Link, alice: Agent, bob: Agent) -> None:
    """15: BYEs cross."""
    bob.ring_and_answer()
    alice.call(bob)
    link.at(60, alice.hang_up)
    link.at(60, bob.hang_up)


def both_reinvite(link: Link, alice: Agent, bob: Agent) -> None:
    """14.1: both get 491, wait for different times and succeed."""

    def offer(agent: Agent) -> None:
        assert agent.dialog is not None
        agent.dialog.reinvite(body=OFFER, now=link.now)

    def accept(dialog: Dialog) -> None:
        dialog.accept_reinvite(body=ANSWER, now=link.now)

    bob.ring_and_answer()
    alice.on_reinvite = bob.on_reinvite = accept
    alice.call(bob)
    link.at(60, lambda: offer(alice))
    link.at(60, lambda: offer(bob))
    link.at(120, alice.hang_up)


def cancel_meets_answer(link: Link, alice: Agent, bob: Agent) -> None:
    """9.1: the CANCEL and the 200 are under way at the same time."""
    bob.ring_and_answer(after=1.0)
    alice.call(bob)
    link.at(1.03, alice.cancel)


def cancel_meets_refusal(link: Link, alice: Agent, bob: Agent) -> None:
    """9.2: the CANCEL finds a final answer."""
    bob.on_invite = lambda invite: link.after(1.0, lambda: invite.reject(486, now=link.now))
    alice.call(bob)
    link.at(1.03, alice.cancel)


def reinvite_meets_bye(link: Link, alice: Agent, bob: Agent) -> None:
    """15.1.2: the BYE comes while a re-INVITE is pending."""
    bob.ring_and_answer()
    alice.call(bob)

    def offer() -> None:
        assert bob.dialog is not None
        bob.dialog.reinvite(body=OFFER, now=link.now)

    link.at(60, offer)
    link.at(60.05, alice.hang_up)


def hang_up_meets_answer(link: Link, alice: Agent, bob: Agent) -> None:
    """15: the callee hangs up in the moment it answers, the caller when it hears of that."""

    def answer(_invite: object) -> None:
        assert bob.incoming is not None
        bob.dialog = bob.incoming.accept(body=ANSWER, now=link.now)
        bob.hang_up()

    bob.on_invite = answer
    alice.on_answered = lambda _dialog: alice.hang_up()
    alice.call(bob)


Outcome = tuple[tuple[str, ...], tuple[str, ...]]

# What may happen, each side's facts sorted: the network decides who wins, never that nobody does.
OUTCOMES: dict[Script, set[Outcome]] = {
    both_hang_up: {(("answered", "bye-sent"), ("acked", "bye-sent", "invited"))},
    both_reinvite: {
        (
            ("acked", "answered", "bye-sent", "reinvite answered", "reinvited"),
            ("acked", "acked", "bye-received", "invited", "reinvite answered", "reinvited"),
        )
    },
    cancel_meets_answer: {
        (("rejected 487 cancelled",), ("acked", "bye-received", "invited")),
        (("rejected 487 cancelled",), ("cancelled", "invited")),
        # The ACK came later than the BYE, or its own copy after it.
        (("rejected 487 cancelled",), ("bye-received", "invited")),
    },
    cancel_meets_refusal: {
        (("rejected 486 cancelled",), ("invited",)),
        (("rejected 487 cancelled",), ("cancelled", "invited")),
    },
    reinvite_meets_bye: {
        (("answered", "bye-sent"), ("acked", "bye-received", "invited")),
        (("answered", "bye-sent", "reinvited"), ("acked", "bye-received", "invited")),
        # The 487 for the re-INVITE came before the BYE.
        (
            ("answered", "bye-sent", "reinvited"),
            ("acked", "bye-received", "invited", "reinvite rejected 487"),
        ),
    },
    hang_up_meets_answer: {
        (("answered", "bye-sent"), ("acked", "bye-sent", "invited")),
        (("answered", "bye-sent"), ("bye-received", "invited")),
    },
}


def run(script: Script, fates: dict[PacketName, Fate]) -> tuple[Link, Agent, Agent]:
    link, alice, bob = pair(fates)
    script(link, alice, bob)
    link.run()
    return link, alice, bob


@cache
def packets_of(script: Script) -> tuple[PacketName, ...]:
    return tuple(run(script, {})[0].names())


def check(script: Script, fates: dict[PacketName, Fate]) -> None:
    _, alice, bob = run(script, fates)
    assert (tuple(sorted(alice.facts)), tuple(sorted(bob.facts))) in OUTCOMES[script]
    assert not leftovers(alice, bob)


CASES = [
    pytest.param(script, name, id=f"{script.__name__}-{name}")
    for script in OUTCOMES
    for name in packets_of(script)
]


@pytest.mark.parametrize("script", OUTCOMES, ids=lambda script: script.__name__)
def test_each_race_has_an_end(script: Script) -> None:
    check(script, {})


@pytest.mark.parametrize("fate", FATES)
@pytest.mark.parametrize(("script", "name"), CASES)
def test_one_unlucky_packet_leaves_each_side_with_one_end(
    script: Script, name: PacketName, fate: str
) -> None:
    check(script, {name: FATES[fate]})


@pytest.mark.parametrize(("script", "name"), CASES)
def test_three_lost_packets_leave_each_side_with_one_end(script: Script, name: PacketName) -> None:
    check(script, {PacketName(name.sender, name.what, name.count + n): LOST for n in range(3)})
