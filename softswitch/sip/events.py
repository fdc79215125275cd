"""What a stack reports: one frozen value a fact, in the past tense, in the order of happening.

Each names the object it is about; the shell finds its own leg or call by that object's `owner`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from softswitch.sip.dialog import Dialog
    from softswitch.sip.flow import Flow
    from softswitch.sip.invite_client import OutgoingInvite
    from softswitch.sip.invite_server import IncomingInvite
    from softswitch.sip.message import Request, Response
    from softswitch.sip.probe import Probe
    from softswitch.sip.refer import OutgoingRefer
    from softswitch.sip.registration import Registration
    from softswitch.sip.requests import IncomingRequest, OutgoingRequest


class InviteReceived(msgspec.Struct, frozen=True):
    """A new call comes in; 100 Trying is sent already."""

    invite: IncomingInvite


class RequestRefused(msgspec.Struct, frozen=True):
    """A request was refused by the core before it meant anything to anybody; `why` names it, `user`
    is for whom wrong credentials spoke."""

    request: Request
    flow: Flow
    status: int
    why: str
    user: str = ""


class ResponseRefused(msgspec.Struct, frozen=True):
    """A response to what was sent to `who` at `asked` came from elsewhere, and was dropped."""

    response: Response
    who: object
    asked: Flow
    flow: Flow


class InviteCancelled(msgspec.Struct, frozen=True):
    """The caller gave up before a final answer; 487 is sent already.

    `reason` is the Reason header (RFC 3326) of the CANCEL or BYE, raw; `by_bye` says that it was an
    early BYE.
    """

    invite: IncomingInvite
    reason: str | None
    by_bye: bool


class AckReceived(msgspec.Struct, frozen=True):
    """The first ACK for our 2xx, or the PRACK for our offer in a provisional response; `body` is
    the answer when the offer was in that."""

    dialog: Dialog
    body: bytes


class AckTimedOut(msgspec.Struct, frozen=True):
    """No ACK for our 2xx within 64*T1 (13.3.1.4): a BYE is sent, DialogTerminated follows."""

    dialog: Dialog


class ProvisionalReceived(msgspec.Struct, frozen=True):
    """A 101 to 199 for our INVITE; `dialog` is the early dialog when it made one."""

    invite: OutgoingInvite
    response: Response
    dialog: Dialog | None


class InviteAnswered(msgspec.Struct, frozen=True):
    """The first 2xx for our INVITE; the ACK is sent unless the 2xx carries the offer."""

    invite: OutgoingInvite
    dialog: Dialog
    response: Response


class ForkAnswered(msgspec.Struct, frozen=True):
    """A 2xx of a further fork; it was acknowledged and ended by BYE."""

    invite: OutgoingInvite
    response: Response


class InviteRejected(msgspec.Struct, frozen=True):
    """Our INVITE came to nothing; `why` is response, timeout, transport or cancelled."""

    invite: OutgoingInvite
    status: int
    response: Response | None
    why: str


class ByeReceived(msgspec.Struct, frozen=True):
    """The peer ended the dialog; 200 is sent, DialogTerminated follows."""

    dialog: Dialog
    request: Request


class ClearAsked(msgspec.Struct, frozen=True):
    """The peer of a dialog by TLS names a way for our requests that is none; they stay on TLS."""

    dialog: Dialog
    uri: str


class ReinviteReceived(msgspec.Struct, frozen=True):
    """The peer wants to change the media: accept_reinvite() or reject_reinvite()."""

    dialog: Dialog
    request: Request


class ReinviteCancelled(msgspec.Struct, frozen=True):
    """The peer withdrew its re-INVITE before we answered; 487 is sent already."""

    dialog: Dialog


class ReinviteAnswered(msgspec.Struct, frozen=True):
    """The peer accepted our re-INVITE; the ACK is sent unless the 2xx carries the offer."""

    dialog: Dialog
    response: Response


class SessionRefreshDue(msgspec.Struct, frozen=True):
    """The session timer wants a re-INVITE with the description in force (RFC 4028)."""

    dialog: Dialog


class ReinviteRejected(msgspec.Struct, frozen=True):
    """Our re-INVITE came to nothing and the dialog is as before; 408 and 481 also end it."""

    dialog: Dialog
    status: int
    response: Response | None


class KeyTold(msgspec.Struct, frozen=True):
    """The peer told by INFO that a key was pressed; 200 is sent already."""

    dialog: Dialog
    digit: str
    held: float
    """Seconds for which it was down, 0 where that was not told."""


class RequestReceived(msgspec.Struct, frozen=True):
    """A request inside a dialog that the shell has to answer, UPDATE say, by `transaction`."""

    dialog: Dialog
    transaction: IncomingRequest
    request: Request


class ResponseReceived(msgspec.Struct, frozen=True):
    """The final response to a request of ours that is no INVITE."""

    request: OutgoingRequest
    response: Response


class RequestTimedOut(msgspec.Struct, frozen=True):
    """No final response to a request of ours that is no INVITE; `why` is timeout or transport."""

    request: OutgoingRequest
    why: str


class ReferProgressed(msgspec.Struct, frozen=True):
    """The peer took our REFER (2xx), or told a provisional status of its new call."""

    dialog: Dialog
    refer: OutgoingRefer
    status: int


class ReferEnded(msgspec.Struct, frozen=True):
    """Our REFER has its outcome, told once.

    `why`: "told" (the final status of the peer's new call), "refused" (that of the REFER itself),
    "timeout" (no response to it: 408 or 503), "silenced" (the peer will not tell: the last status).
    """

    dialog: Dialog
    refer: OutgoingRefer
    status: int
    why: str


class ReferTold(msgspec.Struct, frozen=True):
    """The peer knows what became of its REFER, or does not want to: it is done with."""

    dialog: Dialog


class RegistrationChanged(msgspec.Struct, frozen=True):
    """A registration of ours holds from now on, or not any more; each further failure is told too.

    `why` is "response", or "timeout" or "transport" with status 0.
    """

    registration: Registration
    registered: bool
    status: int
    why: str


class ProbeChanged(msgspec.Struct, frozen=True):
    """A peer that is asked by OPTIONS is there, as its first answer says or again, or is not any
    more; status 0: no answer."""

    probe: Probe
    up: bool
    status: int


class DialogTerminated(msgspec.Struct, frozen=True):
    """A confirmed dialog is over, told once.

    `why`: "bye-received", "bye-sent", "ack-timeout", "request-timeout" (408 or none),
    "no-such-dialog" (481).
    """

    dialog: Dialog
    why: str


Event = (
    InviteReceived
    | RequestRefused
    | ResponseRefused
    | ClearAsked
    | InviteCancelled
    | AckReceived
    | AckTimedOut
    | ProvisionalReceived
    | InviteAnswered
    | ForkAnswered
    | InviteRejected
    | ByeReceived
    | ReinviteReceived
    | ReinviteCancelled
    | ReinviteAnswered
    | ReinviteRejected
    | SessionRefreshDue
    | KeyTold
    | RequestReceived
    | ResponseReceived
    | RequestTimedOut
    | ReferProgressed
    | ReferEnded
    | ReferTold
    | RegistrationChanged
    | ProbeChanged
    | DialogTerminated
)
