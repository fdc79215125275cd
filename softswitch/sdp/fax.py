"""Fax in session descriptions: `m=image PORT udptl t38`, read, passed on and answered.

RFC 3362 (image/t38), ITU-T T.38 annex D, RFC 3264 sections 6 and 8.3.3 (another medium in the same
m-line). What the two ends say to each other stands in attributes, which are passed on one by one
when they are known; datagrams are read by nobody here. Knows no transport and no call.
"""

import re
from collections.abc import Sequence

import msgspec

from softswitch.sdp.audio import ACCEPTED_PROTOCOLS
from softswitch.sdp.crypto import SECURE_PROTOCOLS
from softswitch.sdp.description import MediaDescription, SessionDescription
from softswitch.sdp.errors import WARN_MEDIA_TYPE, NotAcceptable
from softswitch.sdp.hosts import family_of, is_unspecified, remote_host
from softswitch.sdp.local import LocalMedia

__all__ = [
    "FAX_ATTRIBUTES",
    "MAX_DATAGRAM_BYTES",
    "FaxDescription",
    "answer_fax",
    "asks_for_fax",
    "offer_fax",
    "read_fax",
]

FAX_ATTRIBUTES = frozenset(
    {
        "t38faxversion",
        "t38maxbitrate",
        "t38faxfillbitremoval",
        "t38faxtranscodingmmr",
        "t38faxtranscodingjbig",
        "t38faxratemanagement",
        "t38faxmaxbuffer",
        "t38faxmaxdatagram",
        "t38faxmaxifp",
        "t38faxudpec",
        "t38faxudpecdepth",
        "t38faxudpfecmaxspan",
        "t38modemtype",
        "t38vendorinfo",
    }
)
"""Attributes of T.38 annex D that are passed on, in small letters: those that say how one end
speaks to the other. Any other would tell one network of the other."""

MAX_VALUE_LENGTH = 64
"""Of an attribute: they are numbers and words; the longest word has 18 letters."""
MAX_DATAGRAM_BYTES = 1500
"""What the media engine passes on; who takes more is told that this is all."""

_VALUE = re.compile(r"[A-Za-z0-9 .,;:/_+-]*")
_DATAGRAM = "t38faxmaxdatagram"
_PROTOCOL, _FORMAT = "udptl", "t38"


class FaxDescription(msgspec.Struct, frozen=True):
    """What one end says: where it wants datagrams, and its attributes as `Name:value` lines."""

    host: str
    port: int
    attributes: tuple[str, ...]

    @property
    def version(self) -> int:
        """T38FaxVersion; 0 where nothing is said (annex D)."""
        for attribute in self.attributes:
            name, _, value = attribute.partition(":")
            if name.lower() == "t38faxversion" and value.strip().isdigit():
                return int(value.strip()[:3])
        return 0


def asks_for_fax(description: SessionDescription) -> bool:
    """Whether it wants fax, and no sound beside it."""
    return _image_of(description) is not None and not any(
        media.media == "audio"
        and media.port
        and media.protocol.upper() in ACCEPTED_PROTOCOLS | SECURE_PROTOCOLS
        for media in description.media
    )


def read_fax(description: SessionDescription, local: LocalMedia) -> FaxDescription:
    """What an offer or an answer says of fax; raises NotAcceptable where it has none for us."""
    media = _image_of(description)
    if media is None or not asks_for_fax(description):
        raise NotAcceptable(WARN_MEDIA_TYPE, "Media type not available")
    host = remote_host(media, description, family_of(local.host))
    if is_unspecified(host):
        raise NotAcceptable(WARN_MEDIA_TYPE, "Fax cannot be held")
    return FaxDescription(host, media.port, _attributes_of(media))


def offer_fax(local: LocalMedia, attributes: Sequence[str]) -> bytes:
    """Our offer of fax in the place of the sound, with what another end has said of itself."""
    text = _image_lines(local.rtp_port, _PROTOCOL, attributes)
    return local.write("".join([refused or text for refused in local.layout]))


def answer_fax(offered: SessionDescription, local: LocalMedia, attributes: Sequence[str]) -> bytes:
    """Answer the fax of an offer that `read_fax` takes, with what another end has said to it; all
    else is refused."""
    image = _image_of(offered)
    assert image is not None
    text = _image_lines(local.rtp_port, image.protocol, attributes)
    lines = [text if media is image else _refuse(media) for media in offered.media]
    local.remember_layout(_layout_of_sound(offered, image))
    return local.write("".join(lines))


def _layout_of_sound(offered: SessionDescription, image: MediaDescription) -> tuple[str, ...]:
    """Where sound is to stand in offers to come: where it has stood, or in the place of the fax."""
    audio = next((media for media in offered.media if media.media == "audio"), image)
    return tuple(["" if media is audio else _refuse(media) for media in offered.media])


def _image_of(description: SessionDescription) -> MediaDescription | None:
    for media in description.media:
        if (
            media.media == "image"
            and media.port
            and media.protocol.lower() == _PROTOCOL
            and _FORMAT in [one.lower() for one in media.formats]
        ):
            return media
    return None


def _attributes_of(media: MediaDescription) -> tuple[str, ...]:
    """Those that are passed on, each once."""
    kept: dict[str, str] = {}
    for line in media.attributes:
        name, colon, value = line.partition(":")
        folded = name.strip().lower()
        value = value.strip()
        if folded not in FAX_ATTRIBUTES or len(value) > MAX_VALUE_LENGTH:
            continue
        if not _VALUE.fullmatch(value):
            continue
        if folded == _DATAGRAM:
            value = _bounded(value)
        kept.setdefault(folded, name.strip() + (f":{value}" if colon else ""))
    return tuple(kept.values())


def _bounded(value: str) -> str:
    """The largest datagram that an end takes, and that gets there."""
    if value.isascii() and value.isdigit() and int(value) <= MAX_DATAGRAM_BYTES:
        return value
    return str(MAX_DATAGRAM_BYTES)


def _image_lines(port: int, protocol: str, attributes: Sequence[str]) -> str:
    lines = "".join([f"a={attribute}\r\n" for attribute in attributes])
    return f"m=image {port} {protocol} {_FORMAT}\r\n{lines}"


def _refuse(media: MediaDescription) -> str:
    """RFC 3264 section 6: a refused stream has port 0, and a format all the same."""
    formats = media.formats[0] if media.formats else "0"
    return f"m={media.media} 0 {media.protocol} {formats}\r\n"
