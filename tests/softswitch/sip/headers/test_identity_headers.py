"""P-Asserted-Identity, Remote-Party-ID, Privacy, P-Charge-Info (RFC 3325, RFC 3323, RFC 8496)."""

from __future__ import annotations

import pytest

from softswitch.sip.errors import ParseError
from softswitch.sip.headers.asserted_identity import (
    parse_asserted_identities,
    parse_identity,
    parse_preferred_identities,
)
from softswitch.sip.headers.charge_info import ChargeInfo
from softswitch.sip.headers.container import Headers
from softswitch.sip.headers.privacy import MAX_VALUES, Privacy
from softswitch.sip.headers.remote_party_id import RemotePartyId


def test_asserted_identities_are_read_over_lines_and_broken_ones_left_out() -> None:
    headers = Headers(
        [
            ("P-Asserted-Identity", '"Smith, J" <sip:+16025550100@h>, tel:+16025550100'),
            ("P-Asserted-Identity", "<<broken"),
            ("P-Preferred-Identity", "<sip:me@h>"),
        ]
    )

    asserted = parse_asserted_identities(headers)

    assert [str(address.uri) for address in asserted] == [
        "sip:+16025550100@h",
        "tel:+16025550100",
    ]
    assert asserted[0].display_name == "Smith, J"
    assert [address.uri.user for address in parse_preferred_identities(headers)] == ["me"]


def test_a_bare_uri_keeps_its_parameters() -> None:
    identity = parse_identity("tel:+16025550100;npdi;rn=+1602")

    assert identity.uri.parameters.get("rn") == "+1602"
    assert not identity.parameters
    with pytest.raises(ParseError):
        parse_identity("nobody")


@pytest.mark.parametrize(
    ("parameters", "party", "screened", "private"),
    [
        ("", "calling", False, False),
        (";party=Called;screen=YES;privacy=off", "called", True, False),
        (";party=calling;screen=no;privacy=full", "calling", False, True),
        (";privacy=none", "calling", False, False),
        (";privacy=name", "calling", False, True),
        (';privacy="off,uri"', "calling", False, True),
        (";privacy", "calling", False, False),
    ],
)
def test_a_remote_party_is_read(parameters: str, party: str, screened: bool, private: bool) -> None:
    remote = RemotePartyId.parse(f'"A" <sip:+1602@h>{parameters}')

    assert (remote.party, remote.is_screened, remote.is_private) == (party, screened, private)
    assert RemotePartyId.parse(str(remote)) == remote


def test_remote_parties_are_read_and_broken_ones_left_out() -> None:
    headers = Headers([("Remote-Party-ID", "<sip:a@h>, nonsense, <sip:b@h>;party=called")])

    assert [party.address.uri.user for party in RemotePartyId.parse_all(headers)] == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "values", "hides"),
    [
        ("id", ("id",), True),
        ("ID ; critical", ("id", "critical"), True),
        ("user,id", ("user", "id"), True),
        ("header", ("header",), True),
        ("none", ("none",), False),
        ("session;critical", ("session", "critical"), False),
        ("history", ("history",), False),
    ],
)
def test_privacy_is_read(text: str, values: tuple[str, ...], hides: bool) -> None:
    privacy = Privacy.parse(text)

    assert privacy.values == values
    assert privacy.hides_caller is hides
    assert Privacy.parse(str(privacy)) == privacy


@pytest.mark.parametrize("text", ["", "id;;user", "a b", ";".join(["x"] * (MAX_VALUES + 1))])
def test_a_wish_that_is_not_understood_hides_the_caller(text: str) -> None:
    with pytest.raises(ParseError):
        Privacy.parse(text)
    assert Privacy.find(Headers([("Privacy", text)])).hides_caller


def test_privacy_is_collected_over_lines() -> None:
    headers = Headers([("Privacy", "critical"), ("Privacy", "id")])

    assert str(Privacy.find(headers)) == "critical;id"
    assert Privacy.find(Headers()) == Privacy()
    assert not Privacy().hides_caller


@pytest.mark.parametrize(
    "text",
    [
        "<sip:+16025550100@h>;npi=ISDN;noa=3",
        "<sip:+16025550100@h;npi=ISDN;noa=3>",
        "sip:+16025550100@h;npi=ISDN;noa=3",
    ],
)
def test_charge_info_is_read(text: str) -> None:
    charge = ChargeInfo.parse(text)

    assert charge.address.uri.user == "+16025550100"
    assert (charge.numbering_plan, charge.nature_of_address) == ("ISDN", "3")
    assert ChargeInfo.parse(str(charge)) == charge


def test_charge_info_is_found_or_not() -> None:
    assert ChargeInfo.find(Headers()) is None
    assert ChargeInfo.find(Headers([("P-Charge-Info", "nonsense")])) is None
    found = ChargeInfo.find(Headers([("P-Charge-Info", "nonsense"), ("P-Charge-Info", "tel:1")]))
    assert found is not None
    assert found.numbering_plan is None
