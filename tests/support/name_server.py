"""A name server that tests fill: SRV and A records over UDP on a free port of loopback."""

from __future__ import annotations

import socket
import threading
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
        self.broken = False
        self.asked: list[str] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

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
        self._socket.close()

    def _run(self) -> None:
        while True:
            try:
                data, peer = self._socket.recvfrom(4096)
            except OSError:
                return
            query = dns.message.from_wire(data)
            question = query.question[0]
            name, kind = question.name.to_text(), dns.rdatatype.to_text(question.rdtype)
            self.asked.append(f"{name} {kind}")
            if not self.silent:
                self._answer(query, name, kind, peer)

    def _answer(
        self, query: dns.message.Message, name: str, kind: str, peer: tuple[str, int]
    ) -> None:
        reply = dns.message.make_response(query)
        found = self.records.get((name, kind), [])
        if self.broken:
            reply.set_rcode(dns.rcode.SERVFAIL)
        elif found:
            reply.answer.append(dns.rrset.from_text_list(name, self.seconds, "IN", kind, found))
        else:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        try:
            self._socket.sendto(reply.to_wire(), peer)
        except OSError:
            return
