"""What we write: requests and responses, straight from their parts to bytes (RFC 3261 section 8).

A head is built once and used for every message of its transaction. Values that come from elsewhere
cannot break out of their line. It knows no state and decides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from softswitch.sip.grammar import format_host
from softswitch.sip.status import reason_phrase

if TYPE_CHECKING:
    from softswitch.sip.flow import Flow
    from softswitch.sip.inspect import Hop
    from softswitch.sip.message import Request, Response

# 8.1.1.6: the Max-Forwards a UAC writes SHOULD be 70.
MAX_FORWARDS = 70

# What the stack writes itself; a caller's value for one of these would make it appear twice.
OWN_HEADERS = frozenset(
    (
        "via",
        "from",
        "to",
        "call-id",
        "cseq",
        "route",
        "record-route",
        "content-length",
        "content-type",
        "max-forwards",
    )
)

_LINE_BREAKS = re.compile(r"[\r\n\0]+")
_RECEIVED = re.compile(r";[ \t]*received[ \t]*=[^;]*", re.IGNORECASE)
_EMPTY_TAG = re.compile(r';[ \t]*tag[ \t]*(?:=[ \t]*(?:""[ \t]*)?)?(?=;|$)', re.IGNORECASE)
_RPORT = re.compile(r";[ \t]*rport(?:[ \t]*=[ \t]*\d*)?[ \t]*(?=;|$)", re.IGNORECASE)

Header = tuple[str, str]


def one_line(value: str) -> str:
    """Give the value without what would end its header line."""
    if "\n" in value or "\r" in value or "\0" in value:
        return _LINE_BREAKS.sub(" ", value)
    return value


def header_lines(headers: Iterable[Header]) -> str:
    """Write the caller's header lines, leaving out those that are the stack's own business."""
    if not headers:
        return ""
    return "".join(
        [
            f"{one_line(name)}: {one_line(value)}\r\n"
            for name, value in headers
            if name.lower() not in OWN_HEADERS
        ]
    )


def max_forwards_of(headers: Iterable[Header]) -> int:
    """Give the Max-Forwards that the caller hands on, else the usual one."""
    for name, value in headers:
        if name.lower() == "max-forwards" and value.isascii() and value.isdigit():
            return min(int(value[:3]), 255)
    return MAX_FORWARDS


def ending(body: bytes, content_type: str) -> str:
    """Write the last lines of a head; 20.14: Content-Length MUST be used over streams."""
    if not body:
        return "Content-Length: 0\r\n\r\n"
    return f"Content-Type: {one_line(content_type)}\r\nContent-Length: {len(body)}\r\n\r\n"


def encode(text: str, body: bytes = b"") -> bytes:
    """Turn a head into bytes; what UTF-8 cannot say becomes a question mark."""
    data = text.encode("utf-8", "replace")
    return data + body if body else data


class RequestHead:
    """The parts of a request of ours that its CANCEL and the ACK of its refusal must repeat."""

    __slots__ = (
        "branch",
        "call_id",
        "from_",
        "max_forwards",
        "method",
        "number",
        "routes",
        "to",
        "uri",
        "via",
    )

    def __init__(
        self,
        *,
        method: str,
        uri: str,
        via: str,
        branch: str,
        routes: str,
        from_: str,
        to: str,
        call_id: str,
        number: int,
        max_forwards: int = MAX_FORWARDS,
    ) -> None:
        self.method = method
        self.uri = uri
        self.via = via
        self.branch = branch
        self.routes = routes
        self.from_ = from_
        self.to = to
        self.call_id = call_id
        self.number = number
        self.max_forwards = max_forwards

    def to_bytes(self, extra: str = "", body: bytes = b"", content_type: str = "") -> bytes:
        """Write the request; `extra` are whole header lines."""
        return encode(self._start(self.method, self.to, extra) + ending(body, content_type), body)

    def again(self, branch: str, number: int, via: str | None = None) -> RequestHead:
        """The head of the same request in a transaction of its own (8.1.3.5), or over another
        transport."""
        return RequestHead(
            method=self.method,
            uri=self.uri,
            via=self.via if via is None else via,
            branch=branch,
            routes=self.routes,
            from_=self.from_,
            to=self.to,
            call_id=self.call_id,
            number=number,
            max_forwards=self.max_forwards,
        )

    def cancel(self, extra: str) -> bytes:
        """Write the CANCEL.

        9.1: "The Request-URI, Call-ID, To, the numeric part of CSeq, and From header fields in the
        CANCEL request MUST be identical to those in the request being cancelled, including tags."
        """
        return encode(self._start("CANCEL", self.to, extra) + ending(b"", ""))

    def ack_for_refusal(self, response: Response) -> bytes:
        """Write the ACK for a final response from 300 to 699.

        17.1.1.3: "The To header field in the ACK MUST equal the To header field in the response
        being acknowledged", and it goes out with the same branch and the same Route.
        """
        to = response.headers.get("To") or self.to
        return encode(self._start("ACK", one_line(to), "") + ending(b"", ""))

    def _start(self, method: str, to: str, extra: str) -> str:
        return (
            f"{method} {self.uri} SIP/2.0\r\n"
            f"Via: {self.via}{self.branch}\r\n"
            f"Max-Forwards: {self.max_forwards}\r\n"
            f"{self.routes}"
            f"From: {self.from_}\r\n"
            f"To: {to}\r\n"
            f"Call-ID: {self.call_id}\r\n"
            f"CSeq: {self.number} {method}\r\n"
            f"{extra}"
        )


class ResponseHead:
    """The parts of a request that every response to it repeats (8.2.6.2)."""

    __slots__ = ("_common", "_record_route", "_timestamp", "_to", "_trying_to", "server")

    def __init__(self, request: Request, flow: Flow, hop: Hop, local_tag: str, server: str) -> None:
        fields = request.headers.fields
        vias = fields["Via"]
        via_lines = f"Via: {stamp_via(vias[0], hop, flow)}\r\n"
        if len(vias) > 1:
            via_lines += "".join([f"Via: {via}\r\n" for via in vias[1:]])
        self._common = (
            f"{via_lines}From: {fields['From'][0]}\r\n"
            f"Call-ID: {fields['Call-ID'][0]}\r\nCSeq: {fields['CSeq'][0]}\r\n"
        )
        to = fields["To"][0]
        self._trying_to = f"To: {to}\r\n"
        # 8.2.6.2: if the request contained a To tag, the To of the response MUST equal it, which
        # is said by a local tag that is empty.
        self._to = f"To: {_tagged(to, local_tag)}\r\n" if local_tag else self._trying_to
        timestamp = fields.get("Timestamp")
        self._timestamp = f"Timestamp: {timestamp[0]}\r\n" if timestamp else ""
        routes = fields.get("Record-Route")
        # 12.1.1: the UAS MUST copy all Record-Route header field values into the response.
        self._record_route = (
            "".join([f"Record-Route: {value}\r\n" for value in routes]) if routes else ""
        )
        self.server = server

    def trying(self) -> bytes:
        """Write 100 Trying; 8.2.6.1: any Timestamp present MUST be copied into it."""
        return encode(
            f"SIP/2.0 100 Trying\r\n{self._common}{self._trying_to}{self._timestamp}"
            "Content-Length: 0\r\n\r\n"
        )

    def to_bytes(
        self,
        status: int,
        *,
        reason: str | None = None,
        extra: str = "",
        body: bytes = b"",
        content_type: str = "",
        record_route: bool = False,
    ) -> bytes:
        """Write a response with a To tag; `extra` are whole header lines."""
        phrase = reason_phrase(status) if reason is None else one_line(reason)
        return encode(
            f"SIP/2.0 {status} {phrase}\r\n"
            f"{self._common}"
            f"{self._to}"
            f"{self._record_route if record_route else ''}"
            f"{extra}"
            f"{self.server}"
            f"{ending(body, content_type)}",
            body,
        )


def incomplete_answer(request: Request, flow: Flow, hop: Hop, tag: str, lines: str) -> bytes:
    """Write 400 for a request in which From, To or Call-ID is missing, with what it has of them.

    17.1.3: its sender knows the answer by the branch and the method in CSeq, which are there.
    """
    fields = request.headers.fields
    vias = fields["Via"]
    text = f"SIP/2.0 400 {reason_phrase(400)}\r\nVia: {stamp_via(vias[0], hop, flow)}\r\n"
    text += "".join([f"Via: {via}\r\n" for via in vias[1:]])
    for name in ("From", "To", "Call-ID", "CSeq"):
        if name in fields:
            value = fields[name][0]
            text += f"{name}: {_tagged(value, tag) if name == 'To' and tag else value}\r\n"
    return encode(text + lines + ending(b"", ""))


def _tagged(to: str, tag: str) -> str:
    """Write a To with our tag, in the place of an empty one that a refused request has."""
    if not to.endswith(">"):
        address, closing, parameters = to.rpartition(">")
        to = address + closing + _EMPTY_TAG.sub("", parameters)
    return f"{to};tag={tag}"


def stamp_via(value: str, hop: Hop, flow: Flow) -> str:
    """Write the top Via as it goes back.

    18.2.1: if the host of the top Via is not the source address, the server MUST add a "received"
    parameter. RFC 3581 section 4: a server that finds "rport" MUST fill in the source port and MUST
    also add "received", even if it equals the sent-by.
    """
    if not hop.has_rport and hop.host == flow.host and not hop.has_received:
        return value
    top, comma, rest = value.partition(",")
    top = _RECEIVED.sub("", top).rstrip()
    if hop.has_rport:
        top = _RPORT.sub(f";rport={flow.port}", top)
    return f"{top};received={flow.host}{comma}{rest}"


def host_port(host: str, port: int) -> str:
    """Write host and port, an IPv6 address in brackets."""
    return f"{format_host(host)}:{port}"
