import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from config import hints
from config.reading import Key, Section
from config.reference import GROUPS
from config.schema import render, schema
from tests.support.configurations import mistakes
from tests.support.editor import as_editor

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "softswitch.schema.json"
EXAMPLES = sorted((ROOT / "config" / "examples").rglob("*.yaml"))
SCHEMA = json.loads(render())
SECTIONS = [section for _name, _about, sections in GROUPS for section in sections]
KEYS = [(section, key) for section in SECTIONS for key in section.keys.values()]


def problems(value: object, part: dict[str, Any] | None = None) -> list[str]:
    """What a schema says of a value; of a part of it, with all its definitions."""
    whole = SCHEMA if part is None else {**part, "$defs": SCHEMA["$defs"]}
    validator = jsonschema.Draft202012Validator(whole)
    return [str(error.message) for error in validator.iter_errors(value)]


def test_the_file_is_what_the_loader_reads_by() -> None:
    assert PAGE.read_text() == render(), (
        "run: python -m config.schema > docs/softswitch.schema.json"
    )


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_every_section_of_the_language_has_a_definition_of_its_own() -> None:
    names = [hints.slug(section.name) for section in SECTIONS]
    assert len(names) == len(set(names))
    assert set(names) <= set(SCHEMA["$defs"])
    used = set(json.dumps(schema(), default=dict).split('"#/$defs/')[1:])
    assert {reference.partition('"')[0] for reference in used} <= set(SCHEMA["$defs"])


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_each_example_is_good(path: Path) -> None:
    assert problems(as_editor(path.read_text())) == []


@pytest.mark.parametrize(
    ("section", "key"), KEYS, ids=[f"{section.name} {key.name}" for section, key in KEYS]
)
def test_the_example_of_each_key_is_good(section: Section, key: Key[Any]) -> None:
    definition = SCHEMA["$defs"][hints.slug(section.name)]
    mapping = next(
        (part for part in definition.get("anyOf", [definition]) if "properties" in part), definition
    )
    value = as_editor(f"x: {key.example}")["x"]
    assert problems(value, mapping["properties"][key.name]) == []


def parts(section: Section) -> list[Any]:
    return [as_editor(part) for part in section.example.split("# or\n")]


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)
def test_the_example_of_each_section_is_good(section: Section) -> None:
    for part in parts(section):
        if isinstance(part, list):
            assert problems(part, {"$ref": "#/$defs/steps"}) == []
            continue
        for name, value in part.items():
            top = [SCHEMA["properties"][name]] if name in SCHEMA["properties"] else []
            assert any(problems(value, place) == [] for place in top + places_of(name)), name


def places_of(name: str) -> list[dict[str, Any]]:
    """The schemas of a key, wherever it stands; of a whole section's own settings too."""
    found = [
        part["properties"][name]
        for definition in SCHEMA["$defs"].values()
        for part in definition.get("anyOf", [definition])
        if name in part.get("properties", {})
    ]
    return found or [{"$ref": f"#/$defs/{name}"}]


HEAD = "trunks: {a: h}\ncampaigns: {c: t}\n"
MISTAKES = [
    "treatments: {t: [{conect: called}]}",
    "treatments: {t: [{play: x, connect: called}]}",
    "treatments: {t: [{name: x}]}",
    "treatments: {t: []}",
    "treatments: {t: [{menu: {prompt: x}}]}",
    "treatments: {t: [{menu: {prompt: x, choices: {12: hang_up}}}]}",
    "treatments: {t: [{menu: {prompt: x, choices: {1: hang_up}, invalid_limit: 21}}]}",
    "treatments: {t: [{menu: {prompt: x, choices: {1: hang_up}, timeout: soon}}]}",
    "treatments: {t: [{hang_up: {status: 200}}]}",
    "treatmnts: {}",
    "switch: {listn: 127.0.0.1}",
    "switch: {max_calls: 0}",
    "switch: {max_calls: many}",
    "switch: {log_level: loud}",
    "switch: {tap: maybe}",
    "numbers: {8666831950: {campain: c}}",
    "numbers: {8666831950: {campaign: c, refuse: 200}}",
    "numbers: [8666831950]",
    "number_files: {name: a.csv}",
    "pools: {p: {parameters: []}}",
    "pools: {p: {parameters: [a], kind: costum}}",
    "pools: {p: {parameters: [a], minimum_lifetime: ten}}",
    "pools: {p: {parameters: [a], maximum_size: -1}}",
    "campaigns: {c: {treatment: t, record: 7}}",
    "campaigns: {c: {treatment: t, caps: {x: {kind: weekly, limit: 1}}}}",
    "campaigns: {c: {treatment: t, caps: {x: {kind: daily}}}}",
    "campaigns: {c: {treatment: t, payout: {base: []}}}",
    "campaigns: {c: {treatment: t, payout: {bonuses: 1}}}",
    "campaigns: {c: {treatment: t, price: 5 USD}}",
    "campaigns: {c: {treatment: t, rating: [{rate: best}]}}",
    "campaigns: {c: {treatment: t, rating: [{rate: 101}]}}",
    "campaigns: {c: {treatment: t, fraud: {x: {for: 1 h}}}}",
    "campaigns: {c: {treatment: t, max_call_time: 1 hour}}",
    "trunks: 127.0.0.1",
]


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_that_an_editor_can_see_is_marked(text: str) -> None:
    lines = HEAD if not text.startswith(("campaigns", "trunks")) else "trunks: {a: h}\n"
    lines = "" if text.startswith("trunks") else lines
    whole = f"{lines}{text}\n"
    if "treatments" not in text:
        whole += "treatments: {t: hang_up}\n"
    assert mistakes(whole), "the loader finds nothing wrong with it"
    assert problems(as_editor(whole))


@pytest.mark.parametrize(
    "text",
    [
        "switch: {max_calls: '${N}', tap: '${T:-yes}', no_media_time: off, grace_time: 5 s}",
        "switch: {max_calls: 010, listen: , transports: udp}",
        "numbers: {8666831950: c, '+1866*': {campaign: c}}",
        "campaigns: {c: {treatment: t, payout: 5.00, rating: high, blocked: x, caps: ~}}",
        "x-anything: {at: all}",
        "treatments: {t: hang_up}",
        "treatments: {t: [hang_up, {play: 5}, {goto: t}, {connect: +16025551234}]}",
        "pools: {p: {kind: search, minimum_lifetime: off, numbers: 8001231111}}",
        "stocks: {s: [8001231111, {file: x.csv}], t: {file: x.csv}}",
    ],
)
def test_short_forms_and_variables_are_not_marked(text: str) -> None:
    assert problems(as_editor(f"trunks: {{a: h}}\n{text}\n")) == []
