"""Ask: collect keys, or what is said for them, until they are an answer.

An entry ends with the terminator, with the most digits it may have, or when the next key does not
come in time. What is said may come in parts; it ends as soon as it is an answer and nobody speaks
any more. The first key that is pressed makes all that was said forgotten. An invalid entry replays
the question, silence asks again, each has its limit. While a secret is asked for, its keys stand in
no event; the answer itself is only in the call's memory. An answer that is remembered for the
calling number is not asked for again.
"""

from __future__ import annotations

from contextlib import nullcontext

from config.model import Ask, Node
from ivr.answers import meaning
from ivr.journey import Journey
from ivr.replies import Replies, Reply, tell_answer
from ivr.spoken import (
    MIN_CONFIDENCE,
    Meant,
    digits_meant,
    words_for_answer,
    yes_or_no_meant,
)
from softswitch.call.events import AnswerGiven, KeyRejected, NoInputReceived
from softswitch.call.services import Utterance
from softswitch.campaign.evaluate import holds

MIN_SURE = 0.85
"""How sure words must be to cut a question short: the caller may talk to somebody beside."""
MIN_BEGUN = 3
"""Digits that cut a question short although more must follow."""


async def run_ask(journey: Journey, node: Ask) -> tuple[Node, ...]:
    """Ask until there is an answer or a limit is reached; the steps of the failure."""
    if _remembered(journey, node):
        return ()
    # Until the end: also what is pressed between two questions belongs to the answer.
    with journey.call.secret() if node.secret else nullcontext():
        return await _ask(journey, node)


async def _ask(journey: Journey, node: Ask) -> tuple[Node, ...]:
    await journey.answer()
    words = words_for_answer(node) if node.spoken and not node.secret else None
    with Replies(journey, words) as replies:
        return await _ask_often(journey, node, replies)


async def _ask_often(journey: Journey, node: Ask, replies: Replies) -> tuple[Node, ...]:
    call = journey.call
    invalid = silent = 0
    while not call.ended:
        keys = await _question(journey, node, replies)
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


async def _question(journey: Journey, node: Ask, replies: Replies) -> str | None:
    """Play the question and collect an entry; None when none came."""
    reply = await replies.to(
        node.prompt,
        barge_in=node.barge_in,
        within=node.timeout_seconds,
        answers=lambda said: _cuts_short(journey, node, said),
    )
    if reply is None or isinstance(reply, str):
        return await _collect(node, replies, reply)
    return await _collect_said(journey, node, replies, reply)


async def _collect(node: Ask, replies: Replies, key: Reply | None) -> str | None:
    """Keys from this one on; where one was pressed nobody is listened to."""
    keys = ""
    while isinstance(key, str):
        if node.terminator and key == node.terminator:
            return keys
        keys += key
        if len(keys) >= node.most:
            return keys
        key = await replies.next(node.digit_timeout_seconds)
    return keys or None


async def _collect_said(
    journey: Journey, node: Ask, replies: Replies, said: Utterance
) -> str | None:
    """What is said from this on, in one part or several; a key takes its place."""
    digits = ""
    while True:
        whole, begun = _meant(journey, node, said, digits)
        meant = whole or begun
        tell_answer(journey, said, meant, _meaning(journey, node, meant))
        if meant is None:
            return ""
        digits = meant.keys
        if whole is not None and (len(digits) >= node.most or not replies.speaking):
            return digits
        reply = await replies.next(node.digit_timeout_seconds)
        if reply is None:
            return digits
        if isinstance(reply, str):
            return await _collect(node, replies, reply)
        said = reply


def _meant(
    journey: Journey, node: Ask, said: Utterance, before: str = ""
) -> tuple[Meant | None, Meant | None]:
    """What was meant, together with what was said before, where it is an answer; else where it may
    become one."""
    if said.confidence < MIN_CONFIDENCE:
        return None, None
    if node.kind == "yes_no":
        return yes_or_no_meant(said.text), None
    country = journey.configuration.switch.country
    whole, begun = digits_meant(
        said.text, lambda keys: meaning(node, keys, country) is not None, before=before
    )
    return whole, begun if begun is not None and len(begun.keys) <= node.most else None


def _meaning(journey: Journey, node: Ask, meant: Meant | None) -> str | None:
    """What is told of it: the answer, or the digits as far as they go."""
    if meant is None:
        return None
    return meaning(node, meant.keys, journey.configuration.switch.country) or meant.keys


def _cuts_short(journey: Journey, node: Ask, said: Utterance) -> bool:
    """Whether words end the question: an answer, or so many digits that they begin one."""
    whole, begun = _meant(journey, node, said)
    if whole is not None:
        return whole.sure >= MIN_SURE
    return begun is not None and begun.sure >= MIN_SURE and len(begun.keys) >= MIN_BEGUN


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
