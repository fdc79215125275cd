"""Mutated URIs and name-addresses against their readers: nothing but ParseError may come out.

`python -m fuzz.fuzz_uri [--seconds 10] [--seed N] [--keep]`. Whatever is accepted reads the same
from its text and from its fields, equals itself by RFC 3261 section 19.1.4, equals another both
ways or neither, is one line, and asks nothing but ParseError of who looks for a number in it. A
finding is printed as a Python literal, for a new test.
"""

from __future__ import annotations

import random
import sys
from contextlib import suppress
from dataclasses import replace

from config.e164 import MAX_DIGITS, dialled, normalise, normalise_pattern, split_sip_uri
from fuzz.kept import Fuzz
from softswitch.sip.errors import ParseError
from softswitch.sip.grammar import has_line_break
from softswitch.sip.headers.name_address import NameAddress
from softswitch.sip.headers.refer_to import ReferTo
from softswitch.sip.uri import MAX_URI, Uri

# The only exception that a peer's bytes may cause.
ALLOWED = (ParseError,)
# No URI, however hostile, may hold the loop for longer; generous for a busy machine.
MAX_SECONDS = 0.25

SEEDS = (
    b"sip:+18666831950;npdi;rn=+16025550000@198.51.100.20:5060;user=phone",
    b"sips:alice:pa%20ss@[2001:db8::10]:5061;transport=TLS;lr;maddr=[::1]?Subject=x&Route=%3Csip:a%3E",
    b"tel:+1-602-555-0100;npdi;rn=+16025550000;phone-context=example.com;isub=12",
    b"tel:7042;phone-context=+1914555",
    b"SIP:%61lice;day=tuesday@EXAMPLE.com;method=INVITE;unknown=a%3Bb",
    b"sip:192.0.2.1",
    b"sip:user;par=u%40example.net@example.com",
    b'"O\\"Neil, Pat" <sip:+16025550100;jip=602555@192.0.2.10;user=phone>;tag=1;x="a;b"',
    b"token one two <sip:a@b>;q=0.5;expires=60;+sip.instance=\"<urn:uuid:1>\"",
    b"sip:a@b.example;lr;tag=outside",
    b"<sip:c@d.example?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2>",
    b"mailto:a@b.example", b"urn:service:sos", b"soap.beep://192.0.2.103:3002",
    b"sip:user@[2001:db8:::192.0.2.1]", b"sip:[::ffff:192.0.2.10]:19823",
)  # fmt: skip
PIECES = (
    *(b"%", b"%00", b"%zz", b"%0d%0a", b"%25", b"%3B", b"\r\n", b"\0", b" ", b"\t", b'"', b"\\"),
    *(b"<", b">", b";", b"?", b"&", b"=", b"@", b":", b"[", b"]", b"::", b":::", b",", b"*", b"+"),
    *(b"-", b".", b"..", b"(", b")", b"/", b"65536", b"99999999999", b"user=phone", b"lr", b";;"),
    *("é".encode(), "\u0661".encode(), "\u202e".encode(), b"\xff", b"a" * 300, b"maddr=", b"x=y;"),
)


def check(data: bytes, chance: random.Random) -> bool:
    """Read it every way; whether any took it. Raises for a finding."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data.decode("latin-1")  # as heads of messages are read
    good = False
    check_number(text)
    # What stands in a header has been unfolded: it is one line.
    if not has_line_break(text):
        with suppress(*ALLOWED):
            address = NameAddress.parse(text)
            good = True
            check_address(address)
        with suppress(*ALLOWED):
            check_reference(ReferTo.parse(text))
    try:
        uri = Uri.parse(text)
    except ALLOWED:
        return good
    check_uri(uri, chance)
    return True


def check_uri(uri: Uri, chance: random.Random) -> None:
    """What must hold of a URI."""
    again = Uri.parse(str(uri))
    assert again == uri
    assert not has_line_break(str(uri))
    # Built from its fields, it has no text of its own: that is made anew.
    built = replace(uri)
    if len(str(built)) <= MAX_URI:  # escapes make it longer
        assert Uri.parse(str(built)) == uri, (str(uri), str(built))
    assert uri.matches(again)
    other = Uri.parse(chance.choice(SEEDS[:7]).decode())
    assert uri.matches(other) == other.matches(uri)
    _ = uri.user_parameters, uri.header("Replaces")


def check_number(text: str) -> None:
    """Whatever is read as a number is one, and the same number when it is read again."""
    for country in ("US", "DE"):
        number = normalise(text, country)
        if number is not None:
            assert number[0] == "+", number
            assert number[1:].isascii(), number
            assert number[1:].isdigit(), number
            assert len(number) <= 1 + MAX_DIGITS, number
            assert normalise(number, country) == number
        normalise_pattern(text, country)
    dialled(text)
    split_sip_uri(text)


def check_address(address: NameAddress) -> None:
    """What must hold of a name-address."""
    assert not has_line_break(str(address))
    assert NameAddress.parse(str(address)) == address, str(address)
    _ = address.tag


def check_reference(reference: ReferTo) -> None:
    """Who looks for the call to be replaced may be refused."""
    with suppress(*ALLOWED):
        _ = reference.replaces


FUZZ = Fuzz(
    "uri",
    check,
    seeds=SEEDS,
    pieces=PIECES,
    watched=(
        "softswitch/sip/uri.py",
        "softswitch/sip/grammar.py",
        "softswitch/sip/parameters.py",
        "softswitch/sip/headers",
        "config/e164.py",
    ),
    most_seconds=MAX_SECONDS,
)

if __name__ == "__main__":
    sys.exit(FUZZ.main(__doc__))
