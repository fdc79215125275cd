"""The switch's own figures stand, whatever becomes of the peer's; no program runs here."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import peers, signalling, turns
from bench.processes import Refused
from bench.signalling import Run

PEER = "Proxy 1 + relay 2"
RATE = 100


def run(form: str, cost: float) -> Run:
    return Run(RATE, form, 800, cost, 30.0, 4.0)


@pytest.fixture
def order(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was measured, in this order; each turn of ours costs 2 ms, of the peer 1 ms."""
    measured: list[str] = []

    def ours(_directory: Path, _rate: int, _calls: int, *, form: str) -> Run:
        measured.append(form)
        return run(form, 2.0)

    def peer(_directory: Path, _rate: int, _calls: int) -> Run:
        measured.append(PEER)
        return run(PEER, 1.0)

    monkeypatch.setattr(signalling, "measure", ours)
    monkeypatch.setattr(turns, "forms", lambda: {"interpreted": Path(), "compiled": Path()})
    monkeypatch.setattr(peers, "measure", peer)
    monkeypatch.setattr(peers, "missing", list)
    monkeypatch.setattr(peers, "name", lambda: PEER)
    return measured


def test_the_peer_takes_turns_with_the_switch(order: list[str], tmp_path: Path) -> None:
    found = turns.measure(tmp_path, RATE, 800, 2)
    assert order == ["interpreted", "compiled", PEER] * 2
    assert [row[1] for row in found.rows()] == ["interpreted", "compiled", PEER]
    assert all(len(row) == len(turns.HEAD) for row in found.rows())
    assert [one.times_peer.runs for one in found.standings()] == [(2.0, 2.0)] * 2


def test_only_what_is_shipped_is_ours_on_the_chart(order: list[str], tmp_path: Path) -> None:
    bars = turns.measure(tmp_path, RATE, 800, 1).bars()
    assert [bar.ours for bar in bars] == [True, False, False]
    assert bars[-1].label == f"{RATE} calls/s, {peers.SHORT_NAME}"
    assert bars[-1].value == 1.0
    assert len(order) == 3


def test_without_a_peer_the_switch_is_measured_all_the_same(
    order: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "missing", lambda: ["rtpengine-daemon"])
    found = turns.measure(tmp_path, RATE, 800, 2)
    assert order == ["interpreted", "compiled"] * 2
    assert not found.standings()
    assert not found.refusal


def test_a_peer_that_is_not_clean_has_no_figure_and_says_why(
    order: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = peers.measure

    def second_is_refused(directory: Path, rate: int, calls: int) -> Run:
        if order.count(PEER) == 1:
            raise Refused("retransmissions")
        return measured(directory, rate, calls)

    monkeypatch.setattr(peers, "measure", second_is_refused)
    found = turns.measure(tmp_path, RATE, 800, 4)
    assert order.count("interpreted") == 4
    assert order.count(PEER) == 1, "not asked again"
    assert found.refusal == "retransmissions"
    assert [row[1] for row in found.rows()] == ["interpreted", "compiled"]
    assert not found.standings()
