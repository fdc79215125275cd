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
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

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


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEvent:
    """What every event has: whose it is, its place in the call, and when it happened."""

    kind: ClassVar[str] = ""
    call_id: str
    number: int
    """Place in the call, from 1, without gaps."""
    at: float
    clock: float

    def facts(self) -> dict[str, Any]:
        """What this event says beyond the common fields, by name, in the order of declaration."""
        return {name: getattr(self, name) for name in _own_fields(type(self))}


_OWN_FIELDS: dict[type[CallEvent], tuple[str, ...]] = {}
_COMMON = frozenset(("call_id", "number", "at", "clock"))


def _own_fields(kind: type[CallEvent]) -> tuple[str, ...]:
    known = _OWN_FIELDS.get(kind)
    if known is None:
        known = tuple(f.name for f in fields(kind) if f.name not in _COMMON)
        _OWN_FIELDS[kind] = known
    return known


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPresented(CallEvent):
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


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRefused(CallEvent):
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


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAnswered(CallEvent):
    """The caller's leg was answered by us."""

    kind = "call.answered"
    leg: str
    codec: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeEntered(CallEvent):
    """The treatment reached a node; the nodes in order are the path of the record."""

    kind = "treatment.node"
    node: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptStarted(CallEvent):
    """A prompt began to play."""

    kind = "prompt.started"
    leg: str
    prompt: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptEnded(CallEvent):
    """A prompt ended: played to its end, or cut by a key, an answer or a hang-up."""

    kind = "prompt.ended"
    leg: str
    prompt: str
    completed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DigitPressed(CallEvent):
    """A key was heard on a leg."""

    kind = "call.dtmf"
    leg: str
    digit: str
    source: str = "rfc4733"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceMade(CallEvent):
    """A menu took a key (or its default) as the caller's choice."""

    kind = "menu.choice"
    node: str
    key: str
    by_default: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRejected(CallEvent):
    """A menu does not know the key; `count` of them so far."""

    kind = "menu.invalid"
    node: str
    key: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NoInputReceived(CallEvent):
    """A menu's question went unanswered; `count` times so far."""

    kind = "menu.no_input"
    node: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LegOriginated(CallEvent):
    """An outbound INVITE was sent."""

    kind = "leg.originated"
    leg: str
    trunk: str
    sip_call_id: str
    from_number: str
    to_number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LegProgressed(CallEvent):
    """The far end of an outbound leg rings or sends early media."""

    kind = "leg.progressed"
    leg: str
    status: int
    early_media: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LegAnswered(CallEvent):
    """The far end of an outbound leg answered."""

    kind = "leg.answered"
    leg: str
    codec: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LegHeld(CallEvent):
    """The far end of a leg put us on hold."""

    kind = "leg.held"
    leg: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LegResumed(CallEvent):
    """The far end of a leg took the call back from hold."""

    kind = "leg.resumed"
    leg: str


@dataclass(frozen=True, slots=True)
class LegQuality:
    """What was received on a leg; zeros where it never had media."""

    packets: int = 0
    lost: int = 0
    jitter_ms: float = 0.0
    packets_sent: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LegEnded(CallEvent):
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


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBridged(CallEvent):
    """Two legs hear each other."""

    kind = "call.bridged"
    leg: str
    other_leg: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnded(CallEvent):
    """The call is over; all its legs have ended."""

    kind = "call.ended"
    ended_by: str
    """calling, called or switch."""
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecorded(CallEvent):
    """The one record of the call was written."""

    kind = "call.record"
    record: Mapping[str, Any]
