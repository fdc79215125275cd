"""Connect, ring group and nearest: call destinations until one takes the call, and bridge.

A caller that is not answered yet hears what the far end sends (180, early media). One that is
answered hears the node's prompt, then ringback, until early media or the answer. Whoever answers
is judged, person or machine, given the extension's keys, the whisper and the question whether it
takes the call before it is bridged. The next destination is tried by cause
(`softswitch.routing.failover`), and whenever one declined, unless a message was left with it.
Credit under the caps is taken before each leg and given back with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from config.model import Connect, Destination, Node, Treatment
from ivr.destinations import Chosen, choose_destinations
from ivr.dialling import dial_request
from ivr.journey import Journey, give_back
from ivr.services import Credit
from softswitch.call.call import Call
from softswitch.call.called_leg import CalledLeg
from softswitch.call.dialling import Screen
from softswitch.call.events import CallerIdStored, DestinationsChosen, LegAccepted, LegDeclined
from softswitch.call.outcomes import Answered, Declined, DialOutcome, Rejected, TimedOut
from softswitch.call.services import Ears, LoadedPrompt
from softswitch.campaign.caps import CapExceeded
from softswitch.routing.destinations import destination_trunk
from softswitch.routing.failover import may_fail_over

__all__ = ["run_connect"]

UNAVAILABLE = 480
NO_ANSWER_FROM_USER = 18
"""Q.850's word for a destination that nobody could be called at."""


async def run_connect(journey: Journey, node: Connect) -> tuple[Node, ...] | Treatment:
    """Dial until somebody takes the call; talk until the end, or the node's steps for failure."""
    if node.prompt is not None:
        await journey.answer()
    call = journey.call
    if call.ended:
        return ()
    chosen = _choose(journey, node)
    if not chosen.destinations and node.choice.policy == "nearest":
        return node.outside
    attempt = _Attempt(journey, node, chosen)
    outcome = await attempt.run()
    if isinstance(outcome, Answered):
        return await _talk(journey, node, outcome)
    call.stop_playing()
    over = attempt.over
    if over is not None and over.over is not None:
        return journey.configuration.treatments[over.over]
    return node.on_failure


def _choose(journey: Journey, node: Connect) -> Chosen:
    memory = journey.services.distribution
    turn = 0
    if node.choice.policy == "round_robin":
        turn = memory.turn(f"{journey.treatment}/{node.name}")
    chosen = choose_destinations(
        node,
        journey.facts,
        memory,
        decide=journey.decide,
        turn=turn,
        draw=journey.services.draw,
    )
    if not chosen.plain:
        journey.call.emit(
            DestinationsChosen,
            node=node.name,
            policy=node.choice.policy,
            destinations=chosen.names,
            inputs=chosen.inputs,
        )
    return chosen


async def _talk(journey: Journey, node: Connect, outcome: Answered) -> tuple[Node, ...]:
    call = journey.call
    call.keeps_caller, call.keeps_called = bool(node.after_agent), bool(node.after_caller)
    call.bridge(outcome.leg)
    if call.ended:
        return ()
    if call.keeps_caller or call.keeps_called:
        await _talk_to_the_end(call, node.max_seconds)
        return node.after_caller if call.caller is outcome.leg else node.after_agent
    if node.max_seconds is not None:
        call.limit(node.max_seconds)
    await call.talk()
    return ()


async def _talk_to_the_end(call: Call, max_seconds: float | None) -> None:
    """Until one of them has left, or the longest talk is over; the other stays."""
    try:
        async with asyncio.timeout(max_seconds):
            await call.talk()
    except TimeoutError:
        leg = call.unbridge() if call.keeps_caller else None
        if not call.keeps_caller:
            call.end("switch", "max_duration")
        elif leg is not None:
            leg.hang_up(cause="max_duration")
    finally:
        call.keeps_caller = call.keeps_called = False


class _Attempt:
    """One walk along the destinations."""

    def __init__(self, journey: Journey, node: Connect, chosen: Chosen) -> None:
        self._journey = journey
        self._call = journey.call
        self._node = node
        self._chosen = chosen
        self._comfort = _Comfort(journey, node)
        self.over: CapExceeded | None = None
        """The cap that was last in the way."""

    async def run(self) -> DialOutcome | None:
        """Somebody who takes the call, or the last failure; None when nobody was called."""
        try:
            if self._node.strategy == "simultaneous":
                return await self._all_at_once()
            return await self._one_by_one()
        finally:
            self._comfort.stop()

    async def _one_by_one(self) -> DialOutcome | None:
        outcome: DialOutcome | None = None
        for destination, name in zip(self._chosen.destinations, self._chosen.names, strict=True):
            if self._call.ended:
                return None
            taken = self._take(name)
            if isinstance(taken, CapExceeded):
                if not self._is_the_destinations(taken):
                    break
                continue
            self.over = None
            outcome = await self._dial((destination,), (name,), (taken,))
            if isinstance(outcome, Answered) or not self._may_go_on(outcome, destination):
                break
        return self._or_unavailable(outcome)

    async def _all_at_once(self) -> DialOutcome | None:
        destinations: list[Destination] = []
        names: list[str] = []
        credits: list[tuple[Credit, ...]] = []
        for destination, name in zip(self._chosen.destinations, self._chosen.names, strict=True):
            taken = self._take(name, beside=credits[0] if credits else ())
            if isinstance(taken, CapExceeded):
                continue
            destinations.append(destination)
            names.append(name)
            credits.append(taken)
        outcome = None
        if destinations:
            self.over = None
            outcome = await self._dial(destinations, names, credits)
        return self._or_unavailable(outcome)

    async def _dial(
        self,
        destinations: Sequence[Destination],
        names: Sequence[str],
        credits: Sequence[tuple[Credit, ...]],
    ) -> DialOutcome:
        """Call some destinations at once; all but the one that takes the call get their credit
        and their count back."""
        journey, call = self._journey, self._call
        self._comfort.start()
        requests = [dial_request(journey, self._node, one) for one in destinations]
        unique, journey.unique_caller_id = journey.unique_caller_id, None
        if unique is not None:
            self._tell_caller_id_soon(unique)
        for name in names:
            journey.give(name)
        kept: int | None = None
        try:
            outcome = await call.dial_all(requests, screen=_screen(journey, self._node))
            if isinstance(outcome, Answered):
                taken = outcome.leg.request
                # By identity: a destination may stand there twice.
                kept = next(place for place, one in enumerate(requests) if one is taken)
                journey.hold(credits[kept])
            else:
                call.last_failure = outcome
            return outcome
        finally:
            for place, name in enumerate(names):
                if place != kept:
                    journey.take_away(name)
                    give_back(credits[place])

    def _tell_caller_id_soon(self, number: str) -> None:
        """Tell it of each leg that shows it, once the legs are there."""
        call = self._call
        first = _leg_number(call)

        def tell() -> None:
            for leg in range(first, _leg_number(call)):
                call.emit(CallerIdStored, leg=f"b{leg}", caller_id=number)

        call.services.loop.call_soon(tell)

    def _take(
        self, name: str, *, beside: tuple[Credit, ...] = ()
    ) -> tuple[Credit, ...] | CapExceeded:
        if not self._node.credit:
            return ()
        taken = self._journey.take_credit(name, beside=beside)
        if isinstance(taken, CapExceeded):
            self.over = taken
        return taken

    def _is_the_destinations(self, exceeded: CapExceeded) -> bool:
        """Whether another destination may be below the cap that this one would exceed."""
        if exceeded.elsewhere:
            return True
        campaigns = self._journey.configuration.campaigns
        campaign = campaigns.get(exceeded.campaign)
        caps = campaign.caps if campaign is not None else ()
        return any(cap.name == exceeded.cap and cap.scope == "destination" for cap in caps)

    def _may_go_on(self, outcome: DialOutcome, destination: Destination) -> bool:
        if isinstance(outcome, Declined):
            return not outcome.final
        if isinstance(outcome, Answered):
            return True
        call = self._call
        return may_fail_over(
            outcome.status,
            self._node.fail_over_on,
            trunk=destination_trunk(call.configuration, call.campaign, destination).failover,
            cause=outcome.cause if isinstance(outcome, Rejected) else None,
            rang_out=isinstance(outcome, TimedOut),
        )

    def _or_unavailable(self, outcome: DialOutcome | None) -> DialOutcome | None:
        if outcome is None and not self._call.ended:
            why = "no destination is available" if self.over is None else "over a cap"
            self._call.last_failure = Rejected(UNAVAILABLE, why, NO_ANSWER_FROM_USER)
        return outcome


def _leg_number(call: Call) -> int:
    """The number that the next outbound leg will have."""
    return int(call.new_leg_id("called").removeprefix("b"))


# What the called party is asked.


def _screen(journey: Journey, node: Connect) -> Screen | None:
    """What is done to a leg that answered before it has the call; None: nothing."""
    first_up = journey.first_up
    if not (node.whisper or node.accept or node.send_dtmf or node.machine or first_up):
        return None

    async def screen(leg: CalledLeg) -> bool | Declined:
        declined = await _judged(journey, node, leg)
        if declined is not None:
            return declined
        if node.send_dtmf is not None:
            await leg.send_dtmf(journey.shown_text(node.send_dtmf))
        if node.whisper is not None and not leg.ended:
            await leg.play(journey.sound(node.whisper, to_callee=True))
        accepted = not leg.ended and await _accepts(journey, node, leg)
        if accepted and node.accept is not None:
            return not first_up or await first_up(leg)  # by a key, which no machine presses
        taken = await _overturned(journey, node, leg) or accepted
        return await first_up(leg) if first_up and taken is True else taken

    return screen


async def _judged(journey: Journey, node: Connect, leg: CalledLeg) -> Declined | None:
    """What follows when a machine has answered; None: the leg may have the call."""
    machine, ears = node.machine, journey.call.services.ears
    if machine is None or ears is None:
        return None
    verdict = await ears.judge(leg, machine.within_seconds)
    if leg.ended:
        journey.call.emit(LegDeclined, leg=leg.leg_id, why="hung_up")
        return Declined()
    if verdict != "machine":
        return None
    return await _declined(journey, node, leg)


async def _overturned(journey: Journey, node: Connect, leg: CalledLeg) -> Declined | None:
    """What follows when a beep has told meanwhile that it was a machine after all."""
    ears = journey.call.services.ears
    if node.machine is None or ears is None or leg.ended or not ears.overturned(leg):
        return None
    return await _declined(journey, node, leg)


async def _declined(journey: Journey, node: Connect, leg: CalledLeg) -> Declined | None:
    """What is done about a machine; None: it gets the call."""
    machine, ears = node.machine, journey.call.services.ears
    if machine is None or ears is None or machine.then == "bridge":
        return None
    left = machine.then == "message" and await _leave_message(journey, node, leg, ears)
    journey.call.emit(LegDeclined, leg=leg.leg_id, why="machine")
    return Declined(why="machine", final=left)


async def _leave_message(journey: Journey, node: Connect, leg: CalledLeg, ears: Ears) -> bool:
    """Say the message after the beep; False when there was none, or the machine hung up."""
    if node.machine is None or node.message is None:
        return False
    if not await ears.beep(leg, node.machine.beep_seconds) or leg.ended:
        return False
    return await leg.play(journey.sound(node.message, to_callee=True))


async def _accepts(journey: Journey, node: Connect, leg: CalledLeg) -> bool:
    accept = node.accept
    if accept is None:
        return True
    await leg.play(journey.sound(accept.prompt, to_callee=True), barge_in=True)
    key = await leg.next_digit(accept.timeout_seconds)
    if leg.ended:
        journey.call.emit(LegDeclined, leg=leg.leg_id, why="hung_up")
        return False
    if key == accept.key:
        journey.call.emit(LegAccepted, leg=leg.leg_id)
        return True
    journey.call.emit(LegDeclined, leg=leg.leg_id, why="no_key" if key is None else "other_key")
    return False


class _Comfort:
    """What an answered caller hears while a destination is called: the prompt once, then
    ringback."""

    def __init__(self, journey: Journey, node: Connect) -> None:
        self._journey = journey
        self._call = journey.call
        self._node = node
        self._prompt = node.prompt
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, unless it is going on or the caller is not answered."""
        if not self._call.caller.answered or self._call.ended:
            return
        if self._task is None or self._task.done():
            # Found here, so that a prompt that is missing fails the treatment, not the task beside.
            prompt, ringback = self._take_prompt(), self._ringback()
            self._task = self._call.services.loop.create_task(self._run(prompt, ringback))

    async def _run(self, prompt: LoadedPrompt | None, ringback: LoadedPrompt) -> None:
        call = self._call
        if prompt is not None and not await call.start_playing(prompt):
            return  # cut by early media or the answer
        await call.start_playing(ringback, repeat=True)

    def _take_prompt(self) -> LoadedPrompt | None:
        prompt, self._prompt = self._prompt, None
        if prompt is None:
            return None
        sound = self._journey.sound(prompt)
        if isinstance(sound, LoadedPrompt):
            return sound
        return self._call.services.prompts.prompt(sound, country=self._call.campaign.ringback)

    def _ringback(self) -> LoadedPrompt:
        country = self._node.ringback or self._call.campaign.ringback
        return self._call.services.prompts.ringback(country)

    def stop(self) -> None:
        """End it; what plays is stopped by whoever comes next."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
