"""Contact (RFC 3261 section 20.10), with the `*` that only REGISTER uses."""

from __future__ import annotations

from dataclasses import dataclass

from softswitch.sip.errors import ParseError
from softswitch.sip.headers.container import Headers
from softswitch.sip.headers.name_address import NameAddress


@dataclass(frozen=True, slots=True)
class Contacts:
    """All Contact values of a message; `is_star` stands for every binding there is."""

    addresses: tuple[NameAddress, ...] = ()
    is_star: bool = False

    @classmethod
    def parse_all(cls, headers: Headers) -> Contacts:
        """Read every Contact line; `*` stands alone (10.2.2)."""
        values = headers.get_list("Contact")
        if "*" not in values:
            return cls(tuple([NameAddress.parse(value) for value in values]))
        if len(values) != 1:
            raise ParseError("bad-contact", detail="`*` beside other contacts")
        return cls(is_star=True)

    def __str__(self) -> str:
        return "*" if self.is_star else ", ".join([str(address) for address in self.addresses])
