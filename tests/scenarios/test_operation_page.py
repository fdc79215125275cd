"""The commands of docs/operation.md, run as they stand there beside a switch that runs."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.support.program import ROOT
from tests.support.stage import Stage

PAGE = ROOT / "docs/operation.md"
FAILURES = ROOT / "docs/failures.md"
SECTIONS = ("Another configuration", "Numbers without", "Pools", "Trunks")
ADS = """pools:
  ads: {parameters: [keyword], campaign: direct, numbers: [888 869 5345]}
"""


def commands() -> list[list[str]]:
    """The command lines of some sections of the page, and of the one about failures."""
    found = []
    for part in PAGE.read_text().split("\n## ")[1:]:
        if part.startswith(SECTIONS):
            for block in re.findall(r"^```sh\n(.*?)^```", part, re.S | re.M):
                found += [shlex.split(line, comments=True) for line in block.splitlines()]
    for block in re.findall(r"^```sh\n(.*?)^```", FAILURES.read_text(), re.S | re.M):
        found += [shlex.split(line, comments=True) for line in block.splitlines()]
    return found


def test_every_command_of_the_page_works(
    make_stage: Callable[..., Stage], dsn: str, tmp_path: Path
) -> None:
    stage = make_stage(environment={"SOFTSWITCH_DATABASE": dsn})
    path = stage.switch.config
    path.write_text(path.read_text().replace("pools:\n", ADS, 1))
    lines = commands()
    assert len(lines) >= 12
    for program, ctl, *rest in lines:
        assert (program, ctl) == ("softswitch", "ctl")
        where = f"127.0.0.1:{stage.switch.control_port}"
        done = subprocess.run(
            [sys.executable, "-m", "softswitch", "ctl", "--connect", where, *rest],
            cwd=tmp_path, env=stage.switch.environment, capture_output=True, text=True, timeout=60,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, (rest, done.stderr)
        assert done.stdout, rest
