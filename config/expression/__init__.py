"""The expression grammar: text to a typed tree, templates, and the names that exist.

Readers read them by the kinds EXPRESSION, CONDITION, AMOUNT and TEMPLATE.
"""

from config.expression.errors import ExpressionError
from config.expression.kinds import AMOUNT, CONDITION, EXPRESSION, TEMPLATE, before_end
from config.expression.parser import parse_expression
from config.expression.printing import print_term
from config.expression.template import has_expressions, parse_template
from config.expression.vocabulary import FACTS, FUNCTIONS, Vocabulary
from config.expression.walking import asked

__all__ = [
    "AMOUNT",
    "CONDITION",
    "EXPRESSION",
    "FACTS",
    "FUNCTIONS",
    "TEMPLATE",
    "ExpressionError",
    "Vocabulary",
    "asked",
    "before_end",
    "has_expressions",
    "parse_expression",
    "parse_template",
    "print_term",
]
