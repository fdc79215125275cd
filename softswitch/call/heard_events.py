"""What is heard on a call's legs, as events: tones, voices, words, recordings, quality.

Times within a call (`start`, `end`) are seconds since it was received. Everybody imports these from
`softswitch.call.events`, where all events are.
"""

from __future__ import annotations

from softswitch.call.event import CallEvent

__all__ = [
    "AnswerHeard",
    "BeepHeard",
    "ClipSaved",
    "FaxHeard",
    "HearingDegraded",
    "KeywordHeard",
    "MachineJudged",
    "NoiseRose",
    "ProgressHeard",
    "QualityMeasured",
    "RecordingDiscarded",
    "RecordingFailed",
    "RecordingPaused",
    "RecordingResumed",
    "RecordingSaved",
    "RecordingStarted",
    "SpeechHeard",
    "SpeechUnheard",
    "TalkMeasured",
    "TranscriptAdded",
    "TreatmentChanged",
]


class FaxHeard(CallEvent, frozen=True, kw_only=True):
    """A fax tone on a leg."""

    kind = "call.fax"
    leg: str
    tone: str
    """cng (a calling machine), ced or ansam (an answering one; ansam: a modem's, with phase
    reversals)."""


class ProgressHeard(CallEvent, frozen=True, kw_only=True):
    """A call progress tone on an outbound leg that is not answered yet."""

    kind = "leg.tone"
    leg: str
    tone: str
    """ringback, busy, reorder, sit, silence."""


class MachineJudged(CallEvent, frozen=True, kw_only=True):
    """Who answered an outbound leg."""

    kind = "call.machine"
    leg: str
    verdict: str
    """human, machine, unknown."""
    seconds: float
    """From the answer to the verdict."""
    why: str


class BeepHeard(CallEvent, frozen=True, kw_only=True):
    """An answering machine's beep: it records from here on."""

    kind = "call.beep"
    leg: str


class SpeechHeard(CallEvent, frozen=True, kw_only=True):
    """Somebody has said something: told at its end, where speech is listened to. Times are
    seconds since the call was received."""

    kind = "call.speech"
    leg: str
    start: float
    end: float


class NoiseRose(CallEvent, frozen=True, kw_only=True):
    """The noise on a leg is much louder than before."""

    kind = "call.noise"
    leg: str
    level_dbfs: float
    before_dbfs: float


class KeywordHeard(CallEvent, frozen=True, kw_only=True):
    """A keyword rule has come true. Times are seconds since the call was received."""

    kind = "call.keyword"
    leg: str
    side: str
    """caller or agent."""
    rule: str
    text: str
    """The words as they were recognised."""
    start: float
    end: float
    confidence: float
    weight: int
    mode: str
    """rolling or segment: how it was found."""
    engine: str
    clip: str | None
    """File that what was said around it will be in; `keyword.clip` tells when it is."""
    phrases: tuple[str, ...] = ()
    """The phrases of the rule that were found, as the rule has them."""


class ClipSaved(CallEvent, frozen=True, kw_only=True):
    """What was said around a keyword is on disk; why not, when it is not."""

    kind = "keyword.clip"
    leg: str
    rule: str
    path: str
    ok: bool
    why: str = ""


class TranscriptAdded(CallEvent, frozen=True, kw_only=True):
    """A stretch of speech, written down. Times are seconds since the call was received."""

    kind = "call.transcript"
    leg: str
    side: str
    start: float
    end: float
    text: str


class SpeechUnheard(CallEvent, frozen=True, kw_only=True):
    """A stretch of a leg that was to be understood was not. Times are seconds since the call was
    received."""

    kind = "call.unheard"
    leg: str
    start: float
    end: float
    why: str
    """overload, lost (the recogniser had no time for it, or failed), late (the last words of a leg
    took too long), no recogniser."""


class AnswerHeard(CallEvent, frozen=True, kw_only=True):
    """What a caller said to a question; empty when it was not understood, or is secret."""

    kind = "call.said"
    leg: str
    text: str
    meaning: str | None
    confidence: float


class HearingDegraded(CallEvent, frozen=True, kw_only=True):
    """More is to be heard than there is time for: what is left out, or no more. `call_id` is
    empty."""

    kind = "hearing.degraded"
    level: int
    """0: everything is heard again."""
    left_out: tuple[str, ...]
    why: str


class RecordingStarted(CallEvent, frozen=True, kw_only=True):
    """The call is being recorded."""

    kind = "recording.started"
    path: str


class RecordingPaused(CallEvent, frozen=True, kw_only=True):
    """From here on silence is recorded in place of what is said; `why`: asked, or secret."""

    kind = "recording.paused"
    path: str
    leg: str | None
    """None: both."""
    why: str


class RecordingResumed(CallEvent, frozen=True, kw_only=True):
    """What is said is recorded again."""

    kind = "recording.resumed"
    path: str
    leg: str | None


class RecordingSaved(CallEvent, frozen=True, kw_only=True):
    """The recording is whole and on disk."""

    kind = "recording.saved"
    path: str
    sha256: str
    seconds: float
    size: int


class RecordingDiscarded(CallEvent, frozen=True, kw_only=True):
    """The recording was shorter than the campaign keeps; its file is gone."""

    kind = "recording.discarded"
    path: str
    seconds: float


class RecordingFailed(CallEvent, frozen=True, kw_only=True):
    """The recording has ended before the call; what is on disk is kept, with its hash."""

    kind = "recording.failed"
    path: str
    why: str
    sha256: str | None = None
    seconds: float = 0.0


class QualityMeasured(CallEvent, frozen=True, kw_only=True):
    """How a leg sounds. `mos` is what we hear of it; `mos_far` what it hears of us, None while its
    RTCP has not told."""

    kind = "call.quality"
    leg: str
    mos: float
    mos_far: float | None
    loss: float
    """Share of packets lost since the last time, 0 to 1."""
    burst_ratio: float
    jitter_ms: float
    round_trip_ms: float | None
    last: bool = False
    """Whether it is the leg's whole life, told at its end."""


class TalkMeasured(CallEvent, frozen=True, kw_only=True):
    """How much was said on a leg, told at its end."""

    kind = "leg.talk"
    leg: str
    talk_seconds: float
    silence_seconds: float
    double_talk_seconds: float
    """While the other leg talked too."""


class TreatmentChanged(CallEvent, frozen=True, kw_only=True):
    """The call goes on in another treatment."""

    kind = "treatment.changed"
    treatment: str
    why: str
