"""Cost of media: the switch with taps on beside the C relay, one right after the other, each run.

N calls are set up through the switch by phones of our own; the load generator then plays both sides
of all of them and judges what comes out. The C relay carries the same load from the same generator
in the same minute, so that the ratio holds on a machine whose speed drifts. A run in which a
direction was dead, the generator lagged or packets came out at the wrong side is refused.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import native_tools
from bench.processes import LOAD_CPU, SWITCH_CPU, Refused, resident_kilobytes
from bench.processes import start as start_pinned
from bench.switch import NUMBER, require_clean_log, start
from tests.support.phone import Call, Phone
from tests.support.ports import free_rtp_range
from tests.support.program import Switch
from tests.support.rtp_end import audio_address

SOCKETS = 8
SET_UP_RATE = 100.0
MAX_LATE_TICKS = 5
Reading = dict[str, Any]


@dataclass(slots=True)
class Comparison:
    """Readings of the switch and of the relay at one number of calls, run by run."""

    calls: int
    kilobytes_per_call: float = 0.0
    switch: list[Reading] = field(default_factory=list)
    relay: list[Reading] = field(default_factory=list)

    def values(self, who: str, what: str) -> list[float]:
        """One column of the readings."""
        readings: list[Reading] = getattr(self, who)
        return [float(reading[what]) for reading in readings]


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how often; `sides` are the generator's first ports on side A and B."""

    seconds: float
    warm_up: float
    runs: int
    sides: tuple[int, int]


def compare(directory: Path, calls: int, *, seconds: float, runs: int) -> Comparison:
    """Sets `calls` calls up once and measures switch and relay in turn, `runs` times."""
    callee = Phone()
    switch = start(directory / "switch", callee.port)
    first = ports_apart_from(switch.rtp, 4 * SOCKETS)
    plan = Plan(seconds, 1.5, runs, (first, first + 2 * SOCKETS))
    caller = Phone(switch.address)
    try:
        found = _measure(directory, switch, (caller, callee), calls, plan)
        require_clean_log(switch)
    except AssertionError as error:
        raise Refused(f"at {calls} calls {str(error)[:2000]}") from None
    finally:
        caller.close()
        callee.close()
        switch.stop()
    return found


def ports_apart_from(taken: tuple[int, int], count: int) -> int:
    """First of so many free ports, none of which another part of the run may open later."""
    while True:
        first, last = free_rtp_range(count)
        if last < taken[0] or first > taken[1]:
            return first


def _measure(
    directory: Path, switch: Switch, phones: tuple[Phone, Phone], calls: int, plan: Plan
) -> Comparison:
    found = Comparison(calls)
    before = resident_kilobytes(switch.pid)
    up, addresses = set_up_calls(phones, calls, plan)
    found.kilobytes_per_call = (resident_kilobytes(switch.pid) - before) / calls
    mapped = directory / "calls.map"
    mapped.write_text("".join(f"{a[0]}:{a[1]} {b[0]}:{b[1]}\n" for a, b in addresses))
    for _ in range(plan.runs):
        found.switch.append(play_and_judge(mapped, switch.pid, plan))
        with _relay(directory / "relay.map", calls, plan) as pid:
            found.relay.append(play_and_judge(directory / "relay.map", pid, plan))
    for call in up:
        call.bye()
    switch.wait_for_records(calls, within=20)
    return found


Address = tuple[str, int]


def set_up_calls(
    phones: tuple[Phone, Phone], calls: int, plan: Plan
) -> tuple[list[Call], list[tuple[Address, Address]]]:
    """Answered calls, and the address of the switch for side A and side B of each."""
    caller, callee = phones
    up, addresses = [], []
    began = time.monotonic()
    for place in range(calls):
        own, other = (side + place % SOCKETS for side in plan.sides)
        call = caller.invite(NUMBER, _offer(own))
        called = callee.expect_call()
        assert called.invite is not None
        towards_b = audio_address(called.invite.body)
        called.respond(200, _offer(other))
        answer = call.expect(200)
        call.ack()
        up.append(call)
        addresses.append((audio_address(answer.body), towards_b))
        time.sleep(max(0.0, began + place / SET_UP_RATE - time.monotonic()))
    return up, addresses


def _offer(port: int) -> bytes:
    lines = (
        "v=0",
        f"o=- {port} 1 IN IP4 127.0.0.1",
        "s=-",
        "c=IN IP4 127.0.0.1",
        "t=0 0",
        f"m=audio {port} RTP/AVP 0 101",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-15",
        "a=ptime:20",
        "a=sendrecv",
        "",
    )
    return "\r\n".join(lines).encode()


@contextmanager
def _relay(mapped: Path, calls: int, plan: Plan) -> Iterator[int]:
    """A C relay with the same number of calls, its map written; gives its pid."""
    base = ports_apart_from((plan.sides[0], plan.sides[1] + 2 * SOCKETS), 2 * calls)
    lines = [f"127.0.0.1:{base + 2 * i} 127.0.0.1:{base + 2 * i + 1}\n" for i in range(calls)]
    mapped.write_text("".join(lines))
    numbers = [str(one) for one in (base, calls, *plan.sides, SOCKETS)]
    process = start_pinned(SWITCH_CPU, [str(native_tools.build("relay")), *numbers])
    try:
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise Refused("the C relay did not start")
        yield process.pid
    finally:
        process.kill()
        process.communicate()


def play_and_judge(mapped: Path, pid: int, plan: Plan) -> Reading:
    program = str(native_tools.build("load"))
    times = [str(plan.seconds), str(plan.warm_up)]
    ports = [str(one) for one in (*plan.sides, SOCKETS)]
    process = start_pinned(LOAD_CPU, [program, str(mapped), *times, *ports, str(pid)])
    try:
        printed, _ = process.communicate(timeout=plan.seconds + plan.warm_up + 30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise Refused("the load generator did not end") from None
    if process.returncode or not printed:
        raise Refused(f"the load generator ended with status {process.returncode}")
    reading: Reading = json.loads(printed)
    _require_sound(reading)
    return reading


def _require_sound(reading: Reading) -> None:
    """Refuses readings that are the generator's fault, or no relaying at all."""
    for fault in ("dead_directions", "wrong_side", "send_errors"):
        if reading[fault]:
            raise Refused(f"{fault} {reading[fault]} at {reading['calls']} calls")
    if reading["generator_late_ticks"] > MAX_LATE_TICKS:
        lag = reading["generator_worst_lag_ms"]
        raise Refused(f"the generator was late by up to {lag} ms; is the machine busy?")
