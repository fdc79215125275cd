"""Webhooks of the real program: what a receiver is sent, and what it gets when things go wrong."""

from __future__ import annotations

import hashlib
import hmac
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.ports import free_sip_port
from tests.support.program import wait_for
from tests.support.sipp import Sipp, needs_sipp
from tests.support.stage import DIRECT, POOLED, Stage
from tests.support.web_receiver import Received, Receiver

MakeStage = Callable[..., Stage]
SECRET = "a-secret-of-the-receiver-0123456789"


def hooks(url: str, *, events: str = "[call.record]", more: str = "") -> str:
    """A configuration's section with one webhook."""
    return f"webhooks:\n  crm: {{url: {url}, events: {events}, secret: {SECRET}{more}}}\n"


def test_events_of_a_call_come_signed_and_in_order_with_its_record_last(
    make_stage: MakeStage,
) -> None:
    with Receiver() as receiver:
        stage = make_stage(sections=hooks(receiver.url("/x?y=1"), events="['call.*', 'leg.*']"))
        stage.bridge().hang_up()
        record = stage.switch.record()
        receiver.wait_for(1, kind="call.record")
        told = [one.told for one in receiver.taken]
        kinds = [one["kind"] for one in told]
        assert kinds[0] == "call.presented"
        assert kinds[-1] == "call.record"
        assert kinds.index("leg.originated") < kinds.index("call.bridged")
        assert kinds.index("call.bridged") < kinds.index("call.ended")
        assert {one["call"] for one in told} == {record["call_id"]}
        numbers = [one["number"] for one in told[:-1]]
        assert numbers == sorted(numbers)
        assert told[-1]["facts"]["record"] == record
        assert told[-1]["id"] == f"{record['call_id']}.record"
        assert len(set(receiver.ids())) == len(told)
        for one in receiver.taken:
            assert one.path == "/x?y=1"
            assert one.headers["X-Softswitch-Id"] == one.told["id"]
            assert is_signed(one)


def is_signed(request: Received) -> bool:
    """As a receiver checks it, from the documentation."""
    timestamp = request.headers["X-Softswitch-Timestamp"]
    assert abs(time.time() - int(timestamp)) < 30
    signed = timestamp.encode() + b"." + request.body
    expected = "sha256=" + hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    return hmac.compare_digest(request.headers["X-Softswitch-Signature"], expected)


def test_a_webhook_of_one_campaign_hears_of_no_other(make_stage: MakeStage) -> None:
    with Receiver() as receiver:
        stage = make_stage(sections=hooks(receiver.url(), more=", campaigns: [pooled]"))
        stage.bridge().hang_up()
        stage.switch.wait_for_records(1)
        stage.bridge(POOLED).hang_up()
        records = stage.switch.wait_for_records(2)
        receiver.wait_for(1)
        assert receiver.ids() == [f"{records[1]['call_id']}.record"]


def test_a_receiver_that_is_slow_or_fails_changes_nothing_for_calls_and_gets_all_in_the_end(
    make_stage: MakeStage,
) -> None:
    failures = iter([500, 404, 429, 503])

    def answer(_request: Received) -> int:
        time.sleep(0.3)
        return next(failures, 200)

    with Receiver(answer=answer) as receiver:
        stage = make_stage(sections=hooks(receiver.url(), events="['call.*']"))
        for _ in range(3):
            stage.bridge().hang_up()
        records = stage.switch.wait_for_records(3)
        receiver.wait_for(3, kind="call.record", within=40)
        assert set(receiver.ids("call.record")) == {f"{one['call_id']}.record" for one in records}
        for record in records:
            mine = [one.told for one in receiver.taken if one.told["call"] == record["call_id"]]
            assert [one["kind"] for one in mine][-1] == "call.record"


def test_records_of_a_crash_are_told_by_the_next_life(make_stage: MakeStage) -> None:
    with Receiver() as receiver:
        stage = make_stage(sections=hooks(receiver.url()))
        bridge = stage.bridge()
        bridge.near.wait_for_packets(3)
        stage.switch.kill()
        stage.switch.start()
        record = stage.switch.record()
        receiver.wait_for(1)
        assert [one.told["facts"]["record"]["ended_by"] for one in receiver.taken] == ["crash"]
        assert receiver.ids() == [f"{record['call_id']}.record"]


@needs_sipp
@pytest.mark.timeout(240)
@pytest.mark.parametrize("down", [30.0, pytest.param(60.0, marks=pytest.mark.full)])
def test_a_receiver_that_was_down_for_long_has_every_record_though_the_switch_was_killed(
    make_stage: MakeStage, tmp_path: Path, down: float
) -> None:
    """60 calls without a receiver, kill -9 in the middle and at the end."""
    port = free_sip_port()
    with Sipp(tmp_path, "uas_basic.xml", timeout=120) as uas:
        stage = make_stage(
            trunk_port=uas.port,
            rtp_count=400,
            sections=hooks(f"http://127.0.0.1:{port}/", events="[call.record, call.presented]"),
        )
        began = time.monotonic()
        for half in range(2):
            with Sipp(
                tmp_path, "uac_plain.xml", remote=stage.switch.address, service=DIRECT,
                calls=30, rate=4, hold_ms=300, timeout=60,
            ) as uac:  # fmt: skip
                assert uac.wait().successful == 30
            stage.switch.wait_for_records((half + 1) * 30)
            stage.switch.kill()
            stage.switch.start()
        time.sleep(max(0.0, down - (time.monotonic() - began)))
        with Receiver(port=port) as receiver:
            receiver.wait_for(60, kind="call.record", within=90)
            settled(receiver)
            records = {f"{one['call_id']}.record" for one in stage.switch.records()}
            assert len(records) == 60
            assert sorted(receiver.ids("call.record")) == sorted(records), "each once"


def settled(receiver: Receiver) -> None:
    """Nothing more has come for a second."""
    count = -1
    while count != len(receiver.received):
        count = len(receiver.received)
        time.sleep(1)


@needs_sipp
@pytest.mark.timeout(150)
def test_kills_while_records_are_being_delivered_lose_none(
    make_stage: MakeStage, tmp_path: Path
) -> None:
    """What was under way at a kill may come twice, with the same id."""

    def answer(_request: Received) -> int:
        time.sleep(0.05)
        return 200

    with Receiver(answer=answer) as receiver:
        with Sipp(tmp_path, "uas_basic.xml", timeout=100) as uas:
            stage = make_stage(
                trunk_port=uas.port,
                rtp_count=400,
                sections=hooks(receiver.url(), events="['*']"),
            )
            calls = 0
            for moment in (0.05, 0.2, 0.5):
                with Sipp(
                    tmp_path, "uac_plain.xml", remote=stage.switch.address, service=DIRECT,
                    calls=20, rate=40, hold_ms=200, timeout=60,
                ) as uac:  # fmt: skip
                    assert uac.wait().successful == 20
                calls += 20
                stage.switch.wait_for_records(calls)
                time.sleep(moment)
                stage.switch.kill()
                stage.switch.start()
            receiver.wait_for(calls, kind="call.record", within=60)
        records = {f"{one['call_id']}.record" for one in stage.switch.records()}
        assert set(receiver.ids("call.record")) == records


def test_a_kill_leaves_what_the_receiver_has_had_behind(make_stage: MakeStage) -> None:
    with Receiver() as receiver:
        stage = make_stage(sections=hooks(receiver.url()))
        stage.bridge().hang_up()
        receiver.wait_for(1)
        wait_for("the place is noted", lambda: _places(stage) != ["0" * 20])
        stage.switch.kill()
        stage.switch.start()
        stage.bridge().hang_up()
        receiver.wait_for(2)
        assert len(receiver.ids()) == 2


def _places(stage: Stage) -> list[str]:
    return [path.read_text().strip() for path in (stage.switch.data / "webhooks").glob("*.place")]


def test_a_switch_without_webhooks_has_no_spool(stage: Stage) -> None:
    stage.bridge().hang_up()
    stage.switch.record()
    assert not (stage.switch.data / "webhooks").exists()


def test_an_unreachable_receiver_keeps_no_switch_from_ending(make_stage: MakeStage) -> None:
    hanging = threading.Event()
    with Receiver(answer=lambda _request: 200 if hanging.wait(20) else 500) as receiver:
        stage = make_stage(sections=hooks(receiver.url()))
        stage.bridge().hang_up()
        stage.switch.record()
        time.sleep(0.5)
        began = time.monotonic()
        stage.switch.stop()
        assert time.monotonic() - began < 10
        hanging.set()


def test_a_reload_brings_a_webhook_to_a_switch_that_had_none(make_stage: MakeStage) -> None:
    with Receiver() as receiver:
        stage = make_stage()
        stage.bridge().hang_up()
        stage.switch.wait_for_records(1)
        text = stage.switch.config.read_text()
        stage.switch.config.write_text(text + hooks(receiver.url(), events="['call.*']"))
        os.kill(stage.switch.pid, signal.SIGHUP)
        place = stage.switch.data / "webhooks"
        wait_for("the spool is there", lambda: bool(list(place.glob("*.place"))), within=20)
        stage.bridge().hang_up()
        records = stage.switch.wait_for_records(2)
        receiver.wait_for(1, kind="call.record")
        assert receiver.ids("call.record") == [f"{records[1]['call_id']}.record"]
        assert "call.presented" in {one.told["kind"] for one in receiver.taken}
