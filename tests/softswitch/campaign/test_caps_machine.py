"""Any order of calls, reports, lost answers, late transactions, partitions, crashes and restarts:
no cap is exceeded, and all credit returns in the end."""

from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from config.model import Campaign, Cap, CapKind, Constant, Expression, Payout, PriceRule
from tests.support.cap_model import LONGEST, Cluster, Node

PRICE = Expression("5.00", Constant(Decimal("5.00"), "number"))
PAYOUT = Payout("USD", (PriceRule("base-1", None, PRICE),))


def campaign_with(kind: CapKind, limit: int) -> Campaign:
    cap = Cap(f"{kind} cap", kind, Decimal(limit))
    roof = Cap("roof", "concurrent", Decimal(limit + 3))
    return Campaign("sale", "t", payout=PAYOUT, caps=(cap, roof))


class CapsOfNodes(RuleBasedStateMachine):
    @initialize(
        kind=st.sampled_from(["concurrent", "hourly", "daily", "budget"]),
        limit=st.sampled_from([1, 3, 12, 60]),
        nodes=st.integers(1, 3),
    )
    def begin(self, kind: CapKind, limit: int, nodes: int) -> None:
        self.cluster = Cluster(campaign_with(kind, limit), nodes)

    def node(self, number: int) -> Node:
        return self.cluster.nodes[number % len(self.cluster.nodes)]

    @rule(number=st.integers(0, 2), count=st.integers(1, 20))
    def calls_come_in(self, number: int, count: int) -> None:
        node = self.node(number)
        for _ in range(count if node.alive else 0):
            self.cluster.present(node)
            self.cluster.call(node)

    @rule(number=st.integers(0, 2), which=st.integers(0, 100), kept=st.sampled_from([0, 1, 3, 5]))
    def a_call_ends(self, number: int, which: int, kept: int) -> None:
        node = self.node(number)
        if node.calls:
            self.cluster.end(node, node.calls[which % len(node.calls)], kept=Decimal(kept))

    @rule(number=st.integers(0, 2), heard=st.booleans(), done=st.booleans())
    def a_node_reports(self, number: int, heard: bool, done: bool) -> None:
        self.cluster.sync(self.node(number), heard=heard, done=done)

    @rule()
    def all_nodes_report(self) -> None:
        for node in self.cluster.nodes:
            self.cluster.sync(node)

    @precondition(lambda self: self.cluster.late)
    @rule()
    def a_transaction_is_committed_late(self) -> None:
        self.cluster.commit_late()

    @rule(number=st.integers(0, 2), cut_off=st.booleans())
    def the_network_changes(self, number: int, cut_off: bool) -> None:
        self.node(number).cut_off = cut_off

    @rule(number=st.integers(0, 2))
    def a_node_dies(self, number: int) -> None:
        self.cluster.crash(self.node(number))

    @rule(number=st.integers(0, 2), journal=st.booleans())
    def a_node_starts_again(self, number: int, journal: bool) -> None:
        self.cluster.restart(self.node(number), journal=journal)

    @rule(seconds=st.sampled_from([0.1, 1.0, 5.0, 40.0, 130.0, 290.0, 700.0, 3600.0]))
    def time_passes(self, seconds: float) -> None:
        self.cluster.advance(seconds)

    @invariant()
    def no_cap_is_exceeded(self) -> None:
        if not hasattr(self, "cluster"):
            return
        for cap, key, total in self.cluster.seen():
            assert total <= cap.limit, key
            assert self.cluster.store.out(key) <= cap.limit, key

    def teardown(self) -> None:
        if hasattr(self, "cluster"):
            self.all_credit_returns()

    def all_credit_returns(self) -> None:
        cluster = self.cluster
        for node in cluster.nodes:
            if not node.alive:
                cluster.restart(node)
            node.cut_off = False
        cluster.advance(LONGEST)
        for node in cluster.nodes:
            for _ in range(2):
                cluster.commit(node, node.ledger.close(cluster.now), heard=True)
        # What is left of a period that is over is nobody's any more.
        current = {need.key for need in cluster.needs()}
        for (key, _node, _process), stored in cluster.store.leases.items():
            assert stored.lease.held == 0 or key not in current


TestCapsOfNodes = CapsOfNodes.TestCase
TestCapsOfNodes.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
