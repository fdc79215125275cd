"""P-Charge-Info: the number that pays for the call (RFC 8496)."""

from __future__ import annotations

from dataclasses import dataclass

from softswitch.sip.headers.container import Headers
from softswitch.sip.headers.informative import parse_readable
from softswitch.sip.headers.name_address import NameAddress


@dataclass(frozen=True, slots=True)
class ChargeInfo:
    """The charge number, with its numbering plan and nature of address."""

    address: NameAddress

    @classmethod
    def parse(cls, value: str) -> ChargeInfo:
        """Read `<sip:+1...@host>;npi=ISDN;noa=3`."""
        return cls(NameAddress.parse(value))

    @classmethod
    def find(cls, headers: Headers) -> ChargeInfo | None:
        """Read the first value that can be read, None when there is none."""
        return next(iter(parse_readable(headers, "P-Charge-Info", cls.parse)), None)

    @property
    def numbering_plan(self) -> str | None:
        """`npi`, numbering plan identifier."""
        return self._parameter("npi")

    @property
    def nature_of_address(self) -> str | None:
        """`noa`."""
        return self._parameter("noa")

    def _parameter(self, name: str) -> str | None:
        # RFC 8496 has them after the URI; some gateways put them inside of it.
        return self.address.parameters.get(name) or self.address.uri.parameters.get(name)

    def __str__(self) -> str:
        return str(self.address)
