"""The step ask: digits, a telephone number, a zip, yes or no."""

import re

from config.document import Tree
from config.e164 import normalise
from config.expression import CONDITION
from config.kinds import BOOLEAN, LINE, duration, integer, one_of
from config.model import AnswerKind, Ask, Location, Node
from config.prompts import PROMPT_KIND
from config.reading import Fields, Key, Reading, Section, keys_of, read_fields, scalar, shorten
from config.steps.lists import STEPS, fact_name

MAX_ANSWER = 30
"""Digits of an answer: card numbers have 19, account numbers rarely more than 30."""

ZIP_DIGITS = 5
_KINDS: tuple[AnswerKind, ...] = ("digits", "number", "zip", "yes_no")
_LENGTHS: dict[AnswerKind, tuple[int, int]] = {
    "digits": (1, MAX_ANSWER),
    "number": (7, 15),
    "zip": (ZIP_DIGITS, ZIP_DIGITS),
    "yes_no": (1, 1),
}
_ANSWERS = {"number": "a phone number", "zip": "a zip of five digits", "yes_no": "yes or no"}
_ZIP = re.compile(r"[0-9]{5}\Z")
_RANGE = re.compile(r"([0-9]{1,2})(?: *- *([0-9]{1,2}))?\Z")


def _lengths(text: str) -> tuple[int, int]:
    match = _RANGE.match(text.strip())
    if match is None:
        raise ValueError(text)
    least, most = int(match[1]), int(match[2] or match[1])
    if not 1 <= least <= most <= MAX_ANSWER:
        raise ValueError(text)
    return least, most


LENGTHS = scalar(f'how many digits, such as "4" or "4-6", 1 to {MAX_ANSWER}', _lengths)


def _terminator(text: str) -> str:
    if text.lower() in ("none", "off"):
        return ""
    if text not in ("#", "*"):
        raise ValueError(text)
    return text


TERMINATOR = scalar('"#", "*" or none', _terminator)


class AskKeys:
    """Keys of an ask step."""

    PROMPT = Key(
        "prompt", PROMPT_KIND, "The question.", required=True, example='"Please enter your zip."'
    )
    KIND = Key(
        "kind",
        one_of(_KINDS),
        "What is asked for: `digits`; a telephone `number`, which becomes its international form; "
        "a `zip` of five digits; or `yes_no`, where 1 is yes and 2 is no.",
        default="digits",
        example="zip",
    )
    DIGITS = Key(
        "digits",
        LENGTHS,
        "How many digits. So many end the entry.",
        otherwise="digits 1-30, number 7-15, zip 5, yes_no 1",
        example="4-6",
    )
    TERMINATOR = Key(
        "terminator", TERMINATOR, "The key that ends the entry early.", default="#", example="none"
    )
    VALID = Key(
        "valid",
        CONDITION,
        "What must hold of the answer, `answer.NAME`; else the entry counts as invalid.",
        otherwise="every entry of the right length is valid",
        example="hour < 12",
    )
    TIMEOUT = Key(
        "timeout",
        duration("500 ms", "2 min"),
        "How long to wait for the first key after the question.",
        default="5 s",
        example="8 s",
    )
    DIGIT_TIMEOUT = Key(
        "digit_timeout",
        duration("500 ms", "30 s"),
        "How long to wait for each further key; then the entry ends.",
        default="3 s",
        example="5 s",
    )
    INVALID_LIMIT = Key(
        "invalid_limit",
        integer(1, 20),
        "Invalid entries until the step gives up; after each one before, the question is played "
        "again.",
        default="4",
        example="3",
    )
    TIMEOUTS_LIMIT = Key(
        "timeouts_limit",
        integer(0, 20),
        "How often the question is asked again when no key comes; then the step gives up.",
        default="3",
        example="1",
    )
    INVALID_PROMPT = Key(
        "invalid_prompt",
        PROMPT_KIND,
        "Played after an invalid entry, before the question.",
        otherwise="only the question",
        example='"That is no zip."',
    )
    BARGE_IN = Key(
        "barge_in",
        BOOLEAN,
        "Whether keys are taken while the question still plays.",
        default="true",
        example="false",
    )
    SECRET = Key(
        "secret",
        BOOLEAN,
        "Whether the digits are kept out of every log, event, record and recording. Look-ups, "
        "headers and keys sent on may use the answer.",
        default="false",
        example="true",
    )
    SPOKEN = Key(
        "spoken",
        BOOLEAN,
        "Whether the answer may be said too (digits by one or in groups, yes, no). Only where "
        "speech is recognised; a key pressed meanwhile wins.",
        default="false",
        example="true",
    )
    REMEMBER = Key(
        "remember",
        BOOLEAN,
        "Whether a caller is asked once only: the answer is kept for the calling number, for every "
        "ask of this name.",
        default="false",
        example="true",
    )
    DEFAULT = Key(
        "default",
        LINE,
        "The answer when the step gives up.",
        otherwise="see on_failure",
        example='"85001"',
    )
    ON_FAILURE = Key(
        "on_failure",
        STEPS,
        "Steps when the step gives up and there is no default.",
        otherwise="the call ends",
        example='[play: "Good bye."]',
    )


ASK = Section(
    "ask",
    "Asks for an answer in keys, or spoken, answering the call first. It is known from then on as "
    "`answer.NAME`, after the name of the step.",
    keys_of(AskKeys),
    example='- name: zip\n  ask: {kind: zip, prompt: "Please enter your zip code."}\n'
    "- name: pin\n  ask:\n"
    '    prompt: "Please enter your PIN, then the hash key."\n'
    "    digits: 4-6\n    secret: true\n    invalid_limit: 3\n    on_failure: hang_up",
)


def read_ask(name: str, tree: Tree, location: Location, reading: Reading) -> Node:
    """One question; its name is that of the answer."""
    keys = AskKeys
    fields = read_fields(tree, ASK, reading)
    kind = fields[keys.KIND]
    fields.need_condition(keys.VALID, reading)
    least, most = fields.get(keys.DIGITS) or _LENGTHS[kind]
    _check(name, fields, kind, location, reading)
    default = _default(fields, kind, reading)
    return Ask(
        name=name,
        prompt=fields[keys.PROMPT],
        kind=kind,
        least=least,
        most=most,
        terminator=fields[keys.TERMINATOR],
        valid=fields.get(keys.VALID),
        timeout_seconds=fields[keys.TIMEOUT],
        digit_timeout_seconds=fields[keys.DIGIT_TIMEOUT],
        invalid_limit=fields[keys.INVALID_LIMIT],
        timeouts_limit=fields[keys.TIMEOUTS_LIMIT],
        invalid_prompt=fields.get(keys.INVALID_PROMPT),
        barge_in=fields[keys.BARGE_IN],
        secret=fields[keys.SECRET],
        remember=fields[keys.REMEMBER],
        default=default,
        on_failure=fields.get(keys.ON_FAILURE) or (),
        spoken=fields[keys.SPOKEN],
        location=location,
    )


def _check(
    name: str, fields: Fields, kind: AnswerKind, location: Location, reading: Reading
) -> None:
    keys = AskKeys
    fact_name(name, "answer", location, reading)
    if fields[keys.SECRET] and fields[keys.REMEMBER]:
        message = "a secret answer is not remembered: it stands in no store"
        reading.problems.add(fields.place(keys.REMEMBER), message)
    if fields[keys.SECRET] and fields[keys.SPOKEN]:
        message = "a secret is not spoken aloud: only its keys are kept out of everything"
        reading.problems.add(fields.place(keys.SPOKEN), message)
    if keys.DEFAULT in fields and keys.ON_FAILURE in fields:
        message = "on_failure is never reached: the default is taken"
        reading.problems.add(fields.place(keys.ON_FAILURE), message)
    if kind in ("zip", "yes_no") and keys.DIGITS in fields:
        message = f"digits: how many digits {kind} has is fixed"
        reading.problems.add(fields.place(keys.DIGITS), message)


def _default(fields: Fields, kind: AnswerKind, reading: Reading) -> str | None:
    """A default is what an answer would be; where digits are asked for it may be any word."""
    default = fields.get(AskKeys.DEFAULT)
    if default is None or kind == "digits":
        return default
    answer: str | None = default
    if kind == "number":
        answer = normalise(default, reading.country)
    elif kind == "zip":
        answer = default if _ZIP.match(default) else None
    elif default not in ("yes", "no"):
        answer = None
    if answer is None:
        message = f'default: expected {_ANSWERS[kind]}, not "{shorten(default)}"'
        reading.problems.add(fields.place(AskKeys.DEFAULT), message)
    return answer
