"""A session description as text: parsed leniently, kept line by line, written back strictly.

RFC 8866 (and RFC 4566 before it). A usual one is cut into its lines in C (`_lines.pyx`). Slips that
change nothing are tolerated: bare LF, blank lines, lines out of order within their section, missing
s= or t=, unknown types. This module knows nothing of offers and answers: negotiation.py does.
"""

from collections.abc import Iterator

import msgspec

from softswitch.sdp._lines import cut
from softswitch.sdp.errors import ParseError

# A WebRTC offer with candidates has about 8 kB and 150 lines; what is many times larger is an
# attack.
MAX_DESCRIPTION_BYTES = 32_768
MAX_LINES = 1_000
# Each m-line has to be answered by one of ours, so a peer's number of them is also our answer's
# size.
MAX_MEDIA = 32

DIRECTIONS = frozenset({"sendrecv", "sendonly", "recvonly", "inactive"})


class Origin(msgspec.Struct, frozen=True):
    """The o= line: who made this description, and which version of it this is."""

    username: str
    session_id: str
    version: str
    address: str

    @classmethod
    def parse(cls, value: str) -> "Origin":
        """Read the value of an o= line; its numbers stay text (peers overflow 64 bits)."""
        fields = value.split()
        if len(fields) < 6:
            raise ParseError("o= line does not have six fields")
        # A user name must not have spaces; where it has, the last five fields are still certain.
        return cls(" ".join(fields[:-5]), fields[-5], fields[-4], fields[-1])


class Connection(msgspec.Struct, frozen=True):
    """The c= line: the address type (`IP4`, `IP6`) and the address without its multicast suffix."""

    address_type: str
    address: str

    @classmethod
    def parse(cls, value: str) -> "Connection":
        """Read the value of a c= line."""
        fields = value.split()
        if len(fields) != 3 or fields[0].upper() != "IN":
            raise ParseError("c= line is not 'IN <address type> <address>'")
        return cls(fields[1].upper(), fields[2].partition("/")[0])


class MediaDescription:
    """One m= line and all that follows it, up to the next one."""

    __slots__ = ("attributes", "connection", "formats", "lines", "media", "port", "protocol")

    def __init__(self, line: str) -> None:
        fields = line[2:].split()
        if len(fields) < 3:
            raise ParseError("m= line does not have a media type, a port and a protocol")
        port = fields[1].partition("/")[0]
        if not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65535):
            raise ParseError("m= line has a port that is not 0-65535")
        self.media = fields[0].lower()
        self.port = int(port)
        self.protocol = fields[2]
        self.formats = fields[3:]
        self.connection: Connection | None = None
        self.attributes: list[str] = []
        self.lines = [line]


class SessionDescription:
    """A whole description: session-level facts, then `media` in the order of its m-lines."""

    __slots__ = ("attributes", "connection", "lines", "media", "origin")

    def __init__(self) -> None:
        self.origin: Origin | None = None
        self.connection: Connection | None = None
        self.attributes: list[str] = []
        self.lines: list[str] = []
        self.media: list[MediaDescription] = []

    @classmethod
    def parse(cls, data: bytes) -> "SessionDescription":
        """Read a body; raises ParseError when it is not a session description, or beyond limits."""
        if len(data) > MAX_DESCRIPTION_BYTES:
            raise ParseError(f"session description is longer than {MAX_DESCRIPTION_BYTES} bytes")
        sections = cut(data)
        return cls._of_usual(sections) if sections is not None else cls.parse_unusual(data)

    @classmethod
    def _of_usual(
        cls, sections: list[tuple[str | None, str | None, list[str], list[str]]]
    ) -> "SessionDescription":
        description = cls()
        if len(sections) > MAX_MEDIA + 1:
            raise ParseError(f"session description has more than {MAX_MEDIA} m-lines")
        origin, connection, description.lines, description.attributes = sections[0]
        if origin is not None:
            description.origin = Origin.parse(origin)
        if connection is not None:
            description.connection = Connection.parse(connection)
        for _, connection, lines, attributes in sections[1:]:
            media = MediaDescription(lines[0])
            if connection is not None:
                media.connection = Connection.parse(connection)
            media.lines, media.attributes = lines, attributes
            description.media.append(media)
        return description

    @classmethod
    def parse_unusual(cls, data: bytes) -> "SessionDescription":
        """Read what is not as nearly all descriptions are; any other gives the same as `parse`."""
        # Attribute values may be of any charset; what is not UTF-8 passes through unharmed.
        lines = data.decode("utf-8", "surrogateescape").split("\n")
        if len(lines) > MAX_LINES:
            raise ParseError(f"session description has more than {MAX_LINES} lines")
        description = cls()
        description._read(lines)
        return description

    def _read(self, lines: list[str]) -> None:
        section: SessionDescription | MediaDescription = self
        keep, keep_attribute = self.lines.append, self.attributes.append
        has_version = False
        for raw in lines:
            line = raw.strip()
            kind = line[:2]
            if kind == "a=":
                keep_attribute(line[2:])
            elif kind == "m=":
                section = self._add_media(line)
                keep, keep_attribute = section.lines.append, section.attributes.append
                continue
            elif kind == "c=":
                # RFC 8866 5.7 allows several (multicast layers); the first is the one that counts.
                section.connection = section.connection or Connection.parse(line[2:])
            elif kind == "o=" and section is self:
                self.origin = self.origin or Origin.parse(line[2:])
            elif kind == "v=":
                if line != "v=0":
                    raise ParseError("version of the session description is not 0")
                has_version = True
            elif not line:
                continue
            elif line[1:2] != "=" or not line[0].isalpha():
                raise ParseError("a line is not of the form <type>=<value>")
            keep(line)
        if not has_version:
            raise ParseError("there is no v= line")

    def _add_media(self, line: str) -> MediaDescription:
        if len(self.media) == MAX_MEDIA:
            raise ParseError(f"session description has more than {MAX_MEDIA} m-lines")
        media = MediaDescription(line)
        self.media.append(media)
        return media

    def all_lines(self) -> Iterator[str]:
        """Every line that was kept, in order, without line ends."""
        yield from self.lines
        for media in self.media:
            yield from media.lines

    def __str__(self) -> str:
        return "".join([line + "\r\n" for line in self.all_lines()])

    def __bytes__(self) -> bytes:
        return str(self).encode("utf-8", "surrogateescape")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SessionDescription):
            return NotImplemented
        return list(self.all_lines()) == list(other.all_lines())

    __hash__ = None  # type: ignore[assignment]  # lists inside: not a key

    def __repr__(self) -> str:
        return f"SessionDescription({str(self)!r})"
