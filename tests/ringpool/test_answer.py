"""What somebody who asked for a number is told."""

from __future__ import annotations

import json

import pytest

from config.model import Pool
from ringpool.answer import allocation_of, click_url, formatted
from ringpool.request import AllocationRequest
from ringpool.values import Answer, Binding
from tests.support.configurations import loaded

TEXT = """\
trunks: {a: h}
pools:
  ads:
    parameters: [keyword, engine]
    campaign: sale
    numbers: [+1 888 869 5345]
    click_url: "https://example.org/{engine}?n={number}&k={keyword}&p={publisher}&c={campaign}"
campaigns: {sale: t}
treatments: {t: [hang_up]}
"""
REQUEST = AllocationRequest("ads", {"keyword": "a b&c=d/é", "engine": "../x"}, "acme", "p1")


def ads() -> Pool:
    return loaded(TEXT).pools["ads"]


def test_values_in_a_click_through_url_are_percent_encoded() -> None:
    assert click_url(ads(), "+18888695345", REQUEST, "p 1") == (
        "https://example.org/..%2Fx?n=%2B18888695345&k=a%20b%26c%3Dd%2F%C3%A9&p=p%201&c=sale"
    )


def test_without_a_number_or_a_template_there_is_no_url() -> None:
    assert click_url(ads(), None, REQUEST, None) is None
    assert click_url(Pool("p", ("a",)), "+18888695345", REQUEST, None) is None


@pytest.mark.parametrize(
    ("number", "country", "expected"),
    [
        ("+18888695345", "US", "(888) 869-5345"),
        ("+18888695345", "CA", "(888) 869-5345"),
        ("+442079460000", "GB", "020 7946 0000"),
        ("+442079460000", "US", "+44 20 7946 0000"),
        ("+1", "US", "+1"),
    ],
)
def test_numbers_are_written_as_people_do(number: str, country: str, expected: str) -> None:
    assert formatted(number, country) == expected


def test_an_allocation_is_json() -> None:
    binding = Binding("b1", "acme", "p1", ("x", "y"), 0.0, 0.0)
    answer = Answer("grown", "+18888695345", binding, 1_800_000_000.25)
    told = allocation_of(REQUEST, ads(), answer, publisher="press", country="US").as_dict()
    assert json.loads(json.dumps(told)) == {
        "pool": "ads",
        "owner": "acme",
        "publisher": "p1",
        "parameters": REQUEST.parameters,
        "number": "+18888695345",
        "formatted": "(888) 869-5345",
        "click_url": click_url(ads(), "+18888695345", REQUEST, "p1"),
        "overflow": False,
        "why": None,
        "step": "grown",
        "binding": "b1",
        "expires": "2027-01-15T08:00:00.250Z",
    }


def test_the_overflow_number_credits_the_pools_publisher() -> None:
    answer = Answer("overflow", "+18001234444", why="exhausted")
    told = allocation_of(REQUEST, ads(), answer, publisher="press", country="US")
    assert (told.publisher, told.overflow, told.why) == ("press", True, "exhausted")
    assert (told.binding, told.expires_at) == (None, None)
