"""The tick: drains the taps steadily, counts what is late, stops when told."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from rtp.engine import Engine, TapBatch
from rtp.packet import RtpPacket
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


async def test_a_late_tick_is_counted_and_a_stopped_one_ticks_no_more(engine: Engine) -> None:
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
