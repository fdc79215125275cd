"""A call of our own making: call one party, and on a criterion the other; or a treatment.

The party called first stands where a caller would, so what follows its answer is a treatment like
any other, made here of what was asked for: a prompt or a question, then a connect, or the treatment
that was named. Only with the criterion `ringing` the second party is called while the first still
rings; whoever of the two answers first hears ringing until the other does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from config.model import (
    Accept,
    CallerId,
    Connect,
    Destination,
    Goto,
    HangUp,
    Menu,
    Node,
    Play,
    Prompt,
    Treatment,
)
from ivr.dialling import with_headers
from ivr.flow import run_treatment
from ivr.journey import Journey
from softswitch.call.call import Call
from softswitch.call.called_leg import CalledLeg
from softswitch.call.events import AttributesSet
from softswitch.call.first_leg import FirstLeg
from softswitch.call.joining import ring_back
from softswitch.call.outcomes import DialFailure, Rejected

__all__ = ["Criterion", "Plan", "run_plan"]

Criterion = Literal["ringing", "answered", "any_key", "key", "word"]

ALL_KEYS = "0123456789*#"

MAX_SILENCES = 2
"""How often the question is asked again of a party that presses nothing."""
MAX_WRONG_KEYS = 3
"""How often the question is asked again of a party that presses something else."""

MACHINE_SECONDS = 4.0
"""How long it may take to tell a machine's greeting from a person's."""

QUESTION_SECONDS = 8.0
"""Wait for a key after the question."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to become of a call of our own making."""

    first: Destination
    second: Destination | None = None
    """None: the first party gets `treatment`."""
    treatment: str | None = None
    then: Callable[[Call], Awaitable[None]] | None = None
    """What follows the first party's answer instead of either."""
    criterion: Criterion = "answered"
    """What the first party has to do before the second is called (or the treatment begins)."""
    key: str = "1"
    word: str = ""
    """What it has to say; its key counts too."""
    prompt: Prompt | None = None
    """Played to the first party when it has answered; the question, where one is asked."""
    accept: Prompt | None = None
    """Asked of the second party before it is connected: key 1 accepts."""
    caller_id: str | None = None
    """Number shown to both; `original`: each is shown the other's. None: as the campaign says."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    leave_machines: bool = False
    """Whether the call ends when a machine has answered the first."""
    time_limit: float | None = None
    """Seconds from the first party's answer."""
    ring_seconds: float = 30.0
    """How long each may ring."""
    within: frozenset[str] = frozenset()
    """The only campaigns that whoever asked for it sees; empty: all."""

    @property
    def shown(self) -> CallerId | None:
        """The caller id of both legs; None: the campaign's."""
        if self.caller_id == "original":
            return CallerId("original")
        return None if self.caller_id is None else CallerId("fixed", self.caller_id)


async def run_plan(journey: Journey, plan: Plan) -> None:
    """Call the first party and carry the plan out, to the end of the call."""
    call = journey.call
    try:
        await _run(journey, plan)
    finally:
        # The end of the call closes the journey; what a broken-off dial was given since is
        # closed here.
        if call.concluded:
            journey.close(converted=journey.facts.fact("converted") is True)


async def _run(journey: Journey, plan: Plan) -> None:
    call = journey.call
    leg = call.caller
    assert isinstance(leg, FirstLeg)
    journey.serve(journey.campaign)
    _set_attributes(journey, plan.attributes)
    leg.request = with_headers(journey, leg.request)
    leg.originate()
    if call.ended:
        return
    leg.outcome.add_done_callback(partial(_on_outcome, journey, plan))
    if plan.criterion == "ringing":
        journey.first_up = partial(_first_up, journey, plan)
        await asyncio.shield(leg.reached)
    else:
        await asyncio.shield(leg.outcome)
        if not call.ended:
            await _greet(journey, plan, leg)
    if not call.ended:
        await _follow(journey, plan)


async def _follow(journey: Journey, plan: Plan) -> None:
    if plan.then is not None:
        await plan.then(journey.call)
    else:
        await run_treatment(journey, Treatment("originate", _steps(plan)))


async def _greet(journey: Journey, plan: Plan, leg: FirstLeg) -> None:
    """The first party has answered: leave a machine where that is wanted, play the notice."""
    call, ears = journey.call, journey.call.services.ears
    if plan.leave_machines and ears is not None:
        verdict = await ears.judge(leg, MACHINE_SECONDS)
        if verdict == "machine":
            call.end("switch", "machine")
    if not call.ended:
        await journey.answer()


def _set_attributes(journey: Journey, attributes: Mapping[str, str]) -> None:
    if not attributes:
        return
    for name, value in attributes.items():
        journey.facts.set(f"attribute.{name}", value)
    names = {**journey.call.campaign.attributes, **journey.campaign.attributes, **attributes}
    values = {name: journey.facts.get(f"attribute.{name}") for name in names}
    told = {name: value if isinstance(value, str) else str(value) for name, value in values.items()}
    journey.call.emit(AttributesSet, values=told)


def _on_outcome(journey: Journey, plan: Plan, outcome: asyncio.Future[DialFailure | None]) -> None:
    """The first party has answered, or will not."""
    call = journey.call
    if call.ended:
        return
    failure = outcome.result()
    if failure is not None:
        _end(call, failure)
        return
    if plan.time_limit is not None:
        call.limit(plan.time_limit)
    if plan.criterion == "ringing" and call.joined is None:
        ring_back(call)


def _end(call: Call, failure: DialFailure) -> None:
    """The first party was not reached: the call ends as its leg did."""
    if isinstance(failure, Rejected):
        call.end("calling" if failure.by_far_end else "switch", "rejected", q850=failure.q850)
    else:
        call.end("switch", "no_answer", q850=failure.q850)


async def _first_up(journey: Journey, plan: Plan, leg: CalledLeg) -> bool:
    """The second party has answered: whether the first has too, which it hears ringing for until
    then."""
    call = journey.call
    first = call.caller
    assert isinstance(first, FirstLeg)
    if not first.answered:
        ringback = call.services.prompts.ringback(call.campaign.ringback)
        leg.start_playing(ringback, repeat=True)
        await asyncio.shield(first.outcome)
        leg.stop_playing()
    journey.first_up = None
    if call.ended:
        return False
    await journey.answer()
    if plan.prompt is not None and not call.ended:
        await journey.play(plan.prompt)
    return not call.ended


# What follows the first party's answer, as steps.


def _steps(plan: Plan) -> tuple[Node, ...]:
    welcome: tuple[Node, ...] = ()
    if plan.criterion in ("any_key", "key", "word"):
        welcome = (_question(plan),)
    elif plan.prompt is not None and plan.criterion == "answered":
        welcome = (Play("prompt", plan.prompt),)
    return (*welcome, _destination(plan))


def _question(plan: Plan) -> Node:
    assert plan.prompt is not None
    keys = ALL_KEYS if plan.criterion == "any_key" else plan.key
    return Menu(
        "criterion",
        plan.prompt,
        dict.fromkeys(keys, ()),
        invalid_limit=MAX_WRONG_KEYS,
        timeout_seconds=QUESTION_SECONDS,
        timeouts_limit=MAX_SILENCES,
        on_no_input=(HangUp("declined", cause="declined"),),
        spoken={plan.key: (plan.word,)} if plan.criterion == "word" else {},
    )


def _destination(plan: Plan) -> Node:
    if plan.second is None:
        assert plan.treatment is not None
        return Goto("treatment", plan.treatment)
    return Connect(
        "second",
        (plan.second,),
        ring_seconds=plan.ring_seconds,
        caller_id=plan.shown,
        accept=None if plan.accept is None else Accept(plan.accept),
    )
