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
from softswitch.call.end_hold import EndHold
from softswitch.call.events import CallAnswered, CallBridged, LegEnded, LegQuality, RecordingSaved
from softswitch.call.stream import EventStream
from softswitch.hearing.ear import Ear
from softswitch.hearing.heard import FRAME, Heard
from softswitch.hearing.recordings import Recordings

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
    seconds: float
    tick_mean_ms: float
    tick_p99_ms: float
    tick_worst_ms: float
    late_p99_ms: float
    """How far behind its time a tick began, which is what the loop waits for others."""
    cpu_us_per_leg_second: float
    loop_us_per_leg_second: float
    whole: int
    """Recordings whose hash is that of the file."""


def run(*, quick: bool) -> list[Figure]:
    """One call, a hundred, five hundred."""
    seconds = 6 if quick else 20
    readings = []
    for calls in CALLS:
        with tempfile.TemporaryDirectory(prefix="recording-", dir=Path.cwd()) as folder:
            readings.append(asyncio.run(_measure(Path(folder), calls, seconds)))
    head = ["calls", "tick mean", "p99", "worst ms", "late p99 ms", "CPU us a leg-s", "of it loop"]
    print(table(head, [_row(one) for one in readings]))
    hundred = readings[1]
    per_million = hundred.cpu_us_per_leg_second / PACKETS_A_SECOND
    whole = all(one.whole == one.calls for one in readings)
    return [
        at_most("recording, 100 calls: loop, mean of a tick", hundred.tick_mean_ms, "ms", 1, 0.5),
        stated("recording, 100 calls: p99 of a tick", round(hundred.tick_p99_ms, 3), "ms"),
        stated("recording: CPU a second of a leg", round(hundred.cpu_us_per_leg_second, 1), "us"),
        at_most(
            f"recording adds (Asterisk {ASTERISK_ADDS}, FreeSWITCH {FREESWITCH_ADDS})",
            per_million, "CPU-s per million packets", FREESWITCH_ADDS, FREESWITCH_ADDS / 2,
        ),
        Figure("recordings whole, with the hash told", "all" if whole else "not all", "", "all", "",
               whole),
    ]  # fmt: skip


def _row(one: Reading) -> list[str]:
    return [
        str(one.calls),
        f"{one.tick_mean_ms:.3f}",
        f"{one.tick_p99_ms:.3f}",
        f"{one.tick_worst_ms:.2f}",
        f"{one.late_p99_ms:.2f}",
        f"{one.cpu_us_per_leg_second:.1f}",
        f"{one.loop_us_per_leg_second:.1f}",
    ]


async def _measure(folder: Path, calls: int, seconds: int) -> Reading:
    services = _Services(asyncio.get_running_loop())
    campaign = Campaign("bench", treatment="bench", record=Recording())
    made = {
        f"{n:024x}": _Call(f"{n:024x}", campaign, services.events) for n in range(calls)
    }  # ids as the switch gives them
    recordings = Recordings(
        cast("Any", services), folder=folder, data=folder,
        find_call=lambda call_id: cast("Any", made.get(call_id)),
    )  # fmt: skip
    saved: list[RecordingSaved] = []
    services.events.subscribe(
        lambda event: saved.append(event) if isinstance(event, RecordingSaved) else None
    )
    recordings.start()
    begun = time.process_time()
    ears = _open(recordings, list(made.values()))
    costs, late = await _tick(recordings, len(ears), seconds)
    for ear in ears:
        _end(recordings, ear)
    async with asyncio.timeout(60):
        while len(saved) < calls:  # noqa: ASYNC110 - the stage tells nobody else
            await asyncio.sleep(0.05)
    await recordings.close()
    cpu = time.process_time() - begun
    leg_seconds = len(ears) * seconds
    return Reading(
        calls=calls,
        seconds=seconds,
        tick_mean_ms=float(np.mean(costs)) * 1e3,
        tick_p99_ms=float(np.percentile(costs, 99)) * 1e3,
        tick_worst_ms=max(costs) * 1e3,
        late_p99_ms=float(np.percentile(late, 99)) * 1e3,
        cpu_us_per_leg_second=cpu / leg_seconds * 1e6,
        loop_us_per_leg_second=sum(costs) / leg_seconds * 1e6,
        whole=sum(_is_whole(folder, event) for event in saved),
    )


def _open(recordings: Recordings, calls: list[_Call]) -> list[Ear]:
    ears: list[Ear] = []
    for call in calls:
        call.emit(CallAnswered, leg="a", codec="PCMU")
        call.emit(CallBridged, leg="a", other_leg="b1")
        for leg in (call.caller, call.agent):
            ear = Ear(len(ears), cast("Any", leg), call.campaign, time.monotonic_ns())
            ears.append(ear)
            recordings.stage.open(ear)
    return ears


def _end(recordings: Recordings, ear: Ear) -> None:
    call = cast("_Call", ear.call)
    recordings.stage.close(ear)
    call.emit(LegEnded, leg=ear.leg_id, status=200, q850=16, cause="", quality=LegQuality())


async def _tick(recordings: Recordings, legs: int, seconds: int) -> tuple[list[float], list[float]]:
    """What each tick cost by the clock, and how late it began."""
    loop = asyncio.get_running_loop()
    random = np.random.default_rng(4)
    sound = (random.standard_normal((legs, FRAME)) * 3000).astype(np.int16)
    slots, valid = np.arange(legs), np.ones((legs, FRAME), np.bool_)
    costs, late = [], []
    due = loop.time()
    for number in range(seconds * PACKETS_A_SECOND):
        due += TICK
        await asyncio.sleep(max(0.0, due - loop.time()))
        late.append(max(0.0, loop.time() - due))
        now_ns = round(due * 1e9)
        positions = np.full(legs, number * FRAME, np.int64)
        times = np.full(legs, now_ns - 20_000_000, np.int64)
        heard = Heard(slots, sound, valid, positions, times, now_ns)
        begun = time.perf_counter()
        recordings.stage.hear(heard)
        recordings.stage.after(now_ns)
        costs.append(time.perf_counter() - begun)
    return costs, late


def _is_whole(folder: Path, event: RecordingSaved) -> bool:
    return hashlib.sha256((folder / event.path).read_bytes()).hexdigest() == event.sha256
