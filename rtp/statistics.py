"""How a stream is received: validity, loss and jitter, as in RFC 3550 sections A.1, A.3 and A.8.

Written to be read beside the RFC: the media engine counts the same in C, and is tested against
this. Arrival times are arguments, in the stream's timestamp units.
"""

from rtp.rtcp import ReportBlock
from rtp.wraparound import timestamp_distance

MAX_DROPOUT = 3000
"""A jump ahead of up to so many packets is loss; beyond it, perhaps a restart."""
MAX_MISORDER = 100
"""A packet up to so many behind is late; further behind, perhaps a restart."""
MIN_SEQUENTIAL = 2
"""So many packets in order make a new source believable."""

_SEQUENCE_MODULUS = 1 << 16
_NO_BAD_SEQUENCE = _SEQUENCE_MODULUS + 1
# RFC 3550 section 6.4.1: the number of packets lost is a signed one of 24 bits.
_MAX_LOST = 0x7F_FFFF
_MIN_LOST = -0x80_0000


class SequenceTracker:
    """Section A.1: which packets of a source are believed, and the highest number so far."""

    __slots__ = ("bad_sequence", "base", "cycles", "highest", "probation", "received")

    def __init__(self, first_sequence_number: int) -> None:
        self._restart(first_sequence_number)
        # "the source is not valid until MIN_SEQUENTIAL packets with sequential sequence numbers"
        self.highest = (first_sequence_number - 1) % _SEQUENCE_MODULUS
        self.probation = MIN_SEQUENTIAL

    def _restart(self, sequence_number: int) -> None:
        self.base = sequence_number
        self.highest = sequence_number
        self.bad_sequence = _NO_BAD_SEQUENCE
        self.cycles = 0
        self.received = 0

    @property
    def extended_highest(self) -> int:
        """The highest sequence number, with the count of its cycles above the low 16 bits."""
        return self.cycles + self.highest

    def update(self, sequence_number: int) -> bool:
        """Take the next packet's number; False when it is not (yet) to be believed."""
        if self.probation:
            return self._update_on_probation(sequence_number)
        delta = (sequence_number - self.highest) % _SEQUENCE_MODULUS
        if delta < MAX_DROPOUT:
            if sequence_number < self.highest:
                self.cycles += _SEQUENCE_MODULUS
            self.highest = sequence_number
        elif delta <= _SEQUENCE_MODULUS - MAX_MISORDER:
            if sequence_number != self.bad_sequence:
                self.bad_sequence = (sequence_number + 1) % _SEQUENCE_MODULUS
                return False
            # Two in order after the jump: "the other side restarted without telling us".
            self._restart(sequence_number)
        # Else: late or a duplicate, counted as received.
        self.received += 1
        return True

    def _update_on_probation(self, sequence_number: int) -> bool:
        if sequence_number != (self.highest + 1) % _SEQUENCE_MODULUS:
            self.probation = MIN_SEQUENTIAL - 1
            self.highest = sequence_number
            return False
        self.probation -= 1
        self.highest = sequence_number
        if self.probation:
            return False
        self._restart(sequence_number)
        self.received = 1
        return True


class JitterEstimator:
    """Section A.8: the mean deviation of the transit time, smoothed by 1/16, in timestamp units."""

    __slots__ = ("_transit", "jitter")

    def __init__(self) -> None:
        self._transit: int | None = None
        self.jitter = 0.0

    def update(self, timestamp: int, arrival: int) -> None:
        """Take a packet's timestamp and its arrival, both in timestamp units, both may wrap."""
        transit = (arrival - timestamp) & 0xFFFF_FFFF
        if self._transit is not None:
            deviation = abs(timestamp_distance(transit, self._transit))
            self.jitter += (deviation - self.jitter) / 16
        self._transit = transit


class ReceptionStatistics:
    """All of one source (one SSRC): what it says, a report block tells the sender."""

    __slots__ = ("_expected_prior", "_jitter", "_received_prior", "_tracker", "ssrc")

    def __init__(self, ssrc: int) -> None:
        self.ssrc = ssrc
        self._tracker: SequenceTracker | None = None
        self._jitter = JitterEstimator()
        self._expected_prior = 0
        self._received_prior = 0

    def receive(self, sequence_number: int, timestamp: int, *, arrival: int) -> bool:
        """Take a packet; False when it is not (yet) believed. `arrival` in timestamp units."""
        if self._tracker is None:
            self._tracker = SequenceTracker(sequence_number)
        if not self._tracker.update(sequence_number):
            return False
        if self._tracker.received == 1:
            # The first of the source, or of its second life: earlier times mean nothing to it.
            self._jitter = JitterEstimator()
            self._expected_prior = self._received_prior = 0
        self._jitter.update(timestamp, arrival)
        return True

    @property
    def received(self) -> int:
        """Packets believed, late and duplicate ones included."""
        return self._tracker.received if self._tracker is not None else 0

    @property
    def expected(self) -> int:
        """Section A.3: from the first to the highest sequence number."""
        if self._tracker is None or self._tracker.received == 0:
            return 0
        return self._tracker.extended_highest - self._tracker.base + 1

    @property
    def lost(self) -> int:
        """Section A.3: expected less received; below 0 with duplicates; clamped to 24 bits."""
        return max(_MIN_LOST, min(_MAX_LOST, self.expected - self.received))

    @property
    def jitter(self) -> float:
        """Interarrival jitter in timestamp units."""
        return self._jitter.jitter

    def report_block(self, *, last_sender_report: int = 0, delay: int = 0) -> ReportBlock:
        """A report for the time since the last one (section A.3: the fraction lost in 1/256)."""
        expected = self.expected - self._expected_prior
        lost = expected - (self.received - self._received_prior)
        self._expected_prior, self._received_prior = self.expected, self.received
        fraction = 0 if expected <= 0 or lost <= 0 else min(255, (lost << 8) // expected)
        highest = self._tracker.extended_highest if self._tracker is not None else 0
        return ReportBlock(
            ssrc=self.ssrc,
            fraction_lost=fraction,
            lost=self.lost,
            highest_sequence_number=highest & 0xFFFF_FFFF,
            jitter=int(self.jitter),
            last_sender_report=last_sender_report,
            delay_since_last_sender_report=delay,
        )
