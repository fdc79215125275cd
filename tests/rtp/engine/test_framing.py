"""Frames of 20 ms out of tapped packets: order, gaps, sizes, time, bounds.

`Rig` runs ticks over packets by their arrival; what came out is compared with what was sent, sample
by sample.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.g711 import Law, decode
from rtp.engine import TAP_ENTRY, Framer, FramerCounters, TapBatch, TapCodec
from tests.support.tapped import FIRST_TIMESTAMP, MS, Sender, Tapped, batch_of

TICK = 20 * MS


class Rig:
    """A framer, driven tick by tick, and all that came out of it for one leg."""

    def __init__(self, now: int = 10**12) -> None:
        self.framer = Framer()
        self.now = now
        self.frames: list[tuple[int, np.ndarray, np.ndarray, int, int]] = []
        """Position, samples, valid, time, tick in which it came."""

    def tick(self, packets: list[Tapped]) -> int:
        """One tick over what arrived; how many frames came out."""
        if packets:
            self.framer.push(batch_of(packets))
        before = len(self.frames)
        while (got := self.framer.round(self.now)) is not None:
            slots, samples, valid, positions, times = got
            assert len(set(slots)) == len(slots)
            for row in range(len(slots)):
                frame = samples[row], valid[row]
                self.frames.append((int(positions[row]), *frame, int(times[row]), self.now))
        self.now += TICK
        return len(self.frames) - before

    def run(self, packets: list[Tapped], *, ticks_after: int = 20) -> None:
        """Ticks until all has arrived, and some more."""
        waiting = sorted(packets, key=lambda packet: packet.arrived_ns)
        while waiting:
            ready = [packet for packet in waiting if packet.arrived_ns <= self.now]
            self.tick(ready)
            waiting = waiting[len(ready) :]
        for _ in range(ticks_after):
            self.tick([])

    @property
    def positions(self) -> list[int]:
        return [frame[0] for frame in self.frames]

    def heard(self) -> dict[int, int]:
        """Every sample that was valid, by its position."""
        heard: dict[int, int] = {}
        for position, samples, valid, _, _ in self.frames:
            for index in np.flatnonzero(valid):
                assert position + index not in heard
                heard[position + int(index)] = int(samples[index])
            assert not samples[~valid].any()
        return heard


def sent(packets: list[Tapped], origin: int | None = None) -> dict[int, int]:
    """The samples of packets, by their position."""
    if origin is None:
        origin = packets[0].timestamp
    samples: dict[int, int] = {}
    for packet in packets:
        if packet.codec in (TapCodec.PCMU, TapCodec.PCMA):
            law: Law = "PCMU" if packet.codec == TapCodec.PCMU else "PCMA"
            for index, sample in enumerate(decode(packet.payload, law)):
                samples[packet.timestamp - origin + index] = int(sample)
    return samples


@pytest.mark.parametrize("samples", [80, 160, 240, 320, 400, 480, 37, 161, 1000])
def test_packets_of_any_size_become_the_same_sound(samples: int) -> None:
    rig, sender = Rig(), Sender()
    packets = [sender.packet(samples) for _ in range(40)]
    rig.run(packets)
    assert rig.heard() == sent(packets)
    assert rig.positions == list(range(0, rig.positions[-1] + 1, 160))
    assert all(frame[2].all() for frame in rig.frames[:-1])


def test_a_whole_frame_comes_out_in_the_tick_of_its_packet() -> None:
    rig, sender = Rig(), Sender()
    for _ in range(50):
        assert rig.tick([sender.packet()]) == 1


def test_both_laws_are_decoded_and_may_change_in_the_middle_of_a_frame() -> None:
    rig, sender = Rig(), Sender()
    mu = sender.packet(80)
    packets = [mu, Tapped(1, *(sender.sequence, sender.timestamp), bytes(range(256)), 0)]
    packets[1] = Tapped(
        1, sender.sequence, sender.timestamp, bytes(range(256)), mu.arrived_ns, TapCodec.PCMA
    )
    rig.run(packets)
    assert rig.heard() == sent(packets)


def test_a_lost_packet_is_waited_for_sixty_ms_and_goes_out_masked() -> None:
    rig, sender = Rig(), Sender()
    first = sender.packet()
    sender.lose()
    later = [sender.packet() for _ in range(6)]
    counts = [rig.tick([first]), rig.tick([]), *(rig.tick([packet]) for packet in later)]
    # Shown by the first after it; given up three ticks later, and then all that waited goes out.
    assert counts == [1, 0, 0, 0, 0, 4, 2, 1]
    assert [bool(frame[2].all()) for frame in rig.frames[:3]] == [True, False, True]
    assert not rig.frames[1][2].any()
    assert rig.framer.counters.masked == 1


def test_a_packet_that_comes_within_sixty_ms_takes_its_place() -> None:
    rig, sender = Rig(), Sender()
    packets = [sender.packet() for _ in range(8)]
    counts = [rig.tick([packets[index]]) for index in (0, 2, 3, 1, 4, 5, 6, 7)]
    assert counts == [1, 0, 0, 3, 1, 1, 1, 1]
    assert rig.heard() == sent(packets)
    assert rig.framer.counters.late == 0


def test_a_packet_that_comes_too_late_is_counted_and_changes_nothing() -> None:
    rig, sender = Rig(), Sender()
    packets = [sender.packet() for _ in range(8)]
    for index in (0, 2, 3, 4, 5, 6, 1, 7):
        rig.tick([packets[index]])
    expected = sent([packets[index] for index in (0, 2, 3, 4, 5, 6, 7)])
    assert rig.heard() == expected
    assert rig.framer.counters.late == 1


def test_order_is_kept_also_behind_a_pause_where_a_key_comes_first() -> None:
    """Found by the test of all journeys: what waits is as old as the last sound, late or not."""
    rig, sender = Rig(), Sender()
    packets = [sender.packet(80), sender.packet(80), sender.packet(80)]
    rig.run(packets, ticks_after=12)
    sender.pause(1760)
    first, second = sender.packet(80), sender.packet(80)
    event, third = sender.event(80), sender.packet(80)
    rig.tick([one.at(rig.now) for one in (event, first)])
    rig.tick([one.at(rig.now) for one in (second, third)])
    rig.run([])
    assert rig.heard() == sent([*packets, first, second, third])


def test_two_losses_close_together_do_not_make_sound_pile_up() -> None:
    rig, sender = Rig(), Sender()
    packets = []
    for _ in range(100):
        packets.append(sender.packet())
        sender.lose()
    rig.run(packets)
    assert rig.heard() == sent(packets)
    behind = [tick - time for _, _, valid, time, tick in rig.frames[:-4] if valid.all()]
    assert max(behind) <= 160 * MS


def test_silence_that_the_sender_left_out_is_not_waited_for() -> None:
    rig, sender = Rig(), Sender()
    counts = [rig.tick([sender.packet()])]
    sender.pause(480)
    counts += [rig.tick([]) for _ in range(3)]
    counts.append(rig.tick([sender.packet()]))
    assert counts == [1, 0, 0, 0, 4]
    assert [bool(frame[2].any()) for frame in rig.frames] == [True, False, False, False, True]


def test_a_long_pause_is_skipped_at_once_whatever_its_length() -> None:
    rig, sender = Rig(), Sender()
    rig.tick([sender.packet()])
    for pause in (1601, 24_000, 8 * 3600 * 8000):
        sender.pause(pause)
        assert rig.tick([sender.packet()]) == 1
    steps = np.diff(rig.positions)
    assert list(steps) == [160 + 1601, 160 + 24_000, 160 + 8 * 3600 * 8000]


def test_a_long_burst_of_loss_is_skipped_after_its_wait() -> None:
    rig, sender = Rig(), Sender()
    packets = [sender.packet(240)]
    sender.lose(30)
    packets += [sender.packet(240) for _ in range(10)]
    rig.run(packets)
    assert rig.heard() == sent(packets)
    assert np.count_nonzero(np.diff(rig.positions) == 160) == len(rig.positions) - 2
    assert max(np.diff(rig.positions)) > 4000


def test_events_and_comfort_noise_are_no_sound_and_their_time_passes() -> None:
    rig, sender = Rig(), Sender()
    packets = [sender.packet(), sender.event(), sender.noise_level(), sender.packet()]
    rig.run(packets)
    assert rig.positions == [0, 160, 320, 480]
    assert [bool(frame[2].any()) for frame in rig.frames] == [True, False, False, True]
    assert rig.framer.counters.masked == 2


def test_a_leg_that_sends_no_sound_yet_is_open_and_gives_no_frame() -> None:
    rig, sender = Rig(), Sender(leg=9)
    rig.tick([sender.noise_level()])
    assert rig.framer.new_legs() == [(9, 0)]
    assert rig.framer.new_legs() == []
    assert rig.frames == []


def test_the_rest_of_a_frame_goes_out_when_nothing_comes_after_it() -> None:
    rig, sender = Rig(), Sender()
    assert rig.tick([sender.packet(240)]) == 1
    counts = [rig.tick([]) for _ in range(12)]
    assert sum(counts) == 1
    assert counts.index(1) in (9, 10, 11)
    assert rig.frames[1][2].sum() == 80


def test_the_rest_of_a_frame_goes_out_at_once_when_the_leg_is_over() -> None:
    rig, sender = Rig(), Sender()
    rig.tick([sender.packet(240)])
    assert rig.framer.waits(1)
    rig.framer.finish(1)
    assert rig.tick([]) == 1
    assert not rig.framer.waits(1)


def test_a_jitter_of_half_a_frame_masks_nothing() -> None:
    """Packets of 50 ms lie across frames; each comes up to 100 ms late, in order."""
    rig, sender = Rig(), Sender()
    noise = np.random.default_rng(3)
    packets: list[Tapped] = []
    for _ in range(200):
        packet = sender.packet(400)
        at = packet.arrived_ns + int(noise.integers(0, 100)) * MS
        packets.append(packet.at(max(at, packets[-1].arrived_ns if packets else 0)))
    rig.run(packets)
    assert rig.heard() == sent(packets)
    assert rig.framer.counters.masked <= 1


def test_a_leg_that_sends_faster_than_time_is_bounded_and_counted() -> None:
    rig, sender = Rig(), Sender()
    for _ in range(200):
        assert rig.tick([sender.packet() for _ in range(10)]) <= 4
    heard = len(rig.frames) - rig.framer.counters.masked
    assert heard > 600
    assert rig.framer.counters.dropped > 800
    assert rig.positions == sorted(rig.positions)


def test_of_a_burst_of_three_seconds_the_first_two_are_heard() -> None:
    rig, sender = Rig(), Sender()
    packets = [sender.packet() for _ in range(150)]
    rig.tick(packets)
    for _ in range(40):
        rig.tick([])
    assert rig.heard() == sent(packets[:102])
    assert rig.framer.counters.dropped == 48


def test_what_is_left_of_a_pause_far_back_gives_way_to_what_comes() -> None:
    rig, sender = Rig(), Sender()
    rig.tick([sender.packet(240)])
    sender.pause(100_000)
    packet = sender.packet(480)
    assert rig.tick([packet]) == 3
    assert rig.framer.counters.dropped == 1
    assert rig.positions[1:] == [100_240, 100_400, 100_560]


def test_a_stall_of_a_second_loses_nothing() -> None:
    rig, sender = Rig(), Sender()
    packets = [sender.packet() for _ in range(150)]
    rig.run(packets[:50], ticks_after=0)
    rig.now += 1000 * MS
    rig.run(packets[50:])
    assert rig.heard() == sent(packets)
    assert rig.framer.counters.dropped == rig.framer.counters.late == 0


def test_a_clock_that_is_set_back_goes_on() -> None:
    rig, sender = Rig(), Sender()
    for _ in range(10):
        rig.tick([sender.packet().at(rig.now)])
    sender.timestamp -= 8000
    for _ in range(10):
        assert rig.tick([sender.packet().at(rig.now)]) == 1
    assert rig.positions == list(range(0, 3200, 160))
    assert rig.framer.counters.late == 0
    times = [frame[3] for frame in rig.frames]
    assert np.diff(times).min() > 0


def test_legs_have_slots_of_their_own_and_are_told_once() -> None:
    framer = Framer()
    senders = [Sender(leg) for leg in range(1, 301)]
    framer.push(batch_of([sender.packet() for sender in senders]))
    legs = framer.new_legs()
    assert [leg for leg, _ in legs] == list(range(1, 301))
    assert sorted(slot for _, slot in legs) == list(range(300))
    assert framer.new_legs() == []
    assert framer.legs == 300
    got = framer.round(0)
    assert got is not None
    slots, samples, valid, positions, times = got
    assert sorted(slots) == list(range(300))
    assert samples.shape == valid.shape == (300, 160)
    assert positions.dtype == times.dtype == np.int64
    assert slots.dtype == np.intp
    assert samples.dtype == np.int16
    assert valid.dtype == np.bool_
    assert framer.round(0) is None


def test_a_closed_leg_stays_closed_and_its_slot_goes_to_another() -> None:
    framer = Framer()
    one, two = Sender(1), Sender(2)
    framer.push(batch_of([one.packet()]))
    assert framer.new_legs() == [(1, 0)]
    framer.close(1)
    framer.close(1)
    framer.close(77)
    framer.push(batch_of([one.packet(), two.packet(), Sender(77).packet()]))
    assert framer.new_legs() == [(2, 0)]
    assert framer.legs == 1
    assert framer.counters.refused == 2
    framer.finish(1)
    assert not framer.waits(1)


def test_a_leg_that_closes_with_sound_waiting_leaves_none_to_the_next_in_its_slot() -> None:
    rig = Rig()
    one, two = Sender(1, seed=1), Sender(2, seed=2)
    rig.framer.push(batch_of([one.packet() for _ in range(5)]))
    rig.framer.close(1)
    packets = [two.packet() for _ in range(3)]
    rig.run(packets)
    assert rig.heard() == sent(packets)


def test_thousands_of_legs_come_and_go_without_a_mix_up() -> None:
    """The table of leg numbers against a dict."""
    framer, noise = Framer(), np.random.default_rng(5)
    slots: dict[int, int] = {}
    for leg in range(1, 3000):
        framer.push(batch_of([Sender(leg).packet()]))
        ((told, slot),) = framer.new_legs()
        assert told == leg
        assert slot not in slots.values()
        slots[leg] = slot
        if len(slots) > 100:
            gone = int(noise.choice(list(slots)))
            del slots[gone]
            framer.close(gone)
        # All who are left are still found.
        if leg % 500 == 0:
            framer.push(batch_of([Sender(one).event() for one in slots]))
            assert framer.new_legs() == []
    assert framer.legs == len(slots)


def test_more_legs_than_can_be_heard_are_refused() -> None:
    framer = Framer()
    packets = [Sender(leg).noise_level() for leg in (1,)]
    for start in range(1, 33_001, 3000):
        many = [Tapped(leg, 65536, 1 << 32, b"", 0) for leg in range(start, start + 3000)]
        framer.push(batch_of(many))
    assert framer.legs == 32_768
    assert framer.counters.refused == 33_000 - 32_768
    framer.push(batch_of(packets))
    assert framer.legs == 32_768


def test_entries_that_make_no_sense_are_refused() -> None:
    framer = Framer()
    batch = batch_of([Sender(1).packet(), Sender(2).packet(), Sender(3).packet()])
    batch.entries["offset"][0] = 1_000_000
    batch.entries["length"][1] = 65_535
    batch.entries["arrived_ns"][2] = -1
    framer.push(batch)
    assert framer.counters == FramerCounters(3, 0, 0, 0, 0, 3)
    assert framer.round(0) is None


def test_only_what_the_tap_gives_can_be_pushed() -> None:
    framer = Framer()
    batch = batch_of([Sender(1).packet()])
    other = TapBatch(batch.entries.view(np.dtype((np.void, TAP_ENTRY.itemsize))), batch.payload)
    with pytest.raises(ValueError, match="layout"):
        framer.push(other)


# Time.


def times_of(rig: Rig) -> np.ndarray:
    """How far each frame's time is from its place on the sender's own timeline, in ms."""
    start = rig.frames[0][3] - rig.frames[0][0] * 125_000
    return np.array([frame[3] - start - frame[0] * 125_000 for frame in rig.frames]) / MS


def test_a_frame_is_of_the_time_at_which_its_first_sample_was_taken() -> None:
    """An undelayed packet arrives when its last sample was taken."""
    for samples in (80, 160, 480):
        rig, sender = Rig(), Sender()
        rig.run([sender.packet(samples) for _ in range(20)])
        assert rig.frames[0][3] == sender.start_ns
        assert rig.frames[5][3] == sender.start_ns + 5 * TICK


def test_jitter_does_not_shake_the_time() -> None:
    rig, sender = Rig(), Sender()
    noise = np.random.default_rng(2)
    packets = [sender.packet() for _ in range(1500)]
    delays = noise.exponential(5 * MS, len(packets)).astype(np.int64)
    rig.run([one.at(one.arrived_ns + int(late)) for one, late in zip(packets, delays, strict=True)])
    settled = np.array([frame[3] for frame in rig.frames[300:]])
    off = (settled - sender.start_ns - np.array(rig.positions[300:]) * 125_000) / MS
    assert np.abs(off).max() < 0.5
    assert np.abs(np.diff(settled) - TICK).max() <= TICK / 200 + 1


@pytest.mark.parametrize("millionths", [-100, -20, 20, 100])
def test_a_clock_that_runs_off_is_followed(millionths: int) -> None:
    rig, sender = Rig(), Sender()
    noise = np.random.default_rng(4)
    packets = []
    for number in range(6000):
        packet = sender.packet()
        drifted = sender.elapsed_ns * (1_000_000 + millionths) // 1_000_000
        late = int(noise.exponential(3 * MS))
        packets.append(packet.at(sender.start_ns + drifted + late))
        if number % 1000 == 999:
            rig.run(packets, ticks_after=0)
            packets = []
    true = np.array(rig.positions) * 125_000 * (1 + millionths / 1_000_000) + sender.start_ns
    off = (np.array([frame[3] for frame in rig.frames]) - true)[500:] / MS
    assert np.abs(off).max() < 1.0


def test_a_way_that_grows_longer_is_taken_over_within_seconds() -> None:
    rig, sender = Rig(), Sender()
    packets = [sender.packet() for _ in range(1000)]
    moved = [
        one.at(one.arrived_ns + (0 if at < 500 else 80 * MS)) for at, one in enumerate(packets)
    ]
    rig.run(moved)
    assert np.abs(times_of(rig)[:500]).max() == 0
    assert times_of(rig)[-1] == pytest.approx(80, abs=0.1)
    assert times_of(rig)[500 + 350] == pytest.approx(80, abs=0.1)


# A sender that is silent while its timestamp stands still.


def spoken_at(packets: list[Tapped]) -> np.ndarray:
    """When the first sample of each packet was spoken: what arrives undelayed."""
    return np.array([one.arrived_ns - len(one.payload) * 125_000 for one in packets])


def stalled(sender: Sender, talks: list[tuple[int, int]], samples: int = 160) -> list[Tapped]:
    """Packets of so many ms, and a pause of so many in which the timestamp does not go on."""
    packets: list[Tapped] = []
    for talk, pause in talks:
        for _ in range(max(1, talk * 8 // samples)):
            packets.append(sender.packet(samples))
        sender.start_ns += pause * MS
    return packets


@pytest.mark.parametrize("pause", [300, 1000, 2000, 10_000])
def test_after_a_pause_in_which_the_timestamp_stood_still_all_is_in_its_time(pause: int) -> None:
    rig, sender = Rig(), Sender()
    packets = stalled(sender, [(3000, pause), (3000, 0)])
    rig.run(packets)
    assert len(rig.heard()) == 300 * 160
    times = np.array([frame[3] for frame in rig.frames if frame[2].any()])
    assert np.abs(times - spoken_at(packets)).max() <= MS
    # The pause is a gap on the timeline too: what spans it is in two pieces.
    assert np.diff(rig.positions).max() == pytest.approx(160 + pause * 8, abs=8)
    assert rig.framer.counters.late == rig.framer.counters.dropped == 0


def test_short_pauses_with_a_timestamp_that_stands_still_do_not_pile_up() -> None:
    rig, sender = Rig(), Sender()
    packets = stalled(sender, [(1000, 300)] * 20)
    rig.run(packets)
    times = np.array([frame[3] for frame in rig.frames if frame[2].any()])
    assert np.abs(times - spoken_at(packets)).max() <= MS


def test_pauses_too_short_to_be_told_from_jitter_pile_up_to_a_fifth_of_a_second() -> None:
    rig, sender = Rig(), Sender()
    packets = stalled(sender, [(200, 90)] * 100)
    rig.run(packets)
    times = np.array([frame[3] for frame in rig.frames if frame[2].any()])
    assert np.abs(times - spoken_at(packets)).max() <= 201 * MS


@pytest.mark.parametrize("spacing", [0, 1, 5, 10])
@pytest.mark.parametrize("phase", [0, 7, 19])
def test_a_network_that_holds_sound_back_and_catches_up_leaves_its_times(
    spacing: int, phase: int
) -> None:
    rig, sender = Rig(10**12 + phase * MS), Sender()
    packets = [sender.packet() for _ in range(300)]
    free_ns = packets[175].arrived_ns
    for at in range(100, 300):
        free_ns += spacing * MS
        packets[at] = packets[at].at(max(packets[at].arrived_ns, free_ns))
    rig.run(packets)
    assert rig.heard() == sent(packets)
    assert np.abs(times_of(rig)).max() == 0
    assert rig.positions == list(range(0, 300 * 160, 160))


def test_the_end_of_a_leg_waits_for_no_doubt() -> None:
    rig, sender = Rig(), Sender()
    packets = stalled(sender, [(200, 3000), (20, 0)])
    rig.run(packets[:-1])
    rig.now = packets[-1].arrived_ns
    rig.framer.push(batch_of(packets[-1:]))
    rig.framer.finish(1)
    assert rig.tick([]) == 1
    assert not rig.framer.waits(1)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(100, 900), st.one_of(st.just(0), st.integers(300, 3000))),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from([80, 160, 240, 320, 480]),
    st.integers(0, 19),
    st.integers(0, 9),
)
def test_sound_is_in_its_time_however_often_the_timestamp_stands_still(
    talks: list[tuple[int, int]], samples: int, phase: int, seed: int
) -> None:
    """Against the simplest model: each sample was spoken so long before its packet arrived; and
    none is lost."""
    rig, sender = Rig(10**12 + phase * MS), Sender(seed=seed)
    packets = stalled(sender, talks, samples)
    rig.run(packets, ticks_after=40)
    heard = np.concatenate([samples[valid] for _, samples, valid, _, _ in rig.frames])
    assert np.array_equal(heard, np.array(list(sent(packets).values())))
    at = np.concatenate(
        [time + np.flatnonzero(valid) * 125_000 for _, _, valid, time, _ in rig.frames]
    )
    model = (spoken_at(packets)[:, None] + np.arange(samples) * 125_000).reshape(-1)
    # The rest of a frame waits for its pause, and may meet what comes after it.
    assert np.abs(at - model).max() <= 25 * MS


# Whatever the network does.


@st.composite
def journeys(draw: st.DrawFn) -> tuple[list[Tapped], list[Tapped]]:
    """Packets of one sender as they arrive: some lost, some late by less than 60 ms, some doubled;
    and those of them that count."""
    sender = Sender(seed=draw(st.integers(0, 9)))
    samples = draw(st.sampled_from([80, 160, 240, 320, 480, 123]))
    arriving: list[Tapped] = []
    kept: list[Tapped] = []
    for _ in range(draw(st.integers(1, 60))):
        fate = draw(st.integers(0, 19))
        if fate == 0:
            sender.pause(draw(st.integers(1, 20_000)))
        if fate in (1, 2) and arriving:
            sender.lose(draw(st.integers(1, 4)), samples)
        if fate == 3 and arriving:
            arriving.append(sender.event(samples))
        packet = sender.packet(samples)
        kept.append(packet)
        late = draw(st.integers(0, 39)) * MS if arriving else 0
        arriving.append(packet.at(packet.arrived_ns + late))
    arriving.sort(key=lambda one: one.arrived_ns)
    highest = 0
    for at, packet in enumerate(arriving):  # the engine tells what comes out of order
        arriving[at] = Tapped(
            packet.leg, packet.sequence, packet.timestamp, packet.payload, packet.arrived_ns,
            packet.codec, packet.flags | (32 if packet.sequence < highest else 0),
        )  # fmt: skip
        highest = max(highest, packet.sequence)
    return arriving, kept


@settings(max_examples=100, deadline=None)
@given(journeys(), st.integers(0, 19))
def test_all_that_arrives_in_time_is_heard_once_and_in_its_place(
    journey: tuple[list[Tapped], list[Tapped]], phase: int
) -> None:
    arriving, kept = journey
    rig = Rig(arriving[0].arrived_ns + phase * MS)
    rig.run(arriving, ticks_after=40)
    first = next(one.timestamp for one in arriving if one.codec == TapCodec.PCMU)
    expected = {at: value for at, value in sent(kept, first).items() if at >= 0}
    assert rig.heard() == expected
    assert rig.positions == sorted(set(rig.positions))
    assert all(step >= 160 for step in np.diff(rig.positions))
    assert not rig.framer.waits(1)
    assert rig.framer.round(rig.now) is None
    ticks = [frame[4] for frame in rig.frames]
    assert all(ticks.count(tick) <= 4 for tick in set(ticks))


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_whatever_comes_frames_stay_in_order_and_bounded(data: st.DataObject) -> None:
    """Any sequence numbers, timestamps, sizes and codecs, of several legs; legs that close."""
    framer, now, last = Framer(), 10**12, dict[int, int]()
    slots: dict[int, int] = {}
    for _ in range(data.draw(st.integers(1, 30))):
        packets = [
            Tapped(
                data.draw(st.integers(0, 4)),
                data.draw(st.integers(0, 60)),
                FIRST_TIMESTAMP + data.draw(st.integers(-40_000, 40_000)),
                b"\x11" * data.draw(st.integers(0, 1500)),
                now + data.draw(st.integers(-(10**9), 10**9)),
                data.draw(st.integers(0, 5)),
                data.draw(st.integers(0, 63)),
            )
            for _ in range(data.draw(st.integers(0, 12)))
        ]
        framer.push(batch_of(packets))
        slots.update((slot, leg) for leg, slot in framer.new_legs())
        rounds = 0
        while (got := framer.round(now)) is not None:
            rounds += 1
            for slot, position in zip(got[0], got[3], strict=True):
                leg = slots[int(slot)]
                assert position >= last.get(leg, -160) + 160
                last[leg] = int(position)
            assert not got[1][~got[2]].any()
        assert rounds <= 4
        if data.draw(st.integers(0, 9)) == 0:
            framer.close(data.draw(st.integers(0, 4)))
        now += data.draw(st.integers(1, 300)) * MS


def test_arrays_that_somebody_holds_are_never_written_again() -> None:
    framer, sender = Framer(), Sender()
    held: list[tuple[np.ndarray, ...]] = []
    copies: list[list[np.ndarray]] = []
    for tick in range(30):
        framer.push(batch_of([sender.packet()]))
        got = framer.round(tick)
        assert got is not None
        if tick % 3 == 0:
            held.append(got)
            copies.append([array.copy() for array in got])
        if tick % 5 == 0:
            held.append(tuple(array[:1] for array in got))  # a view is enough
            copies.append([array[:1].copy() for array in got])
    for arrays, kept in zip(held, copies, strict=True):
        assert all(np.array_equal(one, other) for one, other in zip(arrays, kept, strict=True))


def test_memory_of_rounds_that_nobody_holds_is_used_again() -> None:
    framer, sender = Framer(), Sender()
    places = set()
    for tick in range(100):
        framer.push(batch_of([sender.packet()]))
        got = framer.round(tick)
        assert got is not None
        places.add(got[1].ctypes.data)
    assert len(places) <= 4
