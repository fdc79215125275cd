"""Keys of SRTP in a session description: `a=crypto` lines, read, chosen among and written.

RFC 4568 (SDES), RFC 8643 (keys beside RTP/AVP, taken where the far end can). A Keyring lives as
long as its leg and remembers which keys are in force. Makes no random numbers and encrypts nothing.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Sequence

import msgspec

from softswitch.sdp.description import MediaDescription
from softswitch.sdp.errors import WARN_TRANSPORT_PROTOCOL, NotAcceptable

SUITES = ("AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32")
"""RFC 4568 section 6.2, best first."""
KEY_BYTES = 30
"""A master key of 128 bits and a salt of 112, in either suite."""

PLAIN_PROTOCOLS = frozenset({"RTP/AVP", "RTP/AVPF"})
SECURE_PROTOCOLS = frozenset({"RTP/SAVP", "RTP/SAVPF"})

MAX_CRYPTO_LINES = 16
"""Lines looked at: a suite each, and RFC 4568 with all its successors knows fewer suites."""

KEYS_NEEDED = "srtp is required, the far end gave no usable key"
KEYS_WANTED = "the far end wants srtp, and gave no usable key"
DTLS_NOT_SPOKEN = "sound by DTLS-SRTP (UDP/TLS), as browsers want it, is not spoken here"

_LINE = re.compile(r"crypto:([0-9]{1,9})[ \t]+([A-Za-z0-9_]+)[ \t]+([^ \t]+)(.*)", re.IGNORECASE)
# The key alone, or with its lifetime. A key with an identifier (MKI) would have to be told in each
# packet, and several keys need identifiers.
_INLINE = re.compile(
    r"inline:([A-Za-z0-9+/]{40})(?:\|(?:2\^[0-9]{1,2}|[0-9]{1,15}))?", re.IGNORECASE
)
# RFC 4568 section 6.3.7.2: "session parameters that are not understood by an answerer" must not be
# accepted unless they are marked as optional; WSH is but a hint on the window against replay.
_PARAMETER = re.compile(r"-[A-Za-z0-9_]+(?:=[^ \t]*)?|WSH=[0-9]{1,9}", re.IGNORECASE)


class CryptoLine(msgspec.Struct, frozen=True):
    """One `a=crypto`: its tag, which an answer repeats, its suite, and the key of who wrote it."""

    tag: int
    suite: str
    key: bytes

    def __repr__(self) -> str:
        return f"CryptoLine({self.tag}, {self.suite!r})"

    def __str__(self) -> str:
        return f"a=crypto:{self.tag} {self.suite} inline:{base64.b64encode(self.key).decode()}\r\n"


class SrtpKeys(msgspec.Struct, frozen=True):
    """What was agreed: the suite, and the key under which each side sends. Shown without keys."""

    suite: str
    our_key: bytes
    their_key: bytes

    def __repr__(self) -> str:
        return f"SrtpKeys({self.suite!r})"


def read_line(attribute: str) -> CryptoLine | None:
    """Read an attribute; None when it is none of a suite and form that are spoken here."""
    line = _LINE.fullmatch(attribute)
    if line is None:
        return None
    suite = line[2].upper()
    inline = _INLINE.fullmatch(line[3])
    if suite not in SUITES or inline is None:
        return None
    if not all(_PARAMETER.fullmatch(word) for word in line[4].split()):
        return None
    try:
        key = base64.b64decode(inline[1], validate=True)
    except binascii.Error:
        return None
    return CryptoLine(int(line[1]), suite, key) if len(key) == KEY_BYTES else None


def read_lines(media: MediaDescription) -> tuple[CryptoLine, ...]:
    """The keys a medium offers that could be agreed on, in its order."""
    lines = [a for a in media.attributes if a[:7].lower() == "crypto:"][:MAX_CRYPTO_LINES]
    return tuple([line for line in map(read_line, lines) if line is not None])


class Keyring:
    """Our keys in one dialog. `required`: sound without keys is refused.

    `make_key` gives KEY_BYTES of random octets. Without `required` keys are offered beside RTP/AVP,
    which whoever knows no keys answers as any other offer.
    """

    __slots__ = ("_agreed", "_make_key", "_offered", "_ours", "_protocol", "_theirs", "required")

    def __init__(self, *, required: bool, make_key: Callable[[], bytes]) -> None:
        self.required = required
        self._make_key = make_key
        self._agreed = False
        self._protocol = "RTP/SAVP" if required else "RTP/AVP"
        self._ours: CryptoLine | None = None
        self._theirs: CryptoLine | None = None
        self._offered: tuple[CryptoLine, ...] = ()

    def takes(self, media: MediaDescription) -> bool:
        """Whether an offered medium is as encrypted as it has to be, in a way we speak."""
        protocol = media.protocol.upper()
        if protocol not in SECURE_PROTOCOLS and protocol not in PLAIN_PROTOCOLS:
            return False
        needs_keys = self.required or protocol in SECURE_PROTOCOLS
        return not needs_keys or bool(read_lines(media))

    def in_order(self, media: Iterable[MediaDescription]) -> list[MediaDescription]:
        """Those with keys before those without: some peers offer their sound both ways."""
        return sorted(media, key=lambda one: not read_lines(one))

    def offer(self, *, anew: bool = False) -> tuple[str, str]:
        """The protocol and the `a=crypto` lines of an offer of ours.

        What is agreed already is offered again with the same key. `anew`: with new keys, and all
        that we speak, because whoever answers may be another than before (RFC 3725).
        """
        if self._agreed and not anew:
            self._offered = () if self._ours is None else (self._ours,)
        else:
            # RFC 4568 section 6.1: "the inline key MUST be unique" for each line.
            self._offered = tuple(
                [CryptoLine(tag, suite, self._make_key()) for tag, suite in enumerate(SUITES, 1)]
            )
        return self._protocol, "".join(map(str, self._offered))

    def answer(self, media: MediaDescription) -> tuple[str, SrtpKeys | None]:
        """Our line in answer to a medium that it `takes`, and what is agreed with it."""
        lines = read_lines(media)
        if not lines:
            self._settle(media, None, None)
            return "", None
        theirs = self._preferred(lines)
        ours = CryptoLine(theirs.tag, theirs.suite, self._key_for(theirs))
        return str(ours), self._settle(media, ours, theirs)

    def accept(self, media: MediaDescription) -> SrtpKeys | None:
        """Take an answer to our offer; raises NotAcceptable, and nothing has changed then."""
        theirs = next(iter(read_lines(media)), None)
        ours = next((line for line in self._offered if _answers(theirs, line)), None)
        if theirs is not None and any(line.key == theirs.key for line in self._offered):
            # A mirror: under one key both ways, packets of the same number are encrypted alike.
            ours = None
        plain = media.protocol.upper() in PLAIN_PROTOCOLS and not _says_crypto(media)
        if ours is None and (self.required or not plain):
            raise refusal_of(media, self)
        return self._settle(media, ours, theirs)

    def _preferred(self, lines: Sequence[CryptoLine]) -> CryptoLine:
        """RFC 4568 section 5.1.2: the first that is supported; the suite in force stays so."""
        suite = None if self._ours is None else self._ours.suite
        return next((line for line in lines if line.suite == suite), lines[0])

    def _key_for(self, theirs: CryptoLine) -> bytes:
        """A key of ours that goes with theirs: the one in force, for as long as theirs is.

        One that changes its key may be another than before, who cannot know how often our sequence
        numbers have begun again under the old one.
        """
        ours, before = self._ours, self._theirs
        if ours is None or before is None:
            return self._make_key()
        if (before.suite, before.key) != (theirs.suite, theirs.key):
            return self._make_key()
        return ours.key

    def _settle(
        self, media: MediaDescription, ours: CryptoLine | None, theirs: CryptoLine | None
    ) -> SrtpKeys | None:
        self._agreed, self._protocol = True, media.protocol.upper()
        self._ours, self._theirs = ours, theirs
        if ours is None or theirs is None:
            return None
        return SrtpKeys(ours.suite, ours.key, theirs.key)


def refusal_of(media: MediaDescription, keyring: Keyring | None) -> NotAcceptable:
    """Why a medium of a transport that is not taken is refused."""
    text = "Incompatible transport protocol"
    if media.protocol.upper().startswith("UDP/TLS/"):
        # What browsers offer and nothing else (RFC 8827 section 6.5).
        text = DTLS_NOT_SPOKEN
    elif keyring is not None and keyring.required:
        text = KEYS_NEEDED
    elif keyring is not None and (
        media.protocol.upper() in SECURE_PROTOCOLS or _says_crypto(media)
    ):
        text = KEYS_WANTED
    return NotAcceptable(WARN_TRANSPORT_PROTOCOL, text)


def _answers(answer: CryptoLine | None, offered: CryptoLine) -> bool:
    """RFC 4568 section 5.1.3: the tag and the suite must be those of a line that was offered."""
    return answer is not None and (answer.tag, answer.suite) == (offered.tag, offered.suite)


def _says_crypto(media: MediaDescription) -> bool:
    return any(attribute[:7].lower() == "crypto:" for attribute in media.attributes)
