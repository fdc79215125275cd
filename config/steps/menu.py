"""The step menu."""

from collections.abc import Mapping
from types import MappingProxyType

from config import hints
from config.document import Table, Tree
from config.kinds import BOOLEAN, NAME, duration, integer
from config.model import Location, Menu, Node
from config.prompts import PROMPT_KIND
from config.reading import (
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

MAX_CHOICES = 10
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
        location=location,
    )
