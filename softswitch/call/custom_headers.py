"""Header fields that operators add to outbound INVITEs: made harmless, or left out.

Their values come from look-ups, bindings and what callers keyed, so nobody has checked them. RFC
3261 section 7.3 (fields) and 25.1 (names are tokens). Knows neither treatments nor legs.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable

from softswitch.sip.compose import OWN_HEADERS
from softswitch.sip.grammar import is_token

logger = logging.getLogger(__name__)

__all__ = ["MAX_HEADERS", "MAX_VALUE", "custom_headers", "is_custom_name"]

MAX_HEADERS = 32
"""With the longest value each, they are a message of the largest size that is read."""
MAX_NAME = 64
"""Characters; no name that is registered is longer."""
MAX_VALUE = 512
"""Characters; an INVITE over UDP had better stay below the 1300 bytes of RFC 3261 18.1.1."""

MAX_TOTAL = 4096
"""Bytes of all of them: a datagram holds them, and still what the INVITE has to say."""

_RESERVED = OWN_HEADERS | {
    "accept",
    "allow",
    "authorization",
    "contact",
    "content-disposition",
    "content-encoding",
    "expires",
    "min-se",
    "p-asserted-identity",
    "p-preferred-identity",
    "privacy",
    "proxy-authorization",
    "proxy-require",
    "rack",
    "reason",
    "replaces",
    "require",
    "rseq",
    "session-expires",
    "supported",
    "user-agent",
}
"""What has a meaning to the protocol, or says who calls: not for a template to write."""

_CONTROLS = re.compile(r"[\x00-\x1f\x7f\x80-\x9f\u2028\u2029]+")


def is_custom_name(name: str) -> bool:
    """Whether an operator may write a field of this name."""
    # One letter is the short form of some field (RFC 3261 section 7.3.3).
    return is_token(name) and 1 < len(name) <= MAX_NAME and name.lower() not in _RESERVED


def custom_headers(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """These fields as they may go out: each value on one line and bounded, empty ones left out."""
    kept: list[tuple[str, str]] = []
    room = MAX_TOTAL
    for name, value in headers:
        text = _CONTROLS.sub(" ", value).strip()[:MAX_VALUE].rstrip()
        size = len(name) + len(text.encode("utf-8", "replace")) + 4
        if not is_custom_name(name) or size > room or len(kept) == MAX_HEADERS:
            logger.warning("header field %.80r is left out of an INVITE", name)
        elif text:
            kept.append((name, text))
            room -= size
    return tuple(kept)
