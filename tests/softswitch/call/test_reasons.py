"""Why parties leave, across the legs of a call: RFC 3326 both ways."""

from __future__ import annotations

from pathlib import Path

import pytest

from softswitch.call.reasons import Parting, parting_of
from softswitch.sip import events
from softswitch.sip.headers.container import Headers
from tests.support.laboratory import DIRECT, laboratory

GONE = Parting(None, 16)


@pytest.mark.parametrize(
    ("values", "parting"),
    [
        ([], GONE),
        (['Q.850;cause=31;text="because"'], Parting('Q.850;cause=31;text="because"', 31)),
        (["q.850 ;cause=17"], Parting("q.850;cause=17", 17)),
        (["SIP;cause=486"], Parting('SIP;cause=486, Q.850;cause=17;text="User busy"', 17)),
        (["SIP;cause=480", "Q.850;cause=20"], Parting("SIP;cause=480, Q.850;cause=20", 20)),
        (["SIP;cause=480, Q.850;cause=20"], Parting("SIP;cause=480, Q.850;cause=20", 20)),
        (["Q.850;cause=0"], Parting("Q.850;cause=0", 16)),
        (["Q.850;cause=999"], Parting("Q.850;cause=999", 16)),
        (["X.25;cause=3"], Parting("X.25;cause=3", 16)),
        (["Q.850"], GONE),
        (["nonsense,,;;"], GONE),
        (["Q.850;cause=99999999999"], GONE),
        (["Q.850;cause=16;x=y;location=LN"], Parting("Q.850;cause=16", 16)),
    ],
)
def test_what_is_said_is_passed_on_with_its_cause(values: list[str], parting: Parting) -> None:
    assert parting_of(Headers([("Reason", value) for value in values])) == parting


def test_no_reason_is_passed_on_without_end() -> None:
    values = [("Reason", f'Q.850;cause={n};text="{"x" * 900}"') for n in range(1, 30)]
    told = parting_of(Headers(values)).reason
    assert told is not None
    assert told.count("cause") == 4
    assert len(told) < 1000


def test_the_cause_of_a_bye_is_the_legs(tmp_path: Path) -> None:
    with laboratory(tmp_path / "data") as lab:
        lab.caller.invite(DIRECT)
        lab.settle()
        lab.callee.answer()
        lab.settle()
        lab.callee.hang_up(reason="SIP;cause=503")
        lab.settle()
        (bye,) = [one for one in lab.caller.events if isinstance(one, events.ByeReceived)]
        assert bye.request.headers.get_list("Reason") == [
            "SIP;cause=503", 'Q.850;cause=41;text="Temporary failure"',
        ]  # fmt: skip
        assert [leg["q850"] for leg in lab.record["legs"]] == [41, 41]


def test_the_cause_of_a_cancel_reaches_the_far_end(tmp_path: Path) -> None:
    with laboratory(tmp_path / "data") as lab:
        outgoing = lab.caller.invite(DIRECT)
        lab.settle()
        lab.callee.ring()
        lab.settle()
        outgoing.cancel(headers=[("Reason", "Q.850;cause=31")], now=lab.loop.time())
        lab.caller.pump.flush()
        lab.settle()
        (cancelled,) = [e for e in lab.callee.events if isinstance(e, events.InviteCancelled)]
        assert cancelled.reason == "Q.850;cause=31"
        assert [leg["q850"] for leg in lab.record["legs"]] == [31, 31]
