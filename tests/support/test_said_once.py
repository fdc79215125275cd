"""The check that nothing was said in two ways, on messages of which one is wrong."""

from __future__ import annotations

import pytest

from tests.support.faulty_path import Passed, describe
from tests.support.said_once import assert_said_once
from tests.support.wire import request

ACK = request("ACK", to="<sip:x@y>;tag=a", branch="z9hG4bKa")
PRACK = request("PRACK", number=2, to="<sip:x@y>;tag=a", headers=["RAck: 1 1 INVITE"])


def passed(*messages: bytes) -> list[Passed]:
    return [
        Passed(0.0, "far", number, *describe(data), "", data)
        for number, data in enumerate(messages)
    ]


def test_what_comes_again_as_it_was_is_said_once() -> None:
    assert_said_once(passed(request(branch="z9hG4bK1"), ACK, ACK, PRACK, PRACK))


@pytest.mark.parametrize(
    ("first", "second", "what"),
    [
        (ACK, ACK.replace(b"z9hG4bKa", b"z9hG4bKb"), "not the same"),
        (PRACK, PRACK.replace(b"2 PRACK", b"3 PRACK"), "asked twice"),
        (
            request("BYE", number=2, to="<sip:x@y>;tag=a"),
            request("BYE", number=3, to="<sip:x@y>;tag=a"),
            "asked twice",
        ),
    ],
)
def test_what_is_said_in_two_ways_fails(first: bytes, second: bytes, what: str) -> None:
    with pytest.raises(AssertionError, match=what):
        assert_said_once(passed(first, second))


def test_another_phone_may_be_hung_up_on_too() -> None:
    one = request("BYE", number=2, to="<sip:x@y>;tag=a")
    assert_said_once(passed(one, one.replace(b"tag=a", b"tag=b").replace(b"2 BYE", b"3 BYE")))
