"""Runs `softswitch ctl` as an operator does, beside the switch it looks at."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from tests.support.program import Switch, command

WITHIN = 30.0


def run_ctl(
    switch: Switch, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """One command, to its end; it finds the switch by the environment."""
    return subprocess.run(
        command("ctl", *arguments),
        cwd=switch.directory,
        env={**switch.environment, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=WITHIN,
        check=False,
    )


def ctl(switch: Switch, *arguments: str, status: int = 0) -> str:
    """What it prints; what it prints on standard error when that is how it ends."""
    done = run_ctl(switch, *arguments)
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    if status:
        assert done.stderr.count("\n") == 1, done.stderr
        return done.stderr
    assert done.stderr == ""
    return done.stdout


def ctl_json(switch: Switch, *arguments: str) -> Any:
    """What it prints with --json."""
    return json.loads(ctl(switch, "--json", *arguments))
