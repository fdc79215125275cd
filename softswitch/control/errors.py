"""The errors that a control connection answers with: codes that never change their meaning.

JSON-RPC 2.0 section 5.1 reserves -32768 to -32000; its own codes are used for what it describes,
and -32000 to -32099 for the connection itself. Codes of the switch are positive and grouped by
what they are about, so that a client may tell a group by `code // 100`.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

__all__ = ["ControlError", "ErrorCode"]


class ErrorCode(IntEnum):
    """What went wrong; the name in lower case stands beside the code in `data.reason`."""

    PARSE_ERROR = -32700
    INVALID_REQUEST = -32600
    METHOD_NOT_FOUND = -32601
    INVALID_PARAMS = -32602
    INTERNAL_ERROR = -32603
    LINE_TOO_LONG = -32000
    NOT_AUTHENTICATED = -32001
    FORBIDDEN = -32002
    TOO_MANY_REQUESTS = -32003
    SHUTTING_DOWN = -32004
    # About calls and their legs.
    CALL_NOT_FOUND = 100
    CALL_ENDED = 101
    LEG_NOT_FOUND = 102
    WRONG_STATE = 103
    NOT_IN_CONTROL = 104
    """Another controller, or the treatment, steers the call."""
    TIMED_OUT = 105
    DESTINATION_NOT_ALLOWED = 106
    LIMIT_REACHED = 107
    NO_CAPACITY = 108
    MEDIA_UNAVAILABLE = 109
    # About numbers and pools.
    POOL_NOT_FOUND = 200
    NUMBER_NOT_FOUND = 201
    NUMBER_IN_USE = 202
    POOL_UNAVAILABLE = 203
    # About the configuration and the process.
    CONFIGURATION_INVALID = 300
    NOT_CONFIGURED = 301
    NOT_SUPPORTED = 302
    # About events.
    EVENTS_GONE = 400
    """They were numbered in another life of the switch."""
    SUBSCRIPTION_NOT_FOUND = 401
    # About idempotency.
    KEY_REUSED = 500
    """The same key came with other parameters."""


class ControlError(Exception):
    """A request cannot be served; becomes the error of its response."""

    def __init__(self, code: ErrorCode, message: str, **details: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details

    def as_object(self) -> dict[str, Any]:
        """The error object of a response (JSON-RPC 2.0 section 5.1)."""
        data = {"reason": self.code.name.lower(), **self.details}
        return {"code": int(self.code), "message": self.message, "data": data}
