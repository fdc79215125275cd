"""Requests of one kind in a dialog that mean something by their order: keys told by INFO, say.

Each waits for the answer to the one before. RFC 3261 section 12.2.2 on a request whose number is
lower than that of the last: it "is out of order and MUST be rejected with a 500": one that was
lost, and comes again behind the next one, would be worth nothing. It does not know what they say.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from softswitch.sip.dialog_state import DialogState

if TYPE_CHECKING:
    from softswitch.sip.dialog import Dialog
    from softswitch.sip.message import Response
    from softswitch.sip.transaction.base import ClientTransaction

__all__ = ["InTurn"]

MAX_WAITING = 128
"""As many as keys are sent at once; what is pressed further ahead of a far end that says nothing
reaches nobody."""


class InTurn:
    """Sends one after the other; the dialog ends where an answer says that there is none."""

    __slots__ = ("_content_type", "_method", "_waiting", "dialog", "is_busy")

    def __init__(self, dialog: Dialog, method: str, content_type: str) -> None:
        self.dialog = dialog
        self._method = method
        self._content_type = content_type
        self._waiting: deque[bytes] = deque()
        self.is_busy = False
        """Whether an answer is awaited."""

    def send(self, body: bytes, *, now: float) -> None:
        """Send it now, or when it is its turn."""
        self.dialog.context.now = now
        if len(self._waiting) < MAX_WAITING:
            self._waiting.append(body)
        if not self.is_busy:
            self._send_next()

    def _send_next(self) -> None:
        dialog = self.dialog
        if dialog.state is DialogState.TERMINATED:
            self._waiting.clear()
        if not self._waiting:
            return
        self.is_busy = True
        head, flow = dialog.next_request(self._method)
        extra = dialog.contact_line(flow) + dialog.context.user_agent_line
        message = (extra, self._waiting.popleft(), self._content_type)
        dialog.start_request(head, message, flow, self)

    # What becomes of one.

    @property
    def wants_to_go_on(self) -> bool:
        """Whether a challenge is to be answered."""
        return self.dialog.state is not DialogState.TERMINATED

    def on_sent_again(self, _transaction: ClientTransaction, _lines: str) -> None:
        """It goes on with credentials."""

    def on_response(self, response: Response) -> None:
        """Take an answer: whatever it says of this one, the next may be good."""
        if response.status >= 200:
            self._end(response.status)

    def on_failure(self, why: str) -> None:
        """Learn that no answer will come: what waits would get none either."""
        self._waiting.clear()
        self._end(408 if why == "timeout" else 503)

    def _end(self, status: int) -> None:
        self.is_busy = False
        self.dialog.end_by_status(status)
        self._send_next()
