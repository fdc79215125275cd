"""Whose a call to a pool's number is, by the time it was received."""

from __future__ import annotations

import pytest

from ringpool.live import MAX_ENDED, Attribution, LiveBindings
from ringpool.values import Binding, Ended, EndedWhy, LiveChange

NUMBER = "+18001231111"


def binding(name: str, bound_at: float) -> Binding:
    return Binding(name, "acme", None, (name,), bound_at, bound_at)


def ended(name: str, bound_at: float, ended_at: float, why: EndedWhy = "rebound") -> Ended:
    return Ended(NUMBER, binding(name, bound_at), ended_at, why)


def told(
    bound: Binding | None, *earlier: Ended, version: int = 1, member: bool = True
) -> LiveChange:
    return LiveChange("p", NUMBER, member, bound, earlier, version)


def live(*changes: LiveChange, cooldown: float = 0.0) -> LiveBindings:
    table = LiveBindings({"p": cooldown})
    table.apply(changes)
    return table


def whose(table: LiveBindings, at: float | None) -> tuple[str | None, bool] | None:
    found = table.find(NUMBER, at=at)
    if found is None:
        return None
    return (found.binding.binding_id if found.binding is not None else None, found.late)


def test_a_number_in_no_pool_is_nobodys() -> None:
    assert live().find(NUMBER, at=5.0) is None


def test_a_number_of_a_pool_may_have_no_binding() -> None:
    assert live(told(None)).find(NUMBER, at=5.0) == Attribution("p", None)


def test_a_call_belongs_to_the_binding_in_force_when_it_was_received() -> None:
    table = live(told(binding("c", 20), ended("a", 1, 10), ended("b", 10, 20)))
    assert [whose(table, at) for at in (5, 10, 19.9, 20, 100, None)] == [
        ("a", False),
        ("b", False),
        ("b", False),
        ("c", False),
        ("c", False),
        ("c", False),
    ]


def test_a_call_received_before_anything_known_is_the_present_bindings() -> None:
    assert whose(live(told(binding("c", 20), ended("b", 10, 20))), 5) == ("c", False)
    assert whose(live(told(binding("c", 20))), 5) == ("c", False)


def test_within_the_cooldown_a_call_is_late_and_the_earlier_bindings() -> None:
    table = live(told(binding("c", 20), ended("a", 1, 10), ended("b", 10, 20)), cooldown=30)
    assert [whose(table, at) for at in (19, 20, 49.9, 50)] == [
        ("b", False),
        ("b", True),
        ("b", True),
        ("c", False),
    ]


def test_a_freed_number_has_late_calls_too_but_not_when_it_was_spam() -> None:
    table = live(told(None, ended("a", 1, 10, "released")), cooldown=30)
    assert [whose(table, at) for at in (5, 10, 39, 40)] == [
        ("a", False),
        ("a", True),
        ("a", True),
        (None, False),
    ]
    table = live(told(None, ended("a", 1, 10, "spam")), cooldown=30)
    assert whose(table, 11) == (None, False)


def test_times_are_compared_by_the_clock_of_the_store() -> None:
    table = live(told(binding("b", 1010), ended("a", 1001, 1010)))
    table.offset = 1000.0
    assert [whose(table, at) for at in (9, 10)] == [("a", False), ("b", False)]


def test_changes_are_joined_to_what_is_known() -> None:
    table = live(told(binding("a", 1)))
    for n in range(1, 8):
        name, before = f"b{n}", "a" if n == 1 else f"b{n - 1}"
        start = 1 if n == 1 else (n - 1) * 10
        change = told(binding(name, n * 10), ended(before, start, n * 10), version=n)
        table.apply([change, change])
    assert whose(table, 65) == ("b6", False)
    assert whose(table, 71) == ("b7", False)
    # Only so many are kept: the oldest are forgotten.
    assert whose(table, 10 * (7 - MAX_ENDED) + 5) == ("b3", False)
    assert whose(table, 10 * (6 - MAX_ENDED) + 5) == ("b7", False)


def test_what_comes_late_does_not_undo_what_is_known() -> None:
    table = live(told(binding("b", 20), version=7))
    table.versions["p"] = 7
    table.apply([told(binding("a", 1), version=6)])
    assert whose(table, 25) == ("b", False)
    table.apply([told(binding("c", 30), version=8)])
    assert whose(table, 35) == ("c", False)


def test_what_was_loaded_before_this_node_wrote_does_not_undo_it() -> None:
    table = live(told(binding("b", 20), version=7))
    table.apply([told(None, version=6)])
    assert whose(table, 25) == ("b", False)
    table.replace_pool("p", [], version=6)
    assert whose(table, 25) == ("b", False)
    table.replace_pool("p", [], version=7)
    assert whose(table, 25) is None


def test_a_number_that_left_is_no_longer_live() -> None:
    table = live(told(binding("a", 1)))
    table.apply([LiveChange("another", NUMBER, False, None)])
    assert whose(table, 5) == ("a", False)
    table.apply([told(None, member=False)])
    assert whose(table, 5) is None


def test_a_number_that_went_to_another_pool_takes_nothing_along() -> None:
    table = live(told(binding("a", 1), ended("x", 0, 1)), cooldown=1000)
    table.apply([LiveChange("other", NUMBER, True, binding("z", 50), (), 1)])
    found = table.find(NUMBER, at=51.0)
    assert found is not None
    assert (found.pool, found.late) == ("other", False)
    # What the first pool tells of its loss afterwards changes nothing.
    table.apply([told(None, member=False)])
    assert table.find(NUMBER, at=51.0) == found


@pytest.mark.parametrize("keeps", [True, False])
def test_a_pool_told_as_a_whole_loses_what_is_not_told(keeps: bool) -> None:
    table = live(told(binding("a", 1)))
    table.replace_pool("p", [told(binding("b", 2))] if keeps else [], version=1)
    assert whose(table, 5) == (("b", False) if keeps else None)
    assert len(table) == int(keeps)
