"""A scripted SIP phone for tests: what SIPp cannot say, said in Python, over UDP or TCP.

The phone answers retransmissions by itself (RFC 3261 section 17.2) and copies what RFC 3261 section
8.2.6 says; the test says what happens next and what must come: `call = phone.invite(...)`,
`call.expect(200)`, `call.ack()`. It shares no code with the product and knows no RTP; sockets,
timers and the faults of the way are `tests.support.sip_link`.
"""

from __future__ import annotations

import itertools
import random
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.support.sip_link import Link, Matcher, matches, uri_host
from tests.support.sip_text import Message, build, parse

Headers = Sequence[tuple[str, str]]
_REASONS = {
    100: "Trying",
    180: "Ringing",
    183: "Session Progress",
    200: "OK",
    302: "Moved Temporarily",
    401: "Unauthorized",
    404: "Not Found",
    407: "Proxy Authentication Required",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    491: "Request Pending",
    503: "Service Unavailable",
    600: "Busy Everywhere",
    603: "Decline",
}
_serial = itertools.count(1)


def unique(prefix: str = "") -> str:
    """A text that no other message of this run holds."""
    return f"{prefix}{next(_serial):x}{random.randrange(1 << 48):012x}"


@dataclass
class Call:
    """One dialog, seen from a phone; `expect` reads what came in the order in which it came."""

    phone: Phone
    call_id: str
    local: str
    remote: str
    target: str
    local_tag: str = field(default_factory=unique)
    remote_tag: str = ""
    routes: list[str] = field(default_factory=list)
    cseq: int = 0
    invite: Message | None = None
    final: Message | None = None
    inbox: list[Message] = field(default_factory=list)
    repeats: Counter[str] = field(default_factory=Counter)
    never_ack: bool = False
    last_ack: bytes = b""
    peer: tuple[str, int] = ("", 0)

    # ---- both sides -------------------------------------------------------------------------

    def expect(self, what: Matcher, *, to: str = "INVITE", within: float = 10.0) -> Message:
        """The next message, which must be this one; provisionals before a final are passed over."""
        deadline = time.monotonic() + within
        while True:
            message = self._next(deadline)
            if message is None:
                raise AssertionError(f"no {what} within {within} s\n{self.phone.ladder()}")
            if matches(what, to)(message):
                self._learn(message)
                return message
            if not _passed_over(message, what):
                got = message.start_line
                raise AssertionError(f"expected {what}, got {got}\n{self.phone.ladder()}")

    def expect_nothing(self, *, during: float) -> None:
        """Nothing but repeats of what was seen comes in this time."""
        message = self._next(time.monotonic() + during)
        if message is not None:
            raise AssertionError(f"unexpected {message.start_line}\n{self.phone.ladder()}")

    def send(
        self, method: str, body: bytes = b"", headers: Headers = (), **options: object
    ) -> Message:
        """A request in the dialog; `cseq`, `branch` and `repeat` may be given."""
        numbered = options.get("cseq")
        if method == "ACK":
            number = self.invite.cseq if self.invite and numbered is None else int(str(numbered))
        else:
            self.cseq += 1
            number = self.cseq if numbered is None else int(str(numbered))
        message = self.phone.request(
            method,
            self.target,
            [
                *(("Route", route) for route in self.routes),
                ("From", f"{self.local};tag={self.local_tag}"),
                ("To", self.remote + (f";tag={self.remote_tag}" if self.remote_tag else "")),
                ("Call-ID", self.call_id),
                ("CSeq", f"{number} {method}"),
                *self._contact(method),
                *headers,
            ],
            body,
            branch=str(options.get("branch") or "") or None,
        )
        if method == "INVITE":
            self.invite = message
        self.phone.transmit(message, self.peer, repeat=bool(options.get("repeat", method != "ACK")))
        return message

    def bye(self, headers: Headers = ()) -> None:
        """BYE, and its 200."""
        self.send("BYE", headers=headers)
        self.expect(200, to="BYE")

    def reinvite(self, body: bytes, headers: Headers = ()) -> None:
        """A new INVITE in the dialog; `expect` its answer, then `ack`."""
        self.send("INVITE", body, headers)

    # ---- as the caller ----------------------------------------------------------------------

    def ack(self, body: bytes = b"") -> None:
        """ACK of the 2xx that was expected last."""
        message = self.send("ACK", body)
        self.last_ack = bytes(message)

    def cancel(self, headers: Headers = ()) -> None:
        """CANCEL of the pending INVITE (RFC 3261 section 9.1: same Request-URI, branch, CSeq)."""
        assert self.invite is not None
        kept = [
            (name, value)
            for name, value in self.invite.headers
            if name in ("Via", "Max-Forwards", "Route", "From", "To", "Call-ID")
        ]
        start = f"CANCEL {self.invite.uri} SIP/2.0"
        cseq = ("CSeq", f"{self.invite.cseq} CANCEL")
        self.phone.transmit(build(start, [*kept, cseq, *headers]), self.peer, repeat=True)

    # ---- as the called party ----------------------------------------------------------------

    def respond(
        self,
        status: int,
        body: bytes = b"",
        headers: Headers = (),
        *,
        request: Message | None = None,
        tag: str | None = None,
    ) -> None:
        """A response to `request`, or to the INVITE; a final to an INVITE is repeated until ACK."""
        answered = request or self.invite
        assert answered is not None
        message = self.phone.response(answered, status, body, headers, tag=tag or self.local_tag)
        final_to_invite = answered.method == "INVITE" and status >= 200
        self.phone.answer(answered, message, self.peer, repeat=final_to_invite)

    # ---- inside -----------------------------------------------------------------------------

    def _contact(self, method: str) -> list[tuple[str, str]]:
        return [("Contact", self.phone.contact())] if method in ("INVITE", "UPDATE") else []

    def _next(self, deadline: float) -> Message | None:
        with self.phone.changed:
            while not self.inbox:
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    return None
                self.phone.changed.wait(remaining)
            return self.inbox.pop(0)

    def _learn(self, message: Message) -> None:
        """Takes dialog state out of what was expected (RFC 3261 section 12)."""
        if message.method == "INVITE":
            self.invite, self.final = message, None
            self.target = message.contact or self.target
        status = message.status or 0
        if message.cseq_method == "INVITE" and status >= 200:
            self.final = message
            if status < 300:
                self.remote_tag = message.to_tag
                self.target = message.contact or self.target
                self.routes = message.all("record-route")[::-1]


class Phone(Link):
    """A SIP user agent on one loopback port, with a thread of its own."""

    def __init__(
        self,
        server: tuple[str, int] | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        transport: str = "udp",
        user: str = "phone",
    ) -> None:
        self.server = server
        self.user = user
        self.calls: dict[str, Call] = {}
        self.strays: list[Message] = []
        self.sends_trying = True
        self.automatic = {"BYE", "CANCEL", "OPTIONS"}
        self._answers: dict[tuple[str, str], bytes] = {}
        self._seen: set[tuple[str, ...]] = set()
        self._unclaimed: list[Call] = []
        super().__init__(host, port, transport)

    # ---- what a test says -------------------------------------------------------------------

    def invite(
        self,
        number: str,
        body: bytes = b"",
        headers: Headers = (),
        *,
        from_: str | None = None,
        to: tuple[str, int] | None = None,
    ) -> Call:
        """Sends an INVITE for `number` (a user part, or a whole URI) and returns its call."""
        peer = to or self.server
        assert peer is not None
        scheme_given = ":" in number
        uri = number if scheme_given else f"sip:{number}@{uri_host(peer[0])}:{peer[1]}"
        local = from_ or f'"{self.user}" <sip:{self.user}@{self.uri_host}:{self.port}>'
        call = Call(self, unique("phone-"), local, f"<{uri}>", uri, peer=peer)
        with self.changed:
            self.calls[call.call_id] = call
        call.send("INVITE", body, headers)
        return call

    def expect_call(self, within: float = 10.0) -> Call:
        """The next INVITE of a call that this phone has not seen."""
        deadline = time.monotonic() + within
        with self.changed:
            while not self._unclaimed:
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    raise AssertionError(f"no INVITE within {within} s\n{self.ladder()}")
                self.changed.wait(remaining)
            return self._unclaimed.pop(0)

    def expect_no_call(self, *, during: float) -> None:
        """No INVITE comes in this time."""
        time.sleep(during)
        with self.changed:
            assert not self._unclaimed, f"unexpected INVITE\n{self.ladder()}"

    def wait_for_stray(self, within: float = 10.0) -> Message:
        """The first message that belongs to no call."""
        with self.changed:
            came = self.changed.wait_for(lambda: bool(self.strays), within)
        assert came, f"nothing came\n{self.ladder()}"
        return self.strays[0]

    def options(
        self, uri: str, *, to: tuple[str, int] | None = None, within: float = 10.0
    ) -> Message:
        """Sends OPTIONS and returns its final response."""
        return self.ask("OPTIONS", uri, to=to, within=within)

    def ask(
        self,
        method: str,
        uri: str,
        headers: Headers = (),
        body: bytes = b"",
        *,
        to: tuple[str, int] | None = None,
        within: float = 10.0,
    ) -> Message:
        """Any request outside a dialog, and its final response (a refused INVITE is ACKed)."""
        peer = to or self.server
        assert peer is not None
        call = Call(
            self, unique("phone-"), f"<sip:{self.user}@{self.uri_host}>", f"<{uri}>", uri, peer=peer
        )
        with self.changed:
            self.calls[call.call_id] = call
        call.send(method, body, headers)
        return call.expect(lambda message: (message.status or 0) >= 200, to=method, within=within)

    # ---- messages ---------------------------------------------------------------------------

    def contact(self) -> str:
        """What this phone writes in Contact."""
        suffix = ";transport=tcp" if self.transport == "tcp" else ""
        return f"<sip:{self.user}@{self.uri_host}:{self.port}{suffix}>"

    def request(
        self,
        method: str,
        uri: str,
        headers: Headers,
        body: bytes = b"",
        *,
        branch: str | None = None,
    ) -> Message:
        """A request with Via and Max-Forwards on top; headers given by the caller win."""
        given = {name.lower() for name, _ in headers}
        protocol = self.transport.upper()
        sent_by = f"{self.uri_host}:{self.port}"
        via = f"SIP/2.0/{protocol} {sent_by};rport;branch={branch or unique('z9hG4bK')}"
        top = [("Via", via), ("Max-Forwards", "70")]
        if body and "content-type" not in given:
            top.append(("Content-Type", "application/sdp"))
        kept = [(name, value) for name, value in top if name.lower() not in given]
        return build(f"{method} {uri} SIP/2.0", [*kept, *_last_wins(headers)], body)

    def response(
        self, request: Message, status: int, body: bytes, headers: Headers, *, tag: str
    ) -> Message:
        """A response that copies what RFC 3261 section 8.2.6 says."""
        to = request.get("to")
        if status > 100 and not request.to_tag:
            to += f";tag={tag}"
        copied = [("Via", via) for via in request.all("via")]
        copied += [("Record-Route", route) for route in request.all("record-route")]
        copied += [("From", request.get("from")), ("To", to), ("Call-ID", request.call_id)]
        copied.append(("CSeq", request.get("cseq")))
        if request.method == "INVITE" and 100 < status < 300:
            copied.append(("Contact", self.contact()))
        if body:
            copied.append(("Content-Type", "application/sdp"))
        reason = _REASONS.get(status, "Because")
        return build(f"SIP/2.0 {status} {reason}", _last_wins([*copied, *headers]), body)

    def transmit(self, message: Message, peer: tuple[str, int], *, repeat: bool) -> None:
        """Sends a request, and again until a response to it comes."""
        if repeat:
            self.repeat((message.branch, message.method or ""), bytes(message), peer)
        self.send(message, peer)

    def answer(
        self, request: Message, message: Message, peer: tuple[str, int], *, repeat: bool
    ) -> None:
        """Sends a response, and again when the request comes again, or until ACK."""
        with self.changed:
            self._answers[request.branch, request.method or ""] = bytes(message)
        status = message.status or 0
        # RFC 3261 section 13.3.1.4: a 2xx is repeated over every transport, as there may be UDP
        # further on; section 17.2.1: other finals only over an unreliable one.
        if repeat and (status < 300 or self.transport == "udp"):
            self.repeat((request.call_id, f"ACK {request.cseq}"), bytes(message), peer, always=True)
        self.send(message, peer)

    def send_raw(self, data: bytes, peer: tuple[str, int] | None = None) -> None:
        """Sends bytes as they are; answers to them land in `strays`, or in the call they name."""
        target = peer or self.server
        assert target is not None
        self.put(data, target)

    # ---- what comes ------------------------------------------------------------------------

    def receive(self, message: Message, peer: tuple[str, int]) -> None:
        """Takes what came over the link; `changed` is held."""
        if message.status is not None:
            self._take_response(message)
        else:
            self._take_request(message, peer)

    def _take_response(self, message: Message) -> None:
        status = message.status or 0
        method = message.cseq_method
        if status >= 200 or method == "INVITE":
            self.stop_repeating((message.branch, method))
        call = self.calls.get(message.call_id)
        if call is None:
            self.strays.append(message)
            return
        if method == "INVITE" and status >= 300:
            self.put(bytes(self._ack_of_refusal(call, message)), call.peer)
        seen = ("response", message.branch, message.start_line, message.to_tag, message.get("cseq"))
        if seen in self._seen and status >= 200:
            call.repeats[str(status)] += 1
            if call.last_ack and not call.never_ack and method == "INVITE" and status < 300:
                self.send(parse(call.last_ack), call.peer)
            return
        self._seen.add(seen)
        call.inbox.append(message)

    def _ack_of_refusal(self, call: Call, message: Message) -> Message:
        """RFC 3261 section 17.1.1.3: branch and Request-URI of the INVITE, To of the response."""
        invite = call.invite
        assert invite is not None
        headers = [("Via", invite.get("via")), ("Max-Forwards", "70"), ("From", invite.get("from"))]
        headers += [("To", message.get("to")), ("Call-ID", message.call_id)]
        headers.append(("CSeq", f"{message.cseq} ACK"))
        return build(f"ACK {invite.uri} SIP/2.0", headers)

    def _take_request(self, message: Message, peer: tuple[str, int]) -> None:
        key = (message.branch, message.method or "")
        if message.method == "ACK":
            self.stop_repeating((message.call_id, f"ACK {message.cseq}"))
        call = self.calls.get(message.call_id)
        if call is not None and self.transport == "tcp":
            call.peer = peer  # RFC 3261 section 18.2.2: where the request came from
        if ("request", *key) in self._seen:
            if call is not None:
                call.repeats[key[1]] += 1
            if key in self._answers:
                self.send(parse(self._answers[key]), peer)
            return
        self._seen.add(("request", *key))
        if call is None:
            call = self._begin(message, peer)
        if call is None:
            return
        if message.method == "INVITE" and self.sends_trying:
            call.respond(100, request=message)
        if message.method in self.automatic:
            self._answer_by_itself(call, message)
        if message.method != "INVITE" or message.to_tag:
            call.inbox.append(message)

    def _begin(self, message: Message, peer: tuple[str, int]) -> Call | None:
        """A call for the first INVITE of a Call-ID; anything else out of the blue is a stray."""
        if message.method == "OPTIONS":
            reply = self.response(message, 200, b"", (), tag=unique())
            self.answer(message, reply, peer, repeat=False)
        if message.method != "INVITE":
            self.strays.append(message)
            return None
        # RFC 3261 section 18.2.2: answers go to where the top Via says; the switch names its own
        # listening port there, which is also where it sends from.
        call = Call(self, message.call_id, message.get("to"), message.get("from"), message.contact)
        call.remote = message.get("from").partition(";tag=")[0]
        call.remote_tag = message.from_tag
        call.routes = message.all("record-route")
        call.invite = message
        call.peer = peer
        self.calls[call.call_id] = call
        self._unclaimed.append(call)
        return call

    def _answer_by_itself(self, call: Call, message: Message) -> None:
        call.respond(200, request=message)
        if message.method == "CANCEL" and call.invite is not None:
            call.respond(487)


def _passed_over(message: Message, what: Matcher) -> bool:
    """100 is hop by hop; other provisionals are passed over on the way to a final only."""
    if message.status is None or message.status >= 200:
        return False
    return message.status == 100 or callable(what) or (isinstance(what, int) and what >= 200)


def _last_wins(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Later values replace earlier ones where only one may stand; an empty value removes it."""
    single = {"from", "to", "call-id", "cseq", "contact", "content-type", "max-forwards"}
    kept: list[tuple[str, str]] = []
    for name, value in headers:
        if name.lower() in single:
            kept = [item for item in kept if item[0].lower() != name.lower()]
        if value:
            kept.append((name, value))
    return kept
