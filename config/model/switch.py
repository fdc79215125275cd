"""The section switch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from config.model.values import (
    NOWHERE,
    Location,
    LogFormat,
    LogLevel,
    Synthesiser,
    Transport,
    WithoutSynthesiser,
)


@dataclass(frozen=True, slots=True)
class SwitchTls:
    """SIP over TLS."""

    certificate: Path
    key: Path
    listen_host: str | None = None
    """None: as for UDP and TCP."""
    listen_port: int = 5061
    authorities: Path | None = None
    """Whom we believe; None: whom the system does."""
    verify: bool = True
    """Whether trunks must have a certificate of their name."""
    client_certificates: bool = False
    """Whether those who connect must have one."""
    places: Mapping[str, Location] = field(default_factory=dict, compare=False, repr=False)
    """Where its files stand, by their keys."""


@dataclass(frozen=True, slots=True)
class SwitchListener:
    """One of several addresses at which SIP is listened for."""

    name: str
    host: str
    """IPv4 or IPv6 without brackets, or a name."""
    port: int = 5060
    transports: tuple[Transport, ...] = ("udp", "tcp")
    advertise_host: str = ""
    """Host put in Via, Contact and SDP of what goes by it; empty: the switch's, or its own."""
    origins: tuple[str, ...] = ()
    """Of WebSockets: pages that may connect, `*` all. Default none: programs only, no browsers."""
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Switch:
    """What belongs to the process as a whole: addresses, ports, folders, limits."""

    listen_host: str = "127.0.0.1"
    """Address SIP listens on: IPv4 or IPv6 without brackets, or a name. Default 127.0.0.1."""
    listen_port: int = 5060
    """Port SIP listens on, the same for UDP and TCP. 1-65535, default 5060."""
    transports: tuple[Transport, ...] = ("udp", "tcp")
    """SIP transports listened on, beside TLS. Default both."""
    listeners: tuple[SwitchListener, ...] = ()
    """All listeners, the first of which is that of the fields above; none: that alone."""
    name_servers: tuple[tuple[str, int], ...] = ()
    """Hosts and ports of name servers; none: the system's. Default none."""
    tls: SwitchTls | None = None
    """SIP over TLS. Default none."""
    advertise_host: str = "127.0.0.1"
    """Host put in Via, Contact and SDP. Default listen_host; never a wildcard address."""
    rtp_host: str = "127.0.0.1"
    """Address media sockets are bound to. Default listen_host."""
    rtp_first_port: int = 20000
    """First port of the RTP range, even. 1024-65534, default 20000."""
    rtp_last_port: int = 29999
    """Last port of the RTP range, odd (RTCP of the last pair). 1025-65535, default 29999."""
    control_host: str = "127.0.0.1"
    """Address of the control socket; on loopback, or there are tokens. Default 127.0.0.1."""
    control_port: int = 8021
    """TCP port of the control socket. 1-65535, default 8021."""
    data: Path = Path("var")
    """Folder of records.jsonl, journal and prompt cache; relative to the working directory."""
    database: str = "embedded"
    """PostgreSQL connection string; `embedded`: a server of our own in the data folder; `off`:
    none, for a switch without pools and caps. Default embedded."""
    currency: str = "USD"
    """Currency (ISO 4217) of amounts that name none. Default USD."""
    time_zone: str = "UTC"
    """Time zone (IANA) of schedules and caps that name none. Default UTC."""
    country: str = "US"
    """Country (ISO 3166, two letters) whose national number form is understood. Default US."""
    max_calls: int = 2500
    """Calls at once; beyond it callers get 503. 1-100000, default 2500."""
    max_call_seconds: float = 14400.0
    """Longest call, from its answer, unless campaign or connect say less. Default 4 h."""
    no_media_seconds: float | None = 60.0
    """A call without RTP on any leg for so long ends (not while held). None: never. Default 60."""
    held_no_media_seconds: float | None = 1800.0
    """The same of one that is held. None: never. Default 30 min."""
    held_no_media_place: Location = field(default=NOWHERE, compare=False, repr=False)
    """Where that stands."""
    grace_seconds: float = 10.0
    """How long calls may go on after SIGTERM. 0-3600, default 10."""
    engine_threads: int = 0
    """Threads of the media engine. 0-64; 0, the default: one less than there are cores, at most
    8."""
    tap: bool = True
    """Whether media of both legs is copied to the listeners inside the switch. Default true."""
    log_format: LogFormat = "text"
    """Form of a log line. Default text."""
    log_level: LogLevel = "info"
    """Least level that is logged. Default info."""
    synthesiser: Synthesiser = "auto"
    """What speaks text prompts; auto takes the first that is installed. Default auto."""
    without_synthesiser: WithoutSynthesiser = "error"
    """When no synthesiser is installed: refuse to start, or play a chime instead. Default error."""
