"""Parameters of a number: a mapping from names to texts, as they stand in a binding."""

from collections.abc import Mapping
from types import MappingProxyType

from config.document import Scalar, Table, Tree
from config.kinds import MAX_NAME, MAX_VALUE
from config.reading import Kind, Reading, RefusedError, describe, refuse_all, shorten

MAX_PARAMETERS = 50
"""Parameters of a number without a pool; a pool has 10."""


def _parameters(tree: Tree, _reading: Reading) -> Mapping[str, str]:
    if not isinstance(tree, Table):
        raise RefusedError(f"expected {PARAMETERS.says}, {describe(tree)}")
    if len(tree.entries) > MAX_PARAMETERS:
        raise RefusedError(f"at most {MAX_PARAMETERS} parameters, not {len(tree.entries)}")
    values: dict[str, str] = {}
    errors: list[RefusedError] = []
    for name, value in tree.entries.items():
        if not 0 < len(name) <= MAX_NAME:
            message = f"the name of a parameter has 1 to {MAX_NAME} characters"
            errors.append(RefusedError(message, location=tree.keys[name].location))
        if isinstance(value, Scalar) and len(value.text) <= MAX_VALUE:
            values[name] = value.text
        else:
            message = f"{shorten(name)}: expected text of up to {MAX_VALUE} characters"
            errors.append(RefusedError(message, location=value.location))
    refuse_all(errors)
    return MappingProxyType(values)


PARAMETERS = Kind(
    "a mapping from the names of parameters to their values",
    _parameters,
    {"type": "object", "maxProperties": MAX_PARAMETERS},
)
