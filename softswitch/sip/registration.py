"""Our registration with a registrar (RFC 3261 section 10.2): refreshed in time, tried again later
and later when it fails, taken back at the end.

All its REGISTERs have one Call-ID and count on in CSeq. It lives on the stack's clock and tells
changes as RegistrationChanged. It does not know whose it is.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import TYPE_CHECKING

from softswitch.sip.authorizing import make_transaction
from softswitch.sip.compose import RequestHead
from softswitch.sip.errors import ParseError
from softswitch.sip.events import RegistrationChanged
from softswitch.sip.headers.name_address import NameAddress
from softswitch.sip.headers.retry_after import RetryAfter
from softswitch.sip.peer import Peer
from softswitch.sip.timers import Timer
from softswitch.sip.transaction.client_non_invite import ClientNonInviteTransaction

if TYPE_CHECKING:
    from softswitch.sip.context import Context
    from softswitch.sip.digest import Credentials
    from softswitch.sip.flow import Flow
    from softswitch.sip.message import Response
    from softswitch.sip.transaction.base import ClientTransaction

__all__ = ["Registration", "State"]

BASE_WAIT = 30.0
"""RFC 5626 section 4.5: after the first failure about so long..."""
MAX_WAIT = 1800.0
"""...then twice as long each time, at most this; each wait is half of it to all of it by chance, so
that the clients of a registrar that comes back do not come all at once."""

SHORTEST = 5.0
"""Seconds of the shortest registration that is one, and of the shortest wait: a registrar that says
less is not to be asked every second for ever."""

AWAY = (0, 408, 503)
"""What a server says, or says not, that is not there: another one may be."""

MAX_EXPIRES = 86_400.0
"""A registrar that grants more is asked again after a day all the same: it may have been restored
from a backup."""


class State(IntEnum):
    """How a registration stands."""

    TRYING = 0
    """A REGISTER is out, and the registrar does not know us."""
    REGISTERED = 1
    REFRESHING = 2
    """A REGISTER is out, and the last one is good still."""
    RETRYING = 3
    """Waiting after a failure; the last one may be good still."""
    LEAVING = 4
    """The REGISTER that takes it back is out."""
    OVER = 5


class Input(IntEnum):
    """What can happen to it."""

    ACCEPTED = 0  # 2xx
    BRIEF = 1  # 423: the interval is too brief for the registrar
    FAILED = 2  # any other final answer, or none
    TIMER = 3
    STOP = 4


class Registration:
    """One contact of ours at one registrar."""

    __slots__ = (
        "_aor",
        "_call_id",
        "_contact_user",
        "_context",
        "_credentials",
        "_expires",
        "_failures",
        "_flow",
        "_good_until",
        "_left",
        "_line",
        "_number",
        "_registrar",
        "_tag",
        "_timer",
        "_transaction",
        "_ways",
        "owner",
        "registered",
        "state",
        "status",
        "why",
    )

    def __init__(
        self,
        context: Context,
        *,
        registrar: str,
        aor: str,
        contact_user: str,
        line: str,
        expires: float,
        ways: Callable[[], list[Flow]],
        credentials: Credentials | None,
        owner: object,
    ) -> None:
        self._context = context
        self._registrar = registrar
        self._aor = aor
        self._contact_user = contact_user
        self._line = line
        self._expires = expires
        self._ways = ways
        """The registrar's servers, best first; asked for each round of tries."""
        self._left = ways()
        self._flow = self._left.pop(0)
        self._credentials = credentials
        self.owner = owner
        self._call_id = context.ids.call_id()
        self._tag = context.ids.tag()
        self._number = 0
        self._failures = 0
        self._good_until = 0.0
        self._timer: Timer | None = None
        self._transaction: ClientTransaction | None = None
        self.state = State.TRYING
        self.registered = False
        self.status = 0
        """Of the last final answer; 0: there was none."""
        self.why = ""

    # Verbs.

    def start(self) -> None:
        """Register."""
        self._send(self._expires)

    def stop(self, *, now: float) -> None:
        """Take the registration back; nothing is told any more."""
        self._context.now = now
        self._step(Input.STOP, None)

    # What the registrar does.

    @property
    def wants_to_go_on(self) -> bool:
        """Whether a challenge is to be answered."""
        return True

    def on_sent_again(self, transaction: ClientTransaction, _lines: str) -> None:
        """The REGISTER goes on with credentials."""
        self._transaction = transaction
        self._number = transaction.head.number

    def on_response(self, response: Response) -> None:
        """Take an answer."""
        if response.status < 200:
            return
        self._transaction = None
        self.status, self.why = response.status, "response"
        if response.status < 300:
            self._step(Input.ACCEPTED, response)
        elif response.status == 423:
            self._step(Input.BRIEF, response)
        else:
            self._step(Input.FAILED, response)

    def on_failure(self, why: str) -> None:
        """Learn that no answer will come."""
        self._transaction = None
        self.status, self.why = 0, why
        self._step(Input.FAILED, None)

    def _step(self, happened: Input, response: Response | None) -> None:
        action = TABLE[self.state, happened]
        if action is not None:
            action(self, response)

    # Actions.

    def _hold(self, response: Response | None) -> None:
        """It holds; refresh it in good time."""
        assert response is not None
        granted = min(self._granted(response), MAX_EXPIRES)
        if granted < SHORTEST:
            # It took us, and lets us go at once: that is a refusal in other words.
            self._good_until = self._context.now
            self.why = "no-binding"
            self._retry(None)
            return
        now = self._context.now
        self._failures = 0
        self._good_until = now + granted
        self.state = State.REGISTERED
        self._tell(registered=True)
        share = self._context.ids.number(80, 90) / 100
        self._wait(max(1.0, granted * share))

    def _ask_longer(self, response: Response | None) -> None:
        """10.2.8: "If a UA receives a 423 (Interval Too Brief) response [...] it MAY retry the
        registration after making the expiration interval of all contact addresses [...] equal to or
        greater than the expiration interval within the Min-Expires header field"."""
        assert response is not None
        shortest = _seconds(response.headers.get("Min-Expires"))
        if shortest is None or not self._expires < shortest <= MAX_EXPIRES:
            self._retry(response)
            return
        self._expires = shortest
        self._send(self._expires)

    def _retry(self, response: Response | None) -> None:
        if self._left and self.status in AWAY:
            self._flow = self._left.pop(0)
            self._send(self._expires)
            return
        self._failures += 1
        now = self._context.now
        # Who refuses us by name does not know us; who is silent may, until the time is over.
        if response is not None and 400 <= response.status < 500 and response.status != 408:
            self._good_until = now
        self.state = State.RETRYING
        self._tell(registered=now < self._good_until)
        self._wait(self._next_wait(response))

    def _next_wait(self, response: Response | None) -> float:
        asked = None if response is None else RetryAfter.find(response.headers)
        if asked is not None:
            return min(max(SHORTEST, float(asked.seconds)), MAX_WAIT)
        longest = min(MAX_WAIT, BASE_WAIT * 2.0 ** min(self._failures - 1, 10))
        return self._context.ids.seconds(longest / 2, longest)

    def _send_again(self, _response: Response | None) -> None:
        if self.registered and self._context.now >= self._good_until:
            self._tell(registered=False)
        self.state = State.REFRESHING if self.registered else State.TRYING
        self._choose_way()
        self._send(self._expires)

    def _choose_way(self) -> None:
        """Begin another round; who has us registered is asked first."""
        ways = self._ways()
        if self.registered and self._flow in ways:
            ways.remove(self._flow)
            ways.insert(0, self._flow)
        self._flow, self._left = ways[0], ways[1:]

    def _leave(self, _response: Response | None) -> None:
        self._stop_timer()
        self.state = State.LEAVING
        if self._transaction is not None:
            self._transaction.end()
        self._send(0)

    def _forget(self, _response: Response | None) -> None:
        self._stop_timer()
        self.state = State.OVER

    def _tell(self, *, registered: bool) -> None:
        """Tell a change, and every failure: each is a line of the log."""
        changed = registered != self.registered
        self.registered = registered
        if changed or self.state is State.RETRYING:
            self._context.emit(RegistrationChanged(self, registered, self.status, self.why))

    # Sending.

    def _send(self, expires: float) -> None:
        context = self._context
        self._number += 1
        head = RequestHead(
            method="REGISTER",
            uri=self._registrar,
            via=context.via_for(self._flow),
            branch=context.ids.branch(),
            routes="",
            from_=f"<{self._aor}>;tag={self._tag}",
            to=f"<{self._aor}>",
            call_id=self._call_id,
            number=self._number,
        )
        contact = context.contact_line(self._contact_user, self._flow).rstrip("\r\n>")
        extra = (
            f"{contact};line={self._line}>\r\nExpires: {round(expires)}\r\n"
            + context.allow_line
            + context.supported_line
            + context.user_agent_line
        )
        self._transaction = make_transaction(
            ClientNonInviteTransaction, context, head, (extra, b"", ""), self._flow, self,
            self._credentials, peer=Peer(self.owner),
        )  # fmt: skip
        self._transaction.start()

    def _granted(self, response: Response) -> float:
        """For how long, by our own contact in the answer (10.2.4)."""
        contacts = response.headers.get_list("Contact")
        for value in contacts:
            try:
                contact = NameAddress.parse(value)
                line = contact.uri.parameters.get("line")
            except ParseError:
                continue
            if line == self._line:
                told = _seconds(contact.parameters.get("expires"))
                if told is not None:
                    return told
        if contacts and not any("sip" in value.lower() for value in contacts):
            return 0.0  # no binding of anybody
        told = _seconds(response.headers.get("Expires"))
        return self._expires if told is None else told

    def _wait(self, seconds: float) -> None:
        self._stop_timer()
        context = self._context
        self._timer = context.timers.start(context.now + seconds, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._step(Input.TIMER, None)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._context.timers.cancel(self._timer)
            self._timer = None


def _seconds(text: str | None) -> float | None:
    """A delta-seconds, which is at most ten digits long."""
    if text is None or not text.strip().isdigit() or len(text) > 10:
        return None
    return float(text)


Action = Callable[[Registration, "Response | None"], None]
_R = Registration

TABLE: dict[tuple[State, Input], Action | None] = {
    (State.TRYING, Input.ACCEPTED): _R._hold,
    (State.TRYING, Input.BRIEF): _R._ask_longer,
    (State.TRYING, Input.FAILED): _R._retry,
    (State.TRYING, Input.TIMER): None,
    (State.TRYING, Input.STOP): _R._leave,
    (State.REGISTERED, Input.ACCEPTED): None,
    (State.REGISTERED, Input.BRIEF): None,
    (State.REGISTERED, Input.FAILED): None,
    (State.REGISTERED, Input.TIMER): _R._send_again,
    (State.REGISTERED, Input.STOP): _R._leave,
    (State.REFRESHING, Input.ACCEPTED): _R._hold,
    (State.REFRESHING, Input.BRIEF): _R._ask_longer,
    (State.REFRESHING, Input.FAILED): _R._retry,
    (State.REFRESHING, Input.TIMER): None,
    (State.REFRESHING, Input.STOP): _R._leave,
    (State.RETRYING, Input.ACCEPTED): None,
    (State.RETRYING, Input.BRIEF): None,
    (State.RETRYING, Input.FAILED): None,
    (State.RETRYING, Input.TIMER): _R._send_again,
    # A registrar that did not answer is not waited for at the end.
    (State.RETRYING, Input.STOP): _R._forget,
    (State.LEAVING, Input.ACCEPTED): _R._forget,
    (State.LEAVING, Input.BRIEF): _R._forget,
    (State.LEAVING, Input.FAILED): _R._forget,
    (State.LEAVING, Input.TIMER): None,
    (State.LEAVING, Input.STOP): None,
    (State.OVER, Input.ACCEPTED): None,
    (State.OVER, Input.BRIEF): None,
    (State.OVER, Input.FAILED): None,
    (State.OVER, Input.TIMER): None,
    (State.OVER, Input.STOP): None,
}
