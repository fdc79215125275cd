from softswitch.control.webhooks.gate import DOWN_AFTER, MAX_PAUSE, Gate, pause_after


def longest() -> float:
    return 1.0


def test_pauses_double_up_to_a_bound_and_are_drawn_from_their_upper_half() -> None:
    pauses = [pause_after(failures, longest) for failures in range(1, 12)]
    assert pauses[:4] == [1, 2, 4, 8]
    assert max(pauses) == MAX_PAUSE
    assert pause_after(5, lambda: 0.0) == 8
    assert pause_after(10**6, longest) == MAX_PAUSE


def test_an_open_gate_lets_everybody_through() -> None:
    gate = Gate(longest)
    assert [gate.wait(0.0) for _ in range(100)] == [0.0] * 100


def test_after_a_failure_one_at_a_time_asks_whether_the_server_is_back() -> None:
    gate = Gate(longest)
    gate.failed(100.0, began=100.0)
    assert gate.wait(100.0) == 1.0
    assert gate.wait(100.5) == 0.5
    assert gate.wait(101.0) == 0.0
    assert gate.wait(101.0) is None, "another one asks"
    gate.failed(101.0, began=101.0)
    assert gate.wait(101.0) == 2.0
    assert gate.wait(103.0) == 0.0
    gate.worked()
    assert [gate.wait(103.0) for _ in range(10)] == [0.0] * 10


def test_an_attempt_that_was_broken_off_leaves_the_word_to_the_next() -> None:
    gate = Gate(longest)
    gate.failed(0.0, began=0.0)
    assert gate.wait(1.0) == 0.0
    gate.gave_up()
    assert gate.wait(1.0) == 0.0


def test_a_server_is_away_after_some_failures_in_a_row_and_that_it_was_is_told_once() -> None:
    gate = Gate(longest)
    for number in range(DOWN_AFTER):
        assert not gate.down, number
        gate.failed(float(number), began=float(number))
    assert gate.down
    assert [gate.worked(), gate.worked()] == [True, False]
    assert gate.failures == 0


def test_a_server_may_ask_for_more_time_but_not_for_ever() -> None:
    gate = Gate(longest)
    assert gate.failed(0.0, retry_after=30.0, began=0.0) == 30.0
    assert gate.failed(40.0, retry_after=1e9, began=40.0) == 3600.0
    assert gate.failed(50.0, retry_after=0.0, began=50.0) == 3590.0
    assert gate.wait(54.0) == 3586.0, "what it asked for last holds no less"


def test_what_was_under_way_together_finds_one_outage() -> None:
    gate = Gate(longest)
    assert gate.failed(100.0, began=99.0) == 1.0
    for number in range(1, 8):
        assert gate.failed(100.0 + number / 8, began=99.0) == 1.0 - number / 8
    assert gate.down
    assert gate.wait(100.5) == 0.5
    assert gate.wait(101.0) == 0.0
    assert gate.failed(101.1, began=101.0) == 2.0
