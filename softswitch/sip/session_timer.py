"""Session timers (RFC 4028): a dialog that nobody refreshes any more ends by itself, in both roles.

Who refreshes sends UPDATE where the peer allows it, else its user is asked for a re-INVITE; who
waits ends the dialog a while before the interval is over. It knows no media.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from softswitch.sip.errors import ParseError
from softswitch.sip.events import SessionRefreshDue
from softswitch.sip.headers.min_se import DEFAULT_MIN_SE, parse_min_se
from softswitch.sip.headers.session_expires import SessionExpires
from softswitch.sip.timers import Timer

if TYPE_CHECKING:
    from softswitch.sip.dialog import Dialog
    from softswitch.sip.message import Message, Request, Response
    from softswitch.sip.transaction.base import ClientTransaction

__all__ = [
    "MIN_SE",
    "SessionTimer",
    "asking_lines",
    "check_interval",
    "longer_interval",
    "supports_timer",
]

MIN_SE = DEFAULT_MIN_SE
"""The shortest interval that we take (section 4: 90 s "MUST" be the least)."""

MAX_INTERVAL = 86_400
"""The longest that we are talked into: a dead peer is to be noticed within a day."""

MAX_LONGER = 2
"""How often one refresh is sent again with a longer interval: a proxy and the peer may each want
one."""

RETRY_SECONDS = 10.0
"""After a refresh that was refused for the moment (491, 500); the interval has room for it."""


def supports_timer(message: Message) -> bool:
    """Whether the sender knows of session timers."""
    fields = message.headers
    return any(
        tag.lower() == "timer" for name in ("Supported", "Require") for tag in fields.get_list(name)
    )


def asking_lines(interval: int, shortest: int = MIN_SE) -> str:
    """What an INVITE of ours says that wants a session timer; nothing for 0.

    RFC 4028 section 7.1: after a 422 the Min-SE "MUST" be "the largest" that was received: the next
    hop is not to make it shorter again.
    """
    return f"Session-Expires: {interval}\r\nMin-SE: {shortest}\r\n" if interval else ""


def longer_interval(response: Response, interval: int) -> int | None:
    """The interval to ask for after a 422; None when that would be no longer, or too long.

    Section 6: "If the UAC receives a 422 [...] it MAY retry the INVITE" with "a Session-Expires
    greater than or equal to the Min-SE".
    """
    value = response.headers.get("Min-SE")
    try:
        shortest = 0 if value is None else parse_min_se(value)
    except ParseError:
        return None
    return shortest if interval < shortest <= MAX_INTERVAL else None


def check_interval(request: Request) -> str | None:
    """The lines of a 422 for an interval that is too short for us, or None.

    Section 9: only where the UAC knows of timers: else it is a proxy that asks, and the interval is
    made longer.
    """
    asked = _asked(request)
    if asked is None or asked.seconds >= MIN_SE or not supports_timer(request):
        return None
    return f"Min-SE: {MIN_SE}\r\n"


def _asked(message: Message) -> SessionExpires | None:
    value = message.headers.get("Session-Expires")
    try:
        return None if value is None else SessionExpires.parse(value)
    except ParseError:
        return None


class SessionTimer:
    """The timer of one dialog."""

    __slots__ = (
        "_asked_longer",
        "_dialog",
        "_ends_at",
        "_interval",
        "_is_ours",
        "_peer_updates",
        "_shortest",
        "_timer",
    )

    def __init__(self, dialog: Dialog) -> None:
        self._dialog = dialog
        self._interval = 0
        self._shortest = MIN_SE
        """The largest Min-SE that was heard."""
        self._asked_longer = 0
        self._is_ours = False
        """Whether we refresh."""
        self._peer_updates = False
        self._ends_at = 0.0
        self._timer: Timer | None = None

    # What is agreed.

    def answer(self, request: Request) -> str:
        """Take what the peer's INVITE or UPDATE asks; the lines for our 2xx to it.

        Section 9: where the request has no refresher, the UAS chooses; a peer that knows nothing of
        timers, where a proxy asks for one, leaves it to us.
        """
        self._note_methods(request)
        asked = _asked(request)
        if asked is None:
            self.stop()
            return ""
        interval = min(max(asked.seconds, MIN_SE), MAX_INTERVAL)
        if not supports_timer(request):
            self._run(interval, ours=True)
            return f"Session-Expires: {interval};refresher=uas\r\n"
        refresher = asked.refresher or "uac"
        self._run(interval, ours=refresher == "uas")
        # "If the refresher parameter is set to uac [...] the UAS MUST place a Require header field
        # in the response with the value 'timer'."
        require = "Require: timer\r\n" if refresher == "uac" else ""
        return f"Session-Expires: {interval};refresher={refresher}\r\n{require}"

    def take(self, response: Response) -> None:
        """Take what a 2xx to our INVITE or UPDATE says (section 7.2): without a word of it there is
        no timer."""
        self._note_methods(response)
        agreed = _asked(response)
        if agreed is None:
            self.stop()
        else:
            interval = min(max(agreed.seconds, MIN_SE), MAX_INTERVAL)
            self._run(interval, ours=agreed.refresher != "uas")

    def lines(self) -> str:
        """What a re-INVITE or UPDATE of ours says."""
        if not self._interval:
            return ""
        refresher = "uac" if self._is_ours else "uas"
        return (
            f"Session-Expires: {self._interval};refresher={refresher}\r\n"
            f"Min-SE: {self._shortest}\r\n" + self._dialog.context.supported_line
        )

    def stop(self) -> None:
        """There is none from now on."""
        self._interval = 0
        self._stop_clock()

    def _note_methods(self, message: Message) -> None:
        allowed = message.headers.get_list("Allow")
        if allowed:
            self._peer_updates = "UPDATE" in allowed

    # The clock.

    def _run(self, interval: int, *, ours: bool) -> None:
        now = self._dialog.context.now
        self._interval, self._is_ours = interval, ours
        self._asked_longer = 0
        # Section 10: the session is ended "slightly before" the interval is over, "the minimum of
        # 32 seconds and one third of the session interval is RECOMMENDED".
        self._ends_at = now + interval - min(32.0, interval / 3)
        if ours:
            # Section 7.2: "it is RECOMMENDED that [the refresh] be sent once half the session
            # interval has elapsed".
            self._wait_until(now + interval / 2, self._refresh)
        else:
            self._wait_until(self._ends_at, self._expire)

    def _wait_until(self, when: float, action: Callable[[], None]) -> None:
        self._stop_clock()
        self._timer = self._dialog.context.timers.start(when, action)

    def _stop_clock(self) -> None:
        if self._timer is not None:
            self._dialog.context.timers.cancel(self._timer)
            self._timer = None

    def _refresh(self) -> None:
        # Whatever becomes of it: when nothing is heard until the end, that is the end.
        self._wait_until(self._ends_at, self._expire)
        if self._peer_updates:
            self._send_update()
        else:
            self._dialog.context.emit(SessionRefreshDue(self._dialog))

    def _expire(self) -> None:
        self._timer = None
        self._dialog.send_bye('Reason: SIP;cause=408;text="Session expired"\r\n', "session-expired")

    def _send_update(self) -> None:
        dialog = self._dialog
        context = dialog.context
        head, flow = dialog.next_request("UPDATE")
        extra = (
            dialog.contact_line(flow) + self.lines() + context.allow_line + context.user_agent_line
        )
        dialog.start_request(head, (extra, b"", ""), flow, self)

    # What becomes of our UPDATE.

    @property
    def wants_to_go_on(self) -> bool:
        """Whether a challenge is to be answered."""
        return self._interval > 0

    def on_sent_again(self, _transaction: ClientTransaction, _lines: str) -> None:
        """It goes on with credentials."""

    def on_response(self, response: Response) -> None:
        """Take the answer to an UPDATE of ours."""
        status = response.status
        if status < 200 or not self._interval:
            return
        if status < 300:
            self.take(response)
        elif status in (408, 481):
            self._dialog.end_by_status(status)
        elif status == 422:
            if self.ask_longer(response):
                self._send_update()
        elif status in (491, 500):
            when = self._dialog.context.now + min(RETRY_SECONDS, self._interval / 8)
            if when < self._ends_at:
                self._wait_until(when, self._refresh)
        else:
            # It does not do UPDATE after all.
            self._peer_updates = False
            self._dialog.context.emit(SessionRefreshDue(self._dialog))

    def on_failure(self, why: str) -> None:
        """Nobody answered: the dialog is over (RFC 3261 12.2.1.2)."""
        if why == "timeout" and self._interval:
            self._dialog.end_by_status(408)

    def ask_longer(self, response: Response) -> bool:
        """Ask for what a 422 says from now on; False when that cannot be, or was done for this
        refresh already: then the session goes on until its end."""
        longer = longer_interval(response, self._interval)
        if longer is None or self._asked_longer >= MAX_LONGER:
            return False
        self._asked_longer += 1
        self._interval = self._shortest = longer
        return True
