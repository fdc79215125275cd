"""Requests that are neither INVITE, ACK, CANCEL nor BYE, in and out (RFC 3261 sections 8, 11).

OPTIONS towards a trunk, INFO inside a dialog, and what comes later. They do not know their meaning.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from softswitch.sip.compose import Header, ResponseHead, header_lines
from softswitch.sip.events import RequestTimedOut, ResponseReceived

if TYPE_CHECKING:
    from softswitch.sip.context import Context
    from softswitch.sip.dialog import Dialog
    from softswitch.sip.message import Response
    from softswitch.sip.transaction.base import ClientTransaction, ServerTransaction


class OutgoingRequest:
    """One request of ours; its end is one ResponseReceived or RequestTimedOut."""

    __slots__ = ("_context", "call_id", "dialog", "is_over", "method", "owner")

    def __init__(
        self, context: Context, method: str, call_id: str, dialog: Dialog | None, owner: object
    ) -> None:
        self._context = context
        self.method = method
        self.call_id = call_id
        self.dialog = dialog
        self.owner = owner
        self.is_over = False

    @property
    def wants_to_go_on(self) -> bool:
        """Whether a challenge is to be answered."""
        return True

    def on_sent_again(self, _transaction: ClientTransaction, _lines: str) -> None:
        """It goes on with credentials."""

    def on_response(self, response: Response) -> None:
        """Take a response; provisional ones to a non-INVITE mean nothing to anybody."""
        if response.status < 200:
            return
        self.is_over = True
        self._context.emit(ResponseReceived(self, response))
        if self.dialog is not None:
            self.dialog.end_by_status(response.status)

    def on_failure(self, why: str) -> None:
        """Learn that no final response will come."""
        self.is_over = True
        self._context.emit(RequestTimedOut(self, why))
        if self.dialog is not None and why == "timeout":
            self.dialog.end_by_status(408)


class Unheard:
    """The user of a request whose outcome means nothing to anybody."""

    __slots__ = ()

    wants_to_go_on = True
    """A challenge is answered all the same."""

    def on_sent_again(self, _transaction: ClientTransaction, _lines: str) -> None:
        """It goes on with credentials."""

    def on_response(self, _response: Response) -> None:
        """Whatever it is."""

    def on_failure(self, _why: str) -> None:
        """Nor that none came."""


class IncomingRequest:
    """A request inside a dialog that waits for the shell's answer."""

    __slots__ = ("_context", "_dialog", "_head", "_transaction")

    def __init__(
        self, context: Context, dialog: Dialog, transaction: ServerTransaction, head: ResponseHead
    ) -> None:
        self._context = context
        self._dialog: Dialog | None = dialog
        self._transaction: ServerTransaction | None = transaction
        self._head = head

    def respond(
        self,
        status: int,
        *,
        body: bytes = b"",
        content_type: str = "application/sdp",
        headers: Sequence[Header] = (),
        now: float,
    ) -> None:
        """Send the final response; a second one is not sent."""
        self._context.now = now
        self.answer(status, header_lines(headers), body, content_type)

    def answer(
        self, status: int, extra: str = "", body: bytes = b"", content_type: str = ""
    ) -> None:
        """Send the final response from inside the stack."""
        transaction, dialog = self._transaction, self._dialog
        if transaction is None or dialog is None:
            return
        self._transaction = self._dialog = None
        dialog.pending_requests.discard(self)
        data = self._head.to_bytes(status, extra=extra, body=body, content_type=content_type)
        transaction.respond(status, data)
