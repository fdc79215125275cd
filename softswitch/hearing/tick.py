"""The tick: every 20 ms what the engine's taps collected becomes frames, and all stages hear them.

One callback for all legs: packets -> frames in RTP time -> rounds of one frame a leg -> each stage
in its order. A leg's ear is opened at its first packet and closed in the tick after its end, when
its last frame was heard; the end of its call waits for that. A tick that comes late is counted,
never made up for: the next one finds more frames. Under overload stages are left out, and the relay
does not notice any of it. Does not know what is detected.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from rtp.engine import Engine, Framer, TapBatch
from softswitch.hearing.ear import Ear
from softswitch.hearing.heard import Heard
from softswitch.hearing.load import LATE_BOUNDS_MS, LATE_SECONDS, TICK_SECONDS, TickLoad
from softswitch.hearing.stage import Stage

if TYPE_CHECKING:
    from config.model import Campaign
    from softswitch.call.call import Call
    from softswitch.call.end_hold import EndHold
    from softswitch.call.leg import Leg

__all__ = ["LIGHTER", "HearingTick", "TapListener"]

logger = logging.getLogger(__name__)

MAX_CLOSING_TICKS = 50
"""How long what a leg that is over has waiting may take to go out, a few frames a tick: as much as
a leg can have waiting takes half of that."""

TOLD_SECONDS = 60.0
"""Late ticks are told in one line a minute at most."""

SETTLING_SECONDS = 1.0
"""So long after the start ticks may come late and nothing is made of it: what else the switch
starts has the loop, and there is no call yet."""

IDLE_SECONDS = 30.0
"""With no port open for so long nothing ticks until one is: longer than any deadline of a stage
after the end of the last call."""

AFTER_NS = round(IDLE_SECONDS * 1e9)
"""So long after the last leg stages still look after their deadlines."""

LIGHTER = ((1, "rolling keyword windows"), (2, "neural voice activity"))
"""What stages do cheaper from which level on, before they are left out."""

LATE_CLASSES = (*(f"up to {bound}" for bound in LATE_BOUNDS_MS), "more")

TapListener = Callable[[TapBatch], None]


class HearingTick:
    """Drains the taps of all legs in one go, and has their frames heard."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        engine: Engine,
        *,
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._loop = loop
        self._engine = engine
        self._now_ns = now_ns
        self._listeners: tuple[TapListener, ...] = ()
        self._handle: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._settled = 0.0
        """From when on late ticks count."""
        self._commands_wait = False
        self._idle_since: float | None = None
        self._asleep = False
        self._next_told = 0.0
        self._late_told = 0
        # Hearing.
        self._framer = Framer()
        self._stages: tuple[Stage, ...] = ()
        self._find_owner: Callable[[int], Leg | None] = _nobody
        self._campaign_of: Callable[[Leg], Campaign] = _campaign_of
        self._on_level: Callable[[int, tuple[str, ...], str], None] | None = None
        self._ears: dict[int, Ear] = {}
        self._after_until_ns = 0
        self._closing: dict[int, tuple[EndHold, int]] = {}
        self._level_told = 0
        self._left_out: tuple[str, ...] = ()
        self.load = TickLoad()
        self.entries = 0
        """Packets heard since the start."""
        self.failures: Counter[str] = Counter()
        """How often each stage has raised: bugs, all of them."""

    @property
    def ticks(self) -> int:
        """Since the start."""
        return self.load.ticks

    @property
    def late(self) -> int:
        """Ticks that came later than they may."""
        return self.load.late

    def listen(self, listener: TapListener) -> None:
        """Hand every batch to one more listener, as it comes from the taps."""
        self._listeners = (*self._listeners, listener)

    def attach(
        self,
        stages: Sequence[Stage],
        *,
        find_owner: Callable[[int], Leg | None],
        campaign_of: Callable[[Leg], Campaign] | None = None,
        on_level: Callable[[int, tuple[str, ...], str], None] | None = None,
    ) -> None:
        """Have these stages hear, in this order.

        `find_owner` has the leg of an engine's number, `campaign_of` the campaign whose wishes hold
        for it; `on_level` is told each change of the level of overload: the level, what is left
        out, why.
        """
        self._stages = tuple(stages)
        self._find_owner = find_owner
        self._campaign_of = campaign_of or _campaign_of
        self._on_level = on_level

    # Legs.

    def ear(self, leg: int) -> Ear | None:
        """The ear of an engine's leg, once a packet of it was heard."""
        return self._ears.get(leg)

    def ears_of(self, call: Call) -> list[Ear]:
        """The ears of a call that are open."""
        return [ear for ear in self._ears.values() if ear.call is call]

    def changed(self, call: Call) -> None:
        """The call goes on for another campaign: the stages are told."""
        for ear in self.ears_of(call):
            campaign = self._campaign_of(ear.leg)
            if campaign is not ear.campaign:
                ear.campaign = campaign
                self._tell("changed", ear)

    def forget(self, leg: int) -> None:
        """An engine's leg is over: its ear is closed when what was said last has been heard, in the
        next tick; the end of the call waits for it."""
        ear = self._ears.get(leg)
        if ear is None:
            self._framer.close(leg)
        elif leg not in self._closing:
            self._closing[leg] = ear.call.hold_end("hearing"), MAX_CLOSING_TICKS
            if self._handle is None:
                self._close_now(leg)

    def _close_now(self, leg: int) -> None:
        """Nothing ticks: what waits is heard at once."""
        while leg in self._closing:
            self._hear(self._now_ns())

    # Time.

    def kick_soon(self) -> bool:
        """Have the engine look at its commands in the next tick, which wakes it anyway; False when
        there is none."""
        if self._asleep:
            self._wake()
            return False
        self._commands_wait = self._handle is not None
        return self._commands_wait

    def start(self) -> None:
        """Begin to tick, if it does not yet."""
        if self._handle is None:
            now = self._loop.time()
            self._settled = now + SETTLING_SECONDS
            self._due = now + TICK_SECONDS
            self._handle = self._loop.call_at(self._due, self._tick)

    def stop(self) -> None:
        """Tick no more; ears that are still open are closed."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self._asleep = False
        for leg in list(self._ears):
            self.forget(leg)

    def _tick(self) -> None:
        now_ns = self._now_ns()
        began = now_ns / 1e9
        late = max(0.0, began - self._due) if began >= self._settled else 0.0
        if self._commands_wait:
            self._commands_wait = False
            self._engine.kick()
        self._hear(now_ns)
        self._due = max(self._due + TICK_SECONDS, began)
        self._handle = self._loop.call_at(self._due, self._tick)
        if self.load.count(late, (self._now_ns() - now_ns) / 1e9):
            self._tell_level()
        if self.load.late != self._late_told and began >= self._next_told:
            self._tell_late(began)
        self._rest(began)

    def _rest(self, now: float) -> None:
        """Sleep when no port has been open for long."""
        if self._ears or self._idle_since is None:
            self._idle_since = now
        elif now - self._idle_since >= IDLE_SECONDS:
            self._idle_since = now
            if self._handle is not None and not self._engine.counters.ports_in_use:
                self._handle.cancel()
                self._asleep = True

    def _wake(self) -> None:
        """A port is being opened: nothing can be heard of it yet."""
        self._asleep = False
        self._idle_since = None
        self._due = self._loop.time() + TICK_SECONDS
        self._handle = self._loop.call_at(self._due, self._tick)

    # Hearing.

    def _hear(self, now_ns: int) -> None:
        batch = self._engine.drain_tap()
        if batch is not None:
            self.entries += len(batch.entries)
            for listener in self._listeners:
                listener(batch)
            if self._stages:
                self._framer.push(batch)
                for leg, slot in self._framer.new_legs():
                    self._open(leg, slot, now_ns)
        if self._closing:
            for leg in self._closing:
                self._framer.finish(leg)
        if self._ears:
            self._hear_rounds(now_ns)
        if self._closing:
            self._close_ended()
        if self._ears or self._closing:
            self._after_until_ns = now_ns + AFTER_NS
        if now_ns < self._after_until_ns:
            for stage in self._stages:
                self._call(stage, "after", now_ns)

    def _hear_rounds(self, now_ns: int) -> None:
        level = self.load.level
        stages = [stage for stage in self._stages if stage.shed_at > level]
        while (frames := self._framer.round(now_ns)) is not None:
            heard = Heard(*frames, now_ns, level)
            for stage in stages:
                self._call(stage, "hear", heard)

    def _open(self, leg: int, slot: int, now_ns: int) -> None:
        owner = self._find_owner(leg)
        if owner is None:
            self._framer.close(leg)
            return
        received_ns = round(owner.call.caller.opened_clock * 1e9)
        ear = self._ears[leg] = Ear(
            slot, owner, self._campaign_of(owner), received_ns, opened_ns=now_ns
        )
        self._tell("open", ear)

    def _close_ended(self) -> None:
        for leg in list(self._closing):
            hold, ticks = self._closing.pop(leg, (None, 0))
            if hold is None:
                continue
            if ticks > 1 and self._framer.waits(leg):
                self._closing[leg] = hold, ticks - 1
                continue
            self._tell("close", self._ears.pop(leg))
            self._framer.close(leg)
            hold.release()

    def _tell(self, what: str, ear: Ear) -> None:
        for stage in self._stages:
            self._call(stage, what, ear)

    def _call(self, stage: Stage, what: str, about: Any) -> None:
        """A stage that raises has a bug: it is told once, and the others hear on."""
        try:
            getattr(stage, what)(about)
        except Exception:
            self.failures[stage.name] += 1
            if self.failures[stage.name] == 1:
                logger.exception("hearing: %s failed; further failures are counted", stage.name)

    # What is told.

    def left_out(self) -> tuple[str, ...]:
        """What is not heard at the present level of overload."""
        level = self.load.level
        lighter = tuple(name for at, name in LIGHTER if at <= level)
        return lighter + tuple(stage.name for stage in self._stages if stage.shed_at <= level)

    def _tell_level(self) -> None:
        level, why, left_out = self.load.level, self.load.why, self.left_out()
        names = ", ".join(left_out) or "nothing"
        if level < self._level_told:
            back = ", ".join(name for name in self._left_out if name not in left_out)
            logger.warning(
                "hearing: heard again: %s (level %d, %s); left out: %s",
                back or "nothing yet", level, why, names,
            )  # fmt: skip
        else:
            logger.warning("hearing: level %d, %s; left out: %s", level, why, names)
        self._level_told, self._left_out = level, left_out
        if self._on_level is not None:
            self._on_level(level, left_out, why)

    def _tell_late(self, now: float) -> None:
        logger.warning(
            "hearing: %d of %d ticks came more than %d ms late, by %d ms at worst",
            self.load.late, self.load.ticks, LATE_SECONDS * 1000,
            self.load.worst_late_seconds * 1000,
        )  # fmt: skip
        self._late_told = self.load.late
        self._next_told = now + TOLD_SECONDS

    def status(self) -> dict[str, Any]:
        """How the tick does, to be shown."""
        load, frames = self.load, self._framer.counters
        return {
            "ticks": load.ticks,
            "late": load.late,
            "late_by_ms": dict(zip(LATE_CLASSES, load.delays, strict=True)),
            "worst_late_ms": round(load.worst_late_seconds * 1000, 3),
            "worst_ms": round(load.worst_seconds * 1000, 3),
            "mean_ms": round(load.mean_seconds * 1000, 4),
            "legs": len(self._ears),
            "level": load.level,
            "left_out": self.left_out(),
            "packets": self.entries,
            "frames": frames.frames,
            "frames_masked": frames.masked,
            "packets_late": frames.late,
            "packets_dropped": frames.dropped,
            "packets_refused": frames.refused,
            "failures": dict(self.failures),
        }


def _nobody(leg: int) -> None:
    return None


def _campaign_of(leg: Leg) -> Campaign:
    return leg.call.campaign
