"""What Prometheus is told of the switch at /metrics.

Counts as a late subscriber of the event stream, and looks at the desk when it is asked. Names
follow those of other switches where they have one, with our own prefix: `sip_...` and `..._total`
as drachtio's, `media_...` as rtpengine's.
"""

from __future__ import annotations

import os
import re
import resource
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from softswitch.call.events import (
    CallEnded,
    CallEvent,
    CallPresented,
    CallRecorded,
    CallRefused,
    LegAnswered,
    LegEnded,
    LegOriginated,
    LegProgressed,
    QualityMeasured,
)
from softswitch.call.stream import EventStream
from softswitch.control.desk import Desk
from softswitch.control.exposition import Family, Histogram, counter, gauge, histogram, text_of
from softswitch.control.metrics_of_parts import families_of_parts
from softswitch.control.metrics_of_trunks import families_of_trunks

__all__ = ["Metrics"]

DELAY_BOUNDS = (0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 8, 12, 20, 30)
TALK_BOUNDS = (1, 5, 15, 30, 60, 90, 120, 180, 300, 600, 1200, 3600)
MOS_BOUNDS = (1.5, 2, 2.5, 3, 3.5, 3.8, 4, 4.2, 4.4)

JITTER_BOUNDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2)
LOSS_BOUNDS = (0.0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5)

RATE_SECONDS = 10
"""What calls a second are averaged over."""

MAX_REASONS = 50
"""Reasons of refusals told apart: what peers write never becomes a label without end."""
OTHER = "other"

MAX_WAITING = 20_000
"""Legs whose first ringing is awaited; each goes when it rings, is answered or ends."""


class Metrics:
    """Counts from its making on."""

    def __init__(self, stream: EventStream) -> None:
        self._events: Counter[str] = Counter()
        self._ended: Counter[str] = Counter()
        self._leg_status: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._one_way = 0
        self._one_way_calls = 0
        self._one_way_last = ""
        self._rate = Rate(RATE_SECONDS)
        self._packets: Counter[str] = Counter()
        # What an alarm is to look at is there before the first of them.
        self._dropped: Counter[str] = Counter(not_authentic=0, replayed=0)
        self._originated: dict[tuple[str, str], float] = {}
        self._delay = Histogram(
            "softswitch_sip_post_dial_delay_seconds",
            "From our INVITE to the first ringing or the answer.",
            DELAY_BOUNDS,
        )
        self._talk = Histogram(
            "softswitch_call_talk_seconds", "How long calls that were bridged talked.", TALK_BOUNDS
        )
        self._mos = Histogram(
            "softswitch_media_mos", "MOS of what was received on a leg, at its end.", MOS_BOUNDS
        )
        self._jitter = Histogram(
            "softswitch_media_jitter_seconds",
            "Jitter of what was received on a leg, at its end.",
            JITTER_BOUNDS,
        )
        self._loss = Histogram(
            "softswitch_media_loss_ratio",
            "Part of the packets of a leg that was lost, at its end.",
            LOSS_BOUNDS,
        )
        self._handlers: Mapping[type[CallEvent], Callable[[Any], None]] = {
            CallPresented: self._on_presented,
            CallRefused: self._on_refused,
            CallEnded: self._on_ended,
            CallRecorded: self._on_recorded,
            LegOriginated: self._on_originated,
            LegProgressed: self._on_rung,
            LegAnswered: self._on_rung,
            LegEnded: self._on_leg_ended,
            QualityMeasured: self._on_quality,
        }
        self._stream = stream
        stream.subscribe_late(self._receive)

    def _receive(self, event: CallEvent) -> None:
        self._events[event.kind] += 1
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(event)

    def _on_presented(self, event: CallPresented) -> None:
        self._rate.count(event.clock)

    def _on_refused(self, event: CallRefused) -> None:
        reason = _WHOSE.sub("", event.why)
        known = reason in self._refused or len(self._refused) < MAX_REASONS
        self._refused[reason if known else OTHER] += 1

    def _on_ended(self, event: CallEnded) -> None:
        self._ended[event.ended_by] += 1

    def _on_recorded(self, event: CallRecorded) -> None:
        seconds = event.record.get("talk_seconds")
        if seconds:
            self._talk.observe(seconds)

    def _on_originated(self, event: LegOriginated) -> None:
        if len(self._originated) < MAX_WAITING:
            self._originated[event.call_id, event.leg] = event.clock

    def _on_rung(self, event: LegProgressed | LegAnswered) -> None:
        since = self._originated.pop((event.call_id, event.leg), None)
        if since is not None:
            self._delay.observe(event.clock - since)

    def _on_leg_ended(self, event: LegEnded) -> None:
        self._originated.pop((event.call_id, event.leg), None)
        self._leg_status[str(event.status)] += 1
        quality = event.quality
        self._packets["received"] += quality.packets
        self._packets["sent"] += quality.packets_sent
        self._packets["lost"] += max(0, quality.lost)
        if quality.dropped:
            self._dropped.update(quality.dropped)
        if event.status == 200 and quality.packets_sent and not quality.packets:
            self._one_way += 1
            # The legs of a call end together.
            self._one_way_calls += self._one_way_last != event.call_id
            self._one_way_last = event.call_id
        if quality.packets:
            self._jitter.observe(quality.jitter_ms / 1000)
            lost = max(0, quality.lost)
            self._loss.observe(lost / (lost + quality.packets))

    def _on_quality(self, event: QualityMeasured) -> None:
        if event.last:
            self._mos.observe(event.mos)

    # What is told.

    def text(self, desk: Desk) -> str:
        """All there is to tell now."""
        self._stream.settle()
        return text_of(
            (
                *_of_process(desk),
                *self._of_calls(desk),
                *self._of_legs(desk),
                *_of_media(desk),
                *_of_hearing(desk.status_of),
                *families_of_trunks(desk),
                *families_of_parts(desk.status_of),
            )
        )

    def _of_calls(self, desk: Desk) -> Iterator[Family]:
        board = desk.switchboard
        yield gauge("softswitch_calls", "Calls in progress.", len(board.calls))
        about = "Calls that were taken, and those that the switch placed."
        yield counter("softswitch_calls_presented_total", about, board.presented)
        yield counter(
            "softswitch_calls_refused_total",
            "INVITEs refused before they became calls, by SIP status.",
            board.refusals,
            "status",
        )
        about = "INVITEs refused before they became calls, by why."
        yield counter("softswitch_calls_refused_why_total", about, self._refused, "why")
        about = f"Calls presented a second, over the last {RATE_SECONDS} s."
        yield gauge("softswitch_calls_per_second", about, self._rate.now(desk.services.now()))
        yield counter(
            "softswitch_calls_ended_total", "Calls, by who ended them.", self._ended, "by"
        )
        yield counter("softswitch_records_written_total", "Call records.", board.recorder.written)
        yield counter("softswitch_events_total", "Events, by kind.", self._events, "kind")
        yield self._talk.family()

    def _of_legs(self, desk: Desk) -> Iterator[Family]:
        legs = desk.services.trunk_legs
        yield gauge("softswitch_sip_legs", "Legs now, by trunk.", legs, "trunk")
        yield counter(
            "softswitch_sip_leg_responses_total",
            "Legs that are over, by the final status of their INVITE.",
            self._leg_status,
            "status",
        )
        yield self._delay.family()
        yield self._mos.family()
        yield self._jitter.family()
        yield self._loss.family()
        for name in ("received", "sent", "lost"):
            about = f"RTP packets {name} on legs that are over."
            yield counter(f"softswitch_media_packets_{name}_total", about, self._packets[name])
        about = "Packets that came to legs that are over and were not taken, by why."
        name = "softswitch_media_packets_dropped_total"
        yield counter(name, about, self._dropped, "reason")
        about = "Answered legs that were sent voice and sent none."
        yield counter("softswitch_media_one_way_legs_total", about, self._one_way)
        about = "Calls with such a leg."
        yield counter("softswitch_media_one_way_calls_total", about, self._one_way_calls)
        drops = desk.services.stack.drops
        about = "SIP messages dropped without an answer, by reason."
        yield counter("softswitch_sip_messages_dropped_total", about, drops, "reason")
        about = "What went wrong with sockets and connections of SIP, by what."
        counts = desk.services.socket_counts
        yield counter("softswitch_sip_transport_troubles_total", about, counts, "reason")


_WHOSE = re.compile(r"(?<=number )\S+ |(?<=trunk ).*? (?=is full)")
"""Which number, which trunk: not what a counter is kept by."""


class Rate:
    """Things a second, averaged over the last seconds."""

    def __init__(self, seconds: int) -> None:
        self._counts = [0] * seconds
        self._second = 0

    def count(self, now: float) -> None:
        """One more."""
        self._move(now)
        self._counts[self._second % len(self._counts)] += 1

    def now(self, now: float) -> float:
        """How many a second."""
        self._move(now)
        return sum(self._counts) / len(self._counts)

    def _move(self, now: float) -> None:
        """Forget the seconds that are too long ago."""
        second = int(now)
        for gone in range(max(self._second, second - len(self._counts)) + 1, second + 1):
            self._counts[gone % len(self._counts)] = 0
        self._second = max(self._second, second)


def _of_process(desk: Desk) -> Iterator[Family]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    yield gauge("softswitch_build_info", "The version.", {desk.version: 1}, "version")
    yield gauge(
        "softswitch_uptime_seconds", "Since the start.", time.monotonic() - desk.started_clock
    )
    yield gauge("softswitch_draining", "Whether no new calls are taken.", desk.switchboard.draining)
    yield counter("process_cpu_seconds_total", "Processor time.", used.ru_utime + used.ru_stime)
    yield gauge("process_resident_memory_bytes", "Memory in use.", _resident_bytes())


def _resident_bytes() -> int:
    """Field 2 of /proc/self/statm, in pages (proc(5))."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def _of_media(desk: Desk) -> Iterator[Family]:
    counters = desk.services.engine.counters
    states = ("total", "in_use", "resting", "free", "unusable")
    ports = {state: float(getattr(counters, f"ports_{state}")) for state in states}
    yield gauge("softswitch_media_port_pairs", "Pairs of media ports, by state.", ports, "state")
    for name, about in (
        ("stray_packets", "Packets that came to ports without a leg."),
        ("events_lost", "Events of the media engine that found their ring full."),
        ("tap_lost", "Packets that nobody could hear: their ring was full."),
        ("send_errors", "Packets that could not be sent."),
    ):
        yield counter(f"softswitch_media_{name}_total", about, getattr(counters, name))


def _of_hearing(status_of: Mapping[str, Callable[[], Any]]) -> Iterator[Family]:
    if "hearing" not in status_of:
        return
    status = status_of["hearing"]()
    tick, speech, recording = status["tick"], status["speech"], status["recording"]
    yield gauge("softswitch_hearing_legs", "Legs that are heard.", tick["legs"])
    yield gauge("softswitch_hearing_level", "0: everything is heard.", tick["level"])
    yield counter("softswitch_hearing_ticks_total", "Ticks of 20 ms.", tick["ticks"])
    yield _lateness(tick)
    yield gauge("softswitch_speech_listening_legs", "Legs whose speech is recognised.",
                speech["listening"])  # fmt: skip
    yield gauge("softswitch_speech_waiting_windows", "Windows that wait to be recognised.",
                sum(worker["waiting"] for worker in speech["workers"]))  # fmt: skip
    yield gauge("softswitch_recordings", "Calls that are being recorded.", recording["recording"])
    yield counter("softswitch_recordings_saved_total", "Recordings saved.", recording["saved"])
    yield counter("softswitch_recordings_failed_total", "Recordings that failed.",
                  recording["failed"])  # fmt: skip


def _lateness(tick: Mapping[str, Any]) -> Family:
    """Classes are called `up to N` (milliseconds), the last one `more`."""
    *classes, _more = tick["late_by_ms"]
    bounds = [float(name.rpartition(" ")[2]) / 1000 for name in classes]
    counts = list(tick["late_by_ms"].values())
    # Delays are not summed up anywhere: the middle of each class is near enough for a mean.
    edges = [0.0, *bounds]
    total = sum(
        count * (low + high) / 2
        for count, low, high in zip(counts, edges, [*bounds, bounds[-1]], strict=True)
    )
    return histogram(
        "softswitch_hearing_tick_lateness_seconds",
        "How late ticks came; the sum is estimated from the classes.",
        bounds,
        counts,
        round(total, 6),
    )
