"""What the SIP core costs for a bridged call: `python -m bench.sip_stack [calls]`.

One stack is user agent server to a caller and user agent client to a callee, whose packets are
texts filled in by hand. Each call is INVITE, 100, 180, 200, ACK on both legs, and BYE from the
caller passed on: 7 messages in, 9 out. Time is the process's CPU time; the peers' part, measured by
itself in the same run, is taken off. No sockets, no SDP, no media.
"""

from __future__ import annotations

import gc
import platform
import re
import statistics
import sys
import time

from softswitch.sip import events
from softswitch.sip.flow import Flow, Listener
from softswitch.sip.stack import Stack

CALLER = Flow("udp", "192.0.2.1", 5060)
CALLEE = Flow("udp", "192.0.2.2", 5080)
US = "192.0.2.9"
SDP = (
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
    b"m=audio 6000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
    b"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
)
_VIA = re.compile(rb"\r\nVia: ([^\r]*)")
_TO = re.compile(rb"\r\nTo: ([^\r]*)")
_FROM = re.compile(rb"\r\nFrom: ([^\r]*)")
_CALL_ID = re.compile(rb"\r\nCall-ID: ([^\r]*)")
_CSEQ = re.compile(rb"\r\nCSeq: ([^\r]*)")
_COPIED = ((b"Via", _VIA), (b"From", _FROM), (b"Call-ID", _CALL_ID), (b"CSeq", _CSEQ))


def caller_request(
    method: str, number: int, call: int, to_tag: str = "", body: bytes = b""
) -> bytes:
    """A request of the caller's, as SIPp would write it."""
    kind = "Content-Type: application/sdp\r\n" if body else ""
    return (
        f"{method} sip:100000@{US}:5060 SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-{call}-{number}-{method}\r\n"
        f"From: sipp <sip:sipp@192.0.2.1:5060>;tag=c{call}\r\n"
        f"To: 100000 <sip:100000@{US}:5060>{to_tag}\r\n"
        f"Call-ID: {call}-4711@192.0.2.1\r\nCSeq: {number} {method}\r\n"
        "Contact: sip:sipp@192.0.2.1:5060\r\nMax-Forwards: 70\r\nSubject: Performance Test\r\n"
        f"{kind}Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def callee_response(request: bytes, status: bytes, body: bytes = b"") -> bytes:
    """A response of the callee's, as SIPp would write it."""
    kind = b"Content-Type: application/sdp\r\n" if body else b""
    head = b"".join(
        b"%s: %s\r\n" % (name, pattern.search(request)[1])  # type: ignore[index]
        for name, pattern in _COPIED
    )
    to = _TO.search(request)[1]  # type: ignore[index]
    tag = b"" if b";tag=" in to else b";tag=callee"
    return (
        b"SIP/2.0 %s\r\n%sTo: %s%s\r\nContact: <sip:192.0.2.2:5080;transport=UDP>\r\n"
        b"%sContent-Length: %d\r\n\r\n%s" % (status, head, to, tag, kind, len(body), body)
    )


class Bridge:
    """One stack, and as much of a call layer as passes events from leg to leg."""

    def __init__(self) -> None:
        self.stack = Stack(
            listeners=[Listener("udp", US, 5060)],
            server="softswitch/bench",
            identify=lambda _request, _flow: True,
        )
        self.now = 0.0
        self.answered = 0
        self.ended = 0
        self.seconds = 0.0

    def receive(self, data: bytes, flow: Flow) -> list[tuple[bytes, Flow]]:
        """Give the stack a packet and take what it sends; only this is timed."""
        begin = time.process_time()
        stack = self.stack
        stack.receive_datagram(data, flow, now=self.now)
        while (event := stack.next_event()) is not None:
            self._pass_on(event)
        out = stack.datagrams_to_send()
        stack.next_timeout()
        self.seconds += time.process_time() - begin
        return out

    def _pass_on(self, event: object) -> None:
        now = self.now
        if isinstance(event, events.InviteReceived):
            invite = event.invite
            invite.owner = self.stack.invite(
                uri="sip:100000@192.0.2.2:5080",
                to_flow=CALLEE,
                from_="<sip:sipp@192.0.2.9>",
                to="<sip:100000@192.0.2.2:5080>",
                contact_user="sipp",
                body=invite.request.body,
                owner=invite,
                now=now,
            )
        elif isinstance(event, events.ProvisionalReceived):
            event.invite.owner.provisional(event.response.status, now=now)  # type: ignore[attr-defined]
        elif isinstance(event, events.InviteAnswered):
            self.answered += 1
            invite = event.invite.owner  # type: ignore[assignment]
            dialog = invite.accept(body=event.response.body, now=now)
            dialog.owner = event.dialog
            event.dialog.owner = dialog
            invite.owner = event.invite.owner = None
        elif isinstance(event, events.ByeReceived):
            event.dialog.owner.bye(now=now)  # type: ignore[attr-defined]
        elif isinstance(event, events.DialogTerminated):
            self.ended += 1
            event.dialog.owner = None


def one_call(bridge: Bridge, call: int) -> None:
    """Play one whole call."""
    out = bridge.receive(caller_request("INVITE", 1, call, body=SDP), CALLER)
    invite = next(data for data, _ in out if data.startswith(b"INVITE"))
    bridge.receive(callee_response(invite, b"100 Trying"), CALLEE)
    bridge.receive(callee_response(invite, b"180 Ringing"), CALLEE)
    out = bridge.receive(callee_response(invite, b"200 OK", SDP), CALLEE)
    answer = next(data for data, flow in out if data.startswith(b"SIP/2.0 200"))
    to = _TO.search(answer)
    assert to is not None
    tag = to[1].decode().rpartition(">")[2]
    bridge.receive(caller_request("ACK", 1, call, tag), CALLER)
    out = bridge.receive(caller_request("BYE", 2, call, tag), CALLER)
    bye = next(data for data, _ in out if data.startswith(b"BYE"))
    bridge.receive(callee_response(bye, b"200 OK"), CALLEE)


def expire(bridge: Bridge) -> None:
    """Let time pass, as the loop would."""
    begin = time.process_time()
    deadline = bridge.stack.next_timeout()
    while deadline is not None and deadline <= bridge.now:
        bridge.stack.handle_timeout(now=bridge.now)
        deadline = bridge.stack.next_timeout()
    bridge.seconds += time.process_time() - begin


def clock_cost() -> float:
    """What reading the clock around a call of `receive` costs."""
    count = 20_000
    begin = time.process_time()
    for _ in range(count):
        time.process_time()
    return (time.process_time() - begin) / count


def main() -> None:
    """Run and print."""
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    rate = 200.0
    rounds = []
    reading = clock_cost()
    for _ in range(5):
        bridge = Bridge()
        gc.collect()
        for call in range(calls):
            bridge.now += 1 / rate
            one_call(bridge, call)
            expire(bridge)
        assert bridge.answered == calls
        assert bridge.ended == 2 * calls
        rounds.append((bridge.seconds / calls - 9 * reading) * 1e6)
        bridge.now += 100
        expire(bridge)
        assert not any(bridge.stack.counts().values())
    print(f"{platform.machine()}, Python {platform.python_version()}, {calls} calls a round")
    print(
        f"core per bridged call, hot, at {rate:.0f} virtual calls a second: median "
        f"{statistics.median(rounds):.0f} us, from {min(rounds):.0f} to {max(rounds):.0f}"
    )


if __name__ == "__main__":
    main()
