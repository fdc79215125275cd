"""The non-INVITE server transaction (RFC 3261 section 17.2.2).

It gives every retransmission of the request the same response. It knows nothing of dialogs.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum

from softswitch.sip.timers import TIMER_J
from softswitch.sip.transaction.base import ServerTransaction


class State(IntEnum):
    """The states of RFC 3261 figure 8."""

    TRYING = 0
    PROCEEDING = 1
    COMPLETED = 2
    TERMINATED = 3


class Input(IntEnum):
    """All that can happen to the transaction."""

    REQUEST = 0
    SEND_PROVISIONAL = 1
    SEND_FINAL = 2
    TIMER_J = 3


class ServerNonInviteTransaction(ServerTransaction):
    """One request of the peer that is neither INVITE nor ACK."""

    __slots__ = ("state",)

    def start(self) -> None:
        """Take the request."""
        self.state = State.TRYING

    def receive_request(self) -> None:
        """Take the request again."""
        self._step(Input.REQUEST, b"")

    def receive_ack(self) -> None:
        """Take an ACK that names this transaction's branch: there is none to a non-INVITE."""

    def respond(self, status: int, data: bytes) -> None:
        """Send a response, as far as the state still allows it."""
        self._step(Input.SEND_PROVISIONAL if status < 200 else Input.SEND_FINAL, data)

    @property
    def proceeding(self) -> bool:
        """Whether no final response was sent yet."""
        return self.state is State.TRYING or self.state is State.PROCEEDING

    def on_timer(self) -> None:
        """Take the deadline that was set last."""
        self._step(Input.TIMER_J, b"")

    def _step(self, happened: Input, data: bytes) -> None:
        self.state, action = TABLE[self.state, happened]
        if action is not None:
            action(self, data)

    # Actions.

    def _send(self, data: bytes) -> None:
        self.send(data)

    def _answer_again(self, _data: bytes) -> None:
        self.send(self.last_response)

    def _complete(self, data: bytes) -> None:
        self.send(data)
        self.forget_user()
        # 17.2.2: Timer J fires in 64*T1 seconds for unreliable transports, zero for reliable ones.
        if self.flow.reliable:
            self._step(Input.TIMER_J, b"")
        else:
            self.linger(TIMER_J)

    def _end(self, _data: bytes) -> None:
        self.end()


Action = Callable[[ServerNonInviteTransaction, bytes], None]
_T = ServerNonInviteTransaction

TABLE: dict[tuple[State, Input], tuple[State, Action | None]] = {
    # 17.2.2: once in "Trying", any further request retransmissions are discarded.
    (State.TRYING, Input.REQUEST): (State.TRYING, None),
    (State.TRYING, Input.SEND_PROVISIONAL): (State.PROCEEDING, _T._send),
    (State.TRYING, Input.SEND_FINAL): (State.COMPLETED, _T._complete),
    (State.TRYING, Input.TIMER_J): (State.TRYING, None),
    (State.PROCEEDING, Input.REQUEST): (State.PROCEEDING, _T._answer_again),
    (State.PROCEEDING, Input.SEND_PROVISIONAL): (State.PROCEEDING, _T._send),
    (State.PROCEEDING, Input.SEND_FINAL): (State.COMPLETED, _T._complete),
    (State.PROCEEDING, Input.TIMER_J): (State.PROCEEDING, None),
    (State.COMPLETED, Input.REQUEST): (State.COMPLETED, _T._answer_again),
    # 17.2.2: any other final responses passed by the TU in "Completed" MUST be discarded.
    (State.COMPLETED, Input.SEND_PROVISIONAL): (State.COMPLETED, None),
    (State.COMPLETED, Input.SEND_FINAL): (State.COMPLETED, None),
    (State.COMPLETED, Input.TIMER_J): (State.TERMINATED, _T._end),
    (State.TERMINATED, Input.REQUEST): (State.TERMINATED, None),
    (State.TERMINATED, Input.SEND_PROVISIONAL): (State.TERMINATED, None),
    (State.TERMINATED, Input.SEND_FINAL): (State.TERMINATED, None),
    (State.TERMINATED, Input.TIMER_J): (State.TERMINATED, None),
}
