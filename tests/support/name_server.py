"""A name server that tests fill: any records, over UDP on a free port of loopback."""

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
        self.silent_kinds: set[str] = set()
        """Kinds of records that it never heard of."""
        self.zone = ""
        """The zone whose SOA stands in an answer that there is nothing."""
        self.negative_seconds = 60
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
            if not self.silent and kind not in self.silent_kinds:
                self._answer(query, name, kind, peer)

    def _has(self, name: str) -> bool:
        return any(known == name for known, _ in self.records)

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
            if not self._has(name):
                reply.set_rcode(dns.rcode.NXDOMAIN)
            if self.zone:
                soa = f"ns.{self.zone} admin.{self.zone} 1 60 60 60 {self.negative_seconds}"
                reply.authority.append(dns.rrset.from_text(self.zone, 3600, "IN", "SOA", soa))
        try:
            self._socket.sendto(reply.to_wire(), peer)
        except OSError:
            return
