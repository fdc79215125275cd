"""The desk: what the methods of the control socket work on.

Filled by the composition root. A part that a switch does not have is None; a method that needs it
says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from config.model import Configuration
from softswitch.call.call import Call
from softswitch.call.services import Services
from softswitch.control.errors import ControlError, ErrorCode
from softswitch.control.history import EventHistory
from softswitch.control.session import Caller
from softswitch.switchboard.switchboard import Switchboard

__all__ = ["Desk"]


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
    drain: Callable[[], None] | None = None
    """Begins to drain, as SIGTERM does."""
    started_clock: float = field(default_factory=time.monotonic)

    def call(self, call_id: str, caller: Caller) -> Call:
        """A call that goes on, if whoever asks may see it; raises ControlError."""
        call = self.switchboard.calls.get(call_id)
        if call is None or not caller.identity.sees(call.counts_for.name):
            raise ControlError(ErrorCode.CALL_NOT_FOUND, "there is no such call", call=call_id)
        return call
