"""The section trunks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from config.model.stir import TrunkVouching
from config.model.trunk_policies import (
    TrunkFailover,
    TrunkHeaders,
    TrunkIdentity,
    TrunkNumbers,
)
from config.model.values import (
    NOWHERE,
    CodecName,
    Fax,
    Hold,
    KeysBy,
    Location,
    Offers,
    Oversize,
    Redirects,
    ResponsesFrom,
    Srtp,
    Transfers,
    Transport,
)


@dataclass(frozen=True, slots=True)
class TrunkLogin:
    """A user and a password for digest."""

    user: str
    password: str = field(repr=False)
    realm: str | None = None
    """The only realm that is answered, or None: whichever asks."""


@dataclass(frozen=True, slots=True)
class TrunkRegistration:
    """That the switch registers with a carrier."""

    user: str | None = None
    """User part of the address of record; None: the user of `outbound_auth`."""
    domain: str | None = None
    """Its domain, and the registrar's; None: the trunk's host."""
    expires: float = 600.0
    """Seconds asked for."""


@dataclass(frozen=True, slots=True)
class TrunkProxies:
    """The proxies that a trunk's calls come through, and how they say whose a call is: exactly one
    of header, parameter and via is set."""

    proxies: tuple[str, ...]
    header: str | None = None
    parameter: str | None = None
    value: str | None = None
    """What header or parameter says; None: the trunk's name."""
    via: bool = False


@dataclass(frozen=True, slots=True)
class TrunkProbe:
    """OPTIONS that ask whether a trunk is there."""

    every: float = 30.0
    """Seconds after an answer or its lack."""
    misses: int = 3
    """So many in a row without an answer: down."""
    down: frozenset[int] = frozenset((408, 503))
    """Final answers that count as none."""


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
    outbound_auth: TrunkLogin | None = None
    """What the carrier's challenges are answered with. Default none."""
    inbound_auth: TrunkLogin | None = None
    """What calls from it must show, from whichever address they come then. Default none."""
    register: TrunkRegistration | None = None
    """Registration with the carrier. Default none."""
    behind: TrunkProxies | None = None
    """The proxies its calls come through. Default none: calls come from it straight."""
    calls_per_second: int | None = None
    """New calls a second, each way. 1-10000; None: no limit. Default None."""
    probe: TrunkProbe | None = None
    """OPTIONS to it. Default none."""
    by_name: bool = False
    """Whether its host is a name without a port: servers are looked up (SRV)."""
    no_response_seconds: float | None = None
    """How long a server may say nothing to an INVITE. 1-32; None: Timer B. Default None."""
    oversize: Oversize = "tcp"
    """INVITEs that are too large for a datagram go by TCP first, or by UDP all the same. Default
    tcp."""
    session_expires: float | None = None
    """Seconds of the session timer that our INVITEs ask for. Default none; the peer's is taken."""
    silence_check_seconds: float | None = 60.0
    """A peer of which no RTP was heard for so long is asked whether it is there. None: it is not.
    Default 60."""
    numbers: TrunkNumbers | None = None
    """How it writes numbers. Default none: they go as they are, and are read as the switch's."""
    headers: TrunkHeaders | None = None
    """Header fields it gets and does not get. Default none: `pass_headers` alone."""
    failover: TrunkFailover | None = None
    """Which failures lead on to the next destination. Default none: as everywhere."""
    caller_identity: TrunkIdentity | None = None
    """Which fields beside From say who calls. Default none but Privacy."""
    ptime_ms: int | None = None
    """How much sound our packets have, and those we ask for. 10-60 in steps of 10; None: as the
    other leg's. Default None."""
    comfort_noise: bool = False
    """Whether the far end is told that it may send comfort noise. Default false."""
    srtp: Srtp = "off"
    """Whether sound is encrypted with keys in the session description: never, where the far end
    can, always. Default off."""
    rtcp_mux: bool = False
    """Whether our offers ask for RTP and RTCP at one port. Default false; answered when asked."""
    t38: Fax = False
    """Whether fax by T.38 is passed from and to its parties, or asked of them, too. Default false:
    it goes as sound."""
    identity: TrunkVouching | None = None
    """What signatures of its calls are worth, and what is signed towards it. Default none: they are
    not looked at, and nothing is."""
    transfers: Transfers = "refuse"
    """Whether its parties may have those they talk to moved (REFER, Replaces). Default refuse."""
    redirects: Redirects = "refuse"
    """Whether a 3xx of it is followed, or a failure. Default refuse."""
    any_transport: bool = False
    """Whether its transport was left to what its name says (NAPTR)."""
    cost: Decimal | None = None
    """What a minute of a call to it costs, in the switch's currency. Default none."""
    listen: str | None = None
    """The listener that calls to it leave by. Default none: the first that suits it."""
    listener: int = 0
    """Its number among the switch's sockets (config.listeners)."""
    listeners: tuple[tuple[Transport, int], ...] = ()
    """The same for each transport that a call to it may go by, where it may go by several. Default
    none: one address has all."""
    offers: Offers = "early"
    """Whether our INVITEs have the offer, or leave it to the far end. Default early."""
    keys: KeysBy = "tones"
    """What keys are to a far end that takes no telephone events. Default tones."""
    responses_from: ResponsesFrom = "trunk"
    """Whose responses to our requests are taken: its own, or those of whoever knows their branch.
    Default trunk."""
    connection_reuse: bool = False
    """Whether a TLS connection is used in both directions, whoever has opened it (RFC 5923).
    Default false."""
    location: Location = field(default=NOWHERE, compare=False, repr=False)
    places: Mapping[str, Location] = field(default_factory=dict, compare=False, repr=False)
    """Where keys stand that go with others or do not, by their names."""

    @property
    def may_use_tcp(self) -> bool:
        """Whether what no datagram holds goes by TCP, which its listener must have then."""
        return self.oversize == "tcp" and (not self.listeners or self.tcp_listener is not None)

    @property
    def tcp_listener(self) -> int | None:
        """The socket that this leaves by then; None: whichever the switch has."""
        return next((number for by, number in self.listeners if by == "tcp"), None)

    @property
    def service(self) -> tuple[str, str]:
        """The name and transport whose servers are looked up; an empty one: any."""
        return self.host, "" if self.any_transport else self.transport
