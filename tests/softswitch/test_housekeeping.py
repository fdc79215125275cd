"""What is looked after once a second: told when it changes, and not again."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from softswitch.call.events import ClockStepped, DiskFailed, DiskRecovered
from softswitch.housekeeping import Housekeeping


class House:
    """Files that fail as they are told to, and clocks that tests turn."""

    def __init__(self) -> None:
        self.clock = 100.0
        self.offset = 1_800_000_000.0
        self.told: list[tuple[type, dict[str, Any]]] = []
        self.drops: Counter[str] = Counter()
        self.dropped_from = {"line-too-long": "192.0.2.1"}
        self.trunks: dict[str, list[str]] = {}
        self.journal = SimpleNamespace(failing="", flush=lambda: None, sign_of_life=lambda: None)
        self.records = SimpleNamespace(failing="", waiting=0, retry=lambda at_most: None)
        services = SimpleNamespace(
            now=lambda: self.clock,
            wall_clock=lambda: self.clock + self.offset,
            tell=lambda kind, **facts: self.told.append((kind, facts)),
            stack=SimpleNamespace(drops=self.drops, take_dropped_from=lambda: self.dropped_from),
        )
        self.keeping = Housekeeping(
            services,  # type: ignore[arg-type]
            self.journal,  # type: ignore[arg-type]
            self.records,  # type: ignore[arg-type]
            whose=lambda host: self.trunks.get(host, []),
        )

    def passes(self, seconds: int = 1) -> None:
        for _ in range(seconds):
            self.clock += 1.0
            self.keeping.keep()


@pytest.mark.parametrize("file", ["journal", "records"])
def test_a_disk_that_fails_is_told_of_once_and_once_when_it_is_back(file: str) -> None:
    house = House()
    house.passes(3)
    assert house.told == []
    getattr(house, file).failing = "No space left on device"
    house.records.waiting = 4
    house.passes(5)
    assert house.told == [(DiskFailed, {"why": "No space left on device", "records": 4})]
    getattr(house, file).failing = ""
    house.passes(3)
    assert house.told[1:] == [(DiskRecovered, {"seconds": 5.0})]


@pytest.mark.parametrize("step", [3600.0, -3600.0, 3.0])
def test_a_clock_that_was_set_is_told_of_once(step: float) -> None:
    house = House()
    house.offset += step
    house.passes(3)
    assert house.told == [(ClockStepped, {"seconds": step})]


def test_a_clock_that_is_disciplined_is_not() -> None:
    house = House()
    for _ in range(100):
        house.offset += 0.0005
        house.passes()
    assert house.told == []


def test_what_was_dropped_is_told_once_a_second_but_for_what_is_usual(
    caplog: pytest.LogCaptureFixture,
) -> None:
    house = House()
    house.drops.update({"keep-alive": 5, "bad-start-line": 2, "line-too-long": 1})
    house.passes(3)
    house.drops["keep-alive"] += 1
    house.passes()
    assert [one.getMessage() for one in caplog.records] == [
        "SIP messages dropped without an answer: bad-start-line 2, line-too-long 1 (from 192.0.2.1)"
    ]


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["carrier"], "from 192.0.2.1, trunk carrier"),
        (["a", "b", "c", "d", "e"], "from 192.0.2.1, trunk a, b, c and 2 more"),
    ],
)
def test_the_trunk_whose_messages_were_dropped_is_named(
    caplog: pytest.LogCaptureFixture, names: list[str], told: str
) -> None:
    house = House()
    house.trunks["192.0.2.1"] = names
    house.drops["line-too-long"] += 2
    house.passes()
    assert [one.getMessage() for one in caplog.records] == [
        f"SIP messages dropped without an answer: line-too-long 2 ({told})"
    ]
