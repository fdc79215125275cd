"""Credentials, registration, proxies and probes of trunks, as operators write them."""

from __future__ import annotations

import pytest

from config.model import Trunk, TrunkLogin, TrunkProbe, TrunkProxies, TrunkRegistration
from tests.support.configurations import loaded, told


def mistakes_in(text: str) -> str:
    return "\n".join(told(text))


def trunk(text: str) -> Trunk:
    return loaded(f"trunks: {{carrier: {{address: 192.0.2.1, {text}}}}}\n").trunks["carrier"]


def test_nothing_of_it_is_there_by_default() -> None:
    made = loaded("trunks: {carrier: 192.0.2.1}\n").trunks["carrier"]
    assert (made.outbound_auth, made.inbound_auth, made.register, made.behind, made.probe) == (
        None, None, None, None, None,
    )  # fmt: skip


def test_credentials_are_read_and_shown_to_nobody() -> None:
    made = trunk(
        "outbound_auth: {user: us, password: 'a b', realm: r}, "
        "inbound_auth: {user: them, password: x}"
    )
    assert made.outbound_auth == TrunkLogin("us", "a b", "r")
    assert made.inbound_auth == TrunkLogin("them", "x")
    assert "a b" not in repr(made)


def test_a_registration_takes_the_user_of_the_credentials() -> None:
    made = trunk("register: true, outbound_auth: {user: us, password: x}")
    assert made.register == TrunkRegistration()
    made = trunk("register: {user: 100, domain: a.example, expires: 1 h}")
    assert made.register == TrunkRegistration("100", "a.example", 3600.0)


@pytest.mark.parametrize("word", ["no", "false", "off"])
def test_a_registration_may_be_said_to_be_none(word: str) -> None:
    assert trunk(f"register: {word}").register is None
    assert trunk(f"register: {word}, outbound_auth: {{user: us, password: x}}").register is None


def test_proxies_say_it_in_one_way() -> None:
    assert trunk("behind: {proxies: [10.0.0.1], header: X-T, value: v}").behind == TrunkProxies(
        ("10.0.0.1",), header="X-T", value="v"
    )
    assert trunk("behind: {proxies: [10.0.0.0/8], via: true}").behind == TrunkProxies(
        ("10.0.0.0/8",), via=True
    )


def test_a_probe_may_be_true_or_have_settings() -> None:
    assert trunk("probe: true").probe == TrunkProbe()
    assert trunk("probe: no").probe is None
    assert trunk("probe: {every: 5 s, misses: 1, down: [404]}").probe == TrunkProbe(
        5.0, 1, frozenset((404,))
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("outbound_auth: {user: a b, password: x}", "expected a user name"),
        ('outbound_auth: {user: "a:b", password: x}', "expected a user name without"),
        ('inbound_auth: {user: "a:b", password: x}', "expected a user name without"),
        ("outbound_auth: {user: a}", 'needs "password"'),
        ("outbound_auth: secret", "expected user and password"),
        ("inbound_auth: {user: a, password: x, realm: y}", '"realm" is no setting'),
        ("register: true", "register: whom?"),
        ("register: maybe", "expected true, false"),
        ("register: {expires: 1 s}", "30 s to 24 h"),
        ("register: {user: 'a b>;x'}", "user: expected a user name without spaces"),
        ("register: {user: 'a\"b'}", "user: expected a user name without spaces"),
        ("register: {user: 'a:b'}", "user: expected a user name without spaces"),
        ("behind: {proxies: [10.0.0.1]}", "expected one way"),
        ("behind: {proxies: [10.0.0.1], via: true, header: X-T}", "expected one way"),
        ("behind: {proxies: [10.0.0.1], header: X}", "no mark of a proxy's"),
        ("behind: {proxies: [10.0.0.1], header: From}", "From is written by whoever sends"),
        ("behind: {header: X-T}", 'needs "proxies"'),
        ("probe: {down: [200]}", "300-699"),
        ("probe: maybe", "expected true, false"),
    ],
)
def test_mistakes_are_told(text: str, expected: str) -> None:
    assert expected in mistakes_in(f"trunks: {{carrier: {{address: 192.0.2.1, {text}}}}}\n")


def test_a_password_is_in_no_message() -> None:
    long = "x" * 300
    login = f"{{user: u, password: {long}}}"
    found = mistakes_in(f"trunks: {{c: {{address: 192.0.2.1, outbound_auth: {login}}}}}\n")
    assert "outbound_auth" in found or "password" in found
    assert "xxx" not in found


def test_two_trunks_do_not_ask_for_the_same_user() -> None:
    one = "{address: 192.0.2.1, inbound_auth: {user: u, password: x}}"
    assert "inbound_auth" in mistakes_in(f"trunks: {{a: {one}, b: {one}}}\n")
