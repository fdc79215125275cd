"""UPDATE of the peer (RFC 3311): a refresh, or an offer that needs no ACK.

To its user an UPDATE with an offer is a re-INVITE: it is accepted or rejected by the same verbs. It
does not know what the bodies say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from softswitch.sip.dialog_state import DialogState
from softswitch.sip.events import ReinviteReceived
from softswitch.sip.inspect import contact_uri

if TYPE_CHECKING:
    from softswitch.sip.compose import ResponseHead
    from softswitch.sip.dialog import Dialog
    from softswitch.sip.message import Request
    from softswitch.sip.transaction.base import ServerTransaction

__all__ = ["IncomingUpdate", "answer_update"]


class IncomingUpdate:
    """An UPDATE with an offer that waits for the shell's answer, in a re-INVITE's place."""

    __slots__ = ("_dialog", "_head", "_request", "_transaction")

    def __init__(
        self, dialog: Dialog, transaction: ServerTransaction, head: ResponseHead, request: Request
    ) -> None:
        self._dialog = dialog
        self._transaction = transaction
        self._head = head
        self._request = request
        dialog.incoming_reinvite = self
        dialog.context.emit(ReinviteReceived(dialog, request))

    def accept(self, body: bytes, content_type: str, lines: str) -> None:
        """Send 200 with the answer."""
        self._dialog.incoming_reinvite = None
        answer_update(
            self._dialog, self._transaction, self._head, self._request, lines, body, content_type
        )
        self._dialog.go_on()

    def reject(self, status: int, lines: str) -> None:
        """Refuse; section 5.2: the session stays as it was."""
        dialog = self._dialog
        dialog.incoming_reinvite = None
        self._transaction.respond(status, self._head.to_bytes(status, extra=lines))
        if dialog.state is not DialogState.TERMINATED:
            dialog.go_on()


def answer_update(
    dialog: Dialog,
    transaction: ServerTransaction,
    head: ResponseHead,
    request: Request,
    lines: str = "",
    body: bytes = b"",
    content_type: str = "",
) -> None:
    """Send 200 to an UPDATE; the peer's Contact counts from now on (section 5.2)."""
    context = dialog.context
    dialog.refresh_target(contact_uri(request))
    extra = (
        dialog.contact_line(transaction.flow)
        + context.allow_line
        + dialog.answer_session(request)
        + lines
    )
    data = head.to_bytes(200, extra=extra, body=body, content_type=content_type)
    transaction.respond(200, data)
