"""Of a SIP message as bytes: whose it is, and the same without its secrets.

Looks at bytes, not at parsed messages: what cannot be parsed is what one most wants to see.
RFC 3261 section 7.3 (header lines, compact forms), RFC 4568 (a=crypto of SDP), RFC 5245 (ice-pwd).
"""

from __future__ import annotations

import re

__all__ = ["call_id_of", "masked"]

MAX_CALL_ID = 256
"""Longer ones are cut: they only tell dialogs from each other."""

_CALL_ID = re.compile(rb"\n(?:call-id|i)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)
_CREDENTIALS = re.compile(
    rb"(\n(?:proxy-)?authorization[ \t]*:[ \t]*[^\s\r\n]*)([^\r\n]*(?:\r?\n[ \t]+[^\r\n]*)*)",
    re.IGNORECASE,
)
_URI_PASSWORD = re.compile(rb"(sips?:[^\s:@;<>\"]++:)([^\s:@;<>\"]++)(?=@)", re.IGNORECASE)
_MEDIA_SECRET = re.compile(
    rb"((?:^|\n)a=(?:crypto:[^\r\n]*?inline:|ice-pwd:))([^\s|\r\n]+)", re.IGNORECASE
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
    if body:
        body = _masked_body(lower, body)
    return head + blank + body


def _masked_body(head: bytes, body: bytes) -> bytes:
    lower = body.lower()
    if b"a=crypto:" in lower or b"a=ice-pwd:" in lower:
        body = _MEDIA_SECRET.sub(_stars, body)
    if b"application/dtmf" in head and _KEYS_TYPE.search(head):
        # `application/dtmf` is the key alone, `application/dtmf-relay` has it by name.
        body = _KEY.sub(_stars, body) if b"=" in body else _all_stars(body)
    return body


def _split(message: bytes) -> tuple[bytes, bytes, bytes]:
    for blank in (b"\r\n\r\n", b"\n\n"):
        head, found, body = message.partition(blank)
        if found:
            return head, found, body
    return message, b"", b""


def _stars(found: re.Match[bytes]) -> bytes:
    return found[1] + _all_stars(found[2])


def _all_stars(text: bytes) -> bytes:
    """Stars for all but white space, which has line breaks in it."""
    return re.sub(rb"\S", b"*", text)
