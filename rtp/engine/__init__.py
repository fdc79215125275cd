"""The media engine: native threads that receive, check, count and relay RTP without Python.

RFC 3550 (RTP, RTCP), RFC 3551 (G.711, G.722), RFC 7587 (Opus), RFC 3389 (comfort noise), RFC 4733
(telephone events). Python opens ports, says who
hears whom and what plays, reads events and tapped sound; it never touches a packet on its way.
Does not know SIP, SDP, calls or what a tone means.

Used from one thread at a time (the event loop's). Events: watch `Engine.event_fd` for reading and
call `Engine.next_events()`. Sound: call `Engine.drain_tap()` every 20 ms, and have a `Framer` make
frames of it.
"""

from rtp.engine._engine import (
    Engine,
    Framer,
    MediaPort,
    Prompt,
    frame_floats,
    frame_power,
    has_opus,
    has_srtp,
)
from rtp.engine.errors import EngineNotRunning, PortClosed, PortsExhausted
from rtp.engine.events import (
    DigitEnded,
    DigitReceived,
    EngineEvent,
    MediaStarted,
    PlaybackEnded,
    SourceChanged,
)
from rtp.engine.statistics import EngineCounters, FramerCounters, PortStatistics
from rtp.engine.tap import TAP_ENTRY, TapBatch, TapCodec, TapFlag

__all__ = [
    "TAP_ENTRY",
    "DigitEnded",
    "DigitReceived",
    "Engine",
    "EngineCounters",
    "EngineEvent",
    "EngineNotRunning",
    "Framer",
    "FramerCounters",
    "MediaPort",
    "MediaStarted",
    "PlaybackEnded",
    "PortClosed",
    "PortStatistics",
    "PortsExhausted",
    "Prompt",
    "SourceChanged",
    "TapBatch",
    "TapCodec",
    "TapFlag",
    "frame_floats",
    "frame_power",
    "has_opus",
    "has_srtp",
]
