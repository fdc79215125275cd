"""The desk: what the methods of the control socket work on.

Filled by the composition root. A part that a switch does not have is None; a method that needs it
says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from config.model import Configuration, KeywordRule
from ivr.journey import Journey
from ringpool.service import PoolService
from softswitch.call.call import Call
from softswitch.call.services import Services
from softswitch.campaign.pauses import Pause, Pauses
from softswitch.control.errors import ControlError, ErrorCode
from softswitch.control.history import EventHistory
from softswitch.control.idempotency import Idempotency
from softswitch.control.number_desk import NumberDesk
from softswitch.control.reloading import Reloads
from softswitch.control.results import ResultDesk
from softswitch.control.session import Caller, Session
from softswitch.control.sounding import Sounds
from softswitch.control.steering import Steering
from softswitch.sip.flow import Flow
from softswitch.switchboard.call_lists import CallLists
from softswitch.switchboard.credit import CreditDesk
from softswitch.switchboard.guards import Guards
from softswitch.switchboard.originate import Originator
from softswitch.switchboard.switchboard import Switchboard
from softswitch.switchboard.trunk_watch import TrunkWatch
from softswitch.traces.tracer import Tracer

__all__ = ["Desk", "KeywordRules", "LogLevels", "PauseDesk", "Tapes"]


class Tapes(Protocol):
    """Where calls are recorded."""

    def start(self, call_id: str) -> str | None:
        """Record from now on; the file. None: it is recorded already, or cannot be."""

    def stop(self, call_id: str) -> bool:
        """Record no more; False when the call is not being recorded."""

    def pause(self, call_id: str, leg: str | None = None, why: str = "asked") -> bool:
        """Record silence from now on; False when the call is not being recorded."""

    def resume(self, call_id: str, leg: str | None = None) -> bool:
        """Record again."""


class LogLevels(Protocol):
    """What is logged."""

    def levels(self) -> dict[str, str]:
        """Levels by logger; of all others under an empty name, of events under `events`."""

    def set(self, name: str, level: str | None) -> bool:
        """Log from a level on; None: as the others. False: there is no such logger."""


class PauseDesk(Protocol):
    """What gets no calls for the time being."""

    pauses: Pauses

    def pause(self, pause: Pause) -> None:
        """Pause something, so that it stays so; raises OSError."""

    def resume(self, campaign: str, destination: str) -> bool:
        """Pause it no longer; False when it is not paused. Raises OSError."""


class KeywordRules(Protocol):
    """Where keywords are listened for."""

    def set_rules(
        self, rules: Sequence[KeywordRule] | None, *, call_id: str = "", campaign: str = ""
    ) -> bool:
        """Listen for these from now on; None: as configured. False: there are too many."""

    def live_rules(
        self, *, call_id: str = "", campaign: str = ""
    ) -> tuple[str, Sequence[KeywordRule]] | None:
        """What is listened for instead of the configuration's, and whose it is: call, campaign."""


@dataclass(slots=True)
class Desk:
    """One for the process."""

    switchboard: Switchboard
    services: Services
    history: EventHistory
    configuration: Callable[[], Configuration]
    """The one that new calls get."""
    version: str = ""
    status_of: dict[str, Callable[[], Any]] = field(default_factory=dict)
    """More to be shown by `status`: a name, and who tells."""
    tapes: Tapes | None = None
    keywords: KeywordRules | None = None
    tracer: Tracer | None = None
    originator: Originator | None = None
    lists: CallLists | None = None
    steering: Steering | None = None
    """Who steers which call."""
    sounds: Sounds | None = None
    """Sounds that were not made ready ahead."""
    guards: Guards | None = None
    """Who may be called from outside."""
    results: ResultDesk | None = None
    """Takes results of calls that are over."""
    logs: LogLevels | None = None
    credit: CreditDesk | None = None
    """Gives calls their places under caps."""
    paused: PauseDesk | None = None
    drain: Callable[[], None] | None = None
    """Begins to drain, as SIGTERM does; does nothing when that has begun."""
    started_clock: float = field(default_factory=time.monotonic)
    holders: dict[str, Session] = field(default_factory=dict)
    """Which connection steers a call, by call id; calls that nobody has taken are not in it."""
    pools: PoolService | None = None
    """None: there is no database."""
    numbers: NumberDesk | None = None
    """Activates and withdraws numbers."""
    trunk_watch: TrunkWatch | None = None
    """Knows how trunks stand."""
    is_connected: Callable[[Flow], bool] | None = None
    """Whether a trunk that connects to us, as by WebSocket, has done so; of all others: yes."""
    reloads: Reloads | None = None
    """Reads the configuration again."""
    idempotency: Idempotency = field(default_factory=Idempotency)
    """Results of requests that may be said again."""

    def call(self, call_id: str, caller: Caller) -> Call:
        """A call that goes on, if whoever asks may see it; raises ControlError."""
        call = self.switchboard.calls.get(call_id)
        if call is None or not caller.identity.sees(call.counts_for.name):
            raise ControlError(ErrorCode.CALL_NOT_FOUND, "there is no such call", call=call_id)
        return call

    def journey(self, call: Call) -> Journey:
        """How a call that goes on is treated; raises ControlError."""
        heeding = self.switchboard.means.heeding
        journey = None if heeding is None else heeding.journey(call.call_id)
        if journey is None:
            raise ControlError(ErrorCode.NOT_SUPPORTED, "the call has no treatment that is known")
        return journey

    def steered(self, call_id: str, caller: Caller) -> Call:
        """A call that goes on and that nobody else steers; raises ControlError."""
        call = self.call(call_id, caller)
        if call.ended:
            raise ControlError(ErrorCode.CALL_ENDED, "the call is over", call=call_id)
        if self.holders.get(call_id, caller.session) is not caller.session:
            raise ControlError(
                ErrorCode.NOT_IN_CONTROL, "another controller steers the call", call=call_id
            )
        return call
