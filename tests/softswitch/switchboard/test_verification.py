"""What an INVITE says to whoever verifies its caller, what a carrier's word is worth, and what a
trunk's policy makes of it."""

from __future__ import annotations

import pytest

from config.model import TrunkVouching
from softswitch.sip.identity import read_identity
from softswitch.sip.message import Request, parse_message
from softswitch.stir.asked import Asked
from softswitch.stir.passport import Party
from softswitch.stir.verdict import NO_IDENTITY, Verdict
from softswitch.switchboard.signalling import calling_number
from softswitch.switchboard.verification import (
    asked_of,
    believed,
    marked,
    party_of,
    policy_for,
)


def invite(
    *lines: str,
    uri: str = "sip:8666831950@h",
    from_: str = "<sip:6025550100@h>;tag=1",
    to: str = "<sip:8666831950@h>",
) -> Request:
    head = (f"INVITE {uri} SIP/2.0", f"From: {from_}", f"To: {to}", "Call-ID: c@h", *lines)
    request = parse_message("\r\n".join((*head, "", "")).encode())
    assert isinstance(request, Request)
    return request


def asked(request: Request, *, trusted: bool = True, number: str = "+18666831950") -> Asked:
    identity = read_identity(request, trusted=trusted)
    return asked_of(request, identity, calling_number(identity, "US"), number, "US")


def tn(text: str) -> Party:
    return Party("tn", text)


def test_numbers_are_asked_for_as_e164_however_they_are_written() -> None:
    found = asked(invite(uri="sip:8666831950@h;user=phone", to="<tel:+1-866-683-1950>"))

    assert found.callers == (tn("16025550100"),)
    assert found.called[0] == tn("18666831950")
    assert [one for one in found.called if one.kind == "tn"] == [tn("18666831950")]
    assert found.call_id == "c@h"


def test_to_and_request_uri_may_name_different_numbers() -> None:
    found = asked(invite(uri="sip:+16025559999@h"), number="+16025559999")

    assert {one.text for one in found.called if one.kind == "tn"} == {"16025559999", "18666831950"}


def test_short_numbers_are_numbers_too() -> None:
    found = asked(invite(uri="sip:100@h", to="<sip:100@h>"), number="100")

    assert tn("100") in found.called


def test_the_caller_is_whom_the_call_is_presented_with() -> None:
    asserted = "P-Asserted-Identity: <sip:+16025550123@h>"

    assert asked(invite(asserted)).callers == (tn("16025550123"),)
    assert asked(invite(asserted), trusted=False).callers == (tn("16025550100"),)


def test_of_an_anonymous_caller_the_asserted_number_is_asked_for() -> None:
    anonymous = "<sip:anonymous@anonymous.invalid>;tag=1"
    asserted = "P-Asserted-Identity: <sip:+16025550123@h>, <tel:+16025550123>"

    found = asked(invite(asserted, "Privacy: id", from_=anonymous), trusted=False)

    assert found.callers == (tn("16025550123"),)


def test_a_caller_without_a_number_is_an_address() -> None:
    found = asked(invite(from_="<sip:Alice@Example.com;x=y>;tag=1"))

    assert found.callers == (Party("uri", "sip:Alice@example.com"),)


@pytest.mark.parametrize(
    ("line", "date"),
    [
        ("Date: Sat, 13 Nov 2010 23:29:00 GMT", 1289690940),
        ("Date: yesterday", None),
        ("X-Date: Sat, 13 Nov 2010 23:29:00 GMT", None),
    ],
)
def test_a_date_that_cannot_be_read_is_none(line: str, date: int | None) -> None:
    assert asked(invite(line)).date == date


def test_every_value_is_asked_about() -> None:
    assert asked(invite("Identity: one", "y: two")).identities == ("one", "two")


def test_what_is_no_number_is_no_party() -> None:
    assert party_of("+1 (602) 555-0100", "US") == tn("16025550100")
    assert party_of("anonymous", "US") is None
    assert party_of("sip:a@b", "US") is None


# What a carrier says.


def said(*lines: str, from_: str = "<sip:+16025550100@h>;tag=1") -> Verdict:
    request = invite(*lines, from_=from_)
    identity = read_identity(request, trusted=True)
    return believed(request, identity, calling_number(identity, "US"), "US").verdict


@pytest.mark.parametrize(
    ("text", "result", "attestation"),
    [
        ("TN-Validation-Passed", "passed", ""),
        ("TN-Validation-Passed-A", "passed", "A"),
        ("TN-Validation-Failed", "failed", ""),
        ("No-TN-Validation", "none", ""),
    ],
)
def test_a_carriers_word_is_read_in_each_place_it_stands(
    text: str, result: str, attestation: str
) -> None:
    for found in (
        said(f"P-Asserted-Identity: <sip:+16025550100;verstat={text}@h;user=phone>"),
        said(f"P-Asserted-Identity: <tel:+16025550100;verstat={text}>"),
        said(from_=f"<sip:+16025550100;verstat={text}@h;user=phone>;tag=1"),
        said(from_=f"<sip:+16025550100@h;verstat={text}>;tag=1"),
    ):
        assert (found.result, found.attestation, found.believed) == (result, attestation, True)


def test_the_attestation_stands_beside_it() -> None:
    passed = "P-Asserted-Identity: <sip:+16025550100;verstat=TN-Validation-Passed@h>"

    assert said(passed, "P-Attestation-Indicator: B").attestation == "B"
    assert said(passed, "P-Attestation-Indicator: better").attestation == ""
    assert said("P-Attestation-Indicator: A") == NO_IDENTITY


def test_words_of_their_own_say_nothing() -> None:
    assert said("P-Asserted-Identity: <sip:+1602;verstat=Certainly@h>") == NO_IDENTITY


# What becomes of it.


def test_each_result_has_its_policy() -> None:
    trunk = TrunkVouching(verify=True, missing="mark", failed="refuse")

    assert policy_for(Verdict("passed"), trunk) == "accept"
    assert policy_for(NO_IDENTITY, trunk) == "mark"
    assert policy_for(Verdict("failed", "stale"), trunk) == "refuse"


def test_a_mark_stands_before_the_name() -> None:
    assert marked("Alice") == "Unverified Alice"
    assert marked("") == "Unverified"
