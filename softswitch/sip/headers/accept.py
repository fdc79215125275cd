"""Accept (RFC 3261 section 20.1)."""

from __future__ import annotations

from softswitch.sip.headers.container import Headers
from softswitch.sip.headers.media_type import MediaType

_REFUSED = ("0", "0.", "0.0", "0.00", "0.000")


def parse_accept(headers: Headers) -> tuple[MediaType, ...]:
    """Read the media types the sender understands.

    20.1: "If no Accept header field is present, the server SHOULD assume a default value of
    application/sdp." An empty Accept means that none is acceptable.
    """
    if "Accept" not in headers:
        return (MediaType("application", "sdp"),)
    return tuple([MediaType.parse(value) for value in headers.get_list("Accept") if value])


def accepts(headers: Headers, name: str) -> bool:
    """Say whether a body of that media type (`application/sdp`) may be sent back."""
    main = name.partition("/")[0]
    return any(
        accepted.name in (name, f"{main}/*", "*/*") and accepted.parameters.get("q") not in _REFUSED
        for accepted in parse_accept(headers)
    )
