"""What recording costs: calls recorded at once, in real time, to files on the disk of this machine.

Every tick of 20 ms brings a frame of both legs of every call. Measured is what the event loop pays
in a tick, and what the process pays for a second of a leg with its threads, hashing at the end
included. Decoding and framing are not: the tick needs them without recording too.
"""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import numpy as np

from bench.figures import table
from bench.hearing.figure import Figure, at_most, stated
from config.model import Campaign, Recording
from media.recording import Writer
from softswitch.call.end_hold import EndHold
from softswitch.call.events import CallAnswered, CallBridged, LegEnded, LegQuality, RecordingSaved
from softswitch.call.stream import EventStream
from softswitch.hearing.ear import Ear
from softswitch.hearing.heard import FRAME, Heard
from softswitch.hearing.recording import RecordingStage

__all__ = ["run"]

CALLS: Final = (1, 100, 500)
TICK: Final = 0.02
PACKETS_A_SECOND: Final = 50
ASTERISK_ADDS, FREESWITCH_ADDS = 26, 12
"""CPU-s per million packets that recording adds to theirs: 53 less 27, 48 less 36."""


class _Leg:
    """As much of a leg as the stage looks at."""

    answered = True
    secrets = 0
    secret_until = 0.0
    secret_spans = ()

    def __init__(self, call: _Call, leg_id: str, side: str) -> None:
        self.call, self.leg_id, self.side = call, leg_id, side


class _Call:
    """As much of a call as the stage looks at."""

    concluded = ended = bridged = False
    callee = None

    def __init__(self, call_id: str, campaign: Campaign, events: EventStream) -> None:
        self.call_id, self.campaign = call_id, campaign
        self.caller = _Leg(self, "a", "calling")
        self.agent = _Leg(self, "b1", "called")
        self._events = events

    def emit(self, kind: Any, **facts: Any) -> None:
        """An event."""
        self._events.publish(
            kind(call_id=self.call_id, number=1, at=time.time(), clock=time.monotonic(), **facts)
        )

    def hold_end(self, what: str) -> EndHold:
        """Nothing ends here."""
        return EndHold(what, lambda _hold: None)


class _Services:
    """Loop, events and clocks."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.events = EventStream()
        self.now = loop.time
        self.wall_clock = time.time


@dataclass(frozen=True, slots=True)
class Reading:
    """One run."""

    calls: int
    loop_cpu_ms: float
    """What a tick takes of the loop's thread, in the mean."""
    tick_mean_ms: float
    """The same by the clock, which waits for the lock and for neighbours too."""
    tick_p99_ms: float
    late_p99_ms: float
    """How far behind its time a tick began, which is what the loop waits for others."""
    cpu_us_per_leg_second: float
    """Of the whole process, without what the same ticks cost when nothing is recorded."""
    whole: int
    """Recordings whose hash is that of the file."""


@dataclass(frozen=True, slots=True)
class _Tick:
    """What one cost, in seconds."""

    cpu: float
    clock: float
    late: float


def run(*, quick: bool) -> list[Figure]:
    """One call, a hundred, five hundred."""
    seconds = 6 if quick else 20
    readings = []
    for calls in CALLS:
        with tempfile.TemporaryDirectory(prefix="recording-", dir=Path.cwd()) as folder:
            readings.append(asyncio.run(_measure(Path(folder), calls, seconds)))
    head = ["calls", "tick: loop CPU ms", "by the clock", "p99", "late p99 ms", "CPU us a leg-s"]
    print(table(head, [_row(one) for one in readings]))
    hundred = readings[CALLS.index(100)]
    per_million = hundred.cpu_us_per_leg_second / PACKETS_A_SECOND
    whole = all(one.whole == one.calls for one in readings)
    return [
        at_most("recording, 100 calls: loop CPU a tick", hundred.loop_cpu_ms, "ms", 0.5, 0.1),
        stated("recording, 100 calls: tick by the clock, p99", hundred.tick_p99_ms, "ms"),
        stated("recording: CPU a second of a leg", hundred.cpu_us_per_leg_second, "us"),
        at_most(
            f"recording adds (Asterisk {ASTERISK_ADDS}, FreeSWITCH {FREESWITCH_ADDS})",
            per_million, "CPU-s a million packets", FREESWITCH_ADDS, FREESWITCH_ADDS / 2,
        ),
        Figure("recordings whole, with the hash told", "all" if whole else "not all", "", "all", "",
               whole),
    ]  # fmt: skip


def _row(one: Reading) -> list[str]:
    return [
        str(one.calls),
        f"{one.loop_cpu_ms:.3f}",
        f"{one.tick_mean_ms:.3f}",
        f"{one.tick_p99_ms:.3f}",
        f"{one.late_p99_ms:.2f}",
        f"{one.cpu_us_per_leg_second:.1f}",
    ]


async def _measure(folder: Path, calls: int, seconds: int) -> Reading:
    idle, _ = await _record(folder / "idle", calls, seconds / 3, recorded=False)
    (cost, ticks), whole = await _record(folder, calls, seconds, recorded=True)
    clock = [tick.clock for tick in ticks]
    late = [tick.late for tick in ticks]
    legs = 2 * calls
    return Reading(
        calls=calls,
        loop_cpu_ms=float(np.mean([tick.cpu for tick in ticks])) * 1e3,
        tick_mean_ms=float(np.mean(clock)) * 1e3,
        tick_p99_ms=round(float(np.percentile(clock, 99)) * 1e3, 3),
        late_p99_ms=float(np.percentile(late, 99)) * 1e3,
        cpu_us_per_leg_second=round((cost - 3 * idle[0]) / (legs * seconds) * 1e6, 1),
        whole=whole,
    )


async def _record(
    folder: Path, calls: int, seconds: float, *, recorded: bool
) -> tuple[tuple[float, list[_Tick]], int]:
    """What it cost the process, each tick, and how many recordings are whole."""
    services = _Services(asyncio.get_running_loop())
    campaign = Campaign("bench", treatment="bench", record=Recording() if recorded else None)
    ids = [f"{n:024x}" for n in range(calls)]  # as the switch gives them
    made = {one: _Call(one, campaign, services.events) for one in ids}
    writer = Writer(lambda outcome: stage.tell(outcome))  # noqa: PLW0108 - it comes below
    stage = RecordingStage(
        cast("Any", services), writer, folder=folder, data=folder,
        find_call=lambda call_id: cast("Any", made.get(call_id)),
    )  # fmt: skip
    saved: list[RecordingSaved] = []
    services.events.subscribe(
        lambda event: saved.append(event) if isinstance(event, RecordingSaved) else None
    )
    writer.start()
    begun = time.process_time()
    ears = _open(stage, list(made.values()))
    ticks = await _tick(stage, len(ears), round(seconds * PACKETS_A_SECOND))
    for ear in ears:
        _end(stage, ear)
    async with asyncio.timeout(60):
        while recorded and len(saved) < calls:  # noqa: ASYNC110 - the stage tells nobody else
            await asyncio.sleep(0.05)
    await asyncio.to_thread(writer.close, 30.0)
    cost = time.process_time() - begun
    return (cost, ticks), sum(_is_whole(folder, event) for event in saved)


def _open(stage: RecordingStage, calls: list[_Call]) -> list[Ear]:
    ears: list[Ear] = []
    for call in calls:
        call.emit(CallAnswered, leg="a", codec="PCMU")
        call.emit(CallBridged, leg="a", other_leg="b1")
        for leg in (call.caller, call.agent):
            ear = Ear(len(ears), cast("Any", leg), call.campaign, time.monotonic_ns())
            ears.append(ear)
            stage.open(ear)
    return ears


def _end(stage: RecordingStage, ear: Ear) -> None:
    call = cast("_Call", ear.call)
    stage.close(ear)
    call.emit(LegEnded, leg=ear.leg_id, status=200, q850=16, cause="", quality=LegQuality())


async def _tick(stage: RecordingStage, legs: int, count: int) -> list[_Tick]:
    loop = asyncio.get_running_loop()
    random = np.random.default_rng(4)
    sound = (random.standard_normal((legs, FRAME)) * 3000).astype(np.int16)
    slots, valid = np.arange(legs), np.ones((legs, FRAME), np.bool_)
    ticks = []
    due = loop.time()
    for number in range(count):
        due += TICK
        await asyncio.sleep(max(0.0, due - loop.time()))
        late = max(0.0, loop.time() - due)
        now_ns = round(due * 1e9)
        positions = np.full(legs, number * FRAME, np.int64)
        times = np.full(legs, now_ns - 20_000_000, np.int64)
        heard = Heard(slots, sound, valid, positions, times, now_ns)
        clock, cpu = time.perf_counter(), time.thread_time()
        stage.hear(heard)
        stage.after(now_ns)
        ticks.append(_Tick(time.thread_time() - cpu, time.perf_counter() - clock, late))
    return ticks


def _is_whole(folder: Path, event: RecordingSaved) -> bool:
    return hashlib.sha256((folder / event.path).read_bytes()).hexdigest() == event.sha256
