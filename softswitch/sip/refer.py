"""A REFER of ours inside a dialog and what the peer tells of it (RFC 3515, RFC 6665, RFC 3420).

The peer answers 2xx and then tells in NOTIFY requests, each with a status line as its body, how
its new call fares; a NOTIFY may overtake the 2xx. Only the first line of a body is read. It does
not know where the peer is sent, nor what becomes of the call.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import TYPE_CHECKING

from softswitch.sip.compose import Header, header_lines
from softswitch.sip.events import ReferEnded, ReferProgressed

if TYPE_CHECKING:
    from softswitch.sip.dialog import Dialog
    from softswitch.sip.message import Request, Response
    from softswitch.sip.transaction.base import ClientTransaction

__all__ = ["OutgoingRefer", "answer_notify", "send_refer", "take_notify"]

# RFC 3515 section 2.4.5: the body MUST begin with a SIP response status line.
_STATUS_LINE = re.compile(rb"SIP/2\.0 ([1-6][0-9][0-9])(?:[ \r\n]|$)")


class State(IntEnum):
    """Where a REFER has come to."""

    HELD = 0  # our 2xx to the INVITE waits for its ACK: the peer may not know the dialog yet
    SENT = 1
    TAKEN = 2  # accepted, or told of already
    OVER = 3


class Input(IntEnum):
    """All that can happen to it."""

    ACCEPTED = 0  # 2xx
    REFUSED = 1  # 3xx to 6xx
    LOST = 2  # no final response
    PROGRESS = 3  # NOTIFY with a provisional status, or none that can be read
    OUTCOME = 4  # NOTIFY with a final status
    SILENCED = 5  # NOTIFY that ends the subscription without a final status


class OutgoingRefer:
    """One REFER of ours; its end is one ReferEnded, unless it was given up or the dialog ended."""

    __slots__ = ("_dialog", "_is_first", "_is_refused", "_lines", "_number", "state", "status")

    def __init__(self, dialog: Dialog, lines: str, *, is_first: bool) -> None:
        self._dialog: Dialog | None = dialog
        self._lines = lines
        self._is_first = is_first
        self._is_refused = False
        self._number = 0
        self.state = State.HELD
        self.status = 0

    def start(self) -> None:
        """Send it, if the peer is known to know the dialog."""
        dialog = self._dialog
        if self.state is not State.HELD or dialog is None or dialog.is_waiting_for_first_ack:
            return
        self.state = State.SENT
        head, flow = dialog.next_request("REFER")
        self._number = head.number
        context = dialog.context
        extra = (
            dialog.contact_line(flow) + self._lines + context.allow_line + context.user_agent_line
        )
        dialog.start_request(head, (extra, b"", ""), flow, self)

    def give_up(self) -> None:
        """Wait no longer. What the peer still tells is answered with 200 and means nothing: many
        take a 481 for the end of the whole dialog."""
        self.state = State.OVER

    def abandon(self) -> None:
        """Learn that the dialog is over: nothing more will be told."""
        self.state = State.OVER
        self._dialog = None

    # What the peer does.

    @property
    def wants_to_go_on(self) -> bool:
        """Whether a challenge is to be answered."""
        return self.state is State.SENT

    def on_sent_again(self, transaction: ClientTransaction, _lines: str) -> None:
        """It goes on with credentials, and what is told of it has its new number."""
        self._number = transaction.head.number

    def on_response(self, response: Response) -> None:
        """Take the response to the REFER."""
        if response.status < 200:
            return
        dialog = self._dialog
        if response.status < 300:
            # RFC 4488: a peer that says so will tell nothing, though we have not asked for that.
            sub = (response.headers.get("Refer-Sub") or "").partition(";")[0].strip().lower()
            self._step(Input.ACCEPTED, response.status)
            if sub == "false":
                self._step(Input.SILENCED, response.status)
            return
        self._is_refused = True
        self._step(Input.REFUSED, response.status)
        if dialog is not None:
            dialog.end_by_status(response.status)

    def on_failure(self, why: str) -> None:
        """Learn that no final response will come; one that was told of already goes on."""
        dialog, was_sent = self._dialog, self.state is State.SENT
        self._step(Input.LOST, 408 if why == "timeout" else 503)
        if was_sent and dialog is not None and why == "timeout":
            dialog.end_by_status(408)

    def is_meant(self, event_id: str | None) -> bool:
        """Whether a NOTIFY with this `id` is about this REFER.

        RFC 3515 section 2.4.6: the id is the CSeq number of the REFER; it may be left out of what
        is told about the first REFER in a dialog only.
        """
        return event_id == str(self._number) if event_id is not None else self._is_first

    def is_known(self, event_id: str | None) -> bool:
        """Whether it is about this REFER, or may be about one before it."""
        if self._is_first:
            return bool(self._number) and not self._is_refused and self.is_meant(event_id)
        return event_id is None or (event_id.isdigit() and int(event_id) <= self._number)

    def on_notify(self, status: int, *, is_last: bool) -> None:
        """Take what a NOTIFY says; `status` is 0 when it said nothing that can be read."""
        if status >= 200:
            self._step(Input.OUTCOME, status)
        else:
            self._step(Input.SILENCED if is_last else Input.PROGRESS, status or self.status)

    def _step(self, happened: Input, status: int) -> None:
        dialog = self._dialog
        self.state, why = TABLE[self.state, happened]
        if why is None or dialog is None:
            return
        self.status = status
        if why:
            dialog.context.emit(ReferEnded(dialog, self, status, why))
        else:
            dialog.context.emit(ReferProgressed(dialog, self, status))


# What comes next, and why it has ended: "" while it goes on, None when there is nothing to tell.
TABLE: Mapping[tuple[State, Input], tuple[State, str | None]] = {
    (State.HELD, Input.ACCEPTED): (State.HELD, None),
    (State.HELD, Input.REFUSED): (State.HELD, None),
    (State.HELD, Input.LOST): (State.HELD, None),
    (State.HELD, Input.PROGRESS): (State.HELD, None),
    (State.HELD, Input.OUTCOME): (State.HELD, None),
    (State.HELD, Input.SILENCED): (State.HELD, None),
    (State.SENT, Input.ACCEPTED): (State.TAKEN, ""),
    (State.SENT, Input.REFUSED): (State.OVER, "refused"),
    (State.SENT, Input.LOST): (State.OVER, "timeout"),
    (State.SENT, Input.PROGRESS): (State.TAKEN, ""),
    (State.SENT, Input.OUTCOME): (State.OVER, "told"),
    (State.SENT, Input.SILENCED): (State.OVER, "silenced"),
    (State.TAKEN, Input.ACCEPTED): (State.TAKEN, None),
    (State.TAKEN, Input.REFUSED): (State.OVER, "refused"),
    (State.TAKEN, Input.LOST): (State.TAKEN, None),
    (State.TAKEN, Input.PROGRESS): (State.TAKEN, ""),
    (State.TAKEN, Input.OUTCOME): (State.OVER, "told"),
    (State.TAKEN, Input.SILENCED): (State.OVER, "silenced"),
    (State.OVER, Input.ACCEPTED): (State.OVER, None),
    (State.OVER, Input.REFUSED): (State.OVER, None),
    (State.OVER, Input.LOST): (State.OVER, None),
    (State.OVER, Input.PROGRESS): (State.OVER, None),
    (State.OVER, Input.OUTCOME): (State.OVER, None),
    (State.OVER, Input.SILENCED): (State.OVER, None),
}


def send_refer(
    dialog: Dialog, to: str, referred_by: str, headers: Sequence[Header]
) -> OutgoingRefer:
    """Send a REFER, or hold it until the peer has acknowledged our 2xx."""
    lines = header_lines((("Refer-To", f"<{to}>"), ("Referred-By", f"<{referred_by}>"), *headers))
    former = dialog.outgoing_refer
    if former is not None:
        former.give_up()
    refer = dialog.outgoing_refer = OutgoingRefer(dialog, lines, is_first=former is None)
    refer.start()
    return refer


def answer_notify(dialog: Dialog, request: Request) -> int:
    """The status that answers a NOTIFY.

    RFC 6665 section 4.1.3: "If, for some reason, the event package designated in the Event header
    field of the NOTIFY request is not supported, the subscriber will respond with a 489 (Bad
    Event) response"; 481 for a subscription that there is not.
    """
    event, _, parameters = (request.headers.get("Event") or "").partition(";")
    if event.strip().lower() != "refer":
        return 489
    refer = dialog.outgoing_refer
    return 200 if refer is not None and refer.is_known(_event_id(parameters)) else 481


def take_notify(dialog: Dialog, request: Request) -> None:
    """Take what a NOTIFY that was answered with 200 says about our REFER."""
    refer = dialog.outgoing_refer
    event_id = _event_id((request.headers.get("Event") or "").partition(";")[2])
    if refer is None or not refer.is_meant(event_id):
        return
    found = _STATUS_LINE.match(request.body.lstrip(b"\r\n"))
    state = (request.headers.get("Subscription-State") or "").partition(";")[0].strip().lower()
    refer.on_notify(0 if found is None else int(found.group(1)), is_last=state == "terminated")


def _event_id(parameters: str) -> str | None:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "id":
            return value.strip()
    return None
