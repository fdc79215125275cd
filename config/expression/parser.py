"""The grammar of expressions, loosest first, as a parser by recursive descent.

    or; and; not; = != < <= > >= in, not in, before, after, is known, is not known; + -; * /; - ;
    number, text, true, false, fact, function(...), [list], (...)

Types are checked while the tree is built (`config.expression.types`), names by the vocabulary.
Depth and length are bounded, so that no text overruns the stack of this parser or of those who walk
the tree. No eval, no regular expressions in the language.
"""

from typing import Literal

from config.errors import did_you_mean
from config.expression.errors import ExpressionError, shown
from config.expression.tokens import UNITS, Token, tokenise
from config.expression.types import binary, call, list_of, negation, negative
from config.expression.vocabulary import FUNCTIONS, Vocabulary
from config.model.expression import Constant, Expression, Term, Unary

MAX_NESTING = 30
"""Parentheses, lists, functions and signs within each other; nobody reads more."""
MAX_OPERATORS = 150
"""Operators of an expression; a long row of `or` is a list with `in`, or a table."""

MAX_REMEMBERED = 10_000
"""Expressions of a file that are read only once; more differ from each other anyway."""

Comparison = Literal["=", "!=", "<", "<=", ">", ">=", "in", "not in", "before", "after"]

_COMPARISONS: dict[str, Comparison] = {
    "=": "=",
    "==": "=",
    "!=": "!=",
    "<": "<",
    "<=": "<=",
    ">": ">",
    ">=": ">=",
    "in": "in",
    "before": "before",
    "after": "after",
}


def parse_expression(text: str, vocabulary: Vocabulary) -> Expression:
    """The expression of a text; raises ExpressionError."""
    expression = vocabulary.parsed.get(text)
    if expression is None:
        expression = Expression(text.strip(), _Parser(tokenise(text), vocabulary).whole())
        if len(vocabulary.parsed) < MAX_REMEMBERED:
            vocabulary.parsed[text] = expression
    return expression


def _unit(token: Token) -> str | None:
    """What was meant by a word behind a number: a unit, or a currency, which an amount has not."""
    if token.kind != "name":
        return None
    if len(token.text) == 3 and token.text.isupper():
        return f"an amount stands without its currency: leave {token.text} out"
    return did_you_mean(token.text, UNITS)


class _Parser:
    """Walks over the tokens of one expression."""

    def __init__(self, tokens: list[Token], vocabulary: Vocabulary) -> None:
        self._tokens = tokens
        self._vocabulary = vocabulary
        self._at = 0
        self._depth = 0
        self._operators = 0

    def whole(self) -> Term:
        """The term of the whole text."""
        if self._next.kind == "end":
            raise ExpressionError("nothing stands here", 0)
        term = self._or()
        token = self._next
        if token.kind != "end":
            before = self._tokens[self._at - 1]
            raise ExpressionError(
                f"expected an operator such as and, not {token.describe()}",
                token.position,
                (_unit(token) if before.kind == "number" else None) or self._cure(token),
            )
        return term

    # Tokens.

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _is(self, kind: str, *texts: str) -> bool:
        token = self._next
        return token.kind == kind and token.text in texts

    def _take_operator(self) -> Token:
        self._operators += 1
        if self._operators > MAX_OPERATORS:
            message = f"more than {MAX_OPERATORS} operators"
            hint = 'a row of "or" can be written as: x in [a, b, c]'
            raise ExpressionError(message, self._next.position, hint)
        return self._take()

    def _need(self, sign: str, opened: Token) -> None:
        if not self._is("sign", sign):
            token = self._next
            what = f'"{opened.text}" is not closed: expected "{sign}", not {token.describe()}'
            raise ExpressionError(what, token.position, self._cure(token))
        self._take()

    def _deeper(self, token: Token) -> None:
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise ExpressionError(f"nested more than {MAX_NESTING} deep", token.position)

    @staticmethod
    def _cure(token: Token) -> str | None:
        """What was probably meant by a token that cannot stand where it does."""
        if token.kind == "name":
            near = did_you_mean(token.text, ("and", "or", "not", "in", "is", "before", "after"))
            return near or 'text stands in quotes: "..."'
        return None

    # Levels of the grammar.

    def _or(self) -> Term:
        left = self._and()
        while self._is("word", "or"):
            token = self._take_operator()
            left = binary("or", left, self._and(), token.position)
        return left

    def _and(self) -> Term:
        left = self._not()
        while self._is("word", "and"):
            token = self._take_operator()
            left = binary("and", left, self._not(), token.position)
        return left

    def _not(self) -> Term:
        if not self._is("word", "not"):
            return self._comparison()
        token = self._take_operator()
        self._deeper(token)
        operand = self._not()
        self._depth -= 1
        return negation(operand, token.position)

    def _comparison(self) -> Term:
        left = self._sum()
        if self._is("word", "is"):
            return self._is_known(left)
        operator, token = self._comparison_operator()
        if operator is None:
            return left
        term = binary(operator, left, self._sum(), token.position, self._vocabulary)
        again, token = self._comparison_operator()
        if again is not None:
            hint = "join two comparisons by and"
            raise ExpressionError("comparisons do not stand in a row", token.position, hint)
        return term

    def _comparison_operator(self) -> tuple[Comparison | None, Token]:
        token = self._next
        following = self._tokens[min(self._at + 1, len(self._tokens) - 1)]
        if token.kind == "word" and token.text == "not":
            if following.kind != "word" or following.text != "in":
                return None, token
            self._take_operator()
            self._take()
            return "not in", token
        operator = _COMPARISONS.get(token.text) if token.kind in ("sign", "word") else None
        if operator is not None:
            self._take_operator()
        return operator, token

    def _is_known(self, operand: Term) -> Term:
        token = self._take_operator()
        negated = self._is("word", "not")
        if negated:
            self._take()
        if not self._is("word", "known"):
            message = f'expected "known" behind "is", not {self._next.describe()}'
            raise ExpressionError(message, self._next.position, "equality is written =")
        self._take()
        known = Unary("is known", operand, "boolean")
        return negation(known, token.position) if negated else known

    def _sum(self) -> Term:
        left = self._product()
        while self._is("sign", "+", "-"):
            token = self._take_operator()
            operator: Literal["+", "-"] = "+" if token.text == "+" else "-"
            left = binary(operator, left, self._product(), token.position)
        return left

    def _product(self) -> Term:
        left = self._signed()
        while self._is("sign", "*", "/"):
            token = self._take_operator()
            operator: Literal["*", "/"] = "*" if token.text == "*" else "/"
            left = binary(operator, left, self._signed(), token.position)
        return left

    def _signed(self) -> Term:
        if not self._is("sign", "-"):
            return self._primary()
        token = self._take_operator()
        self._deeper(token)
        operand = self._signed()
        self._depth -= 1
        return negative(operand, token.position)

    def _primary(self) -> Term:
        token = self._take()
        if token.kind == "number":
            return Constant(token.number, "number")
        if token.kind == "text":
            return Constant(token.text, "text")
        if token.kind == "word" and token.text in ("true", "false"):
            return Constant(token.text == "true", "boolean")
        if token.kind == "name":
            return self._function(token) if self._is("sign", "(") else self._fact(token)
        if token.kind == "sign" and token.text == "(":
            return self._parentheses(token)
        if token.kind == "sign" and token.text == "[":
            return list_of(self._items(token, "]"), token.position)
        message = f"expected a value or fact, not {token.describe()}"
        raise ExpressionError(message, token.position)

    def _fact(self, token: Token) -> Term:
        return self._vocabulary.fact(token.text, token.position)

    def _parentheses(self, opened: Token) -> Term:
        self._deeper(opened)
        term = self._or()
        self._depth -= 1
        self._need(")", opened)
        return term

    def _function(self, name: Token) -> Term:
        if name.text not in FUNCTIONS:
            hint = did_you_mean(name.text, FUNCTIONS) or f"functions: {', '.join(FUNCTIONS)}"
            raise ExpressionError(f'"{shown(name.text)}" is no function', name.position, hint)
        arguments = self._items(self._take(), ")")
        return call(name.text, arguments, name.position, self._vocabulary)

    def _items(self, opened: Token, closing: str) -> list[tuple[Term, int]]:
        """Terms between signs, each with where it stands."""
        self._deeper(opened)
        items: list[tuple[Term, int]] = []
        while not self._is("sign", closing):
            if items:
                if not self._is("sign", ","):
                    break
                self._take()
            position = self._next.position
            items.append((self._or(), position))
        self._depth -= 1
        self._need(closing, opened)
        return items
