"""The lines of our descriptions: m-lines with their formats and attributes.

RFC 8866 (the grammar), RFC 3264 section 6 (a stream that is refused). Decides nothing.
"""

from functools import lru_cache

from softswitch.sdp.codec import (
    COMFORT_NOISE,
    COMFORT_NOISE_PAYLOAD_TYPE,
    DIGIT_EVENTS,
    FAST_EVENT,
    Codec,
)
from softswitch.sdp.description import MediaDescription

__all__ = ["audio_lines", "format_lines", "refuse"]


def refuse(media: MediaDescription) -> str:
    """RFC 3264 section 6: to reject a stream, "the port number ... MUST be set to zero"."""
    # The formats of a refused stream mean nothing, but the grammar wants at least one.
    formats = media.formats[0] if media.formats else "0"
    return f"m={media.media} 0 {media.protocol} {formats}\r\n"


@lru_cache(maxsize=256)
def format_lines(
    codecs: tuple[Codec, ...],
    numbers: tuple[int, ...],
    events: tuple[str, ...],
    comfort_noise: bool = False,
) -> tuple[str, str]:
    """The formats of an m-line and their attributes; numbers beyond those of the codecs are of
    `events`."""
    lines = []
    for codec, payload_type in zip(codecs, numbers, strict=False):
        lines.append(f"a=rtpmap:{payload_type} {codec.encoding}\r\n")
    for event, number in zip(events, numbers[len(codecs) :], strict=False):
        clock = "" if event == FAST_EVENT else "/8000"
        lines.append(f"a=rtpmap:{number} {event}{clock}\r\n")
        lines.append(f"a=fmtp:{number} {DIGIT_EVENTS}\r\n")
    if comfort_noise:
        lines.append(f"a=rtpmap:{COMFORT_NOISE_PAYLOAD_TYPE} {COMFORT_NOISE}/8000\r\n")
        numbers = (*numbers, COMFORT_NOISE_PAYLOAD_TYPE)
    return " ".join([str(number) for number in numbers]), "".join(lines)


def audio_lines(
    port: int, protocol: str, formats: str, attributes: str, ptime_ms: int, direction: str
) -> str:
    return (
        f"m=audio {port} {protocol} {formats}\r\n{attributes}"
        f"a=ptime:{ptime_ms}\r\na={direction}\r\n"
    )
