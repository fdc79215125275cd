"""Requests and responses: bytes to messages and back (RFC 3261 sections 7, 18.3 and 20).

Reading is lenient where the meaning is clear: compact forms, any case, folded lines, white space
around the colon, bare line feeds, extra bytes after the body. Writing is strict. A header is kept
as raw text and understood on first use. This module knows no transaction and no dialog.

A message as nearly all are is cut into its parts in C (`_reader.pyx`). What is unusual there is
decoded once, split once, and each header name is looked up by its exact spelling first; what is
unusual still is read again by the careful path, which alone defines what is accepted.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

from softswitch.sip._reader import learn, read_usual
from softswitch.sip.errors import LocalProtocolError, ParseError
from softswitch.sip.framing import cut_head, decode_head, unfold
from softswitch.sip.grammar import USUAL_METHODS, WHITE_SPACE, is_token, parse_number, split_commas
from softswitch.sip.headers.call_id import parse_call_id
from softswitch.sip.headers.container import CANONICAL_NAMES, Headers, canonical_name
from softswitch.sip.headers.cseq import CSeq
from softswitch.sip.headers.max_forwards import parse_max_forwards
from softswitch.sip.headers.media_type import MediaType
from softswitch.sip.headers.name_address import NameAddress
from softswitch.sip.headers.tokens import parse_tokens
from softswitch.sip.headers.via import Via
from softswitch.sip.status import reason_phrase
from softswitch.sip.uri import Uri

T = TypeVar("T")

SIP_VERSION = "SIP/2.0"
_VERSION = re.compile(r"SIP/[0-9]+\.[0-9]+")

# A UDP datagram cannot be longer; on a stream nobody needs more, and each connection may hold as
# much. Beyond it the answer is 513.
MAX_MESSAGE_BYTES = 65_535
# A session description is 1 to 4 kB, with ISUP and location parts some kB more. Beyond it: 413.
MAX_BODY_BYTES = 32_768
# 70 hops leave as many Via and Record-Route lines; more lines than this are an attack. 513.
MAX_HEADERS = 256
# The longest line of RFC 4475 has under 2 kB; an Identity header may have some kB. 513.
MAX_LINE = 8_192


class Message:
    """What requests and responses share: version, headers, body, and the headers understood.

    Typed properties raise ParseError when the header is missing or malformed. They are cached by
    the raw line they were read from, so that a header set later is seen.
    """

    __slots__ = ("_typed", "body", "headers", "version")

    # What __init__ of both kinds sets.
    headers: Headers
    body: bytes
    version: str
    _typed: dict[str, tuple[str, Any]]

    @property
    def start_line(self) -> str:
        """The first line, without its line end."""
        raise NotImplementedError

    @property
    def via(self) -> Via:
        """The topmost Via."""
        return self._read("Via", _parse_top_via)

    @property
    def from_(self) -> NameAddress:
        """From."""
        return self._read("From", NameAddress.parse)

    @property
    def to(self) -> NameAddress:
        """To."""
        return self._read("To", NameAddress.parse)

    @property
    def from_tag(self) -> str | None:
        """The tag of From, read without the rest of it where that is safe."""
        return self._usual_tag("From") or self.from_.tag

    @property
    def to_tag(self) -> str | None:
        """The tag of To: None outside of a dialog."""
        return self._usual_tag("To") or self.to.tag

    @property
    def call_id(self) -> str:
        """Call-ID, which is compared octet by octet."""
        return self._read("Call-ID", parse_call_id)

    @property
    def cseq(self) -> CSeq:
        """CSeq."""
        return self._read("CSeq", CSeq.parse)

    @property
    def max_forwards(self) -> int | None:
        """Max-Forwards, None when an element older than RFC 3261 left it out."""
        if "Max-Forwards" not in self.headers.fields:
            return None
        return self._read("Max-Forwards", parse_max_forwards)

    @property
    def content_type(self) -> MediaType | None:
        """Content-Type, None when there is none."""
        if "Content-Type" not in self.headers.fields:
            return None
        return self._read("Content-Type", MediaType.parse)

    @property
    def contacts(self) -> tuple[NameAddress, ...]:
        """Every Contact in order; the `*` of REGISTER is an error here (see headers/contact)."""
        return self._read_addresses("Contact")

    @property
    def contact(self) -> NameAddress | None:
        """The first Contact, None when there is none."""
        return next(iter(self.contacts), None)

    @property
    def routes(self) -> tuple[NameAddress, ...]:
        """Route, in order."""
        return self._read_addresses("Route")

    @property
    def record_routes(self) -> tuple[NameAddress, ...]:
        """Record-Route, in order."""
        return self._read_addresses("Record-Route")

    @property
    def require(self) -> tuple[str, ...]:
        """Option tags of Require."""
        return parse_tokens(self.headers, "Require")

    @property
    def proxy_require(self) -> tuple[str, ...]:
        """Option tags of Proxy-Require."""
        return parse_tokens(self.headers, "Proxy-Require")

    @property
    def supported(self) -> tuple[str, ...]:
        """Option tags of Supported."""
        return parse_tokens(self.headers, "Supported")

    @property
    def unsupported(self) -> tuple[str, ...]:
        """Option tags of Unsupported."""
        return parse_tokens(self.headers, "Unsupported")

    @property
    def allow(self) -> tuple[str, ...]:
        """Methods of Allow."""
        return parse_tokens(self.headers, "Allow")

    def __bytes__(self) -> bytes:
        return serialise(self)

    def _usual_tag(self, name: str) -> str | None:
        """Give the tag of an address that ends in `>;tag=token`, which is nearly every one."""
        values = self.headers.fields.get(name)
        if not values:
            return None
        address, _, tag = values[0].rpartition(";tag=")
        return tag if address.endswith(">") and is_token(tag) else None

    def _read(self, name: str, parse: Callable[[str], T]) -> T:
        values = self.headers.fields.get(name)
        if not values:
            raise ParseError(f"missing-{name.lower()}")
        raw = values[0]
        cached = self._typed.get(name)
        if cached is not None and cached[0] is raw:
            value: T = cached[1]
            return value
        try:
            value = parse(raw)
        except ParseError as error:
            raise _in_header(name, error) from None
        self._typed[name] = (raw, value)
        return value

    def _read_addresses(self, name: str) -> tuple[NameAddress, ...]:
        try:
            return NameAddress.parse_all(self.headers, name)
        except ParseError as error:
            raise _in_header(name, error) from None


class Request(Message):
    """A request; `uri` is the Request-URI as it was on the wire."""

    __slots__ = ("method", "uri")

    def __init__(
        self,
        method: str,
        uri: str,
        headers: Headers | None = None,
        body: bytes = b"",
        version: str = SIP_VERSION,
    ) -> None:
        self.headers = Headers() if headers is None else headers
        self.body = body
        self.version = version
        self._typed = {}
        self.method = method
        self.uri = uri

    @property
    def start_line(self) -> str:
        """`INVITE sip:bob@example.com SIP/2.0`."""
        return f"{self.method} {self.uri} {SIP_VERSION}"

    @property
    def request_uri(self) -> Uri:
        """The Request-URI, understood."""
        cached = self._typed.get("")
        if cached is not None and cached[0] is self.uri:
            known: Uri = cached[1]
            return known
        try:
            uri = Uri.parse(self.uri)
        except ParseError as error:
            raise _in_header("Request-URI", error) from None
        self._typed[""] = (self.uri, uri)
        return uri

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.uri}>"


class Response(Message):
    """A response."""

    __slots__ = ("reason", "status")

    def __init__(
        self,
        status: int,
        reason: str | None = None,
        headers: Headers | None = None,
        body: bytes = b"",
        version: str = SIP_VERSION,
    ) -> None:
        self.headers = Headers() if headers is None else headers
        self.body = body
        self.version = version
        self._typed = {}
        self.status = status
        self.reason = reason_phrase(status) if reason is None else reason

    @property
    def start_line(self) -> str:
        """`SIP/2.0 200 OK`."""
        return f"{SIP_VERSION} {self.status} {self.reason}"

    def __repr__(self) -> str:
        return f"<Response {self.status} {self.reason}>"


def serialise(message: Message) -> bytes:
    """Write a message; Content-Length is always written, last, whatever the headers say.

    A LocalProtocolError is raised rather than a line that would become two: this is the last gate
    before the wire.
    """
    lines = [message.start_line]
    for name, values in message.headers.fields.items():
        if name != "Content-Length":
            for value in values:
                lines.append(f"{name}: {value}")
    lines.append(f"Content-Length: {len(message.body)}\r\n\r\n")
    text = "\r\n".join(lines)
    breaks = len(lines) + 1
    if text.count("\n") != breaks or text.count("\r") != breaks:
        raise LocalProtocolError(f"line break in a header of {message!r}")
    if message.body and "Content-Type" not in message.headers.fields:
        # 20.15: "The Content-Type header field MUST be present if the body is not empty."
        raise LocalProtocolError(f"body without Content-Type in {message!r}")
    try:
        return text.encode() + message.body
    except UnicodeEncodeError as error:
        raise LocalProtocolError(f"{message!r} holds text that UTF-8 has no bytes for") from error


def parse_message(data: bytes) -> Request | Response:
    """Read one message: a datagram, or what StreamDecoder cut out of a stream.

    Only start line, header lines and Content-Length are judged here; `validate` judges the headers
    that every request needs. Raises ParseError with the request as far as it was read.
    """
    parts = read_usual(data)
    if parts is None:
        return parse_unusual(data)
    first, second, third, fields, body = parts
    message: Request | Response
    if third == SIP_VERSION:
        message = Request(first, second)
    else:
        message = Response(int(second), third)
    message.headers.fields = fields
    message.body = body
    return message


def parse_unusual(data: bytes) -> Request | Response:
    """Read a message that is not as nearly all are; any other gives the same as `parse_message`."""
    head, blank, body = data.partition(b"\r\n\r\n")
    try:
        text = head.decode()
    except UnicodeDecodeError:
        return _parse_carefully(data)
    lines = text.split("\r\n")
    breaks = len(lines) - 1
    if (
        not blank
        or text.count("\n") != breaks
        or text.count("\r") != breaks
        or len(data) > MAX_LINE
        or breaks > MAX_HEADERS
    ):
        return _parse_carefully(data)
    message = _parse_usual_start(lines[0])
    fields = _collect_usual(lines)
    if message is None or fields is None:
        return _parse_carefully(data)
    message.headers.fields = fields
    lengths = fields.get("Content-Length")
    if lengths is not None:
        length = lengths[0]
        if len(lengths) != 1 or length != str(len(body)):
            return _parse_carefully(data)
    message.body = body
    return message


def _parse_usual_start(line: str) -> Request | Response | None:
    words = line.split(" ", 2)
    if len(words) != 3 or "\t" in line or not words[1]:
        return None
    first, second, third = words
    if third == SIP_VERSION:
        return Request(first, second) if first in USUAL_METHODS or is_token(first) else None
    if first == SIP_VERSION and len(second) == 3 and second.isdigit() and second.isascii():
        status = int(second)
        return Response(status, third) if 100 <= status < 700 else None
    return None


def _collect_usual(lines: list[str]) -> dict[str, list[str]] | None:
    """Collect header lines by canonical name, or None when a line needs the careful path."""
    fields: dict[str, list[str]] = {}
    known_name = CANONICAL_NAMES.get
    remaining = iter(lines)
    next(remaining)
    for line in remaining:
        name, colon, value = line.partition(":")
        known = known_name(name)
        if known is None or not colon:
            if not colon or not is_token(name):
                return None
            known = canonical_name(name)
        values = fields.get(known)
        if values is None:
            fields[known] = [value.strip()]
        else:
            values.append(value.strip())
    return fields


def _unusual_name(name: str) -> str | None:
    return canonical_name(name) if is_token(name) else None


learn(CANONICAL_NAMES, USUAL_METHODS, _unusual_name)


class _Faults:
    """The first fault of a message: reading goes on after it, to have what an answer needs."""

    __slots__ = ("first",)

    def __init__(self) -> None:
        self.first: ParseError | None = None

    def add(self, reason: str, status_hint: int = 400, detail: str = "") -> None:
        if self.first is None:
            self.first = ParseError(reason, status_hint, detail=detail)


def _parse_carefully(data: bytes) -> Request | Response:
    faults = _Faults()
    if len(data) > MAX_MESSAGE_BYTES:
        faults.add("message-too-large", 513, f"{len(data)} bytes")
        data = data[:MAX_MESSAGE_BYTES]
    head, body, complete = cut_head(data)
    if not complete:
        faults.add("no-empty-line")
    lines = unfold(decode_head(head))
    message = _parse_start(lines[0], faults)
    message.headers.fields = _collect(lines[1:], faults)
    message.body = _cut_body(message.headers, body, faults)
    if faults.first is not None:
        if isinstance(message, Request) and is_answerable(message):
            faults.first.message = message
        raise faults.first
    return message


def _parse_start(line: str, faults: _Faults) -> Request | Response:
    if line[:4].upper() == "SIP/":
        return _parse_status_line(line)
    # More than one space between the words, or behind them, is forgiven.
    words = [word for word in line.replace("\t", " ").split(" ") if word]
    version = words[-1].upper() if words else ""
    if len(words) < 3 or not _VERSION.fullmatch(version) or not is_token(words[0]):
        raise ParseError("bad-start-line", detail=f"{line[:80]!r}")
    if version != SIP_VERSION:
        faults.add("bad-version", 505, f"{version[:20]!r}")
    method, uri = words[0], " ".join(words[1:-1])
    if len(words) != 3 or "\r" in uri:
        # 7.1: "The Request-URI MUST NOT contain unescaped spaces or control characters".
        faults.add("bad-request-line", detail=f"{line[:80]!r}")
    return Request(method, uri, version=version)


def _parse_status_line(line: str) -> Response:
    version, _, rest = line.partition(" ")
    status, _, reason = rest.partition(" ")
    if version.upper() != SIP_VERSION:
        raise ParseError("bad-version", 505, detail=f"{version[:20]!r}")
    if len(status) != 3 or not status.isascii() or not status.isdigit() or "\r" in reason:
        raise ParseError("bad-status-line", detail=f"{line[:80]!r}")
    code = int(status)
    if not 100 <= code < 700:
        raise ParseError("bad-status-line", detail=f"there is no status {code}")
    return Response(code, reason)


def _collect(lines: list[str], faults: _Faults) -> dict[str, list[str]]:
    if len(lines) > MAX_HEADERS:
        faults.add("too-many-headers", 513, f"{len(lines)} lines")
        del lines[MAX_HEADERS:]
    fields: dict[str, list[str]] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        name = name.rstrip(WHITE_SPACE)
        if len(line) > MAX_LINE:
            faults.add("line-too-long", 513, f"{len(line)} characters in {name[:40]!r}")
        elif not colon or not is_token(name) or "\r" in line:
            faults.add("bad-header-line", detail=f"{line[:80]!r}")
        else:
            fields.setdefault(canonical_name(name), []).append(value.strip())
    return fields


def _cut_body(headers: Headers, body: bytes, faults: _Faults) -> bytes:
    """18.3: bytes beyond Content-Length are discarded, too few are an error (400)."""
    lengths = headers.fields.get("Content-Length")
    if lengths is None:
        length = len(body)
    else:
        try:
            length = parse_number(lengths[0], limit=2**63, reason="bad-content-length")
        except ParseError as error:
            faults.add(error.reason, detail=error.detail)
            return b""
        if any(other != lengths[0] for other in lengths):
            faults.add("bad-content-length", detail="two different values")
        if length > MAX_BODY_BYTES:
            faults.add("body-too-large", 413, f"{length} bytes")
        if length > len(body):
            faults.add("body-too-short", detail=f"{len(body)} bytes of {length}")
    if length > MAX_BODY_BYTES:
        faults.add("body-too-large", 413, f"{length} bytes")
        length = MAX_BODY_BYTES
    return body[:length]


def is_answerable(request: Request) -> bool:
    """Say whether a response could be written (8.2.6.2), even to a malformed request.

    Where only the parameters of the topmost Via are broken, `request.via` is from now on the part
    that could be read: enough to send the answer by.
    """
    fields = request.headers.fields
    if not ("From" in fields and "To" in fields and "Call-ID" in fields and "CSeq" in fields):
        return False
    lines = fields.get("Via", [""])
    try:
        return bool(request.via.host)
    except ParseError:
        sent_by = split_commas(lines[0])[0].partition(";")[0]
    try:
        request._typed["Via"] = (lines[0], Via.parse(sent_by))
    except ParseError:
        return False
    return True


def _in_header(name: str, error: ParseError) -> ParseError:
    """Name the header that a fault was found in: that is what drops are counted by."""
    return ParseError(f"bad-{name.lower()}", error.status_hint, detail=str(error))


def _parse_top_via(value: str) -> Via:
    return Via.parse(split_commas(value)[0])
