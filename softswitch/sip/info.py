"""Keys told by INFO (RFC 6086), in the two ways that gateways have used since RFC 2976.

``application/dtmf-relay`` has lines (`Signal=5`, `Duration=160` in ms), ``application/dtmf`` the
key alone; some write one in the name of the other. Neither is an Info Package: RFC 6086 leaves such
uses as they were. Pure: it knows no dialog.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from softswitch.sip.checks import ACCEPT_ENCODING_LINE
from softswitch.sip.errors import ParseError
from softswitch.sip.message import Request
from softswitch.sip.multipart import find_body

__all__ = ["InfoAnswer", "answer_info"]

KEY_TYPES = ("application/dtmf-relay", "application/dtmf")
ACCEPT_LINE = f"Accept: {', '.join(KEY_TYPES)}\r\n"
# RFC 6086 section 4.2.2: a 469 contains "a Recv-Info header field with Info Packages for which the
# UA is willing to receive INFO requests": none.
NO_PACKAGES_LINE = "Recv-Info:\r\n"

MAX_BODY = 200
"""Octets of a body that are looked at: two short lines."""
MAX_DURATION_MS = 60_000
"""Whatever is longer is no key press."""

_BY_NUMBER = {"10": "*", "11": "#", "12": "A", "13": "B", "14": "C", "15": "D"}
_FLASH = ("16", "!", "HF", "FLASH")
"""A hook flash: no key, and no mistake."""

_FLAGS = re.IGNORECASE | re.MULTILINE
_SIGNAL = re.compile(r"^[ \t]*signal[ \t]*[=:][ \t]*([^\s]*)[ \t]*\r?$", _FLAGS)
_DURATION = re.compile(r"^[ \t]*duration[ \t]*[=:][ \t]*([0-9]{1,6})[ \t]*\r?$", _FLAGS)


class InfoAnswer(NamedTuple):
    """What an INFO gets, and the key that it tells, if any."""

    status: int
    lines: str = ""
    """Whole header lines."""
    digit: str = ""
    held: float = 0.0
    """Seconds for which the key was down, as far as it is told."""


OK = InfoAnswer(200)
BAD = InfoAnswer(400)


def answer_info(request: Request) -> InfoAnswer:
    """Read an INFO; nothing in it raises."""
    if "Info-Package" in request.headers:
        return InfoAnswer(469, NO_PACKAGES_LINE)
    if not request.body:
        # Sent by some to see whether the dialog is still there.
        return OK
    if any(one.lower() != "identity" for one in request.headers.get_list("Content-Encoding")):
        # RFC 3261 section 8.2.3.
        return InfoAnswer(415, ACCEPT_LINE + ACCEPT_ENCODING_LINE)
    try:
        body = next(filter(None, (find_body(request, name) for name in KEY_TYPES)), None)
    except ParseError:
        return BAD
    if body is None:
        return InfoAnswer(415, ACCEPT_LINE)
    return _read(body[:MAX_BODY].decode("latin-1"))


def _read(text: str) -> InfoAnswer:
    signal = _SIGNAL.search(text)
    word = (signal[1] if signal is not None else text.strip()).upper()
    if word in _FLASH:
        return OK
    digit = _BY_NUMBER.get(word, word)
    if len(digit) != 1 or digit not in "0123456789*#ABCD":
        return BAD
    duration = _DURATION.search(text)
    milliseconds = 0 if duration is None else min(int(duration[1]), MAX_DURATION_MS)
    return InfoAnswer(200, "", digit, milliseconds / 1000)
