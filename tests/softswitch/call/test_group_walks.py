"""Random walks over ring groups, questions to the called party, secrets and transfers.

As in test_walks.py: whatever peers, network and clock do, `Laboratory.inspect` holds in the end.
Here the far ends are several, and the treatment is written against the call.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from softswitch.call.call import Call
from softswitch.call.called_leg import CalledLeg
from softswitch.call.outcomes import Answered
from softswitch.call.rejection import reject_with_ringing
from softswitch.sip import events
from tests.support.laboratory import DIRECT, Laboratory, laboratory
from tests.support.treated import Script, requests_to, treated

Act = Callable[[Laboratory], object]
FAR_ENDS = 3


# Treatments.


async def ask(leg: CalledLeg) -> bool:
    await leg.send_dtmf("1w2")
    await leg.play(leg.services.prompts.ringback("us"), barge_in=True)
    return await leg.next_digit(3.0) == "1"


async def ring_all(lab: Laboratory, call: Call, *, asked: bool, answered_first: bool) -> None:
    if answered_first:
        await call.answer()
    for count in (FAR_ENDS, 1):
        outcome = await call.dial_all(requests_to(lab, count), screen=ask if asked else None)
        if isinstance(outcome, Answered):
            call.bridge(outcome.leg)
            await call.talk()
    await reject_with_ringing(call, 2.0)


async def transfer(lab: Laboratory, call: Call) -> None:
    await call.answer()
    with call.secret():
        await call.next_digit(1.0)
    await call.transfer("sip:other@192.0.2.1", within=5.0)
    await call.transfer("sip:another@192.0.2.1", within=5.0)
    await ring_all(lab, call, asked=True, answered_first=False)


TREATMENTS: Mapping[str, Callable[[Laboratory], Script]] = {
    "group": lambda lab: partial(ring_all, lab, asked=False, answered_first=False),
    "group of an answered caller": lambda lab: partial(
        ring_all, lab, asked=False, answered_first=True
    ),
    "asked group": lambda lab: partial(ring_all, lab, asked=True, answered_first=False),
    "asked group of an answered caller": lambda lab: partial(
        ring_all, lab, asked=True, answered_first=True
    ),
    "transfer": lambda lab: partial(transfer, lab),
}


# What happens.


def far_end(lab: Laboratory, place: int, deed: str) -> None:
    """One of the last called does something."""
    phone = lab.callee
    invites = phone.calls[-FAR_ENDS:]
    if place >= len(invites):
        return
    invite = invites[place]
    if deed == "rings":
        invite.provisional(180, now=phone.now)
    elif deed == "sends early media":
        invite.provisional(183, body=phone.description, now=phone.now)
    elif deed == "answers":
        phone.dialog = invite.accept(body=phone.description, now=phone.now)
        phone.dialogs.append(phone.dialog)
    elif deed == "answers nonsense":
        phone.dialogs.append(invite.accept(body=b"nonsense", now=phone.now))
    elif deed == "is busy":
        invite.reject(486, now=phone.now)
    elif deed == "hangs up" and invite.dialog is not None:
        invite.dialog.bye(now=phone.now)
    phone.pump.flush()


DEEDS = ("rings", "sends early media", "answers", "answers nonsense", "is busy", "hangs up")


def far_end_presses(lab: Laboratory, leg_id: str, digit: str) -> None:
    for call in list(lab.switchboard.calls.values()):
        for leg in call._legs:
            if leg.leg_id == leg_id:
                lab.do(partial(leg.on_digit, digit))


def caller_presses(lab: Laboratory, digit: str) -> None:
    for call in list(lab.switchboard.calls.values()):
        lab.do(partial(call.caller.on_digit, digit))


def answer_refer(lab: Laboratory, status: int) -> None:
    caller = lab.caller
    asked = [event for event in caller.events if isinstance(event, events.RequestReceived)]
    if asked:
        asked[-1].transaction.respond(status, now=caller.now)
        caller.pump.flush()


def tell_refer(lab: Laboratory, status: int) -> None:
    caller = lab.caller
    if caller.dialog is not None:
        caller.dialog.request(
            "NOTIFY",
            body=f"SIP/2.0 {status} Whatever\r\n".encode(),
            headers=(("Event", "refer"), ("Subscription-State", "active")),
            now=caller.now,
        )
        caller.pump.flush()


def hold(lab: Laboratory, name: str) -> None:
    lab.held.add(name)


def lose(lab: Laboratory, name: str) -> None:
    lab.lost.add(name)


def mend(lab: Laboratory) -> None:
    lab.lost.clear()
    lab.release()


PEERS: Mapping[str, Act] = {
    **{
        f"far end {place} {deed}": partial(far_end, place=place, deed=deed)
        for place in range(FAR_ENDS)
        for deed in DEEDS
    },
    **{
        f"{leg} presses {digit}": partial(far_end_presses, leg_id=leg, digit=digit)
        for leg in ("b1", "b2", "b3", "b4")
        for digit in "12"
    },
    "caller presses 5": partial(caller_presses, digit="5"),
    "caller cancels": lambda lab: lab.caller.cancel(),
    "caller hangs up": lambda lab: lab.caller.hang_up(),
    "caller holds": lambda lab: lab.caller.reinvite("sendonly"),
    "callee holds": lambda lab: lab.callee.reinvite("sendonly"),
    "callee asks for an offer": lambda lab: lab.callee.reinvite(body=b""),
    "REFER is taken": partial(answer_refer, status=202),
    "REFER is refused": partial(answer_refer, status=603),
    "REFER is not known": partial(answer_refer, status=481),
    "REFER rings": partial(tell_refer, status=180),
    "REFER works": partial(tell_refer, status=200),
    "REFER fails": partial(tell_refer, status=486),
}
METHODS = ("INVITE", "ACK", "BYE", "CANCEL", "180 INVITE", "200 INVITE", "487 INVITE", "REFER",
           "NOTIFY", "202 REFER", "200 NOTIFY")  # fmt: skip
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
    "seconds pass": lambda lab: lab.advance(5.3),
    "timers run out": lambda lab: lab.advance(33),
    "end all": lambda lab: lab.do(lambda: lab.switchboard.end_all("shutdown")),
}
ACTS: Mapping[str, Act] = {**PEERS, **NETWORK, **TIME}


def names(acts: Mapping[str, Act]) -> st.SearchStrategy[str]:
    return st.sampled_from(sorted(acts))


steps = st.lists(
    st.one_of(names(PEERS), names(PEERS), names(PEERS), names(TIME), st.just("all is delivered"),
              names(NETWORK)),
    max_size=30,
)  # fmt: skip
walks = given(treatment=st.sampled_from(sorted(TREATMENTS)), walk=steps)


def walk_through(treatment: str, walk: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory() as folder, laboratory(Path(folder)) as lab:
        with treated(TREATMENTS[treatment](lab)):
            lab.caller.invite(DIRECT)
            for name in walk:
                ACTS[name](lab)
            mend(lab)
            lab.settle()
        lab.caller.cancel()
        lab.caller.hang_up()
        lab.advance(40)
        lab.inspect()
        assert len(lab.facts("transfer.requested")) == len(lab.facts("transfer.ended"))
        assert len(lab.all_records()) <= 1


@settings(max_examples=120, deadline=None, derandomize=True,
          suppress_health_check=[HealthCheck.too_slow])  # fmt: skip
@walks
def test_no_walk_leaves_anything_behind(treatment: str, walk: list[str]) -> None:
    walk_through(treatment, walk)


@pytest.mark.full
@pytest.mark.timeout(1800)
@settings(max_examples=5000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@walks
def test_no_walk_of_thousands_leaves_anything_behind(treatment: str, walk: list[str]) -> None:
    walk_through(treatment, walk)
