"""The section treatments: the five kinds of step, and how steps nest.

A treatment is a list of steps, a step a mapping with one key that says what it does, and optionally
`name`. Steps nest (a menu's choices, what follows a failure); how they run is told in
`config.model`. Jumps are checked by `config.references`, which sees whole treatments.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from config.destinations import DESTINATION_KIND, RING_TIME
from config.document import Scalar, Sequence, Table, Tree
from config.errors import did_you_mean
from config.kinds import BOOLEAN, CALLER_ID, NAME, REFUSAL, TONE_PLAN, duration, integer, list_of
from config.model import Connect, Goto, HangUp, Location, Menu, Node, Play, Treatment
from config.prompts import PROMPT_KIND, PromptKeys, prompt_of
from config.reading import (
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
    shorten,
)

MAX_STEPS = 20_000
"""Steps in all treatments together: aliases could otherwise unfold a small file without end."""
MAX_NESTING = 20
"""Menus within menus; nobody finds the way back out of more."""
MAX_CHOICES = 10
KEYS = "0123456789*#"

_STEP_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}\Z")
_DERIVED_NAME = re.compile(r"(?:play|menu|connect|hang_up|goto)-[0-9]+\Z")
_MAX_TIME = duration("1 s", "24 h")


# Lists of steps.


def _read_steps(tree: Tree, reading: Reading) -> tuple[Node, ...]:
    """A list of steps, or one step without a list. Steps with mistakes are left out."""
    items = tree.items if isinstance(tree, Sequence) else [tree]
    if not items:
        raise RefusedError("expected at least one step")
    if reading.depth >= MAX_NESTING:
        raise RefusedError(f"steps are nested more than {MAX_NESTING} deep")
    reading.depth += 1
    try:
        nodes = [_read_step(item, reading) for item in items]
    finally:
        reading.depth -= 1
    return tuple(node for node in nodes if node is not None)


STEPS = Kind("a list of steps", _read_steps)


def _read_step(tree: Tree, reading: Reading) -> Node | None:
    reading.steps += 1
    if reading.steps > MAX_STEPS:
        raise RefusedError(f"more than {MAX_STEPS} steps in all", location=tree.location)
    try:
        return _build_step(tree, reading)
    except RefusedError as error:
        note(reading, error, tree, "step")
    except MissingError:
        pass
    return None


def _build_step(tree: Tree, reading: Reading) -> Node:
    if isinstance(tree, Scalar) and tree.text == "hang_up":
        # The one step that needs nothing said about it.
        name = _derived_name(tree.text, reading)
        return HangUp(name, location=tree.location)
    if not isinstance(tree, Table):
        raise RefusedError(f"expected a step ({_kinds()}), {describe(tree)}")
    words = [word for word in tree.entries if word != "name"]
    for word in words:
        if word not in BUILDERS:
            raise RefusedError(
                f'"{shorten(word)}" is no step',
                suggestion=did_you_mean(word, BUILDERS) or f"steps: {_kinds()}",
                location=tree.keys[word].location,
            )
    if len(words) != 1:
        told = f"this has {' and '.join(words)}" if words else "this has none"
        hint = "each step begins with its own dash" if words else f"steps: {_kinds()}"
        raise RefusedError(f"a step is one of {_kinds()}; {told}", suggestion=hint)
    name = _step_name(tree, words[0], reading)
    value = tree.entries[words[0]]
    try:
        return BUILDERS[words[0]](name, value, tree.location, reading)
    except RefusedError as error:
        error.location = error.location or value.location
        raise


def _kinds() -> str:
    return ", ".join(BUILDERS)


def _step_name(tree: Table, word: str, reading: Reading) -> str:
    written = tree.entries.get("name")
    if written is None:
        return _derived_name(word, reading)
    if not isinstance(written, Scalar) or not _STEP_NAME.match(written.text):
        message = "the name of a step has letters, digits and _ . - only"
        reading.problems.add(written.location, message)
        return _derived_name(word, reading)
    name = written.text
    if name in reading.step_names:
        message = f'another step of this treatment is named "{name}"'
        reading.problems.add(written.location, message)
    elif _DERIVED_NAME.match(name):
        message = f'"{name}" is what steps without a name are called; choose another'
        reading.problems.add(written.location, message)
    reading.step_names.add(name)
    return name


def _derived_name(word: str, reading: Reading) -> str:
    count = reading.step_counts.get(word, 0) + 1
    reading.step_counts[word] = count
    return f"{word}-{count}"


# Play.


class PlayKeys(PromptKeys):
    """Keys of a play step: those of a prompt, and more."""

    BARGE_IN = Key(
        "barge_in", BOOLEAN, "Whether a key ends the prompt early.", default="false", example="true"
    )


PLAY = Section(
    "play",
    "Plays a prompt, answering the call first, and goes on.",
    [*keys_of(PromptKeys), PlayKeys.BARGE_IN],
    short="the text alone",
    example='- play: "Thank you for calling."\n- play: {wav: prompts/welcome.wav, barge_in: true}',
)


def _play(name: str, tree: Tree, location: Location, reading: Reading) -> Node:
    if isinstance(tree, Scalar):
        return Play(name, PROMPT_KIND.read(tree, reading), location=location)
    fields = read_fields(tree, PLAY, reading)
    prompt = prompt_of(fields, tree.location, reading)
    return Play(name, prompt, barge_in=fields[PlayKeys.BARGE_IN], location=location)


# Menu.


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
            choices[key] = _read_steps(steps, reading)
        except RefusedError as error:
            note(reading, error, steps, f"choice {shorten(key)}")
            choices[key] = ()
    return MappingProxyType(choices)


CHOICES = Kind('a mapping from keys (0-9, "*", "#") to steps', _read_choices)


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


def _menu(name: str, tree: Tree, location: Location, reading: Reading) -> Node:
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


# Connect.


class ConnectKeys:
    """Keys of a connect step."""

    TO = Key(
        "to",
        list_of(DESTINATION_KIND, most=20, doubles=True),
        "Destinations, tried in this order until one answers.",
        required=True,
        example="[+1 602 555 1234, +1 602 555 9999]",
    )
    RING_TIME = Key(
        "ring_time", RING_TIME, "How long each may ring.", default="30 s", example="20 s"
    )
    PROMPT = Key(
        "prompt",
        PROMPT_KIND,
        "Played to the caller, answering first, while the first destination is called.",
        otherwise="what the far end sends",
        example='"Please hold."',
    )
    CALLER_ID = Key(
        "caller_id",
        CALLER_ID,
        "What these destinations see as calling.",
        otherwise="the campaign's",
        example="called",
    )
    RINGBACK = Key(
        "ringback",
        TONE_PLAN,
        "Country of the tones an answered caller hears meanwhile.",
        otherwise="the campaign's",
        example="uk",
    )
    FAIL_OVER_ON = Key(
        "fail_over_on",
        list_of(integer(300, 699), most=100),
        "Statuses after which the next destination is tried, exactly these.",
        otherwise="every failure but 486, 487 and 6xx; 408 is no answer, 503 an unreachable host",
        example="[408, 480, 486, 503]",
    )
    ON_FAILURE = Key(
        "on_failure",
        STEPS,
        "Steps when nobody answered. Whatever follows the connect comes after them.",
        otherwise="the step after the connect, or the end of the call",
        example='[play: "All agents are busy."]',
    )
    MAX_TIME = Key(
        "max_time", _MAX_TIME, "Longest talk.", otherwise="the campaign's", example="30 min"
    )


CONNECT = Section(
    "connect",
    "Calls destinations one after the other and bridges the first that answers. As the first step "
    "of a treatment, without a prompt, it is transparent: the caller hears the far end ring and is "
    "not answered before it is.",
    keys_of(ConnectKeys),
    short="a destination or a list of them",
    example="- connect: +1 602 555 1234\n- connect: called\n"
    "- connect:\n    to: [+1 602 555 1234, +1 602 555 9999]\n    ring_time: 20 s",
)


def _connect(name: str, tree: Tree, location: Location, reading: Reading) -> Node:
    keys = ConnectKeys
    if not isinstance(tree, Table):
        tree = Table(tree.file, tree.mark, {keys.TO.name: tree})
    fields = read_fields(tree, CONNECT, reading)
    statuses = fields.get(keys.FAIL_OVER_ON)
    return Connect(
        name=name,
        destinations=fields[keys.TO],
        ring_seconds=fields[keys.RING_TIME],
        prompt=fields.get(keys.PROMPT),
        caller_id=fields.get(keys.CALLER_ID),
        ringback=fields.get(keys.RINGBACK),
        fail_over_on=None if statuses is None else frozenset(statuses),
        on_failure=fields.get(keys.ON_FAILURE) or (),
        max_seconds=fields.get(keys.MAX_TIME),
        location=location,
    )


# Hang up and goto.


class HangUpKeys:
    """Keys of a hang_up step."""

    STATUS = Key(
        "status",
        REFUSAL,
        "Refuse the call with this status if it is not answered yet.",
        otherwise="480",
        example="486",
    )
    CAUSE = Key("cause", NAME, "A word for the call record.", otherwise="hang_up", example="closed")


HANG_UP = Section(
    "hang_up",
    "Ends the call: with BYE when it was answered, else it is refused.",
    keys_of(HangUpKeys),
    short="a status or a cause alone, or nothing",
    example="- hang_up\n- hang_up: 486\n- hang_up: {cause: closed}",
)


def _hang_up(name: str, tree: Tree, location: Location, reading: Reading) -> Node:
    if isinstance(tree, Scalar):
        if tree.absent:
            return HangUp(name, location=location)
        if tree.text.isdigit():
            return HangUp(name, status=REFUSAL.read(tree, reading), location=location)
        return HangUp(name, cause=NAME.read(tree, reading), location=location)
    fields = read_fields(tree, HANG_UP, reading)
    return HangUp(
        name,
        cause=fields.get(HangUpKeys.CAUSE),
        status=fields.get(HangUpKeys.STATUS),
        location=location,
    )


def _goto(name: str, tree: Tree, _location: Location, reading: Reading) -> Node:
    target = NAME.read(tree, reading)
    if target in reading.names.get("treatments", ()):
        return Goto(name, target, "treatment", location=tree.location)
    # That there is such a step is checked when the whole treatment is known.
    return Goto(name, target, "node", location=tree.location)


GOTO = Section(
    "goto",
    "Goes on with another treatment, or with a named step of this one. What would have followed is "
    "forgotten.",
    [],
    short="the name of a treatment, or of a step in this treatment",
    example="- name: question\n  menu: ...\n- goto: question",
)

BUILDERS: Mapping[str, Callable[[str, Tree, Location, Reading], Node]] = {
    "play": _play,
    "menu": _menu,
    "connect": _connect,
    "hang_up": _hang_up,
    "goto": _goto,
}


def read_treatment(name: str, tree: Tree, reading: Reading) -> Treatment | None:
    """One treatment: a list of steps."""
    reading.step_names, reading.step_counts = set(), {}
    try:
        return Treatment(name, _read_steps(tree, reading), location=tree.location)
    except RefusedError as error:
        note(reading, error, tree, shorten(name))
    return None
