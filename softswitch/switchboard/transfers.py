"""Which transfers parties of calls get, and whom they lead to (REFER, Replaces, 3xx).

Toll guard first: who is called on a peer's word is somebody that `originate` lists, under its
limits; the trunk must have `transfers: allow`. How a call is moved is `softswitch.call.moving`'s.
RFC 3515 (REFER), RFC 3891 (Replaces), RFC 3892 (Referred-By).
"""

from __future__ import annotations

import logging
from collections.abc import Container
from dataclasses import replace
from typing import NamedTuple

import msgspec

from config.e164 import normalise
from config.model import Connect, Trunk
from ivr.dialling import dial_request
from ivr.journey import Journey
from softswitch import sdp
from softswitch.call.call import Call
from softswitch.call.called_leg import CalledLeg
from softswitch.call.dial_request import DialRequest
from softswitch.call.events import TransferReceived, TransferRefused
from softswitch.call.leg import Leg
from softswitch.call.moving import MAX_MOVES, Move
from softswitch.call.taking_over import take_over
from softswitch.routing.number_forms import received_number
from softswitch.sip.addresses import canonical_host, sip_uri
from softswitch.sip.dialog import Dialog, DialogState
from softswitch.sip.errors import ParseError
from softswitch.sip.events import RequestReceived
from softswitch.sip.flow import DEFAULT_PORT, DEFAULT_TLS_PORT, Flow
from softswitch.sip.headers.replaces import Replaces
from softswitch.sip.identity import read_identity
from softswitch.sip.invite_server import IncomingInvite
from softswitch.sip.referred import IncomingRefer, read_refer
from softswitch.sip.uri import Uri
from softswitch.switchboard.guards import Guards, NotAllowed, Permit
from softswitch.switchboard.switchboard import Switchboard

logger = logging.getLogger(__name__)

__all__ = ["Transfers"]

NODE = "transfer"
"""The step that the legs of a transfer are called by, where a treatment's steps have names."""

RING_SECONDS = 60.0
"""How long who is called may ring: whoever asked may wait for it with the phone in hand."""

MAX_TOLD = 200
"""Characters of an address in events: the peer has written it."""

_STATUS = {"rate": 503, "concurrency": 503, "destination": 403, "trunk": 403, "caller_id": 403}


class Refused(NamedTuple):
    """Why a party does not get what it asks for."""

    status: int
    why: str


class Other(NamedTuple):
    """Whom a party has talked to in another call of ours."""

    call: Call
    leg: Leg
    """Of the one it has talked to."""


class Transfers:
    """One for the process; implements the legs' TransferDesk."""

    def __init__(self, board: Switchboard, guards: Guards, steered: Container[str] = ()) -> None:
        """`steered` has the ids of the calls that a controller has."""
        self._board = board
        self._guards = guards
        self._steered = steered

    # REFER.

    def receive(self, leg: Leg, event: RequestReceived) -> None:
        """A party asks for a transfer."""
        services, now = self._board.services, self._board.services.now()
        to = read_refer(event.request)
        if isinstance(to, int):
            event.transaction.respond(to, now=now)
            self._tell_refused(leg, "", Refused(to, "bad_request" if to == 400 else "method"))
        else:
            refer = IncomingRefer(event.dialog, event.transaction, event.request, to)
            refused = self._judge(leg, event) or self._try(leg, refer)
            if refused is not None:
                refer.reject(refused.status, now=now)
                self._tell_refused(leg, _told(to.address.uri), refused)
        services.flush_soon()

    def _tell_refused(self, leg: Leg, to: str, refused: Refused) -> None:
        logger.warning(
            "call %s leg %s: no transfer to %.100r: %s",
            leg.call.call_id, leg.leg_id, to, refused.why,
        )  # fmt: skip
        leg.call.emit(
            TransferRefused, leg=leg.leg_id, to=to, status=refused.status, why=refused.why
        )

    def _judge(self, leg: Leg, event: RequestReceived) -> Refused | None:
        """Whether a party may ask at all, and now."""
        call = leg.call
        if self._board.sources.gatekeeper.is_stranger(event.dialog.flow.host):
            # Whoever can read the tags of a dialog must not have others called for it.
            return Refused(403, "stranger")
        if leg.trunk.transfers != "allow":
            return Refused(603, "not_allowed")
        if call.call_id in self._steered:
            return Refused(603, "steered")
        if call.moving is not None or leg.move is not None or leg.transferring is not None:
            return Refused(491, "busy")
        if not _talks(leg):
            return Refused(603, "not_talking")
        return None if call.moved < MAX_MOVES else Refused(603, "busy")

    def _try(self, leg: Leg, refer: IncomingRefer) -> Refused | None:
        replaces = refer.to.replaces
        if replaces is not None:
            found = self._board.services.stack.dialog(replaces)
            if found is not None:
                return self._join(leg, refer, found.owner)
        return self._call_out(leg, refer, replaces)

    # Attended, where both dialogs are ours.

    def _join(self, leg: Leg, refer: IncomingRefer, owner: object) -> Refused | None:
        other = self._other(leg, owner)
        if other is None:
            return Refused(603, "not_joinable")
        number = _number_of(other.leg)
        leg.call.emit(
            TransferReceived,
            leg=leg.leg_id,
            to=number,
            attended=True,
            other_call=other.call.call_id,
        )
        if leg.call.ended or other.call.ended:  # by a subscriber
            return Refused(603, "not_joinable")
        move = Move(leg.call, leg, refer)
        move.begin()
        if not leg.call.ended:
            move.join(other.leg, number)
        return None

    def _other(self, leg: Leg, owner: object) -> Other | None:
        """Whom the same party talks to in another call."""
        if not isinstance(owner, Leg) or owner.ended or owner.trunk.name != leg.trunk.name:
            return None
        call = owner.call
        if call is leg.call or call.moving is not None or call.call_id in self._steered:
            return None
        other = call.other_leg(owner) if _talks(owner) else None
        if other is None or not other.answered or other.ended or other.dialog is None:
            return None
        if owner.transferring is not None or other.transferring is not None:
            return None
        return Other(call, other)

    # Blind, or attended with a dialog that is not ours.

    def _call_out(
        self, leg: Leg, refer: IncomingRefer, replaces: Replaces | None
    ) -> Refused | None:
        call, uri = leg.call, refer.to.address.uri
        permit = self._permit(leg, uri)
        if isinstance(permit, NotAllowed):
            return Refused(_STATUS.get(permit.what, 403), permit.what)
        journey = self._journey(call)
        if journey is None:
            permit.withdraw()
            return Refused(603, "not_talking")
        permit.hold_for(call.call_id)
        told = permit.destination.number or ""
        call.emit(TransferReceived, leg=leg.leg_id, to=told, attended=replaces is not None)
        if call.ended:  # by a subscriber
            return Refused(603, "not_talking")
        request = self._request(journey, permit, refer, replaces)
        move = Move(call, leg, refer)
        move.begin()
        move.dial(request).add_done_callback(lambda _task: _release(permit, move))
        return None

    def _permit(self, leg: Leg, uri: Uri) -> Permit | NotAllowed:
        """The right to call whom a party names: by number where the host is ours or its own."""
        number = self._number(leg, uri)
        to = number or _told(uri)
        permit = self._guards.check_further(leg.call.campaign, to, leg.call.call_id)
        if isinstance(permit, NotAllowed):
            return permit
        trunk: Trunk | None = permit.trunk
        if number is None:
            trunk = self._trunk_at(uri)
            if trunk is not None:
                permit.destination = replace(permit.destination, trunk=trunk.name)
        if trunk is not None and trunk.transport != "tls" and _needs_tls(uri, leg, number):
            permit.withdraw()
            return NotAllowed("trunk", f"trunk {trunk.name} calls nobody by TLS")
        return permit

    def _number(self, leg: Leg, uri: Uri) -> str | None:
        if uri.scheme != "tel":
            here = {canonical_host(self._board.services.advertised_host)}
            if canonical_host(uri.host) not in here | {canonical_host(leg.trunk.host)}:
                return None
        return self._plain_number(uri, leg.trunk)

    def _plain_number(self, uri: Uri, trunk: Trunk | None = None) -> str | None:
        number = uri.number
        if trunk is not None and trunk.numbers is not None:
            # As it would write the number of a call.
            number = received_number(number, trunk.numbers.receive_called, trunk.numbers.country)
        return normalise(number, self._board.snapshot.configuration.switch.country)

    def _trunk_at(self, uri: Uri) -> Trunk | None:
        """The trunk that an address is at."""
        trunks = self._board.snapshot.configuration.trunks.values()
        return next((one for one in trunks if self._is_at(one, uri)), None)

    def _is_at(self, trunk: Trunk, uri: Uri) -> bool:
        """Whether an address is at a trunk; ours is at none."""
        if not uri.is_sip or self._board.services.stack.is_ours(uri.host, uri.port):
            return False
        return trunk.host == canonical_host(uri.host) and uri.port in (None, trunk.port)

    def _journey(self, call: Call) -> Journey | None:
        heeding = self._board.means.heeding
        return None if heeding is None else heeding.journey(call.call_id)

    def _request(
        self, journey: Journey, permit: Permit, refer: IncomingRefer, replaces: Replaces | None
    ) -> DialRequest:
        node = Connect(NODE, (permit.destination,), ring_seconds=RING_SECONDS)
        request = dial_request(journey, node, permit.destination)
        more = []
        if refer.referred_by:
            more.append(("Referred-By", refer.referred_by))
        if replaces is not None:
            more.append(("Replaces", str(replaces)))
        return msgspec.structs.replace(request, headers=(*request.headers, *more))

    # Replaces.

    def replace(self, invite: IncomingInvite) -> tuple[int, str] | None:
        """An INVITE takes a leg over; the status that refuses it, and why."""
        found = self._replaced(invite)
        if isinstance(found, Refused):
            return found
        try:
            take_over(found, invite, _caller_of(invite))
        except (sdp.ParseError, sdp.NotAcceptable) as error:
            return Refused(488, str(error))
        return None

    def _replaced(self, invite: IncomingInvite) -> Leg | Refused:
        """The leg that an INVITE names, by the rules of RFC 3891 section 3."""
        headers = invite.request.headers
        values = headers.get_all("Replaces")
        if len(values) != 1 or "Join" in headers:
            return Refused(400, "one Replaces, and no Join")
        try:
            replaces = Replaces.parse(values[0])
        except ParseError:
            return Refused(400, "a Replaces that cannot be read")
        dialog = self._board.services.stack.dialog(replaces)
        if dialog is None:
            return Refused(481, "no such dialog")
        leg, trunk = dialog.owner, invite.source
        if dialog.state is DialogState.TERMINATED or not isinstance(leg, Leg) or leg.ended:
            # "the UA MUST decline the request with a 603 Declined response."
            return Refused(603, "the dialog is over")
        # By name: another configuration may be in force since the leg began.
        same = isinstance(trunk, Trunk) and trunk.name == leg.trunk.name
        if not same or leg.trunk.transfers != "allow":
            return Refused(403, "the leg is another trunk's, or its trunk may not (transfers)")
        return _takeable(leg, dialog, early_only=replaces.early_only)

    # 3xx.

    def redirect(self, leg: CalledLeg, uri: Uri) -> DialRequest | None:
        """How a leg goes on that its far end sends elsewhere: to the number called at a trunk's
        host, or to whom the rules list; None: not there."""
        at = leg.trunk if self._is_at(leg.trunk, uri) else self._trunk_at(uri)
        number = self._number(leg, uri) if at is None else self._plain_number(uri)
        trunk = at or leg.trunk
        is_elsewhere = at is None and number is None
        if not is_elsewhere and trunk.transport != "tls" and _needs_tls(uri, leg, number):
            return None
        same = number is not None and number == self._plain_number(Uri.parse(leg.request.uri))
        if number is not None and same and at is not None:
            if self._guards.never(leg.call.campaign, number):
                return None
        elif not self._permits(leg, number or _told(uri)):
            return None
        if number is not None and at is None:
            target = Uri.parse(sip_uri(uri.number, trunk.host, trunk.port))
        else:
            target = Uri.parse(_told(uri))
        return _elsewhere(leg.request, target, trunk)

    def _permits(self, leg: CalledLeg, to: str) -> bool:
        """Whether the rules let a leg go on to somebody else; it counts with its call then."""
        call = leg.call
        permit = self._guards.check_further(call.campaign, to, call.call_id)
        if isinstance(permit, NotAllowed):
            return False
        permit.hold_for(call.call_id)
        return True


def _elsewhere(request: DialRequest, target: Uri, trunk: Trunk) -> DialRequest:
    transport = (target.parameters.get("transport") or trunk.transport).lower()
    usual = DEFAULT_TLS_PORT if transport == "tls" else DEFAULT_PORT
    port = target.port or (trunk.port if target.host == trunk.host else usual)
    listener = next((n for by, n in trunk.listeners if by == transport), trunk.listener)
    flow = Flow(transport, target.host.strip("[]"), port, listener)
    return msgspec.structs.replace(
        request, uri=str(target), to_number=target.number, flow=flow, trunk=trunk
    )


def _is_secure(uri: Uri) -> bool:
    return uri.scheme == "sips" or (uri.parameters.get("transport") or "").lower() == "tls"


def _needs_tls(uri: Uri, leg: Leg, number: str | None) -> bool:
    """RFC 3261 section 19.1: sips asks for TLS all the way. Where a party that is by TLS itself
    names a number, `transport` says only how it reaches the host that it writes."""
    is_way_to_us = number is not None and leg.trunk.transport == "tls"
    return uri.scheme == "sips" or (_is_secure(uri) and not is_way_to_us)


def _talks(leg: Leg) -> bool:
    """Whether it is one of the two who are bridged."""
    call = leg.call
    return call.bridged and (leg is call.caller or leg is call.callee)


def _takeable(leg: Leg, dialog: Dialog, *, early_only: bool) -> Leg | Refused:
    if leg.call.moving is not None or leg.move is not None or leg.transferring is not None:
        return Refused(491, "a transfer is under way")
    if dialog.state is DialogState.EARLY:
        # "If the Replaces header field matches an early dialog that was not initiated by this UA,
        # it returns a 481."
        return leg if dialog.is_caller else Refused(481, "an early dialog of the caller's")
    # Who wanted a phone that rings comes too late: it is busy.
    return Refused(486, "the dialog is no early one") if early_only else leg


def _caller_of(invite: IncomingInvite) -> str:
    return read_identity(invite.request, trusted=False).number[:MAX_TOLD]


def _release(permit: Permit, move: Move) -> None:
    """Whoever was called counts for as long as the call goes on, if it has come."""
    if not move.has_worked:
        permit.release()


def _number_of(leg: Leg) -> str:
    return leg.request.to_number if isinstance(leg, CalledLeg) else leg.call.caller_number


def _told(uri: Uri) -> str:
    """An address without what may not be called, or is nobody's business."""
    if uri.scheme == "tel":
        return uri.number[:MAX_TOLD]
    user = "" if not uri.user else f"{uri.number}@"
    port = "" if uri.port is None else f":{uri.port}"
    transport = "tls" if _is_secure(uri) else (uri.parameters.get("transport") or "").lower()
    way = f";transport={transport}" if transport in ("udp", "tcp", "tls") else ""
    return f"sip:{user}{uri.host}{port}"[: MAX_TOLD - len(way)] + way
