"""What an INVITE says about the call, as plain values for event and record."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from softswitch.sip.identity import CallerIdentity
from softswitch.sip.message import Request
from softswitch.sip.uri import Uri

__all__ = ["called_number", "signalling_facts"]

MAX_TEXT = 200
"""Characters of a free-text header kept in events and records."""


def called_number(request: Request) -> str:
    """The number dialled: the user part of the Request-URI, without its parameters; the URI when it has no user."""
    uri = Uri.parse(request.uri)
    user = uri.user or ""
    if not user:
        return request.uri
    return unquote(user.partition(";")[0])


def signalling_facts(request: Request, identity: CallerIdentity) -> dict[str, Any]:
    """The identity headers and the User-Agent of an INVITE; what is absent is left out."""
    user_agent = request.headers.get("User-Agent")
    facts: dict[str, Any] = {
        "name": identity.display_name,
        "private": identity.private,
        "asserted": identity.asserted,
        "charge_number": identity.charge_number,
        "diversions": identity.diversions,
        "history": identity.history,
        "jip": identity.jip,
        "rn": identity.rn,
        "user_agent": None if user_agent is None else user_agent[:MAX_TEXT],
    }
    return {name: value for name, value in facts.items() if value or value is False}
