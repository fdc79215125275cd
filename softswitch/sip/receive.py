"""The way of a message through the core: parse, transaction, checks, dialog (RFC 3261 18, 17, 8.2).

Retransmissions end at their transaction. What is refused before it means anything to anybody is
refused without state: RFC 3261 section 8.2.7 asks a stateless UAS to give a retransmission the same
answer, so the To tag is computed from the request. It knows no sockets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from softswitch.sip.checks import (
    ACCEPT_ENCODING_LINE,
    ACCEPT_LANGUAGE_LINE,
    ACCEPT_LINE,
    CHECKS,
    METHODS,
    Refusal,
    check_syntax,
    first_refusal,
)
from softswitch.sip.compose import ResponseHead, incomplete_answer
from softswitch.sip.context import Context
from softswitch.sip.errors import ParseError
from softswitch.sip.events import RequestRefused, ResponseRefused
from softswitch.sip.flow import DEFAULT_TLS_PORT, Flow
from softswitch.sip.in_dialog import (
    ALLOW_EVENTS_LINE,
    IN_THE_CLEAR,
    NOT_THE_PEERS,
    receive_in_dialog,
    why_not_taken,
)
from softswitch.sip.inspect import Hop, from_tag_of, hop_of, method_of, number_of, to_tag_of
from softswitch.sip.invite_server import IncomingInvite
from softswitch.sip.matching import server_key, way_back
from softswitch.sip.message import Request, Response, is_answerable, parse_message
from softswitch.sip.peer import FROM_ELSEWHERE, is_from_elsewhere
from softswitch.sip.source import Unknown, Unproven
from softswitch.sip.transaction.base import ServerTransaction
from softswitch.sip.transaction.server_invite import ServerInviteTransaction, State
from softswitch.sip.transaction.server_non_invite import ServerNonInviteTransaction

# A draining or full node asks to be tried again after 1 to 5 s, so that not all come at once.
MAX_RETRY_AFTER = 5


# 8.2.6.2: what a response has from its request, besides Via.
_NEEDED = frozenset(("From", "To", "Call-ID", "CSeq"))


class Arrival(NamedTuple):
    """A request on its way in: its transaction's key, its top Via, and where it came from."""

    request: Request
    key: tuple[object, ...]
    hop: Hop
    flow: Flow


def receive_message(context: Context, data: bytes, flow: Flow) -> None:
    """Take one whole message; nothing a peer sends raises here."""
    context.source = flow
    try:
        message = parse_message(data)
    except ParseError as error:
        refuse_unreadable(context, error, data, flow)
        return
    try:
        if isinstance(message, Response):
            _receive_response(context, message, data, flow)
        else:
            _receive_request(context, message, data, flow)
    except ParseError as error:
        # A header that matching relies on cannot be read; requests are answered, responses not.
        error.message = message if isinstance(message, Request) else None
        refuse_unreadable(context, error, data, flow)


def refuse_unreadable(context: Context, error: ParseError, data: bytes, flow: Flow) -> None:
    """Answer what is broken but still has a return address; an ACK is never answered."""
    request = error.message
    if request is None or request.method == "ACK" or not is_answerable(request):
        context.drop(error.reason, data, flow)
        return
    warning = f'Warning: 399 softswitch "{error.reason}"\r\n'
    refusal = Refusal(error.status_hint, error.reason, warning)
    if error.status_hint == 505:
        # Bad syntax comes before an unknown version.
        refusal = first_refusal(request, context, (check_syntax,)) or refusal
    _refuse(context, request, hop_of(request), flow, refusal)


def _receive_response(context: Context, response: Response, data: bytes, flow: Flow) -> None:
    if len(response.headers.fields.get("Via", ())) != 1:
        # 8.1.3.3: "If more than one Via header field value is present in a response, the UAC SHOULD
        # discard the message."
        context.drop("via-count", data, flow)
        return
    if not response.headers.fields.keys() >= _NEEDED:
        context.drop("incomplete-response", data, flow)
        return
    hop = hop_of(response)
    transaction = context.client_transactions.get((hop.branch, method_of(response)))
    if transaction is None:
        context.drop("stray-response", data, flow)
    elif not context.is_ours(hop.host, hop.port):
        # 18.1.2: if the sent-by does not correspond to what the client has inserted, the response
        # MUST be silently discarded.
        context.drop("sent-by", data, flow)
    elif (
        flow.host != transaction.flow.host or flow.transport != transaction.flow.transport
    ) and is_from_elsewhere(context, transaction, flow):
        context.drop(FROM_ELSEWHERE, data, flow)
        asked = transaction.flow
        context.emit(ResponseRefused(response, transaction.peer.who, asked, flow))
    else:
        transaction.receive_response(response)


def _receive_request(context: Context, request: Request, data: bytes, flow: Flow) -> None:
    method = request.method
    hop = hop_of(request)
    if context.on_alias is not None and flow.transport == "tls":
        _note_alias(context.on_alias, request, hop, flow)
    key = server_key(request, hop, "INVITE" if method == "ACK" else method)
    transaction = context.server_transactions.get(key)
    if method == "ACK":
        _receive_ack(context, request, transaction, data, flow)
    elif transaction is not None:
        transaction.receive_request()
    elif not request.headers.fields.keys() >= _NEEDED:
        _refuse_incomplete(context, request, hop, data, flow)
    elif method == "CANCEL":
        _receive_cancel(context, Arrival(request, key, hop, flow))
    else:
        _receive_new(context, Arrival(request, key, hop, flow))


def _note_alias(
    tell: Callable[[Flow, str, int], None], request: Request, hop: Hop, flow: Flow
) -> None:
    """Tell of a peer that asks to be called over its own connection (RFC 5923)."""
    if "alias" in request.headers.fields["Via"][0].lower() and "alias" in request.via.parameters:
        tell(flow, hop.host, hop.port or DEFAULT_TLS_PORT)


def _refuse_incomplete(
    context: Context, request: Request, hop: Hop, data: bytes, flow: Flow
) -> None:
    """Answer 400 to a request that lacks From, To or Call-ID (8.1.1); nobody would know an answer
    without CSeq for one."""
    if "CSeq" not in request.headers.fields:
        context.drop("unanswerable", data, flow)
        return
    context.refusals["incomplete"] += 1
    context.emit(RequestRefused(request, flow, 400, "incomplete"))
    tag = ""
    if "To" in request.headers.fields and not to_tag_of(request):
        tag = f"{context.fingerprint((hop.branch, 'incomplete')):016x}"
    missing = sorted(_NEEDED.difference(request.headers.fields))
    warning = f'Warning: 399 softswitch "{" and ".join(missing)} missing"\r\n'
    back, fallback = way_back(hop, flow)
    answer = incomplete_answer(request, flow, hop, tag, warning + context.server_line)
    context.send_back(answer, back, fallback)


def _receive_ack(
    context: Context,
    request: Request,
    transaction: ServerTransaction | None,
    data: bytes,
    flow: Flow,
) -> None:
    tag = to_tag_of(request)
    if (
        isinstance(transaction, ServerInviteTransaction)
        and transaction.state is not State.ACCEPTED
        # 17.2.3: without the cookie the To tag must equal that of our response.
        and (transaction.key[0] or tag == transaction.local_tag)
    ):
        transaction.receive_ack()
        return
    dialog = context.dialogs.get((request.call_id, tag, from_tag_of(request)))
    if dialog is None:
        context.drop("stray-ack", data, flow)
        return
    why = why_not_taken(context, dialog, flow)
    if why:
        context.drop(why, data, flow)
    else:
        dialog.flow = flow
        dialog.receive_ack(request)


def _receive_cancel(context: Context, arrival: Arrival) -> None:
    """Take a CANCEL that is no retransmission (9.2)."""
    request, key, hop, flow = arrival
    invite = context.server_transactions.get((*key[:-1], "INVITE"))
    if isinstance(invite, ServerInviteTransaction):
        why = _why_not_cancelled(context, invite, flow)
        if why:
            # Whoever it is has overheard the branch.
            _refuse(context, request, hop, flow, Refusal(481, why))
            return
    if invite is None:
        # "If the UAS did not find a matching transaction for the CANCEL [...] it SHOULD respond to
        # the CANCEL with a 481 (Call Leg/Transaction Does Not Exist)."
        _refuse(context, request, hop, flow, Refusal(481, "cancel-without-invite"))
        return
    back, fallback = way_back(hop, flow)
    # "The To tag of the response to the CANCEL and the To tag in the response to the original
    # request SHOULD be the same."
    tag = "" if to_tag_of(request) else invite.local_tag
    head = ResponseHead(request, flow, hop, tag, context.server_line)
    transaction = ServerNonInviteTransaction(context, key, back, fallback, invite.local_tag)
    transaction.respond(200, head.to_bytes(200))
    if invite.proceeding and invite.user is not None:
        invite.user.on_cancel(request)


def _why_not_cancelled(context: Context, invite: ServerInviteTransaction, flow: Flow) -> str:
    """Say why a CANCEL is none of whom its INVITE is of; empty: it may be (see `why_not_taken`)."""
    came = invite.flow
    if came.secure and not flow.secure:
        return IN_THE_CLEAR
    owner = None if invite.user is None else invite.user.owner
    if flow.host == came.host or context.may_speak(owner, flow.host):
        return ""
    return NOT_THE_PEERS


def _receive_new(context: Context, arrival: Arrival) -> None:
    """Take a request that is neither retransmitted nor ACK nor CANCEL."""
    request, key, hop, flow = arrival
    tag = to_tag_of(request)
    if tag:
        dialog = context.dialogs.get((request.call_id, tag, from_tag_of(request)))
        if dialog is not None:
            why = why_not_taken(context, dialog, flow)
            if why:
                _refuse(context, request, hop, flow, Refusal(403, why))
            # What ends a call is served however full we are.
            elif context.has_room_for_transaction or request.method == "BYE":
                head = ResponseHead(request, flow, hop, "", context.server_line)
                receive_in_dialog(context, dialog, request, key, way_back(hop, flow), head)
            else:
                full = _unavailable(context, request, "unavailable")
                _refuse(context, request, hop, flow, full)
            return
    refusal = first_refusal(request, context, CHECKS)
    source: object = None
    if refusal is None and request.method != "OPTIONS":
        source = context.identify(request, flow)
        refusal = _judge(source)
    if refusal is None and tag:
        # 12.2.2: a UAS that does not wish to recreate the dialog "MUST respond to the request with
        # a 481 (Call/Transaction Does Not Exist) status code".
        refusal = Refusal(481, "no-such-dialog")
    if refusal is None:
        refusal = _OUTSIDE.get(request.method, _refuse_outside)(context, arrival, source)
    if refusal is not None:
        _refuse(context, request, hop, flow, refusal)


def _judge(source: object) -> Refusal | None:
    """Refuse whom we do not know, after all that is wrong with the request itself.

    22.1: who has to prove first who it is gets a 401, which is no refusal to be told of.
    """
    if isinstance(source, Unproven):
        return Refusal(401, "", source.challenge)
    if isinstance(source, Unknown):
        return Refusal(403, source.why, user=source.user)
    return None if source else Refusal(403, "unknown-source")


def _receive_invite(context: Context, arrival: Arrival, source: object) -> Refusal | None:
    request, key, hop, flow = arrival
    merge_key = (from_tag_of(request), request.call_id, number_of(request))
    if merge_key in context.merge_keys:
        # 8.2.2.2: a request without To tag that equals one under way in From tag, Call-ID and CSeq
        # but is no retransmission came by another way: "the UAS core SHOULD generate a 482".
        return Refusal(482, "merged")
    if request.max_forwards == 0:
        # 16.3, which a back-to-back user agent has as much need of as a proxy.
        return Refusal(483, "too-many-hops")
    if context.draining:
        return _unavailable(context, request, "draining")
    if context.closed:
        return _unavailable(context, request, context.closed)
    if not context.has_room_for_dialog or not context.has_room_for_transaction:
        return _unavailable(context, request, "unavailable")
    tag = context.ids.tag()
    back, fallback = way_back(hop, flow)
    transaction = ServerInviteTransaction(context, key, back, fallback, tag)
    transaction.merge_key = merge_key
    context.merge_keys[merge_key] = transaction
    head = ResponseHead(request, flow, hop, tag, context.server_line)
    IncomingInvite(context, request, flow, transaction, head, source)
    return None


def _receive_options(context: Context, arrival: Arrival, _source: object) -> Refusal:
    """11.2: the answer is what an INVITE would get, with what we can do."""
    if context.draining:
        return _unavailable(context, arrival.request, "draining")
    lines = (
        context.allow_line
        + ACCEPT_LINE
        + ACCEPT_ENCODING_LINE
        + ACCEPT_LANGUAGE_LINE
        + context.supported_line
    )
    return Refusal(200, "", lines)


def _receive_subscribe(_context: Context, _arrival: Arrival, _source: object) -> Refusal:
    """RFC 6665 section 8.3.2: 489 says which events there are; none but those of a REFER, for
    which RFC 3515 section 2.4.4 allows no subscription but by REFER."""
    return Refusal(489, "event", ALLOW_EVENTS_LINE)


def _receive_refer(_context: Context, _arrival: Arrival, _source: object) -> Refusal:
    """Nobody is called for who does not talk through us."""
    return Refusal(403, "refer-outside")


def _refuse_outside(context: Context, arrival: Arrival, _source: object) -> Refusal:
    rule = METHODS.get(arrival.request.method)
    if rule is not None and rule.outside:
        return Refusal(501, "not-served-outside", context.allow_line)
    return Refusal(481, "no-such-dialog")


_OUTSIDE: dict[str, Callable[[Context, Arrival, object], Refusal | None]] = {
    "INVITE": _receive_invite,
    "OPTIONS": _receive_options,
    "REFER": _receive_refer,
    "SUBSCRIBE": _receive_subscribe,
}


def _unavailable(context: Context, request: Request, why: str) -> Refusal:
    """21.5.4: 503, with a Retry-After that a retransmission gets again."""
    wait = 1 + context.fingerprint(request.call_id) % MAX_RETRY_AFTER
    return Refusal(503, why, f"Retry-After: {wait}\r\n")


def _refuse(context: Context, request: Request, hop: Hop, flow: Flow, refusal: Refusal) -> None:
    """Answer without state.

    8.2.7: "A stateless UAS MUST NOT send provisional responses, MUST NOT retransmit responses,
    MUST ignore ACK requests", and a retransmission gets the same To tag.
    """
    if refusal.why:
        context.refusals[refusal.why] += 1
        context.emit(RequestRefused(request, flow, refusal.status, refusal.why, refusal.user))
    fields = request.headers.fields
    tag = ""
    if not to_tag_of(request):
        tag = f"{context.fingerprint((hop.branch, fields['Call-ID'][0], fields['From'][0])):016x}"
    head = ResponseHead(request, flow, hop, tag, context.server_line)
    back, fallback = way_back(hop, flow)
    data = head.to_bytes(refusal.status, reason=refusal.reason, extra=refusal.lines)
    context.send_back(data, back, fallback)
