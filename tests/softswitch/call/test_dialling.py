"""Several destinations at once, and the far end asked before the bridge: who wins, what the losers
and the caller are told, and every crossing of the two."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from softswitch.call.call import Call
from softswitch.call.called_leg import CalledLeg
from softswitch.call.dialling import best_failure
from softswitch.call.outcomes import (
    Answered,
    Cancelled,
    Declined,
    DialFailure,
    DialOutcome,
    Rejected,
    TimedOut,
)
from softswitch.call.rejection import reject_with_ringing
from tests.support.laboratory import DIRECT, Laboratory, laboratory, session_description
from tests.support.treated import (
    Script,
    answer,
    goodbyes,
    refuse,
    request_to,
    requests_to,
    ring,
    treated,
)

ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'
CLEARED = 'Q.850;cause=16;text="Normal call clearing"'


class Group:
    """A call that dials several destinations at once and talks to the one that took it."""

    def __init__(
        self,
        lab: Laboratory,
        count: int = 2,
        *,
        asked: bool = False,
        answered_first: bool = False,
        within: float | None = None,
    ) -> None:
        self.lab = lab
        self.count = count
        self.asked = asked
        self.answered_first = answered_first
        self.within = within
        self.outcome: DialOutcome | None = None
        self.heard: list[tuple[str, str | None]] = []

    async def treatment(self, call: Call) -> None:
        if self.answered_first:
            await call.answer()
        requests = requests_to(self.lab, self.count)
        try:
            async with asyncio.timeout(self.within):
                self.outcome = await call.dial_all(
                    requests, screen=self.ask if self.asked else None
                )
        except TimeoutError:
            await reject_with_ringing(call, 1.0)
            return
        if isinstance(self.outcome, Answered):
            call.bridge(self.outcome.leg)
            await call.talk()
        else:
            call.end("called", "rejected", status=self.outcome.status)

    async def ask(self, leg: CalledLeg) -> bool:
        """Whisper, then press to accept."""
        await leg.play(leg.services.prompts.ringback("us"))
        key = await leg.next_digit(5.0)
        self.heard.append((leg.leg_id, key))
        return key == "1"

    def begin(self) -> None:
        with treated(self.treatment):
            self.lab.caller.invite(DIRECT)
            self.lab.settle()
        assert len(self.lab.callee.calls) == self.count

    def press(self, leg_id: str, digit: str) -> None:
        (leg,) = [leg for leg in self.lab.call._legs if leg.leg_id == leg_id]
        leg.on_digit(digit)
        self.lab.settle()

    def legs(self) -> list[tuple[str, int, str]]:
        """How the legs ended, in order."""
        return [
            (fact["leg"], fact["status"], fact["cause"]) for fact in self.lab.facts("leg.ended")
        ]


def told(lab: Laboratory) -> list[str]:
    """What the caller was answered, besides 100."""
    return [
        name.removeprefix("switch:").removesuffix(" INVITE")
        for name in lab.carried
        if name.startswith("switch:") and name.endswith(" INVITE") and "100" not in name
    ]


def joined(lab: Laboratory) -> str | None:
    """The leg that the caller hears."""
    return None if lab.call.joined is None else lab.call.joined.leg_id


def bridged(lab: Laboratory) -> bool:
    return lab.call.bridged


# Who wins.


def test_the_first_that_answers_has_the_call_and_the_others_are_told_so(lab: Laboratory) -> None:
    group = Group(lab, 3)
    group.begin()
    for place in range(3):
        ring(lab, place)
    answer(lab, 1)
    assert bridged(lab)
    assert goodbyes(lab) == [("CANCEL", ELSEWHERE)] * 2
    assert isinstance(group.outcome, Answered)
    assert group.outcome.leg.request.to_number == "502"
    assert group.legs() == [("b1", 487, "completed_elsewhere"), ("b3", 487, "completed_elsewhere")]
    assert {fact["q850"] for fact in lab.facts("leg.ended")} == {26}
    lab.caller.hang_up()
    lab.settle()
    assert [leg["status"] for leg in lab.record["legs"]] == [200, 487, 200, 487]
    assert [leg["to"] for leg in lab.record["legs"]][1:] == ["501", "502", "503"]


def test_all_are_called_at_the_same_moment(lab: Laboratory) -> None:
    Group(lab, 5).begin()
    times = [event.clock for event in lab.all_events if event.kind == "leg.originated"]
    assert len(times) == 5
    assert len(set(times)) == 1
    lab.caller.cancel()


def test_of_two_that_answer_in_one_moment_one_has_the_call(lab: Laboratory) -> None:
    group = Group(lab)
    group.begin()
    answer(lab, 1, settle=False)
    answer(lab, 0, settle=False)
    lab.settle()
    assert bridged(lab)
    assert lab.kinds().count("leg.answered") == 2
    assert goodbyes(lab) == [("BYE", ELSEWHERE)]
    assert [leg[1:] for leg in group.legs()] == [(200, "completed_elsewhere")]
    lab.caller.hang_up()


def test_one_that_answers_and_leaves_in_one_moment_does_not_win(lab: Laboratory) -> None:
    def leave(event: object) -> None:
        if type(event).__name__ == "LegAnswered" and lab.kinds().count("leg.answered") == 1:
            leg = lab.call._legs[1]
            lab.call.on_hung_up(leg, reason=None)

    lab.app.events.subscribe(leave)
    Group(lab).begin()
    answer(lab, 0)
    assert not bridged(lab)
    answer(lab, 1)
    assert bridged(lab)
    lab.caller.hang_up()


def test_the_answer_of_a_loser_crosses_its_cancel(lab: Laboratory) -> None:
    Group(lab).begin()
    ring(lab, 0)
    ring(lab, 1)
    lab.held.add("switch:CANCEL")
    answer(lab, 0)
    answer(lab, 1)
    lab.release()
    lab.settle()
    assert goodbyes(lab) == [("BYE", ELSEWHERE)]
    assert lab.kinds().count("leg.answered") == 1
    assert bridged(lab)
    lab.callee.dialog = lab.callee.dialogs[0]
    lab.callee.hang_up()
    lab.settle()
    assert (lab.record["ended_by"], lab.record["cause"]) == ("called", "hung_up")


def test_the_refusal_of_a_loser_crosses_its_cancel(lab: Laboratory) -> None:
    Group(lab).begin()
    ring(lab, 1)
    lab.held.add("switch:CANCEL")
    answer(lab, 0)
    refuse(lab, 1, 486)
    lab.release()
    lab.settle()
    assert bridged(lab)
    lab.caller.hang_up()


def test_a_loser_that_has_said_nothing_is_cancelled_when_it_does(lab: Laboratory) -> None:
    """RFC 3261 section 9.1: no CANCEL before a provisional response."""
    lab.held.add("callee:100 INVITE")
    Group(lab).begin()
    answer(lab, 0)
    assert "switch:CANCEL" not in lab.carried
    lab.release()
    lab.settle()
    assert goodbyes(lab) == [("CANCEL", ELSEWHERE)]
    lab.caller.hang_up()


@pytest.mark.parametrize(
    "name",
    [
        "switch:INVITE",
        "callee:100 INVITE",
        "callee:180 INVITE",
        "callee:200 INVITE",
        "switch:ACK",
        "switch:CANCEL",
        "callee:200 CANCEL",
        "callee:487 INVITE",
        "switch:180 INVITE",
        "switch:200 INVITE",
        "caller:ACK",
    ],
)
def test_no_packet_of_a_group_may_be_missed(lab: Laboratory, name: str) -> None:
    lab.lost.add(name)
    with treated(Group(lab).treatment):
        lab.caller.invite(DIRECT)
        lab.settle()
    lab.advance(0.3)
    if name == "switch:INVITE":
        lab.lost.clear()  # there is nobody to do anything before it has come
    lab.advance(0.5)
    for place in range(2):
        ring(lab, place)
    answer(lab, 0)
    lab.advance(0.3)
    lab.lost.clear()
    lab.advance(5)
    assert bridged(lab)
    assert len([one for one in goodbyes(lab) if one[0] == "CANCEL"]) == 1
    lab.caller.hang_up()


# Nobody wins.


def test_when_all_fail_the_best_failure_is_told(lab: Laboratory) -> None:
    group = Group(lab, 3)
    group.begin()
    for place, status in enumerate((503, 486, 480)):
        assert group.outcome is None
        refuse(lab, place, status)
    assert isinstance(group.outcome, Rejected)
    assert told(lab) == ["486"]
    assert [leg[1] for leg in group.legs()] == [503, 486, 480, 486]


def test_all_refuse_in_one_moment(lab: Laboratory) -> None:
    group = Group(lab, 3)
    group.begin()
    for place in range(3):
        refuse(lab, place, 480 + place, settle=False)
    lab.settle()
    assert isinstance(group.outcome, Rejected)
    assert len(group.legs()) == 4


def test_each_rings_for_its_own_time(lab: Laboratory) -> None:
    outcomes: list[DialOutcome] = []

    async def treatment(call: Call) -> None:
        requests = [request_to(lab, "501", ring_seconds=2), request_to(lab, "502", ring_seconds=4)]
        outcomes.append(await call.dial_all(requests))

    with treated(treatment):
        lab.caller.invite(DIRECT)
        lab.settle()
    lab.advance(2.5)
    assert [fact["status"] for fact in lab.facts("leg.ended")] == [408]
    assert outcomes == []
    lab.advance(2)
    assert outcomes == [TimedOut()]


RANKED: Sequence[tuple[DialFailure, ...]] = (
    (Rejected(603, "", 21), Rejected(404, "", 1), TimedOut()),
    (Rejected(302, "", 23), Rejected(486, "", 17)),
    (Rejected(486, "", 17), Rejected(503, "", 41)),
    (Rejected(484, "", 28), Rejected(486, "", 17), TimedOut()),
    (Rejected(486, "", 17), TimedOut(), Rejected(401, "", 21)),
    (Declined(), Rejected(407, "", 21)),
    (TimedOut(), Cancelled()),
    (Rejected(503, "", 41), Rejected(503, "", 34, no_capacity=True)),
    (Rejected(404, "", 1), Rejected(410, "", 22)),
)


@pytest.mark.parametrize("failures", RANKED)
def test_the_best_of_several_failures(failures: tuple[DialFailure, ...]) -> None:
    """RFC 3261 section 16.7, step 6; between equals the first."""
    assert best_failure(failures) is failures[0]
    if failures[0].status != 404:
        assert best_failure(failures[::-1]) is failures[0]


def test_nobody_to_call_is_a_failure(lab: Laboratory) -> None:
    outcomes: list[DialOutcome] = []

    async def treatment(call: Call) -> None:
        outcomes.append(await call.dial_all(()))

    run(lab, treatment)
    assert outcomes == [Rejected(480, "nobody was called", 18)]


# No room.


def test_without_a_port_for_one_of_them_the_others_ring(tmp_path: Path) -> None:
    with laboratory(tmp_path, pairs=3) as lab:
        group = Group(lab, 3)
        with treated(group.treatment):
            lab.caller.invite(DIRECT)
            lab.settle()
        assert len(lab.callee.calls) == 2
        answer(lab, 1)
        assert bridged(lab)
        lab.caller.hang_up()
        lab.settle()
        assert len(lab.record["legs"]) == 3


def test_a_failure_of_the_far_end_counts_more_than_our_lack_of_ports(tmp_path: Path) -> None:
    with laboratory(tmp_path, pairs=2) as lab:
        group = Group(lab, 2)
        with treated(group.treatment):
            lab.caller.invite(DIRECT)
            lab.settle()
        refuse(lab, 0, 500)
        assert group.outcome == Rejected(500, "Server Internal Error", 41, by_far_end=True)


def test_without_any_port_nobody_is_called(tmp_path: Path) -> None:
    with laboratory(tmp_path, pairs=1) as lab:
        group = Group(lab, 2)
        with treated(group.treatment):
            lab.caller.invite(DIRECT)
            lab.settle()
        assert group.outcome == Rejected(503, "no media port", 34, no_capacity=True)
        assert len(lab.record["legs"]) == 1


def test_a_trunk_takes_no_more_of_them_than_it_may(tmp_path: Path) -> None:
    with laboratory(tmp_path, agents="max_calls: 2") as lab:
        group = Group(lab, 3)
        with treated(group.treatment):
            lab.caller.invite(DIRECT)
            lab.settle()
        assert len(lab.callee.calls) == 2
        lab.caller.cancel()


# The caller leaves.


def test_the_caller_gives_up_while_all_ring(lab: Laboratory) -> None:
    group = Group(lab, 3)
    group.begin()
    for place in range(3):
        ring(lab, place)
    lab.caller.cancel()
    lab.settle()
    assert [what for what, _ in goodbyes(lab)] == ["CANCEL"] * 3
    assert {leg[1:] for leg in group.legs()} == {(487, "cancelled")}
    assert lab.record["ended_by"] == "calling"


@pytest.mark.parametrize("first", ["answer", "cancel"])
def test_the_caller_gives_up_in_the_moment_of_the_answer(lab: Laboratory, first: str) -> None:
    Group(lab).begin()
    ring(lab, 0)
    deeds: dict[str, Callable[[], None]] = {
        "answer": lambda: answer(lab, 0, settle=False),
        "cancel": lab.caller.cancel,
    }
    deeds[first]()
    for name, deed in deeds.items():
        if name != first:
            deed()
    lab.settle()
    lab.caller.hang_up()
    lab.settle()
    assert lab.record["ended_by"] == "calling"
    assert len(lab.facts("leg.ended")) == 3


def test_the_caller_gives_up_while_somebody_is_asked(lab: Laboratory) -> None:
    group = Group(lab, asked=True)
    group.begin()
    ring(lab, 1)
    answer(lab, 0)
    lab.wait_for_prompts()
    lab.caller.cancel()
    lab.settle()
    assert goodbyes(lab) == [("BYE", CLEARED), ("CANCEL", CLEARED)]
    assert sorted(leg[:2] for leg in group.legs()) == [("a", 487), ("b1", 200), ("b2", 487)]
    assert lab.record["talk_seconds"] == 0.0


# What the caller hears.


def test_one_ringing_is_heard_of_all(lab: Laboratory) -> None:
    Group(lab, 3).begin()
    for place, status in ((0, 183), (1, 180), (0, 180), (2, 181), (1, 182)):
        ring(lab, place, status)
    assert told(lab) == ["180"]
    lab.caller.cancel()


def test_early_media_is_heard_of_the_last_one_only(lab: Laboratory) -> None:
    Group(lab, 3).begin()
    ring(lab, 0, 183, media=True)
    ring(lab, 1, 183, media=True)
    assert joined(lab) is None
    refuse(lab, 2, 486)
    refuse(lab, 0, 486)
    assert joined(lab) == "b2"
    assert told(lab) == ["180", "183"]
    refuse(lab, 1, 486)
    assert told(lab) == ["180", "183", "486"]


def test_the_last_one_begins_its_early_media_when_it_is_alone(lab: Laboratory) -> None:
    Group(lab).begin()
    ring(lab, 0)
    refuse(lab, 1, 486)
    assert told(lab) == ["180"]
    ring(lab, 0, 183, media=True)
    assert told(lab) == ["180", "183"]
    assert joined(lab)
    answer(lab, 0)
    assert bridged(lab)
    lab.caller.hang_up()


def test_an_answered_caller_hears_the_last_ones_early_media(lab: Laboratory) -> None:
    Group(lab, answered_first=True).begin()
    ring(lab, 0, 183, media=True)
    assert joined(lab) is None
    refuse(lab, 1, 503)
    assert joined(lab)
    refuse(lab, 0, 503)
    assert "switch:BYE" in lab.carried


# Forks.


def test_a_destination_that_forks_is_one_destination(lab: Laboratory) -> None:
    group = Group(lab)
    group.begin()
    invite = lab.callee.calls[0].request
    for tag, status in (("f1", "180 Ringing"), ("f2", "180 Ringing"), ("f2", "200 OK"),
                        ("f1", "200 OK")):  # fmt: skip
        respond(lab, invite, tag, status)
    assert bridged(lab)
    assert lab.kinds().count("leg.answered") == 1
    assert isinstance(group.outcome, Answered)
    assert group.outcome.leg.dialog is not None
    assert group.outcome.leg.dialog.remote_tag == "f2"
    # Each is acknowledged (and the loser's 487), the second ended, and so the other destination.
    assert lab.carried.count("switch:ACK") == 3
    assert lab.carried.count("switch:BYE") == 1
    assert goodbyes(lab) == [("CANCEL", ELSEWHERE)]
    lab.caller.hang_up()


def respond(lab: Laboratory, invite: object, tag: str, status: str) -> None:
    """One fork's response, written by hand and brought from the phone called."""
    headers = invite.headers  # type: ignore[attr-defined]  # it is a Request
    body = lab.callee.description if status.startswith("200") else b""
    lines = [f"SIP/2.0 {status}"]
    lines += [f"{name}: {headers.get(name)}" for name in ("Via", "From", "Call-ID", "CSeq")]
    lines += [f"To: {headers.get('To')};tag={tag}", "Contact: <sip:fork@192.0.2.2>"]
    lines += ["Content-Type: application/sdp"] if body else []
    lines += [f"Content-Length: {len(body)}", "", ""]
    lab._carry("callee", "\r\n".join(lines).encode() + body, request_to(lab, "x").flow._replace(
        host="192.0.2.9"))  # fmt: skip
    lab.settle()


# The far end is asked.


def test_one_that_accepts_has_the_call_and_the_caller_is_answered_then(lab: Laboratory) -> None:
    group = Group(lab, 1, asked=True)
    group.begin()
    answer(lab, 0)
    assert told(lab) == ["180"], "its phone rings while somebody is asked"
    lab.wait_for_prompts()
    assert lab.facts("prompt.started")[0]["leg"] == "b1"
    assert not bridged(lab)
    group.press("b1", "1")
    assert told(lab) == ["180", "200"]
    assert bridged(lab)
    assert group.heard == [("b1", "1")]
    lab.advance(3)
    lab.caller.hang_up()
    lab.settle()
    assert lab.record["talk_seconds"] == 3.0
    assert lab.record["keys"] == []


@pytest.mark.parametrize("key", ["2", None])
def test_one_that_does_not_accept_is_left_and_the_caller_is_not_answered(
    lab: Laboratory, key: str | None
) -> None:
    group = Group(lab, 1, asked=True)
    group.begin()
    answer(lab, 0)
    lab.wait_for_prompts()
    if key is None:
        lab.advance(5.1)
    else:
        group.press("b1", key)
    assert group.outcome == Declined()
    assert goodbyes(lab) == [("BYE", None)]
    assert group.legs()[0] == ("b1", 200, "declined")
    assert told(lab) == ["180", "480"]
    assert lab.record["answered_at"] is None


def test_one_that_hangs_up_while_it_is_asked_has_not_taken_the_call(lab: Laboratory) -> None:
    group = Group(lab, asked=True)
    group.begin()
    answer(lab, 0)
    lab.wait_for_prompts()
    lab.callee.hang_up()
    lab.settle()
    assert group.heard == [("b1", None)]
    assert group.legs() == [("b1", 200, "hung_up")]
    answer(lab, 1)
    lab.wait_for_prompts(2)
    group.press("b2", "1")
    assert bridged(lab)
    lab.caller.hang_up()


def test_it_hangs_up_in_the_middle_of_what_it_is_told(lab: Laboratory) -> None:
    group = Group(lab, 1, asked=True)
    group.begin()
    answer(lab, 0)
    lab.callee.hang_up()
    lab.settle()
    assert group.outcome == Declined(why="hung_up")
    assert lab.facts("prompt.ended")[0]["leg"] == "b1"


def test_of_two_that_are_asked_the_first_to_accept_has_the_call(lab: Laboratory) -> None:
    group = Group(lab, 3, asked=True)
    group.begin()
    ring(lab, 2)
    answer(lab, 0)
    answer(lab, 1)
    lab.wait_for_prompts(2)
    group.press("b2", "1")
    assert bridged(lab)
    assert isinstance(group.outcome, Answered)
    assert group.outcome.leg.leg_id == "b2"
    assert goodbyes(lab) == [("BYE", ELSEWHERE), ("CANCEL", ELSEWHERE)]
    lab.caller.hang_up()


def test_two_accept_in_one_moment(lab: Laboratory) -> None:
    group = Group(lab, asked=True)
    group.begin()
    answer(lab, 0)
    answer(lab, 1)
    lab.wait_for_prompts(2)
    for leg in list(lab.call._legs)[1:]:
        leg.on_digit("1")
    lab.settle()
    assert isinstance(group.outcome, Answered)
    assert group.outcome.leg.leg_id == "b1", "it was the first to answer"
    assert goodbyes(lab) == [("BYE", ELSEWHERE)]
    lab.caller.hang_up()


def test_the_caller_hears_ringback_while_one_is_asked_whose_early_media_it_heard(
    lab: Laboratory,
) -> None:
    group = Group(lab, 1, asked=True)
    group.begin()
    ring(lab, 0, 183, media=True)
    assert joined(lab)
    answer(lab, 0)
    assert joined(lab) is None
    lab.wait_for_prompts()
    assert [fact["leg"] for fact in lab.facts("prompt.started")] == ["a", "b1"]
    group.press("b1", "1")
    assert bridged(lab)
    assert joined(lab)
    lab.caller.hang_up()


def test_one_that_holds_us_while_it_is_asked_still_does_when_it_is_bridged(
    lab: Laboratory,
) -> None:
    group = Group(lab, 1, asked=True)
    group.begin()
    answer(lab, 0)
    lab.wait_for_prompts()
    lab.callee.reinvite("sendonly")
    lab.settle()
    group.press("b1", "1")
    lab.settle()
    assert any(b"a=sendonly" in body for body in lab.bodies("caller")), "the caller is held too"
    lab.caller.hang_up()


def test_keys_pressed_before_the_question_do_not_answer_it(lab: Laboratory) -> None:
    group = Group(lab, 1, asked=True)
    group.begin()
    ring(lab, 0, 183, media=True)
    group.press("b1", "1")
    answer(lab, 0)
    lab.wait_for_prompts()
    assert not bridged(lab)
    lab.advance(5.1)
    assert group.heard == [("b1", None)]


def test_a_direction_of_the_answer_itself_makes_no_new_offer(lab: Laboratory) -> None:
    Group(lab, 1).begin()
    lab.callee.description = session_description(lab.sink_port, "sendonly")
    answer(lab, 0)
    assert bridged(lab)
    assert lab.carried.count("switch:INVITE") == 1
    lab.caller.hang_up()


def test_a_question_that_fails_ends_the_call_and_leaves_nothing(lab: Laboratory) -> None:
    lab.expected_errors.append("its treatment failed")

    async def ask(leg: CalledLeg) -> bool:
        raise RuntimeError("a bug of the treatment")

    async def treatment(call: Call) -> None:
        await call.dial_all(requests_to(lab, 2), screen=ask)

    with treated(treatment):
        lab.caller.invite(DIRECT)
        lab.settle()
    ring(lab, 1)
    answer(lab, 0)
    assert lab.record["cause"] == "internal_error"
    assert len(lab.facts("leg.ended")) == 3


def test_a_treatment_that_would_not_wait_leaves_all_of_them(lab: Laboratory) -> None:
    group = Group(lab, 3, asked=True, within=4.0)
    group.begin()
    ring(lab, 1)
    answer(lab, 0)
    lab.wait_for_prompts()
    lab.advance(4.01)
    assert sorted(what for what, _ in goodbyes(lab)) == ["BYE", "CANCEL", "CANCEL"]
    assert len(group.legs()) == 3
    assert lab.call.caller.waiting, "and the call goes on"
    lab.advance(1.1)
    assert told(lab) == ["180", "180", "480"]
    assert lab.record["cause"] == "rejected"


# Subscribers.


def test_a_subscriber_ends_the_call_when_the_first_is_originated(lab: Laboratory) -> None:
    def end(event: object) -> None:
        if type(event).__name__ == "LegOriginated":
            lab.call.end("switch", "subscriber")

    lab.app.events.subscribe(end)
    with treated(Group(lab, 3).treatment):
        lab.caller.invite(DIRECT)
        lab.settle()
    assert lab.record["cause"] == "subscriber"
    assert len(lab.record["legs"]) == 2


def test_a_leg_that_left_before_the_bridge_ends_the_call(lab: Laboratory) -> None:
    async def treatment(call: Call) -> None:
        outcome = await call.dial(request_to(lab, "501"))
        assert isinstance(outcome, Answered)
        outcome.leg.on_digit("1")
        await asyncio.sleep(1)
        assert not call.bridge(outcome.leg)

    run(lab, treatment)
    answer(lab, 0)
    lab.callee.hang_up()
    lab.advance(2)
    assert (lab.record["ended_by"], lab.record["cause"]) == ("called", "hung_up")


def test_a_leg_hung_up_by_the_treatment_leaves_the_call(lab: Laboratory) -> None:
    async def treatment(call: Call) -> None:
        outcome = await call.dial(request_to(lab, "501"))
        assert isinstance(outcome, Answered)
        outcome.leg.hang_up('Q.850;cause=21;text="Call rejected"', cause="not_wanted")
        outcome.leg.hang_up()
        await asyncio.sleep(1)

    run(lab, treatment)
    answer(lab, 0)
    lab.advance(2)
    assert goodbyes(lab) == [("BYE", 'Q.850;cause=21;text="Call rejected"')]
    assert lab.record["cause"] == "treatment_ended"


def run(lab: Laboratory, treatment: Script) -> None:
    with treated(treatment):
        lab.caller.invite(DIRECT)
        lab.settle()
