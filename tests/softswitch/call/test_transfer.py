"""A caller sent elsewhere by REFER: every outcome is told once, and a call that goes on goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from softswitch.call.call import Call
from softswitch.call.outcomes import TransferFailed, TransferOutcome
from softswitch.sip import events
from tests.support.laboratory import DIRECT, Laboratory
from tests.support.treated import treated

TARGET = "sip:+16025550177@192.0.2.1"


class Sending:
    """A call that sends its caller elsewhere, and goes on for ten seconds when that fails."""

    def __init__(self, lab: Laboratory, to: str = TARGET, *, within: float = 20.0) -> None:
        self.lab = lab
        self.to = to
        self.within = within
        self.outcomes: list[TransferOutcome] = []

    async def treatment(self, call: Call) -> None:
        self.outcomes.append(await call.transfer(self.to, within=self.within))
        await asyncio.sleep(10)
        call.end("switch", "not_transferred")

    def begin(self) -> None:
        with treated(self.treatment):
            self.lab.caller.invite(DIRECT)
            self.lab.settle()

    def requests(self) -> list[events.RequestReceived]:
        """The REFERs that reached the caller."""
        return [
            event for event in self.lab.caller.events if isinstance(event, events.RequestReceived)
        ]

    def respond(self, status: int, *, headers: tuple[tuple[str, str], ...] = ()) -> None:
        caller = self.lab.caller
        self.requests()[-1].transaction.respond(status, headers=headers, now=caller.now)
        caller.pump.flush()
        self.lab.settle()

    def tell(self, status: int, *, last: bool, event: str = "refer") -> None:
        caller = self.lab.caller
        assert caller.dialog is not None
        caller.dialog.request(
            "NOTIFY",
            body=f"SIP/2.0 {status} Whatever\r\n".encode(),
            content_type="message/sipfrag",
            headers=(
                ("Event", event),
                ("Subscription-State", "terminated" if last else "active;expires=60"),
            ),
            now=caller.now,
        )
        caller.pump.flush()
        self.lab.settle()

    def told(self) -> list[tuple[bool, int, str]]:
        return [
            (fact["ok"], fact["status"], fact["why"]) for fact in self.lab.facts("transfer.ended")
        ]


def test_a_caller_that_reached_the_other_place_is_let_go(lab: Laboratory) -> None:
    sending = Sending(lab)
    sending.begin()
    refer = sending.requests()[0].request
    assert refer.headers.get("Refer-To") == f"<{TARGET}>"
    assert refer.headers.get("Referred-By") == "<sip:100001@192.0.2.9>"
    sending.respond(202)
    sending.tell(100, last=False)
    sending.tell(180, last=False)
    assert lab.all_records() == []
    sending.tell(200, last=True)
    assert lab.kinds()[-5:] == [
        "transfer.requested", "transfer.ended", "leg.ended", "call.ended", "call.record",
    ]  # fmt: skip
    assert lab.facts("transfer.requested") == [
        {"leg": "a", "to": TARGET, "attended": False, "other_call": None, "other_leg": None}
    ]
    assert sending.told() == [(True, 200, "")]
    assert (lab.record["ended_by"], lab.record["cause"]) == ("switch", "transferred")
    assert "switch:BYE" in lab.carried


def tells(status: int, *, event: str = "refer", waits: float = 0.0) -> Callable[[Sending], None]:
    """The caller takes the REFER, tells a status, and time passes."""

    def deed(sending: Sending) -> None:
        sending.respond(202)
        if status:
            sending.tell(status, last=not waits or event != "refer", event=event)
        sending.lab.advance(waits)

    return deed


def stays_silent(sending: Sending) -> None:
    """The caller takes the REFER, and says that it will tell nothing."""
    sending.respond(202, headers=(("Refer-Sub", "false"),))


def in_turn(*deeds: Callable[[Sending], None]) -> Callable[[Sending], None]:
    def deed(sending: Sending) -> None:
        for one in deeds:
            one(sending)

    return deed


def time_runs_out(sending: Sending) -> None:
    sending.lab.advance(20.1)


FAILURES: dict[str, tuple[Callable[[Sending], None], TransferFailed]] = {
    "refused": (lambda s: s.respond(603), TransferFailed(603, "refused")),
    "not understood": (lambda s: s.respond(405), TransferFailed(405, "refused")),
    "asked for a password": (lambda s: s.respond(401), TransferFailed(401, "refused")),
    "busy there": (tells(486), TransferFailed(486, "failed")),
    "moved there": (tells(302), TransferFailed(302, "failed")),
    "will not tell": (in_turn(tells(180), time_runs_out), TransferFailed(180, "untold")),
    "says so at once": (in_turn(stays_silent, time_runs_out), TransferFailed(202, "untold")),
    "busy with an offer": (lambda s: s.respond(491), TransferFailed(491, "refused")),
    "never told": (tells(0, waits=20.1), TransferFailed(202, "timeout")),
    "told that it rings, no more": (tells(180, waits=20.1), TransferFailed(180, "timeout")),
    "told something else": (tells(200, event="x", waits=20.1), TransferFailed(202, "timeout")),
    "never answered": (lambda s: s.lab.advance(20.1), TransferFailed(0, "timeout")),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_caller_that_did_not_get_there_is_still_with_us(lab: Laboratory, name: str) -> None:
    deed, expected = FAILURES[name]
    sending = Sending(lab)
    sending.begin()
    deed(sending)
    assert sending.outcomes == [expected]
    assert sending.told() == [(False, expected.status, expected.why)]
    lab.advance(9)
    assert lab.all_records() == []
    lab.advance(2)
    assert lab.record["cause"] == "not_transferred"


def test_what_is_told_too_late_changes_nothing(lab: Laboratory) -> None:
    sending = Sending(lab)
    sending.begin()
    sending.respond(202)
    lab.advance(20.1)
    sending.tell(200, last=True)
    assert sending.told() == [(False, 202, "timeout")]
    assert lab.call.caller.answered
    lab.advance(11)
    assert lab.record["cause"] == "not_transferred"


@pytest.mark.parametrize("status", [0, 202, 180])
def test_a_caller_that_leaves_before_the_outcome_has_hung_up(lab: Laboratory, status: int) -> None:
    sending = Sending(lab)
    sending.begin()
    if status:
        sending.respond(202)
    if status == 180:
        sending.tell(180, last=False)
    lab.caller.hang_up()
    lab.settle()
    # Its stack refuses what it had still to answer before it leaves.
    left = (False, status, "hung_up") if status else (False, 487, "refused")
    assert sending.told() == [left]
    assert (lab.record["ended_by"], lab.record["cause"]) == ("calling", "hung_up")


@pytest.mark.parametrize("way", [stays_silent, tells(100), tells(180)])
def test_a_caller_that_tells_nothing_tells_by_leaving(
    lab: Laboratory, way: Callable[[Sending], None]
) -> None:
    """RFC 4488: without a subscription the outcome is learned in other ways."""
    sending = Sending(lab)
    sending.begin()
    way(sending)
    lab.advance(5)
    assert sending.outcomes == []
    lab.caller.hang_up()
    lab.settle()
    assert [told[0] for told in sending.told()] == [True]
    assert (lab.record["ended_by"], lab.record["cause"]) == ("switch", "transferred")
    assert lab.record["transfers"][0]["ok"] is True


def test_what_is_told_after_the_bye_is_not_heard(lab: Laboratory) -> None:
    sending = Sending(lab)
    sending.begin()
    sending.respond(202)
    lab.held.add("caller:NOTIFY")
    sending.tell(200, last=True)
    lab.caller.hang_up()
    lab.settle()
    lab.release()
    lab.settle()
    assert sending.told() == [(False, 202, "hung_up")]
    assert "switch:481 NOTIFY" in lab.carried
    assert (lab.record["ended_by"], lab.record["cause"]) == ("calling", "hung_up")


def test_a_hold_of_the_caller_crosses_the_refer(lab: Laboratory) -> None:
    lab.held.add("switch:REFER")
    sending = Sending(lab)
    sending.begin()
    lab.held.add("caller:INVITE")
    lab.caller.reinvite()
    lab.release()
    lab.settle()
    sending.respond(202)
    lab.caller.reinvite("sendrecv")
    sending.tell(200, last=True)
    assert sending.told() == [(True, 200, "")]
    assert lab.record["cause"] == "transferred"


DOUBLED = ("switch:REFER", "caller:202 REFER", "caller:NOTIFY", "switch:200 NOTIFY", "switch:BYE")


@pytest.mark.parametrize("name", DOUBLED)
def test_no_packet_of_a_transfer_counts_twice(lab: Laboratory, name: str) -> None:
    lab.doubled.add(name)
    sending = Sending(lab)
    sending.begin()
    sending.respond(202)
    sending.tell(180, last=False)
    sending.tell(200, last=True)
    assert len(sending.requests()) == 1
    assert sending.told() == [(True, 200, "")]
    assert lab.record["cause"] == "transferred"


def test_the_outcome_and_the_callers_bye_in_one_moment(lab: Laboratory) -> None:
    sending = Sending(lab)
    sending.begin()
    sending.respond(202)
    lab.held |= {"caller:NOTIFY"}
    sending.tell(200, last=True)
    lab.caller.hang_up()
    lab.release()
    lab.settle()
    assert len(sending.told()) == 1
    assert lab.record["cause"] in ("transferred", "hung_up")


def test_a_caller_that_knows_the_dialog_no_more_ends_the_call(lab: Laboratory) -> None:
    sending = Sending(lab)
    sending.begin()
    sending.respond(481)
    assert sending.told() == [(False, 481, "refused")]
    assert lab.record["cause"] == "leg_lost"


def test_before_the_ack_nobody_is_sent_anywhere(lab: Laboratory) -> None:
    lab.held.add("caller:ACK")
    sending = Sending(lab)
    sending.begin()
    assert "switch:REFER" not in lab.carried
    lab.release()
    lab.settle()
    assert "switch:REFER" in lab.carried
    sending.respond(202)
    sending.tell(200, last=True)
    assert lab.record["cause"] == "transferred"


@pytest.mark.parametrize(
    "to", ["", "nowhere", "mailto:a@b", "sip:a b@c", "sip:x@y>\r\nReplaces: z", "http://x"]
)
def test_what_is_no_address_is_no_place_to_go(lab: Laboratory, to: str) -> None:
    sending = Sending(lab, to)
    sending.begin()
    assert sending.outcomes == [TransferFailed(0, "not_possible")]
    assert sending.told() == []
    assert "switch:REFER" not in lab.carried
    lab.advance(11)


def test_a_second_transfer_waits_for_nobody_while_one_is_under_way(lab: Laboratory) -> None:
    outcomes: list[TransferOutcome] = []

    async def treatment(call: Call) -> None:
        first = asyncio.ensure_future(call.transfer(TARGET, within=2))
        await asyncio.sleep(1)
        outcomes.append(await call.transfer(TARGET, within=2))
        outcomes.append(await first)
        outcomes.append(await call.transfer(TARGET, within=2))

    with treated(treatment):
        lab.caller.invite(DIRECT)
        lab.settle()
    lab.advance(5)
    assert outcomes == [
        TransferFailed(0, "not_possible"),
        TransferFailed(0, "timeout"),
        TransferFailed(0, "timeout"),
    ]


def test_a_treatment_that_would_not_wait_has_given_up(lab: Laboratory) -> None:
    async def treatment(call: Call) -> None:
        try:
            async with asyncio.timeout(1):
                await call.transfer(TARGET, within=20)
        except TimeoutError:
            await asyncio.sleep(1)

    with treated(treatment):
        lab.caller.invite(DIRECT)
        lab.settle()
    lab.advance(3)
    assert [fact["why"] for fact in lab.facts("transfer.ended")] == ["timeout"]
    assert lab.record["cause"] == "treatment_ended"


def test_a_subscriber_ends_the_call_when_the_transfer_is_asked_for(lab: Laboratory) -> None:
    def end(event: object) -> None:
        if type(event).__name__ == "TransferRequested":
            lab.call.end("switch", "subscriber")

    lab.app.events.subscribe(end)
    Sending(lab).begin()
    assert lab.record["cause"] == "subscriber"
    assert [fact["why"] for fact in lab.facts("transfer.ended")] == ["hung_up"]


@pytest.mark.parametrize(
    "name",
    [
        "switch:REFER",
        "caller:202 REFER",
        "caller:NOTIFY",
        "switch:200 NOTIFY",
        "switch:BYE",
        "caller:200 BYE",
        "switch:200 INVITE",
        "caller:ACK",
    ],
)
def test_no_packet_of_a_transfer_may_be_missed(lab: Laboratory, name: str) -> None:
    lab.lost.add(name)
    sending = Sending(lab)
    sending.begin()
    lab.advance(0.3)
    if name in ("switch:REFER", "switch:200 INVITE", "caller:ACK"):
        lab.lost.clear()  # there is nothing to answer before it has come
    lab.advance(1.3)
    sending.respond(202)
    sending.tell(100, last=False)
    lab.advance(0.3)
    sending.tell(200, last=True)
    lab.advance(0.3)
    lab.lost.clear()
    lab.advance(5)
    assert sending.told() == [(True, 200, "")]
    assert lab.record["cause"] == "transferred"
