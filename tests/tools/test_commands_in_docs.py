"""Every command that the README and the pages beside it show is there and does what it says."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.ports import free_rtp_range, free_sip_port

ROOT = Path(__file__).parents[2]
PAGES = (
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "sipp_scenarios/README.md",
)
PROGRAM = ".venv/bin/softswitch "
SHELLS = ("", "sh", "bash")
"""Languages of fenced blocks that hold commands."""


def shown_commands() -> list[str]:
    """The lines of fenced blocks, without their remarks."""
    lines = []
    for page in PAGES:
        for language, block in re.findall(r"^```(\w*)\n(.*?)^```", page.read_text(), re.S | re.M):
            if language in SHELLS:
                lines += [line.partition("  #")[0].strip() for line in block.splitlines()]
    return [line for line in lines if line]


def program_commands() -> list[str]:
    return [line for line in shown_commands() if line.startswith(PROGRAM)]


def targets() -> set[str]:
    text = " ".join(page.read_text() for page in PAGES)
    return set(re.findall(r"`?make ([a-z-]+)`", text)) | {
        word for line in shown_commands() for word in re.findall(r"^make ([a-z-]+)", line)
    }


def environment(folder: Path) -> dict[str, str]:
    first, last = free_rtp_range(40)
    return {
        **os.environ,
        "SOFTSWITCH_SIP": f"127.0.0.1:{free_sip_port()}",
        "SOFTSWITCH_RTP": f"{first}-{last}",
        "SOFTSWITCH_DATA": str(folder),
    }


def test_there_are_commands_to_run() -> None:
    verbs = {line.split()[1] for line in program_commands()}
    assert verbs >= {"check", "route-test", "run", "report", "explain", "graph", "records"}


@pytest.mark.parametrize("line", [line for line in program_commands() if " run " not in line])
def test_a_command_of_the_docs_works(line: str, tmp_path: Path) -> None:
    arguments = shlex.split(line.removeprefix(PROGRAM))
    done = subprocess.run(
        [sys.executable, "-m", "softswitch", *arguments],
        cwd=ROOT, env=environment(tmp_path), capture_output=True, text=True, timeout=30,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("line", [line for line in program_commands() if " run " in line])
def test_a_switch_started_as_the_docs_say_is_ready(line: str, tmp_path: Path) -> None:
    arguments = shlex.split(line.removeprefix(PROGRAM))
    with subprocess.Popen(
        [sys.executable, "-m", "softswitch", *arguments],
        cwd=ROOT, env=environment(tmp_path), stdout=subprocess.PIPE, text=True,
    ) as switch:  # fmt: skip
        assert switch.stdout is not None
        assert switch.stdout.readline().startswith("ready")
        switch.terminate()
        assert switch.wait(timeout=20) == 0


def test_every_target_that_is_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    known = set(re.findall(r"^([a-z-]+):", makefile, re.M))
    assert targets() <= known
    assert {"demo", "test", "check", "bench", "help"} <= targets()
