"""Requests of the peer inside a dialog (RFC 3261 sections 12.2.2, 14.2 and 15.1.2).

Every answer goes through a transaction here, because a retransmission must not be judged by what
has changed meanwhile. It does not know who the peer is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from softswitch.sip.checks import ACCEPT_LINE, CHECKS_IN_DIALOG, Refusal, first_refusal
from softswitch.sip.compose import ResponseHead
from softswitch.sip.dialog import Dialog
from softswitch.sip.dialog_state import DialogState
from softswitch.sip.events import AckReceived, KeyTold, RequestReceived
from softswitch.sip.info import answer_info
from softswitch.sip.inspect import number_of
from softswitch.sip.multipart import has_session_description, session_description_in
from softswitch.sip.refer import answer_notify, take_notify
from softswitch.sip.referred import answer_subscribe, take_subscribe
from softswitch.sip.reinvite import IncomingReinvite
from softswitch.sip.requests import IncomingRequest
from softswitch.sip.routing import hosts_of
from softswitch.sip.transaction.server_invite import ServerInviteTransaction
from softswitch.sip.transaction.server_non_invite import ServerNonInviteTransaction
from softswitch.sip.update import IncomingUpdate, answer_update

if TYPE_CHECKING:
    from softswitch.sip.context import Context
    from softswitch.sip.flow import Flow
    from softswitch.sip.message import Request
    from softswitch.sip.transaction.base import ServerKey, ServerTransaction

# A peer that has left this many of our 2xx without an ACK has no business changing the media again.
MAX_ACCEPTANCES = 2
# RFC 6665 section 8.3.2: a 489 MUST say which events are understood.
ALLOW_EVENTS_LINE = "Allow-Events: refer\r\n"
# Requests a peer may leave with us unanswered inside one dialog; further ones get 500.
MAX_PENDING_REQUESTS = 8


NOT_THE_PEERS = "not-the-peers"
"""Why a request in a dialog is refused that comes from elsewhere."""


IN_THE_CLEAR = "in-the-clear"
"""The same for one in a dialog by TLS that comes by something else."""


def why_not_taken(context: Context, dialog: Dialog, flow: Flow) -> str:
    """Say why a request in a dialog is none of its peer's; empty: it may be.

    It comes from a host that is not its owner's, that the peer was not heard from, and that it has
    not named in Contact or Route. Who knows Call-ID and tags has overheard them: only the transport
    (26.2) could keep them secret; so where that did, who comes by another one is not the peer.
    """
    heard, host = dialog.flow, flow.host
    if heard.secure and not flow.secure:
        return IN_THE_CLEAR
    if (
        host == heard.host
        or host in dialog.peer.homes
        or context.may_speak(dialog.owner, host)
        or host in hosts_of(dialog.remote_target, dialog.route_set)
    ):
        return ""
    return NOT_THE_PEERS


def receive_in_dialog(
    context: Context,
    dialog: Dialog,
    request: Request,
    key: ServerKey,
    way_back: tuple[Flow, Flow | None],
    head: ResponseHead,
) -> None:
    """Take a request that names an existing dialog and is no retransmission."""
    # Read first: a request whose number cannot be read gets no transaction.
    number = number_of(request)
    make = ServerInviteTransaction if request.method == "INVITE" else ServerNonInviteTransaction
    transaction = make(context, key, way_back[0], way_back[1], dialog.local_tag)
    refusal = _judge(context, dialog, request, number)
    if refusal is not None:
        data = head.to_bytes(refusal.status, extra=refusal.lines)
        transaction.respond(refusal.status, data)
        return
    dialog.flow = context.source
    handler = _HANDLERS.get(request.method, _receive_other)
    handler(dialog, request, transaction, head)


def _judge(context: Context, dialog: Dialog, request: Request, number: int) -> Refusal | None:
    """Refuse what is out of order or out of place."""
    # 12.2.2: "If the remote sequence number is not empty, but the sequence number of the request is
    # lower than the remote sequence number, the request is out of order and MUST be rejected with a
    # 500 (Server Internal Error) response." An equal one, which is no retransmission, likewise.
    if dialog.remote_cseq is not None and number <= dialog.remote_cseq:
        return Refusal(500, "out-of-order")
    dialog.remote_cseq = number
    refusal = first_refusal(request, context, CHECKS_IN_DIALOG)
    if refusal is not None:
        return refusal
    if dialog.state is DialogState.TERMINATED and request.method != "BYE":
        return Refusal(481, "terminated")
    if request.method == "INVITE":
        return _judge_reinvite(context, dialog)
    if request.method == "UPDATE" and has_session_description(request):
        return _judge_update(context, dialog)
    return None


def _judge_reinvite(context: Context, dialog: Dialog) -> Refusal | None:
    """Refuse a re-INVITE that meets another one (14.2)."""
    if _is_inviting(dialog):
        # "A UAS that receives an INVITE on a dialog while an INVITE it had sent on that dialog is
        # in progress MUST return a 491 (Request Pending) response."
        return Refusal(491, "glare")
    if (
        dialog.incoming_reinvite is not None
        or dialog.state is DialogState.EARLY
        or len(dialog.acceptances) >= MAX_ACCEPTANCES
    ):
        # "A UAS that receives a second INVITE before it sends the final response to a first INVITE
        # with a lower CSeq number on the same dialog MUST return a 500 (Server Internal Error) and
        # MUST include a Retry-After header field with a randomly chosen value of between 0 and 10
        # seconds."
        wait = context.ids.number(0, 10)
        return Refusal(500, "second-invite", f"Retry-After: {wait}\r\n")
    if any(acceptance.offered for acceptance in dialog.acceptances.values()):
        # Our offer went out in the 2xx and its answer is still to come in the ACK (RFC 5407 3.1.4).
        return Refusal(491, "offer-pending")
    return None


def _judge_update(context: Context, dialog: Dialog) -> Refusal | None:
    """Refuse an offer that meets another one (RFC 3311 section 5.2)."""
    if dialog.outgoing_reinvite is not None and dialog.outgoing_reinvite.is_sent:
        # "If an UPDATE is received that contains an offer, and the UAS has generated an offer [...]
        # to which it has not yet received an answer, the UAS MUST reject the UPDATE with a 491."
        return Refusal(491, "glare")
    early = dialog.invite is not None and dialog.invite.awaits_answer
    accepted = any(acceptance.offered for acceptance in dialog.acceptances.values())
    if early or accepted or dialog.pending_ack:
        return Refusal(491, "offer-pending")
    if dialog.incoming_reinvite is not None:
        # "If an UPDATE is received that contains an offer, and the UAS has received an offer [...]
        # to which it has not yet generated an answer, the UAS MUST reject the UPDATE with a 500
        # response, and MUST include a Retry-After header field with a randomly chosen value between
        # 0 and 10 seconds."
        return Refusal(500, "second-offer", f"Retry-After: {context.ids.number(0, 10)}\r\n")
    return None


def _is_inviting(dialog: Dialog) -> bool:
    if dialog.pending_ack is not None:
        return True
    if dialog.state is DialogState.EARLY and dialog.is_caller:
        return True
    return dialog.outgoing_reinvite is not None and dialog.outgoing_reinvite.is_sent


def _receive_invite(
    dialog: Dialog, request: Request, transaction: ServerTransaction, head: ResponseHead
) -> None:
    IncomingReinvite(dialog, transaction, head, request)


def _receive_bye(
    dialog: Dialog, request: Request, transaction: ServerTransaction, head: ResponseHead
) -> None:
    transaction.respond(200, head.to_bytes(200))
    dialog.receive_bye(request)


def _receive_options(
    dialog: Dialog, _request: Request, transaction: ServerTransaction, head: ResponseHead
) -> None:
    context = dialog.context
    lines = context.allow_line + ACCEPT_LINE + context.supported_line
    transaction.respond(200, head.to_bytes(200, extra=lines))


def _receive_notify(
    dialog: Dialog, request: Request, transaction: ServerTransaction, head: ResponseHead
) -> None:
    status = answer_notify(dialog, request)
    transaction.respond(
        status, head.to_bytes(status, extra=ALLOW_EVENTS_LINE if status == 489 else "")
    )
    if status == 200:
        take_notify(dialog, request)


def _receive_subscribe(
    dialog: Dialog, request: Request, transaction: ServerTransaction, head: ResponseHead
) -> None:
    status, lines = answer_subscribe(dialog, request)
    extra = lines
    if status == 200:
        extra += dialog.contact_line(transaction.flow)
    transaction.respond(status, head.to_bytes(status, extra=extra))
    if status == 200:
        take_subscribe(dialog, lines)


def _receive_info(
    dialog: Dialog, request: Request, transaction: ServerTransaction, head: ResponseHead
) -> None:
    answer = answer_info(request)
    transaction.respond(answer.status, head.to_bytes(answer.status, extra=answer.lines))
    if answer.digit:
        dialog.context.emit(KeyTold(dialog, answer.digit, answer.held))


def _receive_prack(
    dialog: Dialog, request: Request, transaction: ServerTransaction, head: ResponseHead
) -> None:
    """RFC 3262 section 3: "If a PRACK request is received by the UA core that does not match any
    unacknowledged reliable provisional response, the UAS MUST respond to the PRACK with a 481
    response." """
    invite = dialog.invite
    if invite is None or not invite.on_prack(request):
        transaction.respond(481, head.to_bytes(481))
        return
    if has_session_description(request) and not invite.awaits_answer:
        IncomingUpdate(dialog, transaction, head, request)
    else:
        transaction.respond(200, head.to_bytes(200))
    if invite.awaits_answer:
        # Section 5: "the UAC MUST generate an answer in the PRACK".
        invite.awaits_answer = False
        dialog.context.emit(AckReceived(dialog, session_description_in(request)))
    invite.go_on()


def _receive_update(
    dialog: Dialog, request: Request, transaction: ServerTransaction, head: ResponseHead
) -> None:
    if has_session_description(request):
        IncomingUpdate(dialog, transaction, head, request)
    else:
        answer_update(dialog, transaction, head, request)


def _receive_other(
    dialog: Dialog, request: Request, transaction: ServerTransaction, head: ResponseHead
) -> None:
    if len(dialog.pending_requests) >= MAX_PENDING_REQUESTS:
        transaction.respond(500, head.to_bytes(500, extra="Retry-After: 1\r\n"))
        return
    pending = IncomingRequest(dialog.context, dialog, transaction, head)
    dialog.pending_requests.add(pending)
    dialog.context.emit(RequestReceived(dialog, pending, request))


Handler = Callable[[Dialog, "Request", "ServerTransaction", ResponseHead], None]

_HANDLERS: dict[str, Handler] = {
    "INVITE": _receive_invite,
    "BYE": _receive_bye,
    "OPTIONS": _receive_options,
    "NOTIFY": _receive_notify,
    "SUBSCRIBE": _receive_subscribe,
    "INFO": _receive_info,
    "UPDATE": _receive_update,
    "PRACK": _receive_prack,
}
