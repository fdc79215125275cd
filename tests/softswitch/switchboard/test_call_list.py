"""Whose turn it is on a list of numbers."""

from __future__ import annotations

from softswitch.switchboard.call_list import CallList


def test_numbers_are_called_in_their_order_and_once() -> None:
    one = CallList(["b", "a", "b"], attempts=1, retry_seconds=10)
    assert one.total == 2
    assert [one.take(0.0), one.take(0.0), one.take(0.0)] == ["b", "a", None]
    assert one.calling == 2
    assert one.wait(0.0) is None
    one.settle("b", "answered", 1.0)
    one.settle("a", "unanswered", 1.0)
    assert one.outcomes == {"answered": 1, "unanswered": 1}
    assert (one.left, one.calling) == (0, 0)


def test_who_does_not_answer_is_called_again_after_the_pause() -> None:
    one = CallList(["a", "b"], attempts=2, retry_seconds=10)
    assert one.take(0.0) == "a"
    one.settle("a", "unanswered", 3.0)
    assert one.take(4.0) == "b"
    one.settle("b", "answered", 5.0)
    assert one.wait(5.0) == 8.0
    assert one.take(12.9) is None
    assert one.take(13.0) == "a"
    one.settle("a", "unanswered", 14.0)
    assert one.wait(14.0) is None
    assert one.outcomes == {"answered": 1, "unanswered": 1}


def test_one_that_is_put_back_comes_first_and_keeps_its_attempts() -> None:
    one = CallList(["a", "b"], attempts=1, retry_seconds=10)
    assert one.take(0.0) == "a"
    one.put_back("a")
    assert (one.left, one.calling) == (2, 0)
    assert one.take(0.0) == "a"
    one.settle("a", "unanswered", 0.0)
    assert one.outcomes == {"unanswered": 1}


def test_whom_nobody_may_call_is_not_tried_again() -> None:
    one = CallList(["a"], attempts=5, retry_seconds=10)
    one.take(0.0)
    one.settle("a", "not_allowed", 0.0)
    assert one.wait(0.0) is None
