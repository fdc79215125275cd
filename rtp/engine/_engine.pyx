# cython: language_level=3
"""Python's hand on the media engine: checks arguments, passes commands, brings facts back.

Nothing here runs per packet. All of it is called with Python's lock held, by one thread at a time.
"""

import os

import numpy as np

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytearray cimport (
    PyByteArray_AS_STRING, PyByteArray_FromStringAndSize, PyByteArray_GET_SIZE)
from libc.stddef cimport size_t
from libc.stdint cimport (
    int16_t, int32_t, int64_t, intptr_t, uint8_t, uint16_t, uint32_t, uint64_t)
from libc.string cimport memset

from rtp.engine.errors import EngineNotRunning, PortClosed, PortsExhausted
from rtp.engine.events import (
    DigitEnded,
    DigitReceived,
    MediaStarted,
    PlaybackEnded,
    SourceChanged,
)
from rtp.engine.statistics import EngineCounters, FramerCounters, PortStatistics
from rtp.engine.tap import TAP_ENTRY, TapBatch


cdef extern from "<stdbool.h>":
    ctypedef bint c_bool "bool"


cdef extern from "engine.h":
    enum:
        CODEC_NONE, CODEC_PCMU, CODEC_PCMA, CODEC_TELEPHONE_EVENT, CODEC_COMFORT_NOISE, CODEC_G722
        CODEC_OPUS, CODEC_TELEPHONE_EVENT_48
        MIN_PTIME_MS, MAX_PTIME_MS, MAX_DIGITS_TO_SEND, MAX_PROMPT_SAMPLES, MAX_MIXED, DROP_REASONS
        EVENT_DIGIT_RECEIVED, EVENT_DIGIT_ENDED, EVENT_PLAYBACK_ENDED, EVENT_MEDIA_STARTED
        EVENT_SOURCE_CHANGED
        SUITE_AES_CM_128_HMAC_SHA1_80, SUITE_AES_CM_128_HMAC_SHA1_32, SECURE_KEY_LENGTH
    const char *const *DROP_NAMES

    struct address:
        pass
    struct tap_entry:
        pass
    struct tap:
        pass
    struct shard:
        tap tap
    struct engine:
        int event_fd
        uint32_t threads
        shard *shards
    struct leg:
        pass
    struct port_pair:
        uint16_t port
    struct voice:
        pass
    struct handle:
        leg *leg
        port_pair *pair
        voice *voice
        uint32_t shard
    struct prompt:
        uint32_t samples
    struct codecs:
        uint8_t receive[128]
        uint8_t send
        uint8_t send_payload_type
        uint8_t ptime_ms
        uint16_t untouched_least, untouched_most
        int16_t digit_payload_type
        int16_t comfort_noise_payload_type
    struct engine_event:
        int kind
        uint64_t leg
        uint64_t value
        uint32_t duration_ms
        char digit
        c_bool completed
        address address
    struct port_counts:
        uint32_t total, in_use, resting, free, unusable
    struct port_statistics:
        uint64_t packets_received, octets_received, packets_sent, octets_sent
        uint64_t lost, duplicated, reordered, restarts, loss_runs, late
        uint64_t digits_received, digits_sent
        uint64_t datagrams_received, datagrams_sent
        uint64_t rtcp_received, rtcp_sent, rtcp_malformed
        uint64_t *dropped
        int64_t first_received_ns, last_received_ns
        double jitter_ms
        c_bool has_remote, has_round_trip
        int32_t remote_lost
        double remote_fraction_lost, remote_jitter_ms, round_trip_ms

    c_bool address_parse(address *, const char *, int, int)
    int address_port(const address *)
    void address_host(const address *, char *, size_t)
    int digit_event(char)
    prompt *prompt_create(const int16_t *, uint32_t)
    void prompt_release(prompt *)
    void tap_waiting(const tap *, uint32_t *, uint32_t *)
    void tap_take(tap *, uint32_t, uint32_t, uint32_t, tap_entry *, uint8_t *)

    engine *engine_create(const address *, int, int, uint32_t, int64_t, size_t, int, uint64_t)
    c_bool engine_start(engine *)
    void engine_stop(engine *)
    void engine_destroy(engine *)
    c_bool engine_open(engine *, int, handle *)
    void engine_close(engine *, handle *)
    void engine_set_codecs(engine *, const handle *, const codecs *)
    c_bool engine_set_remote(engine *, const handle *, const char *, int, int)
    void engine_set_direction(engine *, const handle *, c_bool, c_bool)
    void engine_hear(engine *, const handle *, const handle *)
    c_bool engine_hear_mix(engine *, const handle *, handle **, uint32_t)
    uint64_t engine_play(engine *, const handle *, prompt *, c_bool)
    void engine_stop_playback(engine *, const handle *)
    void engine_send_digits(engine *, const handle *, const char *, uint32_t, uint32_t)
    void engine_tap(engine *, const handle *, c_bool)
    c_bool secure_load()
    c_bool opus_load()
    c_bool engine_secure(engine *, const handle *, int, const uint8_t *, const uint8_t *)
    void engine_unsecure(engine *, const handle *)
    void engine_set_one_port(engine *, const handle *, c_bool)
    c_bool engine_pass(engine *, handle *, handle *)
    void engine_pass_no_more(engine *, const handle *)
    void engine_hold_commands(engine *)
    void engine_kick(engine *)
    void engine_read_statistics(const handle *, port_statistics *)
    int64_t engine_last_received(const handle *)
    c_bool engine_next_event(engine *, engine_event *)
    void engine_clear_event_fd(engine *)
    void engine_count_ports(const engine *, port_counts *)
    void engine_count_losses(const engine *, uint64_t *, uint64_t *, uint64_t *, uint64_t *)


CODECS = {
    "PCMU": CODEC_PCMU,
    "PCMA": CODEC_PCMA,
    "telephone-event": CODEC_TELEPHONE_EVENT,
    "CN": CODEC_COMFORT_NOISE,
    "G722": CODEC_G722,
    "opus": CODEC_OPUS,
    "telephone-event/48000": CODEC_TELEPHONE_EVENT_48,
}
AUDIO = ("PCMU", "PCMA", "G722", "opus")
SUITES = {
    "AES_CM_128_HMAC_SHA1_80": SUITE_AES_CM_128_HMAC_SHA1_80,
    "AES_CM_128_HMAC_SHA1_32": SUITE_AES_CM_128_HMAC_SHA1_32,
}
frombuffer = np.frombuffer
OCTET = np.dtype(np.uint8)
NO_OCTETS = np.empty(0, OCTET)
# More threads than this serve no machine we know, and each takes its share of the tap.
MAX_THREADS = 64
MAX_TAP_BYTES = 1 << 31
# Far beyond any packet: 16 bits of samples hold it.
MAX_UNTOUCHED_MS = 1000
# An RFC 4733 duration has 16 bits of samples; 8 s of one key is beyond use anyway.
MAX_DIGIT_MS = 8000


cdef object host_of(const address *where):
    cdef char text[64]
    address_host(where, text, sizeof(text))
    return (<bytes>text).decode()


cdef int check_range(object name, object value, int low, int high) except -1:
    if not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{name} must be an integer from {low} to {high}, not {value!r}")
    return value


cdef bytes host_bytes(object host):
    if not isinstance(host, str) or "\0" in host or not host.isascii():
        raise ValueError(f"not a numeric address: {host!r}")
    return host.encode()


cdef const uint8_t *key_octets(bytes key) except? NULL:
    """Where a key lies, NULL for none."""
    if key is None:
        return NULL
    if len(key) != SECURE_KEY_LENGTH:
        raise ValueError(f"an SRTP key has {SECURE_KEY_LENGTH} octets, not {len(key)}")
    return <const uint8_t *>key


def has_opus():
    """Whether libopus is there, which is loaded then."""
    return bool(opus_load())


def has_srtp():
    """Whether libsrtp2 is there; it is loaded then."""
    return bool(secure_load())


cdef class Prompt:
    """Sound held once in memory, encoded for each codec, played by any number of legs."""

    cdef prompt *sound

    def __cinit__(self):
        self.sound = NULL

    def __init__(self):
        raise TypeError("prompts are made by Engine.load_prompt()")

    def __dealloc__(self):
        prompt_release(self.sound)

    @property
    def samples(self):
        return self.sound.samples if self.sound else 0

    @property
    def duration_ms(self):
        return self.samples // 8


cdef class MediaPort:
    """One leg's port pair in the engine; made by Engine.open_port()."""

    cdef Engine engine
    cdef handle handle
    cdef readonly object leg
    cdef readonly int rtp_port
    cdef object last
    cdef object last_arrival
    cdef c_bool can_send_digits
    cdef MediaPort partner

    def __init__(self):
        raise TypeError("media ports are made by Engine.open_port()")

    def __repr__(self):
        state = "open" if self.handle.leg else "closed"
        return f"<MediaPort leg={self.leg} rtp_port={self.rtp_port} {state}>"

    @property
    def rtcp_port(self):
        return self.rtp_port + 1

    @property
    def closed(self):
        return self.handle.leg == NULL

    @property
    def last_received_ns(self):
        """When the last believed packet came (monotonic clock), or None."""
        if self.handle.leg == NULL:
            return self.last_arrival
        return engine_last_received(&self.handle) or None

    cdef int check_open(self) except -1:
        if self.handle.leg == NULL:
            raise PortClosed(f"media port of leg {self.leg} is closed")
        return 0

    def set_remote(self, host, rtp_port, rtcp_port=None):
        """Where the peer said it receives; it may send from elsewhere (symmetric latching)."""
        self.check_open()
        cdef int rtp = check_range("rtp_port", rtp_port, 1, 65535)
        cdef int rtcp = 0
        if rtcp_port is not None:
            rtcp = check_range("rtcp_port", rtcp_port, 1, 65535)
        cdef bytes text = host_bytes(host)
        if not engine_set_remote(self.engine.core, &self.handle, text, rtp, rtcp):
            raise ValueError(f"not an address this engine can reach: {host!r}")
        self.engine.commanded()

    def set_codecs(self, *, send, send_payload_type, ptime_ms=20, receive,
                   digit_payload_type=None, untouched_ms=(0, 0)):
        """What was agreed; `receive` maps payload types to codec names.

        Relayed packets as long as `untouched_ms` says (least and most; most 0: however long) go
        to the peer as they come, others are packed anew into packets of `ptime_ms`.
        """
        self.check_open()
        cdef codecs agreed
        memset(&agreed, 0, sizeof(agreed))
        if send not in AUDIO:
            raise ValueError(f"cannot send codec {send!r}")
        if send == "opus" and not opus_load():
            raise ValueError("opus without libopus (has_opus)")
        agreed.send = CODECS[send]
        agreed.send_payload_type = check_range("send_payload_type", send_payload_type, 0, 127)
        agreed.ptime_ms = check_range("ptime_ms", ptime_ms, MIN_PTIME_MS, MAX_PTIME_MS)
        least, most = untouched_ms
        agreed.untouched_least = 8 * check_range("untouched_ms", least, 0, MAX_UNTOUCHED_MS)
        agreed.untouched_most = 8 * check_range("untouched_ms", most, 0, MAX_UNTOUCHED_MS)
        agreed.digit_payload_type = -1
        if digit_payload_type is not None:
            agreed.digit_payload_type = check_range(
                "digit_payload_type", digit_payload_type, 0, 127)
        agreed.comfort_noise_payload_type = -1
        for payload_type, name in receive.items():
            number = check_range("payload type", payload_type, 0, 127)
            if name not in CODECS:
                raise ValueError(f"cannot receive codec {name!r}")
            agreed.receive[number] = CODECS[name]
            if name == "CN":
                agreed.comfort_noise_payload_type = number
        self.can_send_digits = agreed.digit_payload_type >= 0
        engine_set_codecs(self.engine.core, &self.handle, &agreed)
        self.engine.commanded()

    def set_direction(self, *, send, receive):
        """Hold: what is not to be sent stays here, what is not to be received is counted."""
        self.check_open()
        engine_set_direction(self.engine.core, &self.handle, bool(send), bool(receive))
        self.engine.commanded()

    def secure(self, suite, *, bytes send_key=None, bytes receive_key=None):
        """SRTP from now on: what is sent is sealed, what is received must be authentic.

        Keys are a master key and its salt, 30 octets; with None that direction's key stays as it
        was. Raises RuntimeError without libsrtp2 (`has_srtp`).
        """
        self.check_open()
        if suite not in SUITES:
            raise ValueError(f"no SRTP suite {suite!r}")
        cdef const uint8_t *sending = key_octets(send_key)
        cdef const uint8_t *receiving = key_octets(receive_key)
        if not engine_secure(
                self.engine.core, &self.handle, SUITES[suite], sending, receiving):
            raise RuntimeError("no SRTP: libsrtp2 is missing")
        self.engine.commanded()

    def unsecure(self):
        """Plain RTP from now on."""
        self.check_open()
        engine_unsecure(self.engine.core, &self.handle)
        self.engine.commanded()

    def set_one_port(self, one_port):
        """Whether RTCP goes with RTP, by one port each side (RFC 5761)."""
        self.check_open()
        engine_set_one_port(self.engine.core, &self.handle, bool(one_port))
        self.engine.commanded()

    def pass_with(self, MediaPort other not None):
        """No RTP from now on, on both: datagrams of one's peer go to the other's as they come.

        Who was a partner of either before has sound again.
        """
        self.check_open()
        other.check_open()
        if other is self or other.engine is not self.engine:
            raise ValueError("legs that pass datagrams on must be two of one engine")
        if self.partner is not None and self.partner is not other:
            self.partner.part()
        if other.partner is not None and other.partner is not self:
            other.partner.part()
        if not engine_pass(self.engine.core, &self.handle, &other.handle):
            raise MemoryError("no memory to pass datagrams on")
        self.partner, other.partner = other, self
        self.engine.commanded()

    def pass_no_more(self):
        """Sound again, on both."""
        self.check_open()
        cdef MediaPort other = self.partner
        self.part()
        if other is not None:
            other.part()
        self.engine.commanded()

    cdef void part(self):
        self.partner = None
        engine_pass_no_more(self.engine.core, &self.handle)

    def hears(self, sources):
        """Whose sound goes to this leg's peer: none for silence, one, or several, mixed.

        One that was opened beside this port is relayed as it comes, keys too. Several are summed,
        this port itself left out, and so is one of another thread: that costs 20 to 40 ms of delay,
        and neither keys (RFC 4733) nor comfort noise come through.
        """
        self.check_open()
        cdef handle *picked[MAX_MIXED]
        cdef uint32_t count = 0
        cdef MediaPort source
        cdef object ports = list(dict.fromkeys(sources))
        if len(ports) > 1 and self in ports:
            ports.remove(self)
        if len(ports) > MAX_MIXED:
            raise ValueError(f"a leg hears {MAX_MIXED} others at most")
        for port in ports:
            if not isinstance(port, MediaPort):
                raise ValueError(f"not a media port: {port!r}")
            source = port
            source.check_open()
            if source.engine is not self.engine:
                raise ValueError("legs that hear each other must be of one engine")
            picked[count] = &source.handle
            count += 1
        if count == 0:
            engine_hear(self.engine.core, &self.handle, NULL)
        elif count == 1 and picked[0].shard == self.handle.shard:
            engine_hear(self.engine.core, &self.handle, picked[0])
        elif not engine_hear_mix(self.engine.core, &self.handle, picked, count):
            raise MemoryError("no memory for a mix")
        self.engine.commanded()

    def play(self, Prompt prompt not None, *, repeat=False):
        """Begins a playback in place of any other; returns its number."""
        self.check_open()
        if not prompt.sound:
            raise ValueError("empty prompt")
        cdef uint64_t playback = engine_play(
            self.engine.core, &self.handle, prompt.sound, bool(repeat))
        self.engine.commanded()
        return playback

    def stop_playback(self):
        self.check_open()
        engine_stop_playback(self.engine.core, &self.handle)
        self.engine.commanded()

    def send_digits(self, digits, *, duration_ms=100, gap_ms=60):
        """Presses keys towards the peer (RFC 4733); what the leg hears is cut meanwhile."""
        self.check_open()
        if not isinstance(digits, str) or not 0 < len(digits) <= MAX_DIGITS_TO_SEND:
            raise ValueError(f"1 to {MAX_DIGITS_TO_SEND} digits can be sent, not {digits!r}")
        for digit in digits:
            if not digit.isascii() or digit_event(<char>ord(digit)) < 0:
                raise ValueError(f"not a digit: {digit!r}")
        if not self.can_send_digits:
            raise ValueError("the peer did not agree to telephone events")
        cdef int duration = check_range("duration_ms", duration_ms, 20, MAX_DIGIT_MS)
        cdef int gap = check_range("gap_ms", gap_ms, 20, MAX_DIGIT_MS)
        engine_send_digits(
            self.engine.core, &self.handle, digits.encode(), duration * 8, gap * 8)
        self.engine.commanded()

    def tap(self, enabled):
        """Whether what arrives is copied for Engine.drain_tap()."""
        self.check_open()
        engine_tap(self.engine.core, &self.handle, bool(enabled))
        self.engine.commanded()

    def statistics(self):
        """Counts until now; the final ones once the port is closed."""
        if self.handle.leg == NULL:
            return self.last
        cdef port_statistics got
        engine_read_statistics(&self.handle, &got)
        return make_statistics(&got)

    def close(self):
        """Gives the port pair back; the final counts. Safe to call again."""
        if self.handle.leg == NULL:
            return self.last
        self.keep_last()
        if self.partner is not None:
            self.partner.partner = None
            self.partner = None
        engine_close(self.engine.core, &self.handle)
        self.engine.ports.pop(self.leg, None)
        self.engine.commanded()
        return self.last

    cdef void keep_last(self):
        self.last = self.statistics()
        self.last_arrival = self.last.last_received_ns


cdef object make_statistics(port_statistics *got):
    dropped = {}
    for reason in range(DROP_REASONS):
        if got.dropped[reason]:
            dropped[DROP_NAMES[reason].decode()] = got.dropped[reason]
    return PortStatistics(
        got.packets_received, got.octets_received, got.packets_sent, got.octets_sent,
        got.lost, got.duplicated, got.reordered, got.restarts, got.jitter_ms, dropped,
        got.digits_received, got.digits_sent,
        got.first_received_ns or None, got.last_received_ns or None,
        got.rtcp_received, got.rtcp_sent, got.rtcp_malformed,
        got.remote_lost if got.has_remote else None,
        got.remote_fraction_lost if got.has_remote else None,
        got.remote_jitter_ms if got.has_remote else None,
        got.round_trip_ms if got.has_round_trip else None,
        got.loss_runs, got.late, got.datagrams_received, got.datagrams_sent,
    )


cdef object make_event(const engine_event *event):
    if event.kind == EVENT_DIGIT_RECEIVED:
        return DigitReceived(event.leg, chr(event.digit), event.duration_ms, event.value)
    if event.kind == EVENT_DIGIT_ENDED:
        return DigitEnded(event.leg, chr(event.digit), event.duration_ms, event.value)
    if event.kind == EVENT_PLAYBACK_ENDED:
        return PlaybackEnded(event.leg, event.value, bool(event.completed))
    kind = MediaStarted if event.kind == EVENT_MEDIA_STARTED else SourceChanged
    return kind(event.leg, host_of(&event.address), address_port(&event.address))


cdef class Engine:
    """Threads, the pool of ports, and all legs in it.

    Commands (whatever a port is told) reach a thread at once, which wakes it each time. With
    `when_commanded`, they wait: it is called at the first of them and has to see to it that
    kick() is called soon, at the end of the event loop's turn say.
    """

    cdef engine *core
    cdef c_bool running
    cdef c_bool kick_due
    cdef dict ports
    cdef object when_commanded

    def __cinit__(self, *args, **kwargs):
        self.core = NULL

    def __init__(self, *, host="127.0.0.1", first_port=20000, last_port=29999, threads=1,
                 rest_seconds=2.0, tap_bytes=8 << 20, dscp=46, seed=None, when_commanded=None):
        if self.core:
            raise RuntimeError("the engine was initialised before")
        cdef address where
        if not address_parse(&where, host_bytes(host), 0, 0):
            raise ValueError(f"not a numeric address: {host!r}")
        cdef int first = check_range("first_port", first_port, 1, 65534)
        cdef int last = check_range("last_port", last_port, 1, 65535)
        first += first & 1
        cdef int pairs = (last - first + 1) // 2
        if pairs < 1:
            raise ValueError(f"no even and odd port from {first_port} to {last_port}")
        cdef int count = min(check_range("threads", threads, 1, MAX_THREADS), pairs)
        if not 0 <= rest_seconds <= 3600:
            raise ValueError(f"rest_seconds must be from 0 to 3600, not {rest_seconds!r}")
        check_range("tap_bytes", tap_bytes, 0, MAX_TAP_BYTES - 1)
        if seed is None:
            seed = int.from_bytes(os.urandom(8), "little")
        if not isinstance(seed, int):
            raise ValueError(f"seed must be an integer, not {seed!r}")
        self.ports = {}
        self.core = engine_create(
            &where, first, last, count, <int64_t>(rest_seconds * 1e9), tap_bytes,
            check_range("dscp", dscp, 0, 63), seed & 0xFFFFFFFFFFFFFFFF)
        if not self.core:
            raise OSError("no memory or file descriptors for the media engine")
        self.when_commanded = when_commanded
        if when_commanded is not None:
            engine_hold_commands(self.core)

    def __dealloc__(self):
        if self.core:
            engine_destroy(self.core)

    def start(self):
        """Starts the threads; ports can be opened from then on. An engine starts once."""
        if self.running or self.ports is None:
            raise RuntimeError("the engine was started before")
        if not engine_start(self.core):
            self.ports = None
            raise OSError("the engine's threads could not be started")
        self.running = True

    def stop(self):
        """Ends the threads and closes all sockets, whatever is open. Safe to call again."""
        if not self.running:
            return
        self.running = False
        for port in self.ports.values():
            (<MediaPort>port).keep_last()
            (<MediaPort>port).handle.leg = NULL
            (<MediaPort>port).partner = None
        engine_stop(self.core)
        self.ports = None

    @property
    def event_fd(self):
        """Readable while events wait; -1 once stopped (take it out of the event loop before)."""
        return self.core.event_fd

    @property
    def threads(self):
        return self.core.threads

    @property
    def is_running(self):
        return bool(self.running)

    def open_port(self, *, MediaPort beside=None):
        """A port pair for a new leg, on the thread of `beside`; raises PortsExhausted."""
        if not self.running:
            raise EngineNotRunning("the media engine is not running")
        cdef int shard = -1
        if beside is not None:
            if beside.engine is not self:
                raise ValueError("`beside` belongs to another engine")
            shard = beside.handle.shard
        cdef MediaPort port = MediaPort.__new__(MediaPort)
        if not engine_open(self.core, shard, &port.handle):
            raise PortsExhausted("no RTP port is free")
        port.engine = self
        port.leg = engine_leg(self.core)
        port.rtp_port = port.handle.pair.port
        self.ports[port.leg] = port
        self.commanded()
        return port

    cdef int commanded(self) except -1:
        """Has kick() called in a moment, once for all commands until then."""
        if self.when_commanded is not None and not self.kick_due:
            self.kick_due = True
            self.when_commanded()
        return 0

    def kick(self):
        """Has the threads look at the commands that wait."""
        self.kick_due = False
        if self.running:
            engine_kick(self.core)

    def load_prompt(self, samples):
        """Sound as 16-bit little-endian mono samples at 8,000 Hz."""
        cdef const uint8_t[::1] octets = memoryview(samples).cast("B")
        cdef size_t length = octets.shape[0]
        if not length or length % 2 or length // 2 > MAX_PROMPT_SAMPLES:
            raise ValueError(f"a prompt has 1 to {MAX_PROMPT_SAMPLES} samples of 2 bytes, "
                             f"not {length} bytes")
        cdef const uint8_t[::1] aligned = np.frombuffer(octets, "<i2").astype(np.int16).view("u1")
        cdef Prompt loaded = Prompt.__new__(Prompt)
        loaded.sound = prompt_create(<const int16_t *>&aligned[0], length // 2)
        if not loaded.sound:
            raise MemoryError("no memory for the prompt")
        return loaded

    def next_events(self):
        """All events that wait, in order for each leg."""
        cdef engine_event event
        events = []
        engine_clear_event_fd(self.core)
        while engine_next_event(self.core, &event):
            if self.ports is not None and event.leg in self.ports:
                events.append(make_event(&event))
        return events

    def drain_tap(self):
        """What was tapped since the last call, or None. Never waits."""
        cdef uint32_t entries[64]
        cdef uint32_t octets[64]
        cdef uint64_t entry_total = 0, octet_total = 0, entry_at = 0, octet_at = 0
        cdef uint32_t i
        for i in range(self.core.threads):
            tap_waiting(&self.core.shards[i].tap, &entries[i], &octets[i])
            entry_total += entries[i]
            octet_total += octets[i]
        if not entry_total:
            return None
        # One plain block seen as two arrays: this runs with cold caches every 20 ms.
        cdef uint64_t entry_bytes = entry_total * sizeof(tap_entry)
        cdef bytearray block = PyByteArray_FromStringAndSize(NULL, entry_bytes + octet_total)
        cdef uint8_t *start = <uint8_t *>PyByteArray_AS_STRING(block)
        cdef tap_entry *entries_out = <tap_entry *>start
        for i in range(self.core.threads):
            tap_take(&self.core.shards[i].tap, entries[i], octets[i], <uint32_t>octet_at,
                     entries_out + entry_at, start + entry_bytes + octet_at)
            entry_at += entries[i]
            octet_at += octets[i]
        return TapBatch(
            frombuffer(block, TAP_ENTRY, entry_total),
            frombuffer(block, OCTET, octet_total, entry_bytes) if octet_total else NO_OCTETS)

    @property
    def counters(self):
        """The pool's state and what was thrown away, until now."""
        cdef port_counts ports
        cdef uint64_t stray, events, tapped, sending
        engine_count_ports(self.core, &ports)
        engine_count_losses(self.core, &stray, &events, &tapped, &sending)
        return EngineCounters(
            ports.total, ports.in_use, ports.resting, ports.free, ports.unusable,
            stray, events, tapped, sending)


cdef extern from *:
    """
    static uint64_t engine_leg(const struct engine *engine) { return engine->next_leg; }
    """
    uint64_t engine_leg(const engine *)


cdef extern from "Python.h":
    Py_ssize_t Py_REFCNT(object)


cdef extern from "framing.h":
    enum:
        FRAME_SAMPLES
    struct framer_counts:
        uint64_t frames, masked, late, dropped, refused
    struct framer:
        uint32_t open, fresh_count
        uint32_t *fresh
        framer_leg *legs
        framer_counts counts
    struct framer_leg:
        uint64_t id

    framer *framer_create()
    void framer_destroy(framer *)
    void framer_push(framer *, const tap_entry *, size_t, const uint8_t *, size_t)
    void framer_finish(framer *, uint64_t)
    c_bool framer_waits(const framer *, uint64_t)
    void framer_close(framer *, uint64_t)
    uint32_t framer_ready(framer *, int64_t)
    void framer_take(framer *, intptr_t *, int16_t *, uint8_t *, int64_t *, int64_t *)


cdef extern from "frames.h":
    void frames_power(const int16_t *, size_t, float *) noexcept
    void frames_floats(const int16_t *, const intptr_t *, size_t, float *) noexcept


SLOT = np.dtype(np.intp)
SAMPLE = np.dtype(np.int16)
FLAG = np.dtype(np.bool_)
NANOSECONDS = np.dtype(np.int64)
ROW = FRAME_SAMPLES


cdef class Framer:
    """Makes frames of 20 ms out of what was tapped, of all legs at once, in RTP time.

    Each tick: push() the batch, take new_legs(), then round() until there is none. Python's lock is
    kept: another thread that takes it meanwhile costs more than this does.
    """

    cdef framer *core
    cdef list blocks

    def __cinit__(self):
        self.core = framer_create()
        if not self.core:
            raise MemoryError("no memory for frames")
        self.blocks = [bytearray(), bytearray(), bytearray(), bytearray()]

    def __dealloc__(self):
        if self.core:
            framer_destroy(self.core)

    def push(self, batch not None):
        """Takes in what the tap gave."""
        cdef Py_buffer entries, payload
        if batch.entries.dtype != TAP_ENTRY:
            raise ValueError("entries are not of the tap's layout")
        PyObject_GetBuffer(batch.entries, &entries, PyBUF_SIMPLE)
        try:
            PyObject_GetBuffer(batch.payload, &payload, PyBUF_SIMPLE)
            framer_push(self.core, <const tap_entry *>entries.buf,
                        entries.len // sizeof(tap_entry), <const uint8_t *>payload.buf,
                        payload.len)
            PyBuffer_Release(&payload)
        finally:
            PyBuffer_Release(&entries)

    def new_legs(self):
        """The legs heard for the first time since the last call, each with its slot."""
        cdef uint32_t i
        legs = [(self.core.legs[self.core.fresh[i]].id, self.core.fresh[i])
                for i in range(self.core.fresh_count)]
        self.core.fresh_count = 0
        return legs

    def finish(self, leg):
        """The leg is over: what waits of it goes out without waiting for missing packets."""
        framer_finish(self.core, leg)

    def waits(self, leg):
        """Whether sound of the leg is still to go out."""
        return bool(framer_waits(self.core, leg))

    def close(self, leg):
        """Forgets the leg and frees its slot; its packets are ignored from now on."""
        framer_close(self.core, leg)

    @property
    def legs(self):
        """How many legs are heard now."""
        return self.core.open

    def round(self, now_ns):
        """The next frame of each leg that has one: slots, samples, valid, positions, times.

        None when there is none. Calls with one `now_ns` are one tick, in which a leg gives a few
        frames at most; what it has more goes out in the ticks after it.
        """
        cdef uint64_t rows = framer_ready(self.core, now_ns)
        if not rows:
            return None
        # One plain block seen as five arrays, as in Engine.drain_tap().
        cdef uint64_t positions_at = rows * sizeof(intptr_t)
        cdef uint64_t times_at = positions_at + rows * sizeof(int64_t)
        cdef uint64_t samples_at = times_at + rows * sizeof(int64_t)
        cdef uint64_t valid_at = samples_at + rows * FRAME_SAMPLES * sizeof(int16_t)
        cdef uint64_t cells = rows * FRAME_SAMPLES
        cdef bytearray block = self.block(valid_at + cells)
        cdef uint8_t *start = <uint8_t *>PyByteArray_AS_STRING(block)
        framer_take(
            self.core, <intptr_t *>start, <int16_t *>(start + samples_at), start + valid_at,
            <int64_t *>(start + positions_at), <int64_t *>(start + times_at))
        return (
            frombuffer(block, SLOT, rows),
            frombuffer(block, SAMPLE, cells, samples_at).reshape(rows, ROW),
            frombuffer(block, FLAG, cells, valid_at).reshape(rows, ROW),
            frombuffer(block, NANOSECONDS, rows, positions_at),
            frombuffer(block, NANOSECONDS, rows, times_at),
        )

    cdef bytearray block(self, uint64_t size):
        """Memory for a round: that of an earlier one where nobody holds its arrays any more. Fresh
        memory of this size has to be got from the kernel each time, which costs more than the
        frames."""
        cdef bytearray block
        cdef int at, free = -1
        for at in range(len(self.blocks)):
            # One reference is the list's, the other this variable's.
            block = self.blocks[at]
            if Py_REFCNT(block) == 2:
                if <uint64_t>PyByteArray_GET_SIZE(block) >= size:
                    return block
                free = at
        block = PyByteArray_FromStringAndSize(NULL, size + size // 4)
        if free >= 0:
            self.blocks[free] = block
        return block

    @property
    def counters(self):
        """What went out and what did not, until now."""
        cdef framer_counts *counts = &self.core.counts
        return FramerCounters(
            self.core.open, counts.frames, counts.masked, counts.late, counts.dropped,
            counts.refused)


cdef uint64_t frame_rows(samples) except? 0:
    """How many frames these samples are."""
    if samples.dtype != SAMPLE or samples.ndim != 2 or samples.shape[1] != FRAME_SAMPLES:
        raise ValueError("frames are [M, 160] int16")
    return samples.shape[0]


def frame_power(samples not None):
    """[M, 160] int16 -> [M] float32: the mean square of each frame, a full scale of 1."""
    cdef Py_buffer source, target
    cdef uint64_t rows = frame_rows(samples)
    power = np.empty(rows, np.float32)
    if not rows:
        return power
    PyObject_GetBuffer(samples, &source, PyBUF_SIMPLE)
    try:
        PyObject_GetBuffer(power, &target, PyBUF_SIMPLE)
        frames_power(<const int16_t *>source.buf, rows, <float *>target.buf)
        PyBuffer_Release(&target)
    finally:
        PyBuffer_Release(&source)
    return power


def frame_floats(samples not None, picked not None):
    """[M, 160] int16, [K] rows -> [K, 160] float32 in -1..1: the frames of these rows."""
    cdef Py_buffer source, rows, target
    cdef uint64_t known = frame_rows(samples)
    cdef uint64_t count = picked.size
    if picked.dtype != SLOT or picked.ndim != 1:
        raise ValueError("rows are [K] intp")
    floats = np.empty((count, FRAME_SAMPLES), np.float32)
    if not count:
        return floats
    if int(picked.min()) < 0 or <uint64_t>int(picked.max()) >= known:
        raise IndexError("there is no such frame")
    PyObject_GetBuffer(samples, &source, PyBUF_SIMPLE)
    try:
        PyObject_GetBuffer(picked, &rows, PyBUF_SIMPLE)
        try:
            PyObject_GetBuffer(floats, &target, PyBUF_SIMPLE)
            frames_floats(<const int16_t *>source.buf, <const intptr_t *>rows.buf, count,
                          <float *>target.buf)
            PyBuffer_Release(&target)
        finally:
            PyBuffer_Release(&rows)
    finally:
        PyBuffer_Release(&source)
    return floats
