"""A stack that is closed for the moment: new calls are answered without state, the rest goes on."""

from __future__ import annotations

from softswitch.sip.events import ByeReceived, InviteReceived
from tests.support.sip_text import Message
from tests.support.wire import SDP, Wire, request


def only(messages: list[Message]) -> Message:
    (message,) = messages
    return message


def test_a_new_call_is_answered_503_with_retry_after_and_leaves_nothing() -> None:
    wire = Wire()
    wire.stack.closed = "switch is full (backlog)"
    data = request()
    answer = only(wire.give(data))
    assert answer.status == 503
    assert 1 <= int(answer.get("retry-after")) <= 5
    assert str(only(wire.give(data))) == str(answer)
    assert not any(wire.stack.counts().values())
    assert wire.stack.refusals == {"switch is full (backlog)": 2}
    wire.no_event()
    assert wire.refused == [(503, "switch is full (backlog)")] * 2
    # The ACK of such an answer belongs to nothing, and is no fault.
    assert wire.give(request("ACK", to=answer.get("to"))) == []


def test_it_is_there_for_who_asks_and_for_dialogs() -> None:
    wire = Wire()
    wire.give(request())
    wire.event(InviteReceived).invite.accept(body=SDP, now=wire.now)
    (answer,) = wire.take()
    wire.stack.closed = "switch is full (backlog)"
    assert only(wire.give(request("OPTIONS", call_id="other"))).status == 200
    wire.give(request("ACK", to=answer.get("to")))
    assert only(wire.give(request("BYE", number=2, to=answer.get("to")))).status == 200
    assert ByeReceived in map(type, wire.events())


def test_calls_are_taken_again() -> None:
    wire = Wire()
    wire.stack.closed = "switch is full (backlog)"
    wire.give(request())
    wire.stack.closed = ""
    wire.give(request(call_id="another"))
    wire.event(InviteReceived)
