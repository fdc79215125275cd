"""Of a SIP message as bytes: whose it is, and the same without its secrets.

Looks at bytes, not at parsed messages: what cannot be parsed is what one most wants to see.
RFC 3261 section 7.3 (header lines, compact forms), RFC 4568 (a=crypto of SDP), RFC 4567
(a=key-mgmt), RFC 8866 section 5.12 (k=), RFC 5245 (ice-pwd).
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
    rb"(\n(?:proxy-)?authorization[ \t]*:[ \t]*(?:[a-z][a-z0-9-]*(?=[ \t]++[^\s]|\r?\n[ \t]))?)"
    rb"([^\r\n]*(?:\r?\n[ \t]+[^\r\n]*)*)",
    re.IGNORECASE,
)
_URI_PASSWORD = re.compile(
    # A few more ":" and "@" than there may be: what is written wrongly is a secret all the same.
    rb"(sips?:[^\s:@<>\"]++:)([^\s:@<>\"]*+(?:[:@][^\s:@<>\"]*+){0,8})(?=@)",
    re.IGNORECASE,
)
_URI_HEADER = re.compile(rb"([?&]([^\s?&=<>\"]++)=)([^&>\r\n]*+)")
_CREDENTIAL_HEADERS = frozenset((b"authorization", b"proxy-authorization"))
_CRYPTO = re.compile(rb"(?:^|\n)a=crypto:[^\r\n]*", re.IGNORECASE)
_INLINE_KEY = re.compile(rb"(inline:)([^\s|;]+)", re.IGNORECASE)
_MEDIA_SECRET = re.compile(
    rb"((?:^|\n)(?:a=ice-pwd:|a=key-mgmt:(?:[a-z0-9-]++[ \t]++(?=[^\s]))?"
    rb"|k=(?:(?:clear|base64|uri):)?))([^\r\n]+)",
    re.IGNORECASE,
)
_KEYS_TYPE = re.compile(rb"\n(?:content-type|c)[ \t]*:[ \t]*application/dtmf", re.IGNORECASE)
_KEY = re.compile(rb"((?:^|\n)[ \t]*signal[ \t]*=[ \t]*)([^\r\n]+)", re.IGNORECASE)


def call_id_of(message: bytes) -> str:
    """The Call-ID; empty when there is none."""
    found = _CALL_ID.search(message)
    return "" if found is None else found[1][:MAX_CALL_ID].strip().decode("utf-8", "replace")


def masked(message: bytes) -> bytes:
    """The message with stars for credentials, passwords, keys of media, and keys told by INFO; as
    long as it was, so that its Content-Length is right."""
    head, blank, body = _split(message)
    lower = head.lower()  # most messages have none of it, and to see that is cheap
    if b"authorization" in lower:
        head = _CREDENTIALS.sub(_stars, head)
    if b"@" in head:
        head = _URI_PASSWORD.sub(_stars, head)
    if b"?" in head:
        head = _URI_HEADER.sub(_masked_uri_header, head)
    if body:
        body = _masked_body(lower, body)
    return head + blank + body


def _masked_body(head: bytes, body: bytes) -> bytes:
    lower = body.lower()
    if b"a=crypto:" in lower:
        body = _CRYPTO.sub(_masked_crypto, body)
    if b"k=" in lower or b"a=ice-pwd:" in lower or b"a=key-mgmt:" in lower:
        body = _MEDIA_SECRET.sub(_stars, body)
    if b"application/dtmf" in head and _KEYS_TYPE.search(head):
        # `application/dtmf` is the key alone, `application/dtmf-relay` has it by name.
        body = _KEY.sub(_stars, body) if b"=" in body else _all_stars(body)
    return body


def _split(message: bytes) -> tuple[bytes, bytes, bytes]:
    blank = _BLANK_LINE.search(message)
    if blank is None:
        return message, b"", b""
    return message[: blank.start()], blank[0], message[blank.end() :]


def _masked_uri_header(found: re.Match[bytes]) -> bytes:
    """Credentials may be in a URI, for the request that is made of it (section 19.1.1)."""
    if unquote_to_bytes(found[2]).lower() not in _CREDENTIAL_HEADERS:
        return found[0]
    return found[1] + _all_stars(found[3])


def _masked_crypto(found: re.Match[bytes]) -> bytes:
    """A line may have several keys, each with what belongs to it."""
    return _INLINE_KEY.sub(_stars, found[0])


def _stars(found: re.Match[bytes]) -> bytes:
    return found[1] + _all_stars(found[2])


def _all_stars(text: bytes) -> bytes:
    """Stars for all but white space, which has line breaks in it."""
    return re.sub(rb"\S", b"*", text)
