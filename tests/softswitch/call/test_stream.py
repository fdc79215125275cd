"""The event stream: one order for all, bounded, and no subscriber can hurt another."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from softswitch.call import events
from softswitch.call.events import CallEnded, CallEvent, DigitPressed, NodeEntered
from softswitch.call.stream import MAX_BURST, EventStream, Subscription

NO_EVENTS = ("CallEvent", "LegQuality")


def node(number: int) -> NodeEntered:
    return NodeEntered(call_id="c", number=number, at=0.0, clock=0.0, node="n")


def test_every_subscriber_gets_every_event_in_order() -> None:
    stream = EventStream()
    first: list[CallEvent] = []
    second: list[CallEvent] = []
    stream.subscribe(first.append)
    stream.subscribe(second.append)
    events = [node(n) for n in range(5)]
    for event in events:
        stream.publish(event)
    assert first == second == events


def test_what_a_subscriber_publishes_comes_after_the_event_in_hand_for_all() -> None:
    stream = EventStream()
    seen: list[int] = []

    def echo(event: CallEvent) -> None:
        if event.number == 1:
            stream.publish(node(2))

    stream.subscribe(echo)
    stream.subscribe(lambda event: seen.append(event.number))
    stream.publish(node(1))
    assert seen == [1, 2]


def test_a_subscriber_of_some_kinds_hears_of_these_alone_in_its_turn() -> None:
    stream = EventStream()
    heard: list[tuple[str, int]] = []

    def note(name: str) -> Callable[[CallEvent], None]:
        return lambda event: heard.append((name, event.number))

    digits, everything = note("digits"), note("everything")
    stream.subscribe(digits, kinds=(DigitPressed,))
    stream.subscribe(everything)
    digit = DigitPressed(call_id="c", number=2, at=0.0, clock=0.0, leg="a", digit="1", source="")
    stream.publish(node(1))
    stream.publish(digit)
    assert heard == [("everything", 1), ("digits", 2), ("everything", 2)]
    stream.unsubscribe(digits)
    stream.subscribe(note("late"), kinds=(NodeEntered,))
    stream.publish(digit)
    stream.publish(node(3))
    assert heard[3:] == [("everything", 2), ("everything", 3), ("late", 3)]


def test_a_failing_subscriber_is_logged_and_stops_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stream = EventStream()
    seen: list[CallEvent] = []

    def fail(event: CallEvent) -> None:
        raise KeyError("bug")

    stream.subscribe(fail)
    stream.subscribe(seen.append)
    with caplog.at_level(logging.ERROR):
        stream.publish(node(1))
    assert len(seen) == 1
    assert stream.failures == 1
    assert "a subscriber failed on treatment.node of call c" in caplog.text


def test_subscribers_that_publish_without_end_are_stopped() -> None:
    stream = EventStream()

    stream.subscribe(lambda event: stream.publish(node(event.number + 1)))
    stream.publish(node(1))
    assert stream.published == MAX_BURST
    assert stream.failures == 1
    stream.publish(node(1))
    assert stream.published == 2 * MAX_BURST


async def test_a_slow_reader_is_told_what_it_missed() -> None:
    stream = EventStream()
    with Subscription(stream, limit=2) as subscription:
        for n in range(5):
            stream.publish(node(n))
        assert (await subscription.next_event()).number == 3
        assert (await subscription.next_event()).number == 4
        assert subscription.missed == 3
    stream.publish(node(9))
    assert not subscription._events


def test_facts_are_what_an_event_says_beyond_the_common_fields() -> None:
    event = DigitPressed(call_id="c", number=1, at=0.0, clock=0.0, leg="a", digit="5")
    assert event.facts() == {"leg": "a", "digit": "5", "source": "rfc4733"}
    ended = CallEnded(call_id="c", number=2, at=0.0, clock=0.0, ended_by="called", cause="x")
    assert ended.facts() == {"ended_by": "called", "cause": "x"}


def test_every_event_has_a_kind_of_its_own() -> None:
    kinds = [getattr(events, name).kind for name in events.__all__ if name not in NO_EVENTS]
    assert all(kinds)
    assert len(set(kinds)) == len(kinds)
