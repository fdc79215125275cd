"""Quick looks into messages for what the stack needs of each: hop, number, tags, targets, routes.

The usual spelling is read in C (`_reader.pyx`) or with one pattern; anything else goes to the typed
headers, which cost ten times as much. Tags, targets and routes that cannot be read are absent; hop
and number raise ParseError.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from softswitch.sip._reader import read_hop, read_number, read_tag
from softswitch.sip.errors import ParseError
from softswitch.sip.grammar import HOSTNAME, MAX_HOST, USUAL_PORT
from softswitch.sip.headers.name_address import NameAddress
from softswitch.sip.headers.via import MAGIC_COOKIE

if TYPE_CHECKING:
    from softswitch.sip.message import Message, Request

_COOKIE = MAGIC_COOKIE.lower()
_WORD = r"[A-Za-z0-9.\-_*+!%`'~]+"

# The same as the careful reader has it, in host and port.
_SURE_VIA = re.compile(
    rf"SIP/2\.0/(?:UDP|TCP) {HOSTNAME}(?::(?:{USUAL_PORT}))?(?:;rport)?;branch={_WORD}(?:;rport)?"
)
_HOST_PORT = r"[A-Za-z0-9.\-]+(?::[0-9]{1,5})?"
# In angle brackets the URI may have parameters; bare it ends where they begin (20.10).
_USUAL_CONTACT = re.compile(
    rf"<(sip:(?:{_WORD}@)?{_HOST_PORT}(?:;[a-zA-Z=]+)*)>|(sip:(?:{_WORD}@)?{_HOST_PORT})"
)
# What may stand in our Contact as the user part without escapes.
_PLAIN_USER = re.compile(r"[A-Za-z0-9+._~*-]{1,64}")


class Hop(NamedTuple):
    """What transactions need of the top Via."""

    host: str
    port: int | None
    branch: str
    has_rport: bool
    has_received: bool


def hop_of(message: Message) -> Hop:
    """Give the top Via's sent-by and branch; raises ParseError."""
    values = message.headers.fields.get("Via")
    usual = read_hop(values[0], Hop) if values else None
    if usual is not None:
        return usual
    via = message.via
    return Hop(via.host, via.port, via.branch or "", via.has_rport, "received" in via.parameters)


def is_usual_via(message: Message) -> bool:
    """Say whether the top Via is surely well-formed, without reading it again."""
    values = message.headers.fields.get("Via")
    value = values[0] if values else ""
    return len(value) <= MAX_HOST and _SURE_VIA.fullmatch(value) is not None


def number_of(message: Message) -> int:
    """Give the number in CSeq; raises ParseError."""
    values = message.headers.fields.get("CSeq")
    number = read_number(values[0]) if values else -1
    return message.cseq.number if number < 0 else number


def method_of(message: Message) -> str:
    """Give the method in CSeq; raises ParseError."""
    values = message.headers.fields.get("CSeq")
    method = values[0].rpartition(" ")[2] if values else ""
    return method if method.isalpha() else message.cseq.method


def contact_uri(message: Message) -> str | None:
    """Give the URI of the first Contact, as it was written."""
    values = message.headers.fields.get("Contact")
    if not values:
        return None
    usual = _USUAL_CONTACT.fullmatch(values[0])
    if usual is not None:
        return usual[1] or usual[2]
    try:
        contacts = message.contacts
    except ParseError:
        return None
    return str(contacts[0].uri) if contacts else None


def caller_uri(request: Request) -> str:
    """Give where a caller is reached: its Contact, or, as RFC 2543 has it, the URI in From."""
    return contact_uri(request) or str(request.from_.uri)


def is_of_rfc_2543(request: Request) -> bool:
    """Say whether the branch of a request lacks the cookie of RFC 3261 (8.1.1.7)."""
    return not hop_of(request).branch.lower().startswith(_COOKIE)


def route_values(message: Message) -> list[str]:
    """Give the values of Record-Route, in the order of the message."""
    if "Record-Route" not in message.headers.fields:
        return []
    return message.headers.get_list("Record-Route")


def to_tag_of(message: Message) -> str:
    """Give the tag of To, empty for a peer older than RFC 3261."""
    return _tag(message, "To")


def from_tag_of(message: Message) -> str:
    """Give the tag of From, empty for a peer older than RFC 3261."""
    return _tag(message, "From")


def plain_user(uri: str) -> str:
    """Give the user part of a sip URI when it is plain enough for our Contact, else nothing."""
    user, at, _ = uri.partition("@")
    user = user.partition(":")[2] if at else ""
    return user if _PLAIN_USER.fullmatch(user) else ""


def _tag(message: Message, name: str) -> str:
    values = message.headers.fields.get(name)
    if not values:
        return ""
    tag = read_tag(values[0])
    if tag is not None:
        return tag
    try:
        return NameAddress.parse(values[0]).tag or ""
    except ParseError:
        return ""
