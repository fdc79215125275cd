import pytest

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
