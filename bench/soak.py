"""Calls of all kinds for a long time, and what has grown when they are over.

The real program with soak.yaml, SIPp on both sides (`bench.behaviours`). Before the load and after
it, when the transactions of its last calls are over, everything is counted that calls come and go
with: tasks, timers, dialogs, transactions, sockets, ports, open calls of the journal. What there
is more of afterwards is left over, and refused. Memory is told by its growth per hour over
the second half of the load, when caches are full.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.behaviours import Calls, Tally, begin, called_sides
from bench.figures import table
from bench.processes import Refused, resident_kilobytes
from bench.switch import require_clean_log
from tests.support.control import ControlPeer
from tests.support.ports import free_rtp_range
from tests.support.program import Switch, cpu_seconds

__all__ = ["Soak", "count", "growth_per_hour", "measure", "report"]

CONFIGURATION = Path(__file__).with_name("soak.yaml")
RTP_PORTS = 6000
"""For 1,500 legs: a hundred calls a second that last five seconds have 1,000."""

WARM_UP_SECONDS = 5.0
"""Of calls, before anything is counted: what is loaded and made once, is then."""

SETTLE_SECONDS = 40.0
"""After the last call: timers of its transactions (RFC 3261, 32 s) and resting ports are over."""

FAILED_PART = 0.001
"""Of the calls of a behaviour that may fail, or one: a machine that stands still for half a second
has SIPp see messages again that it takes for others."""


@dataclass(frozen=True, slots=True)
class Sample:
    """How the switch stands at a moment."""

    at: float
    """Seconds since the load began."""
    kilobytes: int
    calls: int
    tasks: int
    timers: int
    descriptors: int
    ports_in_use: int


@dataclass(slots=True)
class Soak:
    """One run."""

    seconds: float
    rate: float
    tallies: list[Tally] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    before: dict[str, int] = field(default_factory=dict)
    after: dict[str, int] = field(default_factory=dict)
    records: int = 0
    presented: int = 0
    cpu_seconds: float = 0.0
    kilobytes_an_hour: float = 0.0

    @property
    def left_over(self) -> dict[str, tuple[int, int]]:
        """What there is more of than before."""
        return {
            name: (number, self.after[name])
            for name, number in self.before.items()
            if name not in NOT_LEFT and self.after[name] > number
        }

    def as_json(self) -> dict[str, Any]:
        """For the results."""
        return {**asdict(self), "left_over": self.left_over}


LINGERING = (
    "calls", "call_tasks", "media_listeners", "trunk_legs", "timers", "dialogs",
    "client_transactions", "server_transactions", "ports in use", "ports resting", "journal",
)  # fmt: skip
"""What the warm-up leaves for a while, and a switch that has had no calls has none of."""

NOT_LEFT = frozenset({"kilobytes"})
"""What is told by its growth, not by what is left."""


def measure(
    directory: Path,
    *,
    seconds: float,
    rate: float,
    every: float = 5.0,
    settle: float = SETTLE_SECONDS,
) -> Soak:
    """Soak once; raises Refused when calls failed or something is left over."""
    soak = Soak(seconds, rate)
    directory.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        whole = int(seconds * 1.5 + WARM_UP_SECONDS + 3 * settle + 300)
        ports = called_sides(stack, directory, timeout=whole)
        rtp = free_rtp_range(RTP_PORTS, may_be_taken=200)
        switch = Switch(directory / "switch", CONFIGURATION, rtp=rtp, environment=ports)
        switch.start()
        stack.callback(_take_down, switch)
        control = stack.enter_context(closing(ControlPeer((switch.host, switch.control_port))))
        _warm_up(directory / "warm", switch, rate)
        soak.before = count(switch, control) | dict.fromkeys(LINGERING, 0)
        _load(soak, directory / "load", switch, control, every)
        _settle(control, settle)
        soak.after = count(switch, control)
        soak.records = len(switch.records())
        soak.presented = control.ask("status")["presented"]
        require_clean_log(switch)
        switch.stop()
    soak.kilobytes_an_hour = growth_per_hour(soak.samples)
    _judge(soak)
    return soak


def _take_down(switch: Switch) -> None:
    if switch.is_running():
        switch.kill()


def _warm_up(directory: Path, switch: Switch, rate: float) -> None:
    directory.mkdir(parents=True)
    with ExitStack() as stack:
        calls = begin(stack, directory, switch, rate=rate, seconds=WARM_UP_SECONDS)
        _wait(calls.are_over, WARM_UP_SECONDS * 2 + 90)


def _load(soak: Soak, directory: Path, switch: Switch, control: ControlPeer, every: float) -> None:
    directory.mkdir(parents=True)
    began, cpu = time.monotonic(), cpu_seconds(switch.pid)
    with ExitStack() as stack:
        calls = begin(stack, directory, switch, rate=soak.rate, seconds=soak.seconds)
        deadline = began + soak.seconds * 1.5 + 90
        while not calls.are_over() and time.monotonic() < deadline:
            time.sleep(every)
            soak.samples.append(_sample(switch, control, time.monotonic() - began))
        soak.tallies = calls.tallies()
        _show_failures(calls)
    soak.cpu_seconds = cpu_seconds(switch.pid) - cpu


def _show_failures(calls: Calls) -> None:
    traces = calls.traces()
    if traces:
        print(traces[:6000], flush=True)


def _settle(control: ControlPeer, settle: float) -> None:
    _wait(lambda: control.ask("status")["calls"] == 0, 60.0)
    time.sleep(settle)


def _wait(condition: Callable[[], bool], within: float) -> None:
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise Refused(f"calls that do not end within {within:.0f} s")
        time.sleep(0.2)


# What is counted.


def count(switch: Switch, control: ControlPeer) -> dict[str, int]:
    """Everything that calls come and go with, and the memory."""
    status = control.ask("status")
    media, parts = status["media"], status["parts"]
    return {
        "calls": status["calls"],
        **parts["held"],
        "ports in use": media["ports_in_use"],
        "ports resting": media["ports_resting"],
        "journal": parts["queues"]["open_calls"],
        "records waiting": parts["queues"]["queues"]["records"],
        "threads": len(list(Path(f"/proc/{switch.pid}/task").iterdir())),
        "descriptors": _descriptors(switch),
        "kilobytes": resident_kilobytes(switch.pid),
    }


def _sample(switch: Switch, control: ControlPeer, at: float) -> Sample:
    counted = count(switch, control)
    return Sample(
        round(at, 1),
        counted["kilobytes"],
        counted["calls"],
        counted["tasks"],
        counted["timers"],
        counted["descriptors"],
        counted["ports in use"],
    )


def _descriptors(switch: Switch) -> int:
    """Open files but the sockets of media ports, which stay open for the next call."""
    media = set()
    for line in Path("/proc/net/udp").read_text().splitlines()[1:]:
        fields = line.split()
        port = int(fields[1].rpartition(":")[2], 16)
        if switch.rtp[0] <= port <= switch.rtp[1]:
            media.add(f"socket:[{fields[9]}]")
    open_files = []
    for entry in Path(f"/proc/{switch.pid}/fd").iterdir():
        try:
            open_files.append(str(entry.readlink()))
        except FileNotFoundError:
            continue  # closed meanwhile
    return sum(one not in media for one in open_files)


def growth_per_hour(samples: Sequence[Sample]) -> float:
    """Kilobytes an hour: the slope through the second half of the samples."""
    half = samples[len(samples) // 2 :]
    if len(half) < 2:
        return 0.0
    slope, _ = statistics.linear_regression(
        [one.at for one in half], [one.kilobytes for one in half]
    )
    return slope * 3600


# What is told.


def _judge(soak: Soak) -> None:
    for tally in soak.tallies:
        if tally.failed > max(1, tally.made * FAILED_PART):
            raise Refused(f"{tally.failed} of {tally.made} calls failed: {tally.name}")
    if soak.left_over:
        raise Refused(f"left over, before and after: {soak.left_over}")
    if soak.records != soak.presented:
        raise Refused(f"{soak.records} records of {soak.presented} calls")


def report(soak: Soak) -> str:
    """Tables for people."""
    rows = [
        [one.name, str(one.made), str(one.failed), str(one.retransmissions)] for one in soak.tallies
    ]
    parts = [table(["behaviour", "calls", "failed", "sent again"], rows)]
    peak = max((one.calls for one in soak.samples), default=0)
    rows = [[name, str(number), str(soak.after[name])] for name, number in soak.before.items()]
    parts.append(table(["", "before", "after"], rows))
    memory = [f"{one.at:.0f} s: {one.kilobytes // 1024} MB" for one in _some(soak.samples)]
    parts.append(f"memory: {', '.join(memory)}")
    parts.append(
        f"{soak.presented} calls, {soak.records} records, at most {peak} at once; "
        f"{1000 * soak.cpu_seconds / max(1, soak.presented):.2f} ms CPU a call; "
        f"memory grows by {soak.kilobytes_an_hour:.0f} kB an hour"
    )
    return "\n\n".join(parts)


def _some(samples: Sequence[Sample]) -> Sequence[Sample]:
    """A dozen of them, the first and the last too."""
    step = max(1, len(samples) // 12)
    return [*samples[::step], *samples[-1:]]
