"""What requests on the control socket cost the calls: set-up delay with and without them.

100 calls are up all the time, 50 a second begin and end; one program asks 1,000 times a second
(`ping`, `status`, `call.list`, and `call.get` of a call there is not) and another has every event
sent. SIPp says for each call how long its INVITE waited for the 200. Runs with and without requests
take turns, so that a machine whose speed drifts does both the same wrong. SIPp's clock has steps of
4 ms: what is less does not show in a percentile.
"""

from __future__ import annotations

import asyncio
import csv
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.processes import LOAD_CPU, Refused, raise_group
from bench.switch import NUMBER, require_clean_log, start
from tests.support.program import Switch, cpu_seconds
from tests.support.sipp import Sipp

RATE = 50
HOLD_MS = 2000
REQUESTS = 1000
TURN_SECONDS = 0.01
RAMP_SECONDS = HOLD_MS / 1000
LISTED = 20
BUFFERS = ("-buff_size", "4194304")


@dataclass(frozen=True, slots=True)
class Run:
    """One clean run; milliseconds."""

    requests_per_second: float
    """That were answered."""
    set_up_p50_ms: float
    set_up_p99_ms: float
    answer_p50_ms: float
    answer_p99_ms: float
    events: int
    cpu_percent: float


def measure(directory: Path, *, requests: int, seconds: float) -> Run:
    """Calls for so many seconds, and so many requests a second beside them."""
    directory.mkdir(parents=True, exist_ok=True)
    calls = int(RATE * seconds)
    uas = Sipp(directory, "uas_basic.xml", timeout=600, extra=BUFFERS, cpu=LOAD_CPU, quiet=True)
    with uas:
        switch = start(directory / "switch", uas.port)
        try:
            run = _drive(switch, directory, calls, requests, seconds)
            require_clean_log(switch)
        except AssertionError as error:
            raise Refused(str(error)[:2000]) from None
        finally:
            switch.stop()
    return run


def _drive(switch: Switch, directory: Path, calls: int, requests: int, seconds: float) -> Run:
    uac = Sipp(
        directory, "uac_plain.xml", remote=switch.address, service=NUMBER, calls=calls, rate=RATE,
        hold_ms=HOLD_MS, timeout=int(seconds + 40), cpu=LOAD_CPU, quiet=True,
        extra=(*BUFFERS, "-trace_rtt", "-rtt_freq", "1"),
    )  # fmt: skip
    cpu, began = cpu_seconds(switch.pid), time.monotonic()
    with uac:
        assert uac.process is not None
        raise_group(uac.process.pid)
        time.sleep(RAMP_SECONDS)
        asked = asyncio.run(_ask(switch.control_port, requests, seconds - RAMP_SECONDS))
        made = uac.wait()
    cpu_percent = 100 * (cpu_seconds(switch.pid) - cpu) / (time.monotonic() - began)
    if made.successful != calls or made.retransmissions:
        raise Refused(f"{made.successful} of {calls} calls, {made.retransmissions} sent again")
    delays = _set_up_delays(directory)
    return Run(
        asked.rate, _percentile(delays, 50), _percentile(delays, 99),
        _percentile(asked.delays, 50), _percentile(asked.delays, 99), asked.events, cpu_percent,
    )  # fmt: skip


def _set_up_delays(directory: Path) -> list[float]:
    """From INVITE to 200 of each call that began when requests did, or later."""
    (path,) = directory.glob("uac_plain_*_rtt.csv")
    with path.open(newline="") as file:
        rows = [row for row in csv.reader(file, delimiter=";") if row and row[0][0].isdigit()]
    return [float(row[1]) for row in rows][int(RATE * RAMP_SECONDS) :]


def _percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1] if len(values) > 1 else 0.0


@dataclass(slots=True)
class _Asked:
    rate: float
    delays: list[float]
    events: int


async def _ask(port: int, requests: int, seconds: float) -> _Asked:
    """Requests at an even pace for so long, on one connection; events come on another."""
    if not requests:
        await asyncio.sleep(seconds)
        return _Asked(0.0, [], 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 24)
    counting = asyncio.create_task(_count_events(port))
    sent: dict[int, float] = {}
    answering = asyncio.create_task(_answers(reader, sent))
    began = time.monotonic()
    number = 0
    while (now := time.monotonic()) < began + seconds:
        while number < int((now - began) * requests):
            number += 1
            sent[number] = now
            writer.write(_request(number))
        await asyncio.sleep(TURN_SECONDS)
    took = time.monotonic() - began
    await asyncio.sleep(0.5)
    answering.cancel()
    counting.cancel()
    delays, events = await asyncio.gather(answering, counting)
    writer.close()
    if len(delays) < number:
        raise Refused(f"{len(delays)} of {number} requests were answered")
    return _Asked(len(delays) / took, delays, events)


def _request(number: int) -> bytes:
    method, params = (
        ("ping", {}),
        ("call.get", {"call": "none"}),
        ("call.list", {"limit": LISTED}),
        ("status", {}),
    )[number % 4]
    request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    return json.dumps(request).encode() + b"\n"


async def _answers(reader: asyncio.StreamReader, sent: dict[int, float]) -> list[float]:
    """Milliseconds that each answer took, until cancelled."""
    delays: list[float] = []
    try:
        while line := await reader.readline():
            delays.append(1000 * (time.monotonic() - sent.pop(json.loads(line)["id"])))
    except asyncio.CancelledError:
        return delays
    return delays


async def _count_events(port: int) -> int:
    """Events that one subscriber gets, until cancelled."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 24)
    writer.write(b'{"jsonrpc":"2.0","id":0,"method":"events.subscribe"}\n')
    count = -1
    try:
        while await reader.readline():
            count += 1
    except asyncio.CancelledError:
        return count
    finally:
        writer.close()
    return count
