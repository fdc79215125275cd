"""The link of a test phone: sockets, one thread, and what goes wrong on the way.

Sends and receives SIP over one UDP socket, or a TCP listener and its streams; loses, doubles or
delays the messages it is told to; repeats what is unanswered by the real timers of RFC 3261
(section 17.1 for requests, 13.3.1.4 and 17.2 for finals); notes every message for the ladder of a
failure. It does not know calls.
"""

from __future__ import annotations

import selectors
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.support.sip_text import Message, parse, split_stream

T1 = 0.5
T2 = 4.0
Matcher = str | int | Callable[[Message], bool]


@dataclass
class Fault:
    """What the link does to the next `times` messages that match, in one direction."""

    direction: str
    matches: Callable[[Message], bool]
    action: str | float
    times: int


@dataclass
class Repeat:
    """A message that goes out again until something answers it."""

    data: bytes
    peer: tuple[str, int]
    next_at: float
    interval: float
    ends_at: float
    longest: float = T2


def uri_host(host: str) -> str:
    """A host as it stands in a URI."""
    return f"[{host}]" if ":" in host else host


class Link:
    """What a phone stands on."""

    def __init__(self, host: str, port: int, transport: str) -> None:
        self.host = host
        self.uri_host = uri_host(host)
        self.transport = transport
        self.problems: list[str] = []
        self.changed = threading.Condition(threading.RLock())
        self._started = time.monotonic()
        self._ladder: list[str] = []
        self._faults: list[Fault] = []
        self._late: list[tuple[float, bytes, tuple[str, int]]] = []
        self._repeats: dict[tuple[str, str], Repeat] = {}
        self._streams: dict[tuple[str, int], socket.socket] = {}
        self._buffers: dict[socket.socket, bytes] = {}
        self._selector = selectors.DefaultSelector()
        self._closing = False
        self._socket = self._open(port)
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def receive(self, message: Message, peer: tuple[str, int]) -> None:
        """Takes a message that came; the phone says what it means."""
        raise NotImplementedError

    def fault(
        self, direction: str, what: Matcher, action: str | float = "lose", times: int = 1
    ) -> None:
        """The link will lose or double (`action`), or delay by seconds, matching messages."""
        with self.changed:
            self._faults.append(Fault(direction, matches(what, None), action, times))

    def ladder(self) -> str:
        """Every message of this phone so far, a line each, for a failing assertion."""
        return "\n".join([f"--- {self.transport} {self.host}:{self.port}", *self._ladder])

    def drop_connections(self) -> None:
        """Closes the streams there are, as a machine does that restarts; new ones may come."""
        with self.changed:
            for stream in self._streams.values():
                stream.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Ends the thread and closes every socket."""
        with self.changed:
            self._closing = True
        self._thread.join(2)
        for stream in [*self._streams.values(), self._socket]:
            stream.close()
        self._selector.close()

    # ---- the link ---------------------------------------------------------------------------

    def send(self, message: Message, peer: tuple[str, int]) -> None:
        action = self._link("out", message)
        self._note("->", message, action)
        if action == "lose":
            return
        if isinstance(action, float):
            with self.changed:
                self._late.append((time.monotonic() + action, bytes(message), peer))
            return
        self.put(bytes(message), peer)
        if action == "double":
            self.put(bytes(message), peer)

    def _link(self, direction: str, message: Message) -> str | float:
        with self.changed:
            for fault in self._faults:
                if fault.direction == direction and fault.times > 0 and fault.matches(message):
                    fault.times -= 1
                    return fault.action
        return ""

    def put(self, data: bytes, peer: tuple[str, int]) -> None:
        if self.transport == "udp":
            self._socket.sendto(data, peer)
            return
        with self.changed:
            stream = self._streams.get(peer) or self._connect(peer)
        stream.sendall(data)

    def _connect(self, peer: tuple[str, int]) -> socket.socket:
        stream = socket.create_connection(peer, timeout=3)
        self._adopt(stream, peer)
        return stream

    def _adopt(self, stream: socket.socket, peer: tuple[str, int]) -> None:
        with self.changed:
            self._streams[peer] = stream
            self._buffers[stream] = b""
            self._selector.register(stream, selectors.EVENT_READ, peer)

    def repeat(
        self, key: tuple[str, str], data: bytes, peer: tuple[str, int], *, always: bool = False
    ) -> None:
        if self.transport != "udp" and not always:
            return
        now = time.monotonic()
        longest = T2 if always or key[1] != "INVITE" else 64 * T1
        with self.changed:
            self._repeats[key] = Repeat(data, peer, now + T1, T1, now + 64 * T1, longest)

    def stop_repeating(self, key: tuple[str, str]) -> None:
        """What was repeated under this key has been answered."""
        with self.changed:
            self._repeats.pop(key, None)

    # ---- the thread -------------------------------------------------------------------------

    def _open(self, port: int) -> socket.socket:
        kind = socket.SOCK_DGRAM if self.transport == "udp" else socket.SOCK_STREAM
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        listening = socket.socket(family, kind)
        if kind == socket.SOCK_STREAM:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((self.host, port))
        if kind == socket.SOCK_STREAM:
            listening.listen()
        self._selector.register(listening, selectors.EVENT_READ, None)
        return listening

    def _run(self) -> None:
        while not self._closing:
            for key, _ in self._selector.select(0.01):
                ready = key.fileobj
                assert isinstance(ready, socket.socket)
                if ready is self._socket:
                    self._accept_or_receive()
                else:
                    self._read_stream(ready, key.data)
            with self.changed:
                self._send_due()

    def _accept_or_receive(self) -> None:
        if self.transport == "tcp":
            stream, peer = self._socket.accept()
            self._adopt(stream, peer[:2])
            return
        try:
            data, peer = self._socket.recvfrom(65535)
        except ConnectionError:
            return
        if data.strip():
            self._take(data, peer[:2])

    def _read_stream(self, stream: socket.socket, peer: tuple[str, int]) -> None:
        try:
            data = stream.recv(65535)
        except OSError:
            data = b""
        if not data:
            with self.changed:
                self._selector.unregister(stream)
                self._streams.pop(peer, None)
                self._buffers.pop(stream, None)
            stream.close()
            return
        whole, self._buffers[stream] = split_stream(self._buffers[stream] + data)
        for one in whole:
            self._take(one, peer)

    def _send_due(self) -> None:
        now = time.monotonic()
        for item in [late for late in self._late if late[0] <= now]:
            self._late.remove(item)
            self.put(item[1], item[2])
        for key, again in list(self._repeats.items()):
            if now >= again.ends_at:
                del self._repeats[key]
            elif now >= again.next_at:
                again.interval = min(2 * again.interval, again.longest)
                again.next_at = now + again.interval
                self.send(parse(again.data), again.peer)

    def _take(self, data: bytes, peer: tuple[str, int]) -> None:
        message = parse(data)
        action = self._link("in", message)
        self._note("<-", message, action)
        if action == "lose":
            return
        with self.changed:
            self.problems += [f"{message.start_line}: {problem}" for problem in message.problems]
            self.receive(message, peer)
            self.changed.notify_all()

    def _note(self, arrow: str, message: Message, action: str | float) -> None:
        at = time.monotonic() - self._started
        done = f"   [{action}]" if action != "" else ""
        about = f"({message.get('cseq')}) {message.call_id[:24]}"
        self._ladder.append(f"{at:8.3f} {arrow} {message.start_line} {about}{done}")


def matches(what: Matcher, to: str | None) -> Callable[[Message], bool]:
    if callable(what):
        return what
    if isinstance(what, int):
        return lambda message: message.status == what and to in (None, message.cseq_method)
    return lambda message: message.method == what
