"""`softswitch ctl` steers a switch: calls placed, configuration reloaded, log levels, pools."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.control import ControlPeer
from tests.support.ctl import ctl, ctl_json, run_ctl
from tests.support.database import OwnServer
from tests.support.program import command
from tests.support.rtp_end import DIGITS, PCMU
from tests.support.stage import AGENT, FIRST, Stage

MakeStage = Callable[..., Stage]

PLACING = 'originate: {to: ["+1602555*"], at_once: 4, per_minute: 100}\n'


def test_a_call_is_placed_and_followed_to_its_record(make_stage: MakeStage) -> None:
    stage = make_stage(sections=f"{PLACING}trace: {{calls: 5}}\n")
    wanted = ["originate", FIRST, AGENT, "--campaign", "direct", "--set", "ring_seconds=20"]
    with subprocess.Popen(
        command("ctl", *wanted, "--follow"),
        cwd=stage.switch.directory, env=stage.switch.environment,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            first = stage.callee.expect_call(within=20)
            first.respond(200, stage.rtp().sdp((PCMU, DIGITS)))
            first.expect("ACK")
            second = stage.callee.expect_call(within=20)
            second.respond(200, stage.rtp().sdp((PCMU, DIGITS)))
            second.expect("ACK")
            with ControlPeer(stage.switch.data / "control.sock") as peer:
                peer.ask("events.subscribe", kinds=["call.bridged"], after=0, epoch=epoch(peer))
                peer.event("call.bridged")
            first.bye()
            second.expect("BYE")
            out, err = process.communicate(timeout=20)
        finally:
            if process.poll() is None:
                process.kill()
    assert (process.returncode, err) == (0, "")
    lines = out.splitlines()
    call = stage.switch.record()["call_id"]
    assert lines[0] == f"{call} is being called"
    kinds = [line.split()[2] for line in lines[1:]]
    assert (kinds[0], kinds[-1]) == ("call.presented", "call.record")
    assert "call.bridged" in kinds
    drawn = ctl(stage.switch, "trace", call).splitlines()
    assert drawn[2].split() == ["leg", "a", "softswitch", "leg", "b1"]
    invites = [line[24:] for line in drawn if "- INVITE -" in line]
    assert [line.strip("| ")[0] for line in invites] == ["<", "-"], "to both from the middle"


def epoch(peer: ControlPeer) -> Any:
    return peer.ask("status")["events"]["epoch"]


def test_whom_nobody_may_call_is_told_in_a_line(make_stage: MakeStage) -> None:
    stage = make_stage(sections=PLACING)
    wanted = ["originate", "+442071234567", AGENT, "--campaign", "direct"]
    assert ctl(stage.switch, *wanted, status=1).startswith("softswitch ctl: ")
    wanted = ["originate", FIRST, "--treatment", "no such", "--campaign", "direct"]
    assert ctl(stage.switch, *wanted, status=1).startswith("softswitch ctl: ")
    done = run_ctl(stage.switch, "originate", FIRST, "--campaign", "direct")
    assert (done.returncode, done.stdout) == (2, "")


def test_a_configuration_is_reloaded_and_a_bad_one_refused_with_its_mistakes(
    make_stage: MakeStage,
) -> None:
    stage = make_stage()
    file = stage.switch.config
    good = file.read_text()
    before = ctl_json(stage.switch, "status")["config_version"]
    file.write_text(good.replace("direct: {treatment: direct,", "direct: {treatment: menu,"))
    would = ctl(stage.switch, "reload", "--dry-run")
    assert would.startswith("changed: campaigns direct\n")
    assert re.search(r"^configuration \w+ would be in force$", would, re.M)
    assert ctl_json(stage.switch, "status")["config_version"] == before
    assert re.search(r"^configuration \w+ is in force$", ctl(stage.switch, "reload"), re.M)
    after = ctl_json(stage.switch, "status")["config_version"]
    assert after != before
    file.write_text(good.replace("connect: called", "conect: called"))
    done = run_ctl(stage.switch, "reload")
    assert done.returncode == 1
    assert re.search(rf"^{re.escape(str(file))}:\d+:\d+: .*conect", done.stderr, re.M)
    assert done.stderr.splitlines()[-1].startswith("softswitch ctl: the configuration is refused")
    assert done.stdout == ""
    told = run_ctl(stage.switch, "--json", "reload")
    assert '"error"' in told.stdout
    assert ctl_json(stage.switch, "status")["config_version"] == after


def test_what_is_traced_changes_with_the_configuration(make_stage: MakeStage) -> None:
    stage = make_stage()
    file = stage.switch.config
    good = file.read_text()
    file.write_text(f"{good}trace: {{calls: 3}}\n")
    ctl(stage.switch, "reload")
    stage.bridge().hang_up()
    call = stage.switch.record()["call_id"]
    assert ctl(stage.switch, "trace", call).startswith(f"call {call}")
    file.write_text(good)
    ctl(stage.switch, "reload")
    assert ctl_json(stage.switch, "tracing")["orders"] == []


def test_the_level_of_the_log_is_shown_and_set(make_stage: MakeStage) -> None:
    stage = make_stage()
    assert re.search(r"^level +info$", ctl(stage.switch, "log"), re.M)
    ctl(stage.switch, "log", "debug", "--logger", "softswitch.hearing.tick")
    shown = ctl(stage.switch, "log", "warning")
    assert re.search(r"^level +warning$", shown, re.M)
    assert re.search(r"^loggers +softswitch\.hearing\.tick debug$", shown, re.M)


def test_a_number_stays_text_where_the_method_wants_text(make_stage: MakeStage) -> None:
    stage = make_stage()
    asked = ["ask", "number.activate", "number=6025557777", "campaign=direct", "refuse=480"]
    assert '"refuse": 480' in ctl(stage.switch, *asked)
    table = ctl(stage.switch, "numbers", "--campaign", "direct")
    row = next(line for line in table.splitlines() if "5557777" in line)
    assert {"direct", "480"} <= set(row.split())
    assert ctl(stage.switch, "numbers", "--limit", "1").endswith("1 numbers\nand more (--limit)\n")


def test_buyers_that_are_paused_are_shown_with_the_caps(make_stage: MakeStage) -> None:
    stage = make_stage()
    assert ctl(stage.switch, "caps") == "0 counts\n"
    ctl(stage.switch, "ask", "cap.pause", "campaign=menu", "why=holiday")
    shown = ctl(stage.switch, "caps")
    assert any({"menu", "holiday"} <= set(line.split()) for line in shown.splitlines())
    assert ctl(stage.switch, "caps", "--campaign", "direct") == "0 counts\n"


@pytest.fixture(scope="module")
def server() -> Iterator[OwnServer]:
    own = OwnServer()
    own.start()
    yield own
    own.close()


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_pools_are_shown_with_what_is_left_of_them(
    make_stage: MakeStage, server: OwnServer
) -> None:
    stage = make_stage(environment={"SOFTSWITCH_DATABASE": server.dsn()})
    table = ctl(stage.switch, "pools")
    row = next(line for line in table.splitlines() if "ad-placement" in line)
    assert "pooled" in row.split()
    assert table.endswith("1 pools\n")
    assert "ad-placement" in ctl(stage.switch, "pools", "ad-placement")
    failed = ctl(stage.switch, "pools", "none", status=1)
    assert failed == "softswitch ctl: there is no pool none\n"
