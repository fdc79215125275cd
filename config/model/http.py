"""The sections webhooks, pixels and web: who is told of calls over HTTP, what the web may ask."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from config.model.control import ControlTls
from config.model.expression import Expression, Template
from config.model.values import NOWHERE, Location


@dataclass(frozen=True, slots=True)
class Webhook:
    """A server that is told of events."""

    name: str
    url: str
    events: tuple[str, ...] = ("call.record",)
    """Kinds of events, or patterns such as `call.*`."""
    campaigns: tuple[str, ...] = ()
    """The only campaigns whose events it is told; empty: all."""
    secret: str | None = field(default=None, repr=False)
    """Key of the signature; never shown anywhere."""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    timeout_seconds: float = 10.0
    """Of one attempt."""
    max_age_seconds: float = 3 * 86400.0
    """An event older than this is given up."""
    location: Location = field(default=NOWHERE, compare=False, repr=False)
    events_place: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Pixel:
    """A URL that is fetched once for each call, when it has ended."""

    name: str
    url: Template
    campaigns: tuple[str, ...] = ()
    """The only campaigns it is fetched for; empty: all."""
    when: Expression | None = None
    timeout_seconds: float = 10.0
    max_age_seconds: float = 86400.0
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class WebPool:
    """A pool that web pages may ask for numbers."""

    key: str
    """Stands in the page for all to see; it says which pages ask, and opens nothing else."""
    origins: tuple[str, ...] = ()
    """Origins of pages that may ask; empty: those of the section."""
    owner: str = ""
    publisher: str | None = None


@dataclass(frozen=True, slots=True)
class Web:
    """What browsers of visitors can reach."""

    host: str
    port: int
    tls: ControlTls | None = None
    origins: tuple[str, ...] = ()
    pools: Mapping[str, WebPool] = field(default_factory=dict)
    per_minute: int = 60
    """Requests of one address."""
    proxies: tuple[str, ...] = ()
    """Hosts and networks whose X-Forwarded-For is believed."""
    results: bool = False
    """Whether results of calls are taken here, too."""
