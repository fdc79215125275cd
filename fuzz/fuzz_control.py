"""Peers of the control socket that behave badly, beside one that behaves well.

`python -m fuzz.fuzz_control [--seconds 10] [--seed N]`

Each run opens a server with a history of events and lets loose peers that send broken JSON, half
and huge lines, binary, batches, HTTP and WebSocket frames cut anywhere, subscribe and never read,
or leave in the middle. A run fails when the good peer is not answered within a second, when
anything is logged as an error, or when a connection, a task or a waker is left behind. The seed of
a failing run is printed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import random
import sys
import time
import traceback
from types import SimpleNamespace
from typing import Any

from softswitch.call.events import DigitPressed
from softswitch.call.stream import EventStream
from softswitch.control.access import Access
from softswitch.control.catalogue import Catalogue, Params
from softswitch.control.history import EventHistory
from softswitch.control.http_app import WebApp
from softswitch.control.idempotency import Idempotency, IdempotencyKey
from softswitch.control.methods import connection, events
from softswitch.control.server import ControlServer
from softswitch.control.session import Caller

PEERS = 25
STEPS = 12
ANSWER_SECONDS = 1.0
LEAVE_SECONDS = 5.0

METHODS = Catalogue()
METHODS.include(connection.METHODS)
METHODS.include(events.METHODS)


class Once(Params):
    """What is done once for a key."""

    what: int = 0
    idempotency_key: IdempotencyKey | None = None


@METHODS.method("once", role="read")
async def once(desk: Any, caller: Caller, params: Once) -> dict[str, int]:
    """Take a moment."""
    await asyncio.sleep(0.05)
    return {"what": params.what}


VALUES = (
    "null",
    "1",
    "-1e400",
    '"x"',
    "[]",
    "{}",
    '"\\ud800"',
    "true",
    "99999999999999999999",
    "1.5",
)
GOOD = (
    '{"jsonrpc":"2.0","id":1,"method":"ping"}',
    '{"jsonrpc":"2.0","id":"a","method":"events.subscribe","params":{"after":0}}',
    '{"jsonrpc":"2.0","id":2,"method":"events.subscribe","params":{"kinds":["call.*"],"calls":["c1"]}}',
    '{"jsonrpc":"2.0","id":3,"method":"events.unsubscribe","params":[1]}',
    '{"jsonrpc":"2.0","method":"auth","params":{"token":"x"}}',
    '{"jsonrpc":"2.0","id":6,"method":"events.poll","params":{"after":0,"wait":30}}',
    '{"jsonrpc":"2.0","id":7,"method":"events.poll","params":{"kinds":["call.record"],"wait":30}}',
    '{"jsonrpc":"2.0","id":8,"method":"once","params":{"idempotency_key":"k1"}}',
    '{"jsonrpc":"2.0","id":9,"method":"once","params":{"what":1,"idempotency_key":"k1"}}',
    '[{"jsonrpc":"2.0","id":4,"method":"ping"},{"jsonrpc":"2.0","id":5,"method":"no"},1]',
)
HTTP = (
    b"GET /control HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /control HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{}",
    b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
)


class Errors(logging.Handler):
    """What is logged as an error is a finding."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + "".join(traceback.format_exception(*record.exc_info))
        self.found.append(text)


def make(chance: random.Random) -> bytes:
    """Something to send."""
    kind = chance.random()
    if kind < 0.1:
        return chance.randbytes(chance.randrange(1, 500))
    if kind < 0.13:
        return b"x" * chance.randrange(1 << 19, 1 << 21)
    if kind < 0.2:
        return b"[" * chance.randrange(1, 5000) + b"\n"
    if kind < 0.3:
        frame = chance.randbytes(chance.randrange(2, 40))
        return bytes((chance.choice((0x81, 0x82, 0x88, 0x89, 0x01)),)) + frame
    text = chance.choice(GOOD)
    if kind < 0.5:
        text = text.replace(
            chance.choice(("1", '"2.0"', "[1]", '"x"', "0")), chance.choice(VALUES), 1
        )
    data = text.encode() + b"\n"
    if kind < 0.65:
        data = data[: chance.randrange(len(data))]
    elif kind < 0.75:
        at = chance.randrange(len(data))
        data = data[:at] + chance.randbytes(3) + data[at:]
    return data * chance.choice((1, 1, 1, 3, 200))


async def misbehave(port: int, seed: int) -> None:
    """One peer, from its first word to its leaving, polite or not."""
    chance = random.Random(seed)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 12)
    reads = chance.random() < 0.6
    try:
        if chance.random() < 0.25:
            request = chance.choice(HTTP)
            writer.write(
                request[: chance.choice((len(request), chance.randrange(len(request)))) or 1]
            )
        for _ in range(chance.randrange(STEPS)):
            writer.write(make(chance))
            if reads:
                await taken(reader)
            await asyncio.sleep(0)
    except OSError:
        return  # cut off
    finally:
        (writer.transport.abort if chance.random() < 0.5 else writer.close)()


async def taken(reader: asyncio.StreamReader) -> None:
    """Read what is there."""
    try:
        async with asyncio.timeout(0.002):
            await reader.read(1 << 16)
    except TimeoutError:
        return


async def be_good(port: int, over: asyncio.Event) -> int:
    """Ask one thing after the other; how often one was answered. Raises TimeoutError."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    asked = 0
    while not over.is_set():
        asked += 1
        writer.write(b'{"jsonrpc":"2.0","id":%d,"method":"ping"}\n' % asked)
        async with asyncio.timeout(ANSWER_SECONDS):
            answer = json.loads(await reader.readline())
        assert answer["id"] == asked, answer
        assert "result" in answer, answer
        await asyncio.sleep(0.005)
    writer.close()
    return asked


async def publish(stream: EventStream, over: asyncio.Event) -> None:
    number = 0
    while not over.is_set():
        for _ in range(20):
            number += 1
            stream.publish(
                DigitPressed(call_id="c1", number=number, at=0.0, clock=0.0, leg="a", digit="1")
            )
        await asyncio.sleep(0.01)


async def run(seed: int) -> int:
    """One run; how often the good peer was answered."""
    stream = EventStream()
    history = EventHistory(stream, epoch="e", limit=500)
    desk = SimpleNamespace(
        history=history,
        services=SimpleNamespace(now=asyncio.get_running_loop().time),
        idempotency=Idempotency(),
    )
    app = WebApp(METHODS, desk, Access())
    await app.start()
    server = ControlServer(METHODS, desk, Access(), http=app.protocol)
    port = await server.listen("127.0.0.1", 0)
    over = asyncio.Event()
    beside = [asyncio.create_task(be_good(port, over)), asyncio.create_task(publish(stream, over))]
    await asyncio.gather(*(misbehave(port, seed + number) for number in range(PEERS)))
    over.set()
    answered, _ = await asyncio.gather(*beside)
    async with asyncio.timeout(LEAVE_SECONDS):
        while server.connections:  # noqa: ASYNC110 - it has no event for nobody
            await asyncio.sleep(0.01)
    await server.close()
    await app.close()
    await desk.idempotency.close()
    assert history.readers == 0, "a reader is left"
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left, f"tasks are left: {left}"
    return int(answered or 0)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(2**32)
    errors = Errors()
    logging.getLogger().addHandler(errors)
    end = time.monotonic() + options.seconds
    runs = answered = 0
    while time.monotonic() < end or not runs:
        try:
            answered += asyncio.run(run(seed + runs * PEERS))
            assert not errors.found, errors.found[0]
        except Exception:  # noqa: BLE001 - whatever comes out is the finding
            print(f"run {runs}: --seed {seed + runs * PEERS}")
            traceback.print_exc()
            return 1
        runs += 1
    print(f"seed {seed}: {runs} runs of {PEERS} bad peers, a good one answered {answered} times")
    return 0


if __name__ == "__main__":
    sys.exit(main())
