"""Templates: text with expressions in braces.

`{expression}` is replaced by its value; a bare name that is no fact means `binding.NAME`; `{{` and
`}}` are braces. Knows nothing of prompts or headers.
"""

import re

from config.expression.errors import ExpressionError
from config.expression.parser import parse_expression
from config.expression.vocabulary import FACTS, Vocabulary
from config.model.expression import Expression, Fact, Template

MAX_TEMPLATE = 4000
"""Characters of a template: a prompt of five minutes."""
MAX_PARTS = 100
"""Expressions in a template."""

_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'", re.DOTALL)


def parse_template(text: str, vocabulary: Vocabulary) -> Template:
    """The template of a text; raises ExpressionError."""
    if len(text) > MAX_TEMPLATE:
        raise ExpressionError(f"longer than {MAX_TEMPLATE} characters", 0)
    parts: list[str | Expression] = []
    written: list[str] = []
    position = 0
    while position < len(text):
        if text.startswith(("{{", "}}"), position):
            written.append(text[position])
            position += 2
        elif text[position] == "{":
            _flush(written, parts)
            end = _closing(text, position)
            parts.append(_expression(text[position + 1 : end], position + 1, vocabulary))
            position = end + 1
        elif text[position] == "}":
            raise ExpressionError('a "}" without "{"', position, "a brace itself is written }}")
        else:
            end = _plain_end(text, position)
            written.append(text[position:end])
            position = end
    _flush(written, parts)
    if len(parts) > MAX_PARTS * 2:
        raise ExpressionError(f"more than {MAX_PARTS} expressions in one text", 0)
    return Template(text, tuple(parts))


def has_expressions(text: str) -> bool:
    """Whether a text has braces that mean something, so that it is a template."""
    return "{" in text or "}" in text


def _flush(written: list[str], parts: list[str | Expression]) -> None:
    if written:
        parts.append("".join(written))
        written.clear()


def _plain_end(text: str, position: int) -> int:
    ends = (text.find(brace, position) for brace in "{}")
    return min((end for end in ends if end >= 0), default=len(text))


def _closing(text: str, opened: int) -> int:
    """Where the brace closes; one inside quotes does not."""
    position = opened + 1
    while position < len(text) and text[position] != "}":
        quoted = _QUOTED.match(text, position)
        position = quoted.end() if quoted else position + 1
        if text.startswith("{", position):
            break
    if not text.startswith("}", position):
        hint = "a brace itself is written {{"
        raise ExpressionError('a "{" is not closed by "}"', opened, hint)
    return position


def _expression(text: str, position: int, vocabulary: Vocabulary) -> Expression:
    name = text.strip()
    if name in vocabulary.bindings and name not in FACTS:
        return Expression(name, Fact(f"binding.{name}", "text"))
    try:
        if _BARE.match(name) and name not in FACTS:
            vocabulary.fact(f"binding.{name}", 0)
        return parse_expression(text, vocabulary)
    except ExpressionError as error:
        raise ExpressionError(str(error), position + error.position, error.suggestion) from None
