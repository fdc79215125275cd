"""Walks a treatment: nodes one after the other, nested lists of steps, jumps.

A list that runs out returns to the node behind the one it is nested in; a goto forgets what would
have followed. When nothing is left the call ends. Knows the call's interface and the
configuration's model, no SIP and no packets.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from config.model import (
    Ask,
    Condition,
    Confer,
    Connect,
    Controller,
    Distribute,
    Goto,
    HangUp,
    Lookup,
    Menu,
    Node,
    Play,
    PythonStep,
    SendDtmf,
    SetVariables,
    Sms,
    Transfer,
    Treatment,
    Wait,
)
from config.nesting import nested
from ivr.nodes.ask import run_ask
from ivr.nodes.condition import run_condition
from ivr.nodes.conference import run_conference
from ivr.nodes.connect import run_connect
from ivr.nodes.controller import run_controller
from ivr.nodes.distribute import run_distribute
from ivr.nodes.hang_up import run_hang_up
from ivr.nodes.lookup import run_lookup
from ivr.nodes.menu import run_menu
from ivr.nodes.play import run_play
from ivr.nodes.python import run_python
from ivr.nodes.send import run_send_dtmf, run_sms
from ivr.nodes.set import run_set
from ivr.nodes.transfer import run_transfer
from ivr.nodes.wait import run_wait
from softswitch.call.events import NodeEntered
from softswitch.call.outcomes import Declined, Rejected
from softswitch.routing.failover import status_for_caller

if TYPE_CHECKING:
    from ivr.journey import Journey
    from softswitch.call.call import Call

__all__ = ["run_treatment"]

MAX_STEPS = 1000
"""Nodes that one call may enter: a treatment that goes round for ever is ended, not followed."""

RETRY_SOON = (("Retry-After", "2"),)
"""A media port rests for two seconds after a call; then there is room again."""

Handler = Callable[["Journey", Any], Awaitable["tuple[Node, ...] | Treatment"]]
"""Runs a node of its type; returns the steps to take before those that follow it, or a treatment
to go on with instead."""

HANDLERS: Mapping[type, Handler] = {
    Play: run_play,
    Menu: run_menu,
    Connect: run_connect,
    Condition: run_condition,
    Ask: run_ask,
    SetVariables: run_set,
    Lookup: run_lookup,
    Distribute: run_distribute,
    SendDtmf: run_send_dtmf,
    Sms: run_sms,
    Transfer: run_transfer,
    Wait: run_wait,
    Confer: run_conference,
    Controller: run_controller,
    PythonStep: run_python,
    HangUp: run_hang_up,
}


class _Place(msgspec.Struct, frozen=True):
    """The nodes still to do, and where to go on when they are done."""

    nodes: tuple[Node, ...]
    behind: _Place | None


async def run_treatment(journey: Journey, treatment: Treatment) -> None:
    """Walk a treatment to its end, then end the call with the status of the last failed dial."""
    call = journey.call
    journey.treatment = treatment.name
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
            treatment, place = _jump(journey, treatment, node)
            continue
        following = await HANDLERS[type(node)](journey, node)
        if isinstance(following, Treatment):
            treatment, place = _enter(journey, following)
        else:
            place = _Place(following, place)
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
    elif isinstance(failure, Declined) and failure.why == "hung_up":
        call.end("called", "hung_up", status=status, q850=failure.q850)
    elif isinstance(failure, Declined):
        call.end("switch", "declined", status=status, q850=failure.q850)
    elif isinstance(failure, Rejected):
        ended_by = "called" if failure.by_far_end else "switch"
        call.end(ended_by, "rejected", status=status, q850=failure.q850)
    else:
        call.end("switch", "no_answer", status=status, q850=failure.q850)


def _enter(journey: Journey, treatment: Treatment) -> tuple[Treatment, _Place]:
    journey.treatment = treatment.name
    return treatment, _Place(treatment.nodes, None)


def _jump(journey: Journey, treatment: Treatment, node: Goto) -> tuple[Treatment, _Place]:
    if node.kind == "treatment":
        return _enter(journey, journey.configuration.treatments[node.target])
    place = _find(treatment.nodes, node.target, None)
    assert place is not None  # the loader has checked that the node exists
    return treatment, place


def _find(nodes: tuple[Node, ...], name: str, behind: _Place | None) -> _Place | None:
    """Where a node of this name stands, with what follows it."""
    for index, node in enumerate(nodes):
        if node.name == name:
            return _Place(nodes[index:], behind)
        after = _Place(nodes[index + 1 :], behind)
        for steps in nested(node):
            found = _find(steps, name, after)
            if found is not None:
                return found
    return None
