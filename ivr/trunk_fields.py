"""Which header fields an outbound INVITE has beside those that SIP needs: passed on, written by
campaigns, steps and trunks, and what tells who calls.

Values come from callers and servers: whatever could break a header field is left out of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from config.model import Template, Trunk
from ivr.journey import Journey
from softswitch.call.call import Call
from softswitch.call.calling_leg import CallingLeg
from softswitch.routing.written_identity import CallIdentity, identity_fields

__all__ = ["fields_for", "header_text", "identity_for", "with_written"]

MAX_HEADER_TEXT = 1000
"""Characters of one value: an INVITE over UDP must stay below 64 kB with all of them."""

Header = tuple[str, str]


def fields_for(
    journey: Journey,
    trunk: Trunk,
    own: tuple[tuple[str, Template], ...],
    identity: Sequence[Header] = (),
) -> tuple[Header, ...]:
    """The fields of a leg; `own` are those of the step, `identity` tells who calls."""
    fields: list[Header] = []
    if journey.call.passed_headers:
        told = {name.lower() for name, _ in identity}
        passed = _passed(journey.call, trunk)
        fields = [*identity, *(one for one in passed if one[0].lower() not in told)]
    elif identity:
        fields = [*identity]
    return _as_trunk_wants(journey, trunk, (*fields, *_attributes(journey, own)))


def with_written(journey: Journey, trunk: Trunk, fields: Sequence[Header]) -> tuple[Header, ...]:
    """The fields of a leg that nobody's INVITE stands behind, beside those that it has already."""
    return _as_trunk_wants(journey, trunk, (*fields, *_attributes(journey, ())))


def identity_for(
    call: Call, trunk: Trunk, uri: str, *, shown: str, true: str, is_callers: bool
) -> tuple[Header, ...]:
    """What tells the trunk who calls: `shown` by From, `true` where the caller would be private."""
    if trunk.caller_identity is None:
        return ()
    told = CallIdentity(
        shown=shown,
        true=true,
        private=call.private,
        is_callers=is_callers,
        called="",
        uri=uri,
    )
    # The first leg of a call of ours is called before the call has a caller.
    leg = getattr(call, "caller", None)
    if isinstance(leg, CallingLeg):
        told = msgspec.structs.replace(
            told,
            called=call.called_number,
            received=call.passed_headers,
            believed=leg.trunk.trusted,
            numbers=leg.trunk.numbers,
        )
    home, host = call.configuration.switch.country, call.services.advertised_host
    return identity_fields(trunk, told, home=home, host=host)


def _as_trunk_wants(journey: Journey, trunk: Trunk, fields: Iterable[Header]) -> tuple[Header, ...]:
    """Without what the trunk is not to have, with what is written for it."""
    policy = trunk.headers
    if policy is None:
        return tuple(fields)
    gone = {name.lower() for name in (*policy.dropped, *dict(policy.set))}
    kept = [one for one in fields if one[0].lower() not in gone]
    for name, template in policy.set:
        value = header_text(journey.shown_text(template))
        if value:
            kept.append((name, value))
    return tuple(kept)


def _passed(call: Call, trunk: Trunk) -> Iterator[Header]:
    names = {name.lower() for name in trunk.pass_headers}
    beginnings: tuple[str, ...] = ()
    if trunk.headers is not None:
        wanted = [name.lower() for name in trunk.headers.passed]
        beginnings = tuple(name[:-1] for name in wanted if name.endswith("*"))
        names.update(wanted)
    for name, value in call.passed_headers:
        if name.lower() in names or (beginnings and name.lower().startswith(beginnings)):
            yield name, value


def _attributes(journey: Journey, own: tuple[tuple[str, Template], ...]) -> Iterator[Header]:
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
