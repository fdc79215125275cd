"""A peer sent to a leg of another call: every outcome is told once on both, and a call that goes on
goes on as it was."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from softswitch.call.attended import GRACE_SECONDS, transfer_to_leg
from softswitch.call.outcomes import TransferFailed, TransferOutcome
from softswitch.control.access import Token
from softswitch.sip.headers.refer_to import ReferTo
from softswitch.switchboard.transfers import Transfers
from tests.support.laboratory import DIRECT, KEPT, SWITCH
from tests.support.meeting import Meeting, meeting

SILENT = (("Refer-Sub", "false"),)
BOTH = ("switch transferred", "switch transferred")


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Meeting]:
    with meeting(tmp_path) as two:
        yield two


# It works.


def test_two_parties_of_two_calls_find_each_other(two: Meeting) -> None:
    lab = two.lab
    two.begin()
    (refer,) = [one.request for one in two.refers()]
    (value,) = refer.headers.get_all("Refer-To")
    found = ReferTo.parse(value)
    assert found.replaces is not None
    assert lab.callee.stack.dialog(found.replaces) is two.carol
    assert found.method == "INVITE"
    assert refer.headers.get("Referred-By") == f"<sip:{DIRECT}@{SWITCH}>"
    assert "Refer-Sub" not in refer.headers
    two.obey(1)
    assert two.outcome() == (True, 200, "")
    assert two.ends() == BOTH
    assert two.told() == [("first", "a", True, 200, ""), ("second", "b1", True, 200, "")]
    assert lab.facts("transfer.requested") == [
        {
            "leg": "a", "to": DIRECT, "attended": True, "other_call": two.second,
            "other_leg": "b1",
        }
    ]  # fmt: skip
    assert lab.facts("transfer.awaited") == [
        {"leg": "b1", "to": DIRECT, "other_call": two.first, "other_leg": "a"}
    ]
    # The two go on without us.
    assert lab.caller.dialogs[-1].state.name == lab.callee.dialogs[-1].state.name == "CONFIRMED"


def test_the_records_of_both_say_what_has_happened(two: Meeting) -> None:
    two.begin()
    two.obey(1)
    entries = []
    for call in (two.first, two.second):
        record = two.record(call)
        assert record is not None
        (entry,) = record["transfers"]
        assert isinstance(entry.pop("at"), str)
        entries.append(entry)
    same = {"to": DIRECT, "attended": True, "ok": True, "status": 200, "why": ""}
    assert entries == [
        {"leg": "a", "asked_by": "switch", "other_call": two.second, **same},
        {"leg": "b1", "asked_by": "other_call", "other_call": two.first, **same},
    ]


PACKETS = (
    "switch:REFER",
    "caller:202 REFER",
    "caller:NOTIFY",
    "switch:200 NOTIFY",
    "caller:INVITE",
    "callee:200 INVITE",
    "caller:ACK",
    "callee:BYE",
    "switch:200 BYE",
    "switch:BYE",
    "caller:200 BYE",
    "callee:200 BYE",
)


@pytest.mark.parametrize("fate", ["lost_once", "doubled"])
@pytest.mark.parametrize("name", PACKETS)
def test_no_packet_may_be_missed_or_come_twice(two: Meeting, name: str, fate: str) -> None:
    getattr(two.lab, fate).add(name)
    two.begin()
    two.obey()
    assert two.outcome() == (True, 200, "")
    assert two.ends() == BOTH
    assert len(two.told()) == 2
    assert two.lab.carried.count(name) >= (2 if fate == "lost_once" else 1)


def test_who_is_told_first_does_not_matter(two: Meeting) -> None:
    """The word of the one comes before the other hangs up: we do."""
    two.lab.held.add("callee:BYE")
    two.begin()
    two.obey(1)
    assert two.outcome() == (True, 200, "")
    assert two.ends() == BOTH
    two.lab.release()
    two.lab.settle()
    assert len(two.told()) == 2


@pytest.mark.parametrize("leg", ["a", "b1"])
@pytest.mark.parametrize("to_leg", ["a", "b1"])
def test_it_may_be_any_leg_of_either_call(two: Meeting, leg: str, to_leg: str) -> None:
    two.begin(leg=leg, to_leg=to_leg)
    assert ("switch:REFER" in two.lab.carried) is True
    two.lab.advance(31)
    assert two.outcome() == (False, 0, "timeout")
    assert two.both_talk


def test_who_stays_when_its_agent_leaves_stays_when_it_is_taken(tmp_path: Path) -> None:
    with meeting(tmp_path, second=KEPT) as two:
        two.begin()
        two.obey(1)
        assert two.outcome() == (True, 200, "")
        assert two.ends()[0] == "switch transferred"
        two.lab.advance(1)
        assert two.ends()[1] in (None, "switch kept")
        (why,) = [fact["why"] for fact in two.lab.facts("call.unbridged")]
        assert why == "hung_up"


def test_who_stays_and_was_not_left_yet_is_parted(tmp_path: Path) -> None:
    with meeting(tmp_path, second=KEPT) as two:
        two.lab.held.add("callee:BYE")
        two.begin()
        two.obey(1)
        (why,) = [fact["why"] for fact in two.lab.facts("call.unbridged")]
        assert why == "transferred"
        two.lab.release()
        two.lab.advance(1)
        assert two.ends()[0] == "switch transferred"


# It does not, and nothing else happens.


@pytest.mark.parametrize("status", [302, 401, 403, 405, 420, 491, 500, 603])
def test_a_peer_that_refuses_stays(two: Meeting, status: int) -> None:
    two.begin()
    two.respond(status)
    assert two.outcome() == (False, status, "refused")
    assert two.told() == [
        ("first", "a", False, status, "refused"),
        ("second", "b1", False, status, "refused"),
    ]
    two.lab.advance(20)
    assert two.both_talk


@pytest.mark.parametrize("status", [302, 404, 481, 486, 491, 503, 603])
def test_a_peer_that_is_not_wanted_there_stays(two: Meeting, status: int) -> None:
    two.begin()
    two.respond(202)
    two.tell(100, last=False)
    two.tell(status, last=True)
    assert two.outcome() == (False, status, "failed")
    two.lab.advance(20)
    assert two.both_talk


@pytest.mark.parametrize(
    ("told", "status"), [((), 0), ((202,), 202), ((202, 100), 100), ((202, 100, 180), 180)]
)
def test_a_peer_that_does_not_tell_in_time_stays(
    two: Meeting, told: tuple[int, ...], status: int
) -> None:
    two.begin(within=20)
    for one in told:
        if one == 202:
            two.respond(one)
        else:
            two.tell(one, last=False)
    two.lab.advance(19)
    assert two.outcome() is None
    two.lab.advance(2)
    assert two.outcome() == (False, status, "timeout")
    assert two.both_talk
    if told:
        two.tell(200, last=True)
        assert two.both_talk, "what is told too late changes nothing"
        assert len(two.told()) == 2


# Peers that tell nothing.


def silent(two: Meeting) -> None:
    two.respond(202, headers=SILENT)


def curt(two: Meeting) -> None:
    two.respond(202)
    two.tell(100, last=True)


@pytest.mark.parametrize("way", [silent, curt])
def test_of_who_tells_nothing_the_others_bye_does(
    two: Meeting, way: Callable[[Meeting], None]
) -> None:
    two.begin()
    way(two)
    two.lab.advance(3)
    two.hang_up(two.carol)
    assert two.outcome()[0] is True
    assert two.outcome()[2] == ""
    assert two.ends() == BOTH


def test_the_bye_may_come_before_it_is_known_that_nothing_will_be_told(two: Meeting) -> None:
    two.lab.held.add("caller:202 REFER")
    two.begin()
    silent(two)
    two.hang_up(two.carol)
    assert two.outcome() is None
    two.lab.release()
    two.lab.settle()
    assert two.outcome() == (True, 202, "")
    assert two.ends() == BOTH


def test_who_tells_nothing_and_goes_nowhere_stays(two: Meeting) -> None:
    two.begin(within=10)
    silent(two)
    two.lab.advance(11)
    assert two.outcome() == (False, 202, "untold")
    assert two.both_talk


def test_who_tells_nothing_and_hangs_up_alone_has_hung_up(two: Meeting) -> None:
    two.begin()
    silent(two)
    two.hang_up(two.alice)
    two.lab.advance(GRACE_SECONDS + 0.1)
    assert two.outcome() == (False, 202, "hung_up")
    assert two.ends() == ("calling hung_up", None)


@pytest.mark.parametrize("alice_first", [True, False])
def test_both_hang_up_and_nobody_tells_why(two: Meeting, alice_first: bool) -> None:
    """So do B2BUAs that give their own leg up as soon as they are referred."""
    two.begin()
    two.respond(202)
    leaving = (two.alice, two.carol) if alice_first else (two.carol, two.alice)
    two.hang_up(leaving[0])
    two.lab.advance(1)
    assert two.ends() == (None, None), "their ends are not told yet"
    assert len(two.lab.facts("leg.ended")) == 2, "but whoever was left is left at once"
    two.hang_up(leaving[1])
    assert two.outcome() == (True, 202, "")
    assert two.ends() == BOTH


# Somebody leaves.


def test_the_other_hangs_up_and_then_it_fails(two: Meeting) -> None:
    two.begin()
    two.respond(202)
    two.hang_up(two.carol)
    two.lab.advance(1)
    two.tell(481, last=True)
    assert two.outcome() == (False, 481, "failed")
    assert two.ends() == (None, "called hung_up")
    record = two.record(two.second)
    assert record is not None
    assert record["transfers"][0]["ok"] is False
    assert two.lab.switchboard.calls[two.first].bridged


def test_the_other_hangs_up_and_nothing_is_told(two: Meeting) -> None:
    two.begin()
    two.respond(202)
    left = two.lab.services.wall_clock()
    two.hang_up(two.carol)
    two.lab.advance(GRACE_SECONDS + 0.1)
    assert two.outcome() == (False, 202, "other_ended")
    assert two.ends() == (None, "called hung_up")
    (ended,) = [event for event in two.lab.all_events if event.kind == "call.ended"]
    assert ended.at == pytest.approx(left, abs=0.5), "its end has the time of the BYE"
    assert two.lab.switchboard.calls[two.first].bridged


def test_the_other_leaves_before_anybody_is_asked(tmp_path: Path) -> None:
    """The REFER waits for the ACK of who is to be sent."""
    with meeting(tmp_path, held="caller:ACK") as two:
        two.begin()
        assert two.outcome() is None
        two.hang_up(two.carol)
        assert two.outcome() == (False, 0, "other_ended")
        assert two.ends() == (None, "called hung_up")
        two.lab.release()
        two.lab.advance(1)
        assert "switch:REFER" not in two.lab.carried
        assert two.lab.switchboard.calls[two.first].bridged


def test_before_the_ack_nobody_is_sent_anywhere(tmp_path: Path) -> None:
    with meeting(tmp_path, held="caller:ACK") as two:
        two.begin()
        assert "switch:REFER" not in two.lab.carried
        two.lab.release()
        two.obey(1)
        assert two.ends() == BOTH


def test_the_others_call_ends_from_the_other_side(two: Meeting) -> None:
    two.begin()
    two.respond(202)
    two.hang_up(two.dave)
    assert two.outcome() is None
    two.tell(481, last=True)
    assert two.outcome() == (False, 481, "failed")
    assert two.ends() == (None, "calling hung_up")


def test_the_others_call_ends_and_nothing_is_told(two: Meeting) -> None:
    two.begin()
    two.hang_up(two.dave)
    two.lab.advance(GRACE_SECONDS + 0.1)
    assert two.outcome() == (False, 0, "other_ended")
    assert two.ends() == (None, "calling hung_up")
    assert two.lab.switchboard.calls[two.first].caller.transferring is None


def test_the_others_call_ends_when_it_has_worked_already(two: Meeting) -> None:
    """The other's BYE is still on its way when its call is ended from the other side."""
    two.lab.held |= {"callee:BYE", "caller:NOTIFY"}
    two.begin()
    two.obey(1)
    two.lab.held.discard("callee:BYE")
    two.hang_up(two.dave)
    assert two.outcome() is None
    two.lab.release()
    two.lab.settle()
    assert two.outcome() is not None
    assert two.ends()[0] is not None or two.lab.switchboard.calls[two.first].bridged
    assert len(two.told()) == 2


@pytest.mark.parametrize("status", [0, 202, 180])
def test_a_peer_that_leaves_before_the_outcome_has_hung_up(two: Meeting, status: int) -> None:
    two.begin()
    if status:
        two.respond(202)
    if status == 180:
        two.tell(180, last=False)
    two.hang_up(two.alice)
    two.lab.advance(GRACE_SECONDS + 0.1)
    # Its stack refuses what it had still to answer before it leaves.
    left = (False, status, "hung_up") if status else (False, 487, "refused")
    assert two.outcome() == left
    assert two.ends() == ("calling hung_up", None)
    assert two.lab.switchboard.calls[two.second].bridged


def test_what_is_told_after_the_bye_is_not_heard(two: Meeting) -> None:
    two.begin()
    two.respond(202)
    two.lab.held.add("caller:NOTIFY")
    two.tell(200, last=True)
    two.hang_up(two.alice)
    two.lab.release()
    two.lab.settle()
    assert "switch:481 NOTIFY" in two.lab.carried
    two.lab.advance(GRACE_SECONDS + 0.1)
    assert two.outcome() == (False, 202, "hung_up")
    assert two.ends() == ("calling hung_up", None)


@pytest.mark.parametrize("told", [True, False])
def test_the_first_call_ends_from_the_other_side(two: Meeting, told: bool) -> None:
    two.begin()
    if told:
        two.respond(202)
    two.hang_up(two.bob)
    assert two.outcome() == (False, 202 if told else 0, "hung_up")
    assert two.ends() == ("called hung_up", None)
    assert two.lab.switchboard.calls[two.second].bridged


def test_both_calls_are_ended_at_once(two: Meeting) -> None:
    two.begin()
    two.respond(202)
    two.lab.do(lambda: two.lab.switchboard.end_all("over"))
    two.lab.settle()
    assert two.outcome() is not None
    assert two.outcome()[0] is False
    assert two.ends() == ("switch over", "switch over")
    assert len(two.told()) == 2


def test_everybody_leaves_in_one_moment(two: Meeting) -> None:
    two.begin()
    two.respond(202)
    for dialog in (two.carol, two.alice, two.bob, two.dave):
        two.hang_up(dialog, settle=False)
    two.lab.advance(GRACE_SECONDS + 0.1)
    assert two.outcome() is not None
    assert len(two.told()) == 2
    assert None not in two.ends()


def test_a_peer_that_knows_the_dialog_no_more_ends_its_call(two: Meeting) -> None:
    two.begin()
    two.respond(481)
    assert two.outcome() == (False, 481, "refused")
    assert two.ends() == ("switch leg_lost", None)


# Glare.


def test_both_ask_for_something_at_once(two: Meeting) -> None:
    """A hold crosses the REFER, another one comes with the word on it."""
    lab = two.lab
    lab.held |= {"switch:REFER", "caller:INVITE"}
    two.begin()
    lab.caller.dialog = two.alice
    lab.caller.reinvite("sendonly")
    lab.release()
    lab.settle()
    two.obey(0.2)
    lab.callee.reinvite("sendrecv")
    two.obey(2)
    assert two.outcome() == (True, 200, "")
    assert two.ends() == BOTH


def test_a_hold_of_ours_is_under_way_on_both(two: Meeting) -> None:
    lab = two.lab
    for phone in (lab.caller, lab.callee):
        phone.answers_reinvites = False
    two.desk.ask("call.hold", call=two.first, leg="a")
    two.desk.ask("call.hold", call=two.second, leg="b1")
    two.begin()
    two.respond(202)
    two.tell(200, last=True)
    assert two.outcome() == (True, 200, "")
    lab.settle()
    assert two.ends() == BOTH


# Who may, and when.


def test_only_one_transfer_of_a_leg_at_a_time(two: Meeting) -> None:
    two.begin()
    for leg, to_leg in (("a", "b1"), ("a", "a"), ("b1", "b1")):
        two.begin(leg=leg, to_leg=to_leg)
        assert two.outcome() == (False, 0, "not_possible")
    two.desk.begin("call.transfer", call=two.second, leg="b1", to="+1 602 555 0177")
    assert two.outcome() == (False, 0, "not_possible")
    assert two.lab.carried.count("switch:REFER") == 1
    two.respond(603)
    two.begin()
    two.respond(486)
    assert two.outcome() == (False, 486, "refused")


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"to_call": "nobody"}, "call_not_found"),
        ({"to_leg": "b7"}, "leg_not_found"),
        ({"to": "+16025550177"}, "invalid_params"),
        ({"to_call": None}, "invalid_params"),
    ],
)
def test_who_is_meant_must_be_said(two: Meeting, params: dict[str, str], reason: str) -> None:
    two.begin(**params)
    assert two.outcome() == reason
    assert "switch:REFER" not in two.lab.carried


def test_a_leg_of_the_same_call_is_no_other_call(two: Meeting) -> None:
    two.begin(to_call=two.first)
    assert two.outcome() == "invalid_params"


def test_who_may_not_steer_the_other_call_sends_nobody_there(two: Meeting) -> None:
    crm = Token.of("crm", "s", ("control",), campaigns=("menu",)).identity
    params = {"call": two.first, "to_call": two.second, "to_leg": "b1"}
    assert two.desk.ask("call.transfer", crm, **params) == "call_not_found"
    two.desk.desk.holders[two.second] = two.desk.session()
    two.begin()
    assert two.outcome() == "not_in_control"
    two.desk.desk.holders.clear()
    assert "switch:REFER" not in two.lab.carried


def test_a_leg_that_rings_is_not_answered(two: Meeting) -> None:
    two.lab.caller.invite(DIRECT)
    two.lab.settle()
    (third,) = set(two.lab.switchboard.calls) - {two.first, two.second}
    two.begin(to_call=third)
    assert two.outcome() == "wrong_state"
    two.begin(call=third)
    assert two.outcome() == "wrong_state"
    two.lab.caller.cancel()
    two.lab.settle()


# Who asked, and subscribers.


def test_whoever_asked_would_not_wait(two: Meeting) -> None:
    outcomes: list[TransferOutcome] = []
    calls = two.lab.switchboard.calls
    leg, other = calls[two.first].caller, calls[two.second].callee
    assert other is not None

    async def ask() -> None:
        try:
            async with asyncio.timeout(1):
                outcomes.append(await transfer_to_leg(leg, other, 20))
        except TimeoutError:
            outcomes.append(TransferFailed(0, "cancelled"))

    two.lab.begin(ask())
    two.lab.settle()
    two.respond(202)
    two.lab.advance(2)
    assert outcomes == [TransferFailed(0, "cancelled")]
    assert {one[2:] for one in two.told()} == {(False, 202, "timeout")}
    assert leg.transferring is None
    assert other.transferring is None
    assert two.both_talk


@pytest.mark.parametrize("kind", ["TransferRequested", "TransferAwaited"])
@pytest.mark.parametrize("which", ["first", "second"])
def test_a_subscriber_ends_one_of_the_calls(two: Meeting, kind: str, which: str) -> None:
    def end(event: object) -> None:
        if type(event).__name__ == kind:
            two.lab.switchboard.calls[getattr(two, which)].end("switch", "subscriber")

    two.lab.app.events.subscribe(end)
    two.begin()
    assert "switch:REFER" not in two.lab.carried
    assert two.outcome() == (False, 0, "hung_up" if which == "first" else "other_ended")
    expected = {"first": ("switch subscriber", None), "second": (None, "switch subscriber")}
    assert two.ends() == expected[which]
    assert len(two.told()) == (2 if kind == "TransferAwaited" else 1)


def test_a_subscriber_ends_the_other_call_when_it_has_worked(two: Meeting) -> None:
    def end(event: object) -> None:
        if type(event).__name__ == "TransferEnded":
            two.lab.switchboard.calls[two.second].end("switch", "subscriber")

    two.lab.app.events.subscribe(end)
    two.lab.held.add("callee:BYE")
    two.begin()
    two.obey(1)
    assert two.outcome() == (True, 200, "")
    assert two.ends() == ("switch transferred", "switch subscriber")


def test_parties_that_ask_for_transfers_meanwhile_are_refused(two: Meeting) -> None:
    lab, guards = two.lab, two.desk.desk.guards
    assert guards is not None
    lab.services.transfers = Transfers(lab.switchboard, guards)
    two.begin()
    two.respond(202)
    for dialog in (two.alice, two.carol):
        dialog.refer("sip:+16025550177@x", referred_by="sip:a@b", now=lab.loop.time())
        two.flush()
    assert [fact["why"] for fact in lab.facts("transfer.refused")] == ["busy", "busy"]
    two.tell(200, last=True)
    assert two.outcome() == (True, 200, "")
    assert two.ends() == BOTH
