"""P-Asserted-Identity and P-Preferred-Identity (RFC 3325 sections 9.1 and 9.2).

Whether an assertion is believed depends on who sent it: that is not known here.
"""

from __future__ import annotations

from softswitch.sip.grammar import WHITE_SPACE
from softswitch.sip.headers.container import Headers
from softswitch.sip.headers.informative import parse_readable
from softswitch.sip.headers.name_address import NameAddress
from softswitch.sip.uri import Uri


def parse_asserted_identities(headers: Headers) -> tuple[NameAddress, ...]:
    """Read P-Asserted-Identity: by the RFC one sip(s) and one tel URI at most."""
    return parse_readable(headers, "P-Asserted-Identity", parse_identity)


def parse_preferred_identities(headers: Headers) -> tuple[NameAddress, ...]:
    """Read P-Preferred-Identity."""
    return parse_readable(headers, "P-Preferred-Identity", parse_identity)


def parse_identity(value: str) -> NameAddress:
    """Read one `name-addr / addr-spec`.

    These headers have no parameters of their own, so that what follows a bare URI belongs to it,
    other than in From: `tel:+12125551234;npdi`.
    """
    if "<" in value:
        return NameAddress.parse(value)
    return NameAddress(Uri.parse(value.strip(WHITE_SPACE)))
