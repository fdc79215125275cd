"""The tracer listens while there is something to trace, and nobody calls it else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from config.model import Hep, Tracing
from softswitch.call.events import CallEnded, CallPresented
from softswitch.call.services import Services
from softswitch.call.stream import EventStream
from softswitch.sip.flow import Flow
from softswitch.sip.stack import Trace
from softswitch.traces import homer as homer_module
from softswitch.traces import tracer as tracer_module
from softswitch.traces.trace import SipMessage
from softswitch.traces.tracer import Tracer
from tests.support.hep import Collector

INVITE = b"INVITE sip:x SIP/2.0\r\nCall-ID: one\r\n\r\n"
FLOW = Flow("udp", "192.0.2.1", 5060, 1)


class Room:
    """What a tracer needs of the switch."""

    def __init__(self, folder: Path) -> None:
        self.stack = SimpleNamespace(trace=None)
        self.events = EventStream()
        self.skipped = 0.0
        services = SimpleNamespace(
            loop=asyncio.get_running_loop(),
            stack=self.stack,
            events=self.events,
            now=lambda: time.monotonic() + self.skipped,
            wall_clock=time.time,
        )
        self.tracer = Tracer(
            cast(Services, services),
            listeners=[("10.0.0.1", 5060), ("10.0.0.2", 5070)],
            folder=folder,
            find_call=lambda call_id: None,
        )

    def listens(self) -> bool:
        return self.tracer.listening

    def message(self, direction: str = "in", data: bytes = INVITE) -> None:
        self.stack.trace(Trace(direction, data, FLOW, "", 0.0))

    def event(self, kind: Any, **facts: Any) -> None:
        self.events.publish(kind(call_id="c1", number=1, at=time.time(), clock=0.0, **facts))

    def presented(self) -> None:
        self.event(
            CallPresented, leg="a", trunk="carrier", sip_call_id="one", source="", called="100",
            called_number="100", caller="200", signalling={}, campaign="news", publisher=None,
            pool=None, parameters={}, config_version="1",
        )  # fmt: skip

    def ended(self) -> None:
        self.event(CallEnded, ended_by="calling", cause="hung_up")


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    made = Room(tmp_path)
    yield made
    await made.tracer.close()
    assert made.stack.trace is None


async def test_nobody_calls_it_until_somebody_asks(room: Room) -> None:
    assert room.stack.trace is None
    await room.tracer.apply(Tracing())
    assert not room.listens()
    order = room.tracer.order("all", "", calls=1, seconds=60, by="me")
    assert room.listens()
    assert room.tracer.cancel(order.number)
    assert not room.tracer.cancel(order.number)


async def test_it_listens_on_for_a_while_after_the_last_call_and_then_no_more(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracer_module, "EXPIRE_SECONDS", 0.01)
    room.tracer.order("all", "", calls=1, seconds=60, by="me")
    room.message()
    room.presented()
    room.message("out")
    room.ended()
    await asyncio.sleep(0.05)
    assert room.listens()
    room.message("in", b"SIP/2.0 200 OK\r\nCall-ID: one\r\n\r\n")
    room.skipped = tracer_module.LINGER_SECONDS + 1
    deadline = time.monotonic() + 10
    while room.listens():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    assert room.stack.trace is None
    trace = room.tracer.book.traces["c1"]
    assert trace.messages == 3


async def test_an_order_whose_time_is_over_lets_it_go(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracer_module, "EXPIRE_SECONDS", 0.01)
    monkeypatch.setattr(tracer_module, "LINGER_SECONDS", 0.0)
    room.tracer.order("number", "100", calls=5, seconds=60, by="me")
    room.skipped = 61
    deadline = time.monotonic() + 10
    while room.listens():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    assert room.tracer.status()["orders"] == 0


async def test_the_configuration_may_want_more_or_less(room: Room) -> None:
    await room.tracer.apply(Tracing(calls=2))
    assert room.listens()
    (standing,) = room.tracer.book.orders.values()
    assert not room.tracer.cancel(standing.number), "it is the configuration's"
    await room.tracer.apply(Tracing(calls=3))
    assert len(room.tracer.book.orders) == 1
    await room.tracer.apply(Tracing())
    assert room.tracer.book.orders == {}


async def test_a_message_says_where_it_came_in_and_has_no_secret(room: Room) -> None:
    room.tracer.order("all", "", calls=1, seconds=60, by="me")
    secret = b"INVITE sip:ann:secret@x SIP/2.0\r\nCall-ID: one\r\n\r\n"
    room.message(data=secret)
    room.presented()
    (message, _) = room.tracer.book.traces["c1"].entries
    assert isinstance(message, SipMessage)
    assert (message.ours, message.peer) == (("10.0.0.2", 5070), ("192.0.2.1", 5060))
    assert b"secret" not in message.data


async def test_a_listener_that_nobody_knows_and_an_odd_port_are_no_mistake(room: Room) -> None:
    room.tracer.order("all", "", calls=1, seconds=60, by="me")
    room.stack.trace(Trace("drop", b"\xff\0", Flow("udp", "x" * 500, 99999, 7), "no sip", 0.0))
    room.stack.trace(Trace("in", INVITE, Flow("tcp", "h", -1, 9), "", 0.0))
    room.presented()
    (message, _) = room.tracer.book.traces["c1"].entries
    assert isinstance(message, SipMessage)
    assert (message.ours, message.peer) == (("", 0), ("h", 0))


async def test_homer_is_shown_messages_and_can_be_another_one_later(room: Room) -> None:
    first, second = Collector(), Collector()
    try:
        await room.tracer.apply(Tracing(hep=Hep("127.0.0.1", first.port, 1)))
        await connected(room)
        room.message()
        room.message("drop")
        room.presented()
        await asyncio.sleep(2 * homer_module.GATHER_SECONDS)
        (packet,) = first.collect(1)
        assert (packet["payload"], packet["correlation"]) == (INVITE, b"c1")
        assert (packet["source"], packet["destination"]) == ("192.0.2.1", "10.0.0.2")
        await room.tracer.apply(Tracing(hep=Hep("127.0.0.1", second.port, 2)))
        await connected(room)
        room.message("out")
        await room.tracer.apply(Tracing())
        (packet,) = second.collect(1)
        assert (packet["agent"], packet["source"]) == (2, "10.0.0.2")
        assert room.tracer.homer is None
    finally:
        first.close()
        second.close()


async def connected(room: Room) -> None:
    deadline = time.monotonic() + 10
    while room.tracer.homer is None or not room.tracer.homer.status()["connected"]:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def test_what_is_too_much_for_homer_is_counted_and_gone(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(homer_module, "MAX_QUEUED", 3)
    await room.tracer.apply(Tracing(hep=Hep("127.0.0.1", 9, 1)))
    for _ in range(5):
        room.message()
    homer = room.tracer.homer
    assert homer is not None
    assert (homer.status()["waiting"], homer.lost) == (3, 2)


async def test_with_homer_alone_no_message_is_kept(room: Room) -> None:
    await room.tracer.apply(Tracing(hep=Hep("127.0.0.1", 9, 1)))
    room.message()
    room.tracer.order("all", "", calls=1, seconds=60, by="me")
    room.presented()
    assert room.tracer.book.traces["c1"].messages == 0
