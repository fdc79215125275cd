from urllib.parse import quote

import pytest

from softswitch.routing.caller_id import ShownCaller, shown_caller
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
