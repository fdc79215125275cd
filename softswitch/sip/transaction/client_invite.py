"""The INVITE client transaction (RFC 3261 section 17.1.1, RFC 6026 sections 7.2 and 8.4).

It resends the INVITE over UDP, acknowledges refusals and passes every 2xx up: the ACK for a 2xx is
its user's business (13.2.2.4). It knows neither dialogs nor CANCEL.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import TYPE_CHECKING

from softswitch.sip.timers import TIMER_A, TIMER_B, TIMER_D, TIMER_M
from softswitch.sip.transaction.base import ClientTransaction

if TYPE_CHECKING:
    from softswitch.sip.flow import Flow
    from softswitch.sip.message import Response


class State(IntEnum):
    """The states of RFC 6026 figure 5."""

    CALLING = 0
    PROCEEDING = 1
    COMPLETED = 2
    ACCEPTED = 3
    TERMINATED = 4


class Input(IntEnum):
    """All that can happen to the transaction."""

    PROVISIONAL = 0
    SUCCESS = 1
    FAILURE = 2
    TIMER_A = 3
    TIMER_B = 4
    TIMER_D = 5
    TIMER_M = 6
    TRANSPORT_ERROR = 7


class ClientInviteTransaction(ClientTransaction):
    """One INVITE of ours, from its sending to the last retransmission of its answer."""

    __slots__ = ("_ack", "_late_acks", "state")

    def start(self) -> None:
        """Send the INVITE for the first time."""
        self.state = State.CALLING
        self._ack = b""
        self._late_acks: dict[str, tuple[bytes, Flow]] | None = None
        self.send_first(TIMER_A, TIMER_B)

    @property
    def late_acks(self) -> dict[str, tuple[bytes, Flow]]:
        """The ACKs for 2xx that have come after a refusal, by the tag of the peer."""
        if self._late_acks is None:
            self._late_acks = {}
        return self._late_acks

    def receive_response(self, response: Response) -> None:
        """Take a response that was matched to this transaction."""
        if response.status < 200:
            self._step(Input.PROVISIONAL, response)
        elif response.status < 300:
            self._step(Input.SUCCESS, response)
        else:
            self._step(Input.FAILURE, response)

    def receive_transport_error(self) -> None:
        """Learn that the request did not get out."""
        self._step(Input.TRANSPORT_ERROR, None)

    def on_timer(self) -> None:
        """Take the deadline that was set last."""
        if self.state is State.CALLING:
            expired = self.has_expired()
            self._step(Input.TIMER_B if expired else Input.TIMER_A, None)
        elif self.state is State.ACCEPTED:
            self._step(Input.TIMER_M, None)
        else:
            self._step(Input.TIMER_D, None)

    def _step(self, happened: Input, response: Response | None) -> None:
        self.state, action = TABLE[self.state, happened]
        if action is not None:
            action(self, response)

    # Actions.

    def _resend(self, _response: Response | None) -> None:
        self.resend(longest=None)

    def _pass_first(self, response: Response | None) -> None:
        self.stop_resending()
        self.pass_up(response)

    def _accept(self, response: Response | None) -> None:
        self.stop_resending()
        self.linger(TIMER_M)
        self.pass_up(response)

    def _refuse(self, response: Response | None) -> None:
        self.stop_resending()
        assert response is not None
        self._ack = self.head.ack_for_refusal(response)
        self._acknowledge(response)
        # 17.1.1.2: Timer D is at least 32 s for unreliable transports, zero for reliable ones.
        self.pass_up(response)
        self.user = None
        if self.flow.reliable:
            self._step(Input.TIMER_D, None)
        else:
            self.linger(TIMER_D)

    def _give_late(self, response: Response | None) -> None:
        """Hand a 2xx to the core: 16.7 has proxies forward one after a refusal, too. The user has
        heard the last word already."""
        if self.context.on_late_answer is not None and response is not None:
            self.context.on_late_answer(self, response)

    def _acknowledge(self, _response: Response | None) -> None:
        self.context.send(self._ack, self.flow)


Action = Callable[[ClientInviteTransaction, "Response | None"], None]
_T = ClientInviteTransaction

TABLE: dict[tuple[State, Input], tuple[State, Action | None]] = {
    (State.CALLING, Input.PROVISIONAL): (State.PROCEEDING, _T._pass_first),
    (State.CALLING, Input.SUCCESS): (State.ACCEPTED, _T._accept),
    (State.CALLING, Input.FAILURE): (State.COMPLETED, _T._refuse),
    (State.CALLING, Input.TIMER_A): (State.CALLING, _T._resend),
    (State.CALLING, Input.TIMER_B): (State.TERMINATED, _T._time_out),
    (State.CALLING, Input.TIMER_D): (State.CALLING, None),
    (State.CALLING, Input.TIMER_M): (State.CALLING, None),
    (State.CALLING, Input.TRANSPORT_ERROR): (State.TERMINATED, _T._break),
    (State.PROCEEDING, Input.PROVISIONAL): (State.PROCEEDING, _T._pass),
    (State.PROCEEDING, Input.SUCCESS): (State.ACCEPTED, _T._accept),
    (State.PROCEEDING, Input.FAILURE): (State.COMPLETED, _T._refuse),
    (State.PROCEEDING, Input.TIMER_A): (State.PROCEEDING, None),
    (State.PROCEEDING, Input.TIMER_B): (State.PROCEEDING, None),
    (State.PROCEEDING, Input.TIMER_D): (State.PROCEEDING, None),
    (State.PROCEEDING, Input.TIMER_M): (State.PROCEEDING, None),
    # The peer has answered: that an earlier packet came back as undeliverable says nothing now.
    (State.PROCEEDING, Input.TRANSPORT_ERROR): (State.PROCEEDING, None),
    (State.COMPLETED, Input.PROVISIONAL): (State.COMPLETED, None),
    (State.COMPLETED, Input.SUCCESS): (State.COMPLETED, _T._give_late),
    (State.COMPLETED, Input.FAILURE): (State.COMPLETED, _T._acknowledge),
    (State.COMPLETED, Input.TIMER_A): (State.COMPLETED, None),
    (State.COMPLETED, Input.TIMER_B): (State.COMPLETED, None),
    (State.COMPLETED, Input.TIMER_D): (State.TERMINATED, _T._end),
    (State.COMPLETED, Input.TIMER_M): (State.COMPLETED, None),
    (State.COMPLETED, Input.TRANSPORT_ERROR): (State.TERMINATED, _T._end),
    (State.ACCEPTED, Input.PROVISIONAL): (State.ACCEPTED, None),
    (State.ACCEPTED, Input.SUCCESS): (State.ACCEPTED, _T._pass),
    (State.ACCEPTED, Input.FAILURE): (State.ACCEPTED, None),
    (State.ACCEPTED, Input.TIMER_A): (State.ACCEPTED, None),
    (State.ACCEPTED, Input.TIMER_B): (State.ACCEPTED, None),
    (State.ACCEPTED, Input.TIMER_D): (State.ACCEPTED, None),
    (State.ACCEPTED, Input.TIMER_M): (State.TERMINATED, _T._end),
    (State.ACCEPTED, Input.TRANSPORT_ERROR): (State.ACCEPTED, None),
    (State.TERMINATED, Input.PROVISIONAL): (State.TERMINATED, None),
    (State.TERMINATED, Input.SUCCESS): (State.TERMINATED, None),
    (State.TERMINATED, Input.FAILURE): (State.TERMINATED, None),
    (State.TERMINATED, Input.TIMER_A): (State.TERMINATED, None),
    (State.TERMINATED, Input.TIMER_B): (State.TERMINATED, None),
    (State.TERMINATED, Input.TIMER_D): (State.TERMINATED, None),
    (State.TERMINATED, Input.TIMER_M): (State.TERMINATED, None),
    (State.TERMINATED, Input.TRANSPORT_ERROR): (State.TERMINATED, None),
}
