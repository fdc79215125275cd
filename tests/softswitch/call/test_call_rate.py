"""Calls a second."""

from softswitch.call.call_rate import CallRate


def test_a_second_has_room_for_as_many_as_it_may() -> None:
    rate = CallRate()
    assert [rate.takes("a", 2, 0.0) for _ in range(3)] == [True, True, False]
    assert rate.takes("b", 2, 0.0)
    assert not rate.takes("a", 2, 0.4)
    assert rate.takes("a", 2, 0.9)


def test_a_long_silence_saves_nothing_up() -> None:
    rate = CallRate()
    rate.takes("a", 3, 0.0)
    assert [rate.takes("a", 3, 1000.0) for _ in range(4)] == [True, True, True, False]
