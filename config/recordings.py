"""How calls of a campaign are recorded."""

from config import hints
from config.document import Scalar, Tree
from config.kinds import BOOLEAN, duration, one_of
from config.model import Recording, SampleFormat
from config.reading import (
    Key,
    Reading,
    RefusedError,
    Section,
    keys_of,
    read_fields,
    section_kind,
)

__all__ = ["RECORDING", "RECORDING_KIND"]

_FORMATS: tuple[SampleFormat, ...] = ("pcm", "ulaw")


class RecordingKeys:
    """Keys of a recording."""

    MINIMUM = Key(
        "minimum",
        duration("0 s", "1 h"),
        "A recording that is shorter is deleted.",
        default="0 s",
        example="5 s",
    )
    FORMAT = Key(
        "format",
        one_of(_FORMATS),
        "Samples of 16 bits, or mu-law: half the size.",
        default="pcm",
        example="ulaw",
    )


RECORDING = Section(
    "a recording",
    "One WAV file a call, the caller on the left, the called party on the right, from the answer "
    "to the end. Say so to the caller by `notice`.",
    keys_of(RecordingKeys),
    short="true, or false",
    short_schema=hints.BOOLEAN,
    example="record: true\n# or\nrecord: {minimum: 5 s, format: ulaw}",
)


def _read_recording(tree: Tree, reading: Reading) -> Recording | None:
    if isinstance(tree, Scalar):
        return Recording(location=tree.location) if _truth(tree, reading) else None
    fields = read_fields(tree, RECORDING, reading)
    return Recording(
        fields[RecordingKeys.MINIMUM], fields[RecordingKeys.FORMAT], location=tree.location
    )


def _truth(tree: Scalar, reading: Reading) -> bool:
    try:
        return BOOLEAN.read(tree, reading)
    except RefusedError as error:
        error.suggestion = _meant(tree, reading)
        raise


def _meant(tree: Scalar, reading: Reading) -> str:
    """The settings, written as such; a time alone is the least that is kept."""
    minimum = RecordingKeys.MINIMUM
    try:
        minimum.kind.read(tree, reading)
    except RefusedError:
        return "settings stand in braces: record: {minimum: 5 s}"
    return f"record: {{{minimum.name}: {tree.text.strip()}}}"


RECORDING_KIND = section_kind(RECORDING, _read_recording)
