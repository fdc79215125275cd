"""Prompts: a text, a WAV file or a tone, and what can be seen of a file without knowing audio.

A text with braces is a template: what stands in them is put in for each call.
"""

from pathlib import Path

from config.document import Scalar, Table, Tree
from config.expression import TEMPLATE
from config.kinds import LINE, TEXT, TONE
from config.model import Location, Prompt
from config.reading import (
    Fields,
    Key,
    Kind,
    MissingError,
    Reading,
    RefusedError,
    Section,
    describe,
    keys_of,
    note,
    read_fields,
    section_kind,
    shorten,
)


def _spoken_text(tree: Tree, reading: Reading) -> Prompt:
    """A text, or a template when there are braces in it."""
    text = TEXT.read(tree, reading)
    if "{" not in text and "}" not in text:
        return Prompt(text=text, location=tree.location)
    template = TEMPLATE.read(tree, reading)
    if template.constant is not None:
        return Prompt(text=template.constant, location=tree.location)
    return Prompt(template=template, location=tree.location)


SPOKEN_TEXT = Kind(TEXT.says, _spoken_text, TEXT.schema)


class PromptKeys:
    """Keys of a prompt; exactly one."""

    TEXT = Key(
        "text",
        SPOKEN_TEXT,
        "Text to be spoken. It is synthesised ahead of time and kept. Values of the call stand in "
        "braces, `{binding.keyword}` or `{keyword}`; a brace itself is written twice.",
        example="Please hold.",
    )
    WAV = Key(
        "wav",
        LINE,
        "A WAV file (any rate, PCM, float or G.711), relative to the configuration's folder.",
        example="prompts/welcome.wav",
    )
    TONE = Key("tone", TONE, "A tone: chime, busy, reorder and so on.", example="chime")


PROMPT = Section(
    "a prompt",
    "Something to play: a text, a file or a tone.",
    keys_of(PromptKeys),
    short="its text alone",
    example='prompt: "Please hold."\n# or\nprompt: {wav: prompts/hold.wav}',
)


def prompt_of(fields: Fields, location: Location, reading: Reading) -> Prompt:
    keys = (PromptKeys.TEXT, PromptKeys.WAV, PromptKeys.TONE)
    written = [key.name for key in keys if key.name in fields.table.entries]
    if len(written) != 1:
        told = f"not {' and '.join(written)}" if written else "not nothing"
        message = f"a prompt is one of text, wav and tone, {told}"
        reading.problems.add(location, message)
        raise MissingError("prompt")
    wav = fields.get(PromptKeys.WAV)
    path = None if wav is None else _wav_path(wav, fields.place(PromptKeys.WAV), reading)
    spoken, tone = fields.get(PromptKeys.TEXT), fields.get(PromptKeys.TONE)
    if spoken is None and path is None and tone is None:
        _note_empty(fields, written[0], reading)
        raise MissingError("prompt")
    if spoken is not None:
        return Prompt(text=spoken.text, template=spoken.template, location=location)
    return Prompt(wav=path, tone=tone, location=location)


def _note_empty(fields: Fields, name: str, reading: Reading) -> None:
    tree = fields.table.entries[name]
    if isinstance(tree, Scalar) and tree.absent:
        reading.problems.add(tree.location, f'"{name}" is empty')


def _wav_path(text: str, location: Location, reading: Reading) -> Path:
    path = reading.folder / text
    problem = wav_problem(path)
    if problem is None and reading.media is not None:
        problem = reading.media.wav_problem(path)
    if problem is not None:
        reading.problems.add(location, f"wav: {path}: {problem}")
    return path


def wav_problem(path: Path) -> str | None:
    """What can be seen of a file without knowing audio: is it there, and does it begin like one."""
    try:
        if not path.is_file():
            return "there is no such file" if not path.exists() else "this is not a file"
        with path.open("rb") as file:
            head = file.read(12)
    except (OSError, ValueError) as error:
        return f"it cannot be read: {getattr(error, 'strerror', None) or error}"
    if head[:4] not in (b"RIFF", b"RF64") or head[8:] != b"WAVE":
        return "this is not a WAV file"
    return None


def _read_prompt(tree: Tree, reading: Reading) -> Prompt:
    if isinstance(tree, Scalar):
        return SPOKEN_TEXT.read(tree, reading)
    if not isinstance(tree, Table):
        raise RefusedError(f"expected a prompt, {describe(tree)}")
    return prompt_of(read_fields(tree, PROMPT, reading), tree.location, reading)


PROMPT_KIND = section_kind(PROMPT, _read_prompt)


def read_named_prompt(name: str, tree: Tree, reading: Reading) -> Prompt | None:
    """A prompt of the section prompts."""
    try:
        return PROMPT_KIND.read(tree, reading)
    except RefusedError as error:
        note(reading, error, tree, shorten(name))
    except MissingError:
        pass
    return None
