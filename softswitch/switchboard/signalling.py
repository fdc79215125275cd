"""What an INVITE says about the call, as plain values for event and record.

URIs stand there without their passwords (RFC 3261 section 19.1.1) and the lines of registrations:
logs, journal and records are read by many.
"""

from __future__ import annotations

import re
from typing import Any

from config.e164 import dialled, normalise
from config.model import Trunk, TrunkHeaders
from softswitch.routing.number_forms import received_number, received_uri
from softswitch.sip.identity import CallerIdentity
from softswitch.sip.message import Request
from softswitch.stir.verdict import Verified

__all__ = ["called_number", "calling_number", "drop_fields", "signalling_facts"]

MAX_TEXT = 200
"""Characters of a free-text header kept in events and records."""

MAX_ENTRIES = 20
"""Entries of Diversion and History-Info kept; a call that was forwarded more often is lost
anyway."""

_PASSWORD = re.compile(r"^(sips?:[^:@]*):.*@", re.IGNORECASE | re.DOTALL)
"""With the user before it; what is behind the last `@` is the host."""
_LINE = re.compile(r"(;line=)[^;>?]+", re.IGNORECASE)
"""Of our contact at a registrar, which nobody is to guess (`SourceTable`)."""


def called_number(request: Request) -> str:
    """The number dialled: the user part of the Request-URI without parameters; the URI when it has
    none."""
    return dialled(request.uri) or _shown(request.uri)


def drop_fields(request: Request, headers: TrunkHeaders) -> None:
    """Take out of an INVITE what is not looked at in calls from its trunk."""
    for name in headers.dropped:
        request.headers.remove(name)


def calling_number(identity: CallerIdentity, country: str, trunk: Trunk | None = None) -> str:
    """The calling number in E.164 where it is one, else as it was written; "" when there is
    none."""
    if identity.number:
        return _canonical(identity.number, country, trunk)
    return "" if identity.is_private else _shown(identity.uri)[:MAX_TEXT]


def _canonical(number: str, country: str, trunk: Trunk | None) -> str:
    numbers = None if trunk is None else trunk.numbers
    if numbers is not None:
        number = received_number(number, numbers.receive_caller, numbers.country)
    return normalise(number, country) or number


def signalling_facts(
    request: Request,
    identity: CallerIdentity,
    trunk: Trunk | None = None,
    country: str = "US",
    verified: Verified | None = None,
) -> dict[str, Any]:
    """The identity headers and the User-Agent of an INVITE; what is absent is left out. `country`
    is the switch's."""
    user_agent = request.headers.get("User-Agent")
    facts: dict[str, Any] = {
        "name": identity.display_name,
        "private": identity.is_private,
        "from": _shown(identity.from_uri),
        "asserted": [_shown(str(address.uri)) for address in identity.asserted],
        "asserted_trusted": identity.is_trusted if identity.asserted else None,
        "charge_number": identity.charge_number,
        "diversions": [
            {"uri": _shown(str(one.address.uri)), "reason": one.reason, "counter": one.counter}
            for one in identity.diversions[:MAX_ENTRIES]
        ],
        "history": [
            {"uri": _shown(str(one.address.uri)), "index": one.index, "cause": one.cause}
            for one in identity.history[:MAX_ENTRIES]
        ],
        "jip": identity.jip,
        "rn": identity.rn,
        "line_info": identity.line_info,
        "user_agent": None if user_agent is None else user_agent[:MAX_TEXT],
    }
    if trunk is not None and trunk.numbers is not None:
        facts.update(_as_written(request, identity, trunk, country))
    if verified is not None:
        facts["identity"] = verified.facts()
    return {name: value for name, value in facts.items() if value or value is False}


def _as_written(
    request: Request, identity: CallerIdentity, trunk: Trunk, country: str
) -> dict[str, Any]:
    """What a trunk writes otherwise than the switch: the number called as it came, the number that
    is charged as the switch has it."""
    text = dialled(request.uri)
    charged = identity.charge_number
    return {
        "dialled": text if dialled(received_uri(request.uri, trunk)) != text else None,
        "charge_number": charged and _canonical(charged, country, trunk),
    }


def _shown(uri: str) -> str:
    if _PASSWORD.match(uri):
        uri = _PASSWORD.sub(r"\1@", uri)
    return _LINE.sub(r"\1*", uri) if ";" in uri else uri
