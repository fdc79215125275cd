"""Connect: call destinations one after the other until one answers, and bridge.

A caller that is not answered yet hears what the far end sends (180, early media). One that is
answered hears the node's prompt, then ringback, until early media or the answer. The next
destination is tried by cause (`softswitch.routing.failover`).
"""

from __future__ import annotations

import asyncio

from config.model import Connect, Destination, Node
from softswitch.call.call import Call
from softswitch.call.dial_request import DialRequest
from softswitch.call.outcomes import Answered
from softswitch.call.services import LoadedPrompt
from softswitch.routing.caller_id import shown_caller
from softswitch.routing.destinations import destination_trunk, dial_address
from softswitch.routing.failover import may_fail_over

__all__ = ["dial_request", "run_connect"]


async def run_connect(call: Call, node: Connect) -> tuple[Node, ...]:
    """Dial until somebody answers; talk until the end, or the node's steps for failure."""
    if node.prompt is not None:
        await call.answer()
    comfort = _Comfort(call, node)
    try:
        for destination in node.destinations:
            if call.ended:
                return ()
            comfort.start()
            outcome = await call.dial(dial_request(call, node, destination))
            if isinstance(outcome, Answered):
                comfort.stop()
                await _talk(call, node, outcome)
                return ()
            call.last_failure = outcome
            if not may_fail_over(outcome.status, node.fail_over_on):
                break
    finally:
        comfort.stop()
    if not call.ended:
        call.stop_playing()
    return node.on_failure


async def _talk(call: Call, node: Connect, outcome: Answered) -> None:
    call.bridge(outcome.leg)
    if call.ended:
        return
    if node.max_seconds is not None:
        call.limit(node.max_seconds)
    await call.talk()


def dial_request(call: Call, node: Connect, destination: Destination) -> DialRequest:
    """Everything the outbound INVITE says, from the node, the campaign and the call."""
    trunk = destination_trunk(call.configuration, call.campaign, destination)
    address = dial_address(destination, trunk, called=call.called)
    caller_id = node.caller_id or call.campaign.caller_id
    shown = shown_caller(
        kind=caller_id.kind,
        fixed=caller_id.number,
        called=call.called_number,
        caller=call.caller_number,
        name=call.caller_name,
        private=call.private,
        host=call.services.advertised_host,
    )
    return DialRequest(
        uri=address.uri,
        to_number=address.number,
        from_number=shown.number,
        from_header=shown.from_header,
        flow=address.flow,
        trunk=trunk,
        ring_seconds=destination.ring_seconds or node.ring_seconds,
        contact_user=shown.contact_user,
        headers=(
            ("Max-Forwards", str(call.max_forwards)),
            *shown.headers,
            *_passed(call, trunk.pass_headers),
        ),
    )


def _passed(call: Call, names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    wanted = {name.lower() for name in names}
    return tuple((name, value) for name, value in call.passed_headers if name.lower() in wanted)


class _Comfort:
    """What an answered caller hears while a destination is called: the prompt once, then
    ringback."""

    def __init__(self, call: Call, node: Connect) -> None:
        self._call = call
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
        call = self._call
        return call.services.prompts.prompt(prompt, country=call.campaign.ringback)

    def _ringback(self) -> LoadedPrompt:
        country = self._node.ringback or self._call.campaign.ringback
        return self._call.services.prompts.ringback(country)

    def stop(self) -> None:
        """End it; what plays is stopped by whoever comes next."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
