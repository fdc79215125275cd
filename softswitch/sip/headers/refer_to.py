"""Refer-To (RFC 3515 section 2.1), with the Replaces that an attended transfer puts inside."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import quote as escape

from softswitch.sip.errors import ParseError
from softswitch.sip.headers.name_address import NameAddress
from softswitch.sip.headers.replaces import Replaces
from softswitch.sip.parameters import Parameters
from softswitch.sip.uri import Uri

__all__ = ["ReferTo", "replacing"]

# RFC 3261 section 25.1, hvalue: what need not be escaped besides letters, digits and "-_.~".
# Brackets and the like may stay, too, but there are phones that cut at them.
_VALUE_SAFE = "!*'()"


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


def replacing(target: str, replaces: Replaces) -> str:
    """The URI that leads to a dialog of somebody whose Contact is `target`, for Refer-To.

    RFC 3891 section 3, escaped by RFC 3261 section 19.1.1. The Contact stays as it was written:
    its user is often no name but a key. A method or header fields in it are not ours to ask for.
    Raises ParseError.
    """
    uri = Uri.parse(target)
    if not uri.is_sip:
        raise ParseError("bad-uri", detail="nobody can be called there")
    head, at, tail = target.rpartition("@")
    plain = head + at + tail.partition("?")[0]
    if "method" in uri.parameters:
        parameters = Parameters((n, v) for n, v in uri.parameters.items() if n != "method")
        plain = str(replace(uri, parameters=parameters, headers=()))
    return f"{plain}?Replaces={escape(str(replaces), safe=_VALUE_SAFE)}"
