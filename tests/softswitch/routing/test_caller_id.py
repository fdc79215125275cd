from urllib.parse import quote

import pytest

from softswitch.routing.caller_id import ShownCaller, masked, shown_caller
from softswitch.sip.uri import Uri

ANONYMOUS = '"Anonymous" <sip:anonymous@anonymous.invalid>'


def shown(
    kind: str = "original",
    *,
    fixed: str | None = None,
    caller: str = "+16025550100",
    name: str = "",
    private: bool = False,
) -> ShownCaller:
    return shown_caller(
        kind=kind,
        fixed=fixed,
        called="+18666831950",
        caller=caller,
        name=name,
        private=private,
        host="192.0.2.10",
    )


def test_the_caller_is_shown_with_its_name_and_our_host() -> None:
    assert shown(name='Pat "P" Doe') == ShownCaller(
        "+16025550100",
        '"Pat \\"P\\" Doe" <sip:+16025550100@192.0.2.10>',
        "+16025550100",
    )


@pytest.mark.parametrize("private", [False, True])
def test_the_number_called_or_a_fixed_one_takes_the_callers_place(private: bool) -> None:
    called = shown("called", name="Pat", private=private)
    assert called.from_header == "<sip:+18666831950@192.0.2.10>"
    fixed = shown("fixed", fixed="+16025559999", name="Pat", private=private)
    assert fixed.from_header == "<sip:+16025559999@192.0.2.10>"
    for one in (called, fixed):
        assert "6025550100" not in str(one)
        assert "Pat" not in str(one)


@pytest.mark.parametrize(
    ("mask", "caller", "number"),
    [
        ("212XXXXXXX", "+16025550100", "2125550100"),
        ("212xxxxxxx", "6025550100", "2125550100"),
        ("+1212XXXXXXX", "+16025550100", "+12125550100"),
        ("XXXXXXXXXXX", "+16025550100", "16025550100"),
        ("2125550000", "+16025550100", "2125550000"),
        ("XXX0000", "+16025550199", "5550000"),
        ("9X8X7", "+16025550134", "90837"),
        ("212XXXXXXX", "5550100", "2125550100"),
        ("212XXXXXXX", "50100", ""),
        ("212XXXXXXX", "sip:+16025550100@pbx.example.org", "2125550100"),
        ("212XXXXXXX", "sip:agent@pbx.example.org", ""),
        ("212XXXXXXX", "\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668", ""),
        ("212XXXXXXX", "", ""),
    ],
)
def test_a_mask_keeps_its_digits_and_takes_the_callers_for_its_x(
    mask: str, caller: str, number: str
) -> None:
    assert masked(mask, caller) == number


def test_a_masked_caller_shows_neither_its_number_nor_its_name() -> None:
    found = shown("mask", fixed="212XXXXXXX", name="Pat")
    assert found == ShownCaller("2125550100", "<sip:2125550100@192.0.2.10>", "2125550100")


def test_a_mask_over_a_caller_without_a_number_shows_nobody() -> None:
    found = shown("mask", fixed="212XXXXXXX", caller="sip:pat@example.org", name="Pat")
    assert found == ShownCaller("anonymous", ANONYMOUS, "anonymous")


def test_not_even_the_digits_of_a_mask_are_seen_of_a_private_caller() -> None:
    found = shown("mask", fixed="212XXXXXXX", private=True)
    assert found == ShownCaller("anonymous", ANONYMOUS, "anonymous", (("Privacy", "id"),))


@pytest.mark.parametrize("private", [False, True])
def test_a_unique_number_stands_for_the_call(private: bool) -> None:
    found = shown("unique", fixed="+17025550007", name="Pat", private=private)
    assert found == ShownCaller("+17025550007", "<sip:+17025550007@192.0.2.10>", "+17025550007")


@pytest.mark.parametrize("private", [False, True])
def test_a_uri_is_shown_as_it_is(private: bool) -> None:
    found = shown("uri", fixed="sip:sales@example.org", name="Pat", private=private)
    assert found == ShownCaller("sip:sales@example.org", "<sip:sales@example.org>", "sales")


def test_a_unique_number_that_is_not_there_leaves_the_caller() -> None:
    assert shown("unique").number == "+16025550100"


def test_a_private_caller_is_nowhere_to_be_seen() -> None:
    """RFC 3323 section 4.1, RFC 3325 section 9.3."""
    found = shown(name="Pat", private=True)
    assert found == ShownCaller("anonymous", ANONYMOUS, "anonymous", (("Privacy", "id"),))


def test_a_caller_without_a_number_asks_for_no_privacy() -> None:
    assert shown(caller="") == ShownCaller("anonymous", ANONYMOUS, "anonymous")


@pytest.mark.parametrize(
    ("caller", "user"),
    [
        ("sip:agent@pbx.example.org", "agent"),
        ("sip:j%40son@pbx.example.org", "j%40son"),
        ("sip:gw7.internal.example", "anonymous"),
        ("sip:10.9.9.9", "anonymous"),
        ("Evil:abc", "anonymous"),
        ("a b\r\nVia x", "a%20b%0D%0AVia%20x"),
    ],
)
def test_whatever_the_caller_calls_itself_stays_one_user(caller: str, user: str) -> None:
    found = shown(caller=caller)
    assert found.from_header == f"<sip:{user}@192.0.2.10>"
    assert quote(found.contact_user) == user
    assert Uri.parse(found.from_header.strip("<>")).host == "192.0.2.10"
