"""What the media engine tells, one frozen value a fact.

`leg` is MediaPort.leg. Nothing is told of a leg after its port was closed.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DigitReceived:
    """A key was pressed (RFC 4733): told once a press, at the first packet of it that arrives.

    `duration_ms` is how long it had lasted in that packet; `timestamp` names the press.
    """

    leg: int
    digit: str
    duration_ms: int
    timestamp: int


@dataclass(frozen=True, slots=True)
class DigitEnded:
    """The press named by `timestamp` is over; follows each DigitReceived once.

    Where all end packets were lost, the duration is that of the last packet seen.
    """

    leg: int
    digit: str
    duration_ms: int
    timestamp: int


@dataclass(frozen=True, slots=True)
class PlaybackEnded:
    """A playback is over: `completed`, or stopped or replaced before its end."""

    leg: int
    playback: int
    completed: bool


@dataclass(frozen=True, slots=True)
class MediaStarted:
    """The first packet of a leg was believed; it came from there."""

    leg: int
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class SourceChanged:
    """Another address than before is believed now, and is sent to."""

    leg: int
    host: str
    port: int


EngineEvent = DigitReceived | DigitEnded | PlaybackEnded | MediaStarted | SourceChanged
