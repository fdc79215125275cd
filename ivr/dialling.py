"""What an outbound INVITE says: whom it calls, as whom, with which header fields.

From the node, the campaign that serves the call, and the call's facts. Values come from callers and
servers: whatever could break a header field is left out of it.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from config.model import CallerId, Connect, Destination, Template
from ivr.journey import Journey
from softswitch.call.call import Call
from softswitch.call.dial_request import DialRequest
from softswitch.routing.caller_id import ShownCaller, shown_caller
from softswitch.routing.destinations import destination_trunk, dial_address

__all__ = ["dial_request", "first_request", "header_text", "with_headers"]

MAX_HEADER_TEXT = 1000
"""Characters of one value: an INVITE over UDP must stay below 64 kB with all of them."""


def dial_request(journey: Journey, node: Connect, destination: Destination) -> DialRequest:
    """Everything the outbound INVITE says, from the node, the campaign and the call."""
    call = journey.call
    trunk = destination_trunk(call.configuration, call.campaign, destination)
    address = dial_address(destination, trunk, called=call.called)
    shown = _shown(journey, journey.caller_id or node.caller_id or call.campaign.caller_id)
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
            *_passed(call, trunk.pass_headers),
            *_attributes(journey, node.headers),
        ),
    )


def first_request(
    call: Call, destination: Destination, caller_id: CallerId | None, *, ring_seconds: float
) -> DialRequest:
    """The INVITE to the party that is called first, where we call both: it sees the caller id, or
    whom it is to talk to. The campaign's header fields are added when its facts are known."""
    trunk = destination_trunk(call.configuration, call.campaign, destination)
    address = dial_address(destination, trunk, called=call.called)
    caller_id = caller_id or call.campaign.caller_id
    kind = "called" if caller_id.kind in ("unique", "mask") else caller_id.kind
    shown = shown_caller(
        kind=kind,
        fixed=caller_id.number,
        called=call.called_number,
        caller=call.called_number,
        name="",
        private=False,
        host=call.services.advertised_host,
    )
    return DialRequest(
        uri=address.uri,
        to_number=address.number,
        from_number=shown.number,
        from_header=shown.from_header,
        flow=address.flow,
        trunk=trunk,
        ring_seconds=ring_seconds,
        contact_user=shown.contact_user,
        headers=(("Max-Forwards", str(call.max_forwards)), *shown.headers),
    )


def with_headers(journey: Journey, request: DialRequest) -> DialRequest:
    """A request with the header fields of the call's campaigns."""
    headers = (*request.headers, *_attributes(journey, ()))
    return msgspec.structs.replace(request, headers=headers)


def _shown(journey: Journey, caller_id: CallerId) -> ShownCaller:
    call = journey.call
    kind, number = caller_id.kind, caller_id.number
    if kind == "unique":
        unique = _unique(journey, caller_id)
        # With all numbers of the range in use the number called says the least wrong.
        kind, number = ("fixed", unique) if unique is not None else ("called", None)
    return shown_caller(
        kind=kind,
        fixed=number,
        called=call.called_number,
        caller=call.caller_number,
        name=call.caller_name,
        private=call.private,
        host=call.services.advertised_host,
    )


def _unique(journey: Journey, caller_id: CallerId) -> str | None:
    """The number that stands for this call; the same on all its legs."""
    desk, call = journey.services.caller_ids, journey.call
    if desk is None or caller_id.number is None:
        return None
    number = desk.take(call.call_id, caller_id.number, caller_id.last or caller_id.number)
    journey.unique_caller_id = number
    return number


def _passed(call: Call, names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    wanted = {name.lower() for name in names}
    return ((name, value) for name, value in call.passed_headers if name.lower() in wanted)


def _attributes(
    journey: Journey, own: tuple[tuple[str, Template], ...]
) -> Iterator[tuple[str, str]]:
    """Header fields of the campaigns and the node; the last of a name counts, an empty one is left
    out."""
    templates: dict[str, tuple[str, Template]] = {}
    for headers in (journey.campaign.headers, journey.call.campaign.headers, own):
        for name, template in headers:
            templates[name.lower()] = (name, template)
    for name, template in templates.values():
        value = header_text(journey.shown_text(template))
        if value:
            yield name, value


def header_text(text: str) -> str:
    """A text that can stand in one header field: one line, printable (RFC 3261 section 25.1)."""
    return "".join(c for c in text if c.isprintable()).strip()[:MAX_HEADER_TEXT]
