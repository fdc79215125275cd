"""The documentation of the socket is what the code says, complete, and true of real calls."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from softswitch.control.errors import ErrorCode
from softswitch.control.field_docs import docs_of
from softswitch.control.interface import all_events, open_rpc
from softswitch.control.methods.all import all_methods
from softswitch.control.rpc import event_message
from softswitch.control.schema import markdown, open_rpc_text, type_of
from tests.support.laboratory import DIRECT, MENU, laboratory

DOCS = Path(__file__).resolve().parents[3] / "docs"
DOCUMENT = open_rpc(all_methods())


def test_the_page_is_what_the_code_says() -> None:
    said = "run: python -m softswitch.control.schema > docs/control.md"
    assert (DOCS / "control.md").read_text() == markdown(), said


def test_the_open_rpc_document_is_what_the_code_says() -> None:
    said = "run: python -m softswitch.control.schema --openrpc > docs/openrpc.json"
    assert (DOCS / "openrpc.json").read_text() == open_rpc_text(), said


@pytest.mark.slow
def test_the_program_prints_both() -> None:
    for options, file in (((), "control.md"), (("--openrpc",), "openrpc.json")):
        printed = subprocess.run(
            [sys.executable, "-m", "softswitch.control.schema", *options],
            check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        assert printed == (DOCS / file).read_text()


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (value[key] for key in ("$ref",) if key in value)
        for one in value.values():
            yield from references(one)
    elif isinstance(value, list):
        for one in value:
            yield from references(one)


def test_what_is_referred_to_is_there() -> None:
    found = set(references(DOCUMENT))
    assert len(found) > 10
    for reference in found:
        at: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            assert part in at, reference
            at = at[part]


def test_every_schema_is_one() -> None:
    for schema in (*DOCUMENT["components"]["schemas"].values(), *DOCUMENT["x-events"].values()):
        jsonschema.Draft202012Validator.check_schema(schema)


def test_every_method_event_and_error_says_what_it_is() -> None:
    for method in DOCUMENT["methods"]:
        assert method["summary"].endswith("."), method["name"]
    for kind, event in DOCUMENT["x-events"].items():
        assert event["description"].endswith("."), kind
    for code in ErrorCode:
        message = DOCUMENT["components"]["errors"][code.name.lower()]["message"]
        assert message.endswith("."), code.name


def test_no_two_structs_have_one_name() -> None:
    kinds = [kind for one in all_methods() for kind in (one.params, one.result)]
    structs = {kind for kind in (*kinds, *all_events()) if hasattr(kind, "__struct_fields__")}
    names = [kind.__name__ for kind in structs]
    assert sorted(names) == sorted(set(names))


def test_parameters_have_defaults_and_meanings() -> None:
    (subscribe,) = [one for one in DOCUMENT["methods"] if one["name"] == "events.subscribe"]
    params = {one["name"]: one for one in subscribe["params"]}
    assert params["after"]["required"] is False
    assert params["after"]["schema"]["default"] is None
    assert "last event that one has" in params["after"]["schema"]["description"]
    assert subscribe["x-role"] == "read"
    assert {"$ref": "#/components/errors/events_gone"} in subscribe["errors"]


def test_events_of_real_calls_are_as_described(tmp_path: Path) -> None:
    with laboratory(tmp_path / "data") as lab:
        lab.caller.invite(DIRECT)
        lab.settle()
        lab.callee.answer()
        lab.settle()
        lab.caller.hang_up()
        lab.settle()
        lab.caller.invite(MENU)
        lab.settle()
        lab.caller.hang_up()
        lab.settle()
        lab.caller.invite("999")
        lab.settle()
        events = list(lab.all_events)
    told = [as_sent(event.facts()) for event in events]
    kinds = {event.kind for event in events}
    assert {"call.bridged", "prompt.started", "call.record", "call.refused"} <= kinds
    for event, facts in zip(events, told, strict=True):
        schema = {**DOCUMENT["x-events"][event.kind], "components": DOCUMENT["components"]}
        jsonschema.validate(facts, schema)
        assert facts.keys() == schema["properties"].keys(), event.kind


def as_sent(facts: Any) -> Any:
    return json.loads(event_message("event", facts))["params"]


def test_types_are_told_in_few_words() -> None:
    assert type_of({"anyOf": [{"type": "string"}, {"type": "null"}]}) == "text or null"
    assert type_of({"type": "array", "items": {"$ref": "#/x/Leg"}}) == "list of Leg"
    assert type_of({"enum": ["a", "b"]}) == "`a`, `b`"
    assert type_of({"type": "object", "additionalProperties": {"type": "number"}}) == (
        "names to number"
    )
    assert type_of({}) == "any"


def test_what_stands_below_a_field_is_found() -> None:
    class Nothing:
        """Has no fields that are told of."""

    assert docs_of(Nothing) == {}
    assert docs_of(ErrorCode)["CALL_ENDED"].startswith("The call is over")


def test_the_example_in_the_page_is_python() -> None:
    text = markdown()
    example = text.partition("```python\n")[2].partition("```")[0]
    compile(example, "control.md", "exec")
    assert "events.subscribe" in example
