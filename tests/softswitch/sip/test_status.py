"""Reason phrases and classes of status codes (RFC 3261 section 21)."""

from __future__ import annotations

import pytest

from softswitch.sip.status import (
    REASON_PHRASES,
    is_final,
    is_global_failure,
    is_provisional,
    is_redirection,
    is_success,
    reason_phrase,
)


@pytest.mark.parametrize(
    ("status", "phrase"),
    [
        (100, "Trying"),
        (486, "Busy Here"),
        (505, "Version Not Supported"),
        (499, "Bad Request"),
        (299, "OK"),
        (699, "Decline"),
        (999, "Unknown"),
    ],
)
def test_each_status_has_a_phrase(status: int, phrase: str) -> None:
    assert reason_phrase(status) == phrase


def test_every_answer_of_the_switch_is_registered() -> None:
    for status in (400, 403, 404, 405, 406, 413, 414, 415, 416, 420, 480, 481, 482, 483, 486, 487):
        assert status in REASON_PHRASES
    for status in (488, 491, 500, 501, 503, 505, 513, 600, 603):
        assert status in REASON_PHRASES


@pytest.mark.parametrize("status", range(100, 700, 33))
def test_each_status_belongs_to_its_class(status: int) -> None:
    assert is_provisional(status) is (status // 100 == 1)
    assert is_final(status) is (status // 100 > 1)
    assert is_success(status) is (status // 100 == 2)
    assert is_redirection(status) is (status // 100 == 3)
    assert is_global_failure(status) is (status // 100 == 6)
