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
from typing import Any

import msgspec

from softswitch.call.admission_events import AdmissionClosed, AdmissionOpened
from softswitch.call.company_events import (
    ConferenceJoined,
    ConferenceLeft,
    ConferenceMuted,
    MonitorChanged,
    MonitorEnded,
    MonitorStarted,
)
from softswitch.call.configuration_events import (
    ConfigRefused,
    ConfigReloaded,
    NumberActivated,
    NumberWithdrawn,
)
from softswitch.call.control_events import (
    CallerIdChanged,
    CapPaused,
    CapResumed,
    LegPutOnHold,
    LegTakenOffHold,
)
from softswitch.call.event import CallEvent
from softswitch.call.fax_events import FaxRelayed, FaxRelayEnded, FaxRelayRefused
from softswitch.call.heard_events import (
    AnswerHeard,
    BeepHeard,
    ClipSaved,
    FaxHeard,
    HearingDegraded,
    KeywordHeard,
    MachineJudged,
    NoiseRose,
    ProgressHeard,
    QualityMeasured,
    RecordingDiscarded,
    RecordingFailed,
    RecordingPaused,
    RecordingResumed,
    RecordingSaved,
    RecordingStarted,
    SpeechHeard,
    SpeechUnheard,
    TalkMeasured,
    TranscriptAdded,
    TreatmentChanged,
)
from softswitch.call.list_events import ListEnded, ListStarted, OptedOut
from softswitch.call.machine_events import (
    CertificateExpiring,
    ClockStepped,
    DiskFailed,
    DiskRecovered,
)
from softswitch.call.result_events import ResultPosted
from softswitch.call.spend_events import SpendReached
from softswitch.call.steering_events import CallOffered, CallReleased, CallTaken, CallUnbridged
from softswitch.call.transfer_events import (
    LegRedirected,
    LegReplaced,
    TransferAwaited,
    TransferReceived,
    TransferRefused,
)
from softswitch.call.trunk_events import (
    SourceBanned,
    TrunkDown,
    TrunkRegistered,
    TrunkUnregistered,
    TrunkUp,
)

__all__ = [
    "AdmissionClosed",
    "AdmissionOpened",
    "AnswerGiven",
    "AnswerHeard",
    "AttributesSet",
    "BeepHeard",
    "CallAnswered",
    "CallBridged",
    "CallEnded",
    "CallEvent",
    "CallOffered",
    "CallPaid",
    "CallPresented",
    "CallRated",
    "CallRecorded",
    "CallRefused",
    "CallReleased",
    "CallTaken",
    "CallUnbridged",
    "CallerIdChanged",
    "CallerIdStored",
    "CampaignChosen",
    "CapPaused",
    "CapReached",
    "CapResumed",
    "CertificateExpiring",
    "ChoiceMade",
    "ClipSaved",
    "ClockStepped",
    "ConferenceJoined",
    "ConferenceLeft",
    "ConferenceMuted",
    "ConfigRefused",
    "ConfigReloaded",
    "DecisionMade",
    "DestinationsChosen",
    "DigitPressed",
    "DiskFailed",
    "DiskRecovered",
    "FaxHeard",
    "FaxRelayEnded",
    "FaxRelayRefused",
    "FaxRelayed",
    "FraudDetected",
    "HearingDegraded",
    "KeyRejected",
    "KeywordHeard",
    "LegAccepted",
    "LegAnswered",
    "LegDeclined",
    "LegEnded",
    "LegHeld",
    "LegOriginated",
    "LegProgressed",
    "LegPutOnHold",
    "LegQuality",
    "LegRedirected",
    "LegReplaced",
    "LegResumed",
    "LegTakenOffHold",
    "ListEnded",
    "ListStarted",
    "LookupAnswered",
    "MachineJudged",
    "MonitorChanged",
    "MonitorEnded",
    "MonitorStarted",
    "NoInputReceived",
    "NodeEntered",
    "NoiseRose",
    "NumberActivated",
    "NumberWithdrawn",
    "OptedOut",
    "PoolExhausted",
    "ProgressHeard",
    "PromptEnded",
    "PromptStarted",
    "QualityMeasured",
    "RecordingDiscarded",
    "RecordingFailed",
    "RecordingPaused",
    "RecordingResumed",
    "RecordingSaved",
    "RecordingStarted",
    "ResultPosted",
    "SmsRequested",
    "SourceBanned",
    "SpeechHeard",
    "SpeechUnheard",
    "SpendReached",
    "TalkMeasured",
    "TranscriptAdded",
    "TransferAwaited",
    "TransferEnded",
    "TransferReceived",
    "TransferRefused",
    "TransferRequested",
    "TreatmentChanged",
    "TrunkDown",
    "TrunkRegistered",
    "TrunkUnregistered",
    "TrunkUp",
    "VariableSet",
]


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
    line_info, dialled (where the trunk writes the number called in another form),
    rn, user_agent, and identity: how the caller's signature was verified, where the trunk wants to
    know."""
    campaign: str
    publisher: str | None
    pool: str | None
    parameters: Mapping[str, str]
    config_version: str
    binding: str | None = None
    """Which binding of an allocated number it is."""
    owner: str | None = None
    """Whose allocation it was."""
    overflow: bool = False
    """Whether the number is the one given when the pool had run out."""
    late: bool = False
    """Whether the number has another binding by now; this one was in force when it was seen."""
    syndicated: Mapping[str, Any] | None = None
    """campaign and publisher of the original, when this campaign is a syndicated one."""
    direction: str = "inbound"
    """inbound, or outbound: a call of our own making. Then `caller` is whom leg a calls, and
    `called` whom the call is to reach for them."""


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
    user: str | None = None
    """For whom wrong credentials, or a proxy's wrong mark, spoke."""


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
    """A menu took a key (or what was said for it, or its default) as the caller's choice."""

    kind = "menu.choice"
    node: str
    key: str
    by_default: bool = False
    spoken: bool = False
    """Whether it was said."""


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
    srtp: str | None = None
    """The suite by which its sound was encrypted, `, then plain` behind it where the far end wanted
    that in mid-call; None: it was not."""
    detail: str | None = None
    """Why its INVITE got nowhere, where the cause is `transport`: trunk, transport, host and port,
    and what happened there."""


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


# Decisions, and what they rest on. Values are plain: text, numbers as text, truth, lists, None.


class DecisionMade(CallEvent, frozen=True, kw_only=True):
    """An expression or table decided something: enough to decide it again from the record."""

    kind = "call.decision"
    about: str
    """What was decided: blocked, hours, region, condition, destination, campaign, cap, rating,
    payout, fraud, attribute, valid."""
    rule: str
    """Whose: the node, cap, rule or destination."""
    expression: str
    """Its text, or the name of the table that was asked."""
    inputs: Mapping[str, Any]
    """Facts by name, and functions by their call, with the values they had."""
    result: Any


class AttributesSet(CallEvent, frozen=True, kw_only=True):
    """The campaign's attributes were computed."""

    kind = "call.attributes"
    values: Mapping[str, Any]


class AnswerGiven(CallEvent, frozen=True, kw_only=True):
    """The caller answered an ask; the value of a secret one is empty."""

    kind = "call.answer"
    node: str
    value: str
    secret: bool = False
    by_default: bool = False
    remembered: bool = False


class VariableSet(CallEvent, frozen=True, kw_only=True):
    """A treatment computed a value."""

    kind = "call.variable"
    node: str
    name: str
    value: Any


class LookupAnswered(CallEvent, frozen=True, kw_only=True):
    """A remote look-up answered, in time or by its defaults."""

    kind = "lookup.answered"
    node: str
    ok: bool
    cached: bool
    seconds: float
    fields: Mapping[str, Any]
    why: str = ""
    """Why it is not ok."""


class CampaignChosen(CallEvent, frozen=True, kw_only=True):
    """The call goes on for another campaign: chosen by distribution."""

    kind = "call.campaign"
    node: str
    campaign: str
    policy: str


class DestinationsChosen(CallEvent, frozen=True, kw_only=True):
    """The destinations of a connect, in the order they are tried."""

    kind = "call.destinations"
    node: str
    policy: str
    destinations: tuple[str, ...]
    inputs: Mapping[str, Any]
    """What the order rests on: weights drawn, prices, distances, rates."""


class LegAccepted(CallEvent, frozen=True, kw_only=True):
    """The called party pressed the key that takes the call."""

    kind = "leg.accepted"
    leg: str


class LegDeclined(CallEvent, frozen=True, kw_only=True):
    """The called party did not take the call."""

    kind = "leg.declined"
    leg: str
    why: str


class CallerIdStored(CallEvent, frozen=True, kw_only=True):
    """A leg shows a number that stands for this call alone."""

    kind = "leg.caller_id"
    leg: str
    caller_id: str


class CallRated(CallEvent, frozen=True, kw_only=True):
    """The rating of the call is, or has become, this."""

    kind = "call.rating"
    rating: str
    """high, medium, low, or 1-100."""
    score: int
    """1-100; high is 90, medium 50, low 10."""
    rule: str


class CallPaid(CallEvent, frozen=True, kw_only=True):
    """What the call earns, computed at its end."""

    kind = "call.payout"
    amount: str
    currency: str
    rules: tuple[Mapping[str, Any], ...]
    """Each rule that counted: name and amount."""


class CapReached(CallEvent, frozen=True, kw_only=True):
    """A call would exceed a cap."""

    kind = "cap.reached"
    cap: str
    campaign: str
    scope: str
    """Whose count: the campaign's, publisher's or destination's name."""
    limit: str
    why: str = ""
    """`database away` when only the credit held could be used."""


class FraudDetected(CallEvent, frozen=True, kw_only=True):
    """A threshold was crossed: calls that follow are rejected for a while."""

    kind = "fraud.detected"
    rule: str
    who: str
    value: str
    seconds: float


class SmsRequested(CallEvent, frozen=True, kw_only=True):
    """A text message is to be sent."""

    kind = "sms.requested"
    to: str
    text: str


class TransferRequested(CallEvent, frozen=True, kw_only=True):
    """A leg's side was asked by REFER to call elsewhere."""

    kind = "transfer.requested"
    leg: str
    to: str
    """Where to; of a leg of another call, the number of its party."""
    attended: bool = False
    """Whether it is to take over (Replaces) the dialog of a leg of another call."""
    other_call: str | None = None
    """That call."""
    other_leg: str | None = None


class TransferEnded(CallEvent, frozen=True, kw_only=True):
    """What became of a REFER, ours or the peer's: the final status, or why there is none. Of one to
    a leg of another call, both calls tell it."""

    kind = "transfer.ended"
    leg: str
    ok: bool
    status: int
    """The last that was told, of the new call or of the REFER itself."""
    why: str = ""
    """Empty, or: refused (the REFER), failed (the new call), timeout, untold (the peer took it, and
    said that it would tell nothing), hung_up (a party, or the switch, has ended the call),
    other_ended (that it was sent to did), given_up (the call went another way), not_possible."""


class PoolExhausted(CallEvent, frozen=True, kw_only=True):
    """A pool had no number to give but its overflow number. `call_id` is empty."""

    kind = "pool.exhausted"
    pool: str
    overflow: str | None
