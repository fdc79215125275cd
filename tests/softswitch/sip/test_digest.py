"""Digest against the examples of RFC 7616, and against whoever copies, guesses or waits."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.sip.digest import (
    MAX_NONCES,
    NONCE_SECONDS,
    Challenge,
    Credentials,
    Gate,
    Verdict,
    _response,
    parse_challenges,
)
from softswitch.sip.message import Request, parse_message
from tests.support.agents import Pseudorandom

NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
HERE, ELSEWHERE = "192.0.2.1", "192.0.2.2"


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_responses_are_those_of_rfc_7616(algorithm: str, expected: str) -> None:
    """Section 3.9.1."""
    found = _response(
        algorithm, user="Mufasa", realm="http-auth@example.org", password="Circle of Life",
        nonce=NONCE, count="00000001", cnonce=CNONCE, qop="auth", method="GET",
        uri="/dir/index.html", body=b"",
    )  # fmt: skip
    assert found == expected


def test_without_protection_the_response_is_that_of_rfc_2069() -> None:
    found = _response(
        "MD5", user="Mufasa", realm="testrealm@host.com", password="Circle Of Life",
        nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", count="", cnonce="", qop="", method="GET",
        uri="/dir/index.html", body=b"",
    )  # fmt: skip
    assert found == "670fd8c2df070c60b045671b8b24ff02"


# Challenges of others.


def test_a_challenge_is_read_whatever_its_order_and_spaces() -> None:
    value = 'DIGEST  algorithm=SHA-256 ,qop="auth-int, auth",\tnonce="a,b" ,stale=TRUE, '
    (found,) = parse_challenges([value + 'realm="x \\"y\\""'])
    assert found == Challenge('x "y"', "a,b", "SHA-256", ("auth-int", "auth"), None, True)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Basic realm=x",
        "Digest",
        "Digest realm",
        'Digest realm="x"',
        "Digest nonce=1",
        "x" * 9000,
    ],
)
def test_what_is_no_challenge_is_passed_over(value: str) -> None:
    assert parse_challenges([value]) == []


@given(st.lists(st.text(max_size=200), max_size=12))
def test_no_challenge_breaks_the_reader(values: list[str]) -> None:
    parse_challenges(["Digest " + value for value in values])


def test_the_topmost_challenge_that_we_know_is_answered() -> None:
    """RFC 8760 section 2.4."""
    asked = parse_challenges(
        [
            'Digest realm="r", nonce="1", algorithm=SHA-1024, qop="auth"',
            'Digest realm="r", nonce="2", algorithm=SHA-256, qop="auth"',
            'Digest realm="r", nonce="3", algorithm=MD5, qop="auth"',
        ]
    )
    chosen = Credentials("u", "p").choose(asked)
    assert chosen is not None
    assert chosen.nonce == "2"


def test_another_realm_gets_no_answer() -> None:
    asked = parse_challenges(['Digest realm="r", nonce="1"'])
    assert Credentials("u", "p", realm="other").choose(asked) is None
    assert Credentials("u", "p", realm="r").choose(asked) is not None


def test_a_nonce_is_counted_and_a_new_one_begins_anew() -> None:
    credentials = Credentials("u", "p", random_bytes=Pseudorandom(1))
    first = Challenge("r", "n", "MD5", ("auth",), None, stale=False)
    counts = [
        re.findall(r"nc=(\w+)", credentials.answer(one, method="INVITE", uri="sip:x", body=b""))[0]
        for one in (first, first, first._replace(nonce="m"), first._replace(nonce="m"))
    ]
    assert counts == ["00000001", "00000002", "00000001", "00000002"]


def test_a_secret_is_in_no_repr() -> None:
    assert "hidden" not in repr(Credentials("u", "hidden"))


# Our own gate.


@dataclass
class Peer:
    """Somebody at our gate."""

    gate: Gate = field(default_factory=lambda: Gate("switch", random_bytes=Pseudorandom(2)))
    now: float = 1000.0
    passwords: dict[str, str] = field(default_factory=lambda: {"u": "p"})

    def challenge(self, source: str = HERE, algorithm: str = "SHA-256") -> Challenge:
        lines = self.gate.challenge(source, now=self.now).splitlines()
        found = parse_challenges(line.partition(": ")[2] for line in lines)
        return next(one for one in found if one.algorithm == algorithm)

    def check(self, request: Request, source: str = HERE) -> tuple[Verdict, str]:
        return self.gate.check(request, source, self.passwords.get, now=self.now)


def invite(value: str | None, uri: str = "sip:100@switch", method: str = "INVITE") -> Request:
    line = "" if value is None else f"Authorization: {value}\r\n"
    message = parse_message(
        f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n"
        f"To: <sip:c@d>\r\nCall-ID: 1\r\nCSeq: 1 {method}\r\n{line}\r\n".encode()
    )
    assert isinstance(message, Request)
    return message


def shown(
    challenge: Challenge, user: str = "u", password: str = "p", uri: str = "sip:100@switch",
    credentials: Credentials | None = None,
) -> str:  # fmt: skip
    who = credentials or Credentials(user, password, random_bytes=Pseudorandom(3))
    return who.answer(challenge, method="INVITE", uri=uri, body=b"")


@pytest.mark.parametrize("algorithm", ["SHA-256", "MD5"])
def test_who_knows_the_password_is_believed(algorithm: str) -> None:
    peer = Peer()
    challenge = peer.challenge(algorithm=algorithm)
    assert peer.check(invite(shown(challenge))) == (Verdict.GOOD, "u")


def test_the_strong_algorithm_is_asked_for_first() -> None:
    lines = Peer().gate.challenge(HERE, now=1.0)
    assert re.findall("algorithm=([^,]+)", lines) == ["SHA-256", "MD5"]


def test_who_shows_nothing_or_another_realms_answer_shows_nothing() -> None:
    peer = Peer()
    other = shown(Challenge("other", "n", "MD5", ("auth",), None, stale=False))
    for value in (None, other, "Basic dTpw", "Digest", "Digest ,,,"):
        assert peer.check(invite(value)) == (Verdict.NONE, "")


@pytest.mark.parametrize(("user", "password"), [("u", "q"), ("v", "p"), ("", ""), ('u"', "p")])
def test_who_does_not_know_it_is_not(user: str, password: str) -> None:
    peer = Peer()
    assert peer.check(invite(shown(peer.challenge(), user, password)))[0] is Verdict.WRONG


def test_an_answer_is_worth_something_once() -> None:
    peer = Peer()
    value = shown(peer.challenge())
    assert peer.check(invite(value))[0] is Verdict.GOOD
    assert peer.check(invite(value))[0] is Verdict.STALE


def test_counting_on_goes_on() -> None:
    peer, credentials = Peer(), Credentials("u", "p", random_bytes=Pseudorandom(4))
    challenge = peer.challenge()
    answers = [shown(challenge, credentials=credentials) for _ in range(3)]
    assert peer.check(invite(answers[0]))[0] is Verdict.GOOD
    assert peer.check(invite(answers[2]))[0] is Verdict.GOOD
    assert peer.check(invite(answers[1]))[0] is Verdict.STALE


def test_a_nonce_of_another_source_another_gate_or_another_minute_is_stale() -> None:
    peer = Peer()
    elsewhere = shown(peer.challenge(ELSEWHERE))
    assert peer.check(invite(elsewhere))[0] is Verdict.STALE
    foreign = shown(Peer(Gate("switch", random_bytes=Pseudorandom(9))).challenge())
    assert peer.check(invite(foreign))[0] is Verdict.STALE
    late = shown(peer.challenge())
    peer.now += NONCE_SECONDS + 1
    assert peer.check(invite(late))[0] is Verdict.STALE


@pytest.mark.parametrize("nonce", ["", "x", "\x7f", "a" * 43 + "=", "ä" * 44])
def test_a_made_up_nonce_is_stale(nonce: str) -> None:
    peer = Peer()
    value = shown(peer.challenge()._replace(nonce=nonce))
    assert peer.check(invite(value))[0] is Verdict.STALE


def test_an_answer_is_for_the_number_it_was_made_for() -> None:
    peer = Peer()
    value = shown(peer.challenge())
    assert peer.check(invite(value, "sip:900@switch"))[0] is Verdict.WRONG
    # A proxy on the way writes another host into the request, as is its business.
    assert peer.check(invite(value, "sip:100@192.0.2.77;x=y"))[0] is Verdict.GOOD


def test_an_answer_is_for_the_method_it_was_made_for() -> None:
    peer = Peer()
    assert peer.check(invite(shown(peer.challenge()), method="REFER")) == (Verdict.WRONG, "u")


@pytest.mark.parametrize(
    ("old", "new"),
    [("qop=auth", "qop=auth-int"), ("nc=00000001", "nc=1"), ("nc=00000001", "nc=zzzzzzzz")],
)
def test_what_we_did_not_ask_for_is_not_good(old: str, new: str) -> None:
    peer = Peer()
    verdict, _ = peer.check(invite(shown(peer.challenge()).replace(old, new)))
    assert verdict is not Verdict.GOOD


def test_counts_that_were_forgotten_are_not_begun_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("softswitch.sip.digest.MAX_NONCES", 3)
    assert MAX_NONCES > 3
    peer = Peer()
    answers = []
    for _ in range(6):
        peer.now += 0.01
        answers.append(shown(peer.challenge()))
    assert [peer.check(invite(value))[0] for value in answers] == [Verdict.GOOD] * 6
    assert [peer.check(invite(value))[0] for value in answers] == [Verdict.STALE] * 6


@given(st.text(max_size=300))
def test_no_answer_breaks_the_gate(text: str) -> None:
    line = re.sub(r"[\r\n\0]", "", text)
    peer = Peer()
    request = invite(None)
    request.headers.add("Authorization", f'Digest realm="switch", {line}'.replace("\u2028", ""))
    assert peer.check(request)[0] is not Verdict.GOOD
