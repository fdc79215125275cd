"""The tick: drains the taps steadily, counts what is late, stops when told."""

from __future__ import annotations

import asyncio
import socket
import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from media.g711 import decode
from rtp.engine import Engine, TapBatch
from rtp.packet import RtpPacket
from softswitch.hearing.ear import Ear
from softswitch.hearing.heard import Heard
from softswitch.hearing.tick import HearingTick
from tests.support.ports import free_rtp_range


@pytest.fixture
def engine() -> Engine:
    first = free_rtp_range(4)[0]
    return Engine(first_port=first, last_port=first + 3)


async def test_what_a_leg_receives_is_heard(engine: Engine) -> None:
    engine.start()
    tick = HearingTick(asyncio.get_running_loop(), engine)
    heard: list[TapBatch] = []
    tick.listen(heard.append)
    try:
        port = engine.open_port()
        port.set_codecs(send="PCMU", send_payload_type=0, receive={0: "PCMU"})
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
            phone.bind(("127.0.0.1", 0))
            port.set_remote("127.0.0.1", phone.getsockname()[1])
            port.tap(True)
            tick.start()
            tick.start()  # once is enough
            for n in range(10):
                packet = RtpPacket(0, n, n * 160, 7, bytes([n]) * 160)
                phone.sendto(bytes(packet), ("127.0.0.1", port.rtp_port))
            async with asyncio.timeout(5):
                while tick.entries < 9:
                    await asyncio.sleep(0.02)
        assert sum(len(batch.entries) for batch in heard) == tick.entries
        assert tick.ticks > 0
    finally:
        tick.stop()
        engine.stop()


class Keeping:
    """A stage that keeps what it hears."""

    name = "keeping"
    shed_at = 99

    def __init__(self) -> None:
        self.told: list[str] = []
        self.samples: list[NDArray[np.int16]] = []

    def open(self, ear: Ear) -> None:
        self.told.append(f"open {ear.leg_id}")

    def changed(self, ear: Ear) -> None:
        pass

    def hear(self, heard: Heard) -> None:
        self.samples.append(heard.samples[0].copy())

    def close(self, ear: Ear) -> None:
        self.told.append(f"close {ear.leg_id}")

    def after(self, now_ns: int) -> None:
        pass


class Hold:
    def __init__(self) -> None:
        self.released = False

    def release(self) -> None:
        self.released = True


async def test_what_a_leg_sends_reaches_the_stages_as_sound_until_its_end(engine: Engine) -> None:
    engine.start()
    tick = HearingTick(asyncio.get_running_loop(), engine)
    stage, hold = Keeping(), Hold()
    call = SimpleNamespace(
        caller=SimpleNamespace(opened_clock=0.0), campaign=None, hold_end=lambda _what: hold
    )
    leg: Any = SimpleNamespace(call=call, leg_id="b1", side="called")
    tick.attach([stage], find_owner=lambda _number: leg)
    try:
        port = engine.open_port()
        port.set_codecs(send="PCMA", send_payload_type=8, receive={8: "PCMA"})
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
            phone.bind(("127.0.0.1", 0))
            port.set_remote("127.0.0.1", phone.getsockname()[1])
            port.tap(True)
            tick.start()
            payloads = [bytes([n]) * 80 + bytes([n + 100]) * 80 for n in range(10)]
            for n, payload in enumerate(payloads):
                packet = RtpPacket(8, n, n * 160, 7, payload)
                phone.sendto(bytes(packet), ("127.0.0.1", port.rtp_port))
            async with asyncio.timeout(5):
                while len(stage.samples) < 9:
                    await asyncio.sleep(0.02)
            tick.forget(port.leg)
            async with asyncio.timeout(5):
                while not hold.released:
                    await asyncio.sleep(0.02)
        assert stage.told == ["open b1", "close b1"]
        sent = [decode(payload, "PCMA") for payload in payloads][-len(stage.samples) :]
        assert all(
            np.array_equal(one, other) for one, other in zip(stage.samples, sent, strict=True)
        )
    finally:
        tick.stop()
        engine.stop()


async def test_a_late_tick_is_counted_and_a_stopped_one_ticks_no_more(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("softswitch.hearing.tick.SETTLING_SECONDS", 0.0)
    engine.start()
    tick = HearingTick(asyncio.get_running_loop(), engine)
    try:
        tick.start()
        await asyncio.sleep(0.05)
        time.sleep(0.1)  # somebody blocks the loop
        await asyncio.sleep(0.05)
        assert tick.late >= 1
        tick.stop()
        ticks = tick.ticks
        await asyncio.sleep(0.1)
        assert tick.ticks == ticks
    finally:
        tick.stop()
        engine.stop()


async def test_commands_that_wait_go_with_the_next_tick() -> None:
    first = free_rtp_range(4)[0]
    kicks: list[bool] = []

    def commanded() -> None:
        kicks.append(tick.kick_soon())

    engine = Engine(first_port=first, last_port=first + 3, when_commanded=commanded)
    tick = HearingTick(asyncio.get_running_loop(), engine)
    engine.start()
    try:
        port = engine.open_port()
        port.tap(True)
        assert kicks == [False]  # nothing ticks: somebody else has to see to it
        engine.kick()
        tick.start()
        port.tap(False)
        assert kicks == [False, True]
        async with asyncio.timeout(5):
            # The engine tells its next command again only once it was kicked for the last one.
            while len(kicks) < 3:
                port.tap(True)
                await asyncio.sleep(0.005)
    finally:
        tick.stop()
        engine.stop()
