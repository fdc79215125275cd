"""What is told at /metrics of calls of a whole switch between two scripted phones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from softswitch.call.events import CallRefused, LegEnded, LegQuality
from softswitch.control.desk import Desk
from softswitch.control.history import EventHistory
from softswitch.control.metrics import MAX_REASONS, Metrics, Rate
from softswitch.switchboard.trunk_watch import TrunkStatus, TrunkWatch
from tests.support.laboratory import CAPTURE_ONLY, DIRECT, Laboratory, laboratory


class Bench:
    def __init__(self, lab: Laboratory) -> None:
        self.lab = lab
        self.metrics = Metrics(lab.services.events)
        self.desk = Desk(
            switchboard=lab.switchboard,
            services=lab.services,
            history=EventHistory(lab.services.events, epoch="e1"),
            configuration=lambda: lab.configuration,
            version="1.2",
        )

    def __getitem__(self, sample: str) -> float:
        lines = dict(
            line.rsplit(" ", 1)
            for line in self.metrics.text(self.desk).splitlines()
            if not line.startswith("#")
        )
        return float(lines[f"softswitch_{sample}"])


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with laboratory(tmp_path / "data") as lab:
        yield Bench(lab)
        lab.do(lambda: lab.switchboard.end_all("over"))
        lab.settle()


def test_a_call_is_counted_from_its_beginning_to_its_record(bench: Bench) -> None:
    lab = bench.lab
    lab.caller.invite(DIRECT)
    lab.advance(2.0)
    assert bench["calls"] == bench["calls_presented_total"] == 1
    assert bench["sip_post_dial_delay_seconds_count"] == 0
    lab.callee.ring()
    lab.settle()
    assert bench["sip_post_dial_delay_seconds_count"] == 1
    assert bench["sip_post_dial_delay_seconds_sum"] == pytest.approx(2.0, abs=0.1)
    assert bench['sip_post_dial_delay_seconds_bucket{le="1"}'] == 0
    lab.callee.answer()
    lab.advance(7.0)
    assert bench['media_port_pairs{state="in_use"}'] == 2
    lab.caller.hang_up()
    lab.settle()
    assert bench["calls"] == 0
    assert bench["records_written_total"] == 1
    assert bench['calls_ended_total{by="calling"}'] == 1
    assert bench['sip_leg_responses_total{status="200"}'] == 2
    assert bench["call_talk_seconds_count"] == 1
    assert bench['events_total{kind="call.bridged"}'] == 1
    assert bench.metrics._originated == {}


def test_refusals_are_counted_by_status(bench: Bench) -> None:
    bench.lab.caller.invite("999")
    bench.lab.settle()
    assert bench['calls_refused_total{status="404"}'] == 1
    bench.lab.caller.invite(CAPTURE_ONLY)
    bench.lab.settle()
    assert bench['sip_leg_responses_total{status="480"}'] == 1


def test_a_leg_that_ends_unrung_is_awaited_no_more(bench: Bench) -> None:
    bench.lab.caller.invite(DIRECT)
    bench.lab.settle()
    bench.lab.callee.refuse(486)
    bench.lab.settle()
    assert bench["sip_post_dial_delay_seconds_count"] == 0
    assert bench.metrics._originated == {}


def test_the_process_and_its_hearing_are_told(bench: Bench) -> None:
    late = {"up to 5": 7, "up to 10": 2, "more": 1}
    bench.desk.status_of["hearing"] = lambda: {
        "tick": {"legs": 4, "level": 1, "ticks": 10, "late_by_ms": late},
        "speech": {"listening": 2, "workers": [{"waiting": 3}, {"waiting": 4}]},
        "recording": {"recording": 1, "saved": 2, "failed": 3},
    }
    assert bench['build_info{version="1.2"}'] == 1
    assert bench["draining"] == 0
    assert bench["uptime_seconds"] >= 0
    assert bench['hearing_tick_lateness_seconds_bucket{le="0.005"}'] == 7
    assert bench['hearing_tick_lateness_seconds_bucket{le="0.01"}'] == 9
    assert bench['hearing_tick_lateness_seconds_bucket{le="+Inf"}'] == 10
    assert bench["hearing_tick_lateness_seconds_sum"] == pytest.approx(0.0425)
    assert bench["speech_waiting_windows"] == 7
    assert bench["recordings_failed_total"] == 3


def test_every_name_is_one_that_prometheus_takes(bench: Bench) -> None:
    text = bench.metrics.text(bench.desk)
    kinds = [line.split()[2:4] for line in text.splitlines() if line.startswith("# TYPE ")]
    names = [name for name, _ in kinds]
    assert len(set(names)) == len(names)
    for name, kind in kinds:
        assert name.replace("_", "a").isalnum(), name
        assert (kind == "counter") is name.endswith("_total"), name


def test_refusals_are_counted_by_reason_without_what_peers_write(bench: Bench) -> None:
    for number in ("999", "998", "997"):
        bench.lab.caller.invite(number)
        bench.lab.settle()
    assert bench['calls_refused_why_total{why="number is not active"}'] == 3


def test_reasons_never_become_labels_without_end(bench: Bench) -> None:
    for number in range(3 * MAX_REASONS):
        bench.lab.services.events.publish(
            CallRefused(
                call_id="", number=1, at=0.0, clock=0.0, trunk=None, sip_call_id="",
                source="s", called="c", caller="d", status=400, why=f"strange {number}",
            )
        )  # fmt: skip
    assert len(bench.metrics._refused) <= MAX_REASONS + 1
    assert bench['calls_refused_why_total{why="other"}'] == 2 * MAX_REASONS


def test_jitter_and_loss_are_counted_for_legs_that_had_media(bench: Bench) -> None:
    lab = bench.lab
    lab.caller.invite(DIRECT)
    lab.callee.answer()
    lab.settle()
    lab.caller.hang_up()
    lab.settle()
    quiet = bench["media_jitter_seconds_count"]
    quality = LegQuality(packets=90, lost=10, jitter_ms=12.0, packets_sent=100)
    for leg in ("a", "b1"):
        bench.metrics._receive(_leg_ended(leg, quality))
    assert bench["media_jitter_seconds_count"] - quiet == 2
    assert bench['media_jitter_seconds_bucket{le="0.01"}'] == quiet
    assert (
        bench['media_loss_ratio_bucket{le="0.1"}'] - bench['media_loss_ratio_bucket{le="0.05"}']
        == 2
    )


def test_packets_that_are_not_the_far_ends_are_counted_by_why(bench: Bench) -> None:
    assert bench['media_packets_dropped_total{reason="not_authentic"}'] == 0
    dropped = {"not_authentic": 3, "replayed": 2}
    quality = LegQuality(packets=9, lost=0, jitter_ms=0.0, packets_sent=9, dropped=dropped)
    for leg in ("a", "b1"):
        bench.metrics._receive(_leg_ended(leg, quality))
    assert bench['media_packets_dropped_total{reason="not_authentic"}'] == 6
    assert bench['media_packets_dropped_total{reason="replayed"}'] == 4


def test_each_trunk_is_told_of_as_it_stands(bench: Bench) -> None:
    class Watch:
        def status(self, name: str) -> TrunkStatus:
            return TrunkStatus(
                registered=False if name == "carrier" else None, up=None, status=None
            )

    names = list(bench.lab.configuration.trunks)
    assert len(names) > 1
    assert [bench[f'trunk_up{{trunk="{name}"}}'] for name in names] == [1] * len(names)
    bench.desk.trunk_watch = cast(TrunkWatch, Watch())
    bench.lab.services.trunks_down.add("carrier")
    assert bench['trunk_up{trunk="carrier"}'] == 0
    assert bench['trunk_registered{trunk="carrier"}'] == 0
    text = bench.metrics.text(bench.desk)
    assert text.count("softswitch_trunk_registered{") == 1
    assert text.count("softswitch_trunk_up{") == len(names)
    bench.lab.services.trunks_down.clear()


def test_a_call_with_two_one_way_legs_is_one_call(bench: Bench) -> None:
    silent = LegQuality(packets=0, lost=0, jitter_ms=0.0, packets_sent=100)
    for leg in ("a", "b1"):
        bench.metrics._receive(_leg_ended(leg, silent))
    assert bench["media_one_way_legs_total"] == 2
    assert bench["media_one_way_calls_total"] == 1


def _leg_ended(leg: str, quality: LegQuality) -> LegEnded:
    return LegEnded(
        call_id="c1", number=9, at=0.0, clock=0.0, leg=leg, status=200, q850=16,
        cause="hung_up", quality=quality,
    )  # fmt: skip


def test_calls_a_second_are_those_of_the_last_ten_seconds() -> None:
    rate = Rate(10)
    for number in range(50):
        rate.count(1000.0 + number / 10)
    assert rate.now(1004.9) == 5.0
    assert rate.now(1012.0) == 2.0
    assert rate.now(1e9) == 0.0
    rate.count(5.0)
    assert rate.now(1e9) == 0.1, "a clock that steps back breaks nothing"


def test_the_spool_of_webhooks_and_the_queues_are_told(bench: Bench) -> None:
    bench.desk.status_of["webhooks"] = lambda: {
        "spool_bytes": 900, "lost_bytes": 0, "missed": 0, "spooled": 3,
        "targets": {"webhook crm": {
            "delivered": 2, "failed_attempts": 5, "given_up": 0, "under_way": 1,
            "waiting_bytes": 300, "oldest_seconds": 61.5, "down": True, "why": "status 500"}},
    }  # fmt: skip
    bench.desk.status_of["queues"] = lambda: {"open_calls": 2, "queues": {"records": 7}}
    bench.desk.status_of["web"] = lambda: {
        "connections": 4, "refused_connections": 0, "answers": {"200": 9},
    }  # fmt: skip
    assert bench["webhook_spool_bytes"] == 900
    assert bench['webhook_waiting_bytes{target="webhook crm"}'] == 300
    assert bench['webhook_oldest_seconds{target="webhook crm"}'] == 61.5
    assert bench['webhook_down{target="webhook crm"}'] == 1
    assert bench['queue_depth{queue="records"}'] == 7
    assert bench["journal_open_calls"] == 2
    assert bench['allocation_answers_total{status="200"}'] == 9


def test_what_is_known_of_callers_signatures_is_told(bench: Bench) -> None:
    bench.desk.status_of["signatures"] = lambda: {
        "verified": {"passed": 3, "failed": 2}, "why": {"stale": 2}, "signed": {"A": 5, "div": 1},
        "fetched": {"good": 1},
    }  # fmt: skip
    assert bench['callers_verified_total{result="passed"}'] == 3
    assert bench['callers_unverified_total{why="stale"}'] == 2
    assert bench['calls_signed_total{attestation="A"}'] == 5
    assert bench['certificates_fetched_total{result="good"}'] == 1
