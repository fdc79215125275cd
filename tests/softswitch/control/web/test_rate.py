import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.control.web.guarded import Connections
from softswitch.control.web.rate import Proxies, RateLimit, group_of


def test_a_minutes_requests_at_once_then_one_at_a_time() -> None:
    rate = RateLimit()
    assert [rate.wait("a", 5, now=100.0) for _ in range(5)] == [0.0] * 5
    assert rate.wait("a", 5, now=100.0) == pytest.approx(12.0)
    assert rate.wait("b", 5, now=100.0) == 0.0, "each address by itself"
    assert rate.wait("a", 5, now=112.1) == 0.0
    assert rate.wait("a", 5, now=112.1) > 0


@given(st.lists(st.floats(0, 30), max_size=200), st.integers(1, 100))
def test_never_more_than_the_rate_and_one_burst(steps: list[float], per_minute: int) -> None:
    rate, now, taken = RateLimit(), 0.0, 0
    for step in steps:
        now += step
        taken += rate.wait("a", per_minute, now=now) == 0.0
    assert taken <= per_minute + now * per_minute / 60 + 1e-6


def test_addresses_are_forgotten_when_there_are_too_many() -> None:
    rate = RateLimit(most=10)
    for number in range(1000):
        rate.wait(str(number), 5, now=0.0)
    assert len(rate) == 10


@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("nonsense", "nonsense"),
        ("x" * 500, "x" * 100),
    ],
)
def test_what_an_address_counts_as(address: str, group: str) -> None:
    assert group_of(address) == group


@pytest.mark.parametrize(
    ("peer", "forwarded", "visitor"),
    [
        ("192.0.2.1", ["203.0.113.9"], "192.0.2.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["1.2.3.4, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["1.2.3.4", "203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        ("10.0.0.1", ["203.0.113.9:567"], "203.0.113.9"),
        ("10.0.0.1", ['"[2001:db8::1]:567"'], "2001:db8::1"),
        ("10.0.0.1", ["2001:db8::1"], "2001:db8::1"),
        ("10.0.0.1", ["nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["", ","], "10.0.0.1"),
        ("", ["203.0.113.9"], ""),
    ],
)
def test_only_a_proxy_of_ours_is_believed_on_the_visitors_address(
    peer: str, forwarded: list[str], visitor: str
) -> None:
    assert Proxies(["10.0.0.0/8", "proxy.example.com"]).visitor(peer, forwarded) == visitor


def test_connections_are_bounded_by_all_and_by_address() -> None:
    connections = Connections(most=5, of_address=2)
    assert [connections.take("a", proxy=False) for _ in range(3)] == [True, True, False]
    assert [connections.take("p", proxy=True) for _ in range(4)] == [True, True, True, False]
    assert (connections.count, connections.refused) == (5, 2)
    connections.release("a")
    assert connections.take("a", proxy=False)
