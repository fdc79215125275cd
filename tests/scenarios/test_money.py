"""Calls that are rated, paid, capped and rejected by the real switch on its own database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.database import fresh_dsn
from tests.support.example_switch import Example

CONFIGURATION = """
switch:
  listen: ${SOFTSWITCH_SIP}
  rtp_ports: ${SOFTSWITCH_RTP}
  control: ${SOFTSWITCH_CONTROL}
  data: ${SOFTSWITCH_DATA}
  database: ${SOFTSWITCH_DATABASE}
  without_synthesiser: chime
trunks:
  carrier: ${SOFTSWITCH_TRUNK}
numbers:
  866 683 1950: {campaign: Sale, publisher: p1}
  866 683 1951: {campaign: Guarded, publisher: p1}
campaigns:
  Sale:
    treatment: agent
    rating:
      - {when: bridged, rate: high}
      - {rate: low}
    payout:
      base: [{when: rating = "high", amount: 5.00}]
    caps:
      calls: {kind: daily, limit: 2, over: sorry}
      money: {kind: budget, limit: 100.00, period: month}
  Guarded:
    treatment: agent
    payout: 1.00
    fraud:
      too short: {when: talk_seconds < 5, then: busy, for: 1 h}
treatments:
  agent:
    - connect: +1 602 555 1234
  sorry:
    - connect: {to: +1 602 555 9999, credit: false}
"""


@pytest.fixture
def switch(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Example]:
    failed_before = request.session.testsfailed
    path = tmp_path / "switch.yaml"
    path.write_text(CONFIGURATION)
    made = Example(tmp_path / "run", path, SOFTSWITCH_DATABASE=fresh_dsn())
    yield made
    made.close(failed=request.session.testsfailed > failed_before)


def bridged(switch: Example, to: str, count: int, called: str = "+18666831950") -> dict[str, Any]:
    """A call that is answered at a destination and ended by its caller; its record."""
    calling, near = switch.call(called)
    answering = switch.bridged(calling, near, to)
    calling.bye()
    answering.expect("BYE")
    return switch.switch.wait_for_records(count)[-1]


def test_calls_earn_up_to_their_cap_and_those_above_it_go_elsewhere(switch: Example) -> None:
    for count in (1, 2):
        record = bridged(switch, "16025551234", count)
        assert record["rating"]["rating"] == "high"
        assert [one["rating"] for one in record["rating"]["history"]] == ["low", "high"]
        assert record["payout"] == {
            "amount": "5.00",
            "currency": "USD",
            "rules": [{"name": "base-1", "amount": "5.00", "when": 'rating = "high"'}],
        }
        assert record["caps"] == []
    record = bridged(switch, "16025559999", 3)
    assert [(one["cap"], one["limit"], one["why"]) for one in record["caps"]] == [
        ("calls", "2", "")
    ]


def test_a_caller_whose_call_crossed_a_threshold_hears_busy(switch: Example) -> None:
    record = bridged(switch, "16025551234", 1, "+18666831951")
    assert record["payout"]["amount"] == "1.00"
    calling, _ = switch.call("+18666831951")
    calling.expect(486)
    record = switch.switch.wait_for_records(2)[-1]
    assert record["cause"] == "fraud"
    assert record["payout"]["amount"] == "0.00"
