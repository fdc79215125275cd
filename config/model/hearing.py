"""What is listened for on a call's legs, what is kept of it, and the means of hearing."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from config.model.values import NOWHERE, Location

KeywordSide = Literal["caller", "agent", "any"]
Variant = Literal["stem", "plural", "homophones"]
SpeechEngine = Literal["auto", "whisper", "vosk", "pocketsphinx"]
SpeechMode = Literal["rolling", "segment"]
WithoutRecogniser = Literal["error", "ignore"]
VoiceActivity = Literal["auto", "silero", "webrtc", "energy"]
SampleFormat = Literal["pcm", "ulaw"]

ALL_VARIANTS: frozenset[Variant] = frozenset(("stem", "plural", "homophones"))


# What is said: a small language over words.


@dataclass(frozen=True, slots=True)
class Phrase:
    """One or more words in a row."""

    words: tuple[str, ...]
    """Normalised: lower case, letters, digits and apostrophes. 1 to 12."""


@dataclass(frozen=True, slots=True)
class AllSaid:
    """Each of them was said, in any order."""

    parts: "tuple[Said, ...]"


@dataclass(frozen=True, slots=True)
class AnySaid:
    """One of them was said."""

    parts: "tuple[Said, ...]"


@dataclass(frozen=True, slots=True)
class NotSaid:
    """It was not said: known when the leg ends. Only beside something that must be said."""

    part: "Said"


@dataclass(frozen=True, slots=True)
class NearSaid:
    """Both phrases were said within so many seconds of each other."""

    first: Phrase
    second: Phrase
    seconds: float
    """0.5-600."""


@dataclass(frozen=True, slots=True)
class CountSaid:
    """It was said at least so often."""

    phrase: Phrase
    times: int
    """2-100."""


Said = Phrase | AllSaid | AnySaid | NotSaid | NearSaid | CountSaid


@dataclass(frozen=True, slots=True)
class KeywordRule:
    """What is listened for. A phrase, or one of several, is a hit each time it is said; any other
    rule is one when it comes true."""

    name: str
    said: Said
    text: str
    """As it was written."""
    side: KeywordSide = "any"
    """Whose words count; `any`: either leg, each for itself."""
    first_seconds: float | None = None
    """Only what is said so soon after the leg was answered."""
    last_seconds: float | None = None
    """Only what is said in the last so many seconds before the leg ends: known at its end."""
    weight: int = 1
    """Share in the call's keyword score. -100 to 100."""
    variants: frozenset[Variant] = ALL_VARIANTS
    """Which forms of a word count as the word."""
    confidence: float = 0.3
    """Least confidence of a hit, 0 to 1. The default is where bench-hearing has its figures."""
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Keywords:
    """Keyword spotting on the calls of a campaign."""

    rules: tuple[KeywordRule, ...]
    mode: SpeechMode = "rolling"
    """rolling: windows while somebody speaks (fast); segment: at the end of what was said
    (cheap). Under load rolling becomes segment, and the event says so."""
    engine: SpeechEngine = "auto"
    """None of its own: the switch's."""
    hint: bool = False
    """Whether the recogniser is told the words: more hits in noise, and more false alarms."""
    clip_seconds: float = 5.0
    """Kept before and after a hit. 0: no clip. 0-30."""
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Recording:
    """How calls are recorded: one WAV file a call, the caller left, the called party right."""

    minimum_seconds: float = 0.0
    """A shorter one is deleted. 0-3600."""
    sample_format: SampleFormat = "pcm"
    """16-bit samples, or mu-law: half the size."""
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Machine:
    """Whether a person or a machine answered, judged before the called party is connected."""

    then: Literal["bridge", "decline", "message"] = "decline"
    """With a machine: connect all the same, try the next destination, or wait for the beep and
    leave the connect's `message`."""
    within_seconds: float = 4.0
    """Undecided by then: a person. 1-30."""
    beep_seconds: float = 30.0
    """How long to wait for the beep. 1-120."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """The section hearing: what belongs to the process as a whole."""

    voice_activity: VoiceActivity = "auto"
    """auto: silero where it is installed and speech is listened to, else energy."""
    engine: SpeechEngine = "auto"
    """Recogniser. auto: whisper where it is installed, else vosk with a model, else none."""
    model: Path | None = None
    """Folder of the model, for engines that bring none (vosk)."""
    without_recogniser: WithoutRecogniser = "error"
    """When speech is to be understood and no recogniser is installed: refuse to start, or go on
    without."""
    workers: int = 1
    """Processes that recognise speech, at idle priority. 1-64."""
    in_band_digits: bool = True
    """Whether keys are heard in the sound of legs that sent none as events."""
    fax_tones: bool = True
    """Whether fax tones are listened for."""
    recordings: Path | None = None
    """Folder of recordings and clips. None: `recordings` in the data folder."""
    quality_seconds: float = 5.0
    """How often the quality of a bridged call is told. 1-3600; 0: only in the record."""
