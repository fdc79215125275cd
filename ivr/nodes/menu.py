"""Menu: ask for one key and follow its steps.

A key may be pressed while the question plays (barge-in) or ahead of it. A wrong key replays the
question, silence asks again, and each has its limit, after which the default choice is taken or
the call ends.
"""

from __future__ import annotations

from config.model import Menu, Node
from softswitch.call.call import Call
from softswitch.call.events import ChoiceMade, KeyRejected, NoInputReceived


async def run_menu(call: Call, node: Menu) -> tuple[Node, ...]:
    """Ask until a known key comes or a limit is reached; the steps of the choice."""
    await call.answer()
    invalid = silent = 0
    while not call.ended:
        key = await _ask(call, node)
        if key is None:
            silent += 1
            call.emit(NoInputReceived, node=node.name, count=silent)
            if silent > node.timeouts_limit:
                return _give_up(call, node, "no_input", node.on_no_input)
        elif key in node.choices:
            call.emit(ChoiceMade, node=node.name, key=key)
            return node.choices[key]
        else:
            invalid += 1
            call.emit(KeyRejected, node=node.name, key=key, count=invalid)
            if invalid >= node.invalid_limit:
                return _give_up(call, node, "invalid_entries", ())
            if node.invalid_prompt is not None:
                await call.play(node.invalid_prompt, barge_in=node.barge_in)
    return ()


async def _ask(call: Call, node: Menu) -> str | None:
    if not node.barge_in:
        call.forget_digits()
    await call.play(node.prompt, barge_in=node.barge_in)
    if not node.barge_in:
        call.forget_digits()
    return await call.next_digit(node.timeout_seconds)


def _give_up(call: Call, node: Menu, cause: str, otherwise: tuple[Node, ...]) -> tuple[Node, ...]:
    if node.default is not None:
        call.emit(ChoiceMade, node=node.name, key=node.default, by_default=True)
        return node.choices[node.default]
    if otherwise:
        return otherwise
    call.end("switch", cause)
    return ()
