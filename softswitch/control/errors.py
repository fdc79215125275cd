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
    """The message is no JSON."""
    INVALID_REQUEST = -32600
    """It is JSON, and no request."""
    METHOD_NOT_FOUND = -32601
    """There is no such method."""
    INVALID_PARAMS = -32602
    """The parameters are not those of the method; the message says which."""
    INTERNAL_ERROR = -32603
    """A mistake of the switch; its log has the details."""
    LINE_TOO_LONG = -32000
    """The message is longer than one may be; it was passed over."""
    NOT_AUTHENTICATED = -32001
    """A token is needed, or the one shown is not known."""
    FORBIDDEN = -32002
    """The token has not the role, or not the campaign."""
    TOO_MANY_REQUESTS = -32003
    """More than is served; later."""
    SHUTTING_DOWN = -32004
    """The switch is about to stop."""
    # About calls and their legs.
    CALL_NOT_FOUND = 100
    """There is no such call, or it is not one's own."""
    CALL_ENDED = 101
    """The call is over, or ended meanwhile."""
    LEG_NOT_FOUND = 102
    """The call has no such leg."""
    WRONG_STATE = 103
    """Not now: the leg is not answered, nothing is recorded..."""
    NOT_IN_CONTROL = 104
    """Another controller, or the treatment, steers the call."""
    TIMED_OUT = 105
    """It did not happen in time."""
    DESTINATION_NOT_ALLOWED = 106
    """Nobody may call there from here."""
    LIMIT_REACHED = 107
    """As many as there may be are there already."""
    NO_CAPACITY = 108
    """The switch is full."""
    MEDIA_UNAVAILABLE = 109
    """The prompt, recording or sound cannot be had."""
    CONFERENCE_NOT_FOUND = 110
    """There is no such conference, or the call is not in it, or it is not one's own."""
    MONITOR_NOT_FOUND = 111
    """Nobody listens there, or it is not one's own."""
    # About numbers and pools.
    POOL_NOT_FOUND = 200
    """There is no such pool."""
    NUMBER_NOT_FOUND = 201
    """There is no such number."""
    NUMBER_IN_USE = 202
    """The number stands for something else already."""
    POOL_UNAVAILABLE = 203
    """The pool cannot be asked: the database is away."""
    # About the configuration and the process.
    CONFIGURATION_INVALID = 300
    """The file has mistakes; the running configuration is kept."""
    NOT_CONFIGURED = 301
    """The configuration has no such thing."""
    NOT_SUPPORTED = 302
    """This switch runs without the part that does it."""
    DATABASE_AWAY = 303
    """The database does not answer, or not in time; later."""
    # About events.
    EVENTS_GONE = 400
    """The number was counted in another life of the switch."""
    SUBSCRIPTION_NOT_FOUND = 401
    """This connection has no such subscription."""
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
