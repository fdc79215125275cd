"""A name server that tests fill: any records, over UDP and TCP on a free port of loopback.

What is on the way to it and back is bad where a test says so: the network's faults are by the
number of the question over UDP, 0 for the first.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable
from types import TracebackType

import dns.flags
import dns.message
import dns.rcode
import dns.rrset


class NameServer:
    """Answers from `records`; says nothing while `silent`, or fails while `broken`."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, str], list[str]] = {}
        self.seconds = 60
        self.silent = False
        self.silent_kinds: set[str] = set()
        """Kinds of records that it never heard of."""
        self.zone = ""
        """The zone whose SOA stands in an answer that there is nothing."""
        self.negative_seconds = 60
        self.broken = False
        self.asked: list[str] = []
        self.asked_by_tcp: list[str] = []
        self.truncates = False
        """Whether answers over UDP are cut (TC), so that TCP must be asked."""
        self.takes_tcp = True
        self.faults: dict[int, Fault] = {}
        """What becomes of the answer to a question; without one it just goes out."""
        self._later: list[threading.Thread] = []
        self._listening, self._socket = _sockets()
        self.port: int = self._socket.getsockname()[1]
        self._threads = [
            threading.Thread(target=run, daemon=True) for run in (self._run, self._run_tcp)
        ]
        for thread in self._threads:
            thread.start()

    def srv(self, name: str, *servers: tuple[int, int, int, str]) -> None:
        """Priority, weight, port and host of each."""
        self.records[f"{name}.", "SRV"] = [
            f"{priority} {weight} {port} {host}." for priority, weight, port, host in servers
        ]

    def __enter__(self) -> NameServer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Answer nobody any more."""
        for opened in (self._socket, self._listening):
            # Who waits in it is woken by that.
            with contextlib.suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
            opened.close()
        for thread in self._later:
            thread.join(10)

    def put(self, data: bytes, peer: tuple[str, int], *, after: float = 0.0) -> None:
        """Send a datagram, later where that is asked for."""

        def send() -> None:
            time.sleep(after)
            with contextlib.suppress(OSError):
                self._socket.sendto(data, peer)

        if not after:
            with contextlib.suppress(OSError):
                self._socket.sendto(data, peer)
            return
        self._later.append(threading.Thread(target=send, daemon=True))
        self._later[-1].start()

    def _run(self) -> None:
        while True:
            try:
                data, peer = self._socket.recvfrom(4096)
            except OSError:
                return
            if not data:
                return  # it was shut down
            number = len(self.asked)
            reply = self._answer(data, self.asked)
            if reply is None:
                continue
            if self.truncates:
                reply.answer.clear()
                reply.flags |= dns.flags.TC
            self.faults.get(number, _no_fault)(self, reply.to_wire(), peer)

    def _run_tcp(self) -> None:
        while True:
            try:
                opened, _ = self._listening.accept()
            except OSError:
                return
            with opened, contextlib.suppress(OSError):
                opened.settimeout(5)
                if self.takes_tcp:
                    (length,) = struct.unpack("!H", opened.recv(2, socket.MSG_WAITALL))
                    data = opened.recv(length, socket.MSG_WAITALL)
                    reply = self._answer(data, self.asked_by_tcp)
                    if reply is not None:
                        wire = reply.to_wire()
                        opened.sendall(struct.pack("!H", len(wire)) + wire)

    def _has(self, name: str) -> bool:
        return any(known == name for known, _ in self.records)

    def _answer(self, data: bytes, asked: list[str]) -> dns.message.Message | None:
        """What it says to a question; None: nothing."""
        query = dns.message.from_wire(data)
        question = query.question[0]
        name, kind = question.name.to_text(), dns.rdatatype.to_text(question.rdtype)
        asked.append(f"{name} {kind}")
        if self.silent or kind in self.silent_kinds:
            return None
        reply = dns.message.make_response(query)
        found = self.records.get((name, kind), [])
        if self.broken:
            reply.set_rcode(dns.rcode.SERVFAIL)
        elif found:
            reply.answer.append(dns.rrset.from_text_list(name, self.seconds, "IN", kind, found))
        else:
            if not self._has(name):
                reply.set_rcode(dns.rcode.NXDOMAIN)
            if self.zone:
                soa = f"ns.{self.zone} admin.{self.zone} 1 60 60 60 {self.negative_seconds}"
                reply.authority.append(dns.rrset.from_text(self.zone, 3600, "IN", "SOA", soa))
        return reply


def _sockets() -> tuple[socket.socket, socket.socket]:
    """A listening one of TCP and one of UDP, of one port."""
    while True:
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            datagrams.bind(listening.getsockname())
        except OSError:
            listening.close()
            datagrams.close()
        else:
            return listening, datagrams


# What may happen to an answer.

Fault = Callable[[NameServer, bytes, tuple[str, int]], None]


def _no_fault(server: NameServer, reply: bytes, peer: tuple[str, int]) -> None:
    server.put(reply, peer)


def lost(_server: NameServer, _reply: bytes, _peer: tuple[str, int]) -> None:
    """It gets lost."""


def doubled(server: NameServer, reply: bytes, peer: tuple[str, int]) -> None:
    """It comes twice."""
    server.put(reply, peer)
    server.put(reply, peer)


def late(seconds: float) -> Fault:
    """It takes its time."""
    return lambda server, reply, peer: server.put(reply, peer, after=seconds)


def of_another_id(server: NameServer, reply: bytes, peer: tuple[str, int]) -> None:
    """Somebody guesses, badly: the right one gets lost."""
    server.put(bytes((reply[0] ^ 0xFF,)) + reply[1:], peer)


def guessed_before(server: NameServer, reply: bytes, peer: tuple[str, int]) -> None:
    """Somebody guesses, badly, before the right one comes."""
    of_another_id(server, reply, peer)
    server.put(reply, peer)


def from_elsewhere(server: NameServer, reply: bytes, peer: tuple[str, int]) -> None:
    """Somebody knows all of the question, and answers from another address; the right one gets
    lost."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.2", server.port))
        other.sendto(reply, peer)


def garbled(server: NameServer, reply: bytes, peer: tuple[str, int]) -> None:
    """Its end is missing."""
    server.put(reply[: len(reply) * 2 // 3], peer)


def noise(server: NameServer, _reply: bytes, peer: tuple[str, int]) -> None:
    """It is none."""
    server.put(b"\xff" * 7, peer)
