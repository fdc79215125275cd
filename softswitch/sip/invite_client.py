"""An INVITE of ours (RFC 3261 sections 9.1 and 13.2): early dialogs, forks, answer, CANCEL.

It owns the ACKs for 2xx responses, which are kept as long as the transaction passes 2xx up. It does
not know who is called nor what to do after a refusal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from softswitch.sip.authorizing import make_transaction
from softswitch.sip.compose import Header, RequestHead, header_lines
from softswitch.sip.dialog import Dialog
from softswitch.sip.dialog_state import DialogState, PendingAck
from softswitch.sip.events import (
    ForkAnswered,
    InviteAnswered,
    InviteRejected,
    ProvisionalReceived,
)
from softswitch.sip.inspect import contact_uri, route_values, to_tag_of
from softswitch.sip.peer import NOBODY, Peer
from softswitch.sip.reliable import is_reliable, rseq_of
from softswitch.sip.requests import Unheard
from softswitch.sip.routing import leads_by_sips
from softswitch.sip.session_timer import MIN_SE, asking_lines, longer_interval
from softswitch.sip.timers import T1, Timer
from softswitch.sip.transaction.client_invite import ClientInviteTransaction
from softswitch.sip.transaction.client_non_invite import ClientNonInviteTransaction

if TYPE_CHECKING:
    from softswitch.sip.context import Context
    from softswitch.sip.digest import Credentials
    from softswitch.sip.flow import Flow
    from softswitch.sip.message import Response
    from softswitch.sip.transaction.base import ClientTransaction

# 18.1.1: what fits into a datagram on any path.
MAX_DATAGRAM = 1300
# Phones that ring together behind one number, and those of them that answer: 13.2.2.4 has each 2xx
# acknowledged, so it is more than any proxy forks to. Each keeps a dialog until its BYE is answered
# and an ACK until Timer M fires, 4 kB together; what further ones say is counted only.
MAX_FORKS = 64


class OutgoingInvite(PendingAck):
    """One INVITE of ours; its end is one InviteAnswered or InviteRejected."""

    __slots__ = (
        "__weakref__",
        "_acks",
        "_back_to",
        "_cancel_lines",
        "_contact_user",
        "_context",
        "_credential_lines",
        "_credentials",
        "_dialogs",
        "_flow",
        "_has_offer",
        "_has_provisional",
        "_head",
        "_is_cancel_sent",
        "_is_longer",
        "_is_over",
        "_may_use_tcp",
        "_message",
        "_peer",
        "_reliable",
        "_session_interval",
        "_tcp_listener",
        "_timer",
        "_transaction",
        "_winner",
        "call_id",
        "local_tag",
        "owner",
    )

    def __init__(
        self,
        context: Context,
        head: RequestHead,
        flow: Flow,
        *,
        local_tag: str,
        contact_user: str,
        has_offer: bool,
        owner: object,
        credentials: Credentials | None = None,
        peer: Peer = NOBODY,
    ) -> None:
        self._context = context
        self._peer = peer
        self._credentials = credentials
        self._credential_lines = ""
        self._message: tuple[str, bytes, str] | None = None
        self._session_interval = 0
        self._is_longer = False
        self._may_use_tcp = False
        self._tcp_listener: int | None = None
        # The way by UDP, and what goes there, while TCP is tried.
        self._back_to: tuple[Flow, tuple[str, bytes, str]] | None = None
        # RSeq of the last reliable provisional response, by the tag of the peer (RFC 3262).
        self._reliable: dict[str, int] | None = None
        self._head = head
        self._flow = flow
        self._contact_user = contact_user
        self._has_offer = has_offer
        self.call_id = head.call_id
        self.local_tag = local_tag
        self.owner = owner
        self._transaction: ClientInviteTransaction | None = None
        # Early dialogs by the tag of the peer, and the ACKs sent, likewise.
        self._dialogs: dict[str, Dialog] = {}
        self._acks: dict[str, tuple[bytes, Flow]] = {}
        self._winner: str | None = None
        self._is_over = False
        self._has_provisional = False
        self._cancel_lines: str | None = None
        self._is_cancel_sent = False
        self._timer: Timer | None = None

    def start(
        self,
        extra: str,
        body: bytes,
        content_type: str,
        *,
        session_interval: int = 0,
        may_use_tcp: bool = False,
        tcp_listener: int | None = None,
    ) -> None:
        """Send the INVITE; with an interval, it asks for a session timer. Where it is too large for
        a datagram it may go by TCP."""
        self._session_interval = session_interval
        self._may_use_tcp = may_use_tcp
        self._tcp_listener = tcp_listener
        if session_interval:
            # It may have to be sent again with another one.
            self._message = (extra, body, content_type)
        self._send_message(extra, body, content_type)

    def _send_message(self, extra: str, body: bytes, content_type: str) -> None:
        shortest = self._session_interval if self._is_longer else MIN_SE
        lines = asking_lines(self._session_interval, shortest)
        message = (lines + extra, body, content_type)
        if self._may_use_tcp and self._flow.transport == "udp":
            self._go_by_tcp_if_large(message)
        self._begin(message)

    def _go_by_tcp_if_large(self, message: tuple[str, bytes, str]) -> None:
        """Choose TCP for what is too large for a datagram.

        18.1.1: "If a request is within 200 bytes of the path MTU, or if it is larger than 1300
        bytes and the path MTU is unknown, the request MUST be sent using an RFC 2914 congestion
        controlled transport protocol, such as TCP."
        """
        context = self._context
        if len(self._head.to_bytes(*message)) <= MAX_DATAGRAM or not context.has_listener("tcp"):
            return
        self._back_to = (self._flow, message)
        self._flow = context.by(self._flow, "tcp", self._tcp_listener)
        branch = context.ids.branch()
        self._head = self._head.again(branch, self._head.number, context.via_for(self._flow))

    def _go_back_to_udp(self) -> bool:
        """Send by UDP what TCP did not take.

        18.1.1: "If [...] the attempt to establish the connection [...] generates [an] ICMP Protocol
        Not Supported, or results in a TCP reset, the element SHOULD retry the request, using UDP."
        """
        if self._back_to is None or self._has_provisional or not self.wants_to_go_on:
            return False
        (self._flow, message), self._back_to = self._back_to, None
        self._may_use_tcp = False
        context = self._context
        branch = context.ids.branch()
        self._head = self._head.again(branch, self._head.number, context.via_for(self._flow))
        self._begin(message)
        return True

    def _begin(self, message: tuple[str, bytes, str]) -> None:
        """Send the INVITE by a transaction of its own."""
        self._transaction = transaction = make_transaction(
            ClientInviteTransaction, self._context, self._head, message, self._flow, self,
            self._credentials, peer=self._peer,
        )  # fmt: skip
        transaction.start()

    def fail(self, status: int, why: str) -> None:
        """End before anything was sent."""
        self._is_over = True
        self._context.emit(InviteRejected(self, status, None, why))

    # Verbs.

    def cancel(self, *, headers: Sequence[Header] = (), now: float) -> None:
        """Give up; a Reason header says why.

        9.1: "If no provisional response has been received, the CANCEL request MUST NOT be sent;
        rather, the client MUST wait for the arrival of a provisional response before sending."
        """
        self._context.now = now
        if self._is_over or self._cancel_lines is not None:
            return
        self._cancel_lines = header_lines(headers)
        if self._has_provisional:
            self._send_cancel()

    def send_ack(self, body: bytes, content_type: str) -> None:
        """Send the ACK with the answer to the winner's offer."""
        if self._winner is not None:
            self._acknowledge(self._winner, self._dialogs[self._winner], body, content_type)
            self._dialogs.clear()

    # What the peer does.

    def try_udp(self, *, now: float) -> bool:
        """Send by UDP what TCP has taken no notice of; False where UDP was tried, or is no way."""
        self._context.now = now
        transaction = self._transaction
        if not self._go_back_to_udp():
            return False
        if transaction is not None:
            transaction.end()
        return True

    @property
    def is_heard(self) -> bool:
        """Whether any provisional response has come, 100 too."""
        return self._has_provisional

    @property
    def wants_to_go_on(self) -> bool:
        """Whether a challenge is to be answered: not after a CANCEL."""
        return not self._is_over and self._cancel_lines is None

    def on_sent_again(self, transaction: ClientTransaction, lines: str) -> None:
        """The INVITE goes on with credentials; early dialogs of the first try are none."""
        assert isinstance(transaction, ClientInviteTransaction)
        self._transaction = transaction
        self._head = transaction.head
        self._credential_lines = lines
        self._has_provisional = False
        self._reliable = None
        for dialog in self._dialogs.values():
            dialog.leave()
        self._dialogs.clear()

    def on_response(self, response: Response) -> None:
        """Take a response from the transaction."""
        if response.status < 200:
            self._on_provisional(response)
        elif response.status < 300:
            self._on_success(response)
        elif not self._is_over and not self._asks_longer(response):
            why = "response" if self._cancel_lines is None else "cancelled"
            self._reject(response.status, response, why)

    def _asks_longer(self, response: Response) -> bool:
        """Send the INVITE again with the session interval that a 422 asks for (RFC 4028 6)."""
        if response.status != 422 or self._message is None or not self.wants_to_go_on:
            return False
        if self._is_longer:
            return False  # once is what a peer may ask for
        longer = longer_interval(response, self._session_interval)
        if longer is None:
            return False
        assert self._transaction is not None
        head = self._transaction.head
        self._session_interval, self._is_longer = longer, True
        self._head = head.again(self._context.ids.branch(), head.number + 1)
        self._has_provisional = False
        self._send_message(*self._message)
        return True

    def on_failure(self, why: str) -> None:
        """Learn that no final response will come; 8.1.3.1: treat it as 408 or 503."""
        if self._is_over or (why == "transport" and self._go_back_to_udp()):
            return
        if self._cancel_lines is not None:
            self._reject(487, None, "cancelled")
        else:
            self._reject(408 if why == "timeout" else 503, None, why)

    def _on_provisional(self, response: Response) -> None:
        self._has_provisional = True
        if self._is_over:
            return
        if self._cancel_lines is not None and not self._is_cancel_sent:
            self._send_cancel()
        if response.status == 100:
            return
        dialog = self._early_dialog(response)
        if is_reliable(response) and not self._acknowledge_provisional(response, dialog):
            return
        self._context.emit(ProvisionalReceived(self, response, dialog))

    def _acknowledge_provisional(self, response: Response, dialog: Dialog | None) -> bool:
        """Send PRACK; False for one that came before, or out of order.

        RFC 3262 section 4: a retransmission "MUST be discarded"; one whose RSeq is not one higher
        than the last "MUST NOT be acknowledged with a PRACK".
        """
        number = rseq_of(response)
        if dialog is None or number is None:
            return False
        if self._reliable is None:
            self._reliable = {}
        last = self._reliable.get(dialog.remote_tag)
        if last is not None and number != last + 1:
            return False
        self._reliable[dialog.remote_tag] = number
        head, flow = dialog.next_request("PRACK")
        lines = f"RAck: {number} {self._head.number} INVITE\r\n" + self._context.user_agent_line
        dialog.start_request(head, (lines, b"", ""), flow, Unheard())
        return True

    def _on_success(self, response: Response) -> None:
        """Take a 2xx: the first wins, a further one is acknowledged and ended (13.2.2.4)."""
        tag = to_tag_of(response)
        ack = self._acks.get(tag)
        if ack is not None:
            # "The UAC core MUST generate an ACK for each 2xx": the same one for a repeated one.
            self._context.send(*ack)
        elif tag == self._winner:
            # The 2xx is repeated while the shell still works on the answer to its offer.
            return
        elif self._is_over:
            self._end_fork(tag, response)
        elif self._cancel_lines is not None:
            self._end_fork(tag, response)
            self._reject(487, response, "cancelled")
        elif self._has_left(tag):
            # Section 15 forbids the callee a BYE on an early dialog; one who sent it all the same
            # has gone, and its answer joins nobody to it.
            self._end_fork(tag, response)
            self._reject(480, response, "response")
        else:
            self._answer(tag, response)

    def _has_left(self, tag: str) -> bool:
        """Say whether the peer has ended this early dialog by a BYE."""
        dialog = self._dialogs.get(tag)
        return dialog is not None and dialog.state is DialogState.TERMINATED

    def _answer(self, tag: str, response: Response) -> None:
        context = self._context
        dialog = self._dialog_for(tag, response)
        self._winner = tag
        self._finish()
        for other in self._dialogs.values():
            if other is not dialog:
                other.leave()
        self._dialogs = {tag: dialog}
        dialog.set_route_set(route_values(response)[::-1])
        dialog.confirm(contact_uri(response))
        dialog.flow = self._answered_from
        dialog.owner = self.owner
        dialog.take_session(response)
        context.emit(InviteAnswered(self, dialog, response))
        if self._has_offer:
            self.send_ack(b"", "")
        else:
            dialog.pending_ack = self

    def _end_fork(self, tag: str, response: Response) -> None:
        """Acknowledge a 2xx that nobody wants and end its dialog."""
        if len(self._acks) >= MAX_FORKS:
            self._context.drops["too-many-forks"] += 1
            return
        dialog = self._dialog_for(tag, response)
        dialog.is_silent = True
        dialog.set_route_set(route_values(response)[::-1])
        dialog.confirm(contact_uri(response))
        self._acknowledge(tag, dialog, b"", "")
        # Where our CANCEL came too late the BYE says why in its place (RFC 3326).
        dialog.send_bye(self._cancel_lines or "", "bye-sent")
        if self._winner is not None:
            self._context.emit(ForkAnswered(self, response))

    def _acknowledge(self, tag: str, dialog: Dialog, body: bytes, content_type: str) -> None:
        """Send the ACK for a 2xx and keep it.

        13.2.2.4: "The sequence number of the CSeq header field MUST be the same as the INVITE being
        acknowledged, but the CSeq method MUST be ACK."
        """
        context = self._context
        head, flow = dialog.next_request("ACK", number=self._head.number)
        # 22.1: "the credentials [...] MUST be present in the ACK" when the INVITE had them.
        lines = self._credential_lines + context.user_agent_line
        data = head.to_bytes(lines, body, content_type)
        self._acks[tag] = (data, flow)
        context.send(data, flow)

    # The end.

    def _reject(self, status: int, response: Response | None, why: str) -> None:
        self._finish()
        for dialog in self._dialogs.values():
            if dialog.state is DialogState.EARLY:
                dialog.leave()
        self._dialogs.clear()
        self._context.emit(InviteRejected(self, status, response, why))

    def _finish(self) -> None:
        self._is_over = True
        self._transaction = None
        if self._timer is not None:
            self._context.timers.cancel(self._timer)
            self._timer = None

    def _send_cancel(self) -> None:
        """Send the CANCEL the way of the INVITE and give the peer 64*T1 to obey.

        9.1: "If there is no final response for the original request in 64*T1 seconds, the client
        SHOULD then consider the original transaction cancelled and SHOULD destroy the client
        transaction handling the original request."
        """
        context, head = self._context, self._head
        self._is_cancel_sent = True
        lines = (self._cancel_lines or "") + context.user_agent_line
        cancel = RequestHead(
            method="CANCEL",
            uri=head.uri,
            via=head.via,
            branch=head.branch,
            routes=head.routes,
            from_=head.from_,
            to=head.to,
            call_id=head.call_id,
            number=head.number,
        )
        data = cancel.to_bytes(lines)
        ClientNonInviteTransaction(context, cancel, data, self._flow, None, self._peer).start()
        self._timer = context.timers.start(context.now + 64 * T1, self._give_up)

    def _give_up(self) -> None:
        self._timer = None
        if self._transaction is not None:
            self._transaction.end()
        self._reject(487, None, "cancelled")

    # Dialogs.

    def _early_dialog(self, response: Response) -> Dialog | None:
        """Give the early dialog of a provisional response, if it makes one (12.1)."""
        tag = to_tag_of(response)
        if not tag:
            return None
        dialog = self._dialogs.get(tag)
        if dialog is None and len(self._dialogs) < MAX_FORKS:
            dialog = self._make_dialog(tag, response)
        return dialog

    def _dialog_for(self, tag: str, response: Response) -> Dialog:
        """Give the dialog of a 2xx: the early one, unless it is over already."""
        dialog = self._dialogs.get(tag)
        if dialog is None or dialog.state is DialogState.TERMINATED:
            dialog = self._make_dialog(tag, response)
        return dialog

    def _make_dialog(self, tag: str, response: Response) -> Dialog:
        """Make a dialog from a response (12.1.2)."""
        head = self._head
        flow = self._answered_from
        self._dialogs[tag] = dialog = Dialog(
            self._context,
            call_id=self.call_id,
            local_tag=self.local_tag,
            remote_tag=tag,
            local=head.from_,
            remote=response.headers.fields["To"][0],
            remote_target=contact_uri(response) or head.uri,
            route_set=route_values(response)[::-1],
            local_cseq=head.number,
            remote_cseq=None,
            flow=flow,
            contact_user=self._contact_user,
            is_caller=True,
            owner=self.owner,
            peer=self._peer._replace(homes=(self._flow.host, flow.host)),
            is_secured=self._flow.secure and leads_by_sips(head.uri, ()),
        )
        dialog.called = self._flow
        dialog.credentials = self._credentials
        return dialog

    @property
    def _answered_from(self) -> Flow:
        """Where the peer is reached: where it has answered from, unless that was by another
        transport, over which nothing of the dialog is to go."""
        source = self._context.source
        return source if source.transport == self._flow.transport else self._flow
