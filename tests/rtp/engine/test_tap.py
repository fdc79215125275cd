"""What the tap shows of what arrives."""

import numpy as np

from rtp.engine import TAP_ENTRY, Engine, TapBatch, TapCodec, TapFlag
from tests.rtp.engine.conftest import MakeEngine
from tests.rtp.engine.peer import FRAME, Peer, agree, call, until


def drain(engine: Engine, count: int) -> list[TapBatch]:
    """Batches until `count` entries were seen."""
    batches: list[TapBatch] = []
    while sum(len(batch.entries) for batch in batches) < count:
        batch = until(engine.drain_tap)
        assert batch is not None
        batches.append(batch)
    return batches


def test_entries_tell_everything_about_a_packet(engine: Engine) -> None:
    with call(engine) as (first, second, one, two):
        first.tap(True)
        one.send(b"a" * FRAME, marker=True)
        one.send(b"b" * 80)
        one.lose(2)
        one.send(b"c" * 240)
        one.press("1", updates=1, ends=0)
        one.send(b"\x30", payload_type=13, samples=FRAME)
        two.send(b"not tapped")
        until(lambda: second.statistics().packets_received == 1)
        until(lambda: first.statistics().packets_received == 5)
        (batch,) = drain(engine, 5)
        entries = batch.entries
        assert entries.dtype == TAP_ENTRY
        assert set(entries["leg"]) == {first.leg}
        assert list(entries["sequence"] - entries["sequence"][0]) == [0, 1, 4, 5, 6]
        stamps = entries["timestamp"] - entries["timestamp"][0]
        assert list(stamps) == [0, 160, 160 + 80 + 320, 800, 800 + 320]
        assert list(entries["samples"]) == [160, 80, 240, 0, 0]
        assert list(entries["length"]) == [160, 80, 240, 4, 1]
        assert list(entries["lost_before"]) == [0, 0, 2, 0, 0]
        assert list(entries["flags"]) == [
            TapFlag.MARKER,
            0,
            TapFlag.LOST_BEFORE,
            TapFlag.DIGIT | TapFlag.MARKER,
            TapFlag.COMFORT_NOISE,
        ]
        pcmu, event, noise = TapCodec.PCMU, TapCodec.TELEPHONE_EVENT, TapCodec.COMFORT_NOISE
        assert list(entries["codec"]) == [pcmu, pcmu, pcmu, event, noise]
        assert list(entries["payload_type"]) == [0, 0, 0, 101, 13]
        assert all(np.diff(entries["arrived_ns"]) > 0)
        assert entries["arrived_ns"][0] == first.statistics().first_received_ns
        assert bytes(batch.payload[:480]) == b"a" * 160 + b"b" * 80 + b"c" * 240
        for entry, want in zip(entries, (b"a", b"b", b"c"), strict=False):
            assert batch.payload[entry["offset"]] == want[0]
        assert engine.drain_tap() is None


def test_the_timeline_goes_on_when_a_source_begins_anew(engine: Engine) -> None:
    with call(engine) as (first, _, one, _two):
        first.tap(True)
        one.send(b"a" * FRAME)
        one.ssrc, one.sequence, one.timestamp = 9, 9, 9
        one.send(b"b" * FRAME)
        one.send(b"c" * FRAME)
        until(lambda: first.statistics().packets_received == 2)
        (batch,) = drain(engine, 2)
        assert list(batch.entries["sequence"] - batch.entries["sequence"][0]) == [0, 1]
        assert batch.entries["timestamp"][1] > batch.entries["timestamp"][0]
        assert list(batch.entries["flags"]) == [0, TapFlag.RESTARTED]


def test_sequence_and_timestamp_are_extended_over_their_wrap(engine: Engine) -> None:
    with call(engine) as (first, _, one, _two):
        first.tap(True)
        one.sequence, one.timestamp = 65534, 2**32 - 2 * FRAME
        for _ in range(5):
            one.send(b"a" * FRAME)
        until(lambda: first.statistics().packets_received == 5)
        (batch,) = drain(engine, 5)
        assert list(np.diff(batch.entries["sequence"])) == [1] * 4
        assert list(np.diff(batch.entries["timestamp"])) == [FRAME] * 4


def test_a_tap_that_nobody_drains_costs_entries_and_not_the_relay(
    make_engine: MakeEngine,
) -> None:
    engine = make_engine(tap_bytes=16384)
    with call(engine) as (first, _, one, two):
        first.tap(True)
        for number in range(200):
            one.send(bytes([number]) * FRAME)
            assert two.receive().payload == bytes([number]) * FRAME
        kept = sum(len(batch.entries) for batch in drain(engine, 1))
        assert 0 < kept < 200
        assert engine.counters.tap_lost == 200 - kept
        one.send(b"z" * FRAME)
        (batch,) = drain(engine, 1)
        assert bytes(batch.payload) == b"z" * FRAME


def test_several_threads_share_one_batch(make_engine: MakeEngine) -> None:
    engine = make_engine(threads=3)
    assert engine.threads == 3
    ports = [engine.open_port() for _ in range(6)]
    peers = [Peer(port) for port in ports]
    for port, peer in zip(ports, peers, strict=True):
        port.tap(True)
        agree(port, peer)
        peer.send(bytes([port.leg]) * FRAME)
    until(lambda: all(port.statistics().packets_received for port in ports))
    batches = drain(engine, 6)
    for batch in batches:
        for entry in batch.entries:
            start, end = entry["offset"], entry["offset"] + entry["length"]
            assert bytes(batch.payload[start:end]) == bytes([entry["leg"]]) * FRAME
    for peer in peers:
        peer.close()


def test_a_tap_that_was_closed_shows_nothing(engine: Engine) -> None:
    with call(engine) as (first, _, one, two):
        first.tap(True)
        first.tap(False)
        one.send(b"a" * FRAME)
        two.receive()
        assert engine.drain_tap() is None
