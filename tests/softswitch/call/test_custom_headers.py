"""Header fields that operators add: whatever stands in them, the INVITE stays one INVITE."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.call.custom_headers import (
    MAX_HEADERS,
    MAX_TOTAL,
    MAX_VALUE,
    custom_headers,
    is_custom_name,
)
from softswitch.sip.compose import header_lines


def test_fields_go_out_as_they_are() -> None:
    fields = (("X-Campaign", "2011 Sale"), ("X-Keyword", "baby fans; 50%"))
    assert custom_headers(fields) == fields


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("one\r\nVia: SIP/2.0/UDP evil", "one Via: SIP/2.0/UDP evil"),
        ("tab\tand\x00nul\x85next", "tab and nul next"),
        ("  spaces  ", "spaces"),
        ("line\u2028separator", "line separator"),
        ("Z\u00fcrich", "Z\u00fcrich"),
        ("a" * 2000, "a" * MAX_VALUE),
    ],
)
def test_a_value_stays_on_its_line(value: str, sent: str) -> None:
    assert custom_headers([("X-Value", value)]) == (("X-Value", sent),)


@pytest.mark.parametrize("value", ["", "   ", "\r\n"])
def test_an_empty_value_is_left_out(value: str) -> None:
    assert custom_headers([("X-Value", value)]) == ()


@pytest.mark.parametrize(
    "name",
    ["", "X Space", "X:Y", "X\r\nVia", "V", "t", "Via", "from", "CALL-ID", "Contact", "Route",
     "Privacy", "P-Asserted-Identity", "Reason", "Replaces", "Content-Length", "X" * 65],
)  # fmt: skip
def test_a_name_that_means_something_else_or_nothing_is_left_out(name: str) -> None:
    assert not is_custom_name(name)
    assert custom_headers([(name, "value")]) == ()


def test_there_is_an_end_to_them() -> None:
    many = [(f"X-{number}", "v") for number in range(100)]
    assert len(custom_headers(many)) == MAX_HEADERS
    large = [(f"X-{number}", "\u20ac" * MAX_VALUE) for number in range(10)]
    kept = custom_headers(large)
    assert 0 < len(header_lines(kept).encode()) <= MAX_TOTAL


@given(st.lists(st.tuples(st.text(max_size=70), st.text(max_size=600)), max_size=40))
def test_whatever_they_are_each_is_one_line(headers: list[tuple[str, str]]) -> None:
    kept = custom_headers(headers)
    assert len(header_lines(kept).splitlines()) == len(kept)
