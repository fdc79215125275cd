"""Writes the JSON Schema of the configuration language, for editors.

`python -m config.schema` writes it to standard output; docs/softswitch.schema.json is its output,
and a test says when the two differ. It is made from the tables the loader reads by: names of keys,
what they mean, and what each kind of value hints at (`config.hints`). An editor that knows it
completes keys and marks what cannot be; the last word is `softswitch check`.
https://json-schema.org/draft/2020-12
"""

import json
import sys
from collections.abc import Mapping
from typing import Any

from config import hints
from config.hints import Schema
from config.kinds import MAX_NAME
from config.loader import IGNORED_PREFIX, NAMED_SECTIONS
from config.number_files import NUMBER_FILES
from config.reading import Key, Section
from config.reference import GROUPS
from config.steps import BUILDERS, STEP_SECTIONS

DIALECT = "https://json-schema.org/draft/2020-12/schema"

ONE_EACH = (
    "switch",
    "control",
    "defence",
    "admission",
    "hearing",
    "originate",
    "web",
    "trace",
    "stir",
)
"""Sections that are one mapping."""
_NAMED: Mapping[str, Schema] = {
    "trunks": hints.section("a trunk"),
    "numbers": hints.section("a number"),
    "pools": hints.section("a pool"),
    "stocks": hints.section("a stock"),
    "campaigns": hints.section("a campaign"),
    "treatments": hints.STEPS,
    "hours": hints.section("a schedule"),
    "regions": hints.section("a region"),
    "lists": hints.section("a list of numbers"),
    "tables": hints.section("a table"),
    "places": hints.section("a table of places"),
    "prompts": hints.section("a prompt"),
    "webhooks": hints.section("a webhook"),
    "pixels": hints.section("a pixel"),
}
"""What the values of each section are."""


def schema() -> dict[str, Any]:
    """The whole schema."""
    about = {name: about for name, about, _sections in GROUPS}
    properties: dict[str, Schema] = {name: hints.section(name) for name in ONE_EACH}
    for name in NAMED_SECTIONS:
        properties[name] = _section_of(_NAMED[name], about[name])
    properties["number_files"] = {
        "description": about["number_files"],
        "anyOf": [NUMBER_FILES.schema, {"type": "null"}],
    }
    return {
        "$schema": DIALECT,
        "title": "Configuration of the softswitch",
        "type": "object",
        "properties": properties,
        "patternProperties": {f"^{IGNORED_PREFIX}": {}},
        "additionalProperties": False,
        "required": ["trunks"],
        "$defs": _definitions(),
    }


def _section_of(value: Schema, about: str) -> Schema:
    """A mapping from names to values, or nothing."""
    return {
        "description": about,
        "anyOf": [
            {
                "type": "object",
                "propertyNames": {"minLength": 1, "maxLength": max(MAX_NAME, 250)},
                "additionalProperties": hints.value(value),
            },
            {"type": "null"},
        ],
    }


def _definitions() -> dict[str, Schema]:
    found: dict[str, Schema] = {
        "variable": {"type": "string", "pattern": r"\$\{", "description": "${NAME}"},
        "step": _step(),
        "steps": {
            "anyOf": [
                {"type": "array", "items": {"$ref": "#/$defs/step"}, "minItems": 1},
                {"$ref": "#/$defs/step"},
            ]
        },
    }
    for _name, _about, sections in GROUPS:
        for section in sections:
            found[hints.slug(section.name)] = _definition(section)
    return found


def _step() -> Schema:
    """One step: a mapping with one of the words and a name, or the word that needs no more."""
    known = {section.name: section for section in STEP_SECTIONS}
    properties = {
        word: {"description": known[word].about, **hints.section(word)} for word in BUILDERS
    }
    name = {"type": ["string", "number"], "description": "What logs, records and goto call it."}
    return {
        "anyOf": [
            {"enum": ["hang_up"]},
            {
                "type": "object",
                "properties": {"name": name, **properties},
                "additionalProperties": False,
                "oneOf": [{"required": [word]} for word in BUILDERS],
            },
        ]
    }


def _definition(section: Section) -> Schema:
    """The mapping of a section, or what may stand instead."""
    if not section.keys:
        return {"description": section.about}
    mapping: dict[str, object] = {
        "type": "object",
        "properties": {name: _property(key) for name, key in section.keys.items()},
        "additionalProperties": False,
    }
    needed = [name for name, key in section.keys.items() if key.required]
    if needed:
        mapping["required"] = needed
    if not section.short:
        return {"description": section.about, **mapping}
    short = section.short_schema or {"not": {"type": "object"}}
    return {"description": section.about, "anyOf": [short, hints.VARIABLE, mapping]}


def _property(key: Key[Any]) -> Schema:
    """A key: its value, a variable, or nothing, which counts as left out."""
    default = f" Default: {key.default or key.otherwise}." if not key.required else ""
    found: dict[str, object] = {"description": f"{key.about}{default}"}
    if key.kind.schema:
        absent = {"enum": [None, ""]}
        found["anyOf"] = [key.kind.schema, hints.VARIABLE, absent]
    if key.example:
        found["examples"] = [key.example]
    return found


def render() -> str:
    """The schema as the text of a file."""
    return json.dumps(schema(), indent=1, ensure_ascii=False, default=dict) + "\n"


if __name__ == "__main__":
    sys.stdout.write(render())
