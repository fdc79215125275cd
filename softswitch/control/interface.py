"""The interface as data: OpenRPC 1.3 of all methods, with the events and error codes beside it.

https://spec.open-rpc.org. Made from the catalogue and the classes it names; nothing is written
twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from softswitch.call.events import CallEvent
from softswitch.control.catalogue import Catalogue, Method
from softswitch.control.errors import ErrorCode
from softswitch.control.field_docs import docs_of
from softswitch.control.subscriptions import events_of

__all__ = ["COMMON_ERRORS", "INTERFACE_VERSION", "all_events", "open_rpc"]

INTERFACE_VERSION = "1.0.0"
"""Of what is said over the socket, not of the switch: a new first number when a program that spoke
the last one would no longer be understood."""

COMMON_ERRORS = (
    ErrorCode.PARSE_ERROR,
    ErrorCode.INVALID_REQUEST,
    ErrorCode.METHOD_NOT_FOUND,
    ErrorCode.INVALID_PARAMS,
    ErrorCode.INTERNAL_ERROR,
    ErrorCode.LINE_TOO_LONG,
    ErrorCode.NOT_AUTHENTICATED,
    ErrorCode.FORBIDDEN,
    ErrorCode.TOO_MANY_REQUESTS,
)
"""What any request may be answered with."""

_REFERENCE = "#/components/schemas/{name}"


def all_events() -> list[type[CallEvent]]:
    """All kinds of events, by name."""
    return sorted(set(events_of()), key=lambda event: event.kind)


def open_rpc(catalogue: Catalogue) -> dict[str, Any]:
    """The OpenRPC document."""
    methods, events = list(catalogue), all_events()
    stand_elsewhere = {kind.__name__ for kind in (*events, *(one.params for one in methods))}
    types = [
        kind for method in methods for kind in (method.params, method.result) if _is_struct(kind)
    ]
    schemas = _schemas((*types, *events))
    return {
        "openrpc": "1.3.2",
        "info": {
            "title": "Control socket of the softswitch",
            "version": INTERFACE_VERSION,
            "description": "JSON-RPC 2.0, one message a line, or a WebSocket frame.",
        },
        "methods": [_method(method, schemas) for method in methods],
        "components": {
            "schemas": {
                name: schema for name, schema in schemas.items() if name not in stand_elsewhere
            },
            "errors": {code.name.lower(): _error(code) for code in ErrorCode},
        },
        "x-events": {event.kind: schemas[event.__name__] for event in events},
    }


def _schemas(types: tuple[Any, ...]) -> dict[str, Any]:
    """Schemas by name, each field with what stands below it in its class."""
    references, schemas = msgspec.json.schema_components(types, ref_template=_REFERENCE)
    for kind, reference in zip(types, references, strict=True):
        name = reference["$ref"].rpartition("/")[2]
        _describe(kind, schemas[name])
        _name_parts(kind, schemas)
    return schemas


def _name_parts(kind: Any, schemas: dict[str, Any]) -> None:
    """Describe the structs that fields are made of, too."""
    for part in _structs_in(kind):
        schema = schemas.get(part.__name__)
        if schema is not None:
            _describe(part, schema)


def _structs_in(kind: Any) -> Iterator[Any]:
    waiting, seen = [msgspec.inspect.type_info(kind)], set()
    while waiting:
        info = waiting.pop()
        if isinstance(info, msgspec.inspect.StructType) and info.cls not in seen:
            seen.add(info.cls)
            yield info.cls
            waiting += [field.type for field in info.fields]
        for name in ("types", "item_types"):
            waiting += getattr(info, name, ())
        for name in ("item_type", "value_type"):
            waiting += [one for one in (getattr(info, name, None),) if one is not None]


def _describe(kind: Any, schema: dict[str, Any]) -> None:
    schema.pop("title", None)
    if issubclass(kind, CallEvent):
        for name in CallEvent.__struct_fields__:
            schema["properties"].pop(name, None)
        schema["required"] = [name for name in schema["required"] if name in schema["properties"]]
    for name, text in docs_of(kind).items():
        field = schema.get("properties", {}).get(name)
        if field is not None:
            field["description"] = " ".join(text.split())


def _method(method: Method, schemas: dict[str, Any]) -> dict[str, Any]:
    params = schemas[method.params.__name__]
    first, _, rest = method.about.partition("\n\n")
    return {
        "name": method.name,
        "summary": " ".join(first.split()),
        **({"description": " ".join(rest.split())} if rest else {}),
        "paramStructure": "either",
        "params": [
            {"name": name, "required": name in params.get("required", ()), "schema": schema}
            for name, schema in params["properties"].items()
        ],
        "result": _result(method),
        "errors": [
            {"$ref": f"#/components/errors/{code.name.lower()}"} for code in sorted(method.errors)
        ],
        "x-role": method.role,
    }


def _result(method: Method) -> dict[str, Any]:
    if not _is_struct(method.result):
        return {"name": "result", "schema": {"type": "object"}}
    name = method.result.__name__
    return {"name": name, "schema": {"$ref": _REFERENCE.format(name=name)}}


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _error(code: ErrorCode) -> dict[str, Any]:
    text = docs_of(ErrorCode).get(code.name, "")
    return {"code": int(code), "message": " ".join(text.split())}
