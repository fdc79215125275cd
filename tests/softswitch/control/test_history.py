"""Events are kept with their numbers, and a reader that comes back misses none."""

from __future__ import annotations

import random

import pytest

from softswitch.call.events import CallAnswered, CallEvent, CampaignChosen, DigitPressed
from softswitch.call.stream import EventStream
from softswitch.control.history import EventFilter, EventHistory, EventReader, Missed


class Bench:
    def __init__(self, limit: int = 100) -> None:
        self.stream = EventStream()
        self.history = EventHistory(self.stream, epoch="e1", limit=limit)

    def answered(self, call: str = "c1") -> None:
        self.stream.publish(
            CallAnswered(call_id=call, number=1, at=0.0, clock=0.0, leg="a", codec="PCMU")
        )

    def digit(self, call: str = "c1", digit: str = "1") -> None:
        self.stream.publish(
            DigitPressed(call_id=call, number=2, at=0.0, clock=0.0, leg="a", digit=digit)
        )

    def campaign(self, call: str, campaign: str) -> None:
        self.stream.publish(
            CampaignChosen(
                call_id=call, number=3, at=0.0, clock=0.0, node="n", campaign=campaign, policy="p"
            )
        )

    def reader(self, after: int | None = None, **wanted: object) -> EventReader:
        return EventReader(self.history, EventFilter(**wanted), after=after)  # type: ignore[arg-type]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def numbers(reader: EventReader, limit: int = 1000) -> list[int]:
    return [kept.sequence for kept in reader.take(limit)[1]]


def kinds(events: list[CallEvent]) -> list[str]:
    return [event.kind for event in events]


def test_a_new_reader_hears_what_comes_from_now_on(bench: Bench) -> None:
    bench.answered()
    reader = bench.reader()
    assert numbers(reader) == []
    bench.digit()
    bench.digit()
    assert numbers(reader) == [2, 3]
    assert numbers(reader) == []


def test_a_reader_that_comes_back_goes_on_where_it_was(bench: Bench) -> None:
    for _ in range(10):
        bench.answered()
    assert numbers(bench.reader(after=7)) == [8, 9, 10]
    assert numbers(bench.reader(after=0)) == list(range(1, 11))
    assert numbers(bench.reader(after=10)) == []
    assert numbers(bench.reader(after=99)) == []


def test_a_slow_reader_is_told_what_it_has_missed() -> None:
    bench = Bench(limit=10)
    reader = bench.reader()
    for _ in range(25):
        bench.answered()
    missed, kept = reader.take(1000)
    assert missed == Missed(1, 15)
    assert [one.sequence for one in kept] == list(range(16, 26))
    assert reader.missed == 15
    assert reader.take(1000) == (None, [])


def test_a_reader_takes_in_portions_and_misses_nothing(bench: Bench) -> None:
    reader = bench.reader()
    for _ in range(50):
        bench.answered()
    found = []
    while portion := numbers(reader, limit=7):
        found += portion
        assert len(portion) <= 7
    assert found == list(range(1, 51))
    assert reader.behind == 0


def test_any_mixture_of_reading_and_coming_back_sees_each_number_once() -> None:
    chance = random.Random(7)
    bench = Bench(limit=40)
    reader, seen = bench.reader(after=0), []
    for _ in range(400):
        for _ in range(chance.randrange(6)):
            bench.answered()
        missed, kept = reader.take(chance.randrange(1, 9))
        if missed is not None:
            seen += list(range(missed.first, missed.last + 1))
        seen += [one.sequence for one in kept]
        if chance.random() < 0.1:
            reader = bench.reader(after=seen[-1] if seen else 0)
    assert seen == list(range(1, len(seen) + 1))


def test_events_are_chosen_by_kind_call_and_campaign(bench: Bench) -> None:
    readers = {
        "kind": bench.reader(kinds=("call.dtmf",)),
        "pattern": bench.reader(kinds=("menu.*", "call.d*")),
        "call": bench.reader(calls=frozenset({"c2"})),
        "campaign": bench.reader(campaigns=frozenset({"sale"})),
    }
    bench.answered("c1")
    bench.digit("c2")
    bench.campaign("c1", "sale")
    bench.digit("c1")
    found = {name: numbers(reader) for name, reader in readers.items()}
    assert found == {"kind": [2, 4], "pattern": [2, 4], "call": [2], "campaign": [3, 4]}


def test_readers_are_woken_and_may_leave(bench: Bench) -> None:
    woken: list[str] = []
    bench.history.wake("one", lambda: woken.append("one"))
    bench.answered()
    bench.history.wake("one", None)
    bench.answered()
    assert woken == ["one"]


def test_no_campaign_is_kept_of_a_call_that_is_recorded(bench: Bench) -> None:
    from softswitch.call.events import CallRecorded

    bench.campaign("c1", "sale")
    reader = bench.reader(campaigns=frozenset({"sale"}))
    bench.stream.publish(CallRecorded(call_id="c1", number=9, at=0.0, clock=0.0, record={}))
    assert numbers(reader) == [2]
    assert bench.history._campaigns == {}


def test_a_reader_that_waits_is_woken_at_once_and_numbers_go_on(bench: Bench) -> None:
    bench.answered()
    reader = bench.reader(after=0)
    woken: list[int] = []
    bench.history.wake(reader, lambda: woken.append(1))
    bench.digit()
    assert woken == [1]
    bench.history.wake(reader, None)
    bench.digit()
    assert woken == [1]
    assert numbers(reader) == [1, 2, 3]
    assert bench.history.last == 3
    assert bench.history.readers == 0


def test_two_that_wait_keep_it_prompt_until_both_are_gone(bench: Bench) -> None:
    woken: list[str] = []
    for name in ("one", "two"):
        bench.history.wake(name, lambda name=name: woken.append(name))  # type: ignore[misc]
    bench.history.wake("one", None)
    bench.answered()
    assert woken == ["two"]
    bench.history.wake("two", None)
    bench.answered()
    assert woken == ["two"]
    assert bench.history.last == 2
