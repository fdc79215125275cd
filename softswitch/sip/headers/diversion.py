"""Diversion: who sent the call on, and why (RFC 5806)."""

from __future__ import annotations

from dataclasses import dataclass

from softswitch.sip.errors import ParseError
from softswitch.sip.grammar import parse_number
from softswitch.sip.headers.container import Headers
from softswitch.sip.headers.informative import parse_readable
from softswitch.sip.headers.name_address import NameAddress

# RFC 5806 writes the counter with one or two digits.
MAX_DIVERSIONS = 99


@dataclass(frozen=True, slots=True)
class Diversion:
    """One diversion; the first of several is the latest (section 3)."""

    address: NameAddress

    @classmethod
    def parse(cls, value: str) -> Diversion:
        """Read `<sip:+1...@host>;reason=user-busy;counter=1;privacy=off`."""
        return cls(NameAddress.parse(value))

    @classmethod
    def parse_all(cls, headers: Headers) -> tuple[Diversion, ...]:
        """Read every value that can be read, the latest diversion first."""
        return parse_readable(headers, "Diversion", cls.parse)

    @property
    def reason(self) -> str:
        """`user-busy`, `no-answer`, `unconditional`, ...; `unknown` when nothing is said."""
        return (self.address.parameters.get("reason") or "unknown").lower()

    @property
    def counter(self) -> int:
        """How many diversions this value stands for."""
        try:
            return parse_number(
                self.address.parameters.get("counter") or "1",
                limit=MAX_DIVERSIONS,
                reason="bad-diversion",
            )
        except ParseError:
            return 1

    @property
    def is_private(self) -> bool:
        """Whether the diverting party must not be shown."""
        return (self.address.parameters.get("privacy") or "off").lower() != "off"

    def __str__(self) -> str:
        return str(self.address)
