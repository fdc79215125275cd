"""The errors of the SIP core."""

from __future__ import annotations

from softswitch.sip.errors import LocalProtocolError, ParseError, SoftswitchError, StreamError


def test_a_parse_error_names_its_reason_and_the_status_to_answer() -> None:
    error = ParseError("bad-via", detail="'x'")

    assert (error.reason, error.status_hint, error.message) == ("bad-via", 400, None)
    assert str(error) == "bad-via: 'x'"
    assert str(ParseError("bad-via")) == "bad-via"


def test_the_tree_is_as_drawn() -> None:
    assert issubclass(ParseError, SoftswitchError)
    assert issubclass(ParseError, ValueError)
    assert issubclass(StreamError, ParseError)
    assert issubclass(LocalProtocolError, SoftswitchError)
    assert not issubclass(LocalProtocolError, ValueError)
