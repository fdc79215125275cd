"""Counts of earlier calls, against a list that is searched from end to end."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest

from config.model import (
    Binary,
    Campaign,
    Configuration,
    Constant,
    Expression,
    Fact,
    FraudRule,
    Function,
    Payout,
    PriceRule,
    Repeat,
    Switch,
)
from softswitch.campaign.history import CallHistory
from softswitch.store import calls_history
from softswitch.store.calls_history import MemoryHistory, PastCall, longest_period

DAY = 86400.0


def call(
    index: int,
    at: float,
    *,
    caller: str = "+1",
    campaign: str = "c",
    publisher: str = "p",
    number: str = "+2",
    talk: float | None = 60.0,
) -> PastCall:
    return PastCall(f"call-{index}", caller, campaign, publisher, number, at, talk)


def test_it_is_what_conditions_ask() -> None:
    history: CallHistory = MemoryHistory(DAY)
    assert history.calls_to_campaign("c", since=0, before=DAY) == 0


def test_since_counts_and_before_does_not() -> None:
    history = MemoryHistory(DAY)
    for number, at in enumerate((10.0, 20.0, 30.0)):
        history.add(call(number, at))
    assert history.calls_to_campaign("c", since=10.0, before=30.0) == 2
    assert history.calls_to_number("+2", since=10.5, before=99.0) == 2
    assert history.calls_by_caller("+1", since=0.0, before=10.0) == 0


@pytest.mark.parametrize("seed", range(5))
def test_every_count_is_that_of_a_plain_list(seed: int) -> None:
    chance = random.Random(seed)
    history = MemoryHistory(DAY)
    calls = [
        call(
            index,
            chance.randrange(100) / 2,
            caller=chance.choice(("+1", "+2", "")),
            campaign=chance.choice("abc"),
            publisher=chance.choice(("p", "q", "")),
            number=chance.choice(("+8", "+9")),
            talk=chance.choice((None, 0.0, 5.0, 60.0)),
        )
        for index in range(200)
    ]
    for one in calls:
        history.add(one)
    for _ in range(200):
        since = chance.randrange(100) / 2
        before = since + chance.randrange(60)
        caller, campaign = chance.choice(("+1", "+2")), chance.choice("abc")
        number, publisher = chance.choice(("+8", "+9")), chance.choice(("p", "q"))

        found = [one for one in calls if since <= one.received_at < before]
        by_caller = [one for one in found if one.caller == caller]
        by_number = [one for one in found if one.number == number]
        short = [one for one in found if one.talk is not None and one.talk < 10]
        asked = history.calls_by_caller(caller, since=since, before=before)
        assert asked == len(by_caller)
        asked = history.calls_by_caller(caller, since=since, before=before, campaign=campaign)
        assert asked == sum(one.campaign == campaign for one in by_caller)
        asked = history.calls_to_campaign(campaign, since=since, before=before)
        assert asked == sum(one.campaign == campaign for one in found)
        asked = history.callers_to_number(number, since=since, before=before)
        assert asked == len({one.caller for one in by_number} - {""})
        asked = history.short_calls(
            below_seconds=10, publisher=publisher, since=since, before=before
        )
        assert asked == sum(one.publisher == publisher for one in short)
        asked = history.short_calls(
            below_seconds=10, caller=caller, number=number, since=since, before=before
        )
        assert asked == sum((one.caller, one.number) == (caller, number) for one in short)


def test_a_call_is_counted_once_and_its_end_completes_it() -> None:
    history = MemoryHistory(DAY)
    history.add(call(1, 10.0, talk=None))
    assert history.short_calls(since=0, before=99, below_seconds=30, caller="+1") == 0
    history.add(call(1, 10.2, talk=5.0, campaign="distributed"))
    assert history.short_calls(since=0, before=99, below_seconds=30, caller="+1") == 1
    assert history.calls_to_campaign("c", since=0, before=99) == 0
    assert history.calls_to_campaign("distributed", since=10.0, before=10.1) == 1
    history.add(call(1, 10.0, talk=None))  # old news of another node
    assert history.short_calls(since=0, before=99, below_seconds=30, caller="+1") == 1
    assert len(history) == 1


def test_what_nobody_asks_for_is_not_kept() -> None:
    history = MemoryHistory(0.0)
    history.add(call(1, 10.0))
    assert (len(history), history.kept_seconds) == (0, 0.0)


def test_old_calls_are_forgotten_everywhere() -> None:
    history = MemoryHistory(100.0)
    for number in range(10):
        history.add(call(number, number * 1000.0, caller=f"+{number}"))
    history.forget(9000.0 + 100.0)
    history.forget(9000.0 + 100.0)
    assert len(history) == 4  # an hour longer than asked for
    assert history.calls_to_campaign("c", since=0, before=DAY) == 4
    assert history.calls_by_caller("+1", since=0, before=DAY) == 0
    history.forget(DAY)
    assert len(history) == 0
    assert all(not by_name for by_name in history._series.values())
    assert not history._names


def test_calls_of_one_moment_are_forgotten_together_and_counted_alone() -> None:
    history = MemoryHistory(10.0)
    for number in range(6):
        history.add(call(number, 5.0, campaign="ab"[number % 2], talk=None))
    history.add(call(0, 5.0, campaign="b"))
    assert history.calls_to_campaign("a", since=5.0, before=6.0) == 2
    assert history.calls_to_campaign("b", since=5.0, before=6.0) == 4
    history.forget(1e9)
    assert len(history) == 0
    assert history.calls_to_campaign("b", since=0.0, before=9.0) == 0


def test_memory_is_bounded_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    history = MemoryHistory(DAY, max_calls=100)
    for number in range(1000):
        history.add(call(number, float(number)))
    assert len(history) <= 100
    assert history.calls_to_campaign("c", since=0, before=DAY) == len(history)
    assert history.complete_since > 890
    assert "counts leave out those before" in caplog.text
    history.add(call(5000, 1.0))  # older than what is known: not counted either
    assert history.calls_to_campaign("c", since=0, before=2.0) == 0


# What the configuration asks for.


def calls_function(name: str, seconds: int) -> Function:
    return Function(name, (Constant(Decimal(seconds), "number"),), "number")


def more_than(term: Any) -> Expression:
    return Expression("?", Binary(">", term, Constant(Decimal(1), "number"), "boolean"))


def configuration(campaign: Campaign) -> Configuration:
    return Configuration(Switch(), {}, (), {}, {"c": campaign}, {})


def test_a_configuration_that_asks_nothing_needs_nothing() -> None:
    assert longest_period(configuration(Campaign("c", "t"))) == 0.0


def test_the_longest_period_of_all_conditions_counts() -> None:
    fraud = FraudRule("f", more_than(calls_function("short_calls", 600)))
    repeat = Repeat(within_seconds=30 * DAY)
    base = PriceRule("base-1", more_than(calls_function("calls_by_caller", 7200)), more_than(1))
    payout = Payout("USD", (base,))
    assert longest_period(configuration(Campaign("c", "t", fraud=(fraud,)))) == 600.0
    assert longest_period(configuration(Campaign("c", "t", payout=payout))) == 7200.0
    both = Payout("USD", (base,), repeat=repeat)
    assert longest_period(configuration(Campaign("c", "t", payout=both))) == 30 * DAY


def test_a_period_that_is_computed_is_taken_for_a_long_one() -> None:
    asked = Function("calls_to_number", (Fact("var.period", "number"),), "number")
    campaign = Campaign("c", "t", conversion=more_than(asked))
    assert longest_period(configuration(campaign)) == calls_history.LONG_PERIOD
