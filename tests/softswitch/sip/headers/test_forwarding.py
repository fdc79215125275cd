"""Where the call was before: Diversion and History-Info (RFC 5806, RFC 7044)."""

from __future__ import annotations

import pytest

from softswitch.sip.errors import ParseError
from softswitch.sip.headers.container import Headers
from softswitch.sip.headers.diversion import Diversion
from softswitch.sip.headers.history_info import HistoryInfo
from softswitch.sip.headers.reason import Reason


def test_diversions_are_read_latest_first() -> None:
    headers = Headers(
        [
            ("Diversion", "<tel:+16025550101>;reason=user-busy;counter=1;privacy=off"),
            ("Diversion", '<sip:+1602@h>;reason="no-answer";privacy=full;counter=3, broken'),
        ]
    )

    first, second = Diversion.parse_all(headers)

    assert (first.address.uri.user, first.reason, first.counter) == ("+16025550101", "user-busy", 1)
    assert not first.is_private
    assert (second.reason, second.counter, second.is_private) == ("no-answer", 3, True)
    assert Diversion.parse(str(second)) == second


@pytest.mark.parametrize("parameters", ["", ";reason;counter;privacy", ";counter=x", ";counter=-1"])
def test_what_a_diversion_does_not_say_has_a_default(parameters: str) -> None:
    diversion = Diversion.parse(f"<tel:+1602>{parameters}")

    assert (diversion.reason, diversion.counter, diversion.is_private) == ("unknown", 1, False)


def test_history_is_read_in_order() -> None:
    headers = Headers(
        [
            (
                "History-Info",
                "<sip:+16025550101@h?Reason=SIP%3Bcause%3D486%3Btext%3D%22Busy%22>;index=1",
            ),
            ("History-Info", "<sip:+16025550102@h;cause=486>;index=1.1;mp=1, <sip:x>;index=1..1"),
        ]
    )

    first, second = HistoryInfo.parse_all(headers)

    assert (first.index, second.index) == ("1", "1.1")
    assert (first.cause, second.cause) == (None, 486)
    assert first.reasons == (Reason("SIP", 486, "Busy"),)
    assert second.reasons == ()
    assert (first.target, second.target) == (None, ("mp", "1"))
    assert HistoryInfo.parse(str(second)) == second


def test_several_reasons_of_one_entry_are_read() -> None:
    entry = HistoryInfo.parse(
        "<sip:a@h?Reason=SIP%3Bcause%3D302&reason=Q.850%3Bcause%3D17&Privacy=history>;index=1"
    )

    assert [reason.cause for reason in entry.reasons] == [302, 17]
    assert entry.is_private


@pytest.mark.parametrize(
    ("text", "private"),
    [("<sip:a@h>", False), ("<sip:a@h?Privacy=none>", False), ("<sip:a@h?Privacy=id>", True)],
)
def test_an_entry_may_be_private(text: str, private: bool) -> None:
    assert HistoryInfo.parse(text).is_private is private


def test_an_entry_without_index_is_read_all_the_same() -> None:
    entry = HistoryInfo.parse("<sip:a@h;cause=x>")

    assert (entry.index, entry.cause) == ("", None)


@pytest.mark.parametrize("index", ["x", "1.", ".1", "1.x", "999999"])
def test_an_index_must_be_one(index: str) -> None:
    with pytest.raises(ParseError, match="bad-history-info"):
        HistoryInfo.parse(f"<sip:a@h>;index={index}")
