"""The facts of a call, each a frozen typed event in the past tense.

Every fact is emitted once, numbered per call, on the one stream (`softswitch.call.stream`). Log,
journal, record, demo and everything that comes later only subscribe. An event knows nothing of who
reads it, and it carries values only: no leg, no dialog, no socket, so that it can be kept,
replayed or written down.

`at` is UTC in seconds since the epoch, `clock` the monotonic clock in seconds: durations are
differences of `clock`. `kind` is the name under which the outside world knows the event
(``call.presented``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

__all__ = [
    "CallAnswered",
    "CallBridged",
    "CallEnded",
    "CallEvent",
    "CallPresented",
    "CallRecorded",
    "CallRefused",
    "ChoiceMade",
    "DigitPressed",
    "KeyRejected",
    "LegAnswered",
    "LegEnded",
    "LegHeld",
    "LegOriginated",
    "LegProgressed",
    "LegQuality",
    "LegResumed",
    "NoInputReceived",
    "NodeEntered",
    "PromptEnded",
    "PromptStarted",
]


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


class CallPresented(CallEvent, frozen=True, kw_only=True):
    """An INVITE arrived on an active number; nothing has been answered yet."""

    kind = "call.presented"
    leg: str
    trunk: str
    sip_call_id: str
    source: str
    """host:port the INVITE came from."""
    called: str
    """The number as it was dialled."""
    called_number: str
    """The number in canonical form, the key of its binding."""
    caller: str
    """Canonical calling number, known to us also when it is private."""
    signalling: Mapping[str, Any]
    """Identity headers as read: name, private, asserted, charge_number, diversions, history, jip,
    rn, user_agent."""
    campaign: str
    publisher: str | None
    pool: str | None
    parameters: Mapping[str, str]
    config_version: str


class CallRefused(CallEvent, frozen=True, kw_only=True):
    """An INVITE was refused before it was presented: it leaves a log line and a count, no
    record."""

    kind = "call.refused"
    trunk: str | None
    sip_call_id: str
    source: str
    called: str
    caller: str
    status: int
    why: str


class CallAnswered(CallEvent, frozen=True, kw_only=True):
    """The caller's leg was answered by us."""

    kind = "call.answered"
    leg: str
    codec: str | None


class NodeEntered(CallEvent, frozen=True, kw_only=True):
    """The treatment reached a node; the nodes in order are the path of the record."""

    kind = "treatment.node"
    node: str


class PromptStarted(CallEvent, frozen=True, kw_only=True):
    """A prompt began to play."""

    kind = "prompt.started"
    leg: str
    prompt: str
    seconds: float


class PromptEnded(CallEvent, frozen=True, kw_only=True):
    """A prompt ended: played to its end, or cut by a key, an answer or a hang-up."""

    kind = "prompt.ended"
    leg: str
    prompt: str
    completed: bool


class DigitPressed(CallEvent, frozen=True, kw_only=True):
    """A key was heard on a leg."""

    kind = "call.dtmf"
    leg: str
    digit: str
    source: str = "rfc4733"


class ChoiceMade(CallEvent, frozen=True, kw_only=True):
    """A menu took a key (or its default) as the caller's choice."""

    kind = "menu.choice"
    node: str
    key: str
    by_default: bool = False


class KeyRejected(CallEvent, frozen=True, kw_only=True):
    """A menu does not know the key; `count` of them so far."""

    kind = "menu.invalid"
    node: str
    key: str
    count: int


class NoInputReceived(CallEvent, frozen=True, kw_only=True):
    """A menu's question went unanswered; `count` times so far."""

    kind = "menu.no_input"
    node: str
    count: int


class LegOriginated(CallEvent, frozen=True, kw_only=True):
    """An outbound INVITE was sent."""

    kind = "leg.originated"
    leg: str
    trunk: str
    sip_call_id: str
    from_number: str
    to_number: str


class LegProgressed(CallEvent, frozen=True, kw_only=True):
    """The far end of an outbound leg rings or sends early media."""

    kind = "leg.progressed"
    leg: str
    status: int
    early_media: bool


class LegAnswered(CallEvent, frozen=True, kw_only=True):
    """The far end of an outbound leg answered."""

    kind = "leg.answered"
    leg: str
    codec: str | None


class LegHeld(CallEvent, frozen=True, kw_only=True):
    """The far end of a leg put us on hold."""

    kind = "leg.held"
    leg: str


class LegResumed(CallEvent, frozen=True, kw_only=True):
    """The far end of a leg took the call back from hold."""

    kind = "leg.resumed"
    leg: str


class LegQuality(msgspec.Struct, frozen=True):
    """What was received on a leg; zeros where it never had media."""

    packets: int = 0
    lost: int = 0
    jitter_ms: float = 0.0
    packets_sent: int = 0
    dropped: Mapping[str, int] = msgspec.field(default_factory=dict)


class LegEnded(CallEvent, frozen=True, kw_only=True):
    """A leg is over, exactly once for each leg that was presented or originated."""

    kind = "leg.ended"
    leg: str
    status: int
    """The final SIP status of its INVITE: 200 when it was answered."""
    q850: int
    cause: str
    quality: LegQuality
    codec: str | None = None
    """What was sent last; known here also where the answer came only with the ACK."""


class CallBridged(CallEvent, frozen=True, kw_only=True):
    """Two legs hear each other."""

    kind = "call.bridged"
    leg: str
    other_leg: str


class CallEnded(CallEvent, frozen=True, kw_only=True):
    """The call is over; all its legs have ended."""

    kind = "call.ended"
    ended_by: str
    """calling, called or switch."""
    cause: str


class CallRecorded(CallEvent, frozen=True, kw_only=True):
    """The one record of the call was written."""

    kind = "call.record"
    record: Mapping[str, Any]
