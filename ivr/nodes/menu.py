"""Menu: ask for one key, or the word for it, and follow its steps.

A key may be pressed while the question plays (barge-in) or ahead of it; a choice that is said cuts
the question short too. A wrong key, and words that are no choice, replay the question, silence asks
again, and each has its limit, after which the default choice is taken or the call ends. The key
taken is a fact from then on, also when it was said.
"""

from __future__ import annotations

from config.model import Menu, Node
from ivr.journey import Journey
from ivr.replies import Replies, Reply, tell_answer
from ivr.spoken import MIN_CONFIDENCE, Meant, choice_meant, words_for_menu
from softswitch.call.events import ChoiceMade, KeyRejected, NoInputReceived
from softswitch.call.services import Utterance


async def run_menu(journey: Journey, node: Menu) -> tuple[Node, ...]:
    """Ask until a known key comes or a limit is reached; the steps of the choice."""
    await journey.answer()
    words = words_for_menu(node.spoken) if node.spoken else None
    with Replies(journey, words) as replies:
        return await _ask(journey, node, replies)


async def _ask(journey: Journey, node: Menu, replies: Replies) -> tuple[Node, ...]:
    call = journey.call
    invalid = silent = 0
    while not call.ended:
        reply = await replies.to(
            node.prompt,
            barge_in=node.barge_in,
            within=node.timeout_seconds,
            answers=lambda said: _choice(node, said) is not None,
        )
        if reply is None:
            silent += 1
            call.emit(NoInputReceived, node=node.name, count=silent)
            if silent > node.timeouts_limit:
                return _give_up(journey, node, "no_input", node.on_no_input)
            continue
        key = _key_of(journey, node, reply)
        if key in node.choices:
            return _take(journey, node, key, spoken=not isinstance(reply, str))
        invalid += 1
        call.emit(KeyRejected, node=node.name, key=key, count=invalid)
        if invalid >= node.invalid_limit:
            return _give_up(journey, node, "invalid_entries", ())
        if node.invalid_prompt is not None:
            await journey.play(node.invalid_prompt, barge_in=node.barge_in)
    return ()


def _key_of(journey: Journey, node: Menu, reply: Reply) -> str:
    """The key that was pressed or meant; empty for words that are no choice."""
    if isinstance(reply, str):
        return reply
    meant = _choice(node, reply)
    tell_answer(journey, reply, meant, None if meant is None else meant.keys)
    return "" if meant is None else meant.keys


def _choice(node: Menu, said: Utterance) -> Meant | None:
    return choice_meant(node.spoken, said.text) if said.confidence >= MIN_CONFIDENCE else None


def _take(
    journey: Journey, node: Menu, key: str, *, by_default: bool = False, spoken: bool = False
) -> tuple[Node, ...]:
    journey.facts.set("key", key)
    call = journey.call
    if spoken:
        call.emit(ChoiceMade, node=node.name, key=key, spoken=True)
    elif by_default:
        call.emit(ChoiceMade, node=node.name, key=key, by_default=True)
    else:
        call.emit(ChoiceMade, node=node.name, key=key)
    return node.choices[key]


def _give_up(
    journey: Journey, node: Menu, cause: str, otherwise: tuple[Node, ...]
) -> tuple[Node, ...]:
    if node.default is not None:
        return _take(journey, node, node.default, by_default=True)
    if otherwise:
        return otherwise
    journey.call.end("switch", cause)
    return ()
