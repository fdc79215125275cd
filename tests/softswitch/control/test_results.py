"""What is posted as a result, before it reaches a database."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest

from softswitch.call.stream import EventStream
from softswitch.control.access import ADMINISTRATOR
from softswitch.control.errors import ControlError, ErrorCode
from softswitch.control.results import ResultDesk, _read, values_of
from softswitch.switchboard.results import ResultError
from tests.support.configurations import MINIMAL, loaded


def test_truth_numbers_and_text_are_results() -> None:
    found = values_of({"sale": True, "amount": Decimal("120.50"), "count": 3, "who": "Ann O'Hara"})
    assert found == {"sale": True, "amount": Decimal("120.50"), "count": 3, "who": "Ann O'Hara"}


@pytest.mark.parametrize(
    "value",
    ["\ud800", "a\0b", math.nan, math.inf, 10**15, Decimal("1e999"), -(10**4000), None, [], {}],
)
def test_what_nobody_can_write_down_is_refused(value: object) -> None:
    with pytest.raises(ResultError):
        values_of({"amount": value})


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_of_json_is_no_json(text: str) -> None:
    with pytest.raises(ControlError) as caught:
        _read(f'{{"call": "c", "results": {{"amount": {text}}}}}'.encode())
    assert caught.value.code is ErrorCode.PARSE_ERROR


@pytest.mark.parametrize("call_id", ["\ud800", "a\0b"])
async def test_a_call_that_no_database_can_look_for_is_not_there(call_id: str) -> None:
    desk = ResultDesk(None, lambda: loaded(MINIMAL), EventStream())
    with pytest.raises(ControlError) as caught:
        await desk.post(call_id, {"sale": True}, ADMINISTRATOR)
    assert caught.value.code is ErrorCode.CALL_NOT_FOUND
