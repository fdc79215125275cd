"""What a peer's audio m-line says: the formats we share, where to send, how, and in which
direction.

RFC 3264 (the meaning of each side's lines), RFC 3551 (static numbers), RFC 4733 (telephone-event),
RFC 3605 (rtcp). Reads one m-line of one description; which m-line, and what to write back, is
negotiation.py's.
"""

from collections.abc import Sequence
from functools import lru_cache

import msgspec

from softswitch.sdp.codec import (
    COMFORT_NOISE_PAYLOAD_TYPE,
    FAST_EVENT,
    LAST_PAYLOAD_TYPE,
    STATIC_ENCODINGS,
    Codec,
    fold_encoding,
)
from softswitch.sdp.description import DIRECTIONS, MediaDescription, SessionDescription

# RTP/AVPF differs from RTP/AVP in when RTCP may be sent (RFC 4585 section 3), which binds nobody
# who sends no feedback. SAVP and SAVPF need keys: where a leg has a Keyring, it decides.
ACCEPTED_PROTOCOLS = frozenset({"RTP/AVP", "RTP/AVPF"})

# RFC 5761 section 4: by one port with RTCP "payload type values in the range 64-95 MUST NOT be
# used", because with a marker they look like it.
_LIKE_RTCP = frozenset(map(str, range(64, 96)))

_TELEPHONE_EVENT = "telephone-event/8000"
_COMFORT_NOISE = "cn/8000"


# Descriptions of one peer differ in ports and addresses, hardly ever in their formats: what the
# lines say is read once. A peer that varies them costs what it costs without a memory; long lists
# of attributes are not remembered, so that it holds a few hundred kilobytes at most.
REMEMBERED_READINGS = 512
MAX_REMEMBERED_LINES = 24
"""Formats and attributes; audio of a trunk has some ten."""


class RemoteAudio(msgspec.Struct, frozen=True):
    """One audio m-line as read: `codecs` in the peer's order of preference, with the peer's
    numbers. `direction` is empty, `rtcp_port` and the packet times 0 where the m-line does not
    say."""

    codecs: tuple[tuple[Codec, int], ...] = ()
    digit_payload_type: int | None = None
    fast_digit_payload_type: int | None = None
    comfort_noise_payload_type: int | None = None
    direction: str = "sendrecv"
    ptime_ms: int = 0
    max_ptime_ms: int = 0
    rtcp_port: int = 0
    rtcp_mux: bool = False


def read_audio(
    media: MediaDescription,
    description: SessionDescription,
    codecs: Sequence[Codec],
    *,
    keyed: bool = False,
) -> RemoteAudio:
    """Read an audio m-line; only formats that are among `codecs` are kept.

    `keyed`: its lines may have keys, which are in no other's and are not to be remembered.
    """
    formats, attributes = tuple(media.formats), tuple(media.attributes)
    few = not keyed and len(formats) + len(attributes) <= MAX_REMEMBERED_LINES
    read = _read_lines_once if few else _read_lines
    audio = read(formats, attributes, tuple(codecs))
    if audio.direction:
        return audio
    return msgspec.structs.replace(audio, direction=_session_direction(description))


def rtcp_port_of(media: MediaDescription, audio: RemoteAudio) -> int:
    """Where RTCP goes: RFC 3550 section 11, the next higher port, unless said otherwise."""
    return audio.rtcp_port or min(media.port + 1, 65535)


def _read_lines(
    formats: tuple[str, ...], attributes: tuple[str, ...], codecs: tuple[Codec, ...]
) -> RemoteAudio:
    encodings: dict[str, str] = {}
    ptime = max_ptime = rtcp_port = 0
    direction = ""
    rtcp_mux = False
    for attribute in attributes:
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
            rtcp_port = _read_rtcp_port(value)
        elif name in DIRECTIONS:
            direction = name
        elif name == "rtcp-mux":
            rtcp_mux = True
    shared, digits, fast_digits, comfort_noise = _read_formats(formats, encodings, codecs)
    return RemoteAudio(
        codecs=shared,
        digit_payload_type=digits,
        fast_digit_payload_type=fast_digits,
        comfort_noise_payload_type=comfort_noise,
        direction=direction,
        ptime_ms=ptime,
        max_ptime_ms=max_ptime,
        rtcp_port=rtcp_port,
        rtcp_mux=rtcp_mux and not any(one in _LIKE_RTCP for one in formats),
    )


_read_lines_once = lru_cache(maxsize=REMEMBERED_READINGS)(_read_lines)


def _read_formats(
    formats: tuple[str, ...], encodings: dict[str, str], codecs: tuple[Codec, ...]
) -> tuple[tuple[tuple[Codec, int], ...], int | None, int | None, int | None]:
    """The codecs we share with their numbers, the numbers of digits and of those beside Opus, and
    that of comfort noise."""
    wanted = dict(_by_encoding(codecs))
    shared: list[tuple[Codec, int]] = []
    digits: int | None = None
    fast_digits: int | None = None
    comfort_noise: int | None = None
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
            shared.append((codec, payload_type))
        elif folded == _TELEPHONE_EVENT and digits is None:
            digits = payload_type
        elif folded == FAST_EVENT and fast_digits is None:
            fast_digits = payload_type
        elif folded == _COMFORT_NOISE and payload_type == COMFORT_NOISE_PAYLOAD_TYPE:
            comfort_noise = payload_type
    return tuple(shared), digits, fast_digits, comfort_noise


@lru_cache(maxsize=64)
def _by_encoding(codecs: tuple[Codec, ...]) -> dict[str, Codec]:
    return {codec.encoding.lower(): codec for codec in codecs}


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
