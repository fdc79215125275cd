"""What a JSON Schema can say of the values of the language, as the kinds of value hint at it.

A hint is a schema (2020-12) of a value as an editor reads it: YAML's own guesses have been made by
then (`30` is a number, `+16025551234` too, `true` a boolean), while the loader sees text. Hints may
let through what the loader refuses, never the other way round, but for words in capital letters.
`config.schema` makes a whole of them. Knows no key.
"""

import re
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import TypeAlias

Schema: TypeAlias = Mapping[str, object]

ANYTHING: Schema = MappingProxyType({})
SCALAR: Schema = MappingProxyType({"type": ["string", "number", "boolean"]})
"""Any text: what stands without quotes may look like a number or a truth."""
BOOLEAN: Schema = MappingProxyType(
    {"anyOf": [{"type": "boolean"}, {"enum": ["yes", "no", "on", "off", "true", "false"]}]}
)
VARIABLE: Schema = MappingProxyType({"$ref": "#/$defs/variable"})
"""Text with `${NAME}` in it, which may become anything."""

STEPS: Schema = MappingProxyType({"$ref": "#/$defs/steps"})
"""Steps of a treatment, or one step."""


def words(known: Collection[str | int]) -> Schema:
    """One of some words."""
    return {"enum": list(known)}


def text(pattern: str) -> Schema:
    """Text of a form, or a number that has it when it is written down."""
    return {"anyOf": [{"type": "string", "pattern": pattern}, {"type": "number"}]}


def whole_number(lowest: int, highest: int) -> Schema:
    """A whole number in decimal digits, however they are quoted."""
    digits = {"type": "string", "pattern": "^0*[0-9]{1,9}$"}
    return {"anyOf": [{"type": "integer", "minimum": lowest, "maximum": highest}, digits]}


def value(schema: Schema) -> Schema:
    """A value, or a variable in its place."""
    return schema if not schema else {"anyOf": [schema, VARIABLE]}


def list_of(schema: Schema, most: int, *, doubles: bool) -> Schema:
    """A list, or one value without a list."""
    items = value(schema)
    found = {"type": "array", "items": items, "minItems": 1, "maxItems": most}
    if not doubles:
        found["uniqueItems"] = True
    return {"anyOf": [found, schema]} if schema else ANYTHING


def mapping(schema: Schema) -> Schema:
    """A mapping from names to values of one kind."""
    return {"type": "object", "additionalProperties": value(schema)}


def section(name: str) -> Schema:
    """The mapping of a section, in every form it may take."""
    return {"$ref": f"#/$defs/{slug(name)}"}


def slug(name: str) -> str:
    """The name of a section among the definitions: `a price rule` is `price_rule`."""
    bare = re.sub(r"\A(?:an?|the) ", "", name)
    return re.sub(r"[^A-Za-z0-9]+", "_", bare).strip("_")
