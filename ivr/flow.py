"""Walks a treatment: nodes one after the other, nested lists of steps, jumps.

A list that runs out returns to the node behind the one it is nested in; a goto forgets what would
have followed. When nothing is left the call ends. Knows the call's interface and the
configuration's model, no SIP and no packets.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from config.model import Connect, Goto, HangUp, Menu, Node, Play, Treatment
from ivr.nodes.connect import run_connect
from ivr.nodes.hang_up import run_hang_up
from ivr.nodes.menu import run_menu
from ivr.nodes.play import run_play
from softswitch.call.call import Call
from softswitch.call.events import NodeEntered
from softswitch.call.outcomes import Rejected
from softswitch.routing.failover import status_for_caller

__all__ = ["run_treatment"]

MAX_STEPS = 1000
"""Nodes that one call may enter: a treatment that goes round for ever is ended, not followed."""

RETRY_SOON = (("Retry-After", "2"),)
"""A media port rests for two seconds after a call; then there is room again."""

Handler = Callable[[Call, Any], Awaitable[tuple[Node, ...]]]
"""Runs a node of its type; returns the steps to take before those that follow it."""

HANDLERS: Mapping[type, Handler] = {
    Play: run_play,
    Menu: run_menu,
    Connect: run_connect,
    HangUp: run_hang_up,
}


class _Place(msgspec.Struct, frozen=True):
    """The nodes still to do, and where to go on when they are done."""

    nodes: tuple[Node, ...]
    behind: _Place | None


async def run_treatment(call: Call, treatment: Treatment) -> None:
    """Walk a treatment to its end, then end the call with the status of the last failed dial."""
    place: _Place | None = _Place(treatment.nodes, None)
    steps = 0
    while place is not None and not call.ended:
        if not place.nodes:
            place = place.behind
            continue
        node, place = place.nodes[0], _Place(place.nodes[1:], place.behind)
        steps += 1
        if steps > MAX_STEPS:
            call.end("switch", "treatment_too_long")
            return
        call.emit(NodeEntered, node=node.name)
        if isinstance(node, Goto):
            treatment, place = _jump(call, treatment, node)
        else:
            place = _Place(await HANDLERS[type(node)](call, node), place)
    _end_with_last_failure(call)


def _end_with_last_failure(call: Call) -> None:
    failure = call.last_failure
    if failure is None:
        call.end("switch", "treatment_ended")
        return
    status = status_for_caller(failure.status)
    if isinstance(failure, Rejected) and failure.no_capacity:
        # Only this says that it is the switch that is full, and that it may be tried again.
        call.end("switch", "no_capacity", status=503, q850=failure.q850, headers=RETRY_SOON)
    elif isinstance(failure, Rejected):
        ended_by = "called" if failure.by_far_end else "switch"
        call.end(ended_by, "rejected", status=status, q850=failure.q850)
    else:
        call.end("switch", "no_answer", status=status, q850=failure.q850)


def _jump(call: Call, treatment: Treatment, node: Goto) -> tuple[Treatment, _Place]:
    if node.kind == "treatment":
        target = call.configuration.treatments[node.target]
        return target, _Place(target.nodes, None)
    place = _find(treatment.nodes, node.target, None)
    assert place is not None  # the loader has checked that the node exists
    return treatment, place


def _find(nodes: tuple[Node, ...], name: str, behind: _Place | None) -> _Place | None:
    """Where a node of this name stands, with what follows it."""
    for index, node in enumerate(nodes):
        if node.name == name:
            return _Place(nodes[index:], behind)
        after = _Place(nodes[index + 1 :], behind)
        for nested in _nested(node):
            found = _find(nested, name, after)
            if found is not None:
                return found
    return None


def _nested(node: Node) -> tuple[tuple[Node, ...], ...]:
    if isinstance(node, Menu):
        return (*node.choices.values(), node.on_no_input)
    if isinstance(node, Connect):
        return (node.on_failure,)
    return ()
