"""Transfer: send the answered caller elsewhere by REFER.

A number goes to the host the caller came from, which knows how to reach it, in the form its trunk
wants; a SIP URI stays as it is. The call layer ends the call when the other side says that it has
worked.
"""

from __future__ import annotations

from config.addresses import sip_uri_problem
from config.e164 import normalise
from config.model import Node, Transfer
from ivr.journey import Journey
from softswitch.routing.number_forms import called_uri


async def run_transfer(journey: Journey, node: Transfer) -> tuple[Node, ...]:
    """Refer the caller; the node's steps when that does not work."""
    # Where a call goes is told to everybody: a secret is no destination.
    uri = _target(journey, journey.told_text(node.to).strip())
    if uri is None:
        return node.on_failure
    await journey.answer()
    call = journey.call
    if call.ended:
        return ()
    await call.transfer(uri, within=node.timeout_seconds)
    return node.on_failure


def _target(journey: Journey, to: str) -> str | None:
    if to.lower().startswith("sip:"):
        return to if sip_uri_problem(to) is None else None
    number = normalise(to, journey.configuration.switch.country)
    if number is None:
        return None
    return called_uri(number, journey.call.caller.trunk, journey.configuration.switch.country)
