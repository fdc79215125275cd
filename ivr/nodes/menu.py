"""Menu: ask for one key and follow its steps.

A key may be pressed while the question plays (barge-in) or ahead of it. A wrong key replays the
question, silence asks again, and each has its limit, after which the default choice is taken or
the call ends. The key taken is a fact from then on.
"""

from __future__ import annotations

from config.model import Menu, Node
from ivr.journey import Journey
from softswitch.call.events import ChoiceMade, KeyRejected, NoInputReceived


async def run_menu(journey: Journey, node: Menu) -> tuple[Node, ...]:
    """Ask until a known key comes or a limit is reached; the steps of the choice."""
    await journey.answer()
    call = journey.call
    invalid = silent = 0
    while not call.ended:
        key = await _ask(journey, node)
        if key is None:
            silent += 1
            call.emit(NoInputReceived, node=node.name, count=silent)
            if silent > node.timeouts_limit:
                return _give_up(journey, node, "no_input", node.on_no_input)
        elif key in node.choices:
            return _take(journey, node, key, by_default=False)
        else:
            invalid += 1
            call.emit(KeyRejected, node=node.name, key=key, count=invalid)
            if invalid >= node.invalid_limit:
                return _give_up(journey, node, "invalid_entries", ())
            if node.invalid_prompt is not None:
                await journey.play(node.invalid_prompt, barge_in=node.barge_in)
    return ()


async def _ask(journey: Journey, node: Menu) -> str | None:
    await journey.put(node.prompt, barge_in=node.barge_in)
    return await journey.call.next_digit(node.timeout_seconds)


def _take(journey: Journey, node: Menu, key: str, *, by_default: bool) -> tuple[Node, ...]:
    journey.facts.set("key", key)
    if by_default:
        journey.call.emit(ChoiceMade, node=node.name, key=key, by_default=True)
    else:
        journey.call.emit(ChoiceMade, node=node.name, key=key)
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
