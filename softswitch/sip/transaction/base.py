"""What client transactions share, and what server transactions share (RFC 3261 section 17).

Each has at most one timer: the moment it next resends or, when that comes first, the moment it
gives up. It knows neither the state tables nor the users above.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from softswitch.sip.peer import NOBODY, Peer
from softswitch.sip.timers import TIMER_F, Timer

if TYPE_CHECKING:
    from softswitch.sip.compose import RequestHead
    from softswitch.sip.context import Context
    from softswitch.sip.flow import Flow
    from softswitch.sip.message import Request, Response

# Two sums of the same intervals may differ in the last bit.
EPSILON = 1e-6

ServerKey = tuple[object, ...]
ClientKey = tuple[str, str]


class ClientUser(Protocol):
    """Who sent the request (the TU of the RFC)."""

    def on_response(self, response: Response) -> None:
        """Take a provisional or final response."""

    def on_failure(self, why: str) -> None:
        """Learn that no final response will come: "timeout" or "transport"."""


class ServerUser(Protocol):
    """Who answers the INVITE (the TU of the RFC)."""

    @property
    def owner(self) -> object:
        """Whose the INVITE is, or the dialog it came in."""

    def on_cancel(self, request: Request) -> None:
        """Learn that the peer has cancelled; the CANCEL itself is answered already."""


class ClientTransaction:
    """A request of ours and the clock that resends it."""

    __slots__ = (
        "_deadline",
        "_timer",
        "context",
        "data",
        "flow",
        "head",
        "heard_at",
        "interval",
        "key",
        "peer",
        "user",
    )

    def __init__(
        self,
        context: Context,
        head: RequestHead,
        data: bytes,
        flow: Flow,
        user: ClientUser | None,
        peer: Peer = NOBODY,
    ) -> None:
        self.context = context
        self.peer = peer
        # The host that the last response came from, where that is not the one that was asked.
        self.heard_at = ""
        self.head = head
        self.data = data
        self.flow = flow
        self.user = user
        # 17.1.3: a response matches by the branch of its top Via and the method in its CSeq.
        self.key: ClientKey = (head.branch, head.method)
        self.interval = 0.0
        self._deadline = 0.0
        self._timer: Timer | None = None
        context.client_transactions[self.key] = self
        context.unanswered[self.key] = self

    def start(self) -> None:
        """Send the request for the first time."""
        raise NotImplementedError

    def receive_response(self, response: Response) -> None:
        """Take a response that was matched to this transaction."""
        raise NotImplementedError

    def receive_transport_error(self) -> None:
        """Learn that the request did not get out."""
        raise NotImplementedError

    def on_timer(self) -> None:
        """Take the deadline that was set last."""
        raise NotImplementedError

    def send_first(self, interval: float, timeout: float) -> None:
        """Send the request and start the clock."""
        context = self.context
        self.interval = interval
        self._deadline = context.now + timeout
        first = timeout if self.flow.reliable else interval
        self._timer = context.timers.start(context.now + first, self.on_timer)
        context.send(self.data, self.flow)

    @property
    def began(self) -> float:
        """When the request was sent first; Timers B and F are of one length."""
        return self._deadline - TIMER_F

    def has_expired(self) -> bool:
        """Say whether the time to give up has come (Timers B and F)."""
        return self.context.now >= self._deadline - EPSILON

    def resend(self, *, longest: float | None) -> None:
        """Send the request again and wait twice as long, at most `longest`."""
        context = self.context
        context.send(self.data, self.flow)
        self.interval = self.interval * 2 if longest is None else min(self.interval * 2, longest)
        when = min(context.now + self.interval, self._deadline)
        self._timer = context.timers.start(when, self.on_timer)

    def mark_answered(self) -> None:
        """Note that the peer is there."""
        self.context.unanswered.pop(self.key, None)

    def stop_resending(self) -> None:
        """Note that the peer has the request, which is not kept any longer then."""
        self.mark_answered()
        self.data = b""
        self._stop_timer()

    def linger(self, seconds: float) -> None:
        """Stay only to recognise what comes late."""
        context = self.context
        self._timer = context.timers.start_lingering(context.now + seconds, self.on_timer)

    def pass_up(self, response: Response | None) -> None:
        """Hand a response to the user."""
        if self.user is not None and response is not None:
            self.user.on_response(response)

    def fail(self, why: str) -> None:
        """End without a final response."""
        user = self.user
        self.end()
        if user is not None:
            user.on_failure(why)

    def end(self) -> None:
        """Leave the tables and break the cycles with timer and user."""
        self._stop_timer()
        self.user = None
        self.context.unanswered.pop(self.key, None)
        self.context.client_transactions.pop(self.key, None)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self.context.timers.cancel(self._timer)
            self._timer = None

    # Actions that the tables of both client transactions name.

    def _pass(self, response: Response | None) -> None:
        self.pass_up(response)

    def _time_out(self, _response: Response | None) -> None:
        self.fail("timeout")

    def _break(self, _response: Response | None) -> None:
        self.fail("transport")

    def _end(self, _response: Response | None) -> None:
        self.end()


class ServerTransaction:
    """A request of the peer, the way back, and the last response to it."""

    __slots__ = (
        "_deadline",
        "_interval",
        "_timer",
        "context",
        "fallback",
        "flow",
        "key",
        "last_response",
        "local_tag",
        "merge_key",
        "user",
    )

    def __init__(
        self, context: Context, key: ServerKey, flow: Flow, fallback: Flow | None, local_tag: str
    ) -> None:
        self.context = context
        self.key = key
        self.flow = flow
        self.fallback = fallback
        self.local_tag = local_tag
        self.user: ServerUser | None = None
        self.last_response = b""
        self.merge_key: tuple[object, ...] | None = None
        self._interval = 0.0
        self._deadline = 0.0
        self._timer: Timer | None = None
        context.server_transactions[key] = self
        self.start()

    def start(self) -> None:
        """Take the request."""
        raise NotImplementedError

    def receive_request(self) -> None:
        """Take the request again."""
        raise NotImplementedError

    def receive_ack(self) -> None:
        """Take an ACK that was matched to this transaction."""
        raise NotImplementedError

    def respond(self, status: int, data: bytes) -> None:
        """Send a response, as far as the state still allows it."""
        raise NotImplementedError

    @property
    def proceeding(self) -> bool:
        """Whether no final response was sent yet."""
        raise NotImplementedError

    @property
    def is_waiting(self) -> bool:
        """Whether somebody still owes something: we an answer, or the peer an ACK."""
        return self.proceeding

    def on_timer(self) -> None:
        """Take the deadline that was set last."""
        raise NotImplementedError

    def send(self, data: bytes) -> None:
        """Send a response by the way the request came, or the next best (18.2.2)."""
        self.last_response = data
        self.context.send_back(data, self.flow, self.fallback)

    def start_resending(self, interval: float, timeout: float) -> None:
        """Begin to resend the last response until an ACK comes."""
        context = self.context
        self._interval = interval
        self._deadline = context.now + timeout
        first = timeout if self.flow.reliable else interval
        self._timer = context.timers.start(context.now + first, self.on_timer)

    def has_expired(self) -> bool:
        """Say whether the time to wait for the ACK is over (Timer H)."""
        return self.context.now >= self._deadline - EPSILON

    def resend(self, *, longest: float) -> None:
        """Send the last response again and wait twice as long, at most `longest`."""
        context = self.context
        self.send(self.last_response)
        self._interval = min(self._interval * 2, longest)
        when = min(context.now + self._interval, self._deadline)
        self._timer = context.timers.start(when, self.on_timer)

    def linger(self, seconds: float) -> None:
        """Stay only to recognise what comes late."""
        self._stop_timer()
        context = self.context
        self._timer = context.timers.start_lingering(context.now + seconds, self.on_timer)

    def forget_user(self) -> None:
        """Break the cycle with the user, who has said its last word."""
        self.user = None

    def end(self) -> None:
        """Leave the tables and break the cycle with the timer."""
        self._stop_timer()
        self.user = None
        self.context.server_transactions.pop(self.key, None)
        if self.merge_key is not None:
            self.context.merge_keys.pop(self.merge_key, None)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self.context.timers.cancel(self._timer)
            self._timer = None
