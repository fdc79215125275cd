"""The record that the docs show is one the switch would write, and agrees with itself."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from config.loader import load_text
from config.model import Configuration
from softswitch.call.events import CallPresented
from softswitch.check import InstalledMedia
from softswitch.explain import explain
from softswitch.switchboard.blank_record import presented_facts

DOCS = Path(__file__).parents[3] / "docs"


def shown_record() -> dict[str, Any]:
    found = json.loads((DOCS / "call-record.json").read_text())
    assert isinstance(found, dict)
    return found


def shown_configuration() -> Configuration:
    """The configuration on the page about call tracking."""
    page = (DOCS / "call-tracking.md").read_text()
    (block,) = re.findall(r"^```yaml\n(.*?)^```", page, re.S | re.M)
    return load_text(block.encode(), DOCS / "shown.yaml", {}, media=InstalledMedia())


def test_the_record_agrees_with_itself_and_with_the_rules_of_the_page() -> None:
    found = explain(shown_record(), shown_configuration())
    assert found.problems == ()
    assert any(one.about == "payout" and one.held for one in found.decisions)


def test_the_page_and_the_record_are_of_one_configuration() -> None:
    record, configuration = shown_record(), shown_configuration()
    assert record["config_version"] == configuration.version, "write the new one into the record"
    campaign = configuration.campaigns["2011 Sale"]
    assert record["campaign"] == campaign.name
    assert campaign.payout is not None
    assert [rule["name"] for rule in record["payout"]["rules"]] == [campaign.payout.base[0].name]


def test_the_record_has_the_keys_of_a_record() -> None:
    event = CallPresented(
        call_id="x", number=1, at=0.0, clock=0.0, leg="a", trunk="t", sip_call_id="y",
        source="192.0.2.1:5060", called="1", called_number="+1", caller="+1", signalling={},
        campaign="c", publisher=None, pool=None, parameters={}, config_version="v",
    )  # fmt: skip
    assert set(presented_facts(event)) <= set(shown_record())
