"""The demo as a stranger sees it: one call, told line by line, and an exit code that can be
believed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run_demo(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "softswitch.demo"],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


@pytest.mark.slow
def test_the_demo_tells_the_call_in_order_with_times() -> None:
    done = run_demo()
    assert done.returncode == 0, done.stdout + done.stderr
    lines = re.findall(r"^ *([0-9]+\.[0-9]{3})  (\w+)", done.stdout, re.MULTILINE)
    told = [what for _, what in lines]
    expected = [
        "presented",
        "prompt",
        "digit",
        "leg",
        "bridged",
        "audio",
        "audio",
        "ended",
        "record",
    ]
    places = iter(told)
    assert all(what in places for what in expected), told
    times = [float(seconds) for seconds, _ in lines]
    assert times == sorted(times)
    assert times[-1] > 2.0
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.slow
def test_the_demo_fails_when_the_switch_cannot_start() -> None:
    done = run_demo(SOFTSWITCH_ADVERTISE="0.0.0.0")
    assert done.returncode == 1
    assert "demo failed" in done.stderr
