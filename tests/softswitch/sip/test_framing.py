"""Heads and lines, the careful way (RFC 3261 sections 7.3.1 and 7.5)."""

from __future__ import annotations

import pytest

from softswitch.sip.framing import cut_head, decode_head, unfold


@pytest.mark.parametrize(
    "data",
    [
        b"a: 1\r\nb: 2\r\n\r\nbody",
        b"a: 1\r\nb: 2\n\nbody",
        b"a: 1\r\nb: 2\n\r\nbody",
        b"a: 1\r\nb: 2\r\n\nbody",
        b"\r\n\r\n\na: 1\r\nb: 2\r\n\r\nbody",
    ],
)
def test_the_empty_line_ends_the_head_however_it_is_written(data: bytes) -> None:
    assert cut_head(data) == (b"a: 1\r\nb: 2", b"body", True)


def test_a_head_without_empty_line_is_said_to_be_so() -> None:
    assert cut_head(b"a: 1\r\n") == (b"a: 1\r\n", b"", False)


def test_bytes_that_are_no_utf_8_are_read_as_latin_1() -> None:
    assert decode_head("Zoë".encode()) == "Zoë"
    assert decode_head("Zoë".encode("iso-8859-1")) == "Zoë"


def test_continuation_lines_are_joined_by_one_space() -> None:
    assert unfold("a: 1\r\n   2\r\n\t3\r\nb: 4\n 5") == ["a: 1 2 3", "b: 4 5"]


def test_a_first_line_that_looks_continued_stays() -> None:
    assert unfold(" a\r\nb") == [" a", "b"]


def test_a_carriage_return_inside_a_line_stays_visible() -> None:
    assert unfold("a: 1\r2\r\nb") == ["a: 1\r2", "b"]
