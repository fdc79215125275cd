"""Re-INVITEs, ours and the peer's, and what happens when both come at once (RFC 3261 section 14).

A refused re-INVITE leaves the dialog as it was. It does not know what the bodies say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from softswitch.sip.acceptance import Acceptance
from softswitch.sip.authorizing import make_transaction
from softswitch.sip.dialog_state import DialogState, PendingAck
from softswitch.sip.events import (
    ReinviteAnswered,
    ReinviteCancelled,
    ReinviteReceived,
    ReinviteRejected,
)
from softswitch.sip.inspect import contact_uri, number_of
from softswitch.sip.multipart import has_session_description
from softswitch.sip.timers import T1, Timer
from softswitch.sip.transaction.client_invite import ClientInviteTransaction

if TYPE_CHECKING:
    from softswitch.sip.compose import ResponseHead
    from softswitch.sip.dialog import Dialog
    from softswitch.sip.flow import Flow
    from softswitch.sip.message import Request, Response
    from softswitch.sip.transaction.base import ClientTransaction, ServerTransaction

# A peer that answers 491 this often is not in glare but broken; each round waits up to 4 s.
MAX_GLARE_RETRIES = 5


def send_reinvite(dialog: Dialog, body: bytes, content_type: str, lines: str) -> None:
    """Send a re-INVITE now, or as soon as no INVITE is under way in the dialog."""
    reinvite = OutgoingReinvite(dialog, body, content_type, lines)
    current = dialog.outgoing_reinvite
    if current is not None and current.is_sent:
        current.successor = reinvite
        return
    if current is not None:
        current.stop()
    dialog.outgoing_reinvite = reinvite
    reinvite.try_again()


class OutgoingReinvite(PendingAck):
    """A re-INVITE of ours, with its retries after glare."""

    __slots__ = (
        "_ack",
        "_body",
        "_content_type",
        "_credential_lines",
        "_dialog",
        "_is_answered",
        "_lines",
        "_number",
        "_retries",
        "_timer",
        "_transaction",
        "is_sent",
        "successor",
    )

    def __init__(self, dialog: Dialog, body: bytes, content_type: str, lines: str) -> None:
        self._dialog = dialog
        self._body = body
        self._content_type = content_type
        self._lines = lines
        self._number = 0
        self._retries = 0
        self._timer: Timer | None = None
        self._transaction: ClientInviteTransaction | None = None
        self._ack: tuple[bytes, Flow] | None = None
        self._is_answered = False
        self._credential_lines = ""
        self.is_sent = False
        self.successor: OutgoingReinvite | None = None

    def try_again(self) -> None:
        """Send it unless an INVITE is under way in either direction.

        14.1: "a UAC MUST NOT initiate a new INVITE transaction within a dialog while another INVITE
        transaction is in progress in either direction."
        """
        dialog = self._dialog
        if self.is_sent or self._timer is not None:
            return
        if dialog.incoming_reinvite is None and not dialog.acceptances and not dialog.pending_ack:
            self._send()

    def stop(self) -> None:
        """Do not wait for the next try any more."""
        if self._timer is not None:
            self._dialog.context.timers.cancel(self._timer)
            self._timer = None

    def abandon(self) -> None:
        """Learn that the dialog is over; what is in flight still gets its ACK."""
        self.stop()
        self.successor = None
        self._dialog.outgoing_reinvite = None
        if self._transaction is not None and not self._is_answered:
            # A peer that never answers must not hold the transaction for ever.
            context = self._dialog.context
            self._timer = context.timers.start(context.now + 64 * T1, self._give_up)

    @property
    def wants_to_go_on(self) -> bool:
        """Whether a challenge is to be answered."""
        return self._dialog.state is not DialogState.TERMINATED

    def on_sent_again(self, transaction: ClientTransaction, lines: str) -> None:
        """It goes on with credentials."""
        assert isinstance(transaction, ClientInviteTransaction)
        self._transaction = transaction
        self._number = transaction.head.number
        self._credential_lines = lines

    def on_response(self, response: Response) -> None:
        """Take a response; provisional ones say nothing new inside a dialog."""
        if response.status < 200:
            return
        if response.status < 300:
            self._on_success(response)
            return
        self._is_answered = True
        self._transaction = None
        self.stop()
        if self._dialog.state is DialogState.TERMINATED:
            return
        if response.status == 491 and self._retries < MAX_GLARE_RETRIES:
            self._wait_for_retry()
        elif response.status == 422 and self._may_ask_longer(response):
            self._send()
        else:
            self._reject(response.status, response)

    def on_failure(self, why: str) -> None:
        """Learn that no final response will come; 8.1.3.1: treat it as 408 or 503."""
        self._is_answered = True
        self._transaction = None
        self.stop()
        if self._dialog.state is not DialogState.TERMINATED:
            self._reject(408 if why == "timeout" else 503, None)

    def send_ack(self, body: bytes, content_type: str) -> None:
        """Send the ACK of the 2xx and keep it for the next one (13.2.2.4)."""
        dialog = self._dialog
        head, flow = dialog.next_request("ACK", number=self._number)
        lines = self._credential_lines + dialog.context.user_agent_line
        data = head.to_bytes(lines, body, content_type)
        self._ack = (data, flow)
        dialog.context.send(data, flow)
        self._finish()

    def _send(self) -> None:
        dialog = self._dialog
        context = dialog.context
        head, flow = dialog.next_request("INVITE")
        self._number = head.number
        self.is_sent = True
        self._is_answered = False
        extra = (
            dialog.contact_line(flow)
            + context.allow_line
            + ("" if dialog.session is None else dialog.session.lines())
            + self._lines
            + context.user_agent_line
        )
        self._credential_lines = ""
        self._transaction = make_transaction(
            ClientInviteTransaction, context, head, (extra, self._body, self._content_type), flow,
            self, dialog.credentials, dialog,
        )  # fmt: skip
        self._transaction.start()

    def _on_success(self, response: Response) -> None:
        dialog = self._dialog
        if self._ack is not None:
            dialog.context.send(*self._ack)
            return
        if self._is_answered:
            return
        self._is_answered = True
        self._transaction = None
        self.stop()
        if dialog.state is DialogState.TERMINATED:
            self.send_ack(b"", "")
            return
        dialog.refresh_target(contact_uri(response))
        dialog.take_session(response)
        dialog.context.emit(ReinviteAnswered(dialog, response))
        if self._body:
            self.send_ack(b"", "")
        else:
            dialog.pending_ack = self

    def _may_ask_longer(self, response: Response) -> bool:
        session = self._dialog.session
        return session is not None and session.ask_longer(response)

    def _wait_for_retry(self) -> None:
        """Wait as section 14.1 says: 2.1 to 4 s for the owner of the Call-ID, else 0 to 2 s."""
        dialog = self._dialog
        context = dialog.context
        self._retries += 1
        self.is_sent = False
        wait = context.ids.seconds(2.1, 4.0) if dialog.is_caller else context.ids.seconds(0, 2.0)
        self._timer = context.timers.start(context.now + wait, self._on_retry)

    def _on_retry(self) -> None:
        self._timer = None
        if self.successor is not None:
            self._finish()
        else:
            self.try_again()

    def _reject(self, status: int, response: Response | None) -> None:
        dialog = self._dialog
        dialog.context.emit(ReinviteRejected(dialog, status, response))
        self._finish()
        dialog.end_by_status(status)

    def _finish(self) -> None:
        """Make room for the next re-INVITE."""
        dialog = self._dialog
        successor, self.successor = self.successor, None
        if dialog.outgoing_reinvite is self:
            dialog.outgoing_reinvite = successor
            if successor is not None:
                successor.try_again()

    def _give_up(self) -> None:
        self._timer = None
        if self._transaction is not None:
            self._transaction.end()
            self._transaction = None


class IncomingReinvite:
    """A re-INVITE of the peer that waits for the shell's answer."""

    __slots__ = ("_dialog", "_head", "_request", "_transaction")

    def __init__(
        self, dialog: Dialog, transaction: ServerTransaction, head: ResponseHead, request: Request
    ) -> None:
        self._dialog = dialog
        self._transaction = transaction
        self._head = head
        self._request = request
        dialog.incoming_reinvite = self
        transaction.user = self
        transaction.respond(100, head.trying())
        dialog.context.emit(ReinviteReceived(dialog, request))

    @property
    def owner(self) -> object:
        """Whose its dialog is."""
        return self._dialog.owner

    def accept(self, body: bytes, content_type: str, lines: str) -> None:
        """Send 200 and resend it until the ACK; the peer's Contact counts from now on (12.2.2)."""
        dialog, transaction = self._dialog, self._transaction
        context = dialog.context
        extra = (
            dialog.contact_line(transaction.flow)
            + context.allow_line
            + dialog.answer_session(self._request)
            + lines
        )
        data = self._head.to_bytes(200, extra=extra, body=body, content_type=content_type)
        dialog.incoming_reinvite = None
        dialog.refresh_target(contact_uri(self._request))
        dialog.acceptances[number_of(self._request)] = Acceptance(
            context,
            data,
            transaction.flow,
            transaction.fallback,
            dialog,
            initial=False,
            offered=not has_session_description(self._request),
        )
        transaction.respond(200, data)

    def reject(self, status: int, lines: str) -> None:
        """Refuse; 14.2: the session stays as it was."""
        dialog = self._dialog
        dialog.incoming_reinvite = None
        self._transaction.respond(status, self._head.to_bytes(status, extra=lines))
        if dialog.state is not DialogState.TERMINATED:
            dialog.go_on()

    def on_cancel(self, _request: Request) -> None:
        """Refuse with 487: the peer has withdrawn it."""
        self._dialog.context.emit(ReinviteCancelled(self._dialog))
        self.reject(487, "")
