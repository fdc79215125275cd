"""Nodes that share a cap, with everything that can go wrong between them and the database.

The store is a dictionary and uses the real `grant` and `settled`; a node is the real `CapLedger`
with a spending journal that survives its crashes. `Cluster.seen` is the truth that a cap is about:
calls that were really made, whatever anybody's books say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from config.model import Campaign, Cap
from softswitch.campaign.caps import CountKey, Grant, Lease, Need, Report, grant, needs, settled
from softswitch.campaign.ledger import LEASE_SECONDS, CapLedger

LONGEST = 120.0
EPOCH = 1_780_000_000.0


@dataclass
class StoredLease:
    lease: Lease
    lasting: bool
    expires_at: float


class Store:
    """What PostgreSQL does, in memory."""

    def __init__(self) -> None:
        self.used: dict[CountKey, Decimal] = {}
        self.leases: dict[tuple[CountKey, int, int], StoredLease] = {}
        self.process: dict[int, int] = {}

    def sync(
        self, node: int, process: int, reports: list[Report], *, now: float, nodes: int
    ) -> dict[CountKey, Grant] | None:
        if self.process.get(node) != process:
            return None
        return {one.key: self._grant(node, process, one, now, nodes) for one in reports}

    def _grant(self, node: int, process: int, report: Report, now: float, nodes: int) -> Grant:
        key = report.key
        for place, stored in list(self.leases.items()):
            others_lease = place[0] == key and place[1:] != (node, process)
            if others_lease and not stored.lasting and stored.expires_at < now:
                del self.leases[place]
        ours = self.leases.get((key, node, process))
        others = sum(
            (stored.lease.held for place, stored in self.leases.items()
             if place[0] == key and place[1:] != (node, process)),
            Decimal(0),
        )  # fmt: skip
        given = grant(
            report,
            used=self.used.get(key, Decimal(0)),
            lease=None if ours is None else ours.lease,
            others=others,
            nodes=nodes,
        )
        self.used[key] = given.used
        expires_at = now + LEASE_SECONDS + (0 if report.lasting else report.longest)
        self.leases[key, node, process] = StoredLease(given.lease, report.lasting, expires_at)
        return given

    def take_over(self, node: int, process: int, spent: dict[CountKey, Decimal] | None) -> None:
        self.process[node] = process
        for place, stored in list(self.leases.items()):
            if place[1] == node and place[2] < process:
                total = None if spent is None else spent.get(place[0], Decimal(0))
                after = settled(stored.lease, lasting=stored.lasting, spent=total)
                self.used[place[0]] += after.counted - stored.lease.counted
                del self.leases[place]

    def out(self, key: CountKey) -> Decimal:
        """Used and held together: what must stay below the limit."""
        held = (stored.lease.held for place, stored in self.leases.items() if place[0] == key)
        return self.used.get(key, Decimal(0)) + sum(held, Decimal(0))


@dataclass
class LiveCall:
    needs: tuple[Need, ...]
    amount: Decimal
    ends_at: float


@dataclass
class Node:
    number: int
    process: int = 1
    ledger: CapLedger = field(default_factory=CapLedger)
    calls: list[LiveCall] = field(default_factory=list)
    spent: dict[CountKey, Decimal] = field(default_factory=dict)
    cut_off: bool = False
    alive: bool = True


class Cluster:
    """Some nodes, a clock, and the truth."""

    def __init__(self, campaign: Campaign, nodes: int) -> None:
        self.campaign = campaign
        self.store = Store()
        self.now = 1000.0
        self.nodes = [Node(number) for number in range(nodes)]
        self.counted: dict[CountKey, Decimal] = {}
        """What calls that are over have used up for good."""
        self.late: list[tuple[Node, int, list[Report]]] = []
        """Transactions whose node gave them up, and that may yet be committed."""
        self.refusals = 0
        for node in self.nodes:
            self.store.take_over(node.number, node.process, {})

    @property
    def at(self) -> float:
        return EPOCH + self.now

    def needs(self) -> tuple[Need, ...]:
        return tuple(
            needs(self.campaign, publisher=None, destination=None, at=self.at, longest=LONGEST)
        )

    # What happens.

    def present(self, node: Node) -> None:
        node.ledger.expect(self.needs(), self.now)

    def call(self, node: Node) -> bool:
        wanted = self.needs()
        if node.ledger.take(wanted, self.now) is not None:
            self.refusals += 1
            return False
        self._note(node, wanted)
        node.calls.append(LiveCall(wanted, wanted[0].units, self.now + LONGEST))
        return True

    def end(self, node: Node, call: LiveCall, *, kept: Decimal) -> None:
        node.calls.remove(call)
        for need in call.needs:
            node.ledger.settle(need, min(kept, need.units))
            self._count(need, min(kept, need.units))
        self._note(node, call.needs)

    def _count(self, need: Need, units: Decimal) -> None:
        if need.lasting:
            self.counted[need.key] = self.counted.get(need.key, Decimal(0)) + units

    def _note(self, node: Node, wanted: tuple[Need, ...]) -> None:
        for need in wanted:
            if need.lasting:
                node.spent[need.key] = node.ledger.blocks[need.key].total

    def sync(self, node: Node, *, heard: bool = True, done: bool = True) -> None:
        """Report; the answer may be lost, and so may the question, which may be done later."""
        if not node.alive:
            return
        reports = node.ledger.reports(self.now, self.at, most=100)
        if not reports:
            return
        if node.cut_off or not done:
            if not node.cut_off:
                self.late.append((node, node.process, reports))
            return
        self.commit(node, reports, heard=heard)

    def commit(self, node: Node, reports: list[Report], *, heard: bool) -> None:
        alive = sum(one.alive for one in self.nodes)
        grants = self.store.sync(
            node.number, node.process, reports, now=self.now, nodes=max(1, alive)
        )
        if grants is None or not heard:
            return
        node.ledger.nodes = alive
        for report in reports:
            grant_ = grants[report.key]
            node.ledger.answered(report, grant_, sent=self.now, now=self.now)
            if grant_.short:
                for other in self.nodes:
                    if other is not node and other.alive and not other.cut_off:
                        other.ledger.lend(report.key, self.now)

    def commit_late(self) -> None:
        node, process, reports = self.late.pop(0)
        self.store.sync(node.number, process, reports, now=self.now, nodes=1)

    def crash(self, node: Node) -> None:
        """The process dies, and its calls with it; those of a cap that lasts were real."""
        for call in node.calls:
            for need in call.needs:
                self._count(need, call.amount)
        node.calls.clear()
        node.alive = False

    def restart(self, node: Node, *, journal: bool = True) -> None:
        if node.alive:
            self.crash(node)
        node.process += 1
        node.ledger = CapLedger()
        self.store.take_over(node.number, node.process, node.spent if journal else None)
        node.spent = {}
        node.alive, node.cut_off = True, False

    def advance(self, seconds: float) -> None:
        self.now += seconds
        for node in self.nodes:
            for call in list(node.calls):
                if call.ends_at <= self.now:
                    self.end(node, call, kept=call.amount)

    # What must hold.

    def seen(self) -> Iterator[tuple[Cap, CountKey, Decimal]]:
        """By count: calls in progress, and what was used up."""
        totals = dict(self.counted)
        caps = {need.key: need.cap for need in self.needs()}
        for node in self.nodes:
            for call in node.calls:
                for need in call.needs:
                    caps[need.key] = need.cap
                    totals[need.key] = totals.get(need.key, Decimal(0)) + need.units
        by_name = {cap.name: cap for cap in self.campaign.caps}
        for key, total in totals.items():
            yield by_name[key.cap], key, total
