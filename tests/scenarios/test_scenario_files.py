"""The scenario files themselves: said what they are for, listed, and true against each other."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.support.sipp import SCENARIOS, Sipp, needs_sipp

FILES = sorted(SCENARIOS.glob("*.xml"))
PAIRS = [
    ("uac_basic", "uas_basic"),
    ("uac_plain", "uas_basic"),
    ("uac_early_media", "uas_early_media"),
    ("uac_cancel_before_ringing", "uas_silent"),
    ("uac_cancel_ringing", "uas_no_answer"),
    ("uac_busy", "uas_busy"),
    ("uac_waits_for_bye", "uas_hangs_up"),
    ("uac_silent", "uas_hangs_up"),
    ("uac_drain", "uas_hangs_up"),
    ("uac_hold", "uas_held"),
    ("uac_held", "uas_hold"),
    ("uac_delayed_offer", "uas_basic"),
    ("uac_plain", "uas_answers_late"),
    ("uac_gives_up", "uas_answers_late"),
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_scenario_opens_with_purpose_section_and_outcome(path: Path) -> None:
    text = path.read_text()
    opening = re.search(r"<scenario name=\"(\w+)\">\s*<!--(.*?)-->", text, re.DOTALL)
    assert opening is not None
    assert opening.group(1) == path.stem
    assert re.search(r"RFC \d{4} section", opening.group(2))
    assert "After it:" in opening.group(2)
    assert ElementTree.fromstring(text).tag == "scenario"
    assert path.stem.startswith(("uac_", "uas_"))


def test_every_scenario_has_its_row_in_the_readme() -> None:
    rows = [row for row in (SCENARIOS / "README.md").read_text().splitlines() if row[:2] == "| "]
    named = set(re.findall(r"ua[cs]_\w+", "\n".join(rows)))
    assert {path.stem for path in FILES} == named


@needs_sipp
@pytest.mark.parametrize(("uac", "uas"), PAIRS)
def test_the_two_sides_of_a_scenario_agree_without_a_switch(
    uac: str, uas: str, tmp_path: Path
) -> None:
    with Sipp(tmp_path, f"{uas}.xml", rtp_echo=True, timeout=8) as called:
        remote = ("127.0.0.1", called.port)
        with Sipp(tmp_path, f"{uac}.xml", remote=remote, hold_ms=100, timeout=8) as caller:
            assert caller.wait().successful == 1
        assert called.stop().successful == 1


@needs_sipp
def test_the_private_called_side_fails_when_the_number_is_shown(tmp_path: Path) -> None:
    with Sipp(tmp_path, "uas_private.xml", timeout=8) as called:
        remote = ("127.0.0.1", called.port)
        caller = Sipp(tmp_path, "uac_private.xml", remote=remote, hold_ms=100, timeout=8)
        with caller, pytest.raises(AssertionError, match="Regexp matched but should not"):
            called.wait()
