"""Work in a thread that nobody waits for."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest

from softswitch.aside import Aside

HANGS = """
import asyncio, time
from softswitch.aside import Aside

async def main():
    work = Aside(lambda: time.sleep(60), name="hangs")
    await asyncio.wait_for(work.result(), 0.1)

asyncio.run(main())
"""


async def test_what_it_returns_and_raises_comes_back() -> None:
    assert await Aside(lambda: 7, name="work").result() == 7
    work = Aside(lambda: int("x"), name="work")
    with pytest.raises(ValueError, match="invalid literal"):
        await work.result()
    assert work.is_over


async def test_whoever_goes_leaves_it_alone() -> None:
    gate = threading.Event()
    work = Aside(lambda: gate.wait(30), name="work")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(work.result(), 0.05)
    assert not work.is_over
    gate.set()
    async with asyncio.timeout(10):
        while not work.is_over:
            await asyncio.sleep(0.01)


def test_a_process_ends_though_it_hangs() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HANGS], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.stderr.strip().endswith("TimeoutError")
