"""The pool core against a naive model, with time: whatever is done, both agree."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ringpool.core import CallCount, allocate, count_calls, release, wanted
from ringpool.state import PoolState
from ringpool.sweep import sweep
from ringpool.values import HeldNumber, PoolRules, Request, Spare
from tests.support.naive_pool import NaiveNumber, NaivePool

AREAS = ("602", "800")

rules_of_pools = st.builds(
    PoolRules,
    name=st.just("p"),
    kind=st.sampled_from(("custom", "exclusive")),
    policy=st.sampled_from(
        ("least_active", "most_active", "round_robin", "oldest", "newest", "weighted")
    ),
    minimum_lifetime=st.sampled_from((None, 0.0, 60.0, 600.0)),
    maximum_size=st.sampled_from((None, 2, 3, 5)),
    stock=st.sampled_from((None, "s")),
    overflow=st.sampled_from((None, "+18001234444")),
    cooldown=st.sampled_from((0.0, 300.0)),
    period=st.sampled_from((None, 200.0, 1000.0)),
    ends_at=st.sampled_from((None, 5000.0)),
    reserve=st.sampled_from((None, 300_000.0)),
    reserve_below=st.sampled_from((None, 1, 3)),
    idle=st.sampled_from((None, 700.0)),
    attributes=st.sampled_from(({}, {"area_code": "602"})),
    fixed=st.sampled_from(({}, {("fixed",): "+16029990000"})),
)
visitors = st.sampled_from([f"v{n}" for n in range(7)] + ["fixed"])
owners = st.sampled_from(("", "acme"))
asked = st.sampled_from(({}, {}, {}, {"area_code": "602"}, {"area_code": "800"}))


def number(n: int) -> str:
    return f"+1{AREAS[n % 2]}555{n:04d}"


def attributes(n: int) -> dict[str, str]:
    return {"area_code": AREAS[n % 2]}


class PoolMachine(RuleBasedStateMachine):
    """Runs the core as the service does: stock looked up as wanted, changes taken after each."""

    @initialize(rules=rules_of_pools, own=st.integers(0, 3), spare=st.integers(0, 4))
    def begin(self, rules: PoolRules, own: int, spare: int) -> None:
        self.now = 1000.0
        self.core = PoolState(
            rules, [HeldNumber(number(n), n, None, attributes(n)) for n in range(own)]
        )
        self.spares = {number(n): (n, attributes(n), 0.0) for n in range(10, 10 + spare)}
        self.naive = NaivePool(
            rules,
            [NaiveNumber(number(n), n, attributes(n)) for n in range(own)],
            [NaiveNumber(number(n), n, attributes(n)) for n in range(10, 10 + spare)],
        )
        self.ids = 0
        self.exhaustions = 0
        self.intervals: dict[str, list[tuple[float, float]]] = {}

    @rule(seconds=st.sampled_from((0.0, 0.5, 1.0, 30.0, 60.0, 599.0, 700.0, 90_000.0)))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(
        many=st.lists(
            st.tuples(owners, visitors, asked, st.floats(0, 0.999)), min_size=1, max_size=4
        )
    )
    def ask(self, many: list[tuple[str, str, dict[str, str], float]]) -> None:
        requests = [
            Request(owner, (visitor,), self.new_id(), None, wishes, draw)
            for owner, visitor, wishes, draw in many
        ]
        sweep(self.core, now=self.now)
        spares = self.look_up(requests)
        found = [allocate(self.core, request, spares, now=self.now) for request in requests]
        self.note()
        expected = [
            self.naive.allocate(r.owner, r.values, r.attributes, draw=r.draw, now=self.now)
            for r in requests
        ]
        assert [(answer.kind, answer.number) for answer in found] == expected
        for answer, request in zip(found, requests, strict=True):
            if answer.binding is not None:
                assert answer.binding.key == request.key
                assert answer.expires_at is None or answer.expires_at >= self.now

    @rule(n=st.integers(0, 13))
    def release(self, n: int) -> None:
        ended = release(self.core, number(n), why="released", now=self.now)
        self.note()
        assert (ended is not None) == self.naive.release(number(n), now=self.now)

    @rule(n=st.integers(0, 13), calls=st.integers(1, 3))
    def call(self, n: int, calls: int) -> None:
        held = self.core.numbers.get(number(n))
        binding_id = held.binding.binding_id if held is not None and held.binding else None
        count_calls(self.core, [CallCount(number(n), binding_id, calls, self.now)])
        self.note()
        for _ in range(calls):
            self.naive.call(number(n), now=self.now)

    @rule()
    def sweep(self) -> None:
        sweep(self.core, now=self.now)
        self.note()
        self.naive.pass_time(self.now)

    @invariant()
    def both_have_the_same_numbers_bound_to_the_same_values(self) -> None:
        ours = {
            held.number: None if held.binding is None else (held.binding.key, held.binding.calls)
            for held in self.core.numbers.values()
        }
        theirs = {
            one.number: None
            if one.binding is None
            else ((one.binding.owner, one.binding.values), one.binding.calls)
            for one in self.naive.numbers
        }
        assert ours == theirs

    @invariant()
    def both_say_that_the_pool_ran_out(self) -> None:
        assert self.core.exhausted == self.naive.exhausted
        # Running out twice in one batch is told once.
        assert (self.exhaustions > 0) == (self.naive.exhaustions > 0)
        assert self.exhaustions <= self.naive.exhaustions

    @invariant()
    def the_stock_has_what_the_pool_has_not(self) -> None:
        assert not set(self.spares) & set(self.core.numbers)
        assert set(self.spares) == {one.number for one in self.naive.stock}

    # What the store does.

    def new_id(self) -> str:
        self.ids += 1
        return f"b{self.ids}"

    def look_up(self, requests: list[Request]) -> list[Spare]:
        found = {spare.number: spare for spare in self.core.returned(self.now)}
        for want in wanted(self.core, requests, now=self.now):
            fit = [
                Spare(one, position, has)
                for one, (position, has, available_at) in self.spares.items()
                if available_at <= self.now and want.attributes.items() <= has.items()
            ]
            fit.sort(key=lambda spare: (spare.position, spare.number))
            found |= {spare.number: spare for spare in fit[: want.count]}
        return list(found.values())

    def note(self) -> None:
        """Take the changes, and check that they tell what was changed."""
        changes = self.core.take_changes()
        self.exhaustions += changes.exhausted
        for left in changes.left:
            n = int(left.number[-4:])
            self.spares[left.number] = (n, attributes(n), left.available_at)
        for one in changes.numbers:
            self.spares.pop(one, None)
        for ended in changes.ended:
            spans = self.intervals.setdefault(ended.number, [])
            assert all(until <= ended.binding.bound_at for _, until in spans)
            spans.append((ended.binding.bound_at, ended.ended_at))


PoolMachine.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
test_the_core_agrees_with_the_naive_model = PoolMachine.TestCase
