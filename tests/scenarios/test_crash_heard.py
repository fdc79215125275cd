"""kill -9 after something was heard: what was told is in the record of the crash."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.example_switch import Example, accept
from tests.support.program import wait_for
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


def test_a_keyword_that_was_told_outlives_a_kill(switch: Example) -> None:
    calling, near = switch.call("+18666831950", user="+16025557147")
    accept(calling, near)
    near.wait_for_packets(10)
    near.press("2")
    switch.takes(switch.rings("16026661234"))
    near.play(say("A friend told me about your fans.", pause=0.5))
    output = switch.switch.output
    wait_for("the keyword", lambda: " call.keyword " in output(), within=15)
    wait_for("the rating", lambda: "rating=high" in output())
    time.sleep(0.3)  # the journal is written a moment later
    switch.switch.kill()
    switch.switch.start()
    record = switch.record()
    assert record["ended_by"] == "crash"
    (keyword,) = record["keywords"]
    assert (keyword["leg"], keyword["rule"]) == ("a", "friend")
    assert keyword["clip"] is None, "its seconds after were still to come"
    assert record["rating"]["rating"] == "high"
    assert [entry["rating"] for entry in record["rating"]["history"]] == ["low", "high"]
