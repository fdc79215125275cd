"""Processes that listen for the switch are killed: the call goes on, and is listened to again.

What is promised for it stands in docs/failures.md.
"""

from __future__ import annotations

import importlib.util
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.example_switch import Example, accept
from tests.support.ports import descendants
from tests.support.program import wait_for
from tests.support.rtp_end import discontinuities
from tests.support.voices import has_voice, say

EXAMPLES = Path(__file__).resolve().parents[2] / "config" / "examples"

pytestmark = pytest.mark.skipif(
    not has_voice() or importlib.util.find_spec("ctranslate2") is None,
    reason="the speech extra (recogniser and voice) is not installed",
)


@pytest.fixture
def switch(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Example]:
    failed_before = request.session.testsfailed
    path = EXAMPLES / "baby-fans.yaml"
    made = Example(tmp_path, path, BABY_FANS_HOURS="Mon-Sun 0:00-24:00")
    yield made
    made.close(failed=request.session.testsfailed > failed_before)


def recognisers(switch: Example) -> set[int]:
    """Processes below the switch that are busy with models."""
    found = set()
    for pid in descendants(switch.switch.pid):
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        if b"recognition" in command:
            found.add(pid)
    return found


def test_a_recogniser_that_is_killed_costs_no_sound_and_hears_the_next_word(
    switch: Example,
) -> None:
    calling, near = switch.call("+18666831950", user="+16025557147")
    accept(calling, near)
    near.wait_for_packets(10)
    near.press("2")
    far = switch.takes(switch.rings("16026661234"))
    far.wait_for_packets(10)
    before = recognisers(switch)
    assert before
    heard = len(far.arrivals)
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    wait_for("others in their place", lambda: bool(recognisers(switch) - before), within=30)
    far.wait_for_packets(heard + 50, within=20)
    assert discontinuities(far.arrivals[heard:], slack=0.5) == []
    output = switch.switch.output
    wait_for("its line", lambda: "speech worker: it has ended" in output(), within=20)
    for _ in range(4):
        near.play(say("A friend told me about your fans.", pause=0.5))
        near.wait_until_played(20)
        if " call.keyword " in output():
            break
    wait_for("the keyword", lambda: " call.keyword " in output(), within=30)
    calling.bye()
    record = switch.record()
    assert record["ended_by"] == "calling"
    assert record["keywords"][0]["rule"] == "friend"
