"""Lists of tokens (RFC 3261 sections 20.5, 20.29, 20.32, 20.37, 20.40)."""

from __future__ import annotations

import pytest

from softswitch.sip.errors import ParseError
from softswitch.sip.headers.container import Headers
from softswitch.sip.headers.tokens import parse_tokens


def test_tokens_are_read_in_order_and_empty_ones_skipped() -> None:
    headers = Headers([("Allow", "INVITE, ACK,,BYE,"), ("Allow", ""), ("Allow", "INFO")])

    assert parse_tokens(headers, "Allow") == ("INVITE", "ACK", "BYE", "INFO")
    assert parse_tokens(headers, "Require") == ()


def test_what_is_no_token_is_a_parse_error() -> None:
    with pytest.raises(ParseError, match="bad-require"):
        parse_tokens(Headers([("Require", "100rel, a b")]), "Require")
