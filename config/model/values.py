"""Small values that many parts of the model are made of. Knows no section of the language."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple

from config.model.expression import Template

Transport = Literal["udp", "tcp", "tls", "ws", "wss"]
Oversize = Literal["tcp", "udp"]
CodecName = Literal["PCMU", "PCMA", "G722", "opus"]
Hold = Literal["pass", "local"]
Srtp = Literal["off", "optional", "required"]
Fax = bool | Literal["offer"]
Transfers = Literal["refuse", "allow"]
Redirects = Literal["refuse", "follow"]
ResponsesFrom = Literal["trunk", "any"]
Offers = Literal["early", "late"]
KeysBy = Literal["tones", "info"]
LogFormat = Literal["text", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]
Synthesiser = Literal["auto", "hibari", "espeak-ng", "flite"]
WithoutSynthesiser = Literal["error", "chime"]

NOTHING: Mapping[str, str] = MappingProxyType({})


class Location(NamedTuple):
    """A place in a configuration file, for messages; lines and columns count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


NOWHERE = Location("", 0, 0)


@dataclass(frozen=True, slots=True)
class CallerId:
    """What the destination sees as calling."""

    kind: Literal["original", "called", "fixed", "mask", "unique", "uri"] = "original"
    """The caller, the number called, a fixed number, a mask over the caller's number
    (`212XXXXXXX` keeps the X digits), a number of a range that is stored with the call, or a SIP
    URI."""
    number: str | None = None
    """The fixed number (normalised), the mask, the first number of the range, or the URI."""
    last: str | None = None
    """Last number of the range of `unique`."""

    def __str__(self) -> str:
        return self.number if self.number is not None else self.kind


ORIGINAL_CALLER = CallerId()


@dataclass(frozen=True, slots=True)
class Prompt:
    """Something to play: exactly one of the four is set. Hashable, so it can key a cache."""

    text: str | None = None
    """Text to synthesise ahead of time."""
    wav: Path | None = None
    """WAV file, absolute or relative to the configuration's folder (already joined)."""
    tone: str | None = None
    """`chime`, or a call progress tone of the campaign's tone plan: ringback, busy, reorder..."""
    template: Template | None = None
    """Text with values of the call in it, synthesised ahead of time for each value known."""
    location: Location = field(default=NOWHERE, compare=False, repr=False)
