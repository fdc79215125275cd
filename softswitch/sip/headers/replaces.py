"""Replaces: the dialog that a new INVITE takes over (RFC 3891 section 6.1)."""

from __future__ import annotations

from dataclasses import dataclass

from softswitch.sip.errors import ParseError
from softswitch.sip.grammar import WHITE_SPACE
from softswitch.sip.headers.call_id import parse_call_id
from softswitch.sip.parameters import Parameters


@dataclass(frozen=True, slots=True)
class Replaces:
    """A dialog by its three identifiers, as its owner (the recipient) sees them.

    `to_tag` is compared with the recipient's local tag (section 3).
    """

    call_id: str
    to_tag: str
    from_tag: str
    early_only: bool = False

    @classmethod
    def parse(cls, value: str) -> Replaces:
        """Read `98732@example.com;to-tag=1;from-tag=2;early-only`."""
        call_id, _, rest = value.partition(";")
        parameters = Parameters.parse(rest)
        to_tag, from_tag = parameters.get("to-tag"), parameters.get("from-tag")
        if not to_tag or not from_tag:
            raise ParseError("bad-replaces", detail=f"{value[:80]!r}")
        return cls(
            parse_call_id(call_id.strip(WHITE_SPACE)), to_tag, from_tag, "early-only" in parameters
        )

    def __str__(self) -> str:
        early = ";early-only" if self.early_only else ""
        return f"{self.call_id};to-tag={self.to_tag};from-tag={self.from_tag}{early}"
