"""Our side of one dialog's media: address, port, and what must not change from offer to offer.

RFC 3264 section 8: the o= version grows by one with each change, m-lines keep their place, payload
numbers keep their meaning. One LocalMedia lives as long as its leg.
"""

from collections.abc import Sequence

import msgspec

from softswitch.sdp.codec import (
    DEFAULT_DIGIT_PAYLOAD_TYPE,
    FAST_EVENT,
    FIRST_DYNAMIC_PAYLOAD_TYPE,
    LAST_PAYLOAD_TYPE,
    OPUS,
    TELEPHONE_EVENT,
    Codec,
)
from softswitch.sdp.crypto import Keyring


class OurOffer(msgspec.Struct, frozen=True):
    """What our last offer said of its audio, so that an answer need not be read beside its text."""

    index: int
    """Place of the audio among the m-lines."""
    codecs: tuple[tuple[Codec, int], ...]
    digit_payload_type: int | None
    direction: str
    rtcp_mux: bool = False
    fast_digit_payload_type: int | None = None


class LocalMedia:
    """Where we receive (`host`, `rtp_port`), and the memory of the descriptions already written.

    `session_id` is any number unique to the dialog; `version` counts by itself.
    """

    __slots__ = (
        "_body",
        "_layout",
        "_payload_types",
        "host",
        "keyring",
        "offered",
        "rtcp_mux",
        "rtp_port",
        "session_id",
        "version",
    )

    def __init__(self, host: str, rtp_port: int, session_id: int, version: int = 1) -> None:
        self.host = host
        self.rtp_port = rtp_port
        self.session_id = session_id
        self.version = version
        self.offered: OurOffer | None = None
        self.keyring: Keyring | None = None
        """Keys of SRTP; None: sound is plain, and what is not is refused."""
        self.rtcp_mux = False
        """Whether our offers ask for RTP and RTCP at one port (RFC 5761): as it was agreed last."""
        self._body = ""
        self._payload_types: dict[str, int] = {}
        # One entry an m-line of the last description: "" for the audio, else its refused m-line.
        self._layout: tuple[str, ...] = ("",)

    @property
    def layout(self) -> tuple[str, ...]:
        """The m-lines a new offer must keep: "" where the audio stands, else the refused line."""
        return self._layout

    def remember_layout(self, layout: tuple[str, ...]) -> None:
        """Keep the order of m-lines of an answer, for offers to come.

        RFC 3264 section 8: "the new SDP MUST have a matching media stream for each media stream in
        the previous SDP", the i-th for the i-th.
        """
        self._layout = layout

    def remember_payload_type(self, name: str, payload_type: int) -> None:
        """Keep the number that a format has in our descriptions from now on."""
        known = self._payload_types
        if known.get(name) == payload_type:
            return
        # A peer that gave this number to another format before has changed its meaning.
        for other in [other for other, number in known.items() if number == payload_type]:
            del known[other]
        known[name] = payload_type

    def payload_types_for(self, codecs: Sequence[Codec], *, digits: bool) -> tuple[int, ...]:
        """Numbers for an offer: one a codec, then one for digits if wanted, and one for those
        beside Opus where that is offered; known ones are kept."""
        names = [codec.name for codec in codecs]
        wishes = [codec.payload_type for codec in codecs]
        if digits:
            names.append(TELEPHONE_EVENT)
            wishes.append(DEFAULT_DIGIT_PAYLOAD_TYPE)
            if OPUS in codecs:
                names.append(FAST_EVENT)
                wishes.append(None)
        known = self._payload_types
        for name, wish in zip(names, wishes, strict=True):
            if name not in known:
                known[name] = self._free_payload_type(wish)
        return tuple([known[name] for name in names])

    def _free_payload_type(self, wish: int | None) -> int:
        taken = set(self._payload_types.values())
        if wish is not None and wish not in taken:
            return wish
        # At most 32 formats are known here (we only ever name our own codecs), so one is free.
        return next(
            number
            for number in range(FIRST_DYNAMIC_PAYLOAD_TYPE, LAST_PAYLOAD_TYPE + 1)
            if number not in taken
        )

    def write(self, media_lines: str) -> bytes:
        """A whole description around these m-lines.

        RFC 3264 section 8: "the version in the origin field MUST increment by one from the previous
        SDP" when something changed, and stay when nothing did.
        """
        family = "IP6" if ":" in self.host else "IP4"
        body = f"s=-\r\nc=IN {family} {self.host}\r\nt=0 0\r\n{media_lines}"
        if self._body and body != self._body:
            self.version += 1
        self._body = body
        origin = f"v=0\r\no=- {self.session_id} {self.version} IN {family} {self.host}\r\n"
        return (origin + body).encode("utf-8", "surrogateescape")
