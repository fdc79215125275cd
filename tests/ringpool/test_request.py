"""What may be asked of a pool, and what is told to whoever asks otherwise."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from config.model import Pool
from ringpool.request import (
    MAX_ATTRIBUTES,
    AllocationRequest,
    RequestRefused,
    checked_attributes,
    checked_values,
)

POOL = Pool("ads", ("website", "location"), campaign="sale")
GOOD = {"location": "footer", "website": "one"}


def test_values_come_in_the_order_of_the_pool() -> None:
    assert checked_values(AllocationRequest("ads", GOOD), POOL) == ("one", "footer")


def test_values_are_opaque() -> None:
    values = {"website": " ", "location": "\u2603 {x} %00 '; DROP TABLE"}
    assert checked_values(AllocationRequest("ads", values), POOL) == (" ", values["location"])


@pytest.mark.parametrize(
    ("parameters", "owner", "publisher", "told"),
    [
        ({"website": "one"}, "", None, "the pool ads needs a value for location"),
        ({}, "", None, "the pool ads needs a value for website, location"),
        ({**GOOD, "locatoin": "x"}, "", None, '"locatoin" is no parameter of the pool ads'),
        ({**GOOD, "locatoin": "x"}, "", None, 'did you mean "location"?'),
        ({**GOOD, "website": "x" * 2001}, "", None, "website is longer than 2000 characters"),
        ({**GOOD, "website": "a\0b"}, "", None, "website has control characters"),
        ({**GOOD, "website": "a\r\nVia: x"}, "", None, "website has control characters"),
        ({**GOOD, "website": "\ud800"}, "", None, "halves of characters"),
        ({**GOOD, "website": 5}, "", None, "website must be text"),
        (GOOD, "o" * 201, None, "owner is longer than 200 characters"),
        (GOOD, "\x1b", None, "owner has control characters"),
        (GOOD, "", "p" * 101, "publisher is longer than 100 characters"),
        ({**GOOD, "x" * 500 + "\n": "v"}, "", None, "is no parameter of the pool"),
    ],
)
def test_refusals_are_sentences(
    parameters: Mapping[str, str], owner: str, publisher: str | None, told: str
) -> None:
    with pytest.raises(RequestRefused) as refused:
        checked_values(AllocationRequest("ads", parameters, owner, publisher), POOL)
    text = str(refused.value)
    assert told in text
    assert len(text) < 300
    assert "\n" not in text


def test_attributes_are_compared_without_case() -> None:
    assert checked_attributes({"vanity": " FLOWERS "}) == {"vanity": "flowers"}


def test_attributes_are_bounded() -> None:
    with pytest.raises(RequestRefused, match="at most 10 attributes"):
        checked_attributes({str(n): "x" for n in range(MAX_ATTRIBUTES + 1)})
    with pytest.raises(RequestRefused, match="longer than 100"):
        checked_attributes({"vanity": "x" * 101})
