"""Numbers as trunks write them, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.e164 import COUNTRIES, dialled, normalise
from config.model import NumberFormat, NumberRule, Trunk, TrunkNumbers
from softswitch.routing.number_forms import (
    called_uri,
    caller_uri,
    received_number,
    received_uri,
    sent_number,
)
from softswitch.sip.uri import Uri


@pytest.mark.parametrize(
    ("number", "country", "written"),
    [
        # as_is, e164, digits, national, bare
        ("+16025551234", "US", "+16025551234 +16025551234 16025551234 16025551234 6025551234"),
        ("+4930123456", "US", "+4930123456 +4930123456 4930123456 0114930123456 0114930123456"),
        ("+4930123456", "DE", "+4930123456 +4930123456 4930123456 030123456 30123456"),
        ("+16025551234", "DE", "+16025551234 +16025551234 16025551234 0016025551234 0016025551234"),
        ("+34911234567", "ES", "+34911234567 +34911234567 34911234567 911234567 911234567"),
        ("+390612345678", "IT", "+390612345678 +390612345678 390612345678 0612345678 0612345678"),
        ("+3611234567", "HU", "+3611234567 +3611234567 3611234567 0611234567 11234567"),
        ("911", "US", "911 911 911 911 911"),
        ("*72", "US", "*72 *72 *72 *72 *72"),
        ("anonymous", "US", "anonymous anonymous anonymous anonymous anonymous"),
    ],
)
def test_a_number_has_the_form_its_trunk_wants(number: str, country: str, written: str) -> None:
    forms: tuple[NumberFormat, ...] = ("as_is", "e164", "digits", "national", "bare")
    found = [sent_number(number, NumberRule(form), country, "US") for form in forms]
    assert found == written.split()


def test_what_was_dialled_without_plus_is_read_in_the_switchs_country_not_in_the_trunks() -> None:
    assert sent_number("6025551234", NumberRule("e164"), "DE", "US") == "+16025551234"
    assert sent_number("030123456", NumberRule("national"), "DE", "DE") == "030123456"


def test_strip_and_add_come_after_the_form() -> None:
    rule = NumberRule("e164", strip="+", add="9011#")
    assert sent_number("+16025551234", rule, "US", "US") == "9011#16025551234"
    assert sent_number("911", rule, "US", "US") == "9011#911"
    assert sent_number("agent", rule, "US", "US") == "agent"


def trunk(**numbers: NumberRule | str) -> Trunk:
    return Trunk("carrier", "192.0.2.1", 5070, numbers=TrunkNumbers(**numbers))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rule", "number", "uri"),
    [
        (NumberRule(), "+16025551234", "sip:+16025551234@192.0.2.1:5070"),
        (NumberRule("digits", uri="phone"), "+16025551234",
         "sip:16025551234@192.0.2.1:5070;user=phone"),
        (NumberRule("e164", uri="tel"), "6025551234", "tel:+16025551234"),
        (NumberRule("bare", uri="tel"), "+16025551234", "tel:6025551234;phone-context=+1"),
        (NumberRule("digits", uri="tel"), "+16025551234", "tel:+16025551234"),
        (NumberRule("digits", uri="tel"), "6025551234", "tel:+16025551234"),
        (NumberRule("e164", strip="+", uri="tel"), "+16025551234", "tel:+16025551234"),
        (NumberRule("national", uri="tel"), "+16025551234", "tel:+16025551234"),
        (NumberRule("national", uri="tel"), "+4930123456", "tel:+4930123456"),
        (NumberRule("bare", uri="tel"), "+4930123456", "tel:+4930123456"),
        (NumberRule("e164", uri="tel"), "911", "tel:911;phone-context=+1"),
        (NumberRule("bare", add="9", uri="tel"), "911", "tel:9911;phone-context=+1"),
        (NumberRule("e164", strip="+", add="9#"), "+16025551234",
         "sip:9%2316025551234@192.0.2.1:5070"),
        (NumberRule(uri="tel"), "agent x", "sip:agent%20x@192.0.2.1:5070"),
        (NumberRule(uri="phone"), "agent", "sip:agent@192.0.2.1:5070"),
    ],
)  # fmt: skip
def test_a_number_stands_in_the_uri_its_trunk_wants(
    rule: NumberRule, number: str, uri: str
) -> None:
    assert called_uri(number, trunk(send_called=rule), "US") == uri
    assert str(Uri.parse(uri)) == uri


@given(
    country=st.sampled_from(sorted(COUNTRIES)),
    form=st.sampled_from(("as_is", "e164", "digits", "national", "bare")),
    number=st.sampled_from(("+16025551234", "+4930123456", "+390612345678", "+3611234567")),
)
def test_a_tel_uri_names_the_number_in_whatever_form(
    country: str, form: NumberFormat, number: str
) -> None:
    told = trunk(country=country, send_called=NumberRule(form, uri="tel"))
    assert dialled(called_uri(number, told, "US")) == number


def test_without_a_rule_numbers_go_as_they_are() -> None:
    plain = Trunk("carrier", "192.0.2.1")
    assert called_uri("866 683*1950", plain, "US") == "sip:866%20683*1950@192.0.2.1"
    assert caller_uri("+1602", plain, "US", "h") == ("+1602", "sip:+1602@h")
    assert received_uri("sip:100@h;x=y", plain) == "sip:100@h;x=y"


def test_callers_have_a_form_of_their_own() -> None:
    told = trunk(country="GB", send_caller=NumberRule("national", uri="phone"))
    found = caller_uri("+442079460000", told, "US", "192.0.2.9")
    assert found == ("02079460000", "sip:02079460000@192.0.2.9;user=phone")


@pytest.mark.parametrize(
    ("rule", "country", "text", "number"),
    [
        (NumberRule(), None, "6025551234", "6025551234"),
        (NumberRule(), "DE", "030 123456", "030 123456"),
        (NumberRule(), "DE", "030123456", "+4930123456"),
        (NumberRule(), "DE", "0016025551234", "+16025551234"),
        (NumberRule(strip="9011#"), None, "9011#6025551234", "6025551234"),
        (NumberRule(strip="9011#"), None, "6025551234", "6025551234"),
        (NumberRule(strip="0", add="+49"), None, "030123456", "+4930123456"),
        (NumberRule(strip="0", add="+49"), None, "+4930123456", "+4930123456"),
        (NumberRule(add="+"), None, "4930123456", "+4930123456"),
        (NumberRule(strip="100"), None, "100", "100"),
        (NumberRule(strip="9"), None, "911" * 30, "911" * 30),
    ],
)
def test_received_numbers_are_read_as_their_trunk_writes_them(
    rule: NumberRule, country: str | None, text: str, number: str
) -> None:
    assert received_number(text, rule, country) == number


@pytest.mark.parametrize(
    ("uri", "read"),
    [
        ("sip:9011%236025551234@192.0.2.9:5070;user=phone", "sip:6025551234@192.0.2.9:5070"),
        ("sip:9011#6025551234@[2001:db8::1]", "sip:6025551234@[2001:db8::1]"),
        ("tel:9011#6025551234", "tel:6025551234"),
        ("sip:sales@192.0.2.9", "sip:sales@192.0.2.9"),
        ("sip:192.0.2.9", "sip:192.0.2.9"),
    ],
)
def test_a_request_uri_is_read_with_its_number_mended(uri: str, read: str) -> None:
    assert received_uri(uri, trunk(receive_called=NumberRule(strip="9011#"))) == read


@given(
    country=st.sampled_from(sorted(COUNTRIES)),
    form=st.sampled_from(("e164", "digits", "national", "bare")),
    digits=st.from_regex(r"[2-9][0-9]{9}", fullmatch=True),
)
def test_what_a_trunk_is_sent_it_could_send_back(
    country: str, form: NumberFormat, digits: str
) -> None:
    """A number of the trunk's country that is written as e164 or national is read as itself."""
    number = normalise(digits, country)
    if number is None or form in ("digits", "bare"):
        return  # without a prefix a number may be another one, which is why they have them
    sent = sent_number(number, NumberRule(form), country, "US")
    assert received_number(sent, NumberRule(), country) == number


@given(text=st.text(max_size=80), strip=st.sampled_from(("", "0", "+", "9#")))
def test_nothing_that_a_peer_writes_as_a_number_raises(text: str, strip: str) -> None:
    rule = NumberRule("national", strip, "1")
    assert isinstance(received_number(text, rule, "US"), str)
    assert isinstance(sent_number(text, rule, "DE", "US"), str)
