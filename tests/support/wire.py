"""A peer made of text, to hold one stack to the letter of the RFC.

`Wire` feeds a stack with messages written by hand, on a clock moved by hand, and reads what comes
out. It shares no code with the stack: messages out are read as text.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from softswitch.sip.events import Event, RequestRefused
from softswitch.sip.flow import Flow, Listener
from softswitch.sip.ids import Ids
from softswitch.sip.message import Request
from softswitch.sip.stack import ALLOW, Limits, Stack
from tests.support.agents import Pseudorandom
from tests.support.sip_text import Message, complaints, parse

PEER = Flow("udp", "192.0.2.1", 5060)
PEER_TCP = Flow("tcp", "192.0.2.1", 40001, 1, 7)
US = "192.0.2.9"
SDP = b"v=0\r\ns=-\r\n"
T = TypeVar("T")
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Sent:
    """A message that came out, where to, and when."""

    message: Message
    flow: Flow
    at: float

    @property
    def what(self) -> str:
        """`INVITE`, or `180 INVITE` for a response to it."""
        message = self.message
        return message.method or f"{message.status} {message.cseq_method}"


class Wire:
    """One stack on the bench."""

    def __init__(
        self,
        *,
        is_known: Callable[[Request, Flow], bool] = lambda _request, _flow: True,
        allow: Sequence[str] = ALLOW,
        limits: Limits | None = None,
    ) -> None:
        self.refused: list[tuple[int, str]] = []
        self.now = 100.0
        # Whether each message out must please a strict reader.
        self.strict = True
        self.stack = Stack(
            listeners=[Listener("udp", US, 5060), Listener("tcp", US, 5060)],
            server="test",
            identify=is_known,
            ids=Ids(Pseudorandom(4711)),
            allow=allow,
            limits=limits,
        )
        self.log: list[Sent] = []

    def give(self, data: bytes, flow: Flow = PEER) -> list[Message]:
        """Hand a message to the stack and read what it sends at once."""
        if flow.reliable:
            self.stack.receive_stream(data, flow, now=self.now)
        else:
            self.stack.receive_datagram(data, flow, now=self.now)
        return self.take()

    def take(self) -> list[Message]:
        """Read what the stack wants to send; each message must please a strict reader."""
        messages = []
        for data, flow in self.stack.datagrams_to_send():
            message = parse(data)
            assert not (self.strict and complaints(message)), str(message)
            self.log.append(Sent(message, flow, self.now))
            messages.append(message)
        return messages

    def wait(self, seconds: float) -> list[Sent]:
        """Let time pass and read what was sent meanwhile."""
        end = self.now + seconds
        before = len(self.log)
        self.take()
        while (when := self.stack.next_timeout()) is not None and when <= end:
            self.now = max(self.now, when)
            self.stack.handle_timeout(now=self.now)
            self.take()
        self.now = end
        return self.log[before:]

    def event(self, kind: type[T]) -> T:
        """Take the next event, which must be of this kind."""
        event = self._next_event()
        assert isinstance(event, kind), event
        return event

    def no_event(self) -> None:
        """Make sure that nothing was reported."""
        assert self._next_event() is None

    def events(self) -> list[object]:
        """Take all events."""
        return list(iter(self._next_event, None))

    def _next_event(self) -> Event | None:
        """The next event that is about a call; refusals are kept in `refused`."""
        while isinstance(event := self.stack.next_event(), RequestRefused):
            self.refused.append((event.status, event.why))
        return event


def request(
    method: str = "INVITE",
    *,
    uri: str = f"sip:100000@{US}",
    number: int = 1,
    branch: str | None = None,
    via: str | None = None,
    from_: str = "<sip:caller@192.0.2.1>;tag=far",
    to: str = f"<sip:100000@{US}>",
    call_id: str = "call-1",
    contact: str | None = "<sip:caller@192.0.2.1>",
    headers: Sequence[str] = (),
    body: bytes = b"",
    content_type: str = "application/sdp",
    version: str = "SIP/2.0",
    cseq_method: str | None = None,
    transport: str = "UDP",
) -> bytes:
    """Write a request; each has a branch of its own unless one is given."""
    branch = branch if branch is not None else f"z9hG4bK{next(_numbers)}"
    lines = [
        f"{method} {uri} {version}",
        f"Via: {via if via is not None else f'SIP/2.0/{transport} 192.0.2.1:5060;branch={branch}'}",
        f"From: {from_}",
        f"To: {to}",
        f"Call-ID: {call_id}",
        f"CSeq: {number} {cseq_method or method}",
        "Max-Forwards: 70",
        *headers,
    ]
    if contact is not None:
        lines.append(f"Contact: {contact}")
    if body:
        lines.append(f"Content-Type: {content_type}")
    lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def response(
    to: Message,
    status: int,
    *,
    tag: str = "far",
    contact: str | None = "<sip:callee@192.0.2.1>",
    headers: Sequence[str] = (),
    body: bytes = b"",
) -> bytes:
    """Write a response to a request that came out of the stack."""
    target = to.get("to")
    if tag and status != 100 and ";tag=" not in target:
        target += f";tag={tag}"
    lines = [
        f"SIP/2.0 {status} Whatever",
        *(f"Via: {via}" for via in to.all("via")),
        f"From: {to.get('from')}",
        f"To: {target}",
        f"Call-ID: {to.call_id}",
        f"CSeq: {to.get('cseq')}",
        *headers,
    ]
    if contact is not None:
        lines.append(f"Contact: {contact}")
    if body:
        lines.append("Content-Type: application/sdp")
    lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body
