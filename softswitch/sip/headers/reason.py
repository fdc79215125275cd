"""Reason: why a request was sent, in terms of SIP or of the telephone network (RFC 3326)."""

from __future__ import annotations

from dataclasses import dataclass

from softswitch.sip.errors import ParseError
from softswitch.sip.grammar import WHITE_SPACE, is_token, parse_number, quote
from softswitch.sip.headers.container import Headers
from softswitch.sip.headers.informative import parse_readable
from softswitch.sip.parameters import NO_PARAMETERS, Parameters

# SIP causes have three digits, Q.850 ones go to 127; RFC 3326 says only 1*DIGIT.
MAX_CAUSE = 999
MAX_Q850 = 127


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason value: the protocol (`SIP`, `Q.850`), its cause and a text for people."""

    protocol: str
    cause: int | None = None
    text: str | None = None
    parameters: Parameters = NO_PARAMETERS
    """Whatever else came along, such as `location`."""

    @classmethod
    def parse(cls, value: str) -> Reason:
        """Read `Q.850;cause=16;text="Terminated"`."""
        protocol, _, rest = value.partition(";")
        protocol = protocol.strip(WHITE_SPACE)
        if not is_token(protocol):
            raise ParseError("bad-reason", detail=f"{value[:60]!r}")
        parameters = Parameters.parse(rest)
        cause = parameters.get("cause")
        return cls(
            protocol,
            None if cause is None else parse_number(cause, limit=MAX_CAUSE, reason="bad-reason"),
            parameters.get("text"),
            parameters.without("cause", "text"),
        )

    @classmethod
    def parse_all(cls, headers: Headers) -> tuple[Reason, ...]:
        """Read every value that can be read."""
        return parse_readable(headers, "Reason", cls.parse)

    @classmethod
    def cause_of(cls, headers: Headers, protocol: str) -> int | None:
        """Give the first cause stated in that protocol; protocol names ignore case."""
        wanted = protocol.lower()
        causes = [one.cause for one in cls.parse_all(headers) if one.protocol.lower() == wanted]
        return next((cause for cause in causes if cause is not None), None)

    def __str__(self) -> str:
        cause = "" if self.cause is None else f";cause={self.cause}"
        # reason-text = "text" EQUAL quoted-string: quoted even when it is one word.
        text = "" if self.text is None else f";text={quote(self.text)}"
        return f"{self.protocol}{cause}{text}{self.parameters}"


def q850_cause_of(headers: Headers) -> int | None:
    """Give the Q.850 cause that a response states (RFC 6432); None for none, or for no cause."""
    if "Reason" not in headers.fields:
        return None
    cause = Reason.cause_of(headers, "Q.850")
    return cause if cause is not None and 1 <= cause <= MAX_Q850 else None
