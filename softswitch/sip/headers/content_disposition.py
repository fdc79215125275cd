"""Content-Disposition (RFC 3261 section 20.11)."""

from __future__ import annotations

from dataclasses import dataclass

from softswitch.sip.errors import ParseError
from softswitch.sip.grammar import WHITE_SPACE, is_token
from softswitch.sip.parameters import NO_PARAMETERS, Parameters


@dataclass(frozen=True, slots=True)
class ContentDisposition:
    """How a body is meant: `session`, `render`, `early-session` and so on, in lower case."""

    type: str
    parameters: Parameters = NO_PARAMETERS

    @classmethod
    def parse(cls, value: str) -> ContentDisposition:
        """Read `session;handling=optional`."""
        kind, _, parameters = value.partition(";")
        kind = kind.strip(WHITE_SPACE)
        if not is_token(kind):
            raise ParseError("bad-content-disposition", detail=f"{value[:60]!r}")
        return cls(kind.lower(), Parameters.parse(parameters))

    @property
    def is_required(self) -> bool:
        """Whether a body that is not understood must be refused (415).

        20.11: "If the handling parameter is missing, the value "required" SHOULD be assumed."
        """
        return (self.parameters.get("handling") or "required").lower() != "optional"

    def __str__(self) -> str:
        return f"{self.type}{self.parameters}"
