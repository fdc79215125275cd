"""Refer-To (RFC 3515 section 2.1), with the Replaces that an attended transfer puts inside."""

from __future__ import annotations

from dataclasses import dataclass

from softswitch.sip.headers.name_address import NameAddress
from softswitch.sip.headers.replaces import Replaces


@dataclass(frozen=True, slots=True)
class ReferTo:
    """Where the recipient of a REFER shall send a request."""

    address: NameAddress

    @classmethod
    def parse(cls, value: str) -> ReferTo:
        """Read `<sip:carol@example.com?Replaces=...>`."""
        return cls(NameAddress.parse(value))

    @property
    def method(self) -> str:
        """The method to use: INVITE when the URI names none."""
        return self.address.uri.parameters.get("method") or "INVITE"

    @property
    def replaces(self) -> Replaces | None:
        """The dialog to take over; a malformed one is a ParseError."""
        value = self.address.uri.header("Replaces")
        return None if value is None else Replaces.parse(value)

    def __str__(self) -> str:
        return str(self.address)
