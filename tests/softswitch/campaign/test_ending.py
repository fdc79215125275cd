from decimal import Decimal

import pytest

from softswitch.campaign.ending import duration, seconds
from tests.support.call_facts import ended

# Received at 0, originated at 10, answered at 15; the caller left at 100, the called leg at 130.
CALL = ended(received=0.0, originated=10.0, answered=15.0, calling_ended=100.0, called_ended=130.0)


@pytest.mark.parametrize(
    ("start", "until", "expected"),
    [
        ("receipt", "calling", 100),
        ("receipt", "called", 130),
        ("receipt", "both", 130),
        ("receipt", "either", 100),
        ("origination", "calling", 90),
        ("origination", "called", 120),
        ("origination", "both", 120),
        ("origination", "either", 90),
        ("answer", "calling", 85),
        ("answer", "called", 115),
        ("answer", "both", 115),
        ("answer", "either", 85),
    ],
)
def test_the_twelve_payable_durations(start: str, until: str, expected: int) -> None:
    assert duration(CALL, start, until) == expected


def test_what_has_not_begun_lasts_nothing() -> None:
    unanswered = ended(answered=None, called_ended=120.0)
    assert duration(unanswered, "answer", "both") == 0
    alone = ended(originated=None, answered=None, called_ended=None)
    assert duration(alone, "origination", "either") == 0
    assert duration(alone, "receipt", "called") == 0
    assert duration(alone, "receipt", "both") == duration(alone, "receipt", "either") == 145


def test_a_leg_that_ended_before_the_other_began_lasts_nothing() -> None:
    assert duration(ended(answered=300.0), "answer", "calling") == 0


def test_there_are_no_others() -> None:
    assert duration(CALL, "bridge", "both") is None
    assert duration(CALL, "receipt", "") is None


def test_seconds_are_exact_to_the_millisecond() -> None:
    assert str(seconds(0.1 + 0.2)) == "0.300"
    assert seconds(-1.0) == Decimal(0)
