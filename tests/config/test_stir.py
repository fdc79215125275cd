"""Signatures of callers, as operators write about them."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.model import Fetching, Signing, Stir, TrunkVouching
from tests.support.configurations import MINIMAL, loaded, told

TRUNK = "trunks: {{c: {{address: 192.0.2.1, identity: {{{}}}}}}}\n"
TRUSTED = "trunks: {{c: {{address: 192.0.2.1, trusted: true, identity: {{{}}}}}}}\n"
SIGN = "sign: {key: k.pem, certificate: c.pem, x5u: 'https://certs.example/ours.pem'"


def test_nobody_is_believed_and_nothing_signed_by_default() -> None:
    made = loaded(MINIMAL)

    assert made.stir == Stir()
    assert {trunk.identity for trunk in made.trunks.values()} == {None}


def test_every_key_of_a_trunk_reaches_the_model() -> None:
    text = TRUSTED.format(
        "verify: true, missing: mark, failed: refuse, believe: true, verstat: true, sign: true, "
        "pass: true"
    )
    stir = f"stir: {{authorities: a.pem, certificates: c, {SIGN}}}}}\n"

    assert loaded(text + stir).trunks["c"].identity == TrunkVouching(
        True, "mark", "refuse", True, True, True, True
    )


def test_every_key_of_the_section_reaches_the_model() -> None:
    text = (
        "stir: {authorities: a.pem, certificates: certs, freshness: 30 s, tn_auth_list: true, "
        "fetch: {hosts: [Certs.Example, '*.sti.example', 'a.example:8443'], wait: 500 ms}, "
        f"{SIGN}, ours: B, others: off, numbers: ['+1602', '+44'], "
        "origid: 123E4567-e89b-12d3-a456-426655440000}}\n"
    )

    assert loaded(MINIMAL + text).stir == Stir(
        Path("a.pem"),
        Path("certs"),
        30.0,
        True,
        Fetching(("certs.example", "*.sti.example", "a.example:8443"), 0.5),
        Signing(
            Path("k.pem"),
            Path("c.pem"),
            "https://certs.example/ours.pem",
            "B",
            None,
            ("+1602", "+44"),
            "123e4567-e89b-12d3-a456-426655440000",
        ),
    )


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("freshness: 1 s", "freshness"),
        ("freshness: 1 h", "freshness"),
        ("fetch: true", "fetch"),
        ("fetch: {}", "hosts"),
        ("fetch: {hosts: ['*']}", "hosts"),
        ("fetch: {hosts: [certs]}", "hosts"),
        ("fetch: {hosts: ['https://certs.example']}", "hosts"),
        ("fetch: {hosts: [a.example], wait: 1 min}", "wait"),
        ("sign: key.pem", "sign"),
        ("sign: {key: k.pem, certificate: c.pem}", "x5u"),
        ("sign: {key: k.pem, certificate: c.pem, x5u: 'http://certs.example/ours.pem'}", "x5u"),
        ("sign: {key: k.pem, certificate: c.pem, x5u: 'https://certs.example/'}", "x5u"),
        ("sign: {key: k.pem, certificate: c.pem, x5u: 'https://certs.example/a>;b'}", "x5u"),
        (f"{SIGN}, ours: D}}", "ours"),
        (f"{SIGN}, numbers: [1602]}}", "numbers"),
        (f"{SIGN}, origid: mine}}", "origid"),
    ],
)
def test_nonsense_is_told(text: str, word: str) -> None:
    found = told(f"stir: {{{text}}}\n")

    assert any(word in line for line in found)


def test_a_word_that_is_no_policy_is_told_with_those_there_are() -> None:
    found = "\n".join(told(TRUNK.format("failed: drop")))

    assert "accept, mark or refuse" in found


@pytest.mark.parametrize("text", ["missing: refuse", "failed: mark", "sign: true, failed: refuse"])
def test_a_policy_for_signatures_that_nobody_looks_at_is_refused_where_it_stands(text: str) -> None:
    key = text.rpartition(", ")[2].partition(":")[0]
    line = TRUNK.format(text)
    column = line.index(f"{key}: ") + len(f"{key}: ") + 1

    (found,) = [one for one in told(line + f"stir: {{{SIGN}}}}}\n") if "nobody looks" in one]

    assert found.startswith(f"1:{column}: {key}: ")
    assert "verify: true" in found


@pytest.mark.parametrize("text", ["missing: refuse", "failed: refuse"])
def test_a_policy_for_what_a_trusted_carrier_says_is_good(text: str) -> None:
    assert loaded(TRUSTED.format(f"believe: true, {text}")).trunks["c"].identity is not None


def test_a_policy_that_changes_nothing_needs_nobody_to_look() -> None:
    assert loaded(TRUNK.format("missing: accept, failed: accept")).trunks["c"].identity is not None


def test_the_word_of_a_carrier_that_is_not_trusted_cannot_be_believed() -> None:
    (found,) = told(TRUNK.format("believe: true"))

    assert found.startswith("1:44: identity: believe: true: the trunk is not trusted"), found


def test_nothing_is_verified_without_authorities() -> None:
    found = "\n".join(told(TRUNK.format("verify: true")))

    assert "set authorities in the section stir" in found


def test_nothing_is_verified_without_certificates() -> None:
    text = TRUNK.format("verify: true")
    found = "\n".join(told(text + "stir: {authorities: a.pem}\n"))

    assert "set certificates, or fetch, in the section stir" in found
    fetched = loaded(text + "stir: {authorities: a.pem, fetch: {hosts: [a.example]}}\n")
    assert fetched.stir.certificates is None


def test_nothing_is_signed_without_a_key() -> None:
    found = "\n".join(told(TRUNK.format("sign: true") + "stir: {authorities: a.pem}\n"))

    assert "set sign in the section stir" in found
