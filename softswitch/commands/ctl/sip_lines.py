"""Of the text of a SIP message: what stands on the arrow of a ladder."""

from __future__ import annotations

import re

__all__ = ["arrow_label", "media_of"]

MAX_LABEL = 36
"""Letters: three columns and the time stand on a screen of 120."""

_CSEQ = re.compile(r"^cseq[ \t]*:[ \t]*\d+[ \t]+([A-Za-z]+)", re.IGNORECASE | re.MULTILINE)
_REASON = re.compile(r"^reason[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_CAUSE = re.compile(r";[ \t]*cause[ \t]*=[ \t]*(\d+)", re.IGNORECASE)
_PROTOCOL = re.compile(r"[^\s;]*")
_NAMES = {"0": "PCMU", "8": "PCMA", "9": "G722", "13": "CN", "18": "G729", "3": "GSM"}
"""Static payload types (RFC 3551) that need no rtpmap."""


def arrow_label(text: str) -> str:
    """The method, or the status with its phrase and what it answers."""
    first = text.partition("\n")[0].strip()
    if first.startswith("SIP/2.0 "):
        status = first.removeprefix("SIP/2.0 ")
        method = _CSEQ.search(text)
        about = "" if method is None or method[1] == "INVITE" else f" ({method[1]})"
        return _short(f"{status}{about}")
    method_word = first.partition(" ")[0] or "?"
    reason = _REASON.search(text.partition("\r\n\r\n")[0])
    return _short(method_word if reason is None else f"{method_word}{_why(reason[1])}")


def _why(reason: str) -> str:
    """Protocol and cause of a Reason (RFC 3326)."""
    cause, protocol = _CAUSE.search(reason), _PROTOCOL.match(reason)
    return "" if cause is None or protocol is None else f" ({protocol[0]} {cause[1]})"


def media_of(text: str) -> str:
    """What a message says of media: codecs, address and direction; empty when it says nothing."""
    body = text.partition("\r\n\r\n")[2]
    if not body.startswith("v="):
        return ""
    lines = body.splitlines()
    media = next((line for line in lines if line.startswith("m=")), "")
    parts = media.removeprefix("m=").split()
    if len(parts) < 4:
        return ""
    names = dict(_NAMES)
    for line in lines:
        mapped = re.match(r"a=rtpmap:(\d+) ([^/\s]+)", line)
        if mapped:
            names[mapped[1]] = "keys" if mapped[2] == "telephone-event" else mapped[2]
    codecs = "/".join(names.get(number, number) for number in parts[3:8])
    host = next((line.split()[-1] for line in lines if line.startswith("c=IN ")), "?")
    words = ("sendonly", "recvonly", "inactive")
    direction = next((f" {word}" for word in words if f"a={word}" in lines), "")
    return _short(f"{codecs} {host}:{parts[1]}{direction}")


def _short(text: str) -> str:
    return text if len(text) <= MAX_LABEL else f"{text[: MAX_LABEL - 3]}..."
