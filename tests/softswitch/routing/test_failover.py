import pytest

from config.model import TrunkFailover
from softswitch.routing.failover import may_fail_over, status_for_caller


@pytest.mark.parametrize(
    "status", [300, 302, 400, 403, 404, 408, 410, 480, 484, 488, 500, 502, 503]
)
def test_a_failure_that_may_differ_elsewhere_fails_over(status: int) -> None:
    assert may_fail_over(status)


@pytest.mark.parametrize("status", [486, 487, 600, 603, 604, 606, 607, 699])
def test_somebodys_answer_does_not(status: int) -> None:
    assert not may_fail_over(status)


@pytest.mark.parametrize("status", [100, 180, 200, 299])
def test_what_is_no_failure_does_not(status: int) -> None:
    assert not may_fail_over(status)


def test_an_operators_list_replaces_the_policy() -> None:
    policy = frozenset({486, 603})
    assert may_fail_over(486, policy)
    assert may_fail_over(603, policy)
    assert not may_fail_over(503, policy)
    assert not may_fail_over(503, frozenset())


@pytest.mark.parametrize("status", [404, 410, 480, 484, 486, 488, 600, 603, 604, 606, 607, 608])
def test_a_caller_hears_what_concerns_the_party_called(status: int) -> None:
    assert status_for_caller(status) == status


@pytest.mark.parametrize("status", [302, 400, 401, 403, 407, 408, 481, 487, 500, 503, 504])
def test_what_concerns_the_switch_and_its_destination_stays_between_them(status: int) -> None:
    """RFC 3261 section 16.7: a 503 would say that this switch is overloaded."""
    assert status_for_caller(status) == 480


TRUNK = TrunkFailover(
    go_on=frozenset((486, 6)),
    stop=frozenset((404, 5, 603)),
    go_on_causes=frozenset((34,)),
    stop_causes=frozenset((1, 17)),
)


@pytest.mark.parametrize(
    ("status", "cause", "goes_on"),
    [
        (486, None, True),
        (404, None, False),
        (600, None, True),
        (603, None, False),
        (503, None, False),
        (480, None, True),
        (487, None, False),
        (503, 34, True),
        (486, 17, False),
        (480, 1, False),
        (480, 19, True),
    ],
)
def test_a_trunks_words_count_the_most_exact_first(
    status: int, cause: int | None, goes_on: bool
) -> None:
    assert may_fail_over(status, trunk=TRUNK, cause=cause) is goes_on


def test_a_trunk_says_whether_one_that_rang_out_is_the_last() -> None:
    stop = TrunkFailover(after_no_answer=False)
    assert not may_fail_over(408, trunk=stop, rang_out=True)
    assert may_fail_over(408, trunk=stop)
    assert may_fail_over(408, trunk=TrunkFailover(stop=frozenset((408,))), rang_out=True)


def test_the_list_of_a_step_counts_in_place_of_the_trunks_words() -> None:
    assert may_fail_over(404, frozenset((404,)), trunk=TRUNK, cause=1)
    assert not may_fail_over(486, frozenset((404,)), trunk=TRUNK)
