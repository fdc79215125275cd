"""The event stream: one order for all, bounded, and no subscriber can hurt another."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from softswitch.call import events
from softswitch.call.events import CallEnded, CallEvent, DigitPressed, NodeEntered
from softswitch.call.stream import MAX_BURST, MAX_LATE, EventStream, Subscription

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


def test_a_late_subscriber_hears_everything_in_order_when_it_is_settled() -> None:
    stream = EventStream()
    heard: list[CallEvent] = []
    stream.subscribe_late(heard.append)
    events = [node(n) for n in range(5)]
    for event in events:
        stream.publish(event)
    assert heard == []
    stream.settle()
    assert heard == events
    stream.settle()
    assert heard == events


def test_no_more_than_a_limit_waits_for_late_subscribers() -> None:
    stream = EventStream()
    heard: list[int] = []
    stream.subscribe_late(lambda event: heard.append(event.number))
    for number in range(MAX_LATE * 2 + 1):
        stream.publish(node(number))
    assert heard == list(range(MAX_LATE * 2))


def test_a_late_subscriber_that_fails_is_logged_and_stops_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stream = EventStream()
    heard: list[CallEvent] = []

    def fail(event: CallEvent) -> None:
        raise KeyError("bug")

    stream.subscribe_late(fail)
    stream.subscribe_late(heard.append)
    with caplog.at_level(logging.ERROR):
        stream.publish(node(1))
        stream.settle()
    assert [event.number for event in heard] == [1]
    assert stream.failures == 1
    assert "failed on" in caplog.text


def test_who_comes_late_hears_nothing_of_before_and_who_goes_has_heard_all() -> None:
    stream = EventStream()
    first: list[int] = []
    second: list[int] = []
    note_first = lambda event: first.append(event.number)  # noqa: E731
    stream.subscribe_late(note_first)
    stream.publish(node(1))
    stream.subscribe_late(lambda event: second.append(event.number))
    stream.publish(node(2))
    stream.unsubscribe(note_first)
    stream.publish(node(3))
    stream.settle()
    assert first == [1, 2]
    assert second == [2, 3]


@pytest.mark.parametrize("turns", [0, 1], ids=["turned by an earlier one", "turned by a later one"])
@pytest.mark.parametrize("was_late", [True, False], ids=["late to prompt", "prompt to late"])
def test_who_turns_while_an_event_is_told_hears_it_once(was_late: bool, turns: int) -> None:
    stream = EventStream()
    heard: list[int] = []

    def hear(event: CallEvent) -> None:
        heard.append(event.number)

    def turn(event: CallEvent) -> None:
        if event.number == 2:
            stream.unsubscribe(hear)
            (stream.subscribe if was_late else stream.subscribe_late)(hear)

    begin = stream.subscribe_late if was_late else stream.subscribe
    for who in (turn, hear)[:: -1 if turns else 1]:
        (begin if who is hear else stream.subscribe)(who)
    stream.subscribe_late(lambda _event: None)
    for number in (1, 2, 3):
        stream.publish(node(number))
    stream.settle()
    assert heard == [1, 2, 3]
