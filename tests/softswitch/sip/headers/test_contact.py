"""Contact (RFC 3261 section 20.10)."""

from __future__ import annotations

import pytest

from softswitch.sip.errors import ParseError
from softswitch.sip.headers.contact import Contacts
from softswitch.sip.headers.container import Headers


def contacts(*lines: str) -> Contacts:
    return Contacts.parse_all(Headers([("Contact", line) for line in lines]))


def test_addresses_are_read_over_lines() -> None:
    several = contacts("<sip:a>;q=0.5, sip:b;expires=60", '"C" <sip:c?x=y>')

    assert [address.uri.host for address in several.addresses] == ["a", "b", "c"]
    assert several.addresses[1].parameters.get("expires") == "60"
    assert not several.is_star
    assert str(several) == '<sip:a>;q=0.5, <sip:b>;expires=60, "C" <sip:c?x=y>'


def test_a_star_stands_for_every_binding() -> None:
    assert contacts("*") == Contacts(is_star=True)
    assert str(contacts("*")) == "*"


def test_no_contact_is_no_address() -> None:
    assert contacts() == Contacts()


@pytest.mark.parametrize("lines", [["*", "<sip:a>"], ["*, <sip:a>"], ["*;expires=0"], ["<sip:a>,"]])
def test_other_lines_are_a_parse_error(lines: list[str]) -> None:
    with pytest.raises(ParseError):
        contacts(*lines)
