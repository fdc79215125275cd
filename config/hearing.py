"""The section hearing: by what means the switch listens, for the process as a whole."""

from collections.abc import Mapping

from config.document import Scalar, Tree
from config.errors import Problems
from config.keywords import ENGINES
from config.kinds import BOOLEAN, FOLDER, duration, integer, one_of, or_off
from config.model import Campaign, Hearing, KeywordRule, Keywords, VoiceActivity, WithoutRecogniser
from config.reading import (
    Fields,
    Key,
    MissingError,
    Reading,
    Section,
    keys_of,
    read_fields,
    shorten,
)
from config.said import phrases_of

__all__ = ["HEARING", "check_words", "read_hearing"]

_WITHOUT_RECOGNISER: tuple[WithoutRecogniser, ...] = ("error", "ignore")
_VOICE_ACTIVITIES: tuple[VoiceActivity, ...] = ("auto", "silero", "webrtc", "energy")


class HearingKeys:
    """Keys of the section `hearing`."""

    VOICE_ACTIVITY = Key(
        "voice_activity",
        one_of(_VOICE_ACTIVITIES),
        "How is told whether somebody speaks, on legs whose speech is listened to. auto: silero "
        "where it is installed, else energy.",
        default="auto",
        example="webrtc",
    )
    ENGINE = Key(
        "engine",
        one_of(ENGINES),
        "Recogniser of campaigns that name none. auto: whisper where it is installed, else vosk "
        "when there is a `model`.",
        default="auto",
        example="vosk",
    )
    MODEL = Key(
        "model",
        FOLDER,
        "Folder of the model, for a recogniser that brings none (vosk).",
        otherwise="none",
        example="/opt/models/vosk-en",
    )
    WITHOUT_RECOGNISER = Key(
        "without_recogniser",
        one_of(_WITHOUT_RECOGNISER),
        "What to do when speech is to be understood (keywords, transcripts, spoken answers) and no "
        "recogniser is installed: refuse to start, or go on without.",
        default="error",
        example="ignore",
    )
    WORKERS = Key(
        "workers",
        integer(1, 64),
        "Processes that recognise speech, at idle priority; each takes one core at most.",
        default="1",
        example="2",
    )
    IN_BAND_DIGITS = Key(
        "in_band_digits",
        BOOLEAN,
        "Whether keys are heard in the sound of legs that do not send them as events.",
        default="true",
        example="false",
    )
    FAX_TONES = Key(
        "fax_tones",
        BOOLEAN,
        "Whether fax tones are listened for.",
        default="true",
        example="false",
    )
    RECORDINGS = Key(
        "recordings",
        FOLDER,
        "Folder of recordings and clips.",
        otherwise="`recordings` in the folder `data` of the switch",
        example="/srv/recordings",
    )
    QUALITY = Key(
        "quality",
        or_off(duration("1 s", "1 h")),
        "How often the quality of a bridged call is told by an event; off: it is in the record "
        "only.",
        default="5 s",
        example="off",
    )


HEARING = Section(
    "hearing",
    "By what means legs are listened to. Everything has a default. What is listened for stands in "
    "campaigns: `keywords`, `transcribe`, `record`, `fax`.",
    keys_of(HearingKeys),
    example="hearing:\n  workers: 2\n  recordings: /srv/recordings",
)


def read_hearing(tree: Tree, reading: Reading) -> Hearing:
    """The section hearing; its defaults where a mistake leaves no value to take."""
    keys = HearingKeys
    try:
        fields = read_fields(tree, HEARING, reading)
    except MissingError:
        return Hearing()
    _check_model(fields, reading)
    _check_recordings(fields, reading)
    return Hearing(
        voice_activity=fields[keys.VOICE_ACTIVITY],
        engine=fields[keys.ENGINE],
        model=fields.get(keys.MODEL),
        without_recogniser=fields[keys.WITHOUT_RECOGNISER],
        workers=fields[keys.WORKERS],
        in_band_digits=fields[keys.IN_BAND_DIGITS],
        fax_tones=fields[keys.FAX_TONES],
        recordings=fields.get(keys.RECORDINGS),
        quality_seconds=fields[keys.QUALITY].value or 0.0,
    )


def _check_recordings(fields: Fields, reading: Reading) -> None:
    """No folder is no place: a variable may be empty."""
    key = HearingKeys.RECORDINGS
    tree = fields.table.entries.get(key.name)
    if isinstance(tree, Scalar) and not tree.text.strip() and not fields.refused(key):
        message = f'"{key.name}" is empty: expected {key.kind.says}'
        reading.problems.add(tree.location, message, "leave it out for the one in the data folder")


def _check_model(fields: Fields, reading: Reading) -> None:
    """A recogniser that brings no model needs one; others have no use for it."""
    keys = HearingKeys
    engine, written = fields[keys.ENGINE], keys.MODEL in fields
    if engine == "vosk" and not written and not fields.refused(keys.MODEL):
        message = "engine: vosk brings no model of its own"
        reading.problems.add(fields.place(keys.ENGINE), message, 'add "model"')
    elif written and engine in ("whisper", "pocketsphinx"):
        message = f"model: {engine} brings its own"
        reading.problems.add(fields.place(keys.MODEL), message, "leave it out, or engine: vosk")
    elif written and not fields[keys.MODEL].is_dir():
        message = f'model: there is no folder "{fields[keys.MODEL]}"'
        reading.problems.add(fields.place(keys.MODEL), message)


def check_words(hearing: Hearing, campaigns: Mapping[str, Campaign], problems: Problems) -> None:
    """Whether there are words that no recogniser of these can hear: but for vosk, whose language is
    its model's, they know English."""
    told: set[int] = set()
    for campaign in campaigns.values():
        keywords = campaign.keywords
        if keywords is None or id(keywords) in told or _any_language(keywords, hearing):
            continue
        told.add(id(keywords))
        for rule in keywords.rules:
            _check_rule(rule, problems)


def _any_language(keywords: Keywords, hearing: Hearing) -> bool:
    engine = hearing.engine if keywords.engine == "auto" else keywords.engine
    return engine == "vosk" or (engine == "auto" and hearing.model is not None)


def _check_rule(rule: KeywordRule, problems: Problems) -> None:
    for phrase in phrases_of(rule.said):
        for word in phrase.words:
            if not any(sign.isascii() for sign in word):
                message = f'keywords: "{shorten(word)}" has no letter that the recogniser knows'
                hint = "it knows English; another language needs engine: vosk and its model"
                problems.add(rule.location, message, hint)
                return
