"""A peer that would have a call leave TLS is a line of the log, now and then."""

from __future__ import annotations

import pytest

from softswitch.call.seldom import EVERY_SECONDS
from softswitch.sip.events import ClearAsked
from tests.support.laboratory import DIRECT, Laboratory


def test_who_asks_for_the_clear_is_named_once_in_a_while(
    lab: Laboratory, caplog: pytest.LogCaptureFixture
) -> None:
    lab.caller.invite(DIRECT)
    lab.settle()
    lab.callee.answer()
    lab.settle()
    (leg,) = [leg for leg in lab.call.legs if leg is not lab.call.caller]
    dialog = leg.dialog
    assert dialog is not None
    asked = ClearAsked(dialog, "sip:agent@192.0.2.2;transport=udp")
    for _ in range(4):
        leg.receive(asked)
    lab.advance(EVERY_SECONDS)
    leg.receive(asked)
    told = "asks by TLS for requests to sip:agent@192.0.2.2;transport=udp: they stay on TLS"
    call = lab.call.call_id
    assert [one.getMessage() for one in caplog.records if "TLS" in one.getMessage()] == [
        f"call {call} leg {leg.leg_id}: trunk agents {told}",
        f"call {call} leg {leg.leg_id}: trunk agents {told} (4 times)",
    ]
    # Another trunk is told of by itself; what comes after the end is nobody's.
    lab.call.caller.receive(asked)
    assert "trunk carrier asks" in caplog.records[-1].getMessage()
    lab.caller.hang_up()
    lab.settle()
    count = len(caplog.records)
    leg.receive(asked)
    assert len(caplog.records) == count
