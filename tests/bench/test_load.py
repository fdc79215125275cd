"""The load generator judges what it says it judges: our relay, or nobody, at the other end."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bench import native_tools
from tests.support.ports import free_rtp_range

CALLS = 10
SOCKETS = 2


@pytest.fixture(scope="module")
def ports() -> tuple[int, int, int]:
    """First port of the relay, of side A and of side B."""
    first = free_rtp_range(2 * CALLS + 2 * SOCKETS)[0]
    return first, first + 2 * CALLS, first + 2 * CALLS + SOCKETS


def _load(directory: Path, ports: tuple[int, int, int], pid: int | None) -> dict[str, Any]:
    base, *sides = ports
    addresses = [f"127.0.0.1:{base + 2 * i} 127.0.0.1:{base + 2 * i + 1}\n" for i in range(CALLS)]
    mapped = directory / "calls.map"
    mapped.write_text("".join(addresses))
    program = str(native_tools.build("load"))
    command = [program, str(mapped), "0.5", "0.1", *map(str, sides), str(SOCKETS)]
    command += [str(pid)] if pid else []
    printed = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    reading: dict[str, Any] = json.loads(printed.stdout)
    return reading


def test_a_relay_that_works_loses_nothing_and_costs_something(
    tmp_path: Path, ports: tuple[int, int, int]
) -> None:
    program = str(native_tools.build("relay"))
    numbers = [str(one) for one in (ports[0], CALLS, ports[1], ports[2], SOCKETS)]
    with subprocess.Popen([program, *numbers], stdout=subprocess.PIPE, text=True) as relay:
        assert relay.stdout is not None
        assert relay.stdout.readline() == "ready\n"
        reading = _load(tmp_path, ports, relay.pid)
        relay.kill()
    assert reading["sent"] == reading["received"] == CALLS * 2 * 25
    assert reading["loss_percent"] == 0
    assert reading["dead_directions"] == reading["stray"] == reading["wrong_side"] == 0
    assert reading["cpu_seconds"] > 0
    assert 0 < reading["p50_us"] <= reading["p99_us"] <= reading["max_us"] + 100


def test_nobody_at_the_other_end_is_all_dead_directions(
    tmp_path: Path, ports: tuple[int, int, int]
) -> None:
    reading = _load(tmp_path, ports, None)
    assert reading["received"] == 0
    assert reading["loss_percent"] == 100
    assert reading["dead_directions"] == 2 * CALLS
