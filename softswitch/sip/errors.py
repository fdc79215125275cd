"""What can go wrong in the SIP core, and whose fault it is.

    SoftswitchError
      ParseError          the peer sent something that is no SIP (also a ValueError)
        StreamError       ... and the byte stream it came in cannot be used any further
      LocalProtocolError  we tried to write something that is no SIP

A ParseError never leaves the core as a traceback: the stack turns it into the answer its
`status_hint` names when there is a request to answer, else into a drop counted by `reason`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from softswitch.sip.message import Request


class SoftswitchError(Exception):
    """Root of the errors that this program raises on purpose."""


class ParseError(SoftswitchError, ValueError):
    """The peer's bytes or text break the grammar.

    `reason` is a short fixed name to count drops by ("bad-via"), `detail` a sentence for people,
    `status_hint` the status to answer with, and `message` the request as far as it could be read,
    present only when it holds what an answer needs: Via, From, To, Call-ID and CSeq.
    """

    def __init__(
        self,
        reason: str,
        status_hint: int = 400,
        message: Request | None = None,
        *,
        detail: str = "",
    ) -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.status_hint = status_hint
        self.message = message
        self.detail = detail


class StreamError(ParseError):
    """Where the next message begins in a byte stream is no longer known: close the connection."""


class LocalProtocolError(SoftswitchError):
    """We were about to send what RFC 3261 forbids, a line break inside a header value say."""
