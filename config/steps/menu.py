"""The step menu."""

from collections.abc import Mapping
from types import MappingProxyType

from config import hints
from config.document import Scalar, Table, Tree
from config.kinds import BOOLEAN, LINE, NAME, duration, integer, list_of
from config.model import Location, Menu, Node
from config.prompts import PROMPT_KIND
from config.reading import (
    Fields,
    Key,
    Kind,
    Reading,
    RefusedError,
    Section,
    describe,
    keys_of,
    note,
    read_fields,
    shorten,
)
from config.steps.lists import STEPS, read_steps
from config.words import words_of

MAX_CHOICES = 10
"""Nobody remembers more of a menu that is spoken; there are ten digits."""
KEYS = "0123456789*#"


def _read_choices(tree: Tree, reading: Reading) -> Mapping[str, tuple[Node, ...]]:
    if not isinstance(tree, Table):
        raise RefusedError(f"expected {CHOICES.says}, {describe(tree)}")
    if not 1 <= len(tree.entries) <= MAX_CHOICES:
        raise RefusedError(f"a menu has 1 to {MAX_CHOICES} choices, not {len(tree.entries)}")
    choices: dict[str, tuple[Node, ...]] = {}
    for key, steps in tree.entries.items():
        if len(key) != 1 or key not in KEYS:
            message = f'"{shorten(key)}" is no key of a telephone (0-9, "*" or "#")'
            reading.problems.add(tree.keys[key].location, message)
        try:
            choices[key] = read_steps(steps, reading)
        except RefusedError as error:
            note(reading, error, steps, f"choice {shorten(key)}")
            choices[key] = ()
    return MappingProxyType(choices)


CHOICES = Kind(
    'a mapping from keys (0-9, "*", "#") to steps',
    _read_choices,
    {**hints.mapping(hints.STEPS), "propertyNames": {"enum": [*KEYS]}, "minProperties": 1},
)


MAX_PHRASES = 20
"""Ways to say one choice; a recogniser that leans to more leans to none."""
MAX_PHRASE_WORDS = 8
"""Nobody says more to a machine."""

KEY_NAMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "0": ("zero", "oh"), "1": ("one",), "2": ("two",), "3": ("three",), "4": ("four",),
        "5": ("five",), "6": ("six",), "7": ("seven",), "8": ("eight",), "9": ("nine",),
        "*": ("star",), "#": ("pound", "hash"),
    }
)  # fmt: skip
"""What a key is called."""

SOUNDS_LIKE: Mapping[str, str] = MappingProxyType(
    {
        "to": "two", "too": "two", "for": "four", "fore": "four", "won": "one", "ate": "eight",
        "oh": "zero", "o": "zero", **{str(digit): names[0] for digit, names in KEY_NAMES.items()},
    }
)  # fmt: skip
"""Words that nobody tells from the name of a digit by ear, or that are written for it."""

_PHRASES = list_of(LINE, most=MAX_PHRASES)

Said = Mapping[str, tuple[str, ...]]


def _read_said(tree: Tree, reading: Reading) -> Said | bool:
    if isinstance(tree, Scalar):
        return BOOLEAN.read(tree, reading)
    if not isinstance(tree, Table):
        raise RefusedError(f"expected {SAID.says}, {describe(tree)}")
    return MappingProxyType(
        {key: _read_phrases(key, phrases, reading) for key, phrases in tree.entries.items()}
    )


def _read_phrases(key: str, tree: Tree, reading: Reading) -> tuple[str, ...]:
    """The phrases for one choice, as they are compared with what was said."""
    found: list[str] = []
    try:
        for phrase in _PHRASES.read(tree, reading):
            words = words_of(phrase)
            if not 1 <= len(words) <= MAX_PHRASE_WORDS:
                hint = f"1 to {MAX_PHRASE_WORDS} words"
                message = f'"{shorten(phrase)}" is nothing that is said'
                reading.problems.add(tree.location, f"say: {message}", hint)
            found.append(" ".join(words))
    except RefusedError as error:
        note(reading, error, tree, f"say {shorten(key)}")
    return tuple(found)


SAID = Kind(
    "true, or a mapping from choices to words and phrases",
    _read_said,
    {"anyOf": [hints.BOOLEAN, hints.mapping(_PHRASES.schema)]},
)


class MenuKeys:
    """Keys of a menu step."""

    PROMPT = Key("prompt", PROMPT_KIND, "The question.", required=True, example='"Press 1 or 2."')
    CHOICES = Key(
        "choices",
        CHOICES,
        "What each key does, 1 to 10 of them. Steps that run out go on after the menu.",
        required=True,
        example='{1: [connect: +1 602 555 1234], "#": hang_up}',
    )
    SAY = Key(
        "say",
        SAID,
        "What may be said instead of pressing a key, by choice. `true`: what the keys are called "
        "(one, two, star). Only where speech is recognised; a key pressed meanwhile wins.",
        otherwise="only keys count",
        example="{1: [one, infant], 2: [two, toddler]}",
    )
    INVALID_LIMIT = Key(
        "invalid_limit",
        integer(1, 20),
        "Wrong keys until the menu gives up; after each one before, the question is played again.",
        default="4",
        example="3",
    )
    TIMEOUT = Key(
        "timeout",
        duration("500 ms", "2 min"),
        "How long to wait for a key after the question.",
        default="5 s",
        example="8 s",
    )
    TIMEOUTS_LIMIT = Key(
        "timeouts_limit",
        integer(0, 20),
        "How often the question is asked again when no key comes; then the menu gives up.",
        default="3",
        example="1",
    )
    INVALID_PROMPT = Key(
        "invalid_prompt",
        PROMPT_KIND,
        "Played after a wrong key, before the question.",
        otherwise="only the question",
        example='"That was not a choice."',
    )
    BARGE_IN = Key(
        "barge_in",
        BOOLEAN,
        "Whether a key is taken while the question still plays.",
        default="true",
        example="false",
    )
    DEFAULT = Key(
        "default",
        NAME,
        "The choice taken when the menu gives up.",
        otherwise="the call ends",
        example="2",
    )
    ON_NO_INPUT = Key(
        "on_no_input",
        STEPS,
        "Steps taken when no key came at all and there is no default.",
        otherwise="the call ends",
        example='[play: "Good bye."]',
    )


MENU = Section(
    "menu",
    "Asks for one key, answering the call first, and follows its steps.",
    keys_of(MenuKeys),
    example='- menu:\n    prompt: "For sales press 1, for support press 2."\n'
    "    choices:\n      1: [connect: +1 602 555 1234]\n"
    '      2:\n        - play: "Please hold."\n        - connect: +1 602 555 9999',
)


def read_menu(name: str, tree: Tree, location: Location, reading: Reading) -> Node:
    keys = MenuKeys
    fields = read_fields(tree, MENU, reading)
    default = fields.get(keys.DEFAULT)
    choices = fields[keys.CHOICES]
    if default is not None and default not in choices:
        message = f"default: {shorten(default)} is none of the choices {', '.join(choices)}"
        reading.problems.add(fields.place(keys.DEFAULT), message)
    if default is not None and keys.ON_NO_INPUT in fields:
        message = "on_no_input is never reached: the default is taken when no key comes"
        reading.problems.add(fields.place(keys.ON_NO_INPUT), message)
    return Menu(
        name=name,
        prompt=fields[keys.PROMPT],
        choices=choices,
        invalid_limit=fields[keys.INVALID_LIMIT],
        timeout_seconds=fields[keys.TIMEOUT],
        timeouts_limit=fields[keys.TIMEOUTS_LIMIT],
        invalid_prompt=fields.get(keys.INVALID_PROMPT),
        barge_in=fields[keys.BARGE_IN],
        default=default,
        on_no_input=fields.get(keys.ON_NO_INPUT) or (),
        spoken=_spoken(fields, reading),
        location=location,
    )


def _doubt(phrase: str, key: str, before: str, other: str) -> str:
    if phrase == before:
        return f'say: "{shorten(phrase)}" stands for {other} and for {key}'
    return f'say: "{shorten(phrase)}" for {key} sounds like "{shorten(before)}" for {other}'


def _spoken(fields: Fields, reading: Reading) -> Said:
    """What may be said for each choice, without doubt about which is meant."""
    choices = fields[MenuKeys.CHOICES]
    said = fields.get(MenuKeys.SAY)
    if not said:
        return MappingProxyType({})
    if said is True:
        return MappingProxyType({key: KEY_NAMES[key] for key in choices if key in KEY_NAMES})
    place = fields.place(MenuKeys.SAY)
    meant: dict[str, tuple[str, str]] = {}
    for key, phrases in said.items():
        if key not in choices:
            message = f"say: {shorten(key)} is none of the choices {', '.join(choices)}"
            reading.problems.add(place, message)
        for phrase in phrases:
            sound = " ".join(SOUNDS_LIKE.get(word, word) for word in phrase.split())
            other, before = meant.setdefault(sound, (key, phrase))
            if other != key:
                message = _doubt(phrase, key, before, other)
                reading.problems.add(place, message)
    return said
