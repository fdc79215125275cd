"""The examples of docs/control-guide.md, run as they stand there against a switch with calls."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.program import wait_for
from tests.support.sip_text import Message
from tests.support.stage import AGENT, Stage

MakeStage = Callable[..., Stage]

GUIDE = Path(__file__).parents[2] / "docs" / "control-guide.md"

SECTIONS = """
originate:
  to: ["+1602555*"]
"""


def examples() -> dict[int, tuple[str, str]]:
    """Language and text of each numbered example."""
    found = {}
    for number, text in re.findall(r"^## (\d+)\. (.*?)(?=^## |\Z)", GUIDE.read_text(), re.M | re.S):
        for language, block in re.findall(r"^```(sh|python)\n(.*?)^```$", text, re.M | re.S):
            assert int(number) not in found, "one program an example"
            found[int(number)] = (language, block)
    return found


EXAMPLES = examples()

Run = Callable[[int], "Program"]


class Program:
    """An example that runs."""

    def __init__(self, stage: Stage, number: int, folder: Path) -> None:
        (folder / "switch.py").write_text(EXAMPLES[2][1])
        language, text = EXAMPLES[number]
        name = folder / f"example-{number}"
        name.write_text(text)
        command = ["bash", "-e", str(name)] if language == "sh" else [sys.executable, str(name)]
        self.output = folder / f"output-{number}"
        environment = {
            **os.environ,
            "PYTHONPATH": str(folder),
            "PYTHONUNBUFFERED": "1",
            "SOFTSWITCH_CONTROL": f"127.0.0.1:{stage.switch.control_port}",
        }
        with self.output.open("wb") as out:
            self.process = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=out, stderr=subprocess.STDOUT
            )

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    def kill(self) -> None:
        """Leave nothing behind."""
        self.process.kill()
        self.process.wait()

    def end(self) -> str:
        """What it has printed; it must have ended well."""
        code = self.process.wait(timeout=40)
        text = self.output.read_text()
        assert code == 0, text
        return text


@pytest.fixture
def stage(make_stage: MakeStage) -> Stage:
    """With calls of our own making allowed."""
    return make_stage(sections=SECTIONS)


@pytest.fixture
def run(stage: Stage, tmp_path: Path) -> Iterator[Run]:
    """Runs an example, by its number."""
    programs: list[Program] = []

    def begin(number: int) -> Program:
        programs.append(Program(stage, number, tmp_path))
        return programs[-1]

    yield begin
    for program in programs:
        program.kill()


def told(stage: Stage, program: Program) -> str:
    """What an example prints that waits for calls: there are some until it ends."""
    for _ in range(20):
        bridge = stage.bridge()
        with contextlib.suppress(AssertionError):
            wait_for("its end", lambda: not program.runs, within=1.0)
        bridge.hang_up()
        if not program.runs:
            break
    return program.end()


def test_there_are_enough_examples() -> None:
    assert list(EXAMPLES) == list(range(1, 14))


def test_speaking_by_hand(stage: Stage, run: Run) -> None:
    answer = json.loads(run(1).end())
    assert answer["id"] == 1
    assert answer["result"]["clock"] > 0


def test_watching_calls(stage: Stage, run: Run) -> None:
    printed = told(stage, run(3))
    # It may have come in the middle of the first call.
    assert re.search(r"^20\S+Z \w{24} call\.record $", printed, re.M)
    assert printed.splitlines()[-1].startswith("ended by calling after ")


def test_missing_nothing(stage: Stage, run: Run) -> None:
    assert "went on with call." in told(stage, run(4))


def test_asking_now_and_then_gets_each_record_once(stage: Stage, run: Run) -> None:
    seen: list[str] = []
    for _ in range(3):
        stage.bridge().hang_up()
        seen += re.findall(r"record of (\w+)", run(5).end())
    assert sorted(seen) == sorted({record["call_id"] for record in stage.switch.records()})
    assert len(seen) == 3


def test_looking_at_calls_and_ending_one(stage: Stage, run: Run) -> None:
    bridge = stage.bridge()
    printed = run(6).end()
    assert "direct +16025550100 -> 100001 bridged" in printed
    assert "leg b1 100001 answered PCMU" in printed
    bridge.calling.expect("BYE")
    bridge.called.expect("BYE")
    assert stage.switch.record()["cause"] == "office_closed"


def test_telling_a_call_what_somebody_else_knows(stage: Stage, run: Run) -> None:
    assert "'tier': 'gold'" in told(stage, run(7))
    wanted = {"tier": "gold", "orders": {"number": "7"}}
    wait_for(
        "a record with them",
        lambda: wanted in [record["attributes"] for record in stage.switch.records()],
    )


def test_holding_and_sending_elsewhere(stage: Stage, run: Run) -> None:
    bridge = stage.bridge()
    program = run(8)
    offer = bridge.calling.expect("INVITE", within=10)
    assert "a=sendonly" in offer.body.decode()
    body = bridge.near.sdp(version=2, direction="recvonly")
    bridge.calling.respond(200, body, request=offer)
    bridge.calling.expect("ACK")
    offer = bridge.calling.expect("INVITE", within=10)
    assert "a=sendonly" not in offer.body.decode()
    bridge.calling.respond(200, bridge.near.sdp(version=3), request=offer)
    # The example does not wait for the phone: REFER may come before the ACK.
    came = [bridge.calling.expect(ack_or_refer, within=10) for _ in range(2)]
    (refer,) = [message for message in came if message.method == "REFER"]
    assert refer.get("refer-to").startswith("<sip:+16025550177@")
    bridge.calling.respond(603, request=refer)
    assert program.end() == "still here: refused 603\n"
    bridge.hang_up()


def ack_or_refer(message: Message) -> bool:
    return message.method in ("ACK", "REFER")


def test_recording_a_part(stage: Stage, run: Run) -> None:
    bridge = stage.bridge()
    printed = run(9).end()
    found = re.search(r"saved (\S+\.wav) ([0-9a-f]{64})$", printed, re.M)
    assert found is not None, printed
    data = (stage.switch.data / found[1]).read_bytes()
    assert hashlib.sha256(data).hexdigest() == found[2]
    bridge.hang_up()
    (recording,) = stage.switch.record()["recordings"]
    assert (recording["path"], recording["sha256"]) == (found[1], found[2])
    assert 0.9 < recording["seconds"] < 3.0


def test_saying_it_once(stage: Stage, run: Run) -> None:
    program = run(10)
    called = stage.callee.expect_call(within=10)
    called.respond(180)
    called.expect("CANCEL", within=10)
    assert program.end().startswith("one call: ")
    stage.callee.expect_no_call(during=0.5)
    assert len(stage.switch.wait_for_records(1)) == 1


def test_a_buyer_who_takes_no_more_today(stage: Stage, run: Run) -> None:
    assert f"{AGENT} paused by local since 20" in run(11).end()


def test_more_lines_of_log(stage: Stage, run: Run) -> None:
    printed = run(12).end()
    assert "'loggers': {'softswitch.control.session': 'debug'}" in printed


def test_bringing_two_calls_together(stage: Stage, run: Run) -> None:
    first, second = stage.bridge(), stage.bridge()
    program = run(13)
    refer = first.calling.expect("REFER", within=20)
    assert f"?Replaces={second.calling.call_id}%3B" in refer.get("refer-to")
    first.calling.respond(202, request=refer)
    second.calling.bye()
    fragment = [("Event", "refer"), ("Subscription-State", "terminated;reason=noresource")]
    first.calling.send("NOTIFY", b"SIP/2.0 200 OK\r\n", fragment)
    first.calling.expect(200, to="NOTIFY", within=10)
    first.calling.expect("BYE", within=10)
    for bridge in (first, second):
        bridge.called.expect("BYE", within=10)
    printed = program.end().splitlines()
    assert printed[0] == "together"
    calls = {record["call_id"] for record in stage.switch.wait_for_records(2)}
    assert set(printed[1:]) == {f"transfer.ended of {call} True" for call in calls}
    assert {record["cause"] for record in stage.switch.records()} == {"transferred"}
