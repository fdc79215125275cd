"""What a node holds free, asks for and gives back."""

from decimal import Decimal

import pytest

from config.model import Cap
from softswitch.campaign import ledger as ledger_module
from softswitch.campaign.caps import Need
from softswitch.campaign.ledger import (
    ALONE_UNITS,
    LEASE_SECONDS,
    MARGIN_SECONDS,
    CapLedger,
)
from tests.support.cap_model import Cluster, Node
from tests.support.earning import campaign


def cluster(limit: int, *, kind: str = "daily", nodes: int = 1) -> Cluster:
    cap = Cap("cap", kind, Decimal(limit))  # type: ignore[arg-type]
    made = Cluster(campaign(caps=(cap,)), nodes)
    for node in made.nodes:
        node.ledger.nodes = nodes
        made.present(node)
        made.sync(node)
    return made


def free(made: Cluster, node: Node) -> Decimal:
    return node.ledger.blocks[made.needs()[0].key].free


def test_a_node_that_is_alone_has_enough_for_a_burst() -> None:
    made = cluster(1000)
    assert free(made, made.nodes[0]) >= ALONE_UNITS
    assert all(made.call(made.nodes[0]) for _ in range(ALONE_UNITS))


def test_a_busy_node_asks_for_what_a_busy_second_takes() -> None:
    made = cluster(10_000)
    node = made.nodes[0]
    for _ in range(5):
        while free(made, node) > 4:
            made.call(node)
        made.sync(node)
        made.advance(0.01)
    assert free(made, node) > 150


def test_nodes_that_share_hold_little_and_less_when_they_are_idle() -> None:
    made = cluster(1000, nodes=2)
    first = made.nodes[0]
    assert free(made, first) <= 10
    made.advance(60)
    made.sync(first)
    assert free(made, first) == 2


def test_credit_is_not_used_when_its_lease_has_ended() -> None:
    made = cluster(100)
    node = made.nodes[0]
    node.cut_off = True
    made.advance(LEASE_SECONDS - MARGIN_SECONDS - 1)
    assert made.call(node)
    made.advance(1)
    assert not made.call(node)


def test_a_lease_is_renewed_while_nothing_happens() -> None:
    made = cluster(100)
    node = made.nodes[0]
    for _ in range(100):
        made.advance(31)
        made.sync(node)
    assert made.call(node)


def test_the_next_period_has_credit_when_it_begins() -> None:
    made = cluster(5, kind="hourly")
    node = made.nodes[0]
    while made.call(node):
        pass
    ends = made.needs()[0].ends
    assert ends is not None
    made.advance(ends - made.at - 20)
    for _ in range(2):
        made.sync(node)
    made.advance(20.5)
    assert made.call(node)


def test_a_block_is_forgotten_when_its_period_is_over_and_all_is_told() -> None:
    made = cluster(5, kind="hourly")
    node = made.nodes[0]
    made.call(node)
    for _ in range(100):
        made.advance(100)
        made.sync(node)
    assert len(node.ledger.blocks) <= 2


def test_of_two_caps_a_call_takes_both_or_none() -> None:
    caps = (Cap("wide", "daily", Decimal(100)), Cap("narrow", "concurrent", Decimal(1)))
    made = Cluster(campaign(caps=caps), 1)
    node = made.nodes[0]
    made.present(node)
    made.sync(node)
    assert made.call(node)
    assert not made.call(node)
    wide = node.ledger.blocks[made.needs()[0].key]
    assert wide.taken == 1


def test_an_idle_node_lends_all_and_a_busy_one_half() -> None:
    made = cluster(1000)
    key = made.needs()[0].key
    block = made.nodes[0].ledger.blocks[key]
    block.waiting = Decimal(0)
    before = block.free
    made.nodes[0].ledger.lend(key, made.now)
    assert block.free == before - before // 2
    made.advance(60)
    made.nodes[0].ledger.lend(key, made.now)
    assert block.free == 0


def test_calls_that_only_listen_to_the_menu_do_not_hoard_credit() -> None:
    made = cluster(10_000)
    node = made.nodes[0]
    for _ in range(500):
        made.present(node)
        made.advance(0.5)
        made.sync(node)
    assert free(made, node) < 300


def test_counts_beyond_what_memory_holds_are_over_their_cap(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ledger_module, "MAX_BLOCKS", 1)
    made = cluster(10)
    other: Need = Cluster(campaign("Other", caps=(Cap("c", "daily", Decimal(1)),)), 1).needs()[0]
    assert made.nodes[0].ledger.take((other,), made.now) is other


def test_a_report_that_was_not_heard_is_made_again() -> None:
    ledger, made = CapLedger(), cluster(10)
    need = made.needs()[0]
    ledger.expect((need,), made.now)
    first = ledger.reports(made.now, made.at, most=10)
    again = ledger.reports(made.now, made.at, most=10)
    assert first == again
    assert first[0].wanted > 0
