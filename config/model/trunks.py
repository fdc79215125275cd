"""The section trunks."""

from dataclasses import dataclass, field

from config.model.values import NOWHERE, CodecName, Hold, Location, Transport


@dataclass(frozen=True, slots=True)
class Trunk:
    """A carrier or gateway: where calls come from and go to."""

    name: str
    host: str
    """Host calls come from (any port) and go to; IPv6 without brackets, or a name."""
    port: int = 5060
    """Port calls go to. 1-65535, default 5060."""
    transport: Transport = "udp"
    """Transport calls go out with. Default udp."""
    sources: tuple[str, ...] = ()
    """Further hosts or networks (10.1.0.0/16) calls may come from. Default none."""
    trusted: bool = False
    """Whether its P-Asserted-Identity is believed. Default false."""
    max_calls: int | None = None
    """Legs on this trunk at once, both directions. 1-100000; None: no limit. Default None."""
    pass_headers: tuple[str, ...] = ()
    """Header fields of an incoming INVITE that cross the bridge onto this trunk. Default none."""
    hold: Hold = "pass"
    """A hold from the other leg is passed on to this trunk, or answered locally. Default pass."""
    codecs: tuple[CodecName, ...] = ("PCMU", "PCMA")
    """Codecs offered and accepted, best first. Default PCMU, PCMA."""
    location: Location = field(default=NOWHERE, compare=False, repr=False)
