"""Numbers, header fields, causes and identity of trunks, through a whole switch, both ways."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pytest

from config.model import Destination, NumberRule, TrunkNumbers
from ivr.click_to_call import Plan
from softswitch.sip.message import Request
from tests.softswitch.switchboard.test_originate import place
from tests.support.laboratory import (
    AGENT,
    CALLER,
    DIRECT,
    FAILOVER,
    FIRST,
    SWITCH,
    Laboratory,
    laboratory,
)
from tests.support.referring import THIRD, referring
from tests.support.treated import answer

Headers = Sequence[tuple[str, str]]
DIVERTED = (
    ("Diversion", "<sip:+16025550177@gw>;reason=user-busy"),
    ("P-Asserted-Identity", '"Ann" <sip:+16025550123@gw>'),
    ("P-Charge-Info", "<sip:6025550199@gw>"),
)


def called_with(lab: Laboratory, number: str = DIRECT, headers: Headers = ()) -> Request:
    """The INVITE that the agents' trunk gets."""
    lab.caller.invite(number, headers=headers)
    lab.settle()
    return lab.callee.calls[-1].request


def end(lab: Laboratory) -> None:
    lab.caller.cancel()
    lab.settle()


def test_a_call_out_has_its_numbers_in_the_trunks_form(tmp_path: Path) -> None:
    agents = "numbers: {send: {called: {format: digits, add: '9#', uri: phone}, caller: bare}}"
    with laboratory(tmp_path, agents=agents) as lab:
        request = called_with(lab, FAILOVER)
        assert request.uri == "sip:9%2316025551111@192.0.2.2;user=phone"
        assert request.headers.get("To") == f"<{request.uri}>"
        assert request.from_.uri.user == CALLER.removeprefix("+1")
        assert request.contacts[0].uri.user == CALLER.removeprefix("+1")
        end(lab)
        leg = lab.record["legs"][1]
        # Records compare: they have the numbers as the switch has them.
        assert (leg["from"], leg["to"]) == (CALLER, FIRST)


def test_a_call_out_may_go_to_a_tel_uri_and_lives_through_it(tmp_path: Path) -> None:
    agents = "numbers: {send: {called: {format: e164, uri: tel}, caller: {format: e164, uri: tel}}}"
    with laboratory(tmp_path, agents=agents) as lab:
        request = called_with(lab, FAILOVER)
        assert request.uri == f"tel:{FIRST}"
        assert str(request.from_.uri) == f"tel:{CALLER}"
        lab.callee.answer()
        lab.settle()
        lab.caller.hang_up()
        lab.settle()
        assert lab.record["cause"] == "hung_up"


def test_a_call_in_is_looked_up_by_the_number_that_its_trunk_means(tmp_path: Path) -> None:
    carrier = "numbers: {receive: {called: {strip: '77'}, caller: {strip: '+1', add: '+44'}}}"
    with laboratory(tmp_path, carrier=carrier) as lab:
        request = called_with(lab, f"77{DIRECT}")
        assert request.uri == f"sip:{DIRECT}@192.0.2.2"
        (facts,) = lab.facts("call.presented")
        assert (facts["called"], facts["called_number"]) == (DIRECT, DIRECT)
        assert facts["caller"] == "+446025550100"
        assert facts["signalling"]["dialled"] == f"77{DIRECT}"
        assert facts["signalling"]["from"] == f"sip:{CALLER}@192.0.2.1"
        end(lab)


def test_the_charged_number_is_read_as_the_callers_is(tmp_path: Path) -> None:
    with laboratory(tmp_path, carrier="numbers: {country: US}") as lab:
        called_with(lab, headers=DIVERTED)
        (facts,) = lab.facts("call.presented")
        assert facts["signalling"]["charge_number"] == "+16025550199"
        assert "dialled" not in facts["signalling"]
        end(lab)


def test_fields_are_passed_dropped_and_set(tmp_path: Path) -> None:
    agents = (
        "pass_headers: [X-Old], headers: {pass: [X-Acme-*, X-Same], drop: [X-Acme-Secret], "
        "set: {X-Campaign: '{campaign}', x-same: 'ours', X-Caller: '{caller.number}', "
        "X-Empty: '{caller.zip}'}}"
    )
    incoming = (
        ("X-Old", "1"), ("X-Acme-One", "2"), ("X-Acme-Secret", "3"), ("X-Same", "theirs"),
        ("X-Other", "4"),
    )  # fmt: skip
    with laboratory(tmp_path, agents=agents) as lab:
        headers = called_with(lab, headers=incoming).headers
        assert (headers.get("X-Old"), headers.get("X-Acme-One")) == ("1", "2")
        assert headers.get_all("X-Same") == ["ours"]
        assert headers.get("X-Campaign") == "direct"
        assert headers.get("X-Caller") == CALLER
        for name in ("X-Acme-Secret", "X-Other", "X-Empty"):
            assert name not in headers
        end(lab)


def test_a_set_field_says_nothing_of_a_private_caller(tmp_path: Path) -> None:
    agents = "headers: {set: {X-Caller: '<{caller.number}>'}}"
    with laboratory(tmp_path, agents=agents) as lab:
        request = called_with(lab, headers=(("Privacy", "id"),))
        assert request.headers.get("X-Caller") == "<>"
        assert CALLER.removeprefix("+") not in bytes(request).decode()
        end(lab)


def test_dropped_fields_of_a_call_in_are_as_if_they_were_not_there(tmp_path: Path) -> None:
    carrier = "headers: {drop: [Diversion, P-Asserted-Identity, X-Debug]}"
    agents = "headers: {pass: [X-Debug]}, caller_identity: {pass: [Diversion]}"
    with laboratory(tmp_path, carrier=carrier, agents=agents) as lab:
        request = called_with(lab, headers=(*DIVERTED, ("X-Debug", "1")))
        (facts,) = lab.facts("call.presented")
        assert facts["caller"] == CALLER
        assert "diversions" not in facts["signalling"]
        assert "asserted" not in facts["signalling"]
        assert facts["signalling"]["charge_number"] == "6025550199"
        for name in ("Diversion", "X-Debug"):
            assert name not in request.headers
        end(lab)


def test_who_calls_is_told_as_the_trunk_says(tmp_path: Path) -> None:
    agents = (
        "caller_identity: {write: [P-Asserted-Identity, Remote-Party-ID, Diversion, History-Info], "
        "pass: [Diversion]}, numbers: {send: {called: as_is, caller: digits}}"
    )
    with laboratory(tmp_path, agents=agents) as lab:
        headers = called_with(lab, headers=DIVERTED).headers
        who = f'"Ann" <sip:16025550123@{SWITCH}>'
        assert headers.get_all("P-Asserted-Identity") == [who]
        assert headers.get("Remote-Party-ID") == f"{who};party=calling;screen=yes;privacy=off"
        assert headers.get_all("Diversion") == [
            f"<sip:{DIRECT}@{SWITCH}>;reason=unconditional;counter=1",
            "<sip:16025550177@gw>;reason=user-busy",
        ]
        assert len(headers.get_all("History-Info")) == 2
        assert "P-Charge-Info" not in headers
        end(lab)


@pytest.mark.parametrize("trusted", [False, True])
def test_a_private_caller_is_told_to_a_trusted_trunk_alone(tmp_path: Path, trusted: bool) -> None:
    agents = (
        f"trusted: {trusted}, caller_identity: "
        "{write: [P-Asserted-Identity, P-Preferred-Identity], pass: [P-Charge-Info]}"
    )
    headers = (*DIVERTED, ("Privacy", "id"))
    with laboratory(tmp_path, agents=agents) as lab:
        request = called_with(lab, headers=headers)
        assert str(request.from_.uri) == "sip:anonymous@anonymous.invalid"
        assert request.headers.get("Privacy") == "id"
        who = f'"Ann" <sip:+16025550123@{SWITCH}>'
        expected = [who] if trusted else []
        assert request.headers.get_all("P-Asserted-Identity") == expected
        assert ("P-Charge-Info" in request.headers) is trusted
        assert ("6025550123" in bytes(request).decode()) is trusted
        end(lab)


@pytest.mark.parametrize(
    ("failover", "status", "legs"),
    [
        ("go_on: [486]", 486, 3),
        ("stop: [404]", 404, 2),
        ("stop: [5xx]", 503, 2),
        ("go_on: [6xx], stop: [603]", 600, 3),
        ("go_on: [6xx], stop: [603]", 603, 2),
        ("stop: [404]", 480, 3),
    ],
)
def test_a_failure_leads_on_or_not_as_the_trunk_says(
    tmp_path: Path, failover: str, status: int, legs: int
) -> None:
    with laboratory(tmp_path, agents=f"failover: {{{failover}}}") as lab:
        called_with(lab, FAILOVER)
        lab.callee.refuse(status)
        lab.settle()
        end(lab)
        assert len(lab.record["legs"]) == legs


@pytest.mark.parametrize(("cause", "legs"), [("17", 2), ("34", 3), ("999", 3), ("x", 3)])
def test_the_cause_in_a_reason_counts_before_the_status(
    tmp_path: Path, cause: str, legs: int
) -> None:
    with laboratory(tmp_path, agents="failover: {stop_causes: [17]}") as lab:
        called_with(lab, FAILOVER)
        headers = (("Reason", "SIP;cause=17"), ("Reason", f'Q.850;cause={cause};text="x"'))
        lab.callee.calls[-1].reject(480, headers=headers, now=lab.loop.time())
        lab.callee.pump.flush()
        lab.settle()
        end(lab)
        assert len(lab.record["legs"]) == legs
        assert lab.record["legs"][1]["q850"] == (int(cause) if cause in ("17", "34") else 18)


def test_a_trunk_may_say_that_one_that_rang_out_was_the_last(tmp_path: Path) -> None:
    with laboratory(tmp_path, agents="failover: {no_answer: stop}") as lab:
        called_with(lab, FAILOVER)
        lab.callee.ring()
        lab.advance(2.5)
        assert len(lab.record["legs"]) == 2


def test_a_party_that_asks_for_a_transfer_writes_numbers_as_its_trunk_does(tmp_path: Path) -> None:
    numbers = TrunkNumbers("DE", receive_called=NumberRule(strip="77"))
    with referring(tmp_path / "data") as bench:
        lab = bench.lab
        _, agent = bench.bridge()
        leg = lab.call.callee
        assert leg is not None
        leg.trunk = dataclasses.replace(leg.trunk, numbers=numbers)
        bench.refer(agent, f"sip:7700{THIRD.removeprefix('+')}@{SWITCH}")
        assert lab.facts("transfer.received")[0]["to"] == THIRD
        lab.caller.hang_up()
        lab.settle()


def test_both_legs_of_a_call_of_our_own_are_as_their_trunk_wants_them(tmp_path: Path) -> None:
    agents = (
        "numbers: {send: digits}, headers: {drop: [P-Preferred-Identity], set: {X-For: "
        "'{campaign}'}}, caller_identity: {write: [P-Asserted-Identity, P-Preferred-Identity, "
        "Diversion, History-Info]}"
    )
    with laboratory(tmp_path / "data", agents=agents) as lab:
        place(lab, Plan(Destination("number", FIRST), Destination("number", AGENT)))
        lab.settle()
        answer(lab, 0)
        for request, number, other in (
            (lab.callee.calls[0].request, FIRST, AGENT),
            (lab.callee.calls[1].request, AGENT, FIRST),
        ):
            shown = f"<sip:{other.removeprefix('+')}@{SWITCH}>"
            assert request.uri == f"sip:{number.removeprefix('+')}@192.0.2.2"
            assert (request.headers.get("From") or "").startswith(shown)
            assert request.headers.get_all("P-Asserted-Identity") == [shown]
            assert request.headers.get_all("X-For") == ["direct"]
            # Nobody has called a number whose call is sent on.
            for name in ("P-Preferred-Identity", "Diversion", "History-Info"):
                assert name not in request.headers
        lab.do(lambda: lab.switchboard.end_all("over"))
        lab.settle()
        assert {leg["to"] for leg in lab.record["legs"]} == {FIRST, AGENT}
