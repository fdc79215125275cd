"""The programs of docs/conferences.md, run as they stand there against a switch with calls."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.loader import load_text
from config.model import Confer
from tests.scenarios.test_steering_guide import CLIENT, blocks
from tests.support.phone import Call
from tests.support.rtp_end import DIGITS, PCMU
from tests.support.stage import ANSWERED_FIRST, DIRECT, Bridge, Stage

PROGRAMS = blocks("conferences.md", "python")


def run(stage: Stage, number: int, folder: Path) -> str:
    """What a program of the page prints."""
    (folder / "switch.py").write_text(CLIENT)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAMS[number]],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(folder),
            "SOFTSWITCH_CONTROL": f"127.0.0.1:{stage.switch.control_port}",
        },
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def talk_and_a_third(stage: Stage) -> tuple[Bridge, Call]:
    talk = stage.bridge(DIRECT)
    third = stage.phone().invite(ANSWERED_FIRST, stage.rtp().sdp((PCMU, DIGITS)))
    third.expect(200, within=8)
    third.ack()
    stage.callee.expect_call(within=8)
    return talk, third


def test_a_supervisor_listens_and_whispers(stage: Stage, tmp_path: Path) -> None:
    talk, third = talk_and_a_third(stage)
    output = run(stage, 0, tmp_path)
    assert output == "one supervisor whispers\nnobody listens: True\n"
    third.expect("BYE")
    talk.hang_up()


def test_all_calls_meet_in_a_conference(stage: Stage, tmp_path: Path) -> None:
    talk, third = talk_and_a_third(stage)
    assert run(stage, 1, tmp_path) == "2 more\n1 more\n3 hear each other\n"
    third.expect("BYE")
    talk.hang_up()


@pytest.mark.parametrize("text", blocks("conferences.md", "yaml"))
def test_the_configurations_of_the_page_load(text: str) -> None:
    whole = "trunks: {carrier: 127.0.0.1:5080}\ncampaigns: {main: morning-call}\n" + text
    configuration = load_text(whole.encode(), Path("page.yaml"), {})
    (treatment,) = configuration.treatments.values()
    assert any(isinstance(node, Confer) for node in treatment.nodes)
