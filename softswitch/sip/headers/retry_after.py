"""Retry-After (RFC 3261 section 20.33)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from softswitch.sip.errors import ParseError
from softswitch.sip.grammar import parse_number
from softswitch.sip.headers.container import Headers
from softswitch.sip.parameters import NO_PARAMETERS, Parameters

# delta-seconds [ comment ] *( SEMI retry-param )
_RETRY_AFTER = re.compile(r"([0-9]+)\s*(?:\(((?:[^()\\]|\\.)*+)\)\s*)?(?:;(.*))?", re.DOTALL)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)

# 25.1 gives delta-seconds no bound; 20.19 names 2**32 - 1 for Expires, and so does everybody.
MAX_DELTA_SECONDS = 2**32 - 1


@dataclass(frozen=True, slots=True)
class RetryAfter:
    """When the service will be back, in seconds."""

    seconds: int
    comment: str = ""
    parameters: Parameters = NO_PARAMETERS

    @classmethod
    def parse(cls, value: str) -> RetryAfter:
        """Read `18000;duration=3600` or `120 (I'm in a meeting)`."""
        matched = _RETRY_AFTER.fullmatch(value)
        if matched is None:
            raise ParseError("bad-retry-after", detail=f"{value[:60]!r}")
        seconds, comment, parameters = matched.groups()
        return cls(
            parse_number(seconds, limit=MAX_DELTA_SECONDS, reason="bad-retry-after"),
            _QUOTED_PAIR.sub(r"\1", comment or ""),
            Parameters.parse(parameters or ""),
        )

    @classmethod
    def find(cls, headers: Headers) -> RetryAfter | None:
        """Read the header of a response; None when there is none, or none that can be read."""
        value = headers.get("Retry-After")
        try:
            return None if value is None else cls.parse(value)
        except ParseError:
            return None

    def __str__(self) -> str:
        escaped = re.sub(r"([()\\])", r"\\\1", self.comment)
        comment = f" ({escaped})" if self.comment else ""
        return f"{self.seconds}{comment}{self.parameters}"
