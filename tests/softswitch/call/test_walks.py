"""Random walks: two peers, a bad network and an operator do what they like to one call.

Whatever comes of it, `Laboratory.inspect` holds: nothing raised, one end, one record whose seconds
add up, events numbered without gaps, every leg ended once, nothing left behind.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.laboratory import (
    AFTERWARDS,
    ANSWERED_FIRST,
    COMFORT,
    DIRECT,
    FAILOVER,
    LONG_PROMPT,
    MENU,
    PLAY_FAILOVER,
    SHORT_TALK,
    Laboratory,
    laboratory,
)

Act = Callable[[Laboratory], object]


def press(lab: Laboratory, digit: str) -> None:
    for call in list(lab.switchboard.calls.values()):
        lab.do(partial(call.caller.on_digit, digit))


def ring(lab: Laboratory, status: int, *, media: bool = False) -> None:
    if lab.callee.calls:
        lab.callee.ring(status, media=media)


def limit(lab: Laboratory) -> None:
    for call in list(lab.switchboard.calls.values()):
        call.limit(1.0)


def earlier_destination(lab: Laboratory) -> None:
    """What comes next from the far end is about the destination before."""
    lab.callee.calls[:] = [*lab.callee.calls[-1:], *lab.callee.calls[:-1]]


def hold(lab: Laboratory, name: str) -> None:
    lab.held.add(name)


def lose(lab: Laboratory, name: str) -> None:
    lab.lost.add(name)


def mend(lab: Laboratory) -> None:
    lab.lost.clear()
    lab.release()


PEERS: Mapping[str, Act] = {
    "caller cancels": lambda lab: lab.caller.cancel(),
    "caller hangs up": lambda lab: lab.caller.hang_up(),
    "caller holds": lambda lab: lab.caller.reinvite("sendonly"),
    "caller mutes": lambda lab: lab.caller.reinvite("inactive"),
    "caller resumes": lambda lab: lab.caller.reinvite("sendrecv"),
    "caller asks for an offer": lambda lab: lab.caller.reinvite(body=b""),
    "caller offers nonsense": lambda lab: lab.caller.reinvite(body=b"nonsense"),
    "caller presses 1": lambda lab: press(lab, "1"),
    "caller presses 2": lambda lab: press(lab, "2"),
    "caller presses #": lambda lab: press(lab, "#"),
    "callee rings": lambda lab: ring(lab, 180),
    "callee sends early media": lambda lab: ring(lab, 183, media=True),
    "callee drops a fork": lambda lab: ring(lab, 199),
    "callee answers": lambda lab: lab.callee.answer(),
    "callee answers without a description": lambda lab: lab.callee.answer(body=b""),
    "callee answers nonsense": lambda lab: lab.callee.answer(body=b"nonsense"),
    "callee is busy": lambda lab: lab.callee.refuse(486),
    "callee is down": lambda lab: lab.callee.refuse(503),
    "callee has moved": lambda lab: lab.callee.refuse(302),
    "callee hangs up": lambda lab: lab.callee.hang_up(),
    "callee holds": lambda lab: lab.callee.reinvite("sendonly"),
    "callee resumes": lambda lab: lab.callee.reinvite("sendrecv"),
    "the destination before speaks": earlier_destination,
}
METHODS = ("INVITE", "ACK", "BYE", "CANCEL", "100 INVITE", "180 INVITE", "200 INVITE", "487 INVITE",
           "491 INVITE", "200 BYE", "200 CANCEL", "OPTIONS", "200 OPTIONS",
           "481 OPTIONS")  # fmt: skip
NETWORK: Mapping[str, Act] = {
    **{
        f"{verb.__name__} {side}:{method}": partial(verb, name=f"{side}:{method}")
        for verb in (hold, lose)
        for side in ("switch", "caller", "callee")
        for method in METHODS
    },
    "the network is mended": mend,
}
TIME: Mapping[str, Act] = {
    "all is delivered": lambda lab: lab.settle(),
    "a moment passes": lambda lab: lab.advance(0.3),
    "a second passes": lambda lab: lab.advance(1.1),
    "seconds pass": lambda lab: lab.advance(3.3),
    "timers run out": lambda lab: lab.advance(33),
    "the clock jumps": lambda lab: lab.loop.jump(66),
    "a limit is set": limit,
}
END: Mapping[str, Act] = {
    "drain": lambda lab: lab.begin(lab.switchboard.drain(2.0)),
    "end all": lambda lab: lab.do(lambda: lab.switchboard.end_all("shutdown")),
}
ACTS: Mapping[str, Act] = {**PEERS, **NETWORK, **TIME, **END}

NUMBERS = (
    DIRECT, MENU, FAILOVER, ANSWERED_FIRST, LONG_PROMPT, COMFORT, SHORT_TALK, PLAY_FAILOVER,
    AFTERWARDS,
)  # fmt: skip


def names(acts: Mapping[str, Act]) -> st.SearchStrategy[str]:
    return st.sampled_from(sorted(acts))


steps = st.lists(
    st.one_of(names(PEERS), names(PEERS), names(TIME), st.just("all is delivered"),
              names(NETWORK), names(ACTS)),
    max_size=30,
)  # fmt: skip
walks = given(number=st.sampled_from(NUMBERS), offers=st.booleans(), walk=steps)


def walk_through(number: str, offers: bool, walk: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory() as folder, laboratory(Path(folder)) as lab:
        lab.caller.invite(number, body=None if offers else b"")
        for name in walk:
            ACTS[name](lab)
        mend(lab)
        lab.settle()
        lab.caller.cancel()
        lab.caller.hang_up()
        lab.advance(40)
        lab.inspect()
        assert len(lab.all_records()) <= 1
        assert lab.all_records() or lab.switchboard.presented == 0


@settings(max_examples=120, deadline=None, derandomize=True,
          suppress_health_check=[HealthCheck.too_slow])  # fmt: skip
@walks
def test_no_walk_leaves_anything_behind(number: str, offers: bool, walk: list[str]) -> None:
    walk_through(number, offers, walk)


@pytest.mark.full
@pytest.mark.timeout(1800)
@settings(max_examples=5000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@walks
def test_no_walk_of_thousands_leaves_anything_behind(
    number: str, offers: bool, walk: list[str]
) -> None:
    walk_through(number, offers, walk)
