"""What is said, as a small language over words, to its typed tree.

    or; and; not; near(phrase, phrase, time), count(phrase, number), (...), phrase

A phrase is words in a row, in quotes or without: `credit card` is one. In quotes it may have the
words `and`, `or` and `not` in it. Knows nothing of keyword rules and of how words are heard.
"""

import re
from dataclasses import dataclass

from config.errors import did_you_mean
from config.expression.errors import ExpressionError, shown
from config.expression.tokens import UNITS
from config.model import AllSaid, AnySaid, CountSaid, NearSaid, NotSaid, Phrase, Said
from config.words import words_of

__all__ = ["parse_said", "phrases_of"]

MAX_LENGTH = 1000
"""Characters of a rule; nobody listens for more."""
MAX_PHRASES = 50
"""Phrases of a rule: each is looked for in everything that is said."""
MAX_WORDS = 12
"""Words of a phrase: a recogniser gets longer ones right too seldom to be listened for."""
MAX_NESTING = 10
"""Brackets in brackets: the reader calls itself for each, and nobody can read more."""
MIN_NEAR, MAX_NEAR = 0.5, 600.0
MIN_COUNT, MAX_COUNT = 2, 100

_OPERATORS = ("and", "or", "not")
_FUNCTIONS = {"near": "near(refund, money, 5 s)", "count": "count(yes, 3)"}
_SPACE = re.compile(r"\s*")
_BARE = re.compile(r"[^\s(),\"]+")
_QUOTED = re.compile(r"\"([^\"]*)\"|'([^']*)'(?=[\s(),]|\Z)")
_TIME = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?) *([a-z]*)\Z")
_FOREIGN = {"&&": "and", "||": "or", "|": "or", "&": "and", "!": "not"}
_BEHIND = {
    ",": 'phrases are joined by "and" or "or"; in a phrase a comma has no sound',
    "not": 'write "and not"; in a phrase it stands in quotes: "do not call"',
}
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f]")
"""What nobody says and no editor shows."""
_CURLED = "\u201c\u201d\u201e\xab\xbb"


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    """word, text (in quotes), sign, end."""
    text: str
    position: int

    def describe(self) -> str:
        return "the end" if self.kind == "end" else f'"{shown(self.text)}"'


def parse_said(text: str) -> Said:
    """What a text of the language listens for; raises ExpressionError."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"longer than {MAX_LENGTH} characters", 0)
    control = _CONTROL.search(text)
    if control is not None:
        message = f"a character that cannot be said: U+{ord(control[0]):04X}"
        raise ExpressionError(message, control.start())
    said = _Parser(_tokenise(text)).whole()
    if not _something_said(said):
        message = "nothing is listened for: what was not said has no moment"
        raise ExpressionError(message, 0, 'join it to something that is said: friend and not "no"')
    return said


def phrases_of(said: Said) -> tuple[Phrase, ...]:
    """All phrases of a rule, in the order they stand in."""
    if isinstance(said, Phrase):
        return (said,)
    if isinstance(said, CountSaid):
        return (said.phrase,)
    if isinstance(said, NearSaid):
        return (said.first, said.second)
    parts = (said.part,) if isinstance(said, NotSaid) else said.parts
    return tuple(phrase for part in parts for phrase in phrases_of(part))


def _something_said(said: Said) -> bool:
    """Whether it can only come true when something is said."""
    if isinstance(said, NotSaid):
        return False
    if isinstance(said, AllSaid):
        return any(map(_something_said, said.parts))
    if isinstance(said, AnySaid):
        return all(map(_something_said, said.parts))
    return True


# Tokens.


def _tokenise(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    position = _skip(text, 0)
    while position < len(text):
        token, position = _next(text, position)
        tokens.append(token)
        position = _skip(text, position)
    return [*tokens, _Token("end", "", len(text))]


def _skip(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def _next(text: str, position: int) -> tuple[_Token, int]:
    if text[position] in "(),":
        return _Token("sign", text[position], position), position + 1
    if text[position] in _CURLED:
        raise ExpressionError(f'"{text[position]}" has no meaning here', position, 'quotes are "')
    quoted = _QUOTED.match(text, position)
    if quoted is not None:
        inside = quoted[1] if quoted[1] is not None else quoted[2]
        return _Token("text", inside, position), quoted.end()
    if text[position] == '"':
        raise ExpressionError("a text that begins here does not end", position)
    word = _BARE.match(text, position)
    assert word is not None  # whatever is no space, sign or quote
    if word[0] in _FOREIGN:
        hint = f"write {_FOREIGN[word[0]]}"
        raise ExpressionError(f'"{word[0]}" is no operator', position, hint)
    return _Token("word", word[0], position), word.end()


# Grammar.


class _Parser:
    """Walks over the tokens of one rule."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0
        self._phrases = 0

    def whole(self) -> Said:
        if self._next.kind == "end":
            raise ExpressionError("nothing stands here", 0)
        said = self._or()
        token = self._next
        if token.kind != "end":
            hint = _BEHIND.get(token.text.lower(), 'phrases are joined by "and" or "or"')
            message = f'expected "and" or "or", not {token.describe()}'
            raise ExpressionError(message, token.position, hint)
        return said

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _is(self, word: str) -> bool:
        return self._next.kind == "word" and self._next.text.lower() == word

    def _or(self) -> Said:
        parts = [self._and()]
        while self._is("or"):
            self._take()
            parts.append(self._and())
        return parts[0] if len(parts) == 1 else AnySaid(tuple(parts))

    def _and(self) -> Said:
        parts = [self._not()]
        while self._is("and"):
            self._take()
            parts.append(self._not())
        return parts[0] if len(parts) == 1 else AllSaid(tuple(parts))

    def _not(self) -> Said:
        if not self._is("not"):
            return self._primary()
        token = self._take()
        if self._is("not"):
            raise ExpressionError("not twice says nothing", self._next.position)
        self._deeper(token)
        part = self._not()
        self._depth -= 1
        return NotSaid(part)

    def _primary(self) -> Said:
        token = self._next
        following = self._tokens[min(self._at + 1, len(self._tokens) - 1)]
        if token.kind == "word" and following.text == "(" and following.kind == "sign":
            return self._function()
        if token.kind == "sign" and token.text == "(":
            return self._parentheses()
        if token.kind == "text":
            self._take()
            return self._phrase(token, token.text)
        return self._phrase(token, self._row())

    def _row(self) -> str:
        """Words without quotes up to the next operator or sign."""
        words: list[str] = []
        while self._next.kind == "word" and self._next.text.lower() not in _OPERATORS:
            words.append(self._take().text)
        if not words:
            token = self._next
            hint = None
            if token.kind == "word":
                hint = f'the word itself stands in quotes: "{token.text}"'
            raise ExpressionError(
                f"expected a phrase, not {token.describe()}", token.position, hint
            )
        return " ".join(words)

    def _phrase(self, token: _Token, text: str) -> Phrase:
        words = words_of(text)
        self._phrases += 1
        if "*" in text:
            bare = " ".join(text.replace("*", " ").split())
            hint = f'a word counts in its usual forms: write "{shown(bare)}"' if bare else None
            message = f'"*" in "{shown(text)}" stands for nothing: there are no wildcards'
            raise ExpressionError(message, token.position, hint)
        if not words:
            raise ExpressionError(f'"{shown(text)}" has no word in it', token.position)
        if len(words) > MAX_WORDS:
            message = f"a phrase has up to {MAX_WORDS} words, not {len(words)}"
            raise ExpressionError(message, token.position, "join shorter ones by and, or use near")
        if self._phrases > MAX_PHRASES:
            message = f"a rule has up to {MAX_PHRASES} phrases"
            raise ExpressionError(message, token.position, "make several rules of it")
        return Phrase(words)

    def _parentheses(self) -> Said:
        opened = self._take()
        self._deeper(opened)
        said = self._or()
        self._depth -= 1
        self._need(")")
        return said

    def _function(self) -> Said:
        name = self._take()
        word = name.text.lower()
        if word not in _FUNCTIONS:
            hint = did_you_mean(word, _FUNCTIONS) or "there are near(...) and count(...)"
            raise ExpressionError(f'"{shown(name.text)}" is no function', name.position, hint)
        self._take()
        first = self._argument(word)
        self._need(",", word)
        found = self._near(first) if word == "near" else self._count(first)
        self._need(")", word)
        return found

    def _near(self, first: Phrase) -> NearSaid:
        second = self._argument("near")
        self._need(",", "near")
        place = self._next.position
        match = _TIME.match(self._row().lower())
        seconds = None
        if match is not None and (match[2] or "s") in UNITS and match[2] != "%":
            seconds = float(match[1]) * float(UNITS[match[2] or "s"])
        if seconds is None or not MIN_NEAR <= seconds <= MAX_NEAR:
            message = f"near: expected a time, {MIN_NEAR:g} s to {MAX_NEAR / 60:g} min"
            raise ExpressionError(message, place, _FUNCTIONS["near"])
        return NearSaid(first, second, seconds)

    def _count(self, phrase: Phrase) -> CountSaid:
        place, text = self._next.position, self._row()
        if not (text.isascii() and text.isdigit() and MIN_COUNT <= int(text[:6]) <= MAX_COUNT):
            message = f"count: expected a number of times, {MIN_COUNT} to {MAX_COUNT}"
            raise ExpressionError(message, place, _FUNCTIONS["count"])
        return CountSaid(phrase, int(text))

    def _argument(self, function: str) -> Phrase:
        """A phrase in a function; nothing else stands there."""
        token = self._next
        if token.kind == "text":
            self._take()
            return self._phrase(token, token.text)
        if token.kind == "sign":
            message = f"{function}: expected a phrase, not {token.describe()}"
            raise ExpressionError(message, token.position, _FUNCTIONS[function])
        return self._phrase(token, self._row())

    def _need(self, sign: str, function: str = "") -> None:
        token = self._next
        if token.kind != "sign" or token.text != sign:
            message = f'expected "{sign}", not {token.describe()}'
            hint = _FUNCTIONS.get(function)
            raise ExpressionError(message, token.position, hint)
        self._take()

    def _deeper(self, token: _Token) -> None:
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise ExpressionError(f"nested more than {MAX_NESTING} deep", token.position)
