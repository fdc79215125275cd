"""Trunks beside calls: the switch registers with those that want it, and asks those that are probed
whether they are there.

A shell around the stack's own `Registration` and `Probe`; what they find is told as events, and
down trunks are named in `Services.trunks_down`, where dialling looks.
"""

from __future__ import annotations

import msgspec

from config.model import Configuration, Trunk
from softswitch.call.events import TrunkDown, TrunkRegistered, TrunkUnregistered, TrunkUp
from softswitch.call.services import Services
from softswitch.sip.addresses import sip_uri, uri_host
from softswitch.sip.events import ProbeChanged, RegistrationChanged
from softswitch.sip.flow import Flow
from softswitch.sip.probe import Probe
from softswitch.sip.registration import Registration

__all__ = ["ServerStatus", "TrunkStatus", "TrunkWatch"]

LINE_DIGITS = 20
"""Hexadecimal digits that name a registered contact: 80 bits, nobody's guess."""


class TrunkStatus(msgspec.Struct, frozen=True):
    """How a trunk stands."""

    registered: bool | None
    """None: the switch does not register there."""
    up: bool | None
    """None: it is not probed, or has not answered yet."""
    status: int | None
    """Of the last answer to a probe; 0: there was none."""


class ServerStatus(msgspec.Struct, frozen=True):
    """How one server of a trunk stands."""

    host: str
    port: int
    transport: str
    up: bool | None
    status: int | None
    """Both as in `TrunkStatus`."""


class TrunkWatch:
    """Owns registrations and probes."""

    def __init__(self, services: Services, lines: dict[str, str]) -> None:
        self._services = services
        self._lines = lines
        """Filled for whoever identifies sources: names of trunks by contact."""
        self._trunks: dict[str, Trunk] = {}
        self._registrations: dict[str, tuple[str, Registration]] = {}
        self._probes: dict[str, dict[Flow, Probe]] = {}
        """One a server."""
        self._looked: set[tuple[str, str]] = set()
        """Names and transports whose servers were looked up."""

    async def prepare(self, configuration: Configuration) -> None:
        """Nothing has to be ready before a configuration is in force."""

    def use(self, configuration: Configuration) -> None:
        """Watch the trunks of this configuration; those that are as they were go on."""
        for name, trunk in self._trunks.items():
            after = configuration.trunks.get(name)
            if after != trunk:
                self._tell_withdrawn(name, after)
                self._let_go(name)
        for name, trunk in configuration.trunks.items():
            if self._trunks.get(name) != trunk:
                self._take_up(trunk)
        self._trunks = dict(configuration.trunks)
        self._services.flush_soon()

    def leave(self) -> None:
        """Take the registrations back: calls are to come elsewhere from now on."""
        for _, registration in self._registrations.values():
            registration.stop(now=self._services.now())
        self._services.flush_soon()

    def stop(self) -> None:
        """Ask nobody any more."""
        for name in list(self._trunks):
            self._let_go(name)
        self._trunks = {}

    def status(self, name: str) -> TrunkStatus:
        """How a trunk stands."""
        registered, probe = self._registrations.get(name), self._best_probe(name)
        return TrunkStatus(
            registered=None if registered is None else registered[1].registered,
            up=False if name in self._services.trunks_down else None if probe is None else probe.up,
            status=None if probe is None or probe.up is None else probe.status,
        )

    def servers(self, trunk: Trunk) -> list[ServerStatus]:
        """How the servers stand that its name leads to; none where it is an address."""
        known = self._services.servers.get(trunk.service, ()) if trunk.by_name else ()
        probes = {flow[:3]: probe for flow, probe in self._probes.get(trunk.name, {}).items()}
        found = []
        for server in sorted(known, key=lambda one: (one.priority, -one.weight)):
            transport = server.transport or trunk.transport
            probe = probes.get((transport, server.host, server.port))
            up = None if probe is None else probe.up
            status = None if probe is None or up is None else probe.status
            found.append(ServerStatus(server.host, server.port, transport, up, status))
        return found

    def receive(self, event: RegistrationChanged | ProbeChanged) -> None:
        """Tell what the stack has found."""
        if isinstance(event, ProbeChanged):
            self._on_probe(event)
        else:
            self._on_registration(event)

    def _on_probe(self, event: ProbeChanged) -> None:
        name = str(event.probe.owner)
        for flow, probe in self._probes.get(name, {}).items():
            if probe is event.probe:
                ways = self._services.ways
                (ways.is_there if event.up else ways.is_down)(name, flow)
                self._judge(name)
                return
        # It was let go meanwhile.

    def _judge(self, name: str) -> None:
        """A trunk is down when all its servers are, and until one of them has answered: a server
        that its name leads to only now is not there just because nobody has asked it yet."""
        probe, down = self._best_probe(name), self._services.trunks_down
        is_down = probe is not None and not probe.up and (probe.up is False or name in down)
        if is_down == (name in down):
            return
        if probe is not None and is_down:
            down.add(name)
            self._services.tell(TrunkDown, trunk=name, status=probe.status)
        else:
            down.discard(name)
            self._services.tell(TrunkUp, trunk=name)

    def _best_probe(self, name: str) -> Probe | None:
        """That of a server which is there, else of one that is not known, else of any."""
        rank = {True: 0, None: 1, False: 2}
        probes = self._probes.get(name, {}).values()
        return min(probes, key=lambda probe: rank[probe.up], default=None)

    def _on_registration(self, event: RegistrationChanged) -> None:
        name = str(event.registration.owner)
        known = self._registrations.get(name)
        if known is None or known[1] is not event.registration:
            return
        if event.registered and event.why == "response" and event.status < 300:
            self._services.tell(TrunkRegistered, trunk=name)
        else:
            self._services.tell(
                TrunkUnregistered,
                trunk=name, holds=event.registered, status=event.status, why=event.why,
            )  # fmt: skip

    # Taking up, letting go.

    def looked_up(self, name: str, transport: str) -> None:
        """The servers of a name are known, or will not be soon."""
        self._looked.add((name, transport))
        for trunk in self._trunks.values():
            if trunk.by_name and trunk.service == (name, transport):
                self._take_up(trunk)
        self._services.flush_soon()

    def _take_up(self, trunk: Trunk) -> None:
        """Watch a trunk whose servers are known, or are other ones now."""
        if trunk.by_name and trunk.service not in self._looked:
            return
        if trunk.register is not None and trunk.name not in self._registrations:
            self._register(trunk)
        if trunk.probe is not None:
            self._probe(trunk)

    def _register(self, trunk: Trunk) -> None:
        services, register = self._services, trunk.register
        assert register is not None
        login = trunk.outbound_auth
        user = register.user or ("" if login is None else login.user)
        domain = register.domain or trunk.host
        line = services.ids.digits(LINE_DIGITS)
        self._lines[line] = trunk.name
        registration = services.stack.register(
            registrar=f"sip:{uri_host(domain)}",
            aor=sip_uri(user, domain, 5060),
            contact_user=user,
            line=line,
            expires=register.expires,
            ways=lambda: self._ways(trunk),
            credentials=services.logins.of(trunk),
            owner=trunk.name,
            now=services.now(),
        )
        self._registrations[trunk.name] = (line, registration)

    def _probe(self, trunk: Trunk) -> None:
        """Probe each of its servers, and none that is none any more."""
        probes, ways = self._probes.setdefault(trunk.name, {}), self._ways(trunk)
        for flow in set(probes) - set(ways):
            self._stop_probe(trunk.name, flow, probes.pop(flow))
        for flow in ways:
            if flow not in probes:
                probes[flow] = self._probe_server(trunk, flow)
        self._judge(trunk.name)

    def _probe_server(self, trunk: Trunk, flow: Flow) -> Probe:
        services, probe = self._services, trunk.probe
        assert probe is not None
        return services.stack.probe(
            uri=sip_uri("", trunk.host, trunk.port),
            local=sip_uri("", services.advertised_host, 5060),
            to_flow=flow,
            every=probe.every,
            misses=probe.misses,
            down=probe.down,
            owner=trunk.name,
            now=services.now(),
        )

    def _ways(self, trunk: Trunk) -> list[Flow]:
        services = self._services
        flow = Flow(trunk.transport, trunk.host, trunk.port, trunk.listener)
        return services.ways.of(trunk, flow, services.servers, services.now())

    def _tell_withdrawn(self, name: str, after: Trunk | None) -> None:
        """Say so where a registration that held is not to be any more."""
        _, registration = self._registrations.get(name, ("", None))
        if registration is None or not registration.registered:
            return
        if after is None or after.register is None:
            self._services.tell(
                TrunkUnregistered, trunk=name, holds=False, status=0, why="withdrawn"
            )

    def _let_go(self, name: str) -> None:
        line, registration = self._registrations.pop(name, ("", None))
        if registration is not None:
            self._lines.pop(line, None)
            registration.stop(now=self._services.now())
        for flow, probe in self._probes.pop(name, {}).items():
            self._stop_probe(name, flow, probe)
        self._services.trunks_down.discard(name)

    def _stop_probe(self, name: str, flow: Flow, probe: Probe) -> None:
        probe.stop()
        self._services.ways.is_probed_no_more(name, flow)
