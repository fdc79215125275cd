import pytest

from rtp.packet import RtpPacket
from rtp.stream import MAX_CATCH_UP_PACKETS, MAX_KEPT_UNITS, RtpReceiver, RtpSender
from rtp.telephone_event import TelephoneEvent

SILENCE = b"\xff"


def run(sender: RtpSender, seconds: float, *, start: float = 0.0) -> list[RtpPacket]:
    """Step a sender by its own deadlines."""
    sender.start(now=start)
    packets: list[RtpPacket] = []
    while (due := sender.next_timeout()) is not None and due < start + seconds - 1e-9:
        packets += sender.packets_to_send(now=due)
    return packets


def listen(packets: list[RtpPacket]) -> RtpReceiver:
    receiver = RtpReceiver()
    for index, packet in enumerate(packets):
        receiver.receive_datagram(bytes(packet), now=index * 0.02)
    return receiver


def test_audio_is_cut_into_packets_at_their_times() -> None:
    sender = RtpSender(ssrc=1, sequence_number=65_535, timestamp=0xFFFF_FFFF)
    sender.play(bytes(range(200)))
    packets = run(sender, 0.06)
    assert [packet.sequence_number for packet in packets] == [65_535, 0, 1]
    assert [packet.timestamp for packet in packets] == [0xFFFF_FFFF, 159, 319]
    assert [packet.marker for packet in packets] == [True, False, False]
    assert packets[1].payload == bytes(range(160, 200)) + SILENCE * 120
    assert packets[2].payload == SILENCE * 160
    assert not sender.busy


@pytest.mark.parametrize("ptime_ms", [10, 20, 30, 60])
def test_packets_are_as_long_as_their_interval(ptime_ms: int) -> None:
    packets = run(RtpSender(ssrc=1, ptime_ms=ptime_ms), 0.6)
    assert {len(packet.payload) for packet in packets} == {ptime_ms * 8}
    assert len(packets) == 600 // ptime_ms


def test_a_key_is_sent_as_rfc_4733_says() -> None:
    """2.5.1: the marker on the first, one timestamp, growing duration, the end three times."""
    sender = RtpSender(ssrc=1, digit_payload_type=96, timestamp=1000)
    sender.send_digits("5", duration_ms=100, gap_ms=60)
    packets = run(sender, 0.2)
    keys = [packet for packet in packets if packet.payload_type == 96]
    events = [TelephoneEvent.parse(packet.payload) for packet in keys]
    assert {packet.timestamp for packet in keys} == {1000}
    assert [packet.marker for packet in keys] == [True] + [False] * 6
    assert [event.duration for event in events] == [160, 320, 480, 640, 800, 800, 800]
    assert [event.end for event in events] == [False] * 4 + [True] * 3
    assert {event.event for event in events} == {5}
    after = packets[len(keys) :]
    assert after[0].timestamp == 1000 + 8 * 160
    assert (after[0].marker, after[0].payload_type) == (True, 0)


def test_audio_waits_while_keys_are_sent() -> None:
    sender = RtpSender(ssrc=1)
    sender.play(bytes(320))
    sender.send_digits("1")
    packets = run(sender, 0.4)
    audio = [packet.payload for packet in packets if packet.payload_type == 0]
    assert audio[:2] == [bytes(160), bytes(160)]


def test_a_short_gap_still_lets_the_end_be_said_three_times() -> None:
    sender = RtpSender(ssrc=1)
    sender.send_digits("12", duration_ms=40, gap_ms=0)
    receiver = listen(run(sender, 0.4))
    assert receiver.keys == "12"
    assert [digit.packets for digit in receiver.digits] == [4, 4]


def test_a_long_gap_is_silent() -> None:
    sender = RtpSender(ssrc=1)
    sender.send_digits("12", duration_ms=40, gap_ms=200)
    receiver = listen(run(sender, 0.5))
    first, second = receiver.digits
    assert second.timestamp - first.timestamp == (40 + 200) * 8


@pytest.mark.parametrize("digits", ["0123456789*#ABCD", "1111", "*#*#"])
def test_every_key_is_heard_once(digits: str) -> None:
    sender = RtpSender(ssrc=1)
    sender.send_digits(digits)
    receiver = listen(run(sender, 0.2 * len(digits)))
    assert receiver.keys == digits
    assert all(digit.ended and digit.duration_ms == 100 for digit in receiver.digits)


@pytest.mark.parametrize("kept", [[0], [3], [6], [4, 5], [6, 0], [0, 1, 2, 3]])
def test_a_key_is_heard_once_from_any_of_its_packets(kept: list[int]) -> None:
    sender = RtpSender(ssrc=1)
    sender.send_digits("7")
    packets = run(sender, 0.14)
    receiver = listen([packets[index] for index in kept])
    assert receiver.keys == "7"


def test_what_cannot_be_sent_is_refused() -> None:
    sender = RtpSender(ssrc=1)
    with pytest.raises(ValueError, match="not a key"):
        sender.send_digits("1x")
    with pytest.raises(ValueError, match="8191 ms"):
        sender.send_digits("1", duration_ms=9000)
    with pytest.raises(ValueError, match="more keys"):
        sender.send_digits("1" * 1001)
    with pytest.raises(ValueError, match="more audio"):
        sender.play(bytes(MAX_KEPT_UNITS + 1))
    with pytest.raises(ValueError, match="not agreed"):
        RtpSender(ssrc=1, digit_payload_type=None).send_digits("1")
    assert not sender.busy


def test_a_sender_that_woke_late_catches_up_only_so_far() -> None:
    sender = RtpSender(ssrc=1)
    sender.start(now=0.0)
    assert len(sender.packets_to_send(now=0.1)) == 6
    packets = sender.packets_to_send(now=100.005)
    assert len(packets) == MAX_CATCH_UP_PACKETS
    due = sender.next_timeout()
    assert due is not None
    assert 100.005 < due <= 100.025
    (packet,) = sender.packets_to_send(now=due)
    assert packet.timestamp == round(due * 8000)


def test_a_stopped_sender_sends_nothing_and_begins_with_a_marker() -> None:
    sender = RtpSender(ssrc=1)
    assert sender.next_timeout() is None
    run(sender, 0.1)
    sender.stop()
    assert sender.packets_to_send(now=5.0) == []
    assert run(sender, 0.04, start=6.0)[0].marker


def test_a_sender_report_counts_what_was_sent() -> None:
    sender = RtpSender(ssrc=9, timestamp=100)
    run(sender, 0.1)
    report = sender.sender_report(ntp_timestamp=77)
    assert (report.packet_count, report.octet_count) == (5, 800)
    assert (report.rtp_timestamp, report.ssrc, report.ntp_timestamp) == (100 + 800, 9, 77)


def audio_packets(count: int = 10) -> list[RtpPacket]:
    sender = RtpSender(ssrc=1, timestamp=0xFFFF_FF00)
    sender.play(bytes([n // 16 for n in range(count * 160)]))
    return run(sender, count * 0.02)


def test_audio_is_heard_as_it_was_said_whatever_the_order() -> None:
    packets = audio_packets()
    shuffled = [packets[index] for index in (2, 0, 1, 5, 3, 4, 9, 9, 7, 6, 8)]
    receiver = listen(shuffled)
    assert receiver.audio() == b"".join(packet.payload for packet in packets)
    assert receiver.gaps() == []
    assert receiver.dropped == {"duplicate": 1}


def test_what_was_lost_is_silence_and_a_gap() -> None:
    packets = audio_packets()
    receiver = listen(packets[:3] + packets[5:])
    assert receiver.audio()[480:800] == SILENCE * 320
    assert receiver.gaps() == [(480, 320)]
    assert receiver.statistics is not None
    assert receiver.statistics.lost == 2


def test_nothing_heard_is_no_audio() -> None:
    assert RtpReceiver().audio() == b""
    assert RtpReceiver().gaps() == []


def test_a_new_source_goes_on_where_the_last_one_ended() -> None:
    first = audio_packets(2)
    second = RtpPacket(0, 5, 123_456, 2, b"\x01" * 160, marker=True)
    receiver = listen([*first, second])
    assert receiver.sources == [1, 2]
    assert receiver.markers == 2
    assert len(receiver.audio()) == 480
    assert receiver.audio()[320:] == second.payload


def test_what_is_not_of_the_stream_is_counted_by_reason() -> None:
    receiver = listen(audio_packets(2))
    receiver.receive_datagram(b"hello", now=1.0)
    receiver.receive(RtpPacket(34, 10, 0, 1, b"video"), now=1.0)
    receiver.receive(RtpPacket(101, 11, 0, 1, b"x"), now=1.0)
    receiver.receive(RtpPacket(101, 12, 0, 1, bytes(TelephoneEvent(16, False, 0, 0))), now=1.0)
    receiver.receive(RtpPacket(0, 13, 0x7000_0000, 1, bytes(160)), now=1.0)
    assert receiver.dropped == {
        "not_rtp": 1,
        "payload_type": 1,
        "bad_event": 1,
        "no_key": 1,
        "far_away": 1,
    }
    assert len(receiver.audio()) == 320
