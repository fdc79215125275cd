"""The demo as a stranger sees it: one call, told line by line, and an exit code that can be
believed."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from softswitch.demo.__main__ import DemoFailed, Show, Switch, at_most

ROOT = Path(__file__).parents[2]


def run_demo(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "softswitch.demo"],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=170,
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


NOTHING_EXTRA = """
import importlib.metadata, sys
for name in ("ctranslate2", "vosk", "pocketsphinx", "onnxruntime", "webrtcvad", "hibari"):
    sys.modules[name] = None
found = importlib.metadata.version
def version(name):
    if name == "hibari-tts":
        raise importlib.metadata.PackageNotFoundError(name)
    return found(name)
importlib.metadata.version = version
"""


@pytest.mark.slow
def test_the_demo_needs_no_extra(tmp_path: Path) -> None:
    """As it is on a fresh machine: nobody speaks, and nobody recognises what is said."""
    (tmp_path / "sitecustomize.py").write_text(NOTHING_EXTRA)
    done = run_demo(PYTHONPATH=str(tmp_path), PATH=str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "a chime plays for" in done.stdout + done.stderr
    assert "no speech recogniser is installed" in done.stdout + done.stderr


@pytest.mark.slow
def test_the_demo_fails_when_the_switch_cannot_start() -> None:
    done = run_demo(SOFTSWITCH_ADVERTISE="0.0.0.0")
    assert done.returncode == 1
    assert "demo failed" in done.stderr


def test_a_demo_that_takes_too_long_says_what_it_waited_for() -> None:
    async def wait() -> None:
        show = Show()
        async with at_most(0.01, show):
            await show.wait_for("call.dtmf", digit="1")

    with pytest.raises(DemoFailed, match=r"waited 0 s for call\.dtmf digit=1"):
        asyncio.run(wait())


def test_the_switch_of_the_demo_waits_for_no_database(tmp_path: Path) -> None:
    switch = Switch(Show(), tmp_path, 5080)
    assert switch.environment["SOFTSWITCH_DATABASE"] == "off"


def test_a_switch_that_was_never_started_is_stopped(tmp_path: Path) -> None:
    assert asyncio.run(Switch(Show(), tmp_path, 5080).stop()) == 0
