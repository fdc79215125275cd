"""Random walks over transfers, legs taken over and redirections: what is left behind is nothing.

As in call/test_walks.py: whatever peers, network and clock do, `Laboratory.inspect` holds in the
end, and each transfer that was begun has its end told once.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from softswitch.call.attended import transfer_to_leg
from softswitch.sip import events
from softswitch.sip.dialog import Dialog
from tests.support.laboratory import AFTER_CALL, DIRECT, KEPT, SWITCH, Laboratory
from tests.support.referring import THIRD, Referring, referring, replaces

Act = Callable[[Referring], object]
DIALOGS = 4


def flush(bench: Referring) -> None:
    bench.flush(settle=False)


def with_dialog(bench: Referring, place: int, deed: Callable[[Dialog], object]) -> None:
    """One of the last dialogs of the phones does something."""
    found = [*bench.lab.caller.dialogs[-1:], *bench.lab.callee.dialogs[-DIALOGS:]]
    if place < len(found):
        deed(found[place])
        flush(bench)


def refer(bench: Referring, place: int, to: str) -> None:
    with_dialog(bench, place, lambda dialog: bench.refer(dialog, to, settle=False))


def refer_to_other(bench: Referring, place: int, other: int) -> None:
    found = [*bench.lab.caller.dialogs[-1:], *bench.lab.callee.dialogs[-DIALOGS:]]
    if other < len(found):
        refer(bench, place, bench.replacing(found[other]))


def hang_up(bench: Referring, place: int) -> None:
    with_dialog(bench, place, lambda dialog: dialog.bye(now=bench.lab.loop.time()))


def reinvite(bench: Referring, place: int) -> None:
    lab = bench.lab
    offer = lab.callee.description.replace(b"sendrecv", b"sendonly")
    with_dialog(bench, place, lambda one: one.reinvite(body=offer, now=lab.loop.time()))


def take_over(bench: Referring, place: int, early: str, body: bytes | None) -> None:
    lab = bench.lab

    def take(dialog: Dialog) -> None:
        phone = lab.caller if dialog in lab.caller.dialogs else lab.callee
        phone.invite(DIRECT, body=body, headers=(("Replaces", replaces(dialog) + early),))

    with_dialog(bench, place, take)


def pick_up(bench: Referring) -> None:
    lab = bench.lab
    ringing = [one.dialog for one in lab.callee.calls if one.dialog is not None]
    if ringing:
        value = replaces(ringing[-1]) + ";early-only"
        lab.callee.invite(DIRECT, headers=(("Replaces", value),))


# What the switch asks for itself.


def send(bench: Referring, place: int, other: int | None) -> None:
    """The switch sends the party of a leg elsewhere, or to another leg."""
    calls = bench.lab.switchboard.calls.values()
    legs = [leg for call in calls for leg in call.legs if leg.answered and not leg.ended]
    if max(place, other or 0) >= len(legs):
        return

    async def ask() -> None:
        if other is None:
            await legs[place].transfer(TO, within=10)
        else:
            await transfer_to_leg(legs[place], legs[other], 10)

    bench.lab.begin(ask())


def asked(bench: Referring) -> list[events.RequestReceived]:
    """The REFERs of the switch that have reached the phones, the last of each."""
    found = []
    for phone in (bench.lab.caller, bench.lab.callee):
        found += [one for one in phone.events if isinstance(one, events.RequestReceived)][-1:]
    return found


def take_refer(bench: Referring, status: int, headers: tuple[tuple[str, str], ...] = ()) -> None:
    for one in asked(bench):
        one.transaction.respond(status, headers=headers, now=bench.lab.loop.time())
    flush(bench)


def tell(bench: Referring, status: int, *, last: bool) -> None:
    for one in asked(bench):
        one.dialog.request(
            "NOTIFY",
            body=f"SIP/2.0 {status} Whatever\r\n".encode(),
            headers=(
                ("Event", "refer"),
                ("Subscription-State", "terminated" if last else "active;expires=60"),
            ),
            now=bench.lab.loop.time(),
        )
    flush(bench)


def far_end(bench: Referring, place: int, deed: str) -> None:
    phone = bench.lab.callee
    if place >= len(phone.calls):
        return
    invite = phone.calls[-1 - place]
    if deed == "rings":
        invite.provisional(180, now=phone.now)
    elif deed == "sends early media":
        invite.provisional(183, body=phone.description, now=phone.now)
    elif deed == "answers":
        phone.dialogs.append(invite.accept(body=phone.description, now=phone.now))
    elif deed == "is busy":
        invite.reject(486, now=phone.now)
    elif deed == "sends elsewhere":
        contact = f"<sip:{THIRD}@{SWITCH}>"
        invite.reject(302, headers=(("Contact", contact),), now=phone.now)
    phone.pump.flush()


DEEDS = ("rings", "sends early media", "answers", "answers", "is busy", "sends elsewhere")


def mend(bench: Referring) -> None:
    bench.lab.lost.clear()
    bench.lab.release()


def fault(bench: Referring, verb: str, name: str) -> None:
    (bench.lab.held if verb == "hold" else bench.lab.lost).add(name)


def divert(bench: Referring) -> None:
    lab = bench.lab
    for call in list(lab.switchboard.calls.values()):
        if not call.ended:

            async def say(call=call) -> None:  # type: ignore[no-untyped-def]
                await call.answer()

            lab.do(partial(call.divert, say))


TO = f"sip:{THIRD}@{SWITCH}"


def all_in_turn(bench: Referring, *acts: Act) -> None:
    """Several things that follow each other as they mostly do."""
    for act in acts:
        act(bench)
        bench.lab.settle()


ANSWER: Act = partial(far_end, place=0, deed="answers")
CONSULT: Act = lambda bench: bench.lab.callee.invite(DIRECT)  # noqa: E731 - one of many
STORIES: Mapping[str, Act] = {
    **{
        f"{n} refers, and is served": lambda bench, n=n: all_in_turn(  # type: ignore[misc]
            bench, partial(refer, place=n, to=TO), ANSWER
        )
        for n in range(DIALOGS)
    },
    "the agent consults, and is answered": lambda bench: all_in_turn(bench, CONSULT, ANSWER),
    "the caller calls again": lambda bench: all_in_turn(
        bench, lambda one: one.lab.caller.invite(DIRECT), ANSWER
    ),
    **{
        f"the switch sends {n} to {m}, who are found": lambda bench, n=n, m=m: all_in_turn(  # type: ignore[misc]
            bench,
            partial(send, place=n, other=m),
            partial(take_refer, status=202),
            partial(hang_up, place=m),
            partial(tell, status=200, last=True),
        )
        for n in range(DIALOGS)
        for m in range(DIALOGS)
    },
    **{
        f"{n} refers to whom {m} talks to, at once": lambda bench, n=n, m=m: all_in_turn(  # type: ignore[misc]
            bench, partial(refer_to_other, place=n, other=m)
        )
        for n in range(DIALOGS)
        for m in range(DIALOGS)
    },
}
PEERS: Mapping[str, Act] = {
    **{f"{n} refers": partial(refer, place=n, to=TO) for n in range(DIALOGS)},
    **{f"{n} refers to who may not": partial(refer, place=n, to="tel:+1900") for n in range(2)},
    **{
        f"{n} refers to whom {m} talks to": partial(refer_to_other, place=n, other=m)
        for n in range(DIALOGS)
        for m in range(DIALOGS)
    },
    **{f"{n} hangs up": partial(hang_up, place=n) for n in range(DIALOGS)},
    **{f"{n} holds": partial(reinvite, place=n) for n in range(DIALOGS)},
    **{
        f"{n} is taken over{early}{body!r}": partial(take_over, place=n, early=early, body=body)
        for n in range(DIALOGS)
        for early in ("", ";early-only")
        for body in (None, b"")
    },
    "what rings is picked up": pick_up,
    **{
        f"the last but {place} {deed}": partial(far_end, place=place, deed=deed)
        for place in range(3)
        for deed in DEEDS
    },
    "the agent consults": CONSULT,
    "the caller cancels": lambda bench: bench.lab.caller.cancel(),
    "the calls go another way": divert,
    **{f"the switch sends {n}": partial(send, place=n, other=None) for n in range(DIALOGS)},
    **{
        f"the switch sends {n} to {m}": partial(send, place=n, other=m)
        for n in range(DIALOGS)
        for m in range(DIALOGS)
    },
    **{f"who was sent says {one}": partial(take_refer, status=one) for one in (202, 603)},
    "who was sent will tell nothing": partial(
        take_refer, status=202, headers=(("Refer-Sub", "false"),)
    ),
    **{
        f"who was sent tells {status}{' at last' * last}": partial(tell, status=status, last=last)
        for status, last in ((100, False), (100, True), (200, True), (481, True))
    },
}
METHODS = ("INVITE", "ACK", "BYE", "180 INVITE", "200 INVITE", "REFER", "NOTIFY", "202 REFER",
           "200 NOTIFY", "200 BYE")  # fmt: skip
NETWORK: Mapping[str, Act] = {
    **{
        f"{verb} {side}:{method}": partial(fault, verb=verb, name=f"{side}:{method}")
        for verb in ("hold", "lose")
        for side in ("switch", "caller", "callee")
        for method in METHODS
    },
    "the network is mended": mend,
}
TIME: Mapping[str, Act] = {
    "a moment passes": lambda bench: bench.lab.advance(0.3),
    "seconds pass": lambda bench: bench.lab.advance(5.3),
    "timers run out": lambda bench: bench.lab.advance(33),
    "end all": lambda bench: bench.lab.do(lambda: bench.lab.switchboard.end_all("shutdown")),
}
SETTLE = "all is delivered"
ACTS: Mapping[str, Act] = {
    **PEERS, **STORIES, **NETWORK, **TIME, SETTLE: lambda bench: bench.lab.settle(),
}  # fmt: skip


def names(acts: Mapping[str, Act]) -> st.SearchStrategy[str]:
    return st.sampled_from(sorted(acts))


steps = st.lists(
    st.one_of(names(PEERS), names(PEERS), names(STORIES), names(STORIES), st.just(SETTLE),
              names(TIME), names(NETWORK)),
    max_size=30,
)  # fmt: skip
walks = given(number=st.sampled_from((DIRECT, KEPT, AFTER_CALL)), bridged=st.booleans(), walk=steps)


def begin(bench: Referring, number: str, *, bridged: bool) -> None:
    lab = bench.lab
    lab.caller.invite(number)
    if bridged:
        lab.settle()
        far_end(bench, 0, "answers")
        lab.settle()


def ends_well(lab: Laboratory) -> None:
    """Each transfer has one end, each call one record."""
    kinds = [event.kind for event in lab.all_events]
    begun = sum(kinds.count(f"transfer.{one}") for one in ("received", "requested", "awaited"))
    assert kinds.count("transfer.ended") == begun
    records = lab.all_records()
    assert len({record["call_id"] for record in records}) == len(records)
    told = [entry for record in records for entry in record.get("transfers", [])]
    assert all(entry["ok"] is not None for entry in told)


def walk_through(number: str, walk: Sequence[str], *, bridged: bool) -> None:
    with tempfile.TemporaryDirectory() as folder, referring(Path(folder) / "data") as bench:
        begin(bench, number, bridged=bridged)
        for name in walk:
            ACTS[name](bench)
        mend(bench)
        lab = bench.lab
        lab.settle()
        lab.do(lambda: lab.switchboard.end_all("over"))
        lab.advance(45)
        ends_well(lab)


@settings(max_examples=120, deadline=None, derandomize=True,
          suppress_health_check=[HealthCheck.too_slow])  # fmt: skip
@walks
def test_no_walk_leaves_anything_behind(number: str, bridged: bool, walk: list[str]) -> None:
    walk_through(number, walk, bridged=bridged)


@pytest.mark.full
@pytest.mark.timeout(1800)
@settings(max_examples=5000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@walks
def test_no_walk_of_thousands_leaves_anything_behind(
    number: str, bridged: bool, walk: list[str]
) -> None:
    walk_through(number, walk, bridged=bridged)
