"""Finding the part of a body that is wanted, in multipart bodies too (RFC 5621, RFC 2046 5.1)."""

from __future__ import annotations

import re

from softswitch.sip.errors import ParseError
from softswitch.sip.framing import cut_head, decode_head, unfold
from softswitch.sip.grammar import WHITE_SPACE
from softswitch.sip.headers.container import Headers, canonical_name
from softswitch.sip.headers.content_disposition import ContentDisposition
from softswitch.sip.headers.media_type import MediaType
from softswitch.sip.message import Request, Response

# An INVITE from the telephone network has two or three parts (SDP, ISUP, location).
MAX_PARTS = 16
# multipart/mixed with a multipart/alternative inside is all that occurs.
MAX_DEPTH = 3
# RFC 2046 section 5.1.1: a boundary has no more than 70 characters.
MAX_BOUNDARY = 70

SDP = "application/sdp"


def find_session_description(message: Request | Response) -> bytes | None:
    """Give the session description of a message, None when it carries none."""
    if not message.body:
        return None
    if message.headers.get("Content-Type") == SDP:  # as nearly every one says it
        return message.body
    return find_body(message, SDP)


def has_session_description(message: Request | Response) -> bool:
    """Say whether a message carries an offer or an answer, as opposed to other bodies: ISUP, say.

    One whose body cannot be taken apart is said to: whoever reads it will refuse it.
    """
    try:
        return find_session_description(message) is not None
    except ParseError:
        return True


def session_description_in(message: Request | Response) -> bytes:
    """Give the session description of a message, empty without one; a body that cannot be taken
    apart is given as it is, which nobody can read either."""
    try:
        return find_session_description(message) or b""
    except ParseError:
        return message.body


def find_body(message: Request | Response, name: str) -> bytes | None:
    """Give the first body or body part of that media type (`application/sdp`).

    A body without Content-Type that begins like a session description is taken for one. Raises
    ParseError when the Content-Type or the multipart structure cannot be read.
    """
    if not message.body:
        return None
    content_type = message.content_type
    if content_type is None:
        return message.body if name == SDP and message.body.startswith(b"v=0") else None
    return _find(content_type, message.body, name, MAX_DEPTH)


def needed_part(message: Request | Response) -> MediaType | None:
    """Give the type of the first part that must be understood, and is not; None: there is none.

    RFC 5621 section 8.2: a part that is not understood and whose handling is required makes the
    request be refused with 415. Only handling that was said counts: gateways leave it out where
    they mean that a part (ISUP, a location) may be passed over. Of alternatives the others may be
    passed over, whatever they say. Raises ParseError as `find_body` does.
    """
    content_type = message.content_type
    if not message.body or content_type is None:
        return None
    return _needed(content_type, message.body, MAX_DEPTH)


def _needed(content_type: MediaType, body: bytes, depth: int) -> MediaType | None:
    if content_type.name != "multipart/mixed" or depth == 0:
        return None
    for headers, part in _parts(content_type, body):
        part_type = _type_of(headers)
        if part_type.type == "multipart":
            needed = _needed(part_type, part, depth - 1)
        else:
            needed = part_type if part_type.name != SDP and _must_be_read(headers) else None
        if needed is not None:
            return needed
    return None


def _must_be_read(headers: Headers) -> bool:
    value = headers.get("Content-Disposition")
    if value is None:
        return False
    handling = ContentDisposition.parse(value).parameters.get("handling")
    return (handling or "").lower() == "required"


def _type_of(headers: Headers) -> MediaType:
    # RFC 2046 section 5.1: a part without Content-Type is plain text.
    return MediaType.parse(headers.get("Content-Type") or "text/plain")


def _is_early_session(headers: Headers) -> bool:
    """Say whether a part describes an early session (RFC 3959), which is another one."""
    value = headers.get("Content-Disposition")
    return value is not None and ContentDisposition.parse(value).type == "early-session"


def _find(content_type: MediaType, body: bytes, name: str, depth: int) -> bytes | None:
    if content_type.name == name:
        return body
    if content_type.type != "multipart" or depth == 0:
        return None
    for headers, part in _parts(content_type, body):
        if name == SDP and _is_early_session(headers):
            continue
        found = _find(_type_of(headers), part, name, depth - 1)
        if found is not None:
            return found
    return None


def _parts(content_type: MediaType, body: bytes) -> list[tuple[Headers, bytes]]:
    boundary = content_type.parameters.get("boundary")
    if not boundary or len(boundary) > MAX_BOUNDARY:
        raise ParseError("bad-multipart", detail="no usable boundary")
    # The line break before a delimiter belongs to the delimiter (RFC 2046 section 5.1.1).
    delimiter = re.compile(
        rb"(?:\A|\r?\n)--" + re.escape(boundary.encode()) + rb"(--)?[ \t]*(?:\r?\n|\Z)"
    )
    parts = []
    start: int | None = None
    for matched in delimiter.finditer(body):
        if start is not None:
            parts.append(_parse_part(body[start : matched.start()]))
        start = matched.end()
        if matched[1] is not None or len(parts) == MAX_PARTS:
            break
    else:
        # The last delimiter is missing: some senders forget it.
        if start is not None:
            parts.append(_parse_part(body[start:]))
    if not parts:
        raise ParseError("bad-multipart", detail="no part between boundaries")
    return parts


def _parse_part(part: bytes) -> tuple[Headers, bytes]:
    headers = Headers()
    if part[:1] in (b"\r", b"\n"):
        return headers, part.partition(b"\n")[2]
    head, body, _ = cut_head(part)
    for line in unfold(decode_head(head)):
        name, _, value = line.partition(":")
        headers.fields.setdefault(canonical_name(name.rstrip(WHITE_SPACE)), []).append(
            value.strip(WHITE_SPACE)
        )
    return headers, body
