"""Every command of the pages on ctl and on tracing does what it says, beside a switch that runs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.control import ControlPeer
from tests.support.ctl import ctl, run_ctl
from tests.support.program import wait_for
from tests.support.stage import Stage

ROOT = Path(__file__).parents[2]
PROGRAM = "softswitch ctl "


def shown(page: str) -> list[str]:
    """The commands of a page, without their remarks."""
    text = (ROOT / "docs" / page).read_text()
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.S | re.M)
    lines = [line.partition("  #")[0].strip() for block in blocks for line in block.splitlines()]
    assert all(line.startswith(PROGRAM) for line in lines if line), lines
    return [line for line in lines if line]


PAGES = {page: shown(page) for page in ("ctl.md", "tracing.md")}


def fitted(line: str, stage: Stage, call: str) -> list[str]:
    """The arguments of a command, with the places of this switch."""
    words = shlex.split(line.removeprefix(PROGRAM))
    places = {
        "127.0.0.1:8021": f"127.0.0.1:{stage.switch.control_port}",
        "var/control.sock": str(stage.switch.data / "control.sock"),
        "CALL": call,
        "call=CALL": f"call={call}",
        "60": "1",
    }
    return [places.get(word, word) for word in words]


@pytest.mark.parametrize(("page", "count"), [("ctl.md", 14), ("tracing.md", 7)])
def test_the_pages_show_commands(page: str, count: int) -> None:
    assert len(PAGES[page]) >= count


@pytest.mark.timeout(180)
@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_work(page: str, make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(sections="trace: {calls: 20}\n")
    with ControlPeer(stage.switch.data / "control.sock") as peer:
        bridge = stage.bridge()
        for line in PAGES[page]:
            (call,) = peer.ask("call.list")["calls"]
            done = run_ctl(stage.switch, *fitted(line, stage, call["call"]))
            assert (done.returncode, done.stderr) == (0, ""), (line, done)
            assert done.stdout, line
            if " hangup " in line:
                bridge.calling.expect("BYE")
                bridge.called.expect("BYE")
                wait_for("its end", lambda: peer.ask("call.list")["total"] == 0)
                bridge = stage.bridge()
        bridge.hang_up()


@pytest.mark.parametrize("page", PAGES)
def test_every_verb_and_option_that_a_page_names_exists(page: str, stage: Stage) -> None:
    text = (ROOT / "docs" / page).read_text()
    helps = "".join(
        ctl(stage.switch, *verb, "--help") for verb in [[], *([verb] for verb in verbs(stage))]
    )
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))
    assert named
    assert {option for option in named if option not in helps} == set()


def verbs(stage: Stage) -> list[str]:
    """All verbs there are."""
    found = re.findall(r"^    ([a-z]+) ", ctl(stage.switch, "--help"), re.M)
    assert len(found) > 10
    return found
