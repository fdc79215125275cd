"""Call-ID (RFC 3261 section 20.8)."""

from __future__ import annotations

import re

from softswitch.sip.errors import ParseError

# callid = word [ "@" word ]; what a word may hold, and "@" anywhere.
_CALL_ID = re.compile(r"[A-Za-z0-9\-.!%*_+`'~()<>:\\\"/\[\]?{}@=;,&$#|^]+")

# Long enough for every generator known (an UUID and a host); it is a key of many tables.
MAX_CALL_ID = 512


def parse_call_id(value: str) -> str:
    """Check a Call-ID and give it back as it is.

    20.8: "Call-IDs are case-sensitive and are simply compared byte-by-byte." More characters pass
    than the grammar has, but neither white space nor anything invisible.
    """
    if len(value) > MAX_CALL_ID or not _CALL_ID.fullmatch(value):
        raise ParseError("bad-call-id", detail=f"{value[:60]!r}")
    return value
