"""Half messages of strangers are not waited for without end; those of trunks are."""

from __future__ import annotations

import pytest

from softswitch.sip.keep_alives import MAX_KEEP_ALIVES, WITHIN_SECONDS
from softswitch.sip.streams import MESSAGE_SECONDS
from tests.support.wire import PEER_TCP, Wire, request

OPTIONS = request("OPTIONS", transport="TCP")


def strange_wire() -> Wire:
    wire = Wire()
    wire.stack.tell_strangers(lambda host: host == PEER_TCP.host)
    return wire


def bring(wire: Wire, data: bytes) -> None:
    wire.stack.receive_stream(data, PEER_TCP, now=wire.now)


def advance(wire: Wire, seconds: float) -> None:
    wire.now += seconds
    wire.stack.handle_timeout(now=wire.now)


def test_a_half_message_is_given_up_in_time() -> None:
    wire = strange_wire()
    bring(wire, OPTIONS[:20])
    advance(wire, MESSAGE_SECONDS - 0.1)
    assert wire.stack.flows_to_close() == []
    advance(wire, 0.2)
    assert wire.stack.flows_to_close() == [PEER_TCP]
    assert wire.stack.drops["half-message"] == 1
    assert wire.stack.counts()["timers"] == 0


def test_bytes_that_drip_win_no_time() -> None:
    wire = strange_wire()
    for byte in OPTIONS[:12]:
        bring(wire, bytes([byte]))
        advance(wire, 1.0)
    assert wire.stack.flows_to_close() == [PEER_TCP]


def test_each_message_has_its_own_time() -> None:
    wire = strange_wire()
    bring(wire, OPTIONS[:20])
    for _ in range(4):
        advance(wire, MESSAGE_SECONDS - 1.0)
        bring(wire, OPTIONS[20:] + OPTIONS[:20])
    assert wire.stack.flows_to_close() == []
    advance(wire, MESSAGE_SECONDS)
    assert wire.stack.flows_to_close() == [PEER_TCP]


@pytest.mark.parametrize("data", [OPTIONS, OPTIONS + b"\r\n", b"\r\n\r\n", b"\r\n"])
def test_between_messages_there_is_no_haste(data: bytes) -> None:
    wire = strange_wire()
    bring(wire, data)
    advance(wire, 100.0)
    assert wire.stack.flows_to_close() == []


def test_a_trunk_has_all_the_time_it_wants() -> None:
    wire = Wire()
    wire.stack.tell_strangers(lambda host: False)
    bring(wire, OPTIONS[:20])
    advance(wire, 100.0)
    assert wire.stack.flows_to_close() == []


def test_who_has_shown_itself_meanwhile_is_waited_for() -> None:
    wire, strange = Wire(), [True]
    wire.stack.tell_strangers(lambda host: strange[0])
    bring(wire, OPTIONS[:20])
    strange[0] = False
    advance(wire, MESSAGE_SECONDS)
    assert wire.stack.flows_to_close() == []


def test_a_connection_that_is_gone_leaves_no_timer() -> None:
    wire = strange_wire()
    bring(wire, OPTIONS[:20])
    wire.stack.flow_closed(PEER_TCP, now=wire.now)
    assert wire.stack.counts()["timers"] == 0


def test_a_stream_that_breaks_while_half_a_message_waits_is_closed_once() -> None:
    wire = strange_wire()
    bring(wire, OPTIONS[:20])
    bring(wire, b"x" * 70_000)
    advance(wire, MESSAGE_SECONDS + 1)
    assert wire.stack.flows_to_close() == [PEER_TCP]


def test_keep_alives_are_answered() -> None:
    wire = Wire()
    for _ in range(3):
        bring(wire, b"\r\n\r\n" * MAX_KEEP_ALIVES)
        advance(wire, WITHIN_SECONDS)
    assert wire.stack.flows_to_close() == []
    sent = b"".join(data for data, _ in wire.stack.datagrams_to_send())
    assert sent == b"\r\n" * 3 * MAX_KEEP_ALIVES


@pytest.mark.parametrize("rest", [b"", OPTIONS, OPTIONS[:20]])
def test_a_flood_of_keep_alives_closes_the_connection(rest: bytes) -> None:
    wire = strange_wire()
    bring(wire, b"\r\n\r\n" * 5000 + rest)
    assert wire.stack.flows_to_close() == [PEER_TCP]
    assert wire.stack.drops["keep-alive-flood"] == 1
    assert wire.stack.take_dropped_from() == {"keep-alive-flood": PEER_TCP.host}
    sent = b"".join(data for data, _ in wire.stack.datagrams_to_send())
    assert sent == b"\r\n" * MAX_KEEP_ALIVES
    assert wire.stack.counts()["timers"] == 0


def test_each_message_of_a_read_is_asked_for() -> None:
    wire = Wire()
    left = iter([True] * 3)
    wire.stack.admits = lambda host, now: next(left, False)
    bring(wire, OPTIONS * 10)
    assert wire.stack.flows_to_close() == [PEER_TCP]
    assert wire.stack.drops["stranger"] == 1
    sent = b"".join(data for data, _ in wire.stack.datagrams_to_send())
    assert sent.count(b"SIP/2.0 200") == 3


def test_all_messages_of_a_read_are_taken_of_ours() -> None:
    wire = Wire()
    wire.stack.admits = lambda host, now: True
    bring(wire, OPTIONS * 10)
    assert wire.stack.flows_to_close() == []
    sent = b"".join(data for data, _ in wire.stack.datagrams_to_send())
    assert sent.count(b"SIP/2.0 200") == 10
