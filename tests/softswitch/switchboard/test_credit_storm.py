"""Two nodes on one database in a storm of calls, killed again and again, the database away for a
while: no cap is exceeded, and in the end everything can be used."""

import asyncio
import random
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import asyncpg
import pytest

from tests.support.credit_worker import AT_ONCE, DAILY
from tests.support.database import OwnServer

ROOT = Path(__file__).resolve().parents[3]


class Storm:
    def __init__(self, dsn: str, folder: Path) -> None:
        self.dsn = dsn
        self.folder = folder
        self.killed: dict[str, float] = {}
        """When the process of each prefix of call ids was dead for certain."""
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, seconds: float = 60.0) -> None:
        arguments = [self.dsn, str(self.folder / name), str(self.folder / f"{name}.log")]
        self.running[name] = subprocess.Popen(
            [sys.executable, "-m", "tests.support.credit_worker", *arguments, str(seconds)],
            cwd=ROOT,
            stderr=subprocess.DEVNULL,
        )

    def kill(self, name: str) -> None:
        process = self.running.pop(name)
        process.kill()
        process.wait()
        self.killed[str(process.pid)] = time.monotonic()

    def log(self) -> list[tuple[str, str, float]]:
        lines = []
        for path in self.folder.glob("*.log"):
            for line in path.read_text().splitlines():
                what, call_id, at = line.split()
                lines.append((what, call_id, float(at)))
        return lines

    def made(self) -> int:
        """Calls that count: those that came about, and those whose end nobody knows."""
        lines = self.log()
        return sum(what == "T" for what, _, _ in lines) - sum(what == "G" for what, _, _ in lines)

    def most_at_once(self) -> int:
        ends = {call_id: at for what, call_id, at in self.log() if what != "T"}
        changes = []
        for what, call_id, at in self.log():
            if what == "T":
                end = ends.get(call_id, self.killed.get(call_id.split("-")[0], float("inf")))
                changes += [(at, 1), (end, -1)]
        now = most = 0
        for _, change in sorted(changes):
            now += change
            most = max(most, now)
        return most


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_no_cap_is_exceeded_in_a_storm_with_kill_9_and_the_database_away(
    tmp_path: Path,
) -> None:
    server = await asyncio.to_thread(OwnServer)
    await asyncio.to_thread(server.start)
    storm = Storm(await asyncio.to_thread(server.dsn), tmp_path)
    try:
        for name in ("a", "b"):
            storm.start(name)
        for turn in range(6):
            await asyncio.sleep(random.uniform(1.2, 1.8))
            if turn == 3:
                await asyncio.to_thread(server.stop)
                await asyncio.sleep(1.0)
                await asyncio.to_thread(server.start)
            name = "ab"[turn % 2]
            await asyncio.to_thread(storm.kill, name)
            storm.start(name)
        await asyncio.sleep(1.0)
        for name in ("a", "b"):
            await asyncio.to_thread(storm.kill, name)
        before = storm.made()
        assert 100 < before <= DAILY
        # What the dead left is settled when they start again; then the cap is used to its end.
        for name in ("a", "b"):
            storm.start(name, 8.0)
        for process in storm.running.values():
            assert await asyncio.to_thread(process.wait, 30) == 0
        made = storm.made()
        connection = await asyncpg.connect(storm.dsn)
        used = await connection.fetchval(
            "SELECT used FROM cap_counts WHERE cap = 'daily cap' ORDER BY period DESC LIMIT 1"
        )
        held = await connection.fetchval(
            "SELECT sum(granted - counted - returned) FROM cap_leases WHERE cap = 'daily cap'"
        )
        await connection.close()
        assert made <= DAILY
        assert storm.most_at_once() <= AT_ONCE
        assert made <= used <= DAILY
        assert held == Decimal(0)
        # A call that was killed between two lines of its log is counted and not in the log.
        assert used - made <= AT_ONCE * len(storm.killed)
    finally:
        for process in storm.running.values():
            process.kill()
            process.wait()
        await asyncio.to_thread(server.close)
