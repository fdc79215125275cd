"""Parties named by a template: whom a message or a transfer goes to.

A text without values is checked as what it has to become; one with values is checked for each call.
"""

from config import hints
from config.addresses import sip_uri_problem
from config.document import Tree
from config.e164 import normalise
from config.expression import TEMPLATE
from config.model import Template
from config.reading import Kind, Reading, RefusedError, describe


def _read_number(tree: Tree, reading: Reading) -> Template:
    template = TEMPLATE.read(tree, reading)
    text = template.constant
    if text is not None and normalise(text, reading.country) is None:
        raise RefusedError(f"expected {NUMBER_TEMPLATE.says}, {describe(tree)}")
    return template


def _read_party(tree: Tree, reading: Reading) -> Template:
    template = TEMPLATE.read(tree, reading)
    text = template.constant
    if text is not None and text.lower().startswith(("sip:", "sips:")):
        problem = sip_uri_problem(text)
        if problem is not None:
            raise RefusedError(problem)
    elif text is not None and normalise(text, reading.country) is None:
        raise RefusedError(f"expected {PARTY_TEMPLATE.says}, {describe(tree)}")
    return template


NUMBER_TEMPLATE = Kind(
    "a phone number, or text with expressions in braces", _read_number, hints.SCALAR
)
PARTY_TEMPLATE = Kind(
    "a phone number, a SIP URI, or text with expressions in braces", _read_party, hints.SCALAR
)
