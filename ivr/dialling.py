"""What an outbound INVITE says: whom it calls, as whom, with which header fields.

From the node, the campaign that serves the call, the trunk it goes to, and the call's facts. The
header fields are `ivr.trunk_fields`'s.
"""

from __future__ import annotations

from functools import partial

import msgspec

from config.model import CallerId, Connect, Destination, Trunk
from ivr.journey import Journey
from ivr.trunk_fields import fields_for, header_text, identity_for, with_written
from softswitch.call.call import Call
from softswitch.call.dial_request import DialRequest
from softswitch.routing.caller_id import ANONYMOUS, ShownCaller, Write, shown_caller
from softswitch.routing.destinations import destination_trunk, dial_address
from softswitch.routing.number_forms import caller_uri

__all__ = ["dial_request", "first_request", "header_text", "with_headers"]


def dial_request(journey: Journey, node: Connect, destination: Destination) -> DialRequest:
    """Everything the outbound INVITE says, from the node, the campaign and the call."""
    call = journey.call
    trunk = destination_trunk(call.configuration, call.campaign, destination)
    home = call.configuration.switch.country
    address = dial_address(destination, trunk, called=call.called, home=home)
    kind, number = _kind(journey, journey.caller_id or node.caller_id or call.campaign.caller_id)
    shown = _shown(call, trunk, kind, number, private=call.private)
    identity: tuple[tuple[str, str], ...] = ()
    if trunk.caller_identity is not None:
        identity = _identity(call, trunk, kind, address.uri, shown)
    return DialRequest(
        uri=address.uri,
        to_number=address.number,
        from_number=shown.number,
        from_header=shown.from_header,
        flow=address.flow,
        trunk=trunk,
        ring_seconds=destination.ring_seconds or node.ring_seconds,
        contact_user=shown.contact_user,
        act_on_tones=node.act_on_tones,
        headers=(
            ("Max-Forwards", str(call.max_forwards)),
            *shown.headers,
            *fields_for(journey, trunk, node.headers, identity),
        ),
    )


def first_request(
    call: Call, destination: Destination, caller_id: CallerId | None, *, ring_seconds: float
) -> DialRequest:
    """The INVITE to the party that is called first, where we call both: it sees the caller id, or
    whom it is to talk to. The campaign's header fields are added when its facts are known."""
    trunk = destination_trunk(call.configuration, call.campaign, destination)
    home = call.configuration.switch.country
    address = dial_address(destination, trunk, called=call.called, home=home)
    caller_id = caller_id or call.campaign.caller_id
    kind = "called" if caller_id.kind in ("unique", "mask") else caller_id.kind
    host = call.services.advertised_host
    shown = shown_caller(
        kind=kind,
        fixed=caller_id.number,
        called=call.called_number,
        caller=call.called_number,
        name="",
        private=False,
        host=host,
        write=_write(trunk, home, host),
    )
    identity = identity_for(call, trunk, address.uri, shown=_told(shown), true="", is_callers=False)
    return DialRequest(
        uri=address.uri,
        to_number=address.number,
        from_number=shown.number,
        from_header=shown.from_header,
        flow=address.flow,
        trunk=trunk,
        ring_seconds=ring_seconds,
        contact_user=shown.contact_user,
        headers=(("Max-Forwards", str(call.max_forwards)), *shown.headers, *identity),
    )


def with_headers(journey: Journey, request: DialRequest) -> DialRequest:
    """A request with the header fields of the call's campaigns, and those of its trunk."""
    headers = with_written(journey, request.trunk, request.headers)
    return msgspec.structs.replace(request, headers=headers)


def _kind(journey: Journey, caller_id: CallerId) -> tuple[str, str | None]:
    """Which kind of caller id is shown, and its number."""
    if caller_id.kind != "unique":
        return caller_id.kind, caller_id.number
    unique = _unique(journey, caller_id)
    # With all numbers of the range in use the number called says the least wrong.
    return ("fixed", unique) if unique is not None else ("called", None)


def _shown(
    call: Call, trunk: Trunk, kind: str, number: str | None, *, private: bool
) -> ShownCaller:
    host = call.services.advertised_host
    return shown_caller(
        kind=kind,
        fixed=number,
        called=call.called_number,
        caller=call.caller_number,
        name=call.caller_name,
        private=private,
        host=host,
        write=_write(trunk, call.configuration.switch.country, host),
    )


def _write(trunk: Trunk, home: str, host: str) -> Write | None:
    """How the trunk wants callers' numbers; None: as they are."""
    if trunk.numbers is None:
        return None
    return partial(caller_uri, trunk=trunk, home=home, host=host)


def _identity(
    call: Call, trunk: Trunk, kind: str, uri: str, shown: ShownCaller
) -> tuple[tuple[str, str], ...]:
    is_callers = kind == "original"
    true = ""
    if is_callers and call.private and trunk.trusted:
        true = _told(_shown(call, trunk, kind, None, private=False))
    return identity_for(call, trunk, uri, shown=_told(shown), true=true, is_callers=is_callers)


def _told(shown: ShownCaller) -> str:
    """The caller as From shows it; empty when that is nobody."""
    return "" if shown.number == ANONYMOUS else shown.from_header


def _unique(journey: Journey, caller_id: CallerId) -> str | None:
    """The number that stands for this call; the same on all its legs."""
    desk, call = journey.services.caller_ids, journey.call
    if desk is None or caller_id.number is None:
        return None
    last = caller_id.last or caller_id.number
    number = desk.take(call.call_id, caller_id.number, last, campaign=call.campaign.name)
    journey.unique_caller_id = number
    return number
