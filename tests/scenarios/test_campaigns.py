"""Campaigns that meet, serve and show calls in their own way: blocked, syndicated, unique."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.example_switch import Example, accept, header
from tests.support.program import leg

CONFIGURATION = """
switch:
  listen: ${SOFTSWITCH_SIP}
  rtp_ports: ${SOFTSWITCH_RTP}
  control: ${SOFTSWITCH_CONTROL}
  data: ${SOFTSWITCH_DATA}
  database: off
  without_synthesiser: chime
trunks:
  carrier: ${SOFTSWITCH_TRUNK}
lists:
  spam: [+1 602 555 0666]
numbers:
  866 683 1950: {campaign: resold}
  866 683 1951: {campaign: unique}
campaigns:
  original:
    treatment: agent
    caller_id: called
    notice: {tone: chime}
    publisher: p1
    headers: {X-Campaign: "{campaign}"}
  resold:
    syndicates: original
    publisher: p2
    blocked: {lists: [spam], then: busy}
  unique:
    treatment: agent
    caller_id: {unique: +1 800 555 0000, last: +1 800 555 0001}
treatments:
  agent:
    - play: {tone: chime}
    - connect: +1 602 555 1234
"""


@pytest.fixture
def switch(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Example]:
    failed_before = request.session.testsfailed
    path = tmp_path / "switch.yaml"
    path.write_text(CONFIGURATION)
    made = Example(tmp_path / "run", path)
    yield made
    made.close(failed=request.session.testsfailed > failed_before)


def test_a_syndicated_call_is_served_by_the_original_and_counts_for_its_own_campaign(
    switch: Example,
) -> None:
    calling, _near = switch.answered()
    called = switch.rings("16025551234")
    assert called.invite is not None
    assert "+18666831950" in called.invite.all("from")[0]
    assert header(called, "X-Campaign") == "resold"
    switch.takes(called)
    calling.bye()
    called.expect("BYE")
    record = switch.record()
    assert (record["campaign"], record["publisher"]) == ("resold", "p2")
    assert record["syndicated"]["campaign"] == "original"


def test_a_blocked_caller_hears_busy_and_leaves_a_record(switch: Example) -> None:
    calling, _ = switch.call(user="+16025550666")
    calling.expect(486)
    record = switch.record()
    assert (record["cause"], record["path"]) == ("blocked", [])
    assert record["decisions"][0]["result"] == "spam"


def test_each_call_shows_a_number_of_its_own_until_there_are_none(switch: Example) -> None:
    shown = []
    for _ in range(3):
        calling, near = switch.call("+18666831951")
        accept(calling, near)
        called = switch.rings("16025551234")
        assert called.invite is not None
        shown.append(called.invite.all("from")[0])
        called.respond(486)
        calling.expect("BYE", within=10)
    assert sorted(one.partition("sip:")[2][:12] for one in shown) == [
        "+18005550000", "+18005550001", "+18666831951",
    ]  # fmt: skip
    records = switch.switch.wait_for_records(3, within=10)
    stored = [leg(record, "called").get("caller_id") for record in records]
    assert sorted(map(str, stored)) == ["+18005550000", "+18005550001", "None"]
