"""CSeq (RFC 3261 section 20.16)."""

from __future__ import annotations

import pytest

from softswitch.sip.errors import ParseError
from softswitch.sip.headers.cseq import CSeq


@pytest.mark.parametrize(
    ("text", "cseq"),
    [
        ("4711 INVITE", CSeq(4711, "INVITE")),
        ("0009   INVITE", CSeq(9, "INVITE")),
        ("\t1\tFOO ", CSeq(1, "FOO")),
        ("0 ACK", CSeq(0, "ACK")),
        ("2147483647 BYE", CSeq(2147483647, "BYE")),
        ("000000000000004 BYE", CSeq(4, "BYE")),
    ],
)
def test_a_cseq_is_read(text: str, cseq: CSeq) -> None:
    assert CSeq.parse(text) == cseq
    assert CSeq.parse(str(cseq)) == cseq


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "INVITE",
        "INVITE 1",
        "1 INVITE x",
        "-1 INVITE",
        "٣ INVITE",
        "² INVITE",
        "1 IN(VITE",
        "2147483648 INVITE",
        "36893488147419103232 REGISTER",
        "9" * 5000 + " INVITE",
        "1\x0bINVITE",
    ],
)
def test_another_text_is_a_parse_error(text: str) -> None:
    """8.1.1.5: "... MUST be less than 2**31"."""
    with pytest.raises(ParseError, match="bad-cseq"):
        CSeq.parse(text)
