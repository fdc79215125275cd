"""What is said of parameters that do not fit."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from softswitch.control.catalogue import Catalogue, Params
from softswitch.control.errors import ControlError, ErrorCode
from softswitch.control.methods.all import all_methods
from softswitch.control.session import Caller

METHODS = Catalogue()


class Colours(Params):
    """Which."""

    one: Literal["red", "green"] = "red"
    other: Literal["blue"] | None = None
    several: list[Literal["black", "white"]] | None = None
    number: Literal[4, 2] = 4
    size: int = 1


@METHODS.method("paint", role="control")
async def paint(desk: object, caller: Caller, params: Colours) -> None:
    """Paint."""


def complaint(method: str, params: dict[str, Any], methods: Catalogue = METHODS) -> str:
    with pytest.raises(ControlError) as error:
        methods.find(method).read(params)
    assert error.value.code is ErrorCode.INVALID_PARAMS
    return str(error.value)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"one": "bogus"}, "green, red"),
        ({"one": "bo` - at `$.other`\n"}, "green, red"),
        ({"other": "x"}, "blue"),
        ({"several": ["white", "grey"]}, "black, white"),
        ({"number": 3}, "2, 4"),
    ],
)
def test_a_word_that_is_none_of_several_is_answered_with_them(
    params: dict[str, Any], words: str
) -> None:
    assert complaint("paint", params).endswith(f": expected one of {words}")


@pytest.mark.parametrize("params", [{"size": "x"}, {"one": 3}, {"size": None}, {"sise": 1}])
def test_what_else_does_not_fit_is_said_as_it_is(params: dict[str, Any]) -> None:
    assert "expected one of" not in complaint("paint", params)


def test_a_criterion_that_there_is_not_is_answered_with_those_there_are() -> None:
    params = {"campaign": "sale", "first": "+16025550123", "criterion": "bogus"}
    told = complaint("call.originate", params, all_methods())
    assert told.endswith(": expected one of answered, any_key, key, ringing, word")
