"""PASSporTs as text: RFC 8225's own example, and what is none."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.stir.passport import (
    MalformedPassport,
    Party,
    Token,
    canonical,
    encode,
    header_of,
    payload_of,
    read_token,
    signing_input,
    uri_party,
)
from tests.support.stir import dumped, encoded, shaken

SIGNATURE = encoded(bytes(range(64)))


def token(header: dict[str, Any], payload: dict[str, Any]) -> str:
    return b".".join((encoded(dumped(header)), encoded(dumped(payload)), SIGNATURE)).decode()


HEADER = {"alg": "ES256", "ppt": "shaken", "typ": "passport", "x5u": "https://a.example/b"}


def test_the_example_of_rfc_8225_is_written_letter_by_letter() -> None:
    """RFC 8225 Appendix A: the JSON, and its base64url."""
    header = header_of("https://cert.example.org/passport.cer")
    payload = {
        "orig": {"tn": "12155551212"},
        "dest": {"uri": ["sip:alice@example.com"]},
        "iat": 1471375418,
    }

    assert canonical(header) == (
        b'{"alg":"ES256","typ":"passport","x5u":"https://cert.example.org/passport.cer"}'
    )
    assert canonical(payload) == (
        b'{"dest":{"uri":["sip:alice@example.com"]},"iat":1471375418,"orig":{"tn":"12155551212"}}'
    )
    assert signing_input(header, payload) == (
        b"eyJhbGciOiJFUzI1NiIsInR5cCI6InBhc3Nwb3J0IiwieDV1IjoiaHR0cHM6Ly9j"
        b"ZXJ0LmV4YW1wbGUub3JnL3Bhc3Nwb3J0LmNlciJ9"
        b".eyJkZXN0Ijp7InVyaSI6WyJzaXA6YWxpY2VAZXhhbXBsZS5jb20iXX0sImlhdCI"
        b"6MTQ3MTM3NTQxOCwib3JpZyI6eyJ0biI6IjEyMTU1NTUxMjEyIn19"
    )


def test_a_token_of_shaken_is_read() -> None:
    read = read_token(token(HEADER, shaken(iat=1443208345)))

    assert isinstance(read, Token)
    assert read.header.ppt == "shaken"
    assert read.claims.attest == "A"
    assert read.claims.orig == Party("tn", "12155551212")
    assert read.claims.dest == (Party("tn", "12155551213"),)
    assert read.claims.iat == 1443208345
    assert read.claims.origid == "123e4567-e89b-12d3-a456-426655440000"
    assert read.signature == bytes(range(64))


def test_numbers_are_read_with_a_plus_and_outside_of_a_list() -> None:
    payload = {"orig": {"tn": "+1215"}, "dest": {"tn": "+1216"}, "iat": 1}

    read = read_token(token(HEADER, payload))

    assert isinstance(read, Token)
    assert read.claims.orig == Party("tn", "1215")
    assert read.claims.dest == (Party("tn", "1216"),)


def test_a_compact_token_is_its_signature() -> None:
    assert read_token(f"..{SIGNATURE.decode()}") == bytes(range(64))


def test_what_else_a_payload_says_is_passed_over() -> None:
    payload = {**shaken(iat=1), "rcd": {"nam": "x", "deep": [[[]]]}, "more": None}

    assert isinstance(read_token(token(HEADER, payload)), Token)


def test_uris_are_compared_without_case_and_parameters() -> None:
    assert uri_party("SIP:Alice@Example.COM;user=phone") == uri_party("sip:Alice@example.com")
    assert uri_party("sip:alice@example.com") != uri_party("sip:Alice@example.com")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.b",
        "a.b.c.d",
        "..",
        "..AAAA",
        f".e30.{SIGNATURE.decode()}",
        f"e30..{SIGNATURE.decode()}",
        f"e30.e30.{SIGNATURE.decode()}",
        f"!!!!.e30.{SIGNATURE.decode()}",
        f"A.e30.{SIGNATURE.decode()}",
        f"e30\u0000.e30.{SIGNATURE.decode()}",
        f"..{encoded(bytes(63)).decode()}",
        f"..{encoded(bytes(65)).decode()}",
        f"..{'A' * 9000}",
        "\u00e9..",
    ],
)
def test_what_is_no_token_is_malformed(text: str) -> None:
    with pytest.raises(MalformedPassport):
        read_token(text)


@pytest.mark.parametrize(
    "change",
    [
        {"iat": -1},
        {"iat": 10**30},
        {"iat": "now"},
        {"iat": None},
        {"iat": True},
        {"orig": {}},
        {"orig": {"tn": "1", "uri": "sip:a@b"}},
        {"orig": {"tn": "one"}},
        {"orig": {"tn": "1" * 33}},
        {"orig": {"tn": ["1"]}},
        {"orig": {"uri": "sip:" + "a" * 600}},
        {"orig": {"uri": "sip:a\r\nVia: x"}},
        {"orig": None},
        {"dest": {}},
        {"dest": {"tn": []}},
        {"dest": {"tn": ["1"] * 17}},
        {"dest": {"tn": ["1", 2]}},
        {"attest": "D"},
        {"attest": 1},
        {"origid": "x" * 600},
        {"origid": "a\nb"},
        {"div": {}},
    ],
)
def test_claims_that_cannot_be_are_malformed(change: dict[str, Any]) -> None:
    with pytest.raises(MalformedPassport):
        read_token(token(HEADER, {**shaken(iat=1), **change}))


def test_a_payload_that_is_nested_without_end_is_malformed() -> None:
    deep = b'{"z":' + b"[" * 3000 + b"]" * 3000 + b"}"
    text = b".".join((encoded(dumped(HEADER)), encoded(deep), SIGNATURE)).decode()

    with pytest.raises(MalformedPassport):
        read_token(text)


@given(st.text(max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    try:
        read_token(text)
    except MalformedPassport:
        return


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_no_bytes_in_its_parts_break_it(header: bytes, payload: bytes) -> None:
    try:
        read_token(b".".join((encode(header), encode(payload), SIGNATURE)).decode())
    except MalformedPassport:
        return


@given(
    st.from_regex(r"[0-9]{1,15}", fullmatch=True),
    st.from_regex(r"[0-9]{1,15}", fullmatch=True),
    st.integers(0, 2**32),
)
def test_what_is_written_is_read_again(orig: str, dest: str, iat: int) -> None:
    payload = payload_of(Party("tn", orig), Party("tn", dest), iat)
    data = signing_input(header_of("https://a.example/b"), payload)

    read = read_token((data + b"." + SIGNATURE).decode())

    assert isinstance(read, Token)
    assert (read.claims.orig.text, read.claims.dest[0].text) == (orig, dest)
    assert read.claims.iat == iat
    assert read.signed == data
