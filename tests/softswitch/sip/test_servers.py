"""The order of servers behind a name (RFC 2782)."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from softswitch.sip.ids import Ids
from softswitch.sip.servers import Server, in_order
from tests.support.agents import Pseudorandom

servers = st.lists(
    st.builds(
        Server,
        st.sampled_from(["a", "b", "c"]),
        st.integers(1, 9),
        st.integers(0, 3),
        st.integers(0, 100),
    ),
    unique=True,
    max_size=8,
)


@given(servers, st.integers(0, 1000))
def test_all_are_there_and_priorities_are_kept(found: list[Server], seed: int) -> None:
    ids = Ids(Pseudorandom(seed))
    ordered = in_order(found, lambda most: ids.number(0, most))
    assert sorted(ordered) == sorted(found)
    priorities = [one.priority for one in ordered]
    assert priorities == sorted(priorities)


def test_weights_are_shares() -> None:
    ids = Ids(Pseudorandom(3))
    found = [Server("heavy", 1, 0, 75), Server("light", 1, 0, 25)]
    first = Counter(in_order(found, lambda most: ids.number(0, most))[0].host for _ in range(4000))
    assert 0.70 < first["heavy"] / 4000 < 0.80


def test_a_weight_of_none_is_seldom_first_but_never_lost() -> None:
    ids = Ids(Pseudorandom(4))
    found = [Server("some", 1, 0, 99), Server("none", 1, 0, 0)]
    first = Counter(in_order(found, lambda most: ids.number(0, most))[0].host for _ in range(2000))
    assert first["none"] < 100
    assert in_order([Server("none", 1)], lambda most: most)[0].host == "none"
