"""The section trace: what is kept of SIP messages, and where they are shown."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Hep:
    """A collector of SIP messages: Homer, or another that speaks HEP."""

    host: str
    port: int = 9060
    agent: int = 2001
    """The number it knows this switch by. 0-4294967295, default 2001."""
    password: str = field(default="", repr=False)
    """Empty: none."""


@dataclass(frozen=True, slots=True)
class Tracing:
    """What is traced without anybody asking."""

    calls: int = 0
    """So many of the last calls are kept with their messages. 0-10000, default 0."""
    hep: Hep | None = None
    """None: nobody is shown anything."""
