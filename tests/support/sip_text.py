"""SIP messages as text, for the phones of the tests (RFC 3261 section 7), read strictly.

It is written apart from the product's own message layer on purpose: a mistake made there must not
be made here as well. `complaints` names what a strict peer would hold against a message. It does
not know transactions, dialogs or sockets.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_COMPACT = {
    "v": "via",
    "f": "from",
    "t": "to",
    "i": "call-id",
    "m": "contact",
    "l": "content-length",
    "c": "content-type",
    "k": "supported",
}
_REQUEST_LINE = re.compile(r"^([A-Z]+) (\S+) SIP/2\.0$")
_STATUS_LINE = re.compile(r"^SIP/2\.0 ([1-6]\d\d) [^\r\n]*$")
_HEADER_LINE = re.compile(r"^([A-Za-z][A-Za-z0-9!%*_+`'~.-]*): ?(.*)$")


@dataclass
class Message:
    """One request or response; `headers` keeps names as they were written, in order."""

    start_line: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    problems: list[str] = field(default_factory=list)

    @property
    def method(self) -> str | None:
        """The method of a request, None for a response."""
        return None if self.start_line.startswith("SIP/2.0 ") else self.start_line.split(" ", 1)[0]

    @property
    def status(self) -> int | None:
        """The status of a response, None for a request."""
        return int(self.start_line[8:11]) if self.start_line.startswith("SIP/2.0 ") else None

    @property
    def uri(self) -> str:
        """The Request-URI."""
        return self.start_line.split(" ")[1]

    def all(self, name: str) -> list[str]:
        """The values of every header line of this name, in order."""
        wanted = name.lower()
        return [value for key, value in self.headers if _full_name(key) == wanted]

    def get(self, name: str) -> str:
        """The first value of this name, or an empty text."""
        values = self.all(name)
        return values[0] if values else ""

    @property
    def call_id(self) -> str:
        """The Call-ID."""
        return self.get("call-id")

    @property
    def cseq(self) -> int:
        """The number in CSeq, or -1 where there is none."""
        number = self.get("cseq").split(" ")[0]
        return int(number) if number.isdecimal() else -1

    @property
    def cseq_method(self) -> str:
        """The method in CSeq."""
        return self.get("cseq").rpartition(" ")[2]

    @property
    def branch(self) -> str:
        """The branch of the topmost Via."""
        return parameter(self.get("via").split(",")[0], "branch")

    @property
    def from_tag(self) -> str:
        """The tag of From."""
        return parameter(self.get("from").rpartition(">")[2], "tag")

    @property
    def to_tag(self) -> str:
        """The tag of To."""
        return parameter(self.get("to").rpartition(">")[2], "tag")

    @property
    def contact(self) -> str:
        """The URI of the first Contact."""
        return address(self.get("contact"))

    def __bytes__(self) -> bytes:
        lines = [self.start_line, *(f"{name}: {value}" for name, value in self.headers)]
        return "\r\n".join([*lines, "", ""]).encode() + self.body

    def __str__(self) -> str:
        return bytes(self).decode("utf-8", "replace")


def _full_name(name: str) -> str:
    lowered = name.lower()
    return _COMPACT.get(lowered, lowered)


def address(value: str) -> str:
    """The URI inside `<...>`, or of the bare form."""
    inside = re.search(r"<([^>]*)>", value)
    return inside.group(1) if inside else value.partition(";")[0].strip()


def parameter(value: str, name: str) -> str:
    """The value of a `;name=value` parameter, or an empty text."""
    found = re.search(rf";\s*{name}\s*=\s*([^;,\s>]+)", value, re.IGNORECASE)
    return found.group(1) if found else ""


def build(start_line: str, headers: Iterable[tuple[str, str]], body: bytes = b"") -> Message:
    """A message with its Content-Length."""
    return Message(start_line, [*headers, ("Content-Length", str(len(body)))], body)


def parse(data: bytes) -> Message:
    """Reads one whole message; what is wrong with it is in `.problems`, never an exception."""
    head, gap, body = data.partition(b"\r\n\r\n")
    lines = head.decode("utf-8", "replace").split("\r\n")
    message = Message(lines[0], [], body)
    if not gap:
        message.problems.append("no empty line ends the headers")
    if not (_REQUEST_LINE.match(lines[0]) or _STATUS_LINE.match(lines[0])):
        message.problems.append(f"bad start line {lines[0]!r}")
        message.start_line = lines[0] if lines[0].count(" ") >= 2 else "BROKEN sip:broken SIP/2.0"
    for line in lines[1:]:
        match = _HEADER_LINE.match(line)
        if match is None or "\n" in line or "\r" in line:
            message.problems.append(f"bad header line {line!r}")
            continue
        message.headers.append((match.group(1), match.group(2).strip()))
    message.problems += complaints(message)
    return message


def complaints(message: Message) -> list[str]:
    """What a strict peer holds against a message: RFC 3261 sections 8.1.1, 8.2.6, 12.1, 20."""
    found = [f"no {name}" for name in _required(message) if not message.all(name)]
    for name in ("from", "to", "call-id", "cseq", "max-forwards", "content-length"):
        if len(message.all(name)) > 1:
            found.append(f"more than one {name}")
    if found:
        return found
    if int(message.get("content-length")) != len(message.body):
        found.append(f"Content-Length {message.get('content-length')}, body {len(message.body)}")
    if not message.branch.startswith("z9hG4bK"):
        found.append(f"branch {message.branch!r} lacks the cookie of RFC 3261 section 8.1.1.7")
    if not message.from_tag:
        found.append("From without a tag")
    if message.status is not None and message.status > 100 and not message.to_tag:
        found.append(f"{message.status} whose To has no tag")
    if message.method is not None and message.cseq_method != message.method:
        found.append(f"CSeq names {message.cseq_method}, the request is {message.method}")
    if message.body and not message.get("content-type"):
        found.append("a body without Content-Type")
    return found


def _required(message: Message) -> list[str]:
    names = ["via", "from", "to", "call-id", "cseq", "content-length"]
    if message.method is not None:
        names.append("max-forwards")
    # RFC 3261 section 8.1.1.8: the Contact header field MUST be present in any INVITE; section
    # 12.1.1: and in every response that makes a dialog.
    if message.method == "INVITE":
        names.append("contact")
    answered = message.status is not None and 200 <= message.status < 300
    if answered and message.all("cseq") and message.cseq_method == "INVITE":
        names.append("contact")
    return names


def split_stream(buffer: bytes) -> tuple[list[bytes], bytes]:
    """Whole messages at the head of a TCP stream, and the rest (RFC 3261 section 18.3)."""
    whole: list[bytes] = []
    while True:
        buffer = buffer.lstrip(b"\r\n")
        head, gap, rest = buffer.partition(b"\r\n\r\n")
        if not gap:
            return whole, buffer
        length = re.search(rb"(?im)^(?:content-length|l)[ \t]*:[ \t]*(\d+)", head)
        size = int(length.group(1)) if length else 0
        if len(rest) < size:
            return whole, buffer
        whole.append(head + gap + rest[:size])
        buffer = rest[size:]
