"""A stack that records what the transport tells it, and says what a test wants it to say."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from softswitch.sip.flow import Flow


class RecordingStack:
    """The face of a stack (softswitch.transport.face.StackFace) whose events are words."""

    def __init__(self) -> None:
        self.datagrams: list[tuple[bytes, Flow]] = []
        self.streams: list[tuple[bytes, Flow]] = []
        self.closed: list[Flow] = []
        self.failed: list[Flow] = []
        self.timeouts: list[float] = []
        self.outbox: list[tuple[bytes, Flow]] = []
        self.events: deque[str] = deque()
        self.broken: list[Flow] = []
        self.deadline: float | None = None
        self.strangers: set[str] = set()
        self.on_data: Callable[[bytes, Flow], None] = lambda data, flow: None
        self._changed = asyncio.Event()

    async def until(self, condition: Callable[[], bool], *, seconds: float = 5.0) -> None:
        """Wait for something to have been recorded."""
        async with asyncio.timeout(seconds):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    def receive_datagram(self, data: bytes, flow: Flow, *, now: float) -> None:
        self.datagrams.append((data, flow))
        self._changed.set()
        self.on_data(data, flow)

    def receive_stream(self, data: bytes, flow: Flow, *, now: float) -> None:
        self.streams.append((data, flow))
        self._changed.set()
        self.on_data(data, flow)

    def flow_closed(self, flow: Flow, *, now: float) -> None:
        self.closed.append(flow)
        self._changed.set()

    def send_failed(self, flow: Flow, *, now: float) -> None:
        self.failed.append(flow)
        self._changed.set()

    def is_stranger(self, host: str) -> bool:
        return host in self.strangers

    def flows_to_close(self) -> list[Flow]:
        broken, self.broken = self.broken, []
        return broken

    def next_timeout(self) -> float | None:
        return self.deadline

    def handle_timeout(self, *, now: float) -> None:
        self.timeouts.append(now)
        self.deadline = None
        self._changed.set()

    def datagrams_to_send(self) -> list[tuple[bytes, Flow]]:
        outbox, self.outbox = self.outbox, []
        return outbox

    def next_event(self) -> str | None:
        return self.events.popleft() if self.events else None
