"""The non-INVITE client transaction (RFC 3261 section 17.1.2).

It resends the request over UDP until a final response comes. It knows nothing of dialogs.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import TYPE_CHECKING

from softswitch.sip.timers import T2, TIMER_E, TIMER_F, TIMER_K
from softswitch.sip.transaction.base import ClientTransaction

if TYPE_CHECKING:
    from softswitch.sip.message import Response


class State(IntEnum):
    """The states of RFC 3261 figure 6."""

    TRYING = 0
    PROCEEDING = 1
    COMPLETED = 2
    TERMINATED = 3


class Input(IntEnum):
    """All that can happen to the transaction."""

    PROVISIONAL = 0
    FINAL = 1
    TIMER_E = 2
    TIMER_F = 3
    TIMER_K = 4
    TRANSPORT_ERROR = 5


class ClientNonInviteTransaction(ClientTransaction):
    """One request of ours that is neither INVITE nor ACK."""

    __slots__ = ("state",)

    def start(self) -> None:
        """Send the request for the first time."""
        self.state = State.TRYING
        self.send_first(TIMER_E, TIMER_F)

    def receive_response(self, response: Response) -> None:
        """Take a response that was matched to this transaction."""
        self._step(Input.PROVISIONAL if response.status < 200 else Input.FINAL, response)

    def receive_transport_error(self) -> None:
        """Learn that the request did not get out."""
        self._step(Input.TRANSPORT_ERROR, None)

    def on_timer(self) -> None:
        """Take the deadline that was set last."""
        if self.state is State.COMPLETED:
            self._step(Input.TIMER_K, None)
        else:
            self._step(Input.TIMER_F if self.has_expired() else Input.TIMER_E, None)

    def _step(self, happened: Input, response: Response | None) -> None:
        self.state, action = TABLE[self.state, happened]
        if action is not None:
            action(self, response)

    # Actions.

    def _resend(self, _response: Response | None) -> None:
        self.resend(longest=T2)

    def _resend_slowly(self, _response: Response | None) -> None:
        # 17.1.2.2: in "Proceeding" Timer E MUST be reset with a value of T2 seconds.
        self.interval = T2
        self.resend(longest=T2)

    def _pass_first(self, response: Response | None) -> None:
        self.mark_answered()
        self.pass_up(response)

    def _complete(self, response: Response | None) -> None:
        self.stop_resending()
        self.pass_up(response)
        self.user = None
        # 17.1.2.2: Timer K fires in T4 seconds for unreliable transports, zero for reliable ones.
        if self.flow.reliable:
            self._step(Input.TIMER_K, None)
        else:
            self.linger(TIMER_K)


Action = Callable[[ClientNonInviteTransaction, "Response | None"], None]
_T = ClientNonInviteTransaction

TABLE: dict[tuple[State, Input], tuple[State, Action | None]] = {
    (State.TRYING, Input.PROVISIONAL): (State.PROCEEDING, _T._pass_first),
    (State.TRYING, Input.FINAL): (State.COMPLETED, _T._complete),
    (State.TRYING, Input.TIMER_E): (State.TRYING, _T._resend),
    (State.TRYING, Input.TIMER_F): (State.TERMINATED, _T._time_out),
    (State.TRYING, Input.TIMER_K): (State.TRYING, None),
    (State.TRYING, Input.TRANSPORT_ERROR): (State.TERMINATED, _T._break),
    (State.PROCEEDING, Input.PROVISIONAL): (State.PROCEEDING, _T._pass),
    (State.PROCEEDING, Input.FINAL): (State.COMPLETED, _T._complete),
    (State.PROCEEDING, Input.TIMER_E): (State.PROCEEDING, _T._resend_slowly),
    (State.PROCEEDING, Input.TIMER_F): (State.TERMINATED, _T._time_out),
    (State.PROCEEDING, Input.TIMER_K): (State.PROCEEDING, None),
    (State.PROCEEDING, Input.TRANSPORT_ERROR): (State.TERMINATED, _T._break),
    (State.COMPLETED, Input.PROVISIONAL): (State.COMPLETED, None),
    (State.COMPLETED, Input.FINAL): (State.COMPLETED, None),
    (State.COMPLETED, Input.TIMER_E): (State.COMPLETED, None),
    (State.COMPLETED, Input.TIMER_F): (State.COMPLETED, None),
    (State.COMPLETED, Input.TIMER_K): (State.TERMINATED, _T._end),
    (State.COMPLETED, Input.TRANSPORT_ERROR): (State.COMPLETED, None),
    (State.TERMINATED, Input.PROVISIONAL): (State.TERMINATED, None),
    (State.TERMINATED, Input.FINAL): (State.TERMINATED, None),
    (State.TERMINATED, Input.TIMER_E): (State.TERMINATED, None),
    (State.TERMINATED, Input.TIMER_F): (State.TERMINATED, None),
    (State.TERMINATED, Input.TIMER_K): (State.TERMINATED, None),
    (State.TERMINATED, Input.TRANSPORT_ERROR): (State.TERMINATED, None),
}
