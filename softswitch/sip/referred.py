"""A REFER of the peer inside a dialog, and what we tell it of the call that it asks for.

RFC 3515 (REFER), RFC 6665 (NOTIFY, SUBSCRIBE), RFC 3420 (message/sipfrag), RFC 4488 (Refer-Sub).
One NOTIFY is under way at a time: the next one would overtake it and be refused as out of order.
It does not know who may refer, whom we call, nor what becomes of that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from softswitch.sip.errors import ParseError
from softswitch.sip.events import ReferTold
from softswitch.sip.headers.name_address import NameAddress
from softswitch.sip.headers.refer_to import ReferTo
from softswitch.sip.status import reason_phrase

if TYPE_CHECKING:
    from softswitch.sip.dialog import Dialog
    from softswitch.sip.message import Request, Response
    from softswitch.sip.requests import IncomingRequest
    from softswitch.sip.transaction.base import ClientTransaction

__all__ = ["IncomingRefer", "SubscribeAnswer", "answer_subscribe", "read_refer", "take_subscribe"]

# A phone rings for three minutes at most; whoever wants to hear longer subscribes again.
SUBSCRIPTION_SECONDS = 180
# Longer than any name with an address; what is longer is not handed on.
MAX_REFERRED_BY = 512

SubscribeAnswer = tuple[int, str]
"""A status and whole header lines."""


def read_refer(request: Request) -> ReferTo | int:
    """Whom a REFER names, or the status that refuses it.

    RFC 3515 section 2.4.2: "A REFER request received with zero or more than one Refer-To header
    field value MUST be responded to with a 400 (Bad Request)". Only INVITE is sent for others.
    """
    values = request.headers.get_all("Refer-To")
    if len(values) != 1:
        return 400
    try:
        found = ReferTo.parse(values[0])
        found.replaces  # noqa: B018 - one that cannot be read is a ParseError
    except ParseError:
        return 400
    return found if found.method.upper() == "INVITE" else 403


class IncomingRefer:
    """One REFER that waits for our word: `accept`, then `tell`, or `reject`.

    Its end is one ReferTold: the peer knows the outcome, or does not want to.
    """

    __slots__ = (
        "_dialog",
        "_event",
        "_is_deaf",
        "_is_under_way",
        "_pending",
        "_seconds",
        "_told",
        "_waiting",
        "referred_by",
        "to",
    )

    def __init__(
        self, dialog: Dialog, pending: IncomingRequest, request: Request, to: ReferTo
    ) -> None:
        self._dialog: Dialog | None = dialog
        self._pending = pending
        self.to = to
        self.referred_by = _referred_by(request)
        # RFC 4488: whoever says "false" hears of it by other ways.
        wanted = (request.headers.get("Refer-Sub") or "").partition(";")[0].strip().lower()
        self._is_deaf = wanted == "false"
        # RFC 3515 section 2.4.6: what is told of a second REFER names its CSeq number.
        first = dialog.incoming_refer is None
        self._event = "refer" if first else f"refer;id={request.cseq.number}"
        self._is_under_way = False
        self._told = 0
        self._waiting = 0
        self._seconds = SUBSCRIPTION_SECONDS

    # Verbs.

    def accept(self, *, now: float) -> None:
        """Say that it will be tried: 202, and a first NOTIFY at once (section 2.4.4)."""
        dialog = self._dialog
        if dialog is None:
            return
        dialog.incoming_refer = self
        headers = [("Contact", _contact(dialog)), ("Allow", ", ".join(dialog.context.allow))]
        if self._is_deaf:
            headers.append(("Refer-Sub", "false"))
        self._pending.respond(202, headers=headers, now=now)
        self.tell(100, now=now)

    def reject(self, status: int, *, now: float) -> None:
        """Refuse it; nothing is told after that."""
        self._dialog = None
        self._pending.respond(status, now=now)

    def tell(self, status: int, *, now: float) -> None:
        """Tell how the call fares; a final status is the last that is told."""
        dialog = self._dialog
        if dialog is None or self._waiting >= 200 or self._told >= 200:
            return
        dialog.context.now = now
        if self._is_deaf and not self._is_under_way:
            if status >= 200:
                self._settle(dialog)
        elif status != self._told:
            self._waiting = status
            self._go_on(dialog)

    # NOTIFY.

    @property
    def is_heard(self) -> bool:
        """Whether the peer is subscribed."""
        return self._dialog is not None and not self._is_deaf and self._told < 200

    def _go_on(self, dialog: Dialog) -> None:
        if self._is_under_way or not self._waiting:
            return
        self._told, self._waiting = self._waiting, 0
        state = "terminated;reason=noresource"
        self._notify(dialog, state if self._told >= 200 else f"active;expires={self._seconds}")

    def _notify(self, dialog: Dialog, state: str) -> None:
        self._is_under_way = True
        head, flow = dialog.next_request("NOTIFY")
        context = dialog.context
        lines = (
            dialog.contact_line(flow)
            + f"Event: {self._event}\r\nSubscription-State: {state}\r\n"
            + context.allow_line
            + context.user_agent_line
        )
        body = f"SIP/2.0 {self._told} {reason_phrase(self._told)}\r\n".encode()
        dialog.start_request(head, (lines, body, "message/sipfrag;version=2.0"), flow, self)

    @property
    def wants_to_go_on(self) -> bool:
        """Whether a challenge is to be answered."""
        return self._dialog is not None

    def on_sent_again(self, _transaction: ClientTransaction, _lines: str) -> None:
        """The NOTIFY goes on with credentials."""

    def on_response(self, response: Response) -> None:
        """Take the answer to a NOTIFY.

        RFC 6665 section 4.2.2: a NOTIFY that fails ends the subscription. It is no word on the
        dialog: a phone that has hung up meanwhile says 481 as well.
        """
        if response.status >= 200:
            self._on_answered(taken=response.status < 300)

    def on_failure(self, _why: str) -> None:
        """Nobody answered it."""
        self._on_answered(taken=False)

    def _on_answered(self, *, taken: bool) -> None:
        self._is_under_way = False
        dialog = self._dialog
        if dialog is None:
            return
        if not taken:
            self._is_deaf = True
        if self._told >= 200 or (self._is_deaf and self._waiting >= 200):
            self._settle(dialog)
        elif not self._is_deaf:
            self._go_on(dialog)

    def _settle(self, dialog: Dialog) -> None:
        self._dialog = None
        dialog.context.emit(ReferTold(dialog))

    # SUBSCRIBE.

    def is_meant(self, event: str) -> bool:
        """Whether an Event header is about this REFER."""
        return event.replace(" ", "").lower() == self._event

    def renew(self, seconds: int) -> None:
        """The peer wants to hear for so many seconds; 0: no more. It is told how things stand."""
        dialog, self._seconds = self._dialog, seconds
        if not seconds:
            self._is_deaf = True
        if dialog is None or self._is_under_way:
            return
        state = f"active;expires={seconds}" if seconds else "terminated;reason=timeout"
        self._notify(dialog, state)


def answer_subscribe(dialog: Dialog, request: Request) -> SubscribeAnswer:
    """What answers a SUBSCRIBE inside a dialog: it can only be about a REFER of the peer's."""
    event = request.headers.get("Event") or ""
    if event.partition(";")[0].strip().lower() != "refer":
        return 489, "Allow-Events: refer\r\n"
    refer = dialog.incoming_refer
    if refer is None or not (refer.is_heard and refer.is_meant(event)):
        return 481, ""
    text = (request.headers.get("Expires") or "").strip()
    asked = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
    seconds = SUBSCRIPTION_SECONDS if asked is None else min(asked, SUBSCRIPTION_SECONDS)
    return 200, f"Expires: {seconds}\r\n"


def take_subscribe(dialog: Dialog, lines: str) -> None:
    """Do what a SUBSCRIBE asked that was answered with these lines."""
    if dialog.incoming_refer is not None:
        dialog.incoming_refer.renew(int(lines.partition(":")[2]))


def _referred_by(request: Request) -> str:
    """The peer's word on who refers (RFC 3892), where it can be handed on."""
    value = request.headers.get("Referred-By") or ""
    if not value or len(value) > MAX_REFERRED_BY:
        return ""
    try:
        address = NameAddress.parse(value)
    except ParseError:
        return ""
    return f"<{address.uri}>" if address.uri.is_sip and not address.uri.headers else ""


def _contact(dialog: Dialog) -> str:
    line = dialog.contact_line(dialog.flow)
    return line.partition(":")[2].strip()
