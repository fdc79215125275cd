"""Tokens, quoted strings, lists, numbers and hosts (RFC 3261 section 25.1)."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.sip.errors import ParseError
from softswitch.sip.grammar import (
    format_host,
    has_line_break,
    is_token,
    match_quoted,
    parse_host_port,
    parse_number,
    quote,
    quote_unless_bare,
    split_commas,
    split_semicolons,
    unquote,
)


@pytest.mark.parametrize("text", ["INVITE", "a", "-.!%*_+`'~", "100rel"])
def test_a_token_is_made_of_its_characters(text: str) -> None:
    assert is_token(text)


@pytest.mark.parametrize("text", ["", " ", "a b", "a;b", "a:b", "é", "a\n", "a@b", '"a"'])
def test_anything_else_is_no_token(text: str) -> None:
    assert not is_token(text)


@pytest.mark.parametrize(("text", "breaks"), [("a b", False), ("a\rb", True), ("a\n", True)])
def test_line_breaks_are_seen(text: str, breaks: bool) -> None:
    assert has_line_break(text) is breaks


@given(st.text())
def test_whatever_is_quoted_is_unquoted_again(text: str) -> None:
    assert unquote(quote(text)) == text
    assert match_quoted(quote(text)) == len(quote(text))


@pytest.mark.parametrize("text", ["", "plain", '"open', 'open"', '"a"b', '"a\\"', '"'])
def test_what_is_not_quoted_stays_as_it_is(text: str) -> None:
    assert unquote(text) is text


@pytest.mark.parametrize(
    ("text", "length"), [('"a" <x>', 3), ('"a\\"b"', 6), ('"a', 0), ("a", 0), ('""', 2)]
)
def test_the_length_of_a_leading_quoted_string_is_found(text: str, length: int) -> None:
    assert match_quoted(text) == length


@pytest.mark.parametrize(
    ("text", "written"),
    [("UDP", "UDP"), ("[::1]", "[::1]"), ("a b", '"a b"'), ("", '""'), ("a/b", '"a/b"')],
)
def test_a_value_is_quoted_where_it_must_be(text: str, written: str) -> None:
    assert quote_unless_bare(text) == written


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a", ["a"]),
        ("a, b ,c", ["a", "b", "c"]),
        ('"x, y" <sip:a>, <sip:b,c>', ['"x, y" <sip:a>', "<sip:b,c>"]),
        ('"x \\", y", z', ['"x \\", y"', "z"]),
        ("a,,b,", ["a", "", "b", ""]),
        ('a, "open, b', ["a", '"open, b']),
        ("a, <open, b", ["a", "<open, b"]),
        ('a, "open\\', ["a", '"open\\']),
        ("", [""]),
    ],
)
def test_commas_outside_of_quotes_and_brackets_split(text: str, parts: list[str]) -> None:
    assert split_commas(text) == parts


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a;b = c ; d", ["a", "b = c", "d"]),
        ('a="x;y";b', ['a="x;y"', "b"]),
        ("<sip:a;b>;c", ["<sip:a;b>", "c"]),
        ("", [""]),
    ],
)
def test_semicolons_outside_of_quotes_and_brackets_split(text: str, parts: list[str]) -> None:
    assert split_semicolons(text) == parts


@pytest.mark.parametrize("hostile", ['"\\' * 20_000, '"' * 40_001, "<" * 40_000, "\\" * 40_000])
def test_splitting_takes_linear_time(hostile: str) -> None:
    start = time.process_time()
    split_commas("," + hostile)
    split_semicolons(";" + hostile)
    match_quoted('"' + hostile)

    assert time.process_time() - start < 1.0


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("0070", 70), ("255", 255)])
def test_numbers_within_the_limit_are_read(text: str, number: int) -> None:
    assert parse_number(text, limit=255, reason="bad-x") == number


@pytest.mark.parametrize("text", ["", "256", "-1", "+1", "1.0", " 1", "٣", "²", "9" * 5000, "0x1"])
def test_other_numbers_are_a_parse_error_with_the_given_reason(text: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse_number(text, limit=255, reason="bad-x")

    assert caught.value.reason == "bad-x"
    assert caught.value.status_hint == 400


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("example.com", "example.com", None),
        ("example.com.", "example.com.", None),
        ("my_host:5060", "my_host", 5060),
        ("192.0.2.1:65535", "192.0.2.1", 65535),
        ("pbx1 : 05060", "pbx1", 5060),
        ("[2001:db8::1]", "2001:db8::1", None),
        ("[2001:db8::1] :5060", "2001:db8::1", 5060),
        ("[:::192.0.2.1]", "::192.0.2.1", None),
        ("a" * 255, "a" * 255, None),
    ],
)
def test_hosts_and_ports_are_read(text: str, host: str, port: int | None) -> None:
    assert parse_host_port(text, reason="bad-x") == (host, port)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":5060",
        "a:",
        "a:65536",
        "a:70000",
        "a:-1",
        "a b",
        "-a",
        "a-",
        "a" * 256,
        "[2001:db8::1",
        "[2001:db8::1]5060",
        "[2001:db8:::1]",
        "[fe80::1%eth0]",
        "[::1::1]",
        "[]",
        "2001:db8::1",
        "a/b",
        "é.example",
    ],
)
def test_other_hosts_and_ports_are_a_parse_error(text: str) -> None:
    with pytest.raises(ParseError, match="bad-x"):
        parse_host_port(text, reason="bad-x")


@pytest.mark.parametrize(("host", "written"), [("a.b", "a.b"), ("::1", "[::1]")])
def test_ipv6_addresses_are_written_in_brackets(host: str, written: str) -> None:
    assert format_host(host) == written
