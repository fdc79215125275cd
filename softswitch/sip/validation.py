"""The headers that every message must carry, and carry once (RFC 3261 sections 8.1.1, 8.2, 20).

`parse_message` accepts whatever has the shape of a message. This is the second look, taken once a
request turns out to be a new one, so that retransmissions do not pay for it.
"""

from __future__ import annotations

import re

from softswitch.sip.errors import ParseError
from softswitch.sip.grammar import MAX_HOST, TOKEN
from softswitch.sip.headers.name_address import NameAddress
from softswitch.sip.inspect import is_usual_via
from softswitch.sip.message import Request, Response, is_answerable
from softswitch.sip.uri import USUAL_URI

# 7.3.1: several values only where the grammar is a list; Content-Length was judged by the parser.
_AT_MOST_ONCE = ("From", "To", "Call-ID", "CSeq", "Max-Forwards", "Content-Type")

_MANDATORY_ADDRESSES = ("From", "To")
_ADDRESSES = ("From", "To", "Contact", "Route", "Record-Route")
# A display name is quoted, or tokens (25.1: `*(token LWS)`).
_USUAL_ADDRESS = re.compile(rf'(?:"[^"\\]*" ?|(?:{TOKEN} )*)<{USUAL_URI}>(?:;tag={TOKEN})?')


def validate(message: Request | Response) -> None:
    """Judge what the transaction, the dialog and the answer rely on.

    8.1.1: "A valid SIP request formulated by a UAC MUST, at a minimum, contain the following header
    fields: To, From, CSeq, Call-ID, Max-Forwards, and Via". A missing Max-Forwards is forgiven:
    elements that follow RFC 2543 leave it out. Raises ParseError with the request attached.
    """
    try:
        _validate(message)
    except ParseError as error:
        if isinstance(message, Request) and is_answerable(message):
            error.message = message
        raise


def has_one_contact(request: Request) -> bool:
    """Say whether a request that was validated has exactly one Contact; a `*` is a ParseError."""
    values = request.headers.fields.get("Contact", ())
    if len(values) == 1 and values[0] != "*" and "," not in values[0]:
        return True
    return len(request.contacts) == 1


def _validate(message: Request | Response) -> None:
    fields = message.headers.fields
    for name in _AT_MOST_ONCE:
        values = fields.get(name)
        if values is not None and len(values) != 1:
            raise ParseError("repeated-header", detail=name)
    if not is_usual_via(message):
        _ = message.via
    _ = message.call_id
    cseq = message.cseq
    for name in _ADDRESSES:
        values = fields.get(name)
        if values is None:
            if name in _MANDATORY_ADDRESSES:
                _validate_address(message, name)
        elif len(values) != 1 or not _is_usual(values[0]):
            _validate_address(message, name)
    if isinstance(message, Request):
        # 8.1.1.5: "The method MUST match that of the request."
        if cseq.method != message.method:
            raise ParseError("cseq-method-mismatch", detail=f"{cseq.method} in {message.method}")
        _ = message.request_uri, message.max_forwards
    if message.body:
        _ = message.content_type


def _is_usual(address: str) -> bool:
    """Say without reading it whether an address is surely well-formed."""
    return len(address) <= MAX_HOST and _USUAL_ADDRESS.fullmatch(address) is not None


def _validate_address(message: Request | Response, name: str) -> None:
    if name == "From":
        _validate_tag(message.from_, name)
    elif name == "To":
        _validate_tag(message.to, name)
    elif name == "Route":
        _ = message.routes
    elif name == "Record-Route":
        _ = message.record_routes
    elif message.headers.fields.get(name) != ["*"]:
        _ = message.contacts


def _validate_tag(address: NameAddress, name: str) -> None:
    """25.1: a tag is a token, which has a character at least; none at all is RFC 2543's way."""
    if "tag" in address.parameters and not address.tag:
        raise ParseError("empty-tag", detail=name)
