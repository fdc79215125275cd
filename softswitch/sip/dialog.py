"""A dialog (RFC 3261 section 12): who talks to whom, in which order, by which way, and its end.

Re-INVITEs live in reinvite.py, REFER in refer.py, the INVITE that made the dialog in
invite_server.py and invite_client.py. It knows no media: bodies pass through.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from softswitch.sip.authorizing import AuthorizedUser, make_transaction
from softswitch.sip.compose import Header, RequestHead, header_lines, max_forwards_of
from softswitch.sip.dialog_state import DialogState, PendingAck
from softswitch.sip.events import (
    AckReceived,
    AckTimedOut,
    ByeReceived,
    ClearAsked,
    DialogTerminated,
)
from softswitch.sip.inspect import number_of
from softswitch.sip.multipart import session_description_in
from softswitch.sip.peer import Peer
from softswitch.sip.refer import OutgoingRefer, send_refer
from softswitch.sip.reinvite import IncomingReinvite, OutgoingReinvite, send_reinvite
from softswitch.sip.requests import IncomingRequest, OutgoingRequest
from softswitch.sip.routing import (
    MAX_ROUTES,
    Path,
    asks_for_the_clear,
    flow_to,
    leads_by_sips,
    path_to,
)
from softswitch.sip.session_timer import SessionTimer
from softswitch.sip.transaction.client_non_invite import ClientNonInviteTransaction

if TYPE_CHECKING:
    from softswitch.sip.acceptance import Acceptance
    from softswitch.sip.context import Context, DialogKey
    from softswitch.sip.digest import Credentials
    from softswitch.sip.flow import Flow
    from softswitch.sip.invite_server import IncomingInvite
    from softswitch.sip.message import Request, Response
    from softswitch.sip.referred import IncomingRefer
    from softswitch.sip.transaction.base import ClientTransaction
    from softswitch.sip.update import IncomingUpdate

__all__ = ["Dialog", "DialogState"]


class Dialog:
    """One peer-to-peer relation; the shell reads it and uses its verbs, the stack feeds it."""

    __slots__ = (
        "__weakref__",
        "_held_bye",
        "_path",
        "_remote_target",
        "_route_set",
        "acceptances",
        "call_id",
        "called",
        "contact_user",
        "context",
        "credentials",
        "flow",
        "incoming_refer",
        "incoming_reinvite",
        "invite",
        "is_caller",
        "is_secured",
        "is_silent",
        "local",
        "local_cseq",
        "local_tag",
        "outgoing_refer",
        "outgoing_reinvite",
        "owner",
        "peer",
        "pending_ack",
        "pending_requests",
        "remote",
        "remote_cseq",
        "remote_tag",
        "session",
        "state",
    )

    def __init__(
        self,
        context: Context,
        *,
        call_id: str,
        local_tag: str,
        remote_tag: str,
        local: str,
        remote: str,
        remote_target: str,
        route_set: Sequence[str],
        local_cseq: int,
        remote_cseq: int | None,
        flow: Flow,
        contact_user: str,
        is_caller: bool,
        owner: object,
        peer: Peer,
        is_secured: bool = False,
    ) -> None:
        self.context = context
        self.call_id = call_id
        self.local_tag = local_tag
        self.remote_tag = remote_tag
        # From and To of our requests, tags included.
        self.local = local
        self.remote = remote
        self.local_cseq = local_cseq
        self.remote_cseq = remote_cseq
        self.contact_user = contact_user
        # Whether we sent the INVITE that made the dialog: then the Call-ID is ours (14.1).
        self.is_caller = is_caller
        # The "secure" flag of 12.1: the INVITE went by TLS to a SIPS URI.
        self.is_secured = is_secured
        self.owner = owner
        self.state = DialogState.EARLY
        # RFC 4028, where one of the two wants it.
        self.session: SessionTimer | None = None
        # What answers a challenge of the peer to a request in this dialog.
        self.credentials: Credentials | None = None
        # A further fork, which the shell never heard of: its end is not reported.
        self.is_silent = False
        # Where the peer was last heard.
        self.flow = flow
        # Who it is, and the hosts that its INVITE came from, or went to and was answered from.
        self.peer = peer
        # Where our INVITE went that made it.
        self.called: Flow | None = None
        self._remote_target = remote_target
        self._route_set = tuple(route_set[:MAX_ROUTES])
        self._path: Path | None = None
        # 2xx of ours that wait for their ACK, by CSeq number.
        self.acceptances: dict[int, Acceptance] = {}
        # The INVITE this dialog is early in, when the peer is the caller.
        self.invite: IncomingInvite | None = None
        self.incoming_reinvite: IncomingReinvite | IncomingUpdate | None = None
        self.outgoing_reinvite: OutgoingReinvite | None = None
        # The last REFER of ours; kept when it is over, for what the peer still tells of it.
        self.outgoing_refer: OutgoingRefer | None = None
        # The last REFER of the peer that was accepted; kept when it is over, for its SUBSCRIBE.
        self.incoming_refer: IncomingRefer | None = None
        self.pending_requests: set[IncomingRequest] = set()
        # The ACK that waits for the shell's answer to the offer in a 2xx.
        self.pending_ack: PendingAck | None = None
        # The header lines of a BYE that must wait for an ACK (section 15).
        self._held_bye: str | None = None
        context.dialogs[self.key] = self

    @property
    def key(self) -> DialogKey:
        """What identifies the dialog; tags are compared octet by octet."""
        return (self.call_id, self.local_tag, self.remote_tag)

    @property
    def remote_target(self) -> str:
        """The peer's Contact URI."""
        return self._remote_target

    @property
    def route_set(self) -> tuple[str, ...]:
        """The Route values of our requests, in order."""
        return self._route_set

    # Verbs.

    def bye(self, *, headers: Sequence[Header] = (), now: float) -> None:
        """End the dialog; before the ACK of our 2xx the BYE is held back.

        Section 15: "the callee's UA MUST NOT send a BYE on a confirmed dialog until it has received
        an ACK for its 2xx response or until the server transaction times out." An early dialog ends
        with its INVITE, by cancel() or reject(): nothing happens here.
        """
        self.context.now = now
        lines = header_lines(headers)
        if self.invite is not None and self.invite.holds_answer:
            # The caller was not answered yet, whatever we had in mind (RFC 3262 section 3).
            self.invite.reject(480, headers=headers, now=now)
        if self.state is not DialogState.CONFIRMED or self._held_bye is not None:
            return
        if self.is_waiting_for_first_ack:
            self._held_bye = lines
        else:
            self.send_bye(lines, "bye-sent")

    def request(
        self,
        method: str,
        *,
        body: bytes = b"",
        content_type: str = "",
        headers: Sequence[Header] = (),
        owner: object = None,
        now: float,
    ) -> OutgoingRequest | None:
        """Send another request inside the dialog, INFO say; None when the dialog is over."""
        self.context.now = now
        if self.state is DialogState.TERMINATED:
            return None
        user = OutgoingRequest(self.context, method, self.call_id, self, owner)
        head, flow = self.next_request(method, headers)
        extra = self.contact_line(flow) + header_lines(headers) + self.context.user_agent_line
        self.start_request(head, (extra, body, content_type), flow, user)
        return user

    def refer(
        self, to: str, *, referred_by: str, headers: Sequence[Header] = (), now: float
    ) -> OutgoingRefer | None:
        """Ask the peer to call another URI (RFC 3515); None when there is no dialog to do it in.

        Both URIs go into angle brackets and were parsed before. A REFER before the ACK of our 2xx
        waits for it. A new one takes the place of one whose outcome is not known.
        """
        self.context.now = now
        if self.state is not DialogState.CONFIRMED:
            return None
        return send_refer(self, to, referred_by, headers)

    def acknowledge(
        self, *, body: bytes, content_type: str = "application/sdp", now: float
    ) -> None:
        """Answer the offer that came in the 2xx to our INVITE or re-INVITE, in its ACK."""
        self.context.now = now
        pending, self.pending_ack = self.pending_ack, None
        if pending is not None:
            pending.send_ack(body, content_type)
            self.go_on()

    def reinvite(
        self,
        *,
        body: bytes,
        content_type: str = "application/sdp",
        headers: Sequence[Header] = (),
        now: float,
    ) -> None:
        """Offer the peer other media (section 14.1), as soon as no INVITE is under way.

        While one of ours waits already, the new one takes its place; its outcome is one
        ReinviteAnswered or ReinviteRejected, unless the dialog ends before.
        """
        self.context.now = now
        if self.state is DialogState.CONFIRMED:
            send_reinvite(self, body, content_type, header_lines(headers))

    def accept_reinvite(
        self,
        *,
        body: bytes,
        content_type: str = "application/sdp",
        headers: Sequence[Header] = (),
        now: float,
    ) -> None:
        """Send 200 to the peer's re-INVITE; nothing happens when it was withdrawn meanwhile."""
        self.context.now = now
        if self.incoming_reinvite is not None:
            self.incoming_reinvite.accept(body, content_type, header_lines(headers))

    def reject_reinvite(self, status: int, *, headers: Sequence[Header] = (), now: float) -> None:
        """Refuse the peer's re-INVITE; the dialog stays as it was (14.2)."""
        self.context.now = now
        if self.incoming_reinvite is not None:
            self.incoming_reinvite.reject(status, header_lines(headers))

    # What invite and re-INVITE need.

    @property
    def is_waiting_for_first_ack(self) -> bool:
        """Whether the ACK for the 2xx that made this dialog is still out."""
        return any(acceptance.initial for acceptance in self.acceptances.values())

    def confirm(self, remote_target: str | None) -> None:
        """Become confirmed by a 2xx, whose Contact is the remote target from now on."""
        self.state = DialogState.CONFIRMED
        self.refresh_target(remote_target)

    def refresh_target(self, remote_target: str | None) -> None:
        """Take the peer's new Contact (12.2.1.2, 12.2.2)."""
        if remote_target and remote_target != self._remote_target:
            self._remote_target = remote_target
            self._path = None

    def set_route_set(self, route_set: Sequence[str]) -> None:
        """Take the route set of the 2xx, which replaces that of the provisional (13.2.2.4)."""
        self._route_set = tuple(route_set[:MAX_ROUTES])
        self._path = None

    def next_request(
        self, method: str, headers: Sequence[Header] = (), number: int | None = None
    ) -> tuple[RequestHead, Flow]:
        """Build the head of the next request and say where it goes (12.2.1.1).

        An ACK repeats the number of its INVITE; every other request takes the next one.
        """
        if number is None:
            self.local_cseq += 1
            number = self.local_cseq
        path = self._path
        if path is None:
            path = self._path = path_to(self._remote_target, self._route_set)
            self._tell_if_clear(path)
        context = self.context
        flow = self.flow
        if not flow.connection or not context.is_open(flow):
            flow = flow_to(path.next_hop, flow, self.called)
            if flow.transport != self.flow.transport:
                by = flow.transport if context.has_listener(flow.transport) else self.flow.transport
                flow = context.by(flow, by)
        head = RequestHead(
            method=method,
            uri=path.uri,
            via=context.via_for(flow),
            branch=context.ids.branch(),
            routes=path.routes,
            from_=self.local,
            to=self.remote,
            call_id=self.call_id,
            number=number,
            max_forwards=max_forwards_of(headers),
        )
        return head, flow

    def contact_line(self, flow: Flow) -> str:
        """Write our Contact for what goes by a flow.

        12.2.1.1: "If the 'secure' flag is true, that URI MUST be a SIPS URI", and where the peer is
        one itself (`leads_by_sips`).
        """
        is_sips = flow.secure and (
            self.is_secured or leads_by_sips(self._remote_target, self._route_set)
        )
        return self.context.contact_line(self.contact_user, flow, is_sips=is_sips)

    def _tell_if_clear(self, path: Path) -> None:
        """Say that the peer would have us leave TLS, which we do not."""
        next_hop = path.next_hop
        if self.flow.secure and next_hop is not None and asks_for_the_clear(next_hop):
            self.context.emit(ClearAsked(self, str(next_hop)))

    def start_request(
        self, head: RequestHead, message: tuple[str, bytes, str], flow: Flow, user: AuthorizedUser
    ) -> None:
        """Send a request that is no INVITE, for a user who hears how it ends."""
        make_transaction(
            ClientNonInviteTransaction, self.context, head, message, flow, user, self.credentials,
            self,
        ).start()  # fmt: skip

    # What the peer does.

    @property
    def wants_to_go_on(self) -> bool:
        """Whether a challenge to our BYE is to be answered: the peer is to know that it is over."""
        return True

    def on_sent_again(self, _transaction: ClientTransaction, _lines: str) -> None:
        """Our BYE goes on with credentials."""

    def receive_ack(self, request: Request) -> None:
        """Take an ACK; only the first one for a 2xx means something."""
        acceptance = self.acceptances.pop(number_of(request), None)
        if acceptance is None:
            self.context.drops["repeated-ack"] += 1
            return
        acceptance.stop()
        self.context.emit(AckReceived(self, session_description_in(request)))
        self.go_on()

    def receive_bye(self, request: Request) -> None:
        """End by the peer's BYE, which is answered already."""
        if self.state is DialogState.EARLY and self.invite is not None:
            self.invite.end_by_bye(request)
        elif self.state is DialogState.CONFIRMED:
            self.context.emit(ByeReceived(self, request))
            self.terminate("bye-received")
        self.leave()

    def go_on(self) -> None:
        """Do what had to wait: the held BYE, else the held REFER and the waiting re-INVITE."""
        if self._held_bye is not None:
            if not self.is_waiting_for_first_ack:
                lines, self._held_bye = self._held_bye, None
                self.send_bye(lines, "bye-sent")
            return
        if self.outgoing_refer is not None:
            self.outgoing_refer.start()
        if self.outgoing_reinvite is not None:
            self.outgoing_reinvite.try_again()

    # The end.

    def end_by_status(self, status: int) -> None:
        """End when a request inside the dialog shows that the peer has none (12.2.1.2).

        "If the response for a request within a dialog is a 481 or a 408, the UAC SHOULD terminate
        the dialog", which for one made by INVITE means to send a BYE.
        """
        if self.state is not DialogState.CONFIRMED:
            return
        if status == 481:
            self.send_bye("", "no-such-dialog")
        elif status == 408:
            self.send_bye("", "request-timeout")

    def on_ack_timeout(self) -> None:
        """End because no ACK came.

        13.3.1.4: "If the server retransmits the 2xx response for 64*T1 seconds without receiving an
        ACK, the dialog is confirmed, but the session SHOULD be terminated", with a BYE.
        """
        self.context.emit(AckTimedOut(self))
        lines, self._held_bye = self._held_bye, None
        self.send_bye(lines or "", "ack-timeout")

    def send_bye(self, lines: str, why: str) -> None:
        """Send BYE; until that is answered the dialog stays, for a BYE that crosses ours."""
        if self.pending_ack is not None:
            pending, self.pending_ack = self.pending_ack, None
            pending.send_ack(b"", "")
        head, flow = self.next_request("BYE")
        self.terminate(why)
        self.start_request(head, (lines + self.context.user_agent_line, b"", ""), flow, self)

    def on_response(self, response: Response) -> None:
        """Take the response to our BYE: whatever it is, the dialog is over (15.1.1)."""
        if response.status >= 200:
            self.leave()

    def on_failure(self, _why: str) -> None:
        """Learn that nobody answered our BYE."""
        self.leave()

    def terminate(self, why: str) -> None:
        """Become terminated, once, and settle what is still open."""
        if self.state is DialogState.TERMINATED:
            return
        was_confirmed = self.state is DialogState.CONFIRMED
        self.state = DialogState.TERMINATED
        self._settle()
        if was_confirmed and not self.is_silent:
            self.context.emit(DialogTerminated(self, why))

    def leave(self) -> None:
        """Leave the table and break every cycle."""
        self.state = DialogState.TERMINATED
        self._settle()
        self.context.dialogs.pop(self.key, None)

    def answer_session(self, request: Request) -> str:
        """The lines of our 2xx to an INVITE or UPDATE that are about its session timer."""
        if self.session is None:
            if "Session-Expires" not in request.headers.fields:
                return ""
            self.session = SessionTimer(self)
        return self.session.answer(request)

    def take_session(self, response: Response) -> None:
        """Take what a 2xx to our INVITE says of the session timer."""
        if self.session is None:
            if "Session-Expires" not in response.headers.fields:
                return
            self.session = SessionTimer(self)
        self.session.take(response)

    def _settle(self) -> None:
        if self.session is not None:
            self.session.stop()
            self.session = None
        self._held_bye = None
        self.invite = None
        self.pending_ack = None
        for acceptance in self.acceptances.values():
            acceptance.stop()
        self.acceptances.clear()
        # 15.1.2: the UAS "MUST still respond to any pending requests received for that dialog. It
        # is RECOMMENDED that a 487 response be generated to those pending requests."
        if self.incoming_reinvite is not None:
            self.incoming_reinvite.reject(487, "")
        for pending in list(self.pending_requests):
            pending.answer(487)
        if self.outgoing_reinvite is not None:
            self.outgoing_reinvite.abandon()
        if self.outgoing_refer is not None:
            self.outgoing_refer.abandon()
            self.outgoing_refer = None
