"""The heap of bindings that can be replaced: the same choice as looking at all, and bounded."""

from __future__ import annotations

import random

import pytest

from config.model import RecyclingPolicy
from ringpool.candidates import SPARE_ENTRIES, Candidates
from ringpool.policies import ORDERED, choose
from ringpool.values import Binding, HeldNumber, PoolRules

LIFETIME = 10.0


@pytest.mark.parametrize("policy", sorted(ORDERED))
def test_the_choice_is_that_of_looking_at_all_whatever_has_happened(
    policy: RecyclingPolicy,
) -> None:
    chance = random.Random(7)
    numbers: dict[str, HeldNumber] = {}
    candidates = Candidates(PoolRules("p", policy=policy, minimum_lifetime=LIFETIME), numbers)
    now = 0.0
    for n in range(3000):
        now += chance.random()
        number = f"+{chance.randrange(30)}"
        held = numbers.get(number)
        if held is None or held.binding is None or chance.random() < 0.2:
            binding = Binding(f"b{n}", "", None, (), now, now)
        else:
            old = held.binding
            calls = old.calls + chance.randrange(2)
            binding = Binding(old.binding_id, "", None, (), old.bound_at, now, now, calls)
        has = {"area_code": "602" if int(number) % 2 else "800"}
        numbers[number] = HeldNumber(number, attributes=has, binding=binding)
        candidates.put(numbers[number])
        if chance.random() < 0.05:
            numbers.pop(chance.choice(list(numbers)))
        wanted = chance.choice(({}, {"area_code": "602"}))
        old_enough = [
            one
            for one in numbers.values()
            if one.binding is not None
            and now - one.binding.bound_at >= LIFETIME
            and wanted.items() <= one.attributes.items()
        ]
        expected = choose(policy, old_enough, turn="", draw=0.0)
        assert candidates.next(wanted, now=now, turn="", draw=0.0) == expected


def test_a_page_that_is_seen_for_years_does_not_fill_the_memory() -> None:
    numbers: dict[str, HeldNumber] = {}
    candidates = Candidates(PoolRules("p", minimum_lifetime=LIFETIME), numbers)
    for n in range(5000):
        for number in ("+1", "+2"):
            binding = Binding(number, "", None, (), 0.0, float(n))
            numbers[number] = HeldNumber(number, binding=binding)
            candidates.put(numbers[number])
        found = candidates.next({}, now=float(n), turn="", draw=0.0)
        assert (found is None) == (n < LIFETIME)
    assert candidates.entries <= 4 * 2 + SPARE_ENTRIES
