"""What the transport needs of the stack above it, and what its sockets tell it.

Two seams, so that the transport can be tested with a stack that only records, and a socket with an
owner that only records. It knows no SIP but the `Flow`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from softswitch.sip.flow import Flow

Event_co = TypeVar("Event_co", covariant=True)


class StackFace(Protocol[Event_co]):
    """A protocol core: bytes and the time go in; bytes, events and a deadline come out."""

    def receive_datagram(self, data: bytes, flow: Flow, *, now: float) -> None:
        """Take one datagram."""

    def receive_stream(self, data: bytes, flow: Flow, *, now: float) -> None:
        """Take what a connection brought; the core does the framing."""

    def flow_closed(self, flow: Flow, *, now: float) -> None:
        """Learn that a connection is gone."""

    def send_failed(self, flow: Flow, *, now: float) -> None:
        """Learn that what was sent to this destination does not arrive."""

    def is_stranger(self, host: str) -> bool:
        """Say whether a host is nobody of ours: it gets few connections, and little patience."""

    def flows_to_close(self) -> Sequence[Flow]:
        """Hand out the connections that brought something beyond repair, once."""

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is due, on the loop's clock."""

    def handle_timeout(self, *, now: float) -> None:
        """Do what is due."""

    def datagrams_to_send(self) -> Sequence[tuple[bytes, Flow]]:
        """Hand out what is to be sent, once."""

    def next_event(self) -> Event_co | None:
        """Hand out the next event for the owner, once."""


class SocketOwner(Protocol):
    """What a socket tells the transport that owns it."""

    def datagram_received(self, data: bytes, flow: Flow, now: float) -> None:
        """A datagram came; `batch_received` follows once for several of them."""

    def batch_received(self) -> None:
        """All that was waiting in the socket has been handed over."""

    def stream_received(self, data: bytes, flow: Flow) -> None:
        """A connection brought bytes."""

    def is_stranger(self, host: str) -> bool:
        """Whether a connection from there is nobody's of ours."""

    def connection_closed(self, flow: Flow) -> None:
        """A connection that brought or took bytes is gone."""

    def sending_failed(self, flow: Flow, why: str) -> None:
        """What was sent to this flow does not arrive; `why` is for people."""

    def certificate_refused(self, host: str, why: str) -> None:
        """Who connected from there has not shown the certificate that we want."""
