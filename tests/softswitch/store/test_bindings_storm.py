"""Two nodes, two hundred clients, one database, and a kill -9: no number is given twice."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import asyncpg
import pytest

ROOT = Path(__file__).resolve().parents[3]
CLIENTS = 100
"""Of each node."""


class Node:
    def __init__(self, dsn: str, folder: Path, output: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.pool_storm", dsn, folder, output, str(CLIENTS)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )

    def wait_until_ready(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def end(self, *, by_force: bool) -> None:
        if by_force:
            self.process.kill()
        else:
            self.process.terminate()
        self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()


async def bindings(dsn: str) -> list[asyncpg.Record]:
    """All that ever were: those that are over, and those in force."""
    connection = await asyncpg.connect(dsn)
    rows = await connection.fetch(
        """
        SELECT binding_id, pool, number, "values"->>0 AS visitor, bound_at, ended_at
        FROM ring_bindings
        UNION ALL
        SELECT binding_id, pool, number, "values"->>0, bound_at, NULL
        FROM ring_numbers WHERE binding_id IS NOT NULL
        """
    )
    await connection.close()
    return rows


def check_no_overlap(rows: list[asyncpg.Record], *columns: str) -> None:
    spans = defaultdict(list)
    for row in rows:
        end = float("inf") if row["ended_at"] is None else row["ended_at"]
        spans[tuple(row[column] for column in columns)].append((row["bound_at"], end))
    for key, found in spans.items():
        for (_, end), (start, _) in pairwise(sorted(found)):
            assert end <= start, f"{key} twice at {start}"


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_no_number_is_given_to_two_visitors_in_a_storm_with_a_kill(
    dsn: str, tmp_path: Path
) -> None:
    outputs = [tmp_path / "a", tmp_path / "b"]
    nodes = [Node(dsn, tmp_path / f"node {n}", output) for n, output in enumerate(outputs)]
    try:
        for node in nodes:
            node.wait_until_ready()
        time.sleep(1.5)
        nodes[0].end(by_force=True)
        nodes[0] = Node(dsn, tmp_path / "node 0", outputs[0])
        nodes[0].wait_until_ready()
        time.sleep(1.5)
    finally:
        for node in nodes:
            node.end(by_force=False)
    rows = await bindings(dsn)
    check_no_overlap(rows, "number")
    check_no_overlap(rows, "pool", "visitor")
    kept = {row["binding_id"]: (row["pool"], row["visitor"], row["number"]) for row in rows}
    assert len(kept) == len(rows)
    told = [json.loads(line) for path in outputs for line in path.read_text().splitlines()]
    steps = {answer[4] for answer in told}
    assert {"same", "free", "grown", "rebound", "overflow"} <= steps
    for pool, visitor, number, binding, step, why in told:
        if step == "overflow":
            assert why == "exhausted", "the database was there all the time"
        else:
            assert kept[binding] == (pool, visitor, number)
