"""JSON-RPC 2.0, one message a line: bytes to requests, and answers to bytes.

https://www.jsonrpc.org/specification. A line is a request, a notification (no `id`: never answered)
or a batch of them. Whatever a peer sends becomes requests or error responses, never an exception.
Knows no socket and no method; the same messages come over WebSocket, a frame in place of a line.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from softswitch.control.errors import ControlError, ErrorCode

__all__ = [
    "MAX_BATCH",
    "MAX_LINE",
    "Lines",
    "Rejected",
    "Request",
    "event_message",
    "json_bytes",
    "read_message",
    "response",
    "responses",
]

MAX_LINE = 1 << 20
"""Bytes of a message: a bulk allocation of 10,000 numbers has room. A longer line cannot be told
apart from one that never ends: it is answered with an error, and read past to its end."""

MAX_BATCH = 1000
"""Requests in one batch; each of them is work that others wait for."""

MAX_OPENINGS = 512
"""Brackets that open in each started KiB of a message: no method takes more, and a parser that
follows a hundred thousand of them has no stack left."""

RequestId = str | int | float | None


@dataclass(frozen=True, slots=True)
class Request:
    """One request, or a notification."""

    method: str
    params: dict[str, Any] | list[Any]
    id: RequestId = None
    is_notification: bool = False


@dataclass(frozen=True, slots=True)
class Rejected:
    """A message that is no request: what it is answered with."""

    error: ControlError
    id: RequestId = None


class Lines:
    """Cuts a stream of bytes into messages."""

    def __init__(self, *, limit: int = MAX_LINE) -> None:
        self._limit = limit
        self._kept = bytearray()
        self._searched = 0
        self._passing_over = False

    def receive(self, data: bytes) -> list[bytes | Rejected]:
        """Lines that are whole now, in order; empty ones are left out."""
        self._kept += data
        found: list[bytes | Rejected] = []
        start = 0
        while (end := self._kept.find(b"\n", max(start, self._searched))) >= 0:
            line = bytes(self._kept[start:end]).strip()
            start = end + 1
            self._searched = start
            if self._passing_over:
                self._passing_over = False
            elif end - start > self._limit or len(line) > self._limit:
                found.append(_too_long(self._limit))
            elif line:
                found.append(line)
        del self._kept[:start]
        self._searched = len(self._kept)
        if len(self._kept) > self._limit:
            if not self._passing_over:
                found.append(_too_long(self._limit))
            self._passing_over = True
            self._kept.clear()
            self._searched = 0
        return found

    @property
    def waiting(self) -> int:
        """Bytes of a line that is not whole yet."""
        return len(self._kept)


def _too_long(limit: int) -> Rejected:
    return Rejected(
        ControlError(ErrorCode.LINE_TOO_LONG, f"a message may have {limit} bytes", limit=limit)
    )


def read_message(line: bytes) -> tuple[list[Request | Rejected], bool]:
    """The requests of one message, and whether it is a batch (answered by a list).

    Section 6: an empty batch, and what is no batch at all, is one invalid request.
    """
    if line.count(b"[") + line.count(b"{") > MAX_OPENINGS * (1 + len(line) // 1024):
        return [_invalid("nested too deep")], False
    try:
        decoded = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _refuse(line)
    if not isinstance(decoded, list):
        return [_read_request(decoded)], False
    if not decoded:
        return [_invalid("an empty batch")], False
    if len(decoded) > MAX_BATCH:
        return [_invalid(f"more than {MAX_BATCH} requests in a batch")], False
    return [_read_request(one) for one in decoded], True


def _refuse(line: bytes) -> tuple[list[Request | Rejected], bool]:
    """What a message is answered with that cannot be read.

    Half a surrogate pair and a number beyond all numbers are JSON by its grammar (RFC 8259 section
    8.2), so whoever wrote one learns which of its requests it was.
    """
    try:
        decoded = json.loads(line.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return [Rejected(ControlError(ErrorCode.PARSE_ERROR, "not JSON"))], False
    error = ControlError(ErrorCode.PARSE_ERROR, "half a surrogate pair, or a number out of range")
    is_batch = isinstance(decoded, list) and 0 < len(decoded) <= MAX_BATCH
    parts = decoded if is_batch else [decoded]
    return [Rejected(error, _id_of(one)) for one in parts], is_batch


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _id_of(decoded: Any) -> RequestId:
    """The id of what may be a request; None where it has none that could be sent back."""
    identity = decoded.get("id") if isinstance(decoded, dict) else None
    try:
        sent_back = msgspec.json.decode(msgspec.json.encode(identity))
    except (ValueError, TypeError, RecursionError):
        return None
    return None if isinstance(sent_back, bool | list | dict) else sent_back


def _read_request(decoded: Any) -> Request | Rejected:
    if not isinstance(decoded, dict):
        return _invalid("a request is an object")
    identity = decoded.get("id")
    if isinstance(identity, bool | list | dict):
        return _invalid("id: text, a number, or null")
    if decoded.get("jsonrpc") != "2.0":
        return _invalid('jsonrpc: must be "2.0"', identity)
    method = decoded.get("method")
    if not isinstance(method, str) or not method:
        return _invalid("method: the name of a method", identity)
    params = decoded.get("params", {})
    if not isinstance(params, dict | list):
        return _invalid("params: an object or a list", identity)
    return Request(method, params, identity, is_notification="id" not in decoded)


def _invalid(why: str, identity: RequestId = None) -> Rejected:
    return Rejected(ControlError(ErrorCode.INVALID_REQUEST, why), identity)


def response(identity: RequestId, result: object) -> bytes:
    """A response as bytes, without its line end; `result` may be a ControlError."""
    message: dict[str, Any] = {"jsonrpc": "2.0", "id": identity}
    if isinstance(result, ControlError):
        message["error"] = result.as_object()
    else:
        message["result"] = result
    return json_bytes(message)


def responses(parts: Iterable[bytes]) -> bytes:
    """The answer to a batch, made of its responses; empty when there are none (section 6)."""
    joined = b",".join(parts)
    return b"[" + joined + b"]" if joined else b""


def event_message(method: str, params: object) -> bytes:
    """A notification to the peer."""
    return json_bytes({"jsonrpc": "2.0", "method": method, "params": params})


def json_bytes(message: Any) -> bytes:
    """A value as JSON, whatever text of peers is in it."""
    try:
        return msgspec.json.encode(message, enc_hook=_plain)
    except UnicodeEncodeError:
        # What a SIP peer sent in no known encoding, and JSON has no way to say.
        return json.dumps(message, default=_plain, ensure_ascii=False).encode("utf-8", "replace")


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Raw):
        return msgspec.json.decode(value)
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.asdict(value)
    if hasattr(value, "items"):
        return dict(value.items())
    return str(value)
