"""Requests of a dialog that wait for one another."""

from __future__ import annotations

import pytest

from softswitch.sip.dialog import Dialog, DialogState
from softswitch.sip.events import InviteReceived
from softswitch.sip.in_turn import MAX_WAITING, InTurn
from tests.support.sip_text import Message
from tests.support.wire import SDP, Wire, request, response


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def turn(wire: Wire) -> InTurn:
    wire.give(request(body=SDP))
    invite = wire.event(InviteReceived).invite
    invite.accept(body=SDP, now=wire.now)
    to = wire.take()[0].get("to")
    wire.give(request("ACK", to=to))
    wire.events()
    dialog = invite.dialog
    assert isinstance(dialog, Dialog)
    return InTurn(dialog, "INFO", "text/plain")


def sent(wire: Wire, turn: InTurn, *texts: bytes) -> list[Message]:
    for text in texts:
        turn.send(text, now=wire.now)
    return wire.take()


def test_each_waits_for_the_answer_to_the_one_before(wire: Wire, turn: InTurn) -> None:
    """RFC 3261 section 12.2.2: a lower number is out of order."""
    (first,) = sent(wire, turn, b"1", b"2", b"3")
    assert (first.body, first.get("content-type")) == (b"1", "text/plain")
    assert [one.what for one in wire.wait(0.5)] == ["INFO"]  # the same again
    (second,) = wire.give(response(first, 200, contact=None))
    assert (second.body, second.cseq) == (b"2", first.cseq + 1)
    assert wire.give(response(first, 200, contact=None)) == []
    assert wire.give(response(second, 100, contact=None)) == []
    (third,) = wire.give(response(second, 415, contact=None))
    assert third.body == b"3"
    assert turn.is_busy
    assert wire.give(response(third, 200, contact=None)) == []
    assert not turn.is_busy


def test_what_waits_for_nobody_is_not_sent(wire: Wire, turn: InTurn) -> None:
    sent(wire, turn, b"1", b"2")
    wire.wait(40)
    infos = [one.message.body for one in wire.log if one.what == "INFO"]
    assert set(infos) == {b"1"}
    assert turn.dialog.state is DialogState.TERMINATED
    assert sent(wire, turn, b"3") == []
    assert not turn.is_busy


def test_a_dialog_that_is_not_there_is_over(wire: Wire, turn: InTurn) -> None:
    (first,) = sent(wire, turn, b"1", b"2")
    answers = wire.give(response(first, 481, contact=None))
    assert [one.method for one in answers] == ["BYE"]
    assert not turn.is_busy


def test_no_more_wait_than_may(wire: Wire, turn: InTurn) -> None:
    (message,) = sent(wire, turn, *(b"%d" % number for number in range(MAX_WAITING + 5)))
    count = 1
    while following := wire.give(response(message, 200, contact=None)):
        (message,) = following
        count += 1
    assert count == MAX_WAITING + 1
