"""Finding the part of a body that is wanted, in multipart bodies too (RFC 5621, RFC 2046 5.1)."""

from __future__ import annotations

import re

from softswitch.sip.errors import ParseError
from softswitch.sip.framing import cut_head, decode_head, unfold
from softswitch.sip.grammar import WHITE_SPACE
from softswitch.sip.headers.container import Headers, canonical_name
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
    return find_body(message, SDP)


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


def _find(content_type: MediaType, body: bytes, name: str, depth: int) -> bytes | None:
    if content_type.name == name:
        return body
    if content_type.type != "multipart" or depth == 0:
        return None
    for headers, part in _parts(content_type, body):
        # RFC 2046 section 5.1: a part without Content-Type is plain text.
        part_type = MediaType.parse(headers.get("Content-Type") or "text/plain")
        found = _find(part_type, part, name, depth - 1)
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
        if matched[1] is not None or len(parts) == MAX_PARTS:
            break
        start = matched.end()
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
