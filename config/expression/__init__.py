"""The expression grammar: text to a typed tree, templates, and the names that exist.

The kinds by which readers read them are `config.expression.kinds`.
"""

from config.expression.errors import ExpressionError
from config.expression.parser import parse_expression
from config.expression.printing import print_term
from config.expression.template import has_expressions, parse_template
from config.expression.vocabulary import FACTS, FUNCTIONS, Vocabulary

__all__ = [
    "FACTS",
    "FUNCTIONS",
    "ExpressionError",
    "Vocabulary",
    "has_expressions",
    "parse_expression",
    "parse_template",
    "print_term",
]
