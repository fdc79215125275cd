"""The front of the house: whoever speaks with the switch but carriers. Control socket and HTTP, web
pages, lists of numbers, traces, and who takes another configuration into force.

Part of the composition root, built on top of a switch whose calls are ready to come.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Protocol

from config.listeners import endpoints
from config.model import Configuration
from ivr.prompts import PromptLibrary
from ivr.sounds import SoundShelf
from rtp.engine import Engine
from softswitch.call.services import Services
from softswitch.call.stream import EventStream
from softswitch.certificates import CertificateWatch, FollowingCertificates
from softswitch.check import load_startable
from softswitch.control.access import Access
from softswitch.control.desk import Desk
from softswitch.control.history import EventHistory
from softswitch.control.http_app import WebApp
from softswitch.control.methods.all import all_methods
from softswitch.control.metrics import Metrics
from softswitch.control.number_desk import NumberDesk
from softswitch.control.opening import ControlDoor, access_of
from softswitch.control.results import ResultDesk, add_results
from softswitch.control.server import ControlServer
from softswitch.control.steering import Steering
from softswitch.control.web.allocation import Allocations
from softswitch.control.web.listener import WebListener, add_allocations, open_listener
from softswitch.control.web_status import add_status
from softswitch.control.webhooks.service import Webhooks
from softswitch.followers import FollowingEars, FollowingLog
from softswitch.hearing.listening import Listening
from softswitch.hearing.tick import HearingTick
from softswitch.log import EventLog, LogLevels
from softswitch.machine import held_by
from softswitch.reload import Reloader
from softswitch.signatures import Signatures
from softswitch.snapshots import SnapshotMaker
from softswitch.store.journal import CallJournal
from softswitch.store.number_file import NumberFile
from softswitch.store.opt_outs import OptOutFile
from softswitch.store.records import RecordFile
from softswitch.switchboard.admission import Admission
from softswitch.switchboard.call_lists import CallLists
from softswitch.switchboard.guards import Guards
from softswitch.switchboard.originate import Originator
from softswitch.switchboard.spending import Spending
from softswitch.switchboard.switchboard import Snapshot, Switchboard
from softswitch.switchboard.transfers import Transfers
from softswitch.switchboard.trunk_servers import TrunkServers
from softswitch.switchboard.trunk_watch import TrunkWatch
from softswitch.traces.tracer import Tracer
from softswitch.tracking import Tracking
from softswitch.transport import Tls, Transport
from softswitch.version import VERSION

__all__ = ["Front", "House"]

RETRY_SECONDS = 1.0
"""Between two tries to write what the disk has refused, as the records are tried again."""


class House(Protocol):
    """The switch behind it."""

    configuration: Configuration
    events: EventStream
    event_log: EventLog
    history: EventHistory
    webhooks: Webhooks
    switchboard: Switchboard
    services: Services
    transport: Transport
    tls: Tls | None
    engine: Engine
    prompts: PromptLibrary
    records: RecordFile
    journal: CallJournal
    hearing: HearingTick
    listening: Listening | None
    tracking: Tracking
    number_file: NumberFile
    snapshots: SnapshotMaker
    servers: TrunkServers
    admission: Admission
    spending: Spending
    signatures: Signatures
    trunk_watch: TrunkWatch
    stopping: asyncio.Event


class Front:
    """Owns all of it; closed before the switch is."""

    def __init__(self, house: House, put: Callable[[Configuration, Snapshot], None]) -> None:
        """`put` has calls that come in from now on begin with another configuration."""
        self._house = house
        self._put = put
        self._resources = AsyncExitStack()
        self.reloader: Reloader
        self.control: ControlServer
        self.tracer: Tracer
        self.certificates: CertificateWatch

    async def open(self) -> None:
        """Have campaign systems and operators heard; raises ControlUnusable."""
        desk = self._make_desk()
        self._open_lists(desk)
        self._watch_certificates(desk)
        await self._open_traces(desk)
        self._open_steering(desk)
        catalogue, access = all_methods(), access_of(self._house.configuration.control)
        web = WebApp(catalogue, desk, access)
        await self._open_web(web, desk, access)
        self.control = ControlServer(catalogue, desk, access, http=web.protocol)
        self._resources.push_async_callback(self.control.close)
        door = ControlDoor(access)
        await door.open(self.control, self._house.configuration)
        desk.reloads = self.reloader = self._make_reloader(door)
        self._resources.push_async_callback(self.reloader.close)

    async def close(self) -> None:
        """Hear nobody any more."""
        await self._resources.aclose()

    # The desk.

    def _make_desk(self) -> Desk:
        house = self._house
        desk = Desk(
            switchboard=house.switchboard,
            services=house.services,
            history=house.history,
            configuration=lambda: house.configuration,
            version=VERSION,
            drain=house.stopping.set,
            guards=Guards(
                lambda: house.configuration,
                house.switchboard.calls,
                now=asyncio.get_running_loop().time,
            ),
            originator=Originator(house.switchboard),
        )
        desk.logs = LogLevels(house.event_log)
        desk.credit, desk.paused = house.tracking.credit, house.tracking.paused
        desk.pools, desk.trunk_watch = house.tracking.pools, house.trunk_watch
        desk.is_connected = house.transport.is_connected
        desk.status_of["admission"] = house.admission.status
        desk.status_of["signatures"] = house.signatures.vouching.status
        desk.status_of["webhooks"] = house.webhooks.status
        desk.status_of["queues"] = self._queues
        desk.status_of["held"] = lambda: held_by(house.services)
        if house.listening is not None:
            desk.status_of["hearing"] = house.listening.status
            desk.tapes, desk.keywords = house.listening.recording, house.listening.keywords
        desk.results = ResultDesk(house.tracking.database, desk.configuration, house.events)
        desk.numbers = NumberDesk(
            house.number_file,
            lambda: house.switchboard.snapshot.numbers,
            lambda: house.configuration,
            house.events,
        )
        self._resources.push_async_callback(desk.numbers.close)
        self._resources.push_async_callback(desk.idempotency.close)
        return desk

    def _queues(self) -> dict[str, object]:
        """What waits, and where."""
        house = self._house
        queues = {"records": house.records.waiting, "events": house.history.behind}
        queues |= house.tracking.queues()
        return {"open_calls": house.journal.open_calls, "queues": queues}

    def _open_lists(self, desk: Desk) -> None:
        """Have lists of numbers called, but for who has opted out."""
        house = self._house
        assert desk.originator is not None
        assert desk.guards is not None
        loop = asyncio.get_running_loop()
        opt_outs = OptOutFile(
            house.configuration.switch.data,
            wall_clock=time.time,
            later=lambda retry: loop.call_later(RETRY_SECONDS, retry),
        )
        self._resources.callback(opt_outs.close)
        desk.lists = CallLists(house.switchboard, desk.originator, desk.guards, opt_outs)
        self._resources.push_async_callback(desk.lists.close)
        originator, lists = desk.originator, desk.lists
        desk.status_of["originate"] = lambda: {"placed": originator.placed, "lists": lists.running}

    def _watch_certificates(self, desk: Desk) -> None:
        """Have certificates told of before they end."""
        self.certificates = CertificateWatch(
            self._house.services, self._house.configuration, self._house.tls
        )
        self._resources.push_async_callback(self.certificates.close)
        self.certificates.start()
        desk.status_of["certificates"] = self.certificates.status

    async def _open_traces(self, desk: Desk) -> None:
        """Have calls traced that the configuration, or whoever asks at the desk, wants traced."""
        house, switch = self._house, self._house.configuration.switch
        self.tracer = desk.tracer = Tracer(
            house.services,
            listeners=[
                (told.advertise_host, one.port)
                for told, one in zip(endpoints(switch), house.transport.endpoints, strict=True)
            ],
            folder=switch.data,
            find_call=house.switchboard.calls.get,
            listen_tap=None if house.listening is None else house.hearing.listen,
        )
        desk.status_of["traces"] = self.tracer.status
        self._resources.push_async_callback(self.tracer.close)
        await self._trace(house.configuration)

    async def _trace(self, configuration: Configuration) -> None:
        await self.tracer.apply(configuration.trace)

    def _open_steering(self, desk: Desk) -> None:
        """Have calls steered from outside."""
        house = self._house
        desk.steering = Steering(desk.holders)
        assert desk.guards is not None
        house.services.transfers = Transfers(house.switchboard, desk.guards, desk.holders)
        house.switchboard.means.nodes.controllers = desk.steering
        desk.status_of["steering"] = desk.steering.status
        desk.sounds = SoundShelf(house.engine, house.configuration.switch.data / "sounds")
        self._resources.push_async_callback(desk.sounds.close)

    # HTTP.

    async def _open_web(self, web: WebApp, desk: Desk, access: Access) -> None:
        """Have web pages given numbers, where that is configured, and results posted; raises
        ControlUnusable."""
        house = self._house
        assert desk.results is not None
        add_status(web, desk, Metrics(house.events))
        add_results(web, desk.results)
        allocations = Allocations(desk.configuration, lambda: house.tracking.pools)
        add_allocations(web, allocations)
        if house.configuration.web is not None:
            listener = WebListener(desk.configuration, allocations, desk.results, access)
            self._resources.push_async_callback(listener.close)
            await open_listener(listener, house.configuration.web)
            desk.status_of["web"] = listener.status
        self._resources.push_async_callback(web.close)
        await web.start()

    # Another configuration.

    def _make_reloader(self, door: ControlDoor) -> Reloader:
        """Who takes another configuration into force."""
        house = self._house
        reloader = Reloader(
            load=lambda: load_startable(house.configuration.source, os.environ),
            running=lambda: house.configuration,
            switchboard=house.switchboard,
            prompts=house.prompts,
            tracking=house.tracking,
            make_snapshot=house.snapshots.make,
            put=self._put,
            events=house.events,
            followers=[
                door,
                FollowingLog(house.event_log, house.configuration),
                house.trunk_watch,
                house.servers,
                house.spending,
                house.signatures,
            ],
            afterwards=[house.webhooks.update, self._trace],
        )
        if house.listening is not None:
            reloader.followers.append(FollowingEars(house.listening))
        if house.tls is not None:
            reloader.followers.append(FollowingCertificates(house.tls))
        reloader.followers.append(self.certificates)
        return reloader
