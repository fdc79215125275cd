"""Ask: collect keys until they are an answer.

An entry ends with the terminator, with the most digits it may have, or when the next key does not
come in time. An invalid one replays the question, silence asks again, each has its limit. While a
secret is asked for, its keys stand in no event; the answer itself is only in the call's memory. An
answer that is remembered for the calling number is not asked for again.
"""

from __future__ import annotations

from contextlib import nullcontext

from config.model import Ask, Node
from ivr.answers import meaning
from ivr.journey import Journey
from softswitch.call.events import AnswerGiven, KeyRejected, NoInputReceived
from softswitch.campaign.evaluate import holds


async def run_ask(journey: Journey, node: Ask) -> tuple[Node, ...]:
    """Ask until there is an answer or a limit is reached; the steps of the failure."""
    if _remembered(journey, node):
        return ()
    # Until the end: also what is pressed between two questions belongs to the answer.
    with journey.call.secret() if node.secret else nullcontext():
        return await _ask(journey, node)


async def _ask(journey: Journey, node: Ask) -> tuple[Node, ...]:
    await journey.answer()
    call = journey.call
    invalid = silent = 0
    while not call.ended:
        keys = await _question(journey, node)
        if keys is None:
            silent += 1
            call.emit(NoInputReceived, node=node.name, count=silent)
            if silent > node.timeouts_limit:
                return _give_up(journey, node, "no_input")
        elif _take(journey, node, keys):
            return ()
        else:
            invalid += 1
            call.emit(KeyRejected, node=node.name, key="" if node.secret else keys, count=invalid)
            if invalid >= node.invalid_limit:
                return _give_up(journey, node, "invalid_entries")
            if node.invalid_prompt is not None:
                await journey.play(node.invalid_prompt, barge_in=node.barge_in)
    return ()


async def _question(journey: Journey, node: Ask) -> str | None:
    """Play the question and collect keys; None when none came."""
    await journey.put(node.prompt, barge_in=node.barge_in)
    return await _collect(journey, node)


async def _collect(journey: Journey, node: Ask) -> str | None:
    keys = ""
    within = node.timeout_seconds
    while not journey.call.ended:
        key = await journey.call.next_digit(within)
        if key is None:
            return keys or None
        if node.terminator and key == node.terminator:
            return keys
        keys += key
        if len(keys) >= node.most:
            return keys
        within = node.digit_timeout_seconds
    return None


def _take(journey: Journey, node: Ask, keys: str) -> bool:
    """Whether keys are an answer; then it is a fact."""
    answer = meaning(node, keys, journey.configuration.switch.country)
    if answer is None:
        return False
    fact = f"answer.{node.name}"
    journey.facts.set(fact, answer, secret=node.secret)
    if not _is_valid(journey, node):
        journey.facts.set(fact, None)
        return False
    journey.call.emit(
        AnswerGiven, node=node.name, value="" if node.secret else answer, secret=node.secret
    )
    if node.remember and journey.call.caller_number:
        journey.services.answers.keep(journey.call.caller_number, node.name, answer)
    return True


def _is_valid(journey: Journey, node: Ask) -> bool:
    if node.valid is None:
        return True
    if node.secret:
        # Nothing is told: whether a guess was right says something about the secret.
        return holds(node.valid, journey.facts)
    return journey.holds("valid", node.name, node.valid)


def _remembered(journey: Journey, node: Ask) -> bool:
    if not node.remember or not journey.call.caller_number:
        return False
    answer = journey.services.answers.find(journey.call.caller_number, node.name)
    if answer is None:
        return False
    journey.facts.set(f"answer.{node.name}", answer)
    journey.call.emit(AnswerGiven, node=node.name, value=answer, remembered=True)
    return True


def _give_up(journey: Journey, node: Ask, cause: str) -> tuple[Node, ...]:
    if node.default is not None:
        journey.facts.set(f"answer.{node.name}", node.default, secret=node.secret)
        told = "" if node.secret else node.default
        journey.call.emit(
            AnswerGiven, node=node.name, value=told, secret=node.secret, by_default=True
        )
        return ()
    if not node.on_failure:
        journey.call.end("switch", cause)
    return node.on_failure
