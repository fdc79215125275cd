"""The typed model of everything the YAML says: a loaded configuration as the switch sees it.

Values only: frozen, slotted dataclasses, made by `config.loader` (which checks every range and
reference before it builds one) and read by everybody else. All numbers are normalised, all
durations are seconds, all references are known to exist. Knows nothing of YAML text, files or SIP.

How a treatment runs: its nodes one after the other. A list of nodes nested in a node (the steps of
a menu's choice, `on_failure`, `on_no_input`) that runs out returns to the node after the one it is
nested in. When nothing is left the call ends: by BYE if it was answered, else refused with the
status of the last attempt to connect (480 if there was none).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple

Transport = Literal["udp", "tcp"]
CodecName = Literal["PCMU", "PCMA"]
Hold = Literal["pass", "local"]
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
class Switch:
    """What belongs to the process as a whole: addresses, ports, folders, limits."""

    listen_host: str = "127.0.0.1"
    """Address SIP listens on: IPv4 or IPv6 without brackets, or a name. Default 127.0.0.1."""
    listen_port: int = 5060
    """Port SIP listens on, the same for UDP and TCP. 1-65535, default 5060."""
    transports: tuple[Transport, ...] = ("udp", "tcp")
    """SIP transports listened on. Default both."""
    advertise_host: str = "127.0.0.1"
    """Host put in Via, Contact and SDP. Default listen_host; never a wildcard address."""
    rtp_host: str = "127.0.0.1"
    """Address media sockets are bound to. Default listen_host."""
    rtp_first_port: int = 20000
    """First port of the RTP range, even. 1024-65534, default 20000."""
    rtp_last_port: int = 29999
    """Last port of the RTP range, odd (RTCP of the last pair). 1025-65535, default 29999."""
    control_host: str = "127.0.0.1"
    """Address of the control socket; accepted, not used yet. Default 127.0.0.1."""
    control_port: int = 8021
    """TCP port of the control socket. 1-65535, default 8021."""
    data: Path = Path("var")
    """Folder of records.jsonl, journal and prompt cache; relative to the working directory."""
    database: str = ""
    """PostgreSQL connection string; accepted, not used yet. Default none."""
    country: str = "US"
    """Country (ISO 3166, two letters) whose national number form is understood. Default US."""
    max_calls: int = 2500
    """Calls at once; beyond it callers get 503. 1-100000, default 2500."""
    max_call_seconds: float = 14400.0
    """Longest call, from its answer, unless campaign or connect say less. Default 4 h."""
    no_media_seconds: float | None = 60.0
    """A call without RTP on any leg for so long ends (not while held). None: never. Default 60."""
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


@dataclass(frozen=True, slots=True)
class Number:
    """A number (or SIP URI, or pattern of numbers) that is live, and what it stands for."""

    pattern: str
    """Canonical text: `+18666831950`, `sip:sales@example.org`, `+1866683XXXX`, or as written."""
    kind: Literal["exact", "uri", "pattern"]
    campaign: str
    """Name of its campaign."""
    publisher: str | None = None
    """Party credited for a call; None: the campaign's. (The loader has filled in the pool's.)"""
    pool: str | None = None
    """Name of the pool it belongs to."""
    parameters: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    """The binding: values of the pool's parameters, or free ones without a pool."""
    as_is: bool = False
    """Compared with what was dialled as it is, without normalisation. Default false."""
    refuse: int | None = None
    """Capture only: refuse with this status after the look-up. 404, 410, 480, 486, 600 or 603."""
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Pool:
    """A ring pool; here each of its numbers carries a fixed binding."""

    name: str
    parameters: tuple[str, ...]
    """Names of the parameters, in order. 1 to 10."""
    campaign: str | None = None
    """Campaign of its numbers that name none."""
    publisher: str | None = None
    """Publisher of its numbers that name none."""
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class CallerId:
    """What the destination sees as calling: the caller, the number called, or a fixed number."""

    kind: Literal["original", "called", "fixed"] = "original"
    number: str | None = None
    """The fixed number, normalised; None for the other kinds."""

    def __str__(self) -> str:
        return self.number if self.number is not None else self.kind


ORIGINAL_CALLER = CallerId()


@dataclass(frozen=True, slots=True)
class Campaign:
    """What numbers are advertised for: which treatment their calls get, and in whose name."""

    name: str
    treatment: str
    """Name of the treatment its calls get."""
    publisher: str | None = None
    """Party credited when the number names none."""
    caller_id: CallerId = ORIGINAL_CALLER
    """Caller id towards destinations. Default original."""
    ringback: str = "us"
    """Country of the tone plan an answered caller hears while a destination rings. Default us."""
    max_call_seconds: float | None = None
    """Longest call. 1-86400; None: the switch's."""
    trunk: str | None = None
    """Trunk of destinations that name none. The loader fills in the only trunk if there is one."""
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Prompt:
    """Something to play: exactly one of the three is set. Hashable, so it can key a cache."""

    text: str | None = None
    """Text to synthesise ahead of time."""
    wav: Path | None = None
    """WAV file, absolute or relative to the configuration's folder (already joined)."""
    tone: str | None = None
    """`chime`, or a call progress tone of the campaign's tone plan: ringback, busy, reorder..."""
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Destination:
    """One place a connect tries."""

    kind: Literal["number", "uri", "called"]
    """A number, a SIP URI, or the number that was called (kept as it was dialled)."""
    number: str | None = None
    """The number (normalised) or URI; None for `called`."""
    trunk: str | None = None
    """Trunk it is reached by. None: the campaign's (the loader has checked that there is one)."""
    ring_seconds: float | None = None
    """How long it may ring. 1-600; None: the connect's."""
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Play:
    """Play a prompt to the caller (answering first), then go on."""

    name: str
    prompt: Prompt
    barge_in: bool = False
    """Whether a key ends the prompt early. Default false."""
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Menu:
    """Ask for one key and follow its steps."""

    name: str
    prompt: Prompt
    choices: "Mapping[str, tuple[Node, ...]]"
    """Key (0-9, * or #) -> its steps. 1 to 10 choices. Steps that run out go on after the menu."""
    invalid_limit: int = 4
    """Wrong keys that are accepted with a replay before the call ends: at this many it ends. 1-20.
    With 4 the fourth wrong key ends the call (or takes `default`). Default 4."""
    timeout_seconds: float = 5.0
    """Wait for a key after the prompt's end. 0.5-120, default 5."""
    timeouts_limit: int = 3
    """How often the question is asked again without input; the next silence ends it. 0-20,
    default 3 (so it is heard four times)."""
    invalid_prompt: Prompt | None = None
    """Played after a wrong key, before the question is asked again. Default none."""
    barge_in: bool = True
    """Whether a key is taken while the prompt still plays (and ends it). Default true."""
    default: str | None = None
    """Key of the choice taken when either limit is reached; None: see on_no_input, else hang up."""
    on_no_input: "tuple[Node, ...]" = ()
    """Steps when timeouts_limit is reached and there is no default. Empty: hang up."""
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Connect:
    """Call destinations one after the other until one answers, and bridge.

    A bridged call ends with the bridge. When every destination failed (or a status forbids another
    attempt) `on_failure` runs, then whatever follows the connect.
    """

    name: str
    destinations: tuple[Destination, ...]
    """At least one; tried in this order. At most 20."""
    ring_seconds: float = 30.0
    """How long each may ring. 1-600, default 30."""
    prompt: Prompt | None = None
    """Played to the caller (answering first) while the destination is called. Default none."""
    caller_id: CallerId | None = None
    """Caller id here. None: the campaign's."""
    ringback: str | None = None
    """Country of the tone plan here. None: the campaign's."""
    fail_over_on: frozenset[int] | None = None
    """Statuses after which the next destination is tried, exactly these. None: the default policy
    of softswitch.routing.failover (never after 486, 600 or 603)."""
    on_failure: "tuple[Node, ...]" = ()
    """Steps when nobody answered. Default none."""
    max_seconds: float | None = None
    """Longest talk. 1-86400; None: the campaign's."""
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call."""

    name: str
    cause: str | None = None
    """Word for the record; None: `hang_up`."""
    status: int | None = None
    """Refuse with this status if the call is not answered yet. 404, 410, 480, 486, 600 or 603;
    None: 480."""
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Goto:
    """Go on elsewhere; what would have followed is forgotten."""

    name: str
    target: str
    """Name of a treatment, or of a node in this treatment."""
    kind: Literal["treatment", "node"] = "treatment"
    location: Location = field(default=NOWHERE, compare=False, repr=False)


Node = Play | Menu | Connect | HangUp | Goto


@dataclass(frozen=True, slots=True)
class Treatment:
    """What happens to a call, step by step. Node names are unique within it."""

    name: str
    nodes: tuple[Node, ...]
    location: Location = field(default=NOWHERE, compare=False, repr=False)

    @property
    def transparent(self) -> bool:
        """Whether it begins with a plain connect: no answer before the far end's."""
        first = self.nodes[0] if self.nodes else None
        return isinstance(first, Connect) and first.prompt is None


@dataclass(frozen=True, slots=True)
class Configuration:
    """One consistent snapshot of everything the YAML says; a call keeps the one it began with."""

    switch: Switch
    trunks: Mapping[str, Trunk]
    numbers: tuple[Number, ...]
    pools: Mapping[str, Pool]
    campaigns: Mapping[str, Campaign]
    treatments: Mapping[str, Treatment]
    source: Path = Path()
    """File it was read from."""
    version: str = ""
    """Short hash of the content and of the variables put into it."""
