from typing import Any

import pytest

from config.caller_ids import CALLER_ID
from config.model import CallerId
from config.reading import Kind, RefusedError
from tests.support.configurations import read_kind


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        (CALLER_ID, "Original", CallerId("original")),
        (CALLER_ID, "called", CallerId("called")),
        (CALLER_ID, "602 555 0100", CallerId("fixed", "+16025550100")),
        (CALLER_ID, "212-xxx-XXXX", CallerId("mask", "212XXXXXXX")),
        (CALLER_ID, "sip:sales@example.org", CallerId("uri", "sip:sales@example.org")),
    ],
)
def test_a_good_caller_id_is_read(kind: Kind[Any], text: str, expected: object) -> None:
    assert read_kind(kind, text) == expected


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        (CALLER_ID, "caled", "expected original, called, a phone number, a mask"),
        (CALLER_ID, "[called]", "or a range, not a list"),
        (CALLER_ID, "sips:a@b.example", "use sip: here"),
        (CALLER_ID, "{unique: 800 555 0999, last: 800 555 0000}", "is no range of 1 to"),
    ],
)
def test_a_bad_caller_id_is_refused_with_what_was_expected(
    kind: Kind[Any], text: str, message: str
) -> None:
    with pytest.raises(RefusedError) as caught:
        read_kind(kind, text)
    assert message in str(caught.value)


def test_a_slip_comes_with_what_was_probably_meant() -> None:
    with pytest.raises(RefusedError) as caught:
        read_kind(CALLER_ID, "orignal")
    assert caught.value.suggestion == 'did you mean "original"?'
