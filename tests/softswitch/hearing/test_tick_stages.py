"""Who hears what in a tick: ears open and close, stages hear in order and are left out."""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from rtp.engine import TapBatch
from softswitch.hearing.ear import Ear
from softswitch.hearing.heard import Heard
from softswitch.hearing.stage import NEVER_SHED
from softswitch.hearing.tick import HearingTick
from tests.support.tapped import MS, Sender, Tapped, batch_of


class HandLoop:
    """Time and timers, moved by hand; each tick may be told to take long."""

    def __init__(self) -> None:
        self.ns = 10**12
        self.timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._number = 0

    def time(self) -> float:
        return self.ns / 1e9

    def call_at(self, when: float, callback: Callable[[], object]) -> object:
        handle = SimpleNamespace(run=callback, dead=False)
        handle.cancel = lambda: setattr(handle, "dead", True)
        self._number += 1
        heapq.heappush(self.timers, (when, self._number, cast("Any", handle)))
        return handle

    def pass_ms(self, ms: float) -> None:
        end = self.ns + round(ms * MS)
        while self.timers and self.timers[0][0] * 1e9 <= end:
            when, _, handle = heapq.heappop(self.timers)
            self.ns = max(self.ns, round(when * 1e9))
            if not cast("Any", handle).dead:
                cast("Any", handle).run()
        self.ns = max(self.ns, end)


@dataclass
class HandEngine:
    """A tap that is filled by hand."""

    waiting: list[Tapped] = field(default_factory=list)
    kicks: int = 0
    ports: int = 1

    def drain_tap(self) -> TapBatch | None:
        packets, self.waiting = self.waiting, []
        return batch_of(packets) if packets else None

    def kick(self) -> None:
        self.kicks += 1

    @property
    def counters(self) -> object:
        return SimpleNamespace(ports_in_use=self.ports)


class Hold:
    def __init__(self) -> None:
        self.released = False

    def release(self) -> None:
        self.released = True


class HandCall:
    def __init__(self) -> None:
        self.caller = SimpleNamespace(opened_clock=1000.0)
        self.campaign: object = "first"
        self.holds: list[Hold] = []

    def hold_end(self, what: str) -> Hold:
        assert what == "hearing"
        self.holds.append(Hold())
        return self.holds[-1]

    def released(self) -> list[bool]:
        """Of each hold, in order."""
        return [hold.released for hold in self.holds]


class Listening:
    """A stage that keeps what it is told."""

    def __init__(self, world: World, name: str = "all", shed_at: int = NEVER_SHED) -> None:
        self.name = name
        self.shed_at = shed_at
        self.world = world
        self.told: list[tuple[str, str]] = []
        self.heard: list[Heard] = []
        self.afters = 0
        self.costs_ms = 0.0

    def open(self, ear: Ear) -> None:
        self.told.append(("open", ear.leg_id))

    def changed(self, ear: Ear) -> None:
        self.told.append(("changed", cast("Any", ear.campaign)))

    def close(self, ear: Ear) -> None:
        self.told.append(("close", ear.leg_id))

    def hear(self, heard: Heard) -> None:
        self.world.order.append(self.name)
        self.heard.append(heard)

    def after(self, now_ns: int) -> None:
        self.afters += 1
        self.world.loop.ns += round(self.costs_ms * MS)


class World:
    """A tick with calls of one leg."""

    def __init__(self, *stages: tuple[str, int]) -> None:
        self.loop = HandLoop()
        self.engine = HandEngine()
        self.order: list[str] = []
        self.tick = HearingTick(
            cast("Any", self.loop), cast("Any", self.engine), now_ns=lambda: self.loop.ns
        )
        self.calls: dict[int, HandCall] = {}
        self.senders: dict[int, Sender] = {}
        self.stages = [Listening(self, *stage) for stage in stages or [("all", NEVER_SHED)]]
        self.levels: list[tuple[int, tuple[str, ...]]] = []
        self.tick.attach(
            self.stages,
            find_owner=self.owner,
            on_level=lambda level, left_out, _why: self.levels.append((level, left_out)),
        )

    @property
    def stage(self) -> Listening:
        return self.stages[0]

    def add(self, leg: int) -> HandCall:
        self.calls[leg] = HandCall()
        self.senders[leg] = Sender(leg, start_ns=self.loop.ns, seed=leg)
        return self.calls[leg]

    def owner(self, leg: int) -> Any:
        call = self.calls.get(leg)
        return call and SimpleNamespace(call=call, leg_id=f"b{leg}", side="called")

    def speak(self, leg: int, packets: int = 1) -> list[Tapped]:
        sent = [self.senders[leg].packet() for _ in range(packets)]
        self.engine.waiting += sent
        return sent

    def forget(self, leg: int) -> None:
        del self.calls[leg]
        self.tick.forget(leg)


@pytest.fixture
def world() -> World:
    world = World()
    world.tick.start()
    return world


def test_an_ear_opens_at_the_first_packet_and_hears_its_frame_in_the_same_tick(
    world: World,
) -> None:
    world.add(7)
    world.loop.pass_ms(100)
    assert world.tick.ear(7) is None
    assert world.stage.told == []
    world.speak(7)
    world.loop.pass_ms(20)
    ear = world.tick.ear(7)
    assert ear is not None
    assert (ear.leg_id, ear.side) == ("b7", "agent")
    assert ear.campaign is cast("Any", world.calls[7].campaign)
    assert ear.seconds(1_002_500 * MS) == 2.5
    assert world.stage.told == [("open", "b7")]
    (heard,) = world.stage.heard
    assert list(heard.slots) == [ear.slot]
    assert list(heard.positions) == [0]
    assert heard.samples.shape == (1, 160)
    assert heard.whole.all()


def test_legs_are_heard_together_and_each_at_most_once_in_a_round(world: World) -> None:
    for leg in range(1, 6):
        world.add(leg)
        world.speak(leg, packets=2)
    world.loop.pass_ms(20)
    assert [sorted(heard.slots) for heard in world.stage.heard] == [[0, 1, 2, 3, 4]] * 2
    assert [set(heard.positions) for heard in world.stage.heard] == [{0}, {160}]


def test_a_leg_that_is_behind_is_heard_a_few_frames_a_tick(world: World) -> None:
    world.add(1)
    world.speak(1, packets=10)
    world.loop.pass_ms(20)
    assert len(world.stage.heard) == 4
    world.loop.pass_ms(40)
    assert [heard.positions[0] for heard in world.stage.heard] == list(range(0, 1600, 160))


def test_a_leg_that_nobody_owns_is_not_heard(world: World) -> None:
    world.senders[3] = Sender(3)
    world.speak(3, packets=2)
    world.loop.pass_ms(20)
    world.speak(3)
    world.loop.pass_ms(20)
    assert world.stage.told == []
    assert world.stage.heard == []
    assert world.tick.status()["packets_refused"] == 1


def test_the_last_frames_are_heard_before_the_ear_closes_and_the_call_waits_for_it(
    world: World,
) -> None:
    call = world.add(1)
    world.speak(1)
    world.loop.pass_ms(20)
    sender = world.senders[1]
    sender.lose()
    world.speak(1, packets=2)
    world.forget(1)
    assert call.released() == [False]
    world.loop.pass_ms(20)
    assert [heard.positions[0] for heard in world.stage.heard] == [0, 160, 320, 480]
    assert [bool(heard.whole[0]) for heard in world.stage.heard] == [True, False, True, True]
    assert world.stage.told == [("open", "b1"), ("close", "b1")]
    assert call.released() == [True]
    assert world.tick.ear(1) is None


def test_a_leg_that_is_far_behind_at_its_end_is_heard_to_its_end(world: World) -> None:
    call = world.add(1)
    world.speak(1, packets=40)
    world.loop.pass_ms(20)
    world.forget(1)
    world.loop.pass_ms(100)
    assert call.released() == [False]
    world.loop.pass_ms(100)
    assert call.released() == [True]
    assert len(world.stage.heard) == 40


def test_a_slot_is_used_again_after_its_leg_and_strays_do_not_bring_the_leg_back(
    world: World,
) -> None:
    world.add(1)
    world.speak(1)
    world.loop.pass_ms(20)
    world.forget(1)
    world.loop.pass_ms(20)
    world.add(2)
    world.speak(1)
    world.speak(2)
    world.loop.pass_ms(20)
    assert world.tick.ear(1) is None
    ear = world.tick.ear(2)
    assert ear is not None
    assert ear.slot == 0
    assert [tell for tell, _ in world.stage.told] == ["open", "close", "open"]


def test_a_leg_that_ends_before_it_was_heard_never_opens(world: World) -> None:
    call = world.add(1)
    world.speak(1)
    world.forget(1)
    world.loop.pass_ms(40)
    assert call.released() == []
    assert world.stage.told == []


def test_a_leg_that_ends_when_nothing_ticks_is_closed_at_once(world: World) -> None:
    call = world.add(1)
    world.speak(1)
    world.loop.pass_ms(20)
    world.speak(1, packets=3)
    world.tick.stop()
    assert call.released() == [True]
    assert len(world.stage.heard) == 4
    assert world.stage.told[-1] == ("close", "b1")


def test_a_change_of_campaign_reaches_the_stages(world: World) -> None:
    call = world.add(1)
    world.speak(1)
    world.loop.pass_ms(20)
    world.tick.changed(cast("Any", call))
    call.campaign = "second"
    world.tick.changed(cast("Any", call))
    assert world.stage.told == [("open", "b1"), ("changed", "second")]


def test_stages_hear_in_their_order_and_what_one_says_the_next_can_read() -> None:
    world = World(("tones", 5), ("voice", 3))
    world.tick.start()
    world.add(1)
    world.stages[0].hear = lambda heard: setattr(heard, "tonal", np.ones(1, bool))  # type: ignore[method-assign]
    world.speak(1)
    world.loop.pass_ms(20)
    (heard,) = world.stages[1].heard
    assert heard.tonal is not None
    assert world.stages[1].afters == world.stages[0].afters == 1


def test_a_stage_that_raises_is_told_once_and_the_others_hear_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World(("broken", 5), ("voice", 3))
    world.tick.start()
    world.add(1)

    def raise_error(heard: Heard) -> None:
        raise ZeroDivisionError("a bug")

    world.stages[0].hear = raise_error  # type: ignore[method-assign]
    world.speak(1, packets=3)
    world.loop.pass_ms(20)
    assert len(world.stages[1].heard) == 3
    assert world.tick.failures == {"broken": 3}
    assert len([one for one in caplog.records if one.levelno == logging.ERROR]) == 1
    assert world.tick.status()["failures"] == {"broken": 3}


def test_under_overload_speech_goes_first_tones_last_and_recording_never() -> None:
    world = World(("tones", 5), ("voice", 3), ("speech", 2), ("recording", NEVER_SHED))
    world.tick.start()
    world.add(1)
    world.stages[0].costs_ms = 15
    for _ in range(25 * 5):
        world.speak(1)
        world.loop.pass_ms(20)
    shed = [len(stage.heard) for stage in world.stages]
    assert shed == [125, 75, 50, 125]
    rolling, light = "rolling keyword windows", "neural voice activity"
    assert world.levels == [
        (1, (rolling,)),
        (2, (rolling, light, "speech")),
        (3, (rolling, light, "voice", "speech")),
        (4, (rolling, light, "voice", "speech")),
        (5, (rolling, light, "tones", "voice", "speech")),
    ]
    world.stages[0].costs_ms = 0
    world.speak(1)
    world.loop.pass_ms(20)
    assert [len(stage.heard) for stage in world.stages] == [125, 75, 50, 126]
    assert world.stages[0].heard[-1].level == 4


def test_what_was_left_out_is_heard_again_and_legs_that_came_meanwhile_are_open() -> None:
    world = World(("speech", 1))
    world.tick.start()
    world.add(9)
    world.speak(9)
    world.loop.pass_ms(20)
    world.stages[0].costs_ms = 15
    world.loop.pass_ms(20 * 24)
    assert world.tick.load.level == 1
    world.stages[0].costs_ms = 0
    world.stage.told.clear()
    world.stage.heard.clear()
    world.add(1)
    world.speak(1)
    world.loop.pass_ms(20)
    assert world.stage.told == [("open", "b1")]
    assert world.stage.heard == []
    world.loop.pass_ms(5000)
    assert world.levels[-1] == (0, ())
    world.speak(1)
    world.loop.pass_ms(20)
    assert [heard.positions[0] for heard in world.stage.heard] == [160]


def test_what_is_heard_again_is_told_as_that(caplog: pytest.LogCaptureFixture) -> None:
    world = World(("speech", 1))
    world.tick.start()
    world.add(9)
    world.speak(9)
    world.loop.pass_ms(20)
    world.stages[0].costs_ms = 15
    world.loop.pass_ms(20 * 24)
    world.stages[0].costs_ms = 0
    world.loop.pass_ms(5100)
    down, up = [one.getMessage() for one in caplog.records if "level" in one.getMessage()]
    assert "again" not in down
    assert down.endswith("left out: rolling keyword windows, speech")
    assert up == (
        "hearing: heard again: rolling keyword windows, speech (level 0, quiet for 5 s); "
        "left out: nothing"
    )


def test_ticks_that_come_late_while_the_switch_starts_are_not_counted(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.loop.ns += 300 * MS  # somebody has the loop
    world.loop.pass_ms(900)
    assert world.tick.late == 0
    assert world.tick.load.worst_late_seconds < 0.001
    assert caplog.records == []
    world.loop.ns += 300 * MS
    world.loop.pass_ms(100)
    assert world.tick.late == 1
    assert "1 of" in caplog.text


def test_deadlines_are_looked_after_for_a_while_after_the_last_leg(world: World) -> None:
    world.tick.start()
    world.loop.pass_ms(1000)
    assert world.stage.afters == 0
    world.add(1)
    world.speak(1)
    world.loop.pass_ms(20)
    world.forget(1)
    world.loop.pass_ms(20_000)
    assert world.stage.afters == 1001
    world.loop.pass_ms(20_000)
    assert world.stage.afters < 1600


def test_late_ticks_are_told_once_a_minute(world: World, caplog: pytest.LogCaptureFixture) -> None:
    def told() -> list[str]:
        return [one.getMessage() for one in caplog.records if "late" in one.getMessage()]

    world.loop.pass_ms(1000)
    for _ in range(30):
        world.loop.ns += 100 * MS
        world.loop.pass_ms(1400)
    assert len(told()) == 1
    world.loop.pass_ms(60_000)
    assert len(told()) == 2
    assert "30 of" in told()[1]
    world.loop.pass_ms(60_000)
    assert len(told()) == 2
    world.loop.ns += 300 * MS
    world.loop.pass_ms(20)
    assert len(told()) == 3
    assert world.tick.status()["late"] == 31
    assert 280 <= world.tick.status()["worst_late_ms"] <= 300


def test_with_no_port_open_for_half_a_minute_nothing_ticks_until_one_is(world: World) -> None:
    world.loop.pass_ms(31_000)
    ticks = world.tick.ticks
    world.loop.pass_ms(1000)
    assert world.tick.ticks == ticks + 50
    world.engine.ports = 0
    world.loop.pass_ms(31_000)
    ticks = world.tick.ticks
    world.loop.pass_ms(60_000)
    assert world.tick.ticks == ticks
    world.add(1)
    assert world.tick.kick_soon() is False
    world.speak(1)
    world.loop.pass_ms(20)
    assert world.tick.ticks == ticks + 1
    assert len(world.stage.heard) == 1
    assert world.tick.late == 0


def test_the_status_shows_what_the_tick_does(world: World) -> None:
    world.add(1)
    world.speak(1)
    world.stage.costs_ms = 3
    world.loop.pass_ms(20)
    status = world.tick.status()
    assert status["ticks"] == 1
    assert status["legs"] == 1
    assert status["frames"] == 1
    assert status["packets"] == 1
    assert status["mean_ms"] == status["worst_ms"] == 3.0
    assert status["late_by_ms"]["up to 5"] == 1
    assert (status["level"], status["left_out"]) == (0, ())
