import asyncio
import logging
from collections import Counter
from dataclasses import dataclass

import pytest

from softswitch.sip.flow import Flow
from softswitch.transport.pump import Pump
from tests.support.recording_stack import RecordingStack

PEER = Flow("udp", "192.0.2.1", 5060)


class Rig:
    """A pump over a recording stack, whose sends and events land in one list in their order."""

    def __init__(self) -> None:
        self.stack = RecordingStack()
        self.log: list[object] = []
        self.counters: Counter[str] = Counter()
        self.pump = Pump(self.stack, on_event=self.on_event, send=self.send, counters=self.counters)

    def on_event(self, event: str) -> None:
        self.log.append(event)

    def send(self, data: bytes, flow: Flow) -> None:
        self.log.append(data)


async def test_what_waits_is_sent_before_an_event_is_delivered() -> None:
    rig = Rig()
    rig.stack.outbox.append((b"100 Trying", PEER))
    rig.stack.events.append("invited")
    rig.pump.flush()
    assert rig.log == [b"100 Trying", "invited"]


async def test_what_an_event_makes_the_stack_send_goes_out_before_the_next_event() -> None:
    class Answering(Rig):
        def on_event(self, event: str) -> None:
            super().on_event(event)
            self.stack.outbox.append((event.encode(), PEER))
            self.pump.flush()

    rig = Answering()
    rig.stack.events.extend(["first", "second"])
    rig.pump.flush()
    assert rig.log == ["first", b"first", "second", b"second"]


async def test_what_a_failed_send_makes_the_stack_send_goes_out_too() -> None:
    class Failing(Rig):
        def send(self, data: bytes, flow: Flow) -> None:
            super().send(data, flow)
            if data == b"first":
                self.stack.outbox.append((b"second", flow))

    rig = Failing()
    rig.stack.outbox.append((b"first", PEER))
    rig.pump.flush()
    assert rig.log == [b"first", b"second"]


@dataclass
class Invite:
    call_id: str


@dataclass
class Invited:
    invite: Invite


async def test_a_fault_of_the_owner_is_logged_with_the_call_and_stops_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Faulty(Rig):
        def on_event(self, event: object) -> None:
            if isinstance(event, Invited):
                raise KeyError("a bug")
            self.log.append(event)

    rig = Faulty()
    rig.stack.events.extend([Invited(Invite("a84b4c76e66710")), "next"])  # type: ignore[list-item]
    with caplog.at_level(logging.ERROR):
        rig.pump.flush()
    assert rig.log == ["next"]
    assert rig.counters["owner_errors"] == 1
    [record] = caplog.records
    assert record.getMessage() == "call a84b4c76e66710: cannot handle Invited"


async def test_a_fault_in_an_event_without_a_call_is_logged_too(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Faulty(Rig):
        def on_event(self, event: str) -> None:
            raise KeyError(event)

    rig = Faulty()
    rig.stack.events.append("event")
    rig.pump.flush()
    assert caplog.records[0].getMessage() == "call -: cannot handle str"


async def test_the_deadline_is_kept_and_never_early() -> None:
    rig = Rig()
    deadline = asyncio.get_running_loop().time() + 0.02
    rig.stack.deadline = deadline
    rig.pump.flush()
    await rig.stack.until(lambda: bool(rig.stack.timeouts))
    assert rig.stack.timeouts[0] >= deadline


async def test_a_deadline_that_moves_forward_is_kept() -> None:
    rig = Rig()
    now = asyncio.get_running_loop().time()
    rig.stack.deadline = now + 60
    rig.pump.flush()
    rig.stack.deadline = now + 0.01
    rig.pump.flush()
    await rig.stack.until(lambda: bool(rig.stack.timeouts))
    assert rig.stack.timeouts[0] < now + 60


async def test_a_deadline_that_moves_back_costs_no_call_of_the_core() -> None:
    rig = Rig()
    now = asyncio.get_running_loop().time()
    rig.stack.deadline = now + 0.01
    rig.pump.flush()
    rig.stack.deadline = later = now + 0.04
    rig.pump.flush()
    await rig.stack.until(lambda: bool(rig.stack.timeouts))
    assert len(rig.stack.timeouts) == 1
    assert rig.stack.timeouts[0] >= later


async def test_what_a_timeout_produces_is_sent() -> None:
    class Retransmitting(RecordingStack):
        def handle_timeout(self, *, now: float) -> None:
            super().handle_timeout(now=now)
            self.outbox.append((b"INVITE again", PEER))

    rig = Rig()
    rig.stack = rig.pump.stack = Retransmitting()
    rig.stack.deadline = asyncio.get_running_loop().time()
    rig.pump.flush()
    await rig.stack.until(lambda: bool(rig.stack.timeouts))
    assert rig.log == [b"INVITE again"]


async def test_a_closed_pump_is_silent() -> None:
    rig = Rig()
    rig.stack.deadline = asyncio.get_running_loop().time()
    rig.pump.flush()
    rig.pump.close()
    rig.pump.close()
    rig.stack.events.append("late")
    rig.pump.flush()
    await asyncio.sleep(0.01)
    assert rig.log == []
    assert rig.stack.timeouts == []
