"""The text of an expression to tokens: names, numbers with units, text in quotes, signs.

Knows no grammar and no names but those of units. Every number is a Decimal, a time is seconds.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from config.expression.errors import ExpressionError, shown

MAX_LENGTH = 2000
"""Characters of an expression; one that is longer belongs into variables or a table."""
MAX_DIGITS = 18
"""Digits of a number, before and after the point together: more are a slip of the hand."""

TokenKind = Literal["name", "word", "number", "text", "sign", "end"]

UNITS: Mapping[str, Decimal] = {
    "%": Decimal("0.01"),
    "ms": Decimal("0.001"),
    "s": Decimal(1),
    "sec": Decimal(1),
    "second": Decimal(1),
    "seconds": Decimal(1),
    "min": Decimal(60),
    "minute": Decimal(60),
    "minutes": Decimal(60),
    "h": Decimal(3600),
    "hour": Decimal(3600),
    "hours": Decimal(3600),
    "d": Decimal(86400),
    "day": Decimal(86400),
    "days": Decimal(86400),
    "week": Decimal(604800),
    "weeks": Decimal(604800),
}
WORDS = frozenset(("and", "or", "not", "in", "before", "after", "is", "known", "true", "false"))
"""Words of the grammar, in any case; no fact is called so."""

NAME_PART = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?\Z")
"""What stands behind a dot of a name without quotes."""

_SPACE = re.compile(r"\s*")
_NAME = re.compile(
    r"[A-Za-z_][A-Za-z0-9_]*"
    r"(?:\.(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?|\"[^\"]+\"))*"
)
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_UNIT = re.compile(r"\s*(%|[A-Za-z]+)")
_TEXTS = {
    '"': re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL),
    "'": re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL),
}
_ESCAPED = re.compile(r"\\([\\'\"])")
_SIGNS = ("==", "!=", "<=", ">=", "=", "<", ">", "+", "-", "*", "/", "(", ")", "[", "]", ",")
# What people write who come from other languages.
_FOREIGN = {
    "=<": "<=",
    "=>": ">=",
    "&&": "and",
    "||": "or",
    "!": "not",
    "<>": "!=",
    "≠": "!=",
    "≤": "<=",
    "≥": ">=",
}
_CLOCK = re.compile(r"[0-9]{1,2}\Z")
_MINUTES = re.compile(r"[0-9]{2}")
_CURLED = "\u201c\u201d\u201e\u2018\u2019\xab\xbb"


@dataclass(frozen=True, slots=True)
class Token:
    """One piece of an expression."""

    kind: TokenKind
    text: str
    """A name without its quotes, a word in lower case, a text as it is meant, or as written."""
    position: int
    number: Decimal | None = None

    def describe(self) -> str:
        """The token for a message."""
        if self.kind == "end":
            return "the end"
        return f'{"the text " if self.kind == "text" else ""}"{shown(self.text)}"'


def tokenise(text: str) -> list[Token]:
    """The tokens of a text, the last one its end; raises ExpressionError."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"longer than {MAX_LENGTH} characters", 0)
    tokens: list[Token] = []
    position = _skip(text, 0)
    while position < len(text):
        token, position = _next(text, position)
        tokens.append(token)
        position = _skip(text, position)
    tokens.append(Token("end", "", len(text)))
    return tokens


def _skip(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def _next(text: str, position: int) -> tuple[Token, int]:
    if text.startswith(("=<", "=>"), position):
        raise _bad(text, position)
    match = _NAME.match(text, position)
    if match:
        return _name(match[0], position), match.end()
    match = _NUMBER.match(text, position)
    if match:
        return _number(text, match)
    if text[position] in _TEXTS:
        return _quoted(text, position)
    for sign in _SIGNS:
        if text.startswith(sign, position) and not text.startswith("<>", position):
            return Token("sign", sign, position), position + len(sign)
    raise _bad(text, position)


def _name(written: str, position: int) -> Token:
    if written.lower() in WORDS:
        return Token("word", written.lower(), position)
    return Token("name", written.replace('"', ""), position)


def _number(text: str, match: re.Match[str]) -> tuple[Token, int]:
    if len(match[0]) > MAX_DIGITS:
        raise ExpressionError(f"a number has up to {MAX_DIGITS} digits", match.start())
    value, end = Decimal(match[0]), match.end()
    unit = _UNIT.match(text, end)
    if unit and unit[1].lower() in UNITS:
        value, end = value * UNITS[unit[1].lower()], unit.end()
    elif unit and unit.start(1) == end:
        hint = "units: %, ms, s, min, h, days, weeks"
        raise ExpressionError(f'"{unit[1][:20]}" is no unit', end, hint)
    return Token("number", text[match.start() : end], match.start(), value), end


def _quoted(text: str, position: int) -> tuple[Token, int]:
    match = _TEXTS[text[position]].match(text, position)
    if match is None:
        raise ExpressionError("a text that begins here does not end", position)
    value = _ESCAPED.sub(r"\1", match[1])
    return Token("text", value, position), match.end()


def _bad(text: str, position: int) -> ExpressionError:
    for foreign, ours in _FOREIGN.items():
        if text.startswith(foreign, position):
            return ExpressionError(f'"{foreign}" is no sign', position, f"write {ours}")
    character = text[position]
    hint = "quotes are \" and '" if character in _CURLED else None
    clock = _CLOCK.search(text[:position])
    if character == ":" and clock:
        rest = _MINUTES.match(text, position + 1)
        hint = f'a time of day stands in quotes: "{clock[0]}:{rest[0] if rest else "00"}"'
    shown = character if character.isprintable() else f"U+{ord(character):04X}"
    return ExpressionError(f'"{shown}" has no meaning here', position, hint)
