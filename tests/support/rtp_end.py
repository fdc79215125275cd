"""One end of an RTP stream for tests: plays given bytes at 20 ms, records each packet that comes.

Written apart from the product's own RTP code. It sends G.711 as given, RFC 4733 digits between
(section 2.5.1: the event's packets share one timestamp, the end is sent three times), and notes
sequence number, timestamp, SSRC, payload type and time of what arrives. It knows no SIP.
"""

from __future__ import annotations

import itertools
import random
import select
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

PCMU = 0
PCMA = 8
DIGITS = 101
FRAME = 160
TICK = 0.020
_EVENTS = "0123456789*#ABCD"
_SILENT_BYTE = {PCMU: 0xFF, PCMA: 0xD5}


@dataclass(frozen=True, slots=True)
class Arrival:
    """One RTP packet that came in; `at` is on the monotonic clock."""

    at: float
    source: tuple[str, int]
    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes


class RtpEnd:
    """An even RTP port and its odd RTCP port, one thread, one clock."""

    def __init__(self, host: str = "127.0.0.1", *, payload_type: int = PCMU) -> None:
        self.host = host
        self.payload_type = payload_type
        self.rtp, self.rtcp = _even_pair(host)
        self.port: int = self.rtp.getsockname()[1]
        self.arrivals: list[Arrival] = []
        self.reports: list[bytes] = []
        self.malformed = 0
        self.sent = 0
        self.target: tuple[str, int] | None = None
        self.sending = True
        self.lose_digit_packets = ""
        self._queue: deque[bytes] = deque()
        self._digits: deque[Iterator[tuple[int, bool, int, bytes]]] = deque()
        self._sequence = random.randrange(1 << 16)
        self._timestamp = random.randrange(1 << 32)
        self.ssrc = random.randrange(1 << 32)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    # ---- what a test says -------------------------------------------------------------------

    def sdp(
        self,
        payload_types: Sequence[int] = (PCMU, DIGITS),
        *,
        direction: str = "sendrecv",
        version: int = 1,
        connection: str | None = None,
        extra: str = "",
    ) -> bytes:
        """A session description that asks for media at this end."""
        names = {PCMU: "PCMU/8000", PCMA: "PCMA/8000", DIGITS: "telephone-event/8000"}
        family = "IP6" if ":" in self.host else "IP4"
        lines = [
            "v=0",
            f"o=phone {self.port} {version} IN {family} {self.host}",
            "s=-",
            f"c=IN {family} {connection or self.host}",
            "t=0 0",
            f"m=audio {self.port} RTP/AVP {' '.join(map(str, payload_types))}",
            *(f"a=rtpmap:{kind} {names[kind]}" for kind in payload_types),
            *(f"a=fmtp:{kind} 0-15" for kind in payload_types if kind == DIGITS),
            "a=ptime:20",
            f"a={direction}",
        ]
        return ("\r\n".join(lines) + "\r\n" + extra).encode()

    def aim(self, host: str, port: int) -> None:
        """From now on packets go there; nothing is sent before."""
        self.target = (host, port)

    def aim_by(self, body: bytes) -> None:
        """Aims at the first audio line of a session description."""
        self.aim(*audio_address(body))

    def play(self, payload: bytes) -> None:
        """Queues G.711 bytes, cut into frames of 20 ms; silence follows when they are through."""
        frames = [payload[start : start + FRAME] for start in range(0, len(payload), FRAME)]
        self._queue.extend(frames)

    def press(self, digits: str, *, milliseconds: int = 100, payload_type: int = DIGITS) -> None:
        """Queues RFC 4733 digits."""
        for digit in digits:
            self._digits.append(_event(_EVENTS.index(digit), milliseconds // 20, payload_type))
            self._digits.append(iter([(self.payload_type, False, 0, b"")] * 3))

    def playing(self) -> bool:
        """Whether queued audio or digits are still on the way out."""
        return bool(self._queue or self._digits)

    def wait_until_played(self, within: float = 10.0) -> None:
        """Waits until all that was queued has been sent."""
        deadline = time.monotonic() + within
        while self.playing():
            assert time.monotonic() < deadline, "the queue of this RTP end did not drain"
            time.sleep(TICK)

    def wait_for_packets(self, count: int, within: float = 10.0) -> list[Arrival]:
        """Waits until `count` more packets have come than now, and returns the new ones."""
        start = len(self.arrivals)
        deadline = time.monotonic() + within
        while len(self.arrivals) < start + count:
            came = len(self.arrivals) - start
            assert time.monotonic() < deadline, f"{came} of {count} packets in {within} s"
            time.sleep(0.005)
        return self.arrivals[start:]

    def restart_source(self) -> None:
        """Goes on as a new source: other SSRC, sequence numbers and timestamps."""
        self.ssrc = random.randrange(1 << 32)
        self._sequence = random.randrange(1 << 16)
        self._timestamp = random.randrange(1 << 32)

    def close(self) -> None:
        """Ends the thread and closes both sockets."""
        self._closing.set()
        self._thread.join(2)
        self.rtp.close()
        self.rtcp.close()

    # ---- the thread -------------------------------------------------------------------------

    def _run(self) -> None:
        due = time.monotonic()
        while not self._closing.is_set():
            wait = due - time.monotonic()
            if wait > 0:
                self._receive(wait)
                continue
            due += TICK
            if time.monotonic() - due > 1.0:
                due = time.monotonic()
            if self.target is not None and self.sending:
                self._send_tick(self.target)

    def _receive(self, wait: float) -> None:
        readable, _, _ = select.select([self.rtp, self.rtcp], [], [], wait)
        for ready in readable:
            try:
                data, source = ready.recvfrom(4096)
            except ConnectionError:
                continue
            if ready is self.rtcp:
                self.reports.append(data)
            else:
                self._note(data, source)

    def _note(self, data: bytes, source: tuple[str, int]) -> None:
        if len(data) < 12 or data[0] >> 6 != 2:
            self.malformed += 1
            return
        first, second, sequence, timestamp, ssrc = struct.unpack_from("!BBHII", data)
        start = 12 + 4 * (first & 0x0F)
        now = time.monotonic()
        self.arrivals.append(
            Arrival(
                now,
                source,
                second & 0x7F,
                bool(second >> 7),
                sequence,
                timestamp,
                ssrc,
                data[start:],
            )
        )

    def _send_tick(self, target: tuple[str, int]) -> None:
        for payload_type, marker, offset, payload in self._tick():
            stamp = (self._timestamp - offset) & 0xFFFFFFFF
            head = struct.pack(
                "!BBHII", 0x80, payload_type | (marker << 7), self._sequence, stamp, self.ssrc
            )
            self._sequence = (self._sequence + 1) & 0xFFFF
            if payload_type == self.payload_type or not self._is_lost(marker, payload):
                self._transmit(head + payload, target)
            self.sent += 1
        self._timestamp = (self._timestamp + FRAME) & 0xFFFFFFFF

    def _transmit(self, packet: bytes, target: tuple[str, int]) -> None:
        self.rtp.sendto(packet, target)

    def _is_lost(self, marker: bool, event: bytes) -> bool:
        """Whether the link is to lose this packet of a digit."""
        if self.lose_digit_packets == "all but the first":
            return not marker
        return self.lose_digit_packets == "all but the end" and not event[1] & 0x80

    def _tick(self) -> Iterator[tuple[int, bool, int, bytes]]:
        """What goes out in this tick: payload type, marker, timestamp offset back, payload."""
        while self._digits:
            packet = next(self._digits[0], None)
            if packet is None:
                self._digits.popleft()
                continue
            if packet[3]:
                yield packet
                if packet[3][1] & 0x80:  # the end packet goes out three times at once
                    yield packet
                    yield packet
                return
            break
        silence = bytes([_SILENT_BYTE[self.payload_type]]) * FRAME
        yield self.payload_type, False, 0, self._queue.popleft() if self._queue else silence


def _event(code: int, ticks: int, payload_type: int) -> Iterator[tuple[int, bool, int, bytes]]:
    for tick in range(ticks):
        duration = (tick + 1) * FRAME
        last = 0x80 if tick == ticks - 1 else 0
        yield payload_type, tick == 0, tick * FRAME, struct.pack("!BBH", code, last | 10, duration)


def _even_pair(host: str) -> tuple[socket.socket, socket.socket]:
    for port in itertools.islice(iter(lambda: random.randrange(32768, 60000, 2), None), 200):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        rtp = socket.socket(family, socket.SOCK_DGRAM)
        rtcp = socket.socket(family, socket.SOCK_DGRAM)
        try:
            rtp.bind((host, port))
            rtcp.bind((host, port + 1))
        except OSError:
            rtp.close()
            rtcp.close()
            continue
        return rtp, rtcp
    raise AssertionError("no free even port and its neighbour")


def audio_address(body: bytes) -> tuple[str, int]:
    """Host and port of the first audio line of a session description."""
    text = body.decode()
    session, _, media = text.partition("\nm=audio ")
    assert media, f"no audio line in {text!r}"
    port = int(media.split()[0].split("/")[0])
    first_media = media.partition("\nm=")[0]
    for part in (first_media, session):
        for line in part.splitlines():
            if line.startswith(("c=IN IP4 ", "c=IN IP6 ")):
                return line.split()[2].split("/")[0], port
    raise AssertionError(f"no connection line in {text!r}")


def discontinuities(arrivals: Sequence[Arrival], *, slack: float = 0.06) -> list[str]:
    """Where a stream is not one continuous stream (RFC 3550 section 5.1).

    One SSRC; sequence numbers go up by one; the timestamp never goes back and, over audio, follows
    the clock by which the packets came to within `slack` seconds.
    """
    found = []
    for before, after in itertools.pairwise(arrivals):
        step = (after.sequence - before.sequence) & 0xFFFF
        move = _signed(after.timestamp - before.timestamp)
        if after.ssrc != before.ssrc:
            found.append(f"SSRC {before.ssrc:08x} -> {after.ssrc:08x} at {after.sequence}")
        if step != 1:
            found.append(f"sequence {before.sequence} -> {after.sequence}")
        if move < 0:
            found.append(f"timestamp {move:+d} at sequence {after.sequence}")
    audio = [arrival for arrival in arrivals if arrival.payload_type in (PCMU, PCMA)]
    for first, later in ((audio[0], arrival) for arrival in audio[1:]):
        drift = _signed(later.timestamp - first.timestamp) / 8000 - (later.at - first.at)
        if abs(drift) > slack:
            found.append(f"timestamp is {drift * 1000:+.0f} ms off at sequence {later.sequence}")
            break
    return found


def _signed(difference: int) -> int:
    return ((difference + 0x80000000) & 0xFFFFFFFF) - 0x80000000


def heard(arrivals: Sequence[Arrival]) -> bytes:
    """The audio payloads in order of sequence number, joined."""
    audio = [arrival for arrival in arrivals if arrival.payload_type in (PCMU, PCMA)]
    if not audio:
        return b""
    origin = audio[0].sequence
    ordered = sorted(audio, key=lambda arrival: (arrival.sequence - origin + 0x8000) & 0xFFFF)
    return b"".join(arrival.payload for arrival in ordered)


def digits_heard(arrivals: Sequence[Arrival], payload_type: int = DIGITS) -> str:
    """The digits of RFC 4733 events in what came, one for each event timestamp."""
    events: dict[int, int] = {}
    for arrival in arrivals:
        if arrival.payload_type == payload_type and len(arrival.payload) >= 4:
            events.setdefault(arrival.timestamp, arrival.payload[0])
    return "".join(_EVENTS[code] for code in events.values())


def known_signal(seconds: float, *, seed: int = 1) -> bytes:
    """G.711 bytes that never repeat for long and hold no byte of digital silence."""
    chooser = random.Random(seed)
    allowed = [byte for byte in range(256) if byte not in (0xFF, 0x7F, 0xD5, 0x55)]
    return bytes(chooser.choice(allowed) for _ in range(int(seconds * 8000)))


def ulaw_to_linear(byte: int) -> int:
    """One mu-law byte as a 16-bit sample (ITU-T G.711, table 2)."""
    inverted = ~byte & 0xFF
    magnitude = (((inverted & 0x0F) << 3) + 0x84 << (inverted >> 4 & 7)) - 0x84
    return -magnitude if inverted & 0x80 else magnitude


def alaw_to_linear(byte: int) -> int:
    """One A-law byte as a 16-bit sample (ITU-T G.711, table 1)."""
    toggled = byte ^ 0x55
    exponent, mantissa = toggled >> 4 & 7, toggled & 0x0F
    magnitude = (mantissa << 4) + 8
    if exponent:
        magnitude = magnitude + 0x100 << exponent - 1
    return magnitude if toggled & 0x80 else -magnitude
