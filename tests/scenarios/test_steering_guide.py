"""The programs of docs/steering.md, run as they stand there against a switch with calls."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from config.loader import load_text
from config.model import Controller
from tests.support.control import ControlPeer
from tests.support.phone import Call
from tests.support.program import ROOT, wait_for
from tests.support.rtp_end import DIGITS, PCMU, RtpEnd
from tests.support.stage import STEERED, Stage


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of a page in a language."""
    text = (ROOT / "docs" / page).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.S | re.M)


PROGRAMS = blocks("steering.md", "python")
CLIENT = next(block for block in blocks("control-guide.md", "python") if "class Switch:" in block)


@contextmanager
def running(stage: Stage, number: int, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A program of the page at work, waiting for a call."""
    (folder / "switch.py").write_text(CLIENT)
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAMS[number]],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(folder),
            "SOFTSWITCH_CONTROL": f"127.0.0.1:{stage.switch.control_port}",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        with ControlPeer(("127.0.0.1", stage.switch.control_port)) as peer:
            wait_for("it listens", lambda: bool(peer.ask("status")["events"]["readers"]), within=10)
        yield program
    finally:
        program.kill()
        program.wait(10)


def call_in(stage: Stage) -> tuple[Call, RtpEnd]:
    near = stage.rtp()
    calling = stage.caller.invite(STEERED, near.sdp((PCMU, DIGITS)))
    near.aim_by(calling.expect(200, within=8).body)
    calling.ack()
    return calling, near


def test_a_secret_is_asked_for_and_told_nowhere(stage: Stage, tmp_path: Path) -> None:
    with running(stage, 0, tmp_path) as program:
        calling, near = call_in(stage)
        near.wait_for_packets(10)
        near.wait_for_packets(70, within=6)
        near.press("9876")
        output, _ = program.communicate(timeout=20)
        assert program.returncode == 0, output
        assert output == f"{STEERED}\na PIN of 4 digits\n"
        calling.expect("BYE", within=10)
    record = stage.switch.record()
    assert record["cause"] == "released"
    assert record["keys"] == []
    assert "9876" not in stage.switch.output()


def test_agents_are_called_asked_and_bridged(stage: Stage, tmp_path: Path) -> None:
    with running(stage, 1, tmp_path) as program:
        calling, _ = call_in(stage)
        first = stage.callee.expect_call(within=8)
        first.respond(486)
        second = stage.callee.expect_call(within=8)
        far = stage.rtp()
        assert second.invite is not None
        far.aim_by(second.invite.body)
        second.respond(200, far.sdp((PCMU, DIGITS)))
        second.expect("ACK")
        far.wait_for_packets(5)
        far.press("1")
        with ControlPeer(("127.0.0.1", stage.switch.control_port)) as peer:
            wait_for(
                "they talk",
                lambda: peer.ask("call.list")["calls"][0]["state"] == "bridged",
                within=8,
            )
        second.bye()
        calling.expect("BYE", within=10)
        output, _ = program.communicate(timeout=20)
        assert program.returncode == 0, output
        assert output == "talking to +1 602 555 1234\n"
    record = stage.switch.record()
    assert record["cause"] == "served"
    assert [leg["status"] for leg in record["legs"]] == [200, 486, 200]


@pytest.mark.parametrize("text", blocks("steering.md", "yaml"))
def test_the_configurations_of_the_page_load(text: str) -> None:
    whole = "trunks: {carrier: 127.0.0.1:5080}\n" + text
    if "campaigns:" not in text:
        whole += "campaigns: {main: main}\n"
    configuration = load_text(whole.encode(), Path("page.yaml"), {})
    nodes = [node for one in configuration.treatments.values() for node in one.nodes]
    assert nodes
    assert any(isinstance(node, Controller) for node in nodes) == ("controller:" in text)
