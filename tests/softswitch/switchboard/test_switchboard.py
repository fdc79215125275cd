"""Admission, the presented event, drain and sweep, with real calls in a laboratory."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from ringpool.lookup import NumberTable
from softswitch.call.silence import is_held, silent_for
from softswitch.routing.trunks import TrunkTable
from softswitch.sip.events import ByeReceived, InviteRejected, ResponseReceived
from softswitch.sip.flow import Flow
from softswitch.sip.message import Response
from softswitch.switchboard.switchboard import Snapshot
from tests.support.laboratory import (
    CALLER,
    CAPTURE_ONLY,
    DIRECT,
    FAILOVER,
    HOSTS,
    LONG_PROMPT,
    MENU,
    SWITCH,
    Laboratory,
    laboratory,
)
from tests.support.wire import request

PRIVATE = (
    ("P-Asserted-Identity", '"Ann Lee" <sip:+16025550123@192.0.2.1>'),
    ("Privacy", "id"),
)


def bridge(lab: Laboratory, number: str = DIRECT) -> None:
    lab.caller.invite(number)
    lab.settle()
    lab.callee.answer()
    lab.settle()
    assert lab.call.bridged


def refusal(lab: Laboratory) -> InviteRejected:
    event = [event for event in lab.caller.events if isinstance(event, InviteRejected)][-1]
    assert event.response is not None
    return event


def retry_after(lab: Laboratory) -> int:
    response = refusal(lab).response
    assert response is not None
    return int(response.headers.get("Retry-After") or "0")


def presented(lab: Laboratory) -> dict[str, Any]:
    (facts,) = lab.facts("call.presented")
    return facts


# Who is let in.


def test_a_number_that_is_not_active_is_refused_with_404_and_a_reason(lab: Laboratory) -> None:
    lab.caller.invite("555")
    lab.settle()
    assert refusal(lab).status == 404
    (facts,) = lab.facts("call.refused")
    assert facts["why"] == "number 555 is not active"
    assert (facts["called"], facts["caller"], facts["trunk"]) == ("555", CALLER, "carrier")
    assert facts["source"] == f"{HOSTS['caller']}:5060"
    assert lab.switchboard.refusals == {"404": 1}
    assert lab.switchboard.presented == 0


def test_a_source_that_is_no_trunk_is_refused_with_403(lab: Laboratory) -> None:
    snapshot = lab.switchboard.snapshot
    trunks = {"agents": snapshot.configuration.trunks["agents"]}
    configuration = dataclasses.replace(snapshot.configuration, trunks=trunks)
    lab.switchboard.snapshot = dataclasses.replace(snapshot, trunks=TrunkTable(configuration))
    lab.caller.invite(DIRECT)
    lab.settle()
    assert refusal(lab).status == 403
    (facts,) = lab.facts("call.refused")
    assert facts["trunk"] is None
    assert facts["status"] == 403


def test_a_full_switch_says_when_to_come_again(tmp_path: Path) -> None:
    with laboratory(tmp_path, max_calls=2) as lab:
        for _ in range(2):
            lab.caller.invite(LONG_PROMPT)
            lab.settle()
        for _ in range(20):
            lab.caller.invite(LONG_PROMPT)
            lab.settle()
            assert refusal(lab).status == 503
            assert 1 <= retry_after(lab) <= 5
        assert len(lab.switchboard.calls) == 2
        lab.do(lambda: lab.switchboard.end_all("test"))
        lab.caller.invite(LONG_PROMPT)
        lab.settle()
        assert len(lab.switchboard.calls) == 1
        lab.caller.hang_up()


# What is presented.


def test_a_call_is_in_the_journal_before_anybody_hears_of_it(lab: Laboratory) -> None:
    found: list[int] = []

    def look(event: object) -> None:
        if type(event).__name__ == "CallPresented":
            found.append((lab.folder / "journal.jsonl").read_bytes().count(b'"open"'))

    lab.app.events._subscribers = ((look, None), *lab.app.events._subscribers)
    lab.caller.invite(DIRECT)
    lab.settle()
    assert found == [1]
    lab.caller.cancel()


def test_a_call_is_presented_before_it_is_answered_with_all_signalling(lab: Laboratory) -> None:
    headers = (
        ("P-Asserted-Identity", '"Ann Lee" <sip:+16025550123@192.0.2.1>'),
        ("P-Charge-Info", "<sip:+16025550199@192.0.2.1>"),
        ("Diversion", "<sip:+18885550000@192.0.2.1>;reason=user-busy"),
        ("History-Info", "<sip:+18885550000@192.0.2.1>;index=1"),
    )
    lab.caller.invite(MENU, headers=headers)
    lab.settle()
    assert lab.kinds()[0] == "call.presented"
    facts = presented(lab)
    assert facts["caller"] == "+16025550123"
    assert facts["called"] == facts["called_number"] == MENU
    assert facts["campaign"] == "menu"
    signalling = facts["signalling"]
    assert signalling["name"] == "Ann Lee"
    assert signalling["asserted_trusted"] is True
    assert signalling["charge_number"] == "+16025550199"
    assert signalling["diversions"][0]["reason"] == "user-busy"
    assert signalling["history"][0]["index"] == "1"
    lab.caller.hang_up()
    lab.settle()
    assert lab.record["signalling"] == signalling
    assert lab.record["config_version"] == lab.configuration.version


def test_a_private_caller_is_known_to_us_and_shown_to_nobody(lab: Laboratory) -> None:
    lab.caller.invite(DIRECT, headers=PRIVATE)
    lab.settle()
    assert presented(lab)["caller"] == "+16025550123"
    outgoing = lab.callee.calls[0].request
    assert "6025550123" not in bytes(outgoing).decode()
    assert "Ann" not in bytes(outgoing).decode()
    assert outgoing.headers.get("Privacy") == "id"
    lab.caller.cancel()


def test_only_headers_that_a_trunk_lists_cross_the_bridge(tmp_path: Path) -> None:
    with laboratory(tmp_path, agents="pass_headers: [X-Click-Id]") as lab:
        lab.caller.invite(DIRECT, headers=(("X-Click-Id", "7"), ("X-Secret", "no")))
        lab.settle()
        headers = lab.callee.calls[0].request.headers
        assert headers.get("X-Click-Id") == "7"
        assert headers.get("X-Secret") is None
        lab.caller.cancel()


def test_a_number_for_signalling_only_has_its_record_and_is_never_answered(lab: Laboratory) -> None:
    lab.caller.invite(CAPTURE_ONLY)
    lab.settle()
    assert refusal(lab).status == 480
    assert lab.record["cause"] == "capture_only"
    assert lab.kinds() == ["call.presented", "leg.ended", "call.ended", "call.record"]


def test_a_call_keeps_the_configuration_it_began_with(lab: Laboratory) -> None:
    lab.caller.invite(FAILOVER)
    lab.settle()
    before = lab.switchboard.snapshot.configuration
    emptied = dataclasses.replace(before, numbers=(), treatments={}, version="2")
    lab.switchboard.snapshot = Snapshot(emptied, NumberTable(emptied), TrunkTable(emptied))
    lab.callee.refuse(503)
    lab.settle()
    assert len(lab.callee.calls) == 2
    lab.callee.answer()
    lab.settle()
    lab.callee.hang_up()
    lab.settle()
    assert lab.record["config_version"] == before.version
    lab.caller.invite(FAILOVER)
    lab.settle()
    assert refusal(lab).status == 404


NASTY = (
    "", "<", ">", '"', "<sip:", "<sip:>", "sip:@", "tel:", "<tel:+1;rn=>", ";;;", ",,,", "%00",
    "\x00", "BROKEN", "<sip:a@b>;reason=", "<sip:a@b>;index=1.1.1.1.1;cause=x", '"a" <sip:b@c', "=",
    "<sip:+16025550123@h;jip=602555;rn=+1602>", "<" * 500, "<sip:" + "9" * 5000 + "@h>", "a," * 500,
)  # fmt: skip
IDENTITY = (
    "P-Asserted-Identity", "Remote-Party-ID", "Privacy", "Diversion", "History-Info",
    "P-Charge-Info", "User-Agent", "Reason", "Subject",
)  # fmt: skip


@pytest.mark.parametrize("name", IDENTITY)
def test_whatever_identity_headers_say_an_invite_is_taken(lab: Laboratory, name: str) -> None:
    for number, value in enumerate(NASTY):
        line = f"{name}: {value}"
        invite = request(uri=f"sip:{CAPTURE_ONLY}@{SWITCH}", call_id=f"c{number}", headers=(line,))
        lab.give(invite.replace(b"BROKEN", b"\xff\xfe"))
        lab.settle()
        assert lab.carried[-1].startswith(("switch:480", "switch:400")), (line, lab.carried[-1])
    assert lab.switchboard.presented >= len(NASTY) - 4
    assert all(len(json.dumps(record)) < 40_000 for record in lab.all_records())


@pytest.mark.parametrize("body", ["", "v=0", "v=0\r\nm=audio 0 RTP/AVP 0", "\0" * 3000, "m=" * 999])
@pytest.mark.parametrize("content_type", ["application/sdp", "multipart/mixed;boundary=x", "a", ""])
def test_whatever_a_body_says_an_invite_has_an_answer(
    lab: Laboratory, body: str, content_type: str
) -> None:
    lab.give(request(uri=f"sip:{DIRECT}@{SWITCH}", body=body.encode(), content_type=content_type))
    lab.settle()
    if lab.switchboard.calls:
        lab.do(lambda: lab.switchboard.end_all("test"))
        lab.settle()
    assert [name for name in lab.carried if name.startswith(("switch:4", "switch:5"))]


@pytest.mark.parametrize(
    "uri",
    ["tel:100001", "tel:+1-866;x=y", "urn:service:sos", "sip:%ff@h", "sip:;x@h", "sip:h",
     "sips:100001@192.0.2.9", f"sip:{'1' * 3000}@h", "sip:100001;rn=+1@192.0.2.9", "http://h/"],
)  # fmt: skip
def test_whatever_is_called_an_invite_has_an_answer(lab: Laboratory, uri: str) -> None:
    lab.give(request(uri=uri))
    lab.settle()
    if lab.switchboard.calls:
        lab.do(lambda: lab.switchboard.end_all("test"))
        lab.settle()
    assert [name for name in lab.carried if name.startswith(("switch:4", "switch:5"))]


# Silence.


def test_a_call_without_media_is_ended_after_a_minute(lab: Laboratory) -> None:
    bridge(lab)
    lab.advance(59)
    assert lab.switchboard.calls
    lab.advance(7)
    assert (lab.record["ended_by"], lab.record["cause"]) == ("switch", "no_media")
    (bye,) = [event for event in lab.callee.events if isinstance(event, ByeReceived)]
    assert "cause=102" in (bye.request.headers.get("Reason") or "")


def test_a_call_that_rings_is_not_silent(lab: Laboratory) -> None:
    lab.caller.invite(DIRECT)
    lab.settle()
    assert silent_for(lab.call, lab.loop.time() + 1000) == 0
    lab.caller.cancel()


def test_a_held_call_may_be_silent_and_a_resumed_one_starts_anew(lab: Laboratory) -> None:
    bridge(lab)
    lab.callee.reinvite("inactive")
    lab.settle()
    assert is_held(lab.call)
    lab.advance(300)
    assert lab.call.bridged
    lab.callee.reinvite("sendrecv")
    lab.settle()
    lab.advance(50)
    assert silent_for(lab.call, lab.loop.time()) == pytest.approx(50, abs=1)
    lab.caller.hang_up()


def test_the_sweep_can_be_switched_off(lab: Laboratory) -> None:
    snapshot = lab.switchboard.snapshot
    switch = dataclasses.replace(snapshot.configuration.switch, no_media_seconds=None)
    configuration = dataclasses.replace(snapshot.configuration, switch=switch)
    lab.switchboard.snapshot = dataclasses.replace(snapshot, configuration=configuration)
    bridge(lab)
    lab.advance(1000)
    assert lab.call.bridged
    lab.caller.hang_up()


def test_the_sweep_rests_while_there_are_no_calls(lab: Laboratory) -> None:
    bridge(lab)
    lab.caller.hang_up()
    lab.advance(10)
    assert lab.switchboard._sweep_handle is None


# The end.


def test_draining_refuses_new_calls_and_lets_others_end_by_themselves(lab: Laboratory) -> None:
    bridge(lab)
    lab.begin(lab.switchboard.drain(10))
    lab.settle()
    lab.caller.outgoing = None
    dialog = lab.caller.dialog
    lab.caller.invite(DIRECT)
    lab.settle()
    assert refusal(lab).status == 503
    assert 1 <= retry_after(lab) <= 5
    assert len(lab.switchboard.calls) == 1
    assert dialog is not None
    dialog.bye(now=lab.caller.now)
    lab.caller.pump.flush()
    lab.settle()
    assert lab.record["ended_by"] == "calling"
    assert lab._beside[0].done(), "nothing is left to wait for"


def ask_options(lab: Laboratory) -> Response:
    lab.caller.stack.request(
        "OPTIONS",
        uri=f"sip:{SWITCH}",
        to_flow=Flow("udp", SWITCH, 5060),
        from_="<sip:me@192.0.2.1>",
        to=f"<sip:{SWITCH}>",
        now=lab.loop.time(),
    )
    lab.caller.pump.flush()
    lab.settle()
    answer = lab.caller.events[-1]
    assert isinstance(answer, ResponseReceived)
    return answer.response


def test_options_are_answered_503_while_draining(lab: Laboratory) -> None:
    assert ask_options(lab).status == 200
    lab.begin(lab.switchboard.drain(0.1))
    lab.settle()
    answer = ask_options(lab)
    assert answer.status == 503
    assert 1 <= int(answer.headers.get("Retry-After") or "0") <= 5


def test_calls_that_outlast_the_grace_period_are_ended(lab: Laboratory) -> None:
    bridge(lab)
    lab.begin(lab.switchboard.drain(10))
    lab.advance(9.9)
    assert lab.call.bridged
    lab.advance(0.2)
    assert (lab.record["ended_by"], lab.record["cause"]) == ("switch", "drained")


def test_a_drain_without_calls_ends_at_once(lab: Laboratory) -> None:
    lab.begin(lab.switchboard.drain(10))
    lab.settle()
    assert lab._beside[0].done()


def test_a_caller_that_waits_is_told_to_come_again_when_everything_ends(lab: Laboratory) -> None:
    lab.caller.invite(DIRECT)
    lab.settle()
    lab.do(lambda: lab.switchboard.end_all("shutdown"))
    lab.settle()
    assert refusal(lab).status == 503
    assert 1 <= retry_after(lab) <= 5
    assert lab.record["cause"] == "shutdown"


def test_closing_ends_what_is_left_and_waits_for_its_tasks(lab: Laboratory) -> None:
    for number in (DIRECT, MENU, LONG_PROMPT):
        lab.caller.invite(number)
        lab.settle()
    tasks = [call.task for call in lab.switchboard.calls.values()]
    lab.loop.run(lab.switchboard.close())
    assert all(task is not None and task.done() for task in tasks)
    assert [record["cause"] for record in lab.all_records()] == ["shutdown"] * 3
