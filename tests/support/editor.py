"""A YAML file as an editor reads it for a JSON Schema: YAML 1.2's core types, variables as text."""

import re
from typing import Any

import yaml


class _CoreLoader(yaml.SafeLoader):
    """YAML's syntax with the types of YAML 1.2's core schema (section 10.3.2)."""


_CoreLoader.yaml_implicit_resolvers = {}
_TYPES = {
    "tag:yaml.org,2002:null": (r"~|null|Null|NULL|", "~nN\0"),
    "tag:yaml.org,2002:bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "tag:yaml.org,2002:int": (r"[-+]?[0-9]+", "-+0123456789"),
    "tag:yaml.org,2002:float": (
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?",
        "-+.0123456789",
    ),
    "tag:yaml.org,2002:merge": (r"<<", "<"),
}
for _tag, (_pattern, _first) in _TYPES.items():
    for _character in _first:
        _key = "" if _character == "\0" else _character
        _CoreLoader.yaml_implicit_resolvers.setdefault(_key, []).append(
            (_tag, re.compile(rf"(?:{_pattern})\Z"))
        )
_CoreLoader.add_constructor("tag:yaml.org,2002:int", lambda _loader, node: int(node.value))


def as_editor(text: str) -> Any:
    """The value of a YAML text; keys are text, as in JSON."""
    return _with_text_keys(yaml.load(text, Loader=_CoreLoader))


def _with_text_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _with_text_keys(inner) for key, inner in value.items()}
    return [_with_text_keys(inner) for inner in value] if isinstance(value, list) else value
