"""Prints what is said over the control socket, from the code that says it.

`python -m softswitch.control.schema` writes docs/control.md to standard output, with `--openrpc`
docs/openrpc.json; a test says when they differ.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from softswitch.control.errors import ErrorCode
from softswitch.control.interface import COMMON_ERRORS, open_rpc
from softswitch.control.introduction import EVENTS, INTRODUCTION, METHODS
from softswitch.control.methods.all import all_methods

__all__ = ["markdown", "open_rpc_text"]

Schema = Mapping[str, Any]


def open_rpc_text() -> str:
    """docs/openrpc.json."""
    return json.dumps(open_rpc(all_methods()), indent=1) + "\n"


def markdown() -> str:
    """docs/control.md."""
    document = open_rpc(all_methods())
    schemas = document["components"]["schemas"]
    parts = [INTRODUCTION, METHODS]
    for method in document["methods"]:
        parts += _method(method, schemas)
    parts.append(EVENTS)
    for kind, event in document["x-events"].items():
        parts += _event(kind, event, schemas)
    parts += _errors(document["components"]["errors"])
    return "\n".join(parts)


def _method(method: Schema, schemas: Mapping[str, Schema]) -> Iterator[str]:
    yield f"### {method['name']}\n"
    yield f"{method['summary']} Role: {method['x-role']}.\n"
    if "description" in method:
        yield f"{method['description']}\n"
    if method["params"]:
        yield _table(
            ("parameter", "type", "default", "meaning"),
            (
                (f"`{one['name']}`", type_of(one["schema"]), _default(one), _about(one["schema"]))
                for one in method["params"]
            ),
        )
    yield from _result(method["result"]["schema"], schemas)
    if method["errors"]:
        names = ", ".join(f"`{error['$ref'].rpartition('/')[2]}`" for error in method["errors"])
        yield f"Errors: {names}.\n"


def _default(param: Schema) -> str:
    if param["required"]:
        return "needed"
    return f"`{json.dumps(param['schema'].get('default'))}`"


def _result(result: Schema, schemas: Mapping[str, Schema]) -> Iterator[str]:
    """The result, and what its fields are made of."""
    waiting = [*_references(result)]
    told: set[str] = set()
    while waiting:
        name = waiting.pop(0)
        if name in told:
            continue
        schema = schemas[name]
        yield (
            f"*{name}*: {schema['description']}\n" if told else f"Result: {schema['description']}\n"
        )
        yield from _fields(schema)
        told.add(name)
        waiting += _references(schema)


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield schema["$ref"].rpartition("/")[2]
        for value in schema.values():
            yield from _references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _references(value)


def _fields(schema: Schema) -> Iterator[str]:
    fields = schema.get("properties", {})
    if fields:
        yield _table(
            ("field", "type", "meaning"),
            ((f"`{name}`", type_of(one), _about(one)) for name, one in fields.items()),
        )


def _event(kind: str, event: Schema, schemas: Mapping[str, Schema]) -> Iterator[str]:
    yield f"### {kind}\n"
    yield f"{event['description']}\n"
    yield from _fields(event)
    for name in dict.fromkeys(_references(event)):
        yield f"*{name}*: {schemas[name]['description']}\n"
        yield from _fields(schemas[name])


def _errors(errors: Mapping[str, Schema]) -> Iterator[str]:
    common = ", ".join(f"`{code.name.lower()}`" for code in COMMON_ERRORS)
    yield "## Errors\n"
    yield (
        "`data.reason` is the name of the code; more about it may stand beside. Codes never change "
        f"their meaning. Any request may be answered with {common}.\n"
    )
    yield _table(
        ("code", "reason", "meaning"),
        (
            (str(int(code)), f"`{code.name.lower()}`", errors[code.name.lower()]["message"])
            for code in ErrorCode
        ),
    )


def type_of(schema: Schema) -> str:
    """A schema in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(type_of(one) for one in schema["anyOf"])
    match schema.get("type"):
        case "array":
            return f"list of {type_of(schema.get('items', {}))}"
        case "object":
            values = schema.get("additionalProperties")
            return f"names to {type_of(values)}" if isinstance(values, dict) else "object"
        case "string":
            return "text"
        case "boolean":
            return "true, false"
        case None:
            return "any"
        case other:
            return f"{other}{_range(schema)}"


def _range(schema: Schema) -> str:
    if "minimum" in schema and "maximum" in schema:
        return f" {schema['minimum']} to {schema['maximum']}"
    return ""


def _about(schema: Schema) -> str:
    return str(schema.get("description", ""))


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    written = (" | ".join(cell.replace("|", "\\|") for cell in line) for line in lines)
    return "".join(f"| {line} |\n" for line in written)


if __name__ == "__main__":
    sys.stdout.write(open_rpc_text() if "--openrpc" in sys.argv[1:] else markdown())
