"""Keyword rules of a campaign: what is listened for in what is said, and on which leg.

The language of `say` is `config.said`'s. What a rule means for what is heard is `media.keywords`'.
"""

import re
from dataclasses import replace

from config import hints
from config.document import Scalar, Sequence, Table, Tree
from config.expression import ExpressionError
from config.expression.kinds import place_of
from config.kinds import BOOLEAN, NAME, duration, list_of, mapping_of, one_of, or_off
from config.model import (
    ALL_VARIANTS,
    KeywordRule,
    Keywords,
    KeywordSide,
    Said,
    SpeechEngine,
    SpeechMode,
    Variant,
)
from config.reading import (
    Key,
    Kind,
    Reading,
    RefusedError,
    Section,
    describe,
    keys_of,
    read_fields,
    refuse_all,
    scalar,
    section_kind,
    shorten,
)
from config.said import parse_said

__all__ = ["ENGINES", "KEYWORDS", "KEYWORDS_KIND", "KEYWORD_RULE", "MAX_RULES"]

MAX_RULES = 200
"""Rules of a campaign: each is looked for in every word of its calls."""
MAX_WEIGHT = 100
"""As far as a rating from 1 to 100 can be moved at once."""

ENGINES: tuple[SpeechEngine, ...] = ("auto", "whisper", "vosk", "pocketsphinx")
_MODES: tuple[SpeechMode, ...] = ("rolling", "segment")
_SIDES: tuple[KeywordSide, ...] = ("caller", "agent", "any")
_VARIANTS: tuple[Variant, ...] = ("stem", "plural", "homophones")
_WEIGHT = re.compile(r"[+-]?[0-9]{1,3}\Z")
_SHARE = re.compile(r"(?:0|1)?(?:\.[0-9]{1,4})?\Z")


# What is said.


def _read_said(tree: Tree, _reading: Reading) -> tuple[str, Said]:
    if not isinstance(tree, Scalar) or tree.absent:
        raise RefusedError(f"expected {SAY.says}, {describe(tree)}")
    try:
        return tree.text.strip(), parse_said(tree.text)
    except ExpressionError as error:
        place = place_of(tree, error.position)
        raise RefusedError(str(error), suggestion=error.suggestion, location=place) from None


SAY = Kind('words that are said, such as friend or "credit card"', _read_said, hints.SCALAR)


# A rule.


def _weight(text: str) -> int:
    if not _WEIGHT.match(text) or abs(int(text)) > MAX_WEIGHT:
        raise ValueError
    return int(text)


WEIGHT = scalar(
    f"a whole number, -{MAX_WEIGHT} to {MAX_WEIGHT}",
    _weight,
    {"anyOf": [{"type": "integer", "minimum": -MAX_WEIGHT, "maximum": MAX_WEIGHT},
               {"type": "string", "pattern": "^[+-]?[0-9]{1,3}$"}]},
)  # fmt: skip


def _share(text: str) -> float:
    if not text or not _SHARE.match(text) or float(text) > 1:
        raise ValueError
    return float(text)


SHARE = scalar(
    "a number, 0 to 1",
    _share,
    {"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, {"type": "string"}]},
)
_FORMS = or_off(list_of(one_of(_VARIANTS), most=len(_VARIANTS)))


class KeywordRuleKeys:
    """Keys of a keyword rule."""

    SAY = Key(
        "say",
        SAY,
        "What is said. Words in a row are a phrase, `credit card`; phrases are joined by `and`, "
        "`or`, `not` and parentheses; `near(refund, money, 5 s)` is both within a time, "
        "`count(yes, 3)` a number of times. A phrase with one of these words stands in quotes.",
        required=True,
        example='\'"credit card" and not "no thanks"\'',
    )
    LEG = Key(
        "leg",
        one_of(_SIDES),
        "Whose words count; any: of either leg, each for itself.",
        default="any",
        example="caller",
    )
    FIRST = Key(
        "first",
        duration("1 s", "4 h"),
        "Only what is said so soon after a leg was answered.",
        otherwise="at any time",
        example="30 s",
    )
    LAST = Key(
        "last",
        duration("1 s", "1 h"),
        "Only what is said so shortly before the leg ends; it is known then.",
        otherwise="at any time",
        example="30 s",
    )
    WEIGHT = Key(
        "weight",
        WEIGHT,
        "What a hit adds to the call's `keyword_score`.",
        default="1",
        example="10",
    )
    VARIANTS = Key(
        "variants",
        _FORMS,
        "Forms of a word that count as the word: stem (buy, buying, bought), plural (card, cards, "
        "card's), homophones (mail, male; website, web site). off: only the word itself.",
        otherwise="all of them",
        example="[stem, plural]",
    )
    CONFIDENCE = Key(
        "confidence",
        SHARE,
        "How sure the recogniser must be of the least sure word: less finds more, and more that "
        "nobody said.",
        default="0.3",
        example="0.5",
    )


KEYWORD_RULE = Section(
    "a keyword rule",
    "What is listened for. A phrase, or one of several joined by `or`, is a hit each time it is "
    "said; every other rule is one when it comes true. What must not be said, and what is said "
    "last, is known when the leg ends.",
    keys_of(KeywordRuleKeys),
    short="what is said alone",
    short_schema=SAY.schema,
    example="rules:\n  friend: {say: friend or buddy, leg: caller, weight: 10}\n"
    "  card: credit card\n"
    "  refused: {say: 'price and not \"sounds good\"', weight: -5}",
)


def _read_rule(tree: Tree, reading: Reading) -> KeywordRule:
    if isinstance(tree, Scalar):
        text, said = SAY.read(tree, reading)
        return KeywordRule("", said, text, location=tree.location)
    keys = KeywordRuleKeys
    fields = read_fields(tree, KEYWORD_RULE, reading)
    text, said = fields[keys.SAY]
    if keys.FIRST in fields and keys.LAST in fields:
        message = "last: a rule listens to the first part of a call or to the last"
        reading.problems.add(fields.place(keys.LAST), message, "make two rules of it")
    variants = fields.get(keys.VARIANTS)
    return KeywordRule(
        name="",
        said=said,
        text=text,
        side=fields[keys.LEG],
        first_seconds=fields.get(keys.FIRST),
        last_seconds=fields.get(keys.LAST),
        weight=fields[keys.WEIGHT],
        variants=ALL_VARIANTS if variants is None else frozenset(variants.value or ()),
        confidence=fields[keys.CONFIDENCE],
        location=tree.location,
    )


_RULE = section_kind(KEYWORD_RULE, _read_rule)
_RULES_BY_NAME = mapping_of(_RULE, most=MAX_RULES, noun="rule")


def _read_rules(tree: Tree, reading: Reading) -> tuple[KeywordRule, ...]:
    """Rules by name, or what is said alone, which is then the name."""
    if isinstance(tree, Table):
        named = _RULES_BY_NAME.read(tree, reading)
        rules = tuple(replace(rule, name=name) for name, rule in named.items())
    else:
        rules = _read_list(tree, reading)
    names: set[str] = set()
    for rule in rules:
        if rule.name.lower() in names:
            message = f'rule "{shorten(rule.name)}" stands twice; upper and lower case are the same'
            reading.problems.add(rule.location, message)
        names.add(rule.name.lower())
    return rules


def _read_list(tree: Tree, reading: Reading) -> tuple[KeywordRule, ...]:
    items = tree.items if isinstance(tree, Sequence) else [tree]
    if not 1 <= len(items) <= MAX_RULES:
        raise RefusedError(f"expected 1 to {MAX_RULES} entries, not {len(items)}")
    rules: list[KeywordRule] = []
    errors: list[RefusedError] = []
    for item in items:
        try:
            text, said = SAY.read(item, reading)
            rules.append(
                KeywordRule(_name(item, text, reading), said, text, location=item.location)
            )
        except RefusedError as error:
            error.location = error.location or item.location
            errors.append(error)
    refuse_all(errors)
    return tuple(rules)


def _name(item: Tree, text: str, reading: Reading) -> str:
    """What is said as the name of its rule."""
    name = " ".join(text.strip("\"'").split()) if text.count('"') + text.count("'") <= 2 else text
    return NAME.read(Scalar(item.file, item.mark, name), reading)


RULES = Kind(
    f"a mapping from names to rules, or a list of 1 to {MAX_RULES} words or phrases",
    _read_rules,
    {"anyOf": [_RULES_BY_NAME.schema, hints.list_of(hints.SCALAR, MAX_RULES, doubles=True)]},
)


# The key `keywords` of a campaign.


class KeywordsKeys:
    """Keys of keyword spotting."""

    RULES = Key(
        "rules",
        RULES,
        "What is listened for.",
        required=True,
        example="{friend: {say: friend, leg: caller}, card: credit card}",
    )
    MODE = Key(
        "mode",
        one_of(_MODES),
        "rolling: while somebody speaks, a word is told within about half a second; segment: at "
        "the end of what was said, for half the cost. Under load rolling becomes segment.",
        default="rolling",
        example="segment",
    )
    ENGINE = Key(
        "engine",
        one_of(ENGINES),
        "The recogniser; auto: that of the section `hearing`.",
        default="auto",
        example="vosk",
    )
    HINT = Key(
        "hint",
        BOOLEAN,
        "Whether the recogniser is told the words beforehand: more of them are found in noise, and "
        "more that nobody said.",
        default="false",
        example="true",
    )
    CLIP = Key(
        "clip",
        or_off(duration("0.5 s", "30 s")),
        "How much of the sound before and after a hit is kept as a file.",
        default="5 s",
        example="off",
    )


KEYWORDS = Section(
    "keywords",
    "What is listened for in what is said on the calls of a campaign, on each leg by itself, from "
    "the first sound of a leg to its end. Needs a recogniser.",
    keys_of(KeywordsKeys),
    short="a list of words and phrases, each a rule of that name; or off: nothing",
    short_schema=hints.list_of(hints.SCALAR, MAX_RULES, doubles=True),
    example="keywords: [friend, credit card]\n# or\nkeywords:\n  mode: segment\n  rules:\n"
    "    friend: {say: friend or buddy, leg: caller, weight: 10}\n    card: credit card",
)


_OFF, _ON = ("off", "no", "false"), ("on", "yes", "true")


def _is_off(tree: Tree) -> bool:
    """Whether it says that nothing is listened for; it may not say that something is, and not
    what. In quotes, and in a list, all of these are words that are said."""
    if not isinstance(tree, Scalar) or not tree.plain:
        return False
    word = tree.text.strip().lower()
    if word in _ON:
        message = f'expected what is listened for, not "{word}"'
        hint = f'such as keywords: [friend]; the word itself is ["{word}"]'
        raise RefusedError(message, suggestion=hint)
    return word in _OFF


def _read_keywords(tree: Tree, reading: Reading) -> Keywords | None:
    if _is_off(tree):
        return None
    if not isinstance(tree, Table):
        return Keywords(RULES.read(tree, reading), location=tree.location)
    keys = KeywordsKeys
    fields = read_fields(tree, KEYWORDS, reading)
    return Keywords(
        rules=fields[keys.RULES],
        mode=fields[keys.MODE],
        engine=fields[keys.ENGINE],
        hint=fields[keys.HINT],
        clip_seconds=fields[keys.CLIP].value or 0.0,
        location=tree.location,
    )


KEYWORDS_KIND = section_kind(KEYWORDS, _read_keywords)
