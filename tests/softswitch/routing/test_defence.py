"""Strangers get a little, scanners nothing, trunks everything."""

from __future__ import annotations

from dataclasses import replace

import pytest

from config.model import Defence
from softswitch.routing import defence
from softswitch.routing.defence import Banned, Gatekeeper

STRANGER, OTHER, TRUNK = "198.51.100.1", "198.51.100.2", "192.0.2.1"


class Door:
    def __init__(self, **settings: object) -> None:
        self.settings = replace(Defence(), **settings)  # type: ignore[arg-type]
        self.told: list[Banned] = []
        self.ours = {TRUNK}
        self.keeper = Gatekeeper(
            lambda: self.settings, lambda host: host in self.ours, self.told.append
        )
        self.now = 1000.0

    def knock(self, host: str = STRANGER, times: int = 1) -> int:
        """How many of so many messages are looked at."""
        return sum(self.keeper.admits(host, self.now) for _ in range(times))

    def fail(self, host: str = STRANGER, times: int = 1, name: str = "") -> None:
        for _ in range(times):
            self.keeper.note(host, "unknown-source", self.now, user_agent=name)


def test_a_stranger_has_a_burst_and_then_its_rate() -> None:
    door = Door(per_second=10.0, burst=30.0)
    assert door.knock(times=100) == 30
    door.now += 1.0
    assert door.knock(times=100) == 10
    assert door.keeper.dropped == 160


def test_each_stranger_has_its_own() -> None:
    door = Door(burst=5.0)
    assert door.knock(STRANGER, 10) == 5
    assert door.knock(OTHER, 10) == 5


def test_a_trunk_is_never_counted() -> None:
    door = Door(per_second=1.0, burst=1.0, ban_after=1)
    door.fail(TRUNK, 100)
    assert door.knock(TRUNK, 10_000) == 10_000
    assert door.told == []


def test_what_was_a_trunk_is_one_until_the_configuration_says_otherwise() -> None:
    door = Door(per_second=1.0, burst=1.0)
    assert door.knock(TRUNK, 10) == 10
    door.ours.clear()
    door.keeper.forget_known()
    assert door.knock(TRUNK, 10) == 1


def test_a_banned_stranger_whose_address_becomes_a_trunks_is_heard() -> None:
    door = Door(burst=1.0)
    door.fail(times=1000)
    assert door.knock() == 0
    door.ours.add(STRANGER)
    assert door.knock() == 0
    door.keeper.forget_known()
    assert door.knock(times=5) == 5
    assert door.keeper.banned(door.now) == []


def test_a_banned_stranger_stays_one_when_others_become_trunks() -> None:
    door = Door()
    door.fail(times=1000)
    door.keeper.forget_known()
    assert door.knock() == 0


def test_a_stranger_that_becomes_a_trunk_is_none_from_then_on() -> None:
    door = Door(burst=1.0)
    assert door.knock(times=5) == 1
    door.keeper.believe(STRANGER)
    assert door.knock(times=5) == 5


def test_a_stranger_is_one_until_it_is_believed_or_the_defence_is_off() -> None:
    door = Door()
    assert door.keeper.is_stranger(STRANGER)
    assert not door.keeper.is_stranger(TRUNK)
    door.keeper.believe(STRANGER)
    assert not door.keeper.is_stranger(STRANGER)
    door.settings = replace(door.settings, on=False)
    assert not door.keeper.is_stranger(OTHER)


def test_too_many_vain_tries_make_a_scanner_which_is_told_of_once() -> None:
    door = Door(ban_after=3, ban_seconds=60.0)
    door.fail(times=2)
    assert door.knock() == 1
    door.fail(times=5)
    assert door.knock() == 0
    assert door.told == [Banned(STRANGER, 60.0, 3, "unknown-source")]
    assert door.keeper.banned(door.now) == [STRANGER]
    door.now += 61.0
    assert door.knock() == 1
    assert door.keeper.banned(door.now) == []


def test_who_calls_itself_a_scanner_is_one_sooner() -> None:
    door = Door(ban_after=10)
    door.fail(times=2, name="friendly-scanner")
    assert len(door.told) == 1


def test_vain_tries_are_forgotten_after_a_while() -> None:
    door = Door(ban_after=3)
    for _ in range(20):
        door.fail(times=2)
        door.now += 61.0
    assert door.told == []


def test_a_scanner_may_be_pardoned() -> None:
    door = Door(ban_after=1)
    assert not door.keeper.pardon(STRANGER)
    door.fail()
    assert door.knock() == 0
    assert door.keeper.pardon(STRANGER)
    assert door.knock() == 1


def test_all_of_it_may_be_switched_off() -> None:
    door = Door(on=False, burst=1.0, ban_after=1)
    door.fail(times=10)
    assert door.knock(times=100) == 100


def test_no_more_is_remembered_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(defence, "MAX_STRANGERS", 10)
    door = Door()
    for number in range(100):
        door.knock(f"10.0.0.{number}")
        door.keeper.believe(f"10.1.0.{number}")
    assert len(door.keeper._strangers) <= 10
    assert len(door.keeper._known) <= 10
