"""An INVITE that came in (RFC 3261 section 13.3): ringing, answer, refusal, CANCEL, early BYE.

It does not know who is called nor why it may be refused: its user decides by the verbs here.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import TYPE_CHECKING

from softswitch.sip.acceptance import Acceptance
from softswitch.sip.compose import Header, ResponseHead, header_lines
from softswitch.sip.dialog import Dialog
from softswitch.sip.dialog_state import DialogState
from softswitch.sip.events import InviteCancelled, InviteReceived
from softswitch.sip.inspect import caller_uri, from_tag_of, number_of, plain_user, route_values
from softswitch.sip.multipart import has_session_description
from softswitch.sip.peer import Peer
from softswitch.sip.reliable import ReliableSender, requires_reliable
from softswitch.sip.timers import Timer

if TYPE_CHECKING:
    from softswitch.sip.context import Context
    from softswitch.sip.flow import Flow
    from softswitch.sip.message import Request
    from softswitch.sip.transaction.base import ServerTransaction

# 13.3.1.1: to keep proxies from cancelling, a non-100 provisional response is sent every minute.
PROVISIONAL_REFRESH = 60.0


class InviteState(IntEnum):
    """How far the INVITE is."""

    PROCEEDING = 0
    ACCEPTED = 1
    REJECTED = 2
    CANCELLED = 3


class IncomingInvite:
    """One INVITE outside of any dialog; verbs that come too late do nothing."""

    __slots__ = (
        "__weakref__",
        "_context",
        "_has_offer",
        "_head",
        "_reliable",
        "_timer",
        "_transaction",
        "awaits_answer",
        "call_id",
        "dialog",
        "flow",
        "has_offered",
        "local_tag",
        "owner",
        "remote_tag",
        "request",
        "source",
        "state",
    )

    def __init__(
        self,
        context: Context,
        request: Request,
        flow: Flow,
        transaction: ServerTransaction,
        head: ResponseHead,
        source: object = None,
    ) -> None:
        self._context = context
        self._head = head
        self._transaction: ServerTransaction | None = transaction
        self._timer: Timer | None = None
        self.request = request
        self.flow = flow
        self.call_id = request.call_id
        self.local_tag = transaction.local_tag
        self.remote_tag = from_tag_of(request)
        self.source = source
        """Who sent it, as the stack's user said."""
        self.owner: object = None
        self.state = InviteState.PROCEEDING
        self.dialog: Dialog | None = None
        self._has_offer = has_session_description(request)
        self.has_offered = False
        """Whether our offer is in a reliable provisional response: what follows has none."""
        self.awaits_answer = False
        """Whether its PRACK is still to come."""
        # RFC 3262, where the caller wants it.
        self._reliable: ReliableSender | None = None
        if requires_reliable(request):
            self._reliable = ReliableSender(
                context, number_of(request), self._send_provisional, self._on_no_prack
            )
        transaction.user = self
        # 17.2.1: the server transaction MUST generate a 100 (Trying) response unless it knows that
        # the TU will answer within 200 ms.
        transaction.respond(100, head.trying())
        context.emit(InviteReceived(self))

    # Verbs.

    def provisional(
        self,
        status: int,
        *,
        reason: str | None = None,
        body: bytes = b"",
        content_type: str = "application/sdp",
        headers: Sequence[Header] = (),
        now: float,
    ) -> None:
        """Send a 101 to 199, which makes the dialog early; 100 is the stack's own."""
        self._context.now = now
        transaction = self._transaction
        if transaction is None or status <= 100:
            return
        extra = self._dialog_lines(self._dialog_of()) + header_lines(headers)

        def build(lines: str = "") -> bytes:
            return self._head.to_bytes(
                status,
                reason=reason,
                extra=extra + lines,
                body=body,
                content_type=content_type,
                record_route=True,
            )

        if self._reliable is not None:
            # RFC 3262 section 5: "If the INVITE did not contain an offer, the first reliable
            # provisional response MUST contain one". Without one nothing can be said.
            if body and not self._has_offer:
                self.has_offered = self.awaits_answer = True
            if self.has_offered or self._has_offer:
                self._reliable.provisional(status, build)
        else:
            self._send_provisional(status, build())

    def _send_provisional(self, status: int, data: bytes) -> None:
        """Send a provisional response, or (status 0) one that was sent before."""
        transaction = self._transaction
        if transaction is None:
            return
        if not status:
            transaction.send(data)
            return
        transaction.respond(status, data)
        self._stop_timer()
        if self._reliable is None:
            when = self._context.now + PROVISIONAL_REFRESH
            self._timer = self._context.timers.start(when, self._refresh)

    def accept(
        self,
        *,
        body: bytes,
        content_type: str = "application/sdp",
        headers: Sequence[Header] = (),
        now: float,
    ) -> Dialog:
        """Send 200 and resend it until the ACK; a cancelled INVITE gives a terminated dialog.

        While a reliable provisional response waits for its PRACK, the 200 waits too.
        """
        self._context.now = now
        dialog = self._dialog_of()
        dialog.owner = self.owner
        lines = header_lines(headers)
        if self._reliable is not None:
            self._reliable.final(lambda: self._accept(dialog, body, content_type, lines))
        else:
            self._accept(dialog, body, content_type, lines)
        return dialog

    def _accept(self, dialog: Dialog, body: bytes, content_type: str, lines: str) -> None:
        context, transaction = self._context, self._transaction
        if transaction is None:
            return
        data = self._head.to_bytes(
            200,
            extra=self._dialog_lines(dialog)
            + context.supported_line
            + dialog.answer_session(self.request)
            + lines,
            body=body,
            content_type=content_type,
            record_route=True,
        )
        dialog.invite = None
        dialog.confirm(None)
        dialog.acceptances[number_of(self.request)] = Acceptance(
            context,
            data,
            transaction.flow,
            transaction.fallback,
            dialog,
            initial=True,
            offered=not (self._has_offer or self.has_offered),
        )
        self._finish(InviteState.ACCEPTED)
        transaction.respond(200, data)

    def reject(
        self,
        status: int,
        *,
        reason: str | None = None,
        headers: Sequence[Header] = (),
        now: float,
    ) -> None:
        """Refuse with a 300 to 699, which is resent until its ACK comes."""
        self._context.now = now
        self._refuse(status, InviteState.REJECTED, header_lines(headers), reason)

    @property
    def needs_offer(self) -> bool:
        """Whether the first provisional response has to have an offer of ours."""
        return self._reliable is not None and not (self._has_offer or self.has_offered)

    @property
    def holds_answer(self) -> bool:
        """Whether our 200 waits for a PRACK."""
        return self._reliable is not None and self._reliable.holds_final

    # What the peer does.

    def on_prack(self, request: Request) -> bool:
        """Take a PRACK; False when it acknowledges nothing that is on its way."""
        return self._reliable is not None and self._reliable.acknowledge(request)

    def go_on(self) -> None:
        """Send what waited for a PRACK, which is answered now."""
        if self._reliable is not None:
            self._reliable.go_on()

    def _on_no_prack(self) -> None:
        """The caller hears nothing of us: 64*T1 have passed without a PRACK."""
        dialog = self.dialog
        if self._refuse(504, InviteState.REJECTED) and dialog is not None:
            self._context.emit(InviteCancelled(self, None, by_bye=False))

    def on_cancel(self, request: Request) -> None:
        """Refuse with 487: the caller has cancelled (9.2)."""
        reason = ", ".join(request.headers.get_all("Reason")) or None
        if self._refuse(487, InviteState.CANCELLED):
            self._context.emit(InviteCancelled(self, reason, by_bye=False))

    def end_by_bye(self, request: Request) -> None:
        """Refuse with 487: the caller has sent an early BYE, which is answered already (15.1.2)."""
        reason = ", ".join(request.headers.get_all("Reason")) or None
        if self._refuse(487, InviteState.CANCELLED):
            self._context.emit(InviteCancelled(self, reason, by_bye=True))

    def _refuse(
        self, status: int, state: InviteState, lines: str = "", reason: str | None = None
    ) -> bool:
        transaction, dialog = self._transaction, self.dialog
        if transaction is None:
            return False
        self._finish(state)
        if dialog is not None:
            dialog.leave()
        transaction.respond(status, self._head.to_bytes(status, reason=reason, extra=lines))
        return True

    def _finish(self, state: InviteState) -> None:
        self._stop_timer()
        if self._reliable is not None:
            self._reliable.stop()
        self.state = state
        self._transaction = None

    def _refresh(self) -> None:
        """Send the last provisional response again."""
        transaction = self._transaction
        if transaction is not None and transaction.last_response:
            transaction.send(transaction.last_response)
            when = self._context.now + PROVISIONAL_REFRESH
            self._timer = self._context.timers.start(when, self._refresh)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._context.timers.cancel(self._timer)
            self._timer = None

    # The dialog.

    def _dialog_lines(self, dialog: Dialog) -> str:
        return dialog.contact_line(self.flow) + self._context.allow_line

    def _dialog_of(self) -> Dialog:
        """Give the dialog, made as section 12.1.1 says at the first response that makes one."""
        if self.dialog is not None:
            return self.dialog
        request = self.request
        fields = request.headers.fields
        self.dialog = dialog = Dialog(
            self._context,
            call_id=self.call_id,
            local_tag=self.local_tag,
            remote_tag=self.remote_tag,
            local=f"{fields['To'][0]};tag={self.local_tag}",
            remote=fields["From"][0],
            remote_target=caller_uri(request),
            route_set=route_values(request),
            local_cseq=0,
            remote_cseq=number_of(request),
            flow=self.flow,
            contact_user=plain_user(request.uri),
            is_caller=False,
            owner=self.owner,
            peer=Peer(self.source, (self.flow.host,)),
            is_secured=self.flow.secure and request.request_uri.scheme == "sips",
        )
        dialog.invite = self
        if self._transaction is None:
            dialog.state = DialogState.TERMINATED
            dialog.leave()
        return dialog
