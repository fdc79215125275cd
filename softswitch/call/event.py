"""What every event of a call has. What the events are is in `softswitch.call.events`."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

__all__ = ["CallEvent"]


class CallEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What every event has: whose it is, its place in the call, and when it happened."""

    kind: ClassVar[str] = ""
    call_id: str
    number: int
    """Place in the call, from 1, without gaps."""
    at: float
    clock: float

    def facts(self) -> dict[str, Any]:
        """What this event says beyond the common fields, by name, in the order of declaration."""
        return {name: getattr(self, name) for name in self.__struct_fields__[_COMMON:]}


_COMMON = 4
"""Fields that all events have; a struct lists those of its base first."""
