"""What a peer's audio m-line says: the formats we share, where to send, how, and in which
direction.

RFC 3264 (the meaning of each side's lines), RFC 3551 (static numbers), RFC 4733 (telephone-event),
RFC 3605 (rtcp). Reads one m-line of one description; which m-line, and what to write back, is
negotiation.py's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from softswitch.sdp.codec import (
    COMFORT_NOISE_PAYLOAD_TYPE,
    LAST_PAYLOAD_TYPE,
    STATIC_ENCODINGS,
    Codec,
    fold_encoding,
)
from softswitch.sdp.description import DIRECTIONS, MediaDescription, SessionDescription

DEFAULT_PTIME_MS = 20
MIN_PTIME_MS = 10
MAX_PTIME_MS = 60
PTIME_STEP_MS = 10

# RTP/AVPF differs from RTP/AVP in when RTCP may be sent (RFC 4585 section 3), which binds nobody
# who sends no feedback. SAVP and SAVPF need keys and are not spoken here.
ACCEPTED_PROTOCOLS = frozenset({"RTP/AVP", "RTP/AVPF"})

_TELEPHONE_EVENT = "telephone-event/8000"
_COMFORT_NOISE = "cn/8000"


@dataclass(slots=True)
class RemoteAudio:
    """One audio m-line as read: `codecs` in the peer's order of preference, with the peer's
    numbers."""

    codecs: list[tuple[Codec, int]] = field(default_factory=list)
    digit_payload_type: int | None = None
    comfort_noise_payload_type: int | None = None
    direction: str = "sendrecv"
    ptime_ms: int = DEFAULT_PTIME_MS
    rtcp_port: int = 0


def read_audio(
    media: MediaDescription, description: SessionDescription, codecs: Sequence[Codec]
) -> RemoteAudio:
    """Read an audio m-line; only formats that are among `codecs` are kept."""
    audio = RemoteAudio()
    encodings: dict[str, str] = {}
    ptime = max_ptime = 0
    direction = ""
    for attribute in media.attributes:
        name, _, value = attribute.partition(":")
        if name == "rtpmap":
            fields = value.split(None, 1)
            if len(fields) == 2:
                encodings.setdefault(fields[0], fields[1])
        elif name == "ptime":
            ptime = _read_milliseconds(value)
        elif name == "maxptime":
            max_ptime = _read_milliseconds(value)
        elif name == "rtcp":
            audio.rtcp_port = _read_rtcp_port(value)
        elif name in DIRECTIONS:
            direction = name
    _read_formats(audio, media.formats, encodings, codecs)
    audio.direction = direction or _session_direction(description)
    audio.ptime_ms = choose_ptime(ptime, max_ptime)
    if audio.rtcp_port == 0:
        # RFC 3550 section 11: RTCP on the next higher port, unless said otherwise.
        audio.rtcp_port = min(media.port + 1, 65535)
    return audio


def _read_formats(
    audio: RemoteAudio, formats: list[str], encodings: dict[str, str], codecs: Sequence[Codec]
) -> None:
    wanted = dict(_by_encoding(tuple(codecs)))
    for number in formats:
        if not (number.isascii() and number.isdigit() and len(number) <= 3):
            continue
        payload_type = int(number)
        if payload_type > LAST_PAYLOAD_TYPE:
            continue
        encoding = encodings.get(number)
        if encoding is None:
            folded = STATIC_ENCODINGS.get(payload_type, "")
        else:
            folded = fold_encoding(encoding)
        codec = wanted.pop(folded, None)
        if codec is not None:
            audio.codecs.append((codec, payload_type))
        elif folded == _TELEPHONE_EVENT and audio.digit_payload_type is None:
            audio.digit_payload_type = payload_type
        elif folded == _COMFORT_NOISE and payload_type == COMFORT_NOISE_PAYLOAD_TYPE:
            audio.comfort_noise_payload_type = payload_type


@lru_cache(maxsize=64)
def _by_encoding(codecs: tuple[Codec, ...]) -> dict[str, Codec]:
    return {codec.encoding.lower(): codec for codec in codecs}


def choose_ptime(ptime: int, max_ptime: int) -> int:
    """The packet length in milliseconds that suits a peer who asked for these (0: did not say).

    What is not a multiple of 10 between 10 and 60 is not obeyed: ptime is a wish (RFC 8866 section
    6.4), maxptime a limit.
    """
    usable = MIN_PTIME_MS <= ptime <= MAX_PTIME_MS and ptime % PTIME_STEP_MS == 0
    chosen = ptime if usable else DEFAULT_PTIME_MS
    if 0 < max_ptime < chosen:
        chosen = max(MIN_PTIME_MS, max_ptime - max_ptime % PTIME_STEP_MS)
    return chosen


def _session_direction(description: SessionDescription) -> str:
    for attribute in description.attributes:
        if attribute in DIRECTIONS:
            return attribute
    return "sendrecv"


def _read_milliseconds(value: str) -> int:
    # Some peers write "20.0" or "20 ms"; what cannot be read is as if it was not said.
    digits = value.strip().partition(".")[0].partition(" ")[0]
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 4 else 0


def _read_rtcp_port(value: str) -> int:
    # RFC 3605: `port [IN IP4 address]`; an address of its own is not followed, RTCP goes to the
    # RTP's.
    port = value.strip().partition(" ")[0]
    usable = port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65535
    return int(port) if usable else 0
