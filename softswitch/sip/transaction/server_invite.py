"""The INVITE server transaction (RFC 3261 section 17.2.1, RFC 6026 sections 7.1 and 8.5).

It answers retransmitted INVITEs, resends refusals until their ACK comes, and goes quiet after a
2xx, which its user resends (13.3.1.4). It does not know who is called.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum

from softswitch.sip.timers import T2, TIMER_G, TIMER_H, TIMER_I, TIMER_L
from softswitch.sip.transaction.base import ServerTransaction


class State(IntEnum):
    """The states of RFC 6026 figure 3."""

    PROCEEDING = 0
    COMPLETED = 1
    CONFIRMED = 2
    ACCEPTED = 3
    TERMINATED = 4


class Input(IntEnum):
    """All that can happen to the transaction."""

    REQUEST = 0
    SEND_PROVISIONAL = 1
    SEND_SUCCESS = 2
    SEND_FAILURE = 3
    ACK = 4
    TIMER_G = 5
    TIMER_H = 6
    TIMER_I = 7
    TIMER_L = 8


class ServerInviteTransaction(ServerTransaction):
    """One INVITE of the peer, from its receipt to the last retransmission of its ACK."""

    __slots__ = ("state",)

    def start(self) -> None:
        """Take the INVITE."""
        self.state = State.PROCEEDING

    def receive_request(self) -> None:
        """Take the INVITE again."""
        self._step(Input.REQUEST, b"")

    def receive_ack(self) -> None:
        """Take an ACK that was matched to this transaction."""
        self._step(Input.ACK, b"")

    def respond(self, status: int, data: bytes) -> None:
        """Send a response, as far as the state still allows it."""
        if status < 200:
            self._step(Input.SEND_PROVISIONAL, data)
        elif status < 300:
            self._step(Input.SEND_SUCCESS, data)
        else:
            self._step(Input.SEND_FAILURE, data)

    @property
    def proceeding(self) -> bool:
        """Whether no final response was sent yet."""
        return self.state is State.PROCEEDING

    @property
    def is_waiting(self) -> bool:
        """Whether we owe an answer, or the peer the ACK of a refusal."""
        return self.state is State.PROCEEDING or self.state is State.COMPLETED

    def on_timer(self) -> None:
        """Take the deadline that was set last."""
        if self.state is State.COMPLETED:
            self._step(Input.TIMER_H if self.has_expired() else Input.TIMER_G, b"")
        elif self.state is State.CONFIRMED:
            self._step(Input.TIMER_I, b"")
        else:
            self._step(Input.TIMER_L, b"")

    def _step(self, happened: Input, data: bytes) -> None:
        self.state, action = TABLE[self.state, happened]
        if action is not None:
            action(self, data)

    # Actions.

    def _send(self, data: bytes) -> None:
        self.send(data)

    def _answer_again(self, _data: bytes) -> None:
        # 17.2.1: the most recent provisional response MUST be passed to the transport layer.
        if self.last_response:
            self.send(self.last_response)

    def _accept(self, data: bytes) -> None:
        self.send(data)
        self.last_response = b""
        self.forget_user()
        self.linger(TIMER_L)

    def _refuse(self, data: bytes) -> None:
        self.send(data)
        self.forget_user()
        self.start_resending(TIMER_G, TIMER_H)

    def _resend(self, _data: bytes) -> None:
        self.resend(longest=T2)

    def _confirm(self, _data: bytes) -> None:
        # 17.2.1: Timer I fires in T4 seconds for unreliable transports, zero for reliable ones.
        if self.flow.reliable:
            self._step(Input.TIMER_I, b"")
        else:
            self.linger(TIMER_I)

    def _end(self, _data: bytes) -> None:
        self.end()


Action = Callable[[ServerInviteTransaction, bytes], None]
_T = ServerInviteTransaction

TABLE: dict[tuple[State, Input], tuple[State, Action | None]] = {
    (State.PROCEEDING, Input.REQUEST): (State.PROCEEDING, _T._answer_again),
    (State.PROCEEDING, Input.SEND_PROVISIONAL): (State.PROCEEDING, _T._send),
    (State.PROCEEDING, Input.SEND_SUCCESS): (State.ACCEPTED, _T._accept),
    (State.PROCEEDING, Input.SEND_FAILURE): (State.COMPLETED, _T._refuse),
    (State.PROCEEDING, Input.ACK): (State.PROCEEDING, None),
    (State.PROCEEDING, Input.TIMER_G): (State.PROCEEDING, None),
    (State.PROCEEDING, Input.TIMER_H): (State.PROCEEDING, None),
    (State.PROCEEDING, Input.TIMER_I): (State.PROCEEDING, None),
    (State.PROCEEDING, Input.TIMER_L): (State.PROCEEDING, None),
    (State.COMPLETED, Input.REQUEST): (State.COMPLETED, _T._answer_again),
    (State.COMPLETED, Input.SEND_PROVISIONAL): (State.COMPLETED, None),
    (State.COMPLETED, Input.SEND_SUCCESS): (State.COMPLETED, None),
    (State.COMPLETED, Input.SEND_FAILURE): (State.COMPLETED, None),
    (State.COMPLETED, Input.ACK): (State.CONFIRMED, _T._confirm),
    (State.COMPLETED, Input.TIMER_G): (State.COMPLETED, _T._resend),
    (State.COMPLETED, Input.TIMER_H): (State.TERMINATED, _T._end),
    (State.COMPLETED, Input.TIMER_I): (State.COMPLETED, None),
    (State.COMPLETED, Input.TIMER_L): (State.COMPLETED, None),
    (State.CONFIRMED, Input.REQUEST): (State.CONFIRMED, None),
    (State.CONFIRMED, Input.SEND_PROVISIONAL): (State.CONFIRMED, None),
    (State.CONFIRMED, Input.SEND_SUCCESS): (State.CONFIRMED, None),
    (State.CONFIRMED, Input.SEND_FAILURE): (State.CONFIRMED, None),
    (State.CONFIRMED, Input.ACK): (State.CONFIRMED, None),
    (State.CONFIRMED, Input.TIMER_G): (State.CONFIRMED, None),
    (State.CONFIRMED, Input.TIMER_H): (State.CONFIRMED, None),
    (State.CONFIRMED, Input.TIMER_I): (State.TERMINATED, _T._end),
    (State.CONFIRMED, Input.TIMER_L): (State.CONFIRMED, None),
    # RFC 6026 section 7.1: any retransmissions of the INVITE received in "Accepted" are absorbed.
    (State.ACCEPTED, Input.REQUEST): (State.ACCEPTED, None),
    (State.ACCEPTED, Input.SEND_PROVISIONAL): (State.ACCEPTED, None),
    (State.ACCEPTED, Input.SEND_SUCCESS): (State.ACCEPTED, _T._send),
    (State.ACCEPTED, Input.SEND_FAILURE): (State.ACCEPTED, None),
    # The ACK for a 2xx belongs to the dialog; the stack hands it there.
    (State.ACCEPTED, Input.ACK): (State.ACCEPTED, None),
    (State.ACCEPTED, Input.TIMER_G): (State.ACCEPTED, None),
    (State.ACCEPTED, Input.TIMER_H): (State.ACCEPTED, None),
    (State.ACCEPTED, Input.TIMER_I): (State.ACCEPTED, None),
    (State.ACCEPTED, Input.TIMER_L): (State.TERMINATED, _T._end),
    (State.TERMINATED, Input.REQUEST): (State.TERMINATED, None),
    (State.TERMINATED, Input.SEND_PROVISIONAL): (State.TERMINATED, None),
    (State.TERMINATED, Input.SEND_SUCCESS): (State.TERMINATED, None),
    (State.TERMINATED, Input.SEND_FAILURE): (State.TERMINATED, None),
    (State.TERMINATED, Input.ACK): (State.TERMINATED, None),
    (State.TERMINATED, Input.TIMER_G): (State.TERMINATED, None),
    (State.TERMINATED, Input.TIMER_H): (State.TERMINATED, None),
    (State.TERMINATED, Input.TIMER_I): (State.TERMINATED, None),
    (State.TERMINATED, Input.TIMER_L): (State.TERMINATED, None),
}
