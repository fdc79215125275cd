"""`python -m bench.engine_relay`: the media engine alone beside the C relay, no SIP around it.

A small program opens N calls in the engine, both legs tapped, and drains the tap every 20 ms; the
load generator plays both sides. The C relay carries the same load right after, in each run, so
that the ratio holds on a machine whose speed drifts.
"""

from __future__ import annotations

import argparse
import json
import resource
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import machine, native_tools
from bench.figures import figure, ratio, table
from bench.processes import LOAD_CPU, SWITCH_CPU, pinned, raise_group, start
from rtp.engine import Engine, MediaPort

SOCKETS = 8
CALL_COUNTS = (100, 500)
# Below the ephemeral range, where other programs' sockets appear at random.
SIDES = (9200, 9300)
ENGINE_PORTS = (10000, 18999)
RELAY_BASE = 20000
TICK = 0.02
Reading = dict[str, Any]


def main() -> int:
    """Prints one table; the worst ratio decides nothing here, whoever reads it does."""
    options = _options()
    if options.serve:
        return _serve(options.serve, tapped=not options.no_tap)
    for name, value in machine.describe().items():
        print(f"{name:>12}: {value}")
    rows = []
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        for calls in options.calls:
            rows += _compare(Path(directory), calls, options)
    head = ["calls", "who", "CPU-s/Mpacket", "ratio", "p50 us", "p99 us", "loss %"]
    print(table(head, rows))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.engine_relay")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--no-tap", action="store_true", help="measure without taps")
    parser.add_argument("--calls", type=int, nargs="+", default=CALL_COUNTS)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4)
    return parser.parse_args()


def _serve(calls: int, *, tapped: bool) -> int:
    """The program under measurement: prints its map, then drains until standard input ends."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    engine = Engine(first_port=ENGINE_PORTS[0], last_port=ENGINE_PORTS[1])
    engine.start()
    for call in range(calls):
        caller = engine.open_port()
        callee = engine.open_port(beside=caller)
        for port, side, heard in ((caller, SIDES[0], callee), (callee, SIDES[1], caller)):
            _set_up(port, side + call % SOCKETS, heard, tapped=tapped)
        print(f"127.0.0.1:{caller.rtp_port} 127.0.0.1:{callee.rtp_port}")
    print("ready", flush=True)
    entries = _drain_for_ever(engine)
    print(json.dumps({"tapped": entries, "tap_lost": engine.counters.tap_lost}))
    engine.stop()
    return 0


def _set_up(port: MediaPort, peer: int, heard: MediaPort, *, tapped: bool) -> None:
    port.set_codecs(
        send="PCMU",
        send_payload_type=0,
        receive={0: "PCMU", 101: "telephone-event"},
        digit_payload_type=101,
    )
    port.set_remote("127.0.0.1", peer)
    port.hears([heard])
    port.tap(tapped)


def _drain_for_ever(engine: Engine) -> int:
    """Ends when the parent process is gone or asks for it."""
    entries = 0
    due = time.monotonic()
    while not select.select([sys.stdin], [], [], max(0.0, due - time.monotonic()))[0]:
        due += TICK
        batch = engine.drain_tap()
        if batch is not None:
            entries += len(batch.entries)
        engine.next_events()
    return entries


def _compare(directory: Path, calls: int, options: argparse.Namespace) -> list[list[str]]:
    engine: list[Reading] = []
    relay: list[Reading] = []
    for _ in range(options.runs):
        with _engine(directory / "engine.map", calls, tapped=not options.no_tap) as pid:
            engine.append(_load(directory / "engine.map", pid, options.seconds))
        with _relay(directory / "relay.map", calls) as pid:
            relay.append(_load(directory / "relay.map", pid, options.seconds))
    cost = [[float(one[COST]) for one in who] for who in (engine, relay)]
    return [
        _row(calls, "engine", engine, str(ratio(*cost))),
        _row(calls, "C relay", relay, "1"),
    ]


COST = "cpu_seconds_per_million"


def _row(calls: int, who: str, readings: list[Reading], against: str) -> list[str]:
    columns = (COST, "p50_us", "p99_us", "loss_percent")
    cost, p50, p99, loss = (figure([float(one[name]) for one in readings]) for name in columns)
    return [str(calls), who, str(cost), against, str(p50), str(p99), str(loss)]


@contextmanager
def _engine(mapped: Path, calls: int, *, tapped: bool) -> Iterator[int]:
    command = [sys.executable, "-m", "bench.engine_relay", "--serve", str(calls)]
    process = subprocess.Popen(
        pinned(SWITCH_CPU, [*command, *([] if tapped else ["--no-tap"])]),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    raise_group(process.pid)
    assert process.stdout is not None
    lines = []
    while (line := process.stdout.readline()) != "ready\n":
        if not line:
            raise SystemExit("the engine did not start")
        lines.append(line)
    mapped.write_text("".join(lines))
    try:
        yield process.pid
    finally:
        process.communicate("\n", timeout=20)


@contextmanager
def _relay(mapped: Path, calls: int) -> Iterator[int]:
    base = RELAY_BASE
    lines = [f"127.0.0.1:{base + 2 * i} 127.0.0.1:{base + 2 * i + 1}\n" for i in range(calls)]
    mapped.write_text("".join(lines))
    numbers = [str(one) for one in (base, calls, *SIDES, SOCKETS)]
    process = start(SWITCH_CPU, [str(native_tools.build("relay")), *numbers])
    try:
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise SystemExit("the C relay did not start")
        yield process.pid
    finally:
        process.kill()
        process.communicate()


def _load(mapped: Path, pid: int, seconds: float) -> Reading:
    command = [str(native_tools.build("load")), str(mapped), str(seconds), "1.0"]
    command += [str(one) for one in (*SIDES, SOCKETS, pid)]
    process = start(LOAD_CPU, command)
    printed, _ = process.communicate(timeout=seconds + 60)
    reading: Reading = json.loads(printed)
    return reading


if __name__ == "__main__":
    sys.exit(main())
