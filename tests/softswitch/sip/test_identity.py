"""Who calls, by all headers together (RFC 3261, 3323, 3325, 5806, 7044, 8496, 4694)."""

from __future__ import annotations

import pytest

from softswitch.sip.headers.container import Headers
from softswitch.sip.identity import (
    CallerIdentity,
    is_anonymous,
    read_identity,
    telephone_number,
)
from softswitch.sip.message import Request
from softswitch.sip.uri import Uri

ANONYMOUS = '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=1'
PLAIN = '"John" <sip:+1-602-555-0100@h;user=phone>;tag=1'


def identity(
    *lines: tuple[str, str],
    from_: str = PLAIN,
    uri: str = "sip:+18666831950@h",
    trusted: bool = True,
) -> CallerIdentity:
    request = Request("INVITE", uri, Headers([("From", from_), *lines]))
    return read_identity(request, trusted=trusted)


def test_from_alone_tells_number_and_name() -> None:
    caller = identity()

    assert caller.number == "+16025550100"
    assert caller.uri == caller.from_uri == "sip:+1-602-555-0100@h;user=phone"
    assert caller.display_name == "John"
    assert not caller.is_private
    assert caller.is_trusted
    assert not caller.asserted
    assert not caller.diversions
    assert not caller.history
    assert caller.charge_number is caller.jip is caller.rn is None


def test_an_asserted_identity_is_believed_only_from_the_trusted() -> None:
    """RFC 3325 section 5."""
    line = ("P-Asserted-Identity", '"Real" <sip:+16025550199@carrier>')

    assert identity(line).number == "+16025550199"
    assert identity(line).display_name == "Real"
    suspect = identity(line, trusted=False)
    assert suspect.number == "+16025550100"
    assert suspect.display_name == "John"
    assert len(suspect.asserted) == 1
    assert not suspect.is_trusted


def test_the_asserted_identity_with_a_number_is_taken() -> None:
    caller = identity(("P-Asserted-Identity", "<sip:alice@carrier>, <tel:+16025550199>"))

    assert (caller.number, caller.uri) == ("+16025550199", "tel:+16025550199")
    assert caller.display_name == "John"


def test_an_asserted_name_without_number_does_not_hide_the_number_of_from() -> None:
    assert identity(("P-Asserted-Identity", "<sip:alice@carrier>")).number == "+16025550100"


def test_an_asserted_uri_is_taken_when_from_says_nothing() -> None:
    caller = identity(("P-Asserted-Identity", "<sip:alice@carrier>"), from_=ANONYMOUS)

    assert (caller.number, caller.uri) == ("", "sip:alice@carrier")
    assert caller.is_private


def test_an_anonymous_assertion_is_not_taken() -> None:
    caller = identity(
        ("P-Asserted-Identity", "<sip:anonymous@anonymous.invalid>"), from_="<sip:unknown@h>"
    )

    assert caller.uri == "sip:unknown@h"


def test_remote_party_id_is_believed_after_the_asserted_identity() -> None:
    line = ("Remote-Party-ID", "<sip:+16025550198@h>;party=calling")

    assert identity(line).number == "+16025550198"
    assert identity(line, trusted=False).number == "+16025550100"
    assert identity(line, ("P-Asserted-Identity", "<tel:+16025550199>")).number == "+16025550199"
    called = ("Remote-Party-ID", "<sip:+16025550198@h>;party=called")
    assert identity(called).number == "+16025550100"


def test_the_number_of_a_private_caller_stays_known() -> None:
    caller = identity(
        ("P-Asserted-Identity", "<tel:+16025550199>"), ("Privacy", "id"), from_=ANONYMOUS
    )

    assert caller.number == "+16025550199"
    assert caller.is_private


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize(
    ("lines", "from_", "private"),
    [
        ([], PLAIN, False),
        ([], ANONYMOUS, True),
        ([], "<sip:Restricted@h>;tag=1", True),
        ([], "<sip:alice@Anonymous.Invalid>;tag=1", True),
        ([], "<sip:unavailable@h>;tag=1", False),
        ([("Privacy", "id")], PLAIN, True),
        ([("Privacy", "none")], PLAIN, False),
        ([("Privacy", "no sense")], PLAIN, True),
        ([("Remote-Party-ID", "<sip:a@h>;privacy=full")], PLAIN, True),
        ([("Remote-Party-ID", "<sip:a@h>;privacy=off")], PLAIN, False),
        ([("Remote-Party-ID", "<sip:a@h>;party=called;privacy=full")], PLAIN, False),
    ],
)
def test_a_wish_for_privacy_needs_no_trust(
    lines: list[tuple[str, str]], from_: str, private: bool, trusted: bool
) -> None:
    assert identity(*lines, from_=from_, trusted=trusted).is_private is private


def test_the_charge_number_is_believed_only_from_the_trusted() -> None:
    line = ("P-Charge-Info", "<sip:+16025550100@h>;npi=ISDN")

    assert identity(line).charge_number == "+16025550100"
    assert identity(line, trusted=False).charge_number is None
    assert identity(("P-Charge-Info", "<sip:somebody@h>")).charge_number is None


def test_diversions_and_history_come_along() -> None:
    caller = identity(
        ("Diversion", "<tel:+16025550101>;reason=user-busy, nonsense"),
        ("History-Info", "<sip:a@h>;index=1, <sip:b@h;cause=486>;index=1.1"),
    )

    assert [diversion.reason for diversion in caller.diversions] == ["user-busy"]
    assert [entry.cause for entry in caller.history] == [None, 486]


@pytest.mark.parametrize(
    ("from_", "jip"),
    [
        ("<sip:+16025550100;jip=602555@h>", "602555"),
        ("<sip:+16025550100@h;jip=602-555>", "602555"),
        ("<tel:+16025550100;jip=+1602555>", "602555"),
        ("<sip:+16025550100;jip=+16025550000@h>", "602555"),
        ("<sip:+16025550100;jip=6025550000@h>", "602555"),
        ("<sip:+16025550100;jip=60255@h>", None),
        ("<sip:+16025550100;jip@h>", None),
        ("<sip:+16025550100;jip=2602555@h>", None),
    ],
)
def test_jip_is_six_digits(from_: str, jip: str | None) -> None:
    assert identity(from_=from_).jip == jip


def test_jip_is_looked_for_in_assertion_and_request_uri_too() -> None:
    line = ("P-Asserted-Identity", "<sip:+1602@h;jip=602555>")

    assert identity(line).jip == "602555"
    assert identity(line, trusted=False).jip is None
    assert identity(uri="sip:+1866;jip=602556@h").jip == "602556"
    assert identity(uri="<nonsense>").jip is None


@pytest.mark.parametrize(
    ("from_", "info"),
    [
        ("<sip:+16025550100;isup-oli=62@h>", "62"),
        ("<sip:+16025550100@h;isup-oli=0>;tag=1", "00"),
        ("<sip:+16025550100@h>;isup-oli=61;tag=1", "61"),
        ("<sip:+16025550100@h>;tag=1", None),
        ("<tel:+16025550100;oli=70>", "70"),
        ("<sip:+16025550100@h;isup-oli=6x>", None),
        ("<sip:+16025550100@h;isup-oli=123>", None),
        ("<sip:+16025550100@h;isup-oli>", None),
        (PLAIN, None),
    ],
)
def test_line_information_is_two_digits(from_: str, info: str | None) -> None:
    assert identity(from_=from_).line_info == info


def test_line_information_of_an_assertion_is_believed_of_the_trusted() -> None:
    line = ("P-Asserted-Identity", "<sip:+1602@h;isup-oli=63>")

    assert identity(line).line_info == "63"
    assert identity(("P-Asserted-Identity", "<sip:+1602@h>;isup-oli=63")).line_info == "63"
    assert identity(line, trusted=False).line_info is None


@pytest.mark.parametrize(
    ("uri", "from_", "rn"),
    [
        ("sip:+1866;npdi;rn=+1-602-555-0000@h", PLAIN, "+16025550000"),
        ("sip:+1866@h;rn=6025550000", PLAIN, "6025550000"),
        ("tel:+1866;rn=+16025550000", PLAIN, "+16025550000"),
        ("sip:+1866@h", "<sip:+1602;rn=+16025550000@h>", "+16025550000"),
        ("sip:+1866;rn=bogus@h", PLAIN, None),
        ("<nonsense>", PLAIN, None),
    ],
)
def test_the_routing_number_is_read(uri: str, from_: str, rn: str | None) -> None:
    assert identity(uri=uri, from_=from_).rn == rn


def test_what_cannot_be_seen_is_taken_out_of_the_name() -> None:
    assert identity(from_='"A\x00\x07\x1bB\u2028" <sip:a@h>').display_name == "AB"


@pytest.mark.parametrize(
    ("uri", "number"),
    [
        ("sip:+1(602)555.0100@h", "+16025550100"),
        ("tel:+1-602-555-0100;npdi", "+16025550100"),
        ("sip:*67#@h", "*67#"),
        ("sip:%2B1602@h", "+1602"),
        ("sip:alice@h", ""),
        ("sip:h", ""),
        ("sip:1%0d%0a2@h", ""),
        ("urn:service:sos", ""),
        ("sip:" + "1" * 33 + "@h", ""),
    ],
)
def test_a_telephone_number_is_digits(uri: str, number: str) -> None:
    assert telephone_number(Uri.parse(uri)) == number


@pytest.mark.parametrize(
    ("uri", "anonymous"),
    [
        ("sip:anonymous@h", True),
        ("sip:x@anonymous.invalid", True),
        ("sip:a@h", False),
        ("tel:+1602", False),
    ],
)
def test_an_anonymous_uri_is_known(uri: str, anonymous: bool) -> None:
    assert is_anonymous(Uri.parse(uri)) is anonymous
