"""`${NAME}` and `${NAME:-default}` in the text of a scalar, before it is given a type.

The rules of a shell, as far as they are useful here: `:-` gives the default when the variable is
unset or empty; `$$` is one dollar sign; a dollar sign before anything else is itself. A default
ends at the first `}`. What is put in is text: it is not searched again and adds no structure.
Knows nothing of YAML or of the process environment (the variables are an argument).
"""

import re
from collections.abc import Mapping

_REFERENCE = re.compile(
    r"\$(?:"
    r"(?P<escaped>\$)"
    r"|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}"
    r"|(?P<bad>\{)"
    r")"
)


class SubstitutionError(ValueError):
    """A reference that cannot be resolved; `offset` is where in the text it begins."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


def substitute(text: str, variables: Mapping[str, str], *, used: dict[str, str]) -> str:
    """The text with its references replaced; the variables that were read are added to `used`."""
    if "$" not in text:
        return text

    def replace(match: re.Match[str]) -> str:
        if match["escaped"]:
            return "$"
        if match["bad"]:
            raise SubstitutionError(
                "a reference is written ${NAME} or ${NAME:-default}; $$ is a dollar sign",
                match.start(),
            )
        return _value(match["name"], match["default"], match.start(), variables, used)

    return _REFERENCE.sub(replace, text)


def _value(
    name: str, default: str | None, offset: int, variables: Mapping[str, str], used: dict[str, str]
) -> str:
    value = variables.get(name)
    if value is not None:
        used[name] = value
    if default is not None:
        if "${" in default:
            raise SubstitutionError("a default may not contain another reference", offset)
        return value or default
    if value is None:
        raise SubstitutionError(f"the environment variable {name} is not set", offset)
    return value
