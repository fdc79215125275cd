"""Of a SIP message as bytes: whose it is, and the same without its secrets.

Looks at bytes, not at parsed messages: what cannot be parsed is what one most wants to see.
RFC 3261 section 7.3 (header lines, compact forms), RFC 4568 (a=crypto of SDP), RFC 4567
(a=key-mgmt), RFC 8866 section 5.12 (k=), RFC 5245 (ice-pwd), RFC 5939 (a=acap).
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

__all__ = ["call_id_of", "masked"]

MAX_CALL_ID = 256
"""Longer ones are cut: they only tell dialogs from each other."""

_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_CALL_ID = re.compile(rb"\n(?:call-id|i)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)
_CREDENTIALS = re.compile(
    # The scheme is shown where something stands behind it; a single word is the secret itself.
    rb"((?:^|[\r\n])(?:[a-z0-9-]{1,40}-)?(?:authorization|authentication-info)[ \t]*:[ \t]*"
    rb"(?:[a-z][a-z0-9-]*(?=[ \t]++[^\s]|\r?\n[ \t]))?)"
    rb"([^\n]*(?:\n[ \t]+[^\n]*)*)",
    re.IGNORECASE,
)
_URI = re.compile(rb"(sips?:[^\s:@<>\"]*+:)([^\s<>\"]++)", re.IGNORECASE)
_LINE = re.compile(rb"(;[ \t]*+line[ \t]*+=[ \t]*+\"?)([^\s;>,?&\"]++)", re.IGNORECASE)
"""Of our contact at a registrar: calls that come to it are the carrier's, from wherever."""
_URI_HEADER = re.compile(rb"([?&]([^\s?&=<>\"]++)=)([^&>\r\n]*+)")
_SECRET_URI_HEADERS = frozenset((b"authorization", b"proxy-authorization", b"body"))
"""A body may be a session description, whose keys are written as `inline%3A` then."""
_ATTRIBUTE = rb"(?:^|[\r\n])[ \t]*+a[ \t]*+=[ \t]*+(?:[ap]cap:[ \t]*+\d*+[ \t]*+)?"
"""The start of a line of SDP, also of one that offers a line (RFC 5939)."""
_CRYPTO = re.compile(rb"(" + _ATTRIBUTE + rb"crypto[ \t]*+:)([^\r\n]*)", re.IGNORECASE)
_CRYPTO_SHOWN = re.compile(
    # Tag and suite, how keys are told, what stands beside each, and parameters: all else is a key.
    rb"^[ \t]*\d{1,9}[ \t]+[A-Z0-9_]{1,32}(?=[ \t]|$)|inline:|\|2\^\d{1,2}(?=[|;\s]|$)"
    rb"|\|\d{1,40}(?::\d{1,3})?(?=[|;\s]|$)|[|;]"
    rb"|(?<=[ \t])(?:(?:KDR|WSH)=\d{1,9}|UN(?:ENCRYPTED|AUTHENTICATED)_SRTC?P"
    rb"|FEC(?:_ORDER=\w{1,9})?)(?=[ \t]|$)"
)
_INLINE_KEY = re.compile(rb"(inline:[ \t]*+)([^\s|;]+)", re.IGNORECASE)
_MEDIA_SECRET = re.compile(
    rb"((?:" + _ATTRIBUTE + rb"(?:ice-pwd[ \t]*+:|key-mgmt[ \t]*+:(?:[a-z0-9-]++[ \t]++(?=[^\s]))?)"
    rb"|(?:^|[\r\n])[ \t]*+k[ \t]*+=(?:(?:clear|base64|uri):)?))([^\r\n]+)",
    re.IGNORECASE,
)
_KEYS_TYPE = re.compile(
    rb"[\r\n](?:content-type|c)[ \t]*:(?:[ \t]|\r?\n[ \t])*+application/dtmf", re.IGNORECASE
)
_KEY = re.compile(rb"((?:^|\n)[ \t]*signal[ \t]*=[ \t]*)([^\r\n]+)", re.IGNORECASE)


def call_id_of(message: bytes) -> str:
    """The Call-ID; empty when there is none."""
    found = _CALL_ID.search(message)
    return "" if found is None else found[1][:MAX_CALL_ID].strip().decode("utf-8", "replace")


def masked(message: bytes) -> bytes:
    """The message with stars for credentials, passwords, lines of registrations, keys of media, and
    keys told by INFO; as long as it was, so that its Content-Length is right.

    Head and body are not told from each other: who writes neither well has secrets all the same,
    and a body may be a message, or have several parts.
    """
    lower = message.lower()  # most messages have little of it, and to see that is cheap
    if b"authorization" in lower or b"authentication-info" in lower:
        message = _CREDENTIALS.sub(_stars, message)
    if b"@" in message:
        message = _URI.sub(_without_password, message)
    if b"line" in lower:
        message = _LINE.sub(_stars, message)
    if b"?" in message:
        message = _URI_HEADER.sub(_masked_uri_header, message)
    if b"crypto" in lower:
        message = _CRYPTO.sub(_masked_crypto, message)
    if b"inline:" in lower:
        message = _INLINE_KEY.sub(_stars, message)
    if b"k=" in lower or b"ice-pwd" in lower or b"key-mgmt" in lower:
        message = _MEDIA_SECRET.sub(_stars, message)
    if b"application/dtmf" in lower:
        message = _without_keys(message)
    return message


def _without_keys(message: bytes) -> bytes:
    """Stars for the keys of each part that is of their type: `application/dtmf` is the key alone,
    `application/dtmf-relay` has it by name."""
    done, pieces = 0, []
    for found in _KEYS_TYPE.finditer(message):
        if found.start() < done:
            continue
        blank = _BLANK_LINE.search(message, found.end())
        if blank is None:
            break
        end = message.find(b"\n--", blank.end())
        end = len(message) if end < 0 else end
        part = message[blank.end() : end]
        part = _KEY.sub(_stars, part) if b"=" in part else _all_stars(part)
        pieces += [message[done : blank.end()], part]
        done = end
    return b"".join((*pieces, message[done:]))


def _without_password(found: re.Match[bytes]) -> bytes:
    """Of more ":" and "@" than there may be all is the secret between the first and the last."""
    password, at, host = found[2].rpartition(b"@")
    return found[1] + _all_stars(password) + at + host


def _masked_uri_header(found: re.Match[bytes]) -> bytes:
    """Credentials may be in a URI, for the request that is made of it (section 19.1.1)."""
    if unquote_to_bytes(found[2]).lower() not in _SECRET_URI_HEADERS:
        return found[0]
    return found[1] + _all_stars(found[3])


def _masked_crypto(found: re.Match[bytes]) -> bytes:
    """A line may have several keys, each with what belongs to it."""
    line, pieces, done = found[2], [found[1]], 0
    for shown in _CRYPTO_SHOWN.finditer(line):
        pieces += [_all_stars(line[done : shown.start()]), shown[0]]
        done = shown.end()
    return b"".join((*pieces, _all_stars(line[done:])))


def _stars(found: re.Match[bytes]) -> bytes:
    return found[1] + _all_stars(found[2])


def _all_stars(text: bytes) -> bytes:
    """Stars for all but white space, which has line breaks in it."""
    return re.sub(rb"\S", b"*", text)
