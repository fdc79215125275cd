"""Quick looks into messages for what the stack needs of each: tags, targets, routes.

The usual spelling is read with two searches; anything else goes to the typed headers. Nothing here
raises: what cannot be read is absent.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from softswitch.sip.errors import ParseError
from softswitch.sip.headers.name_address import NameAddress

if TYPE_CHECKING:
    from softswitch.sip.message import Message

# What may stand in our Contact as the user part without escapes.
_PLAIN_USER = re.compile(r"[A-Za-z0-9+._~*-]{1,64}")


def contact_uri(message: Message) -> str | None:
    """Give the URI of the first Contact, as it was written."""
    try:
        contacts = message.contacts
    except ParseError:
        return None
    return str(contacts[0].uri) if contacts else None


def route_values(message: Message) -> list[str]:
    """Give the values of Record-Route, in the order of the message."""
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
    user = user.rpartition(":")[2] if at else ""
    return user if _PLAIN_USER.fullmatch(user) else ""


def _tag(message: Message, name: str) -> str:
    values = message.headers.fields.get(name)
    if not values:
        return ""
    value = values[0]
    _, closed, parameters = value.rpartition(">")
    if closed and parameters.startswith(";tag="):
        tag = parameters[5:]
        if tag.isalnum() and tag.isascii():
            return tag
    try:
        return NameAddress.parse(value).tag or ""
    except ParseError:
        return ""
