"""A phone's end of an RTP stream: paced packets out, audio, keys and figures in (RFC 3550, RFC
4733).

For the phones of tests and demonstrations, one stream each. Payloads have one octet a timestamp
unit, as G.711 has. No sockets and no clock: the shell sends what is due and passes on what arrived.
"""

from collections import deque
from dataclasses import dataclass

from rtp.errors import ParseError
from rtp.packet import RtpPacket
from rtp.rtcp import SenderReport
from rtp.statistics import ReceptionStatistics
from rtp.telephone_event import MAX_DURATION, TelephoneEvent, event_of
from rtp.wraparound import TimestampExtender

UNITS_PER_MS = 8
"""Timestamp units a millisecond: an 8 kHz clock."""
END_PACKETS = 3
"""RFC 4733 section 2.5.1.4: the last packet of an event "SHOULD be sent a total of three times"."""
# A phone that was stopped for longer than this does not send the past in one burst.
MAX_CATCH_UP_PACKETS = 50
# Ten minutes of audio each way are more than a test listens to; what is beyond is not kept.
MAX_KEPT_UNITS = 600 * 1000 * UNITS_PER_MS
MAX_KEPT_PACKETS = 60_000
MAX_KEPT_DIGITS = 1_000
MAX_QUEUED_DIGITS = 1_000


@dataclass(slots=True)
class _Event:
    """A key being sent: begins at `timestamp`, all in timestamp units."""

    code: int
    length: int
    gap: int
    timestamp: int = 0
    elapsed: int = 0
    ends_sent: int = 0


class RtpSender:
    """Makes the packets of one stream: queued audio, else silence, with keys in between.

    Audio waits while keys are sent. `silence` is the octet of a zero sample.
    """

    def __init__(
        self,
        *,
        ssrc: int,
        payload_type: int = 0,
        digit_payload_type: int | None = 101,
        ptime_ms: int = 20,
        silence: int = 0xFF,
        sequence_number: int = 0,
        timestamp: int = 0,
    ) -> None:
        self.ssrc = ssrc
        self.payload_type = payload_type
        self.digit_payload_type = digit_payload_type
        self.silence = silence
        self.packet_count = 0
        self.octet_count = 0
        self._frame = ptime_ms * UNITS_PER_MS
        self._interval = ptime_ms / 1000
        self._sequence_number = sequence_number
        self._timestamp = timestamp
        self._audio = bytearray()
        self._events: deque[_Event] = deque()
        self._marker = True
        self._next: float | None = None

    @property
    def busy(self) -> bool:
        """Whether queued audio or keys are still to be sent."""
        return bool(self._audio or self._events)

    def play(self, octets: bytes) -> None:
        """Queue audio, already encoded, behind what is queued; ValueError beyond the limit."""
        if len(self._audio) + len(octets) > MAX_KEPT_UNITS:
            raise ValueError("more audio than a phone keeps")
        self._audio += octets

    def forget_audio(self) -> None:
        """Drop the audio that is queued; silence follows."""
        self._audio.clear()

    def send_digits(self, digits: str, *, duration_ms: int = 100, gap_ms: int = 60) -> None:
        """Queue keys; raises ValueError for what is no key, or a length that no packet can say."""
        if self.digit_payload_type is None:
            raise ValueError("telephone-event was not agreed on")
        length = duration_ms * UNITS_PER_MS
        if not 0 < length <= MAX_DURATION:
            raise ValueError("a key lasts from 1 to 8191 ms")
        if len(self._events) + len(digits) > MAX_QUEUED_DIGITS:
            raise ValueError("more keys than a phone keeps")
        codes = [event_of(digit) for digit in digits]
        self._events.extend([_Event(code, length, gap_ms * UNITS_PER_MS) for code in codes])

    def start(self, *, now: float) -> None:
        """Begin: the first packet is due at once."""
        self._next = now

    def stop(self) -> None:
        """Send nothing more until started again."""
        self._next = None
        self._marker = True

    def next_timeout(self) -> float | None:
        """When the next packet is due; None while stopped."""
        return self._next

    def packets_to_send(self, *, now: float) -> list[RtpPacket]:
        """All packets that are due; after a long absence the rest of the past is passed over."""
        packets: list[RtpPacket] = []
        while self._next is not None and self._next <= now:
            if len(packets) >= MAX_CATCH_UP_PACKETS:
                self._skip_to(now)
                break
            packet = self._next_packet()
            self._next += self._interval
            self._timestamp = (self._timestamp + self._frame) & 0xFFFF_FFFF
            if packet is not None:
                packets.append(packet)
        return packets

    def _skip_to(self, now: float) -> None:
        assert self._next is not None
        intervals = int((now - self._next) / self._interval) + 1
        self._next += intervals * self._interval
        self._timestamp = (self._timestamp + intervals * self._frame) & 0xFFFF_FFFF

    def _next_packet(self) -> RtpPacket | None:
        if self._events:
            return self._event_packet(self._events[0])
        payload = bytes(self._audio[: self._frame]).ljust(self._frame, bytes([self.silence]))
        del self._audio[: self._frame]
        packet = self._packet(self.payload_type, self._timestamp, payload, marker=self._marker)
        self._marker = False
        return packet

    def _event_packet(self, event: _Event) -> RtpPacket | None:
        """RFC 4733 section 2.5.1: one packet an interval, all timestamped with the beginning."""
        first = event.elapsed == 0
        if first:
            event.timestamp = self._timestamp
        event.elapsed += self._frame
        packet = None
        if event.ends_sent < END_PACKETS:
            is_over = event.elapsed >= event.length
            event.ends_sent += is_over
            report = TelephoneEvent(event.code, is_over, 10, min(event.elapsed, event.length))
            assert self.digit_payload_type is not None
            packet = self._packet(
                self.digit_payload_type, event.timestamp, bytes(report), marker=first
            )
        if event.ends_sent == END_PACKETS and event.elapsed >= event.length + event.gap:
            self._events.popleft()
            # Audio begins anew after keys: a talkspurt.
            self._marker = True
        return packet

    def _packet(
        self, payload_type: int, timestamp: int, payload: bytes, *, marker: bool
    ) -> RtpPacket:
        packet = RtpPacket(
            payload_type=payload_type,
            sequence_number=self._sequence_number,
            timestamp=timestamp,
            ssrc=self.ssrc,
            payload=payload,
            marker=marker,
        )
        self._sequence_number = (self._sequence_number + 1) & 0xFFFF
        self.packet_count += 1
        self.octet_count += len(payload)
        return packet

    def sender_report(self, *, ntp_timestamp: int) -> SenderReport:
        """A report of what was sent so far, for the packet that is due now."""
        return SenderReport(
            ssrc=self.ssrc,
            ntp_timestamp=ntp_timestamp,
            rtp_timestamp=self._timestamp,
            packet_count=self.packet_count & 0xFFFF_FFFF,
            octet_count=self.octet_count & 0xFFFF_FFFF,
        )


@dataclass(slots=True)
class HeardDigit:
    """A key that was heard: when it began, how long it was, and whether its end was heard."""

    digit: str
    timestamp: int
    duration_ms: float
    ended: bool
    packets: int = 1


class RtpReceiver:
    """Collects one stream: audio on a line of timestamps, keys, figures.

    `audio_payload_types` are those laid on the line. A new SSRC goes on on the same line at the
    place where it came in; `sources` lists them all.
    """

    def __init__(
        self,
        *,
        audio_payload_types: frozenset[int] = frozenset({0, 8}),
        digit_payload_type: int | None = 101,
        silence: int = 0xFF,
    ) -> None:
        self.audio_payload_types = audio_payload_types
        self.digit_payload_type = digit_payload_type
        self.silence = silence
        self.digits: list[HeardDigit] = []
        self.sources: list[int] = []
        self.markers = 0
        self.dropped: dict[str, int] = {}
        self.statistics: ReceptionStatistics | None = None
        self._extender = TimestampExtender()
        self._offset = 0
        self._pieces: dict[int, bytes] = {}

    def receive_datagram(self, data: bytes, *, now: float) -> None:
        """Take what arrived; what is not of this stream is counted in `dropped` by reason."""
        try:
            packet = RtpPacket.parse(data)
        except ParseError:
            self._drop("not_rtp")
            return
        self.receive(packet, now=now)

    def receive(self, packet: RtpPacket, *, now: float) -> None:
        """Take a packet that arrived."""
        if self.statistics is None or packet.ssrc != self.statistics.ssrc:
            self._begin_source(packet)
        assert self.statistics is not None
        arrival = int(now * 1000 * UNITS_PER_MS)
        self.statistics.receive(packet.sequence_number, packet.timestamp, arrival=arrival)
        self.markers += packet.marker
        if packet.payload_type in self.audio_payload_types:
            self._keep_audio(packet)
        elif packet.payload_type == self.digit_payload_type:
            self._keep_digit(packet)
        else:
            self._drop("payload_type")

    def _begin_source(self, packet: RtpPacket) -> None:
        if len(self.sources) >= MAX_KEPT_DIGITS:
            self.sources.pop(0)
        self.sources.append(packet.ssrc)
        self.statistics = ReceptionStatistics(packet.ssrc)
        self._extender = TimestampExtender()
        end = max([start + len(octets) for start, octets in self._pieces.items()], default=0)
        self._offset = end - packet.timestamp

    def _keep_audio(self, packet: RtpPacket) -> None:
        start = self._extender.extend(packet.timestamp) + self._offset
        if abs(start) + len(packet.payload) > MAX_KEPT_UNITS:
            self._drop("far_away")
        elif start in self._pieces:
            self._drop("duplicate")
        elif len(self._pieces) >= MAX_KEPT_PACKETS:
            self._drop("full")
        else:
            self._pieces[start] = packet.payload

    def _keep_digit(self, packet: RtpPacket) -> None:
        try:
            event = TelephoneEvent.parse(packet.payload)
        except ParseError:
            self._drop("bad_event")
            return
        digit = event.digit
        if digit is None or len(self.digits) >= MAX_KEPT_DIGITS:
            self._drop("no_key")
            return
        duration_ms = event.duration / UNITS_PER_MS
        for heard in self.digits[-2:]:
            # All packets of one event have its timestamp, whatever was lost or came late.
            if heard.timestamp == packet.timestamp and heard.digit == digit:
                heard.duration_ms = max(heard.duration_ms, duration_ms)
                heard.ended = heard.ended or event.end
                heard.packets += 1
                return
        self.digits.append(HeardDigit(digit, packet.timestamp, duration_ms, event.end))

    def _drop(self, reason: str) -> None:
        self.dropped[reason] = self.dropped.get(reason, 0) + 1

    @property
    def keys(self) -> str:
        """The keys heard so far, in order."""
        return "".join([heard.digit for heard in self.digits])

    def audio(self) -> bytes:
        """All audio from the earliest timestamp on, with silence where nothing arrived."""
        if not self._pieces:
            return b""
        begin = min(self._pieces)
        end = max([start + len(octets) for start, octets in self._pieces.items()])
        line = bytearray([self.silence]) * (end - begin)
        for start, octets in self._pieces.items():
            line[start - begin : start - begin + len(octets)] = octets
        return bytes(line)

    def gaps(self) -> list[tuple[int, int]]:
        """Stretches of `audio()` that nothing arrived for: (offset, length) in timestamp units."""
        found = []
        begin = position = min(self._pieces, default=0)
        for start in sorted(self._pieces):
            if start > position:
                found.append((position - begin, start - position))
            position = max(position, start + len(self._pieces[start]))
        return found
