"""The example that calls two parties, run as its reader would run it, against SIPp's phones."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.support.control import ControlPeer
from tests.support.program import wait_for
from tests.support.sipp import Sipp, needs_sipp
from tests.support.stage import AGENT, FIRST, Stage

MakeStage = Callable[..., Stage]

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "click_to_call.py"
RULES = """
originate: {to: ["+1602555*"]}
"""


def example(stage: Stage, out: Path, *arguments: str) -> subprocess.Popen[bytes]:
    address = f"127.0.0.1:{stage.switch.control_port}"
    with out.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, str(EXAMPLE), address, *arguments], stdout=file, stderr=file
        )


@needs_sipp
def test_the_example_calls_two_phones_and_tells_of_the_call(
    make_stage: MakeStage, tmp_path: Path
) -> None:
    with Sipp(tmp_path, "uas_basic.xml", timeout=60) as uas:
        stage = make_stage(trunk_port=uas.port, sections=RULES)
        out = tmp_path / "out"
        program = example(stage, out, "direct", FIRST, AGENT, "order-4711")
        wait_for("the two talk", lambda: "call.bridged" in out.read_text(), within=15)
        with ControlPeer(("127.0.0.1", stage.switch.control_port)) as peer:
            (line,) = peer.ask("call.list")["calls"]
            again = peer.ask(
                "call.originate", campaign="direct", first=FIRST, second=AGENT, time_limit=3600,
                attributes={"order": "order-4711"}, idempotency_key="order-4711",
            )  # fmt: skip
            assert again == {"call": line["call"]}
            peer.ask("call.hangup", call=line["call"], cause="seen")
        assert program.wait(15) == 0, out.read_text()
        record = stage.switch.record()
    lines = out.read_text().splitlines()
    for line in ("call.presented a", "leg.originated a", "leg.progressed b1", "call.bridged a"):
        assert line in lines
    assert lines[-1].startswith("switch seen, talked ")
    assert record["attributes"] == {"order": "order-4711"}
    assert [one["to"] for one in record["legs"]] == [FIRST, AGENT]


def test_the_example_says_why_nobody_is_called(make_stage: MakeStage, tmp_path: Path) -> None:
    stage = make_stage()
    program = example(stage, tmp_path / "out", "direct", FIRST, AGENT)
    assert program.wait(15) == 1
    assert "is not among those that may be called" in (tmp_path / "out").read_text()


def test_the_example_says_that_a_call_is_over(make_stage: MakeStage, tmp_path: Path) -> None:
    stage = make_stage(sections=RULES)
    first = example(stage, tmp_path / "first", "direct", FIRST, AGENT, "order-4712")
    stage.callee.expect_call(within=10).respond(486)
    assert first.wait(15) == 0
    again = example(stage, tmp_path / "again", "direct", FIRST, AGENT, "order-4712")
    assert again.wait(15) == 0
    assert (tmp_path / "again").read_text().startswith("the call is over")
    stage.callee.expect_no_call(during=0.2)
