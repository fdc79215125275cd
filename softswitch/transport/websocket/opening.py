"""The opening handshake of a WebSocket (RFC 6455 section 4.2, RFC 7118 section 4.1). A core.

Who asks for SIP over WebSocket as it should gets 101; anybody else is told in a sentence of HTTP
what is missing, and the connection closes. It knows no sockets and no clock.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Collection
from typing import NamedTuple

from config.origins import plain_origin

__all__ = ["MAX_HEAD_BYTES", "SUBPROTOCOL", "Opened", "Refusal", "answer_opening", "refusal_of"]

SUBPROTOCOL = "sip"
"""RFC 7118 section 4.1: what a client has to ask for, and what it is answered."""

MAX_HEAD_BYTES = 8_192
"""Of the request: a browser with a jar full of cookies sends less, and nothing here needs one."""

MAX_FIELDS = 64
"""Header fields: browsers send some twenty."""

MAX_SHOWN = 80
"""Characters of what a peer sent that are told in the log."""

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_REQUEST_LINE = re.compile(r"([!-~]{1,32}) (/[!-~]*) HTTP/([0-9])\.([0-9])")
# Nothing in it can match in two ways.
_FIELD = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([^\x00-\x08\x0a-\x1f\x7f]*)")
_LISTS = frozenset(("connection", "upgrade", "sec-websocket-protocol", "sec-websocket-extensions"))
"""Fields that may come in several lines, of those that are looked at."""
_ONCE = frozenset(("host", "origin", "sec-websocket-key", "sec-websocket-version"))


class Opened(NamedTuple):
    """The connection is a WebSocket from now on."""

    answer: bytes


class Refusal(NamedTuple):
    """It is none; the answer says why, and is the last that goes out."""

    answer: bytes
    status: int
    why: str


class _Refused(Exception):
    def __init__(self, status: int, why: str, lines: str = "") -> None:
        super().__init__(why)
        self.status = status
        self.lines = lines


_REASONS = {
    400: "Bad Request", 403: "Forbidden", 405: "Method Not Allowed", 426: "Upgrade Required",
    431: "Request Header Fields Too Large", 505: "HTTP Version Not Supported",
}  # fmt: skip


def answer_opening(head: bytes, origins: Collection[str]) -> Opened | Refusal:
    """Judge a request, its empty line included; `origins` are those of pages that may connect, `*`
    all. Who names none is no browser and needs none."""
    try:
        method, version, fields = _read(head)
        _check_request(method, version, fields)
        key = _key(fields)
        _check_origin(fields, origins)
        _check_subprotocol(fields)
    except _Refused as refused:
        return refusal_of(refused.status, str(refused), refused.lines)
    # 4.2.2: the client's key with a GUID behind it, hashed: a proof that we speak WebSocket.
    accepted = base64.b64encode(hashlib.sha1(key + _GUID).digest()).decode()
    return Opened(
        (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accepted}\r\nSec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n"
        ).encode()
    )


def refusal_of(status: int, why: str, lines: str = "") -> Refusal:
    """What is answered to a request that gets no connection."""
    body = f"{why}\n".encode()
    head = (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\nServer: softswitch\r\n{lines}"
        f"Content-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n"
    )
    return Refusal(head.encode() + body, status, why)


def _read(head: bytes) -> tuple[str, tuple[str, str], dict[str, str]]:
    """Method, version, and the fields by their names in lower case."""
    lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    request = _REQUEST_LINE.fullmatch(lines[0])
    if request is None:
        raise _Refused(400, "this is no HTTP request")
    if len(lines) - 1 > MAX_FIELDS:
        raise _Refused(431, f"more than {MAX_FIELDS} header fields")
    fields: dict[str, str] = {}
    for line in lines[1:]:
        field = _FIELD.fullmatch(line)
        if field is None:
            raise _Refused(400, "a header field cannot be read")
        name, value = field[1].lower(), field[2].strip(" \t")
        if name in fields and name in _ONCE:
            raise _Refused(400, f"{name} stands twice")
        fields[name] = f"{fields[name]}, {value}" if name in fields and name in _LISTS else value
    return request[1], (request[3], request[4]), fields


def _check_request(method: str, version: tuple[str, str], fields: dict[str, str]) -> None:
    """4.2.1: what a handshake has to be."""
    if method != "GET":
        raise _Refused(405, "only GET is served here", "Allow: GET\r\n")
    if version[0] != "1" or version[1] == "0":
        raise _Refused(505, "HTTP/1.1 is needed")
    if "host" not in fields:
        raise _Refused(400, "the field Host is needed")
    asks = "websocket" in _words(fields, "upgrade") and "upgrade" in _words(fields, "connection")
    if not asks:
        # RFC 9110 section 15.5.22: the answer MUST say what to change to.
        raise _Refused(426, "this is a WebSocket of SIP", "Upgrade: websocket\r\n")
    if fields.get("sec-websocket-version") != "13":
        # 4.4: the version that is known is told.
        raise _Refused(426, "WebSocket version 13 is needed", "Sec-WebSocket-Version: 13\r\n")
    if fields.get("content-length", "0") != "0" or "transfer-encoding" in fields:
        raise _Refused(400, "a handshake has no body")


def _key(fields: dict[str, str]) -> bytes:
    """4.1: a nonce of 16 bytes in base64."""
    key = fields.get("sec-websocket-key", "").encode("latin-1")
    try:
        if len(base64.b64decode(key, validate=True)) == 16:
            return key
    except binascii.Error:
        pass
    raise _Refused(400, "Sec-WebSocket-Key has to be 16 bytes in base64")


def _check_origin(fields: dict[str, str], origins: Collection[str]) -> None:
    """10.2: a browser says which page's script connects; that page must be known."""
    origin = fields.get("origin")
    if origin is not None and "*" not in origins and plain_origin(origin) not in origins:
        # A tab is no control character to HTTP, but one to a terminal.
        shown = origin[:MAX_SHOWN].replace("\t", " ").encode("ascii", "replace").decode()
        raise _Refused(403, f"pages of {shown} may not connect")


def _check_subprotocol(fields: dict[str, str]) -> None:
    offered = [word.strip() for word in fields.get("sec-websocket-protocol", "").split(",")]
    if SUBPROTOCOL not in offered:
        raise _Refused(400, f"the subprotocol {SUBPROTOCOL} has to be offered")


def _words(fields: dict[str, str], name: str) -> list[str]:
    return [word.strip().lower() for word in fields.get(name, "").split(",")]
