"""The allocation service: batches, deadlines, counts, and a store that is away or slow."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import pytest

import ringpool.service as service_module
from config.model import Configuration, Number, Pool
from ringpool.protocols import PoolUse, StoreAway, Work
from ringpool.rules import rules_of
from ringpool.service import AllocationRequest, PoolService, RequestRefused
from ringpool.state import PoolState
from ringpool.values import Answer, HeldNumber, PoolRules
from tests.support.pools import configuration, numbers_from

OVERFLOW = "+18001234444"
POOL = Pool("ads", ("a",), campaign="sale", overflow=OVERFLOW)


class MemoryStore:
    """Keeps pools in memory; can be away, and slow."""

    def __init__(self, config: Configuration) -> None:
        self.up = True
        self.fails = False
        self.seconds = 0.0
        self.batches = 0
        own = [one for one in config.numbers if one.dynamic]
        self.states = {
            name: PoolState(
                rules, [HeldNumber(one.pattern, i) for i, one in enumerate(own) if one.pool == name]
            )
            for name, rules in rules_of(config).items()
        }

    async def work(
        self, rules: PoolRules, work: Work, *, within: float
    ) -> tuple[Sequence[Answer | None], bool]:
        self.batches += 1
        await asyncio.sleep(self.seconds)
        if self.fails:
            raise StoreAway("away")
        state = self.states[rules.name]
        work.prepare(state, 1000.0)
        answers = work.run(state, [], 1000.0)
        return answers, state.take_changes().exhausted

    async def use(self, pool: str, *, within: float) -> PoolUse:
        raise StoreAway("not kept")


class Desk:
    def __init__(self, *, own: int = 3, numbers: Sequence[Number] = ()) -> None:
        config = configuration([POOL], own={"ads": numbers_from(16025550000, own)}, numbers=numbers)
        self.store = MemoryStore(config)
        self.told: list[tuple[str, str | None]] = []
        self.service = PoolService(
            config, self.store, on_exhausted=lambda *facts: self.told.append(facts)
        )

    async def ask(self, value: str, **more: float) -> tuple[str | None, str, str]:
        answer = await self.service.allocate(AllocationRequest("ads", {"a": value}), **more)
        return answer.number, answer.step, answer.why


async def test_requests_that_come_together_are_one_batch() -> None:
    desk = Desk(own=50)
    found = await asyncio.gather(*(desk.ask(f"v{n}") for n in range(50)))
    assert len({number for number, _, _ in found}) == 50
    assert desk.store.batches == 1


async def test_what_comes_while_a_batch_is_under_way_is_the_next() -> None:
    desk = Desk(own=50)
    desk.store.seconds = 0.02
    tasks = []
    for n in range(30):
        tasks.append(asyncio.create_task(desk.ask(f"v{n}")))
        await asyncio.sleep(0.002)
    await asyncio.gather(*tasks)
    assert desk.store.batches < 10


async def test_bulk_answers_come_in_the_order_of_the_requests() -> None:
    desk = Desk()
    requests = [AllocationRequest("ads", {"a": value}) for value in ("x", "y", "x", "z")]
    answers = await desk.service.allocate_many(requests)
    assert [answer.parameters["a"] for answer in answers] == ["x", "y", "x", "z"]
    assert answers[0].number == answers[2].number
    assert len({answer.number for answer in answers}) == 3


async def test_one_bad_request_refuses_the_bulk_before_anything_is_given() -> None:
    desk = Desk()
    with pytest.raises(RequestRefused):
        await desk.service.allocate_many(
            [AllocationRequest("ads", {"a": "x"}), AllocationRequest("ads", {"b": "x"})]
        )
    assert desk.store.batches == 0
    with pytest.raises(RequestRefused, match="at most 1000"):
        await desk.service.allocate_many([AllocationRequest("ads", {"a": "x"})] * 1001)


async def test_an_unknown_pool_is_refused_with_a_hint() -> None:
    with pytest.raises(RequestRefused, match='no pool "adds", did you mean "ads"'):
        await Desk().service.allocate(AllocationRequest("adds", {}))


async def test_with_the_store_away_the_overflow_number_is_the_answer_at_once() -> None:
    desk = Desk()
    desk.store.up = False
    began = time.monotonic()
    assert await desk.ask("x") == (OVERFLOW, "overflow", "database away")
    assert time.monotonic() - began < 0.1
    assert desk.store.batches == 0


async def test_a_store_that_fails_gives_the_overflow_number() -> None:
    desk = Desk()
    desk.store.fails = True
    assert await desk.ask("x") == (OVERFLOW, "overflow", "database away")
    desk.store.fails = False
    assert (await desk.ask("x"))[1] == "free"


async def test_a_store_that_is_slow_gives_the_overflow_number_in_time() -> None:
    desk = Desk()
    desk.store.seconds = 0.5
    began = time.monotonic()
    assert await desk.ask("x", within=0.05) == (OVERFLOW, "overflow", "database away")
    assert time.monotonic() - began < 0.4


async def test_whoever_gave_up_waiting_takes_no_number() -> None:
    desk = Desk(own=2)
    desk.store.seconds = 0.05
    first = asyncio.create_task(desk.ask("x"))
    await asyncio.sleep(0.02)
    assert (await desk.ask("gives up", within=0.01))[1] == "overflow"
    await first
    desk.store.seconds = 0.0
    assert (await desk.ask("y"))[1] == "free"
    assert len(desk.store.states["ads"].numbers) == 2
    assert desk.store.states["ads"].free == 0


async def test_more_than_can_wait_are_answered_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_module, "MAX_WAITING", 2)
    desk = Desk()
    desk.store.seconds = 0.05
    waiting = [asyncio.create_task(desk.ask(value)) for value in "xy"]
    await asyncio.sleep(0)
    assert await desk.ask("z") == (OVERFLOW, "overflow", "busy")
    assert [step for _, step, _ in await asyncio.gather(*waiting)] == ["free", "free"]
    assert (await desk.ask("z"))[1] == "free"


async def test_numbers_with_fixed_values_need_no_store() -> None:
    fixed = Number("+18888695345", "exact", "sale", "press", "ads", {"a": "home"})
    desk = Desk(numbers=[fixed])
    desk.store.up = False
    answer = await desk.service.allocate(AllocationRequest("ads", {"a": "home"}, "acme", "p1"))
    assert (answer.number, answer.step, answer.publisher) == ("+18888695345", "fixed", "press")


async def test_running_out_is_told() -> None:
    desk = Desk(own=1)
    for value in ("x", "y", "z"):
        await desk.ask(value)
    assert desk.told == [("ads", OVERFLOW)]


async def test_calls_are_counted_in_one_write_and_kept_while_the_store_is_away() -> None:
    desk = Desk()
    number, _, _ = await desk.ask("x")
    assert number is not None
    binding = desk.store.states["ads"].numbers[number].binding
    assert binding is not None
    for n in range(5):
        desk.service.called("ads", number, binding.binding_id, 1000.0 + n)
    desk.service.called("unknown", number, None)
    desk.store.fails = True
    await desk.service.flush()
    desk.service.called("ads", number, binding.binding_id, 1010.0)
    desk.store.fails = False
    batches = desk.store.batches
    await desk.service.flush()
    assert desk.store.batches == batches + 1
    counted = desk.store.states["ads"].numbers[number].binding
    assert counted is not None
    assert (counted.calls, counted.called_at) == (6, 1010.0)


async def test_counts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_module, "MAX_COUNTS", 2)
    desk = Desk()
    for n in range(9):
        desk.service.called("ads", f"+{n}", None, 1.0)
    assert desk.service.counts_waiting == 2
    await desk.service.flush()
    assert desk.service.counts_waiting == 0


async def test_calls_are_counted_before_the_service_closes() -> None:
    desk = Desk()
    number, _, _ = await desk.ask("x")
    assert number is not None
    desk.service.start()
    binding = desk.store.states["ads"].numbers[number].binding
    assert binding is not None
    desk.service.called("ads", number, binding.binding_id, 1000.0)
    await desk.service.close()
    counted = desk.store.states["ads"].numbers[number].binding
    assert counted is not None
    assert counted.calls == 1


async def test_a_binding_is_released_by_number_or_by_id() -> None:
    desk = Desk()
    number, _, _ = await desk.ask("x")
    assert number is not None
    assert await desk.service.release("ads", number)
    assert not await desk.service.release("ads", number)
    answer = await desk.service.allocate(AllocationRequest("ads", {"a": "y"}))
    assert answer.binding is not None
    assert await desk.service.release("ads", answer.binding, spam=True)
    desk.store.up = False
    with pytest.raises(StoreAway):
        await desk.service.release("ads", number)


async def test_a_release_that_cannot_be_done_says_so() -> None:
    desk = Desk()
    desk.store.fails = True
    with pytest.raises(StoreAway):
        await desk.service.release("ads", "+16025550000")


async def test_whoever_waits_when_the_service_closes_is_answered() -> None:
    desk = Desk()
    desk.store.seconds = 0.02
    waiting = [asyncio.create_task(desk.ask(value)) for value in "xy"]
    await asyncio.sleep(0.005)
    await desk.service.close()
    assert {step for _, step, _ in await asyncio.gather(*waiting)} <= {"free", "overflow"}
