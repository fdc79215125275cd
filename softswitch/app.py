"""The composition root: builds the switch from a configuration, runs it, takes it down.

The only module that knows every room. Things are built from the bottom up and closed in reverse
order by one AsyncExitStack; whoever fails to start says so in a sentence (StartError).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
from contextlib import AsyncExitStack

from config.listeners import endpoints
from config.model import Configuration
from ivr.prompts import PromptError, PromptLibrary
from media.speech.recognition.engines import RecogniserError
from rtp.engine import DigitReceived, Engine, PlaybackEnded
from softswitch.call.services import Services
from softswitch.call.stream import EventStream
from softswitch.certificates import tls_files
from softswitch.control.history import EventHistory
from softswitch.control.opening import ControlUnusable
from softswitch.control.webhooks.service import Webhooks
from softswitch.data_files import DataFiles, sentence_of
from softswitch.front import Front
from softswitch.hearing.folder import make_recordings_folder
from softswitch.hearing.listening import Listening
from softswitch.hearing.tick import HearingTick
from softswitch.host_names import address_of, directory_of, resolver_of
from softswitch.housekeeping import Housekeeping
from softswitch.log import EventLog, LogWriter, set_up_logging
from softswitch.machine import check_ports, engine_threads_for, raise_open_file_limit
from softswitch.routing.trunks import Known
from softswitch.signatures import Signatures
from softswitch.sip.events import (
    InviteReceived,
    ProbeChanged,
    RegistrationChanged,
    RequestRefused,
    ResponseRefused,
)
from softswitch.sip.flow import Flow, Listener
from softswitch.sip.message import Request
from softswitch.sip.stack import Stack
from softswitch.snapshots import SnapshotMaker
from softswitch.spoken_bindings import SpokenBindings
from softswitch.stir.errors import StirUnusable
from softswitch.store.journal import CallJournal
from softswitch.store.lock import DataFolderError, DataFolderLock
from softswitch.store.number_file import NumberFile
from softswitch.store.postgres.errors import DatabaseUnusable
from softswitch.store.records import RecordFile
from softswitch.store.spend_share import SpendShare
from softswitch.switchboard.admission import Admission
from softswitch.switchboard.recorder import Recorder
from softswitch.switchboard.spending import Spending
from softswitch.switchboard.switchboard import Snapshot, Switchboard
from softswitch.switchboard.trunk_addresses import TrunkAddresses
from softswitch.switchboard.trunk_servers import TrunkServers
from softswitch.switchboard.trunk_watch import TrunkWatch
from softswitch.tracking import Tracking
from softswitch.transport import Endpoint, NameNotResolved, Tls, Transport
from softswitch.version import VERSION

logger = logging.getLogger(__name__)

__all__ = ["LINGER_SECONDS", "App", "StartError"]

KICK_SECONDS = 0.004
"""How long commands to the engine may wait for company while nothing ticks; else they go with the
next tick. A packet that comes earlier finds them obeyed all the same; only what the clock starts, a
prompt say, begins so much later."""

RESOLVE_SECONDS = 60.0
LINGER_SECONDS = 2.0
"""How long the stack may go on after the last call, so that a lost BYE is sent again."""

START_FAILURES = (
    ControlUnusable, DataFolderError, DatabaseUnusable, PromptError, RecogniserError, ValueError,
    OSError, StirUnusable,
)  # fmt: skip
"""What keeps the switch from starting and is said in a sentence."""


class StartError(Exception):
    """The switch cannot start; the text is for the operator."""


class App:
    """One running switch."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.events = EventStream()
        self.history = EventHistory(self.events, epoch=secrets.token_hex(4))
        self.webhooks = Webhooks(self.history, configuration.switch.data)
        self.switchboard: Switchboard
        self.services: Services
        self.transport: Transport
        self.engine: Engine
        self.records: RecordFile
        self.journal: CallJournal
        self.hearing: HearingTick
        self.listening: Listening | None = None
        self.tracking: Tracking
        self.number_file: NumberFile
        self.snapshots: SnapshotMaker
        self.front: Front
        self.recovered = 0
        self.stopping = asyncio.Event()
        """Set when the switch is to take no new calls and to stop behind those it has."""
        self._resources = AsyncExitStack()

    # Start.

    async def start(self, *, log: LogWriter | None = None) -> None:
        """Take the data folder, recover, prepare prompts, open the sockets; raises StartError."""
        raise_open_file_limit()
        try:
            self._open_log(log)
            self._open_store()
            self._bind_signalling()
            await self._open_webhooks()
            await self._open_tracking()
            await self._open_media()
            await self._open_signalling()
        except BaseException as error:
            await self._resources.aclose()
            if isinstance(error, START_FAILURES):
                raise StartError(sentence_of(error)) from None
            raise

    def _open_log(self, log: LogWriter | None) -> None:
        switch = self.configuration.switch
        as_json = switch.log_format == "json"
        if log is None:
            log = LogWriter(as_json=as_json)
            self._resources.callback(log.close)
        set_up_logging(log, level=switch.log_level, as_json=as_json)
        self.event_log = EventLog(log, level=switch.log_level, as_json=as_json)

    def _open_store(self) -> None:
        folder = self.configuration.switch.data
        lock = DataFolderLock(folder)
        self._resources.callback(lock.close)
        try:
            files = DataFiles.open(folder, self._resources)
        except OSError as error:
            raise StartError(sentence_of(error, about=f"data folder {folder}")) from None
        self.records, self.journal = files.records, files.journal
        self.number_file, self.recovered = files.number_file, files.recovered

    async def _open_webhooks(self) -> None:
        """Before there are calls, and closed behind them: the last records are told, too."""
        self._resources.push_async_callback(self.webhooks.close)
        await self.webhooks.start(self.configuration)

    async def _open_tracking(self) -> None:
        loop = asyncio.get_running_loop()
        self.tracking = Tracking(self.configuration, self.events, now=loop.time)
        self._resources.push_async_callback(self.tracking.close)
        await self.tracking.start()

    def _bind_signalling(self) -> None:
        """Take the SIP sockets before all that costs time: a port that is taken is told at once."""
        switch = self.configuration.switch
        self.resolver = resolver_of(switch)
        sockets = [
            Endpoint(one.transport, one.host, one.port, one.origins) for one in endpoints(switch)
        ]
        self.tls = None if switch.tls is None else Tls(tls_files(switch.tls))
        self.transport = Transport(sockets, resolver=self.resolver, tls=self.tls)
        self._resources.push_async_callback(self.transport.close)

    async def _open_media(self) -> None:
        switch = self.configuration.switch
        loop = asyncio.get_running_loop()
        try:
            host = await address_of(switch.rtp_host)
        except NameNotResolved as error:
            raise StartError(f"rtp_host: {error}") from None
        self.engine = Engine(
            host=host,
            first_port=switch.rtp_first_port,
            last_port=switch.rtp_last_port,
            threads=switch.engine_threads or engine_threads_for(len(os.sched_getaffinity(0))),
            when_commanded=self._kick_soon,
        )
        self.hearing = HearingTick(loop, self.engine)
        self.engine.start()
        self._resources.callback(self.engine.stop)
        check_ports(self.engine, switch)
        self.prompts = PromptLibrary(self.engine, switch.data / "prompts")
        self._resources.push_async_callback(self.prompts.close)
        await self.prompts.prepare(self.configuration)
        self.spoken = SpokenBindings(self.prompts, self.tracking.live, lambda: self.configuration)
        self.spoken.start()
        if self.prompts.chimes:
            logger.warning(
                "no speech synthesiser is installed: a chime plays for %d text prompts "
                "(pip install 'softswitch[speech]')", self.prompts.chimes,
            )  # fmt: skip

    def _kick_soon(self) -> None:
        if not self.hearing.kick_soon():
            asyncio.get_running_loop().call_later(KICK_SECONDS, self.engine.kick)

    async def _open_signalling(self) -> None:
        switch = self.configuration.switch
        loop = asyncio.get_running_loop()
        hosts = tuple(one.advertise_host for one in endpoints(switch))
        stack = Stack(
            listeners=[
                Listener(endpoint.transport, host, endpoint.port, endpoint.host)
                for endpoint, host in zip(self.transport.endpoints, hosts, strict=True)
            ],
            server=f"softswitch/{VERSION}",
            identify=self._identify,
        )
        self.stack = stack
        self.services = Services(
            loop=loop,
            stack=stack,
            engine=self.engine,
            events=self.events,
            prompts=self.prompts,
            media_host=switch.advertise_host,
            media_hosts=hosts,
            advertised_host=switch.advertise_host,
            flush_soon=self.transport.flush_soon,
            why_unsent=self.transport.why_failed,
            socket_counts=self.transport.counters,
            tapped=switch.tap,
        )
        recorder = Recorder(self.events, self.journal, self.records)
        self.event_log.follow(self.events)
        self.names = TrunkAddresses(self.resolver, self.services.servers, self._learn)
        self._resources.push_async_callback(self.names.close)
        self.snapshots = SnapshotMaker(self.names, self.tracking.live, self.number_file.numbers)
        snapshot = await self.snapshots.make(self.configuration)
        self.switchboard = Switchboard(self.services, recorder, snapshot, self.tracking.means())
        self._resources.push_async_callback(self.switchboard.close)
        self.signatures = Signatures(self.services, self.switchboard)
        self._resources.push_async_callback(self.signatures.close)
        await self.signatures.open(self.configuration)
        self.servers = TrunkServers(
            self.services,
            lambda: directory_of(switch),
            {one.transport for one in self.transport.endpoints},
        )
        self._resources.push_async_callback(self.servers.close)
        self.servers.use(self.configuration)
        self._tell_stack(stack)
        self.trunk_watch = TrunkWatch(self.services, self.switchboard.sources.lines)
        self.servers.on_looked = self._on_looked
        self.names.use(self.configuration, snapshot.trunks.known)
        self._watch_spending()
        self.admission = Admission(
            self.services, lambda: self.configuration.admission, self.transport.backlog
        )
        self._resources.callback(self.admission.close)
        if switch.tap:
            await self._open_ears()
        loop.add_reader(self.engine.event_fd, self._on_engine_events)
        self._resources.callback(loop.remove_reader, self.engine.event_fd)
        keeping = Housekeeping(
            self.services, self.journal, self.records, whose=self.switchboard.sources.names_at
        )
        keeper = loop.create_task(keeping.run(), name="housekeeping")
        self._resources.push_async_callback(_cancelled, keeper)
        self.front = Front(self, self._use)
        self._resources.push_async_callback(self.front.close)
        await self.front.open()
        await self.transport.start(stack, self._on_stack_event)
        self.admission.start()
        self.trunk_watch.use(self.configuration)
        self._resources.callback(self.trunk_watch.stop)

    def _watch_spending(self) -> None:
        """Keep campaigns within what they may spend, on all nodes together."""
        self.spending = Spending(self.services, self.switchboard.calls.get)
        self.spending.use(self.configuration)
        if self.tracking.database is not None:
            share = SpendShare(self.tracking.database, self.spending.book, now=self.services.now)
            self._resources.push_async_callback(share.close)
            share.start()

    def _use(self, configuration: Configuration, snapshot: Snapshot) -> None:
        """Have calls that come in from now on begin with another configuration."""
        before, self.configuration = self.configuration, configuration
        self._reuse_connections()
        self.switchboard.snapshot = snapshot
        self.switchboard.sources.gatekeeper.forget_known()
        self.names.use(configuration, snapshot.trunks.known)
        self.spoken.use(before)

    def _tell_stack(self, stack: Stack) -> None:
        """Have the stack ask whose messages it may look at, and whose they are."""
        sources = self.switchboard.sources
        stack.admits = sources.gatekeeper.admits
        stack.tell_strangers(sources.gatekeeper.is_stranger, sources.belongs)
        stack.tell_answers(sources.answers, self.transport.has_led)
        self.transport.on_certificate_refused = sources.note_certificate_refused
        self._reuse_connections()

    def _reuse_connections(self) -> None:
        """Use connections in both directions where the configuration says so."""
        trunks = self.configuration.trunks.values()
        hosts = {trunk.host for trunk in trunks if trunk.connection_reuse}
        self.transport.reuse(hosts)
        self.stack.reuse_connections(hosts, self.transport.alias)

    def _learn(self, known: Known) -> None:
        """Have trunks known by what their names stand for now."""
        self.switchboard.snapshot.trunks.learn(known)
        self.switchboard.sources.gatekeeper.forget_known()

    def _on_looked(self, name: str, transport: str) -> None:
        """The servers behind a name are known, or will not be soon."""
        self.trunk_watch.looked_up(name, transport)
        self.names.look_soon()

    async def _open_ears(self) -> None:
        """Have everything heard that the configuration wants heard."""
        make_recordings_folder(self.configuration)
        self.listening = Listening(
            self.services,
            self.hearing,
            self.configuration,
            find_call=self.switchboard.calls.get,
        )
        self._resources.push_async_callback(self.listening.close)
        await self.listening.start()
        self.hearing.start()
        self._resources.callback(self.hearing.stop)
        # Before anything above is taken down: the ends of calls wait for what was heard last.
        self._resources.push_async_callback(self.switchboard.settle)

    # While it runs.

    def _identify(self, request: Request, flow: Flow) -> object:
        return self.switchboard.sources.identify(request, flow)

    def _on_stack_event(self, event: object) -> None:
        if isinstance(event, InviteReceived):
            self.switchboard.receive(event.invite)
            return
        if isinstance(event, RequestRefused):
            self.switchboard.on_refused(event)
            return
        if isinstance(event, RegistrationChanged | ProbeChanged):
            self.trunk_watch.receive(event)
            return
        about = getattr(event, "invite", None) or getattr(event, "dialog", None)
        owner = None if about is None else about.owner
        if owner is not None:
            owner.receive(event)
        elif isinstance(event, ResponseRefused):
            self.switchboard.sources.note_response_refused(event)

    def _on_engine_events(self) -> None:
        listeners = self.services.media_listeners
        for event in self.engine.next_events():
            listener = listeners.get(event.leg)
            if listener is None:
                continue
            if isinstance(event, DigitReceived):
                listener.on_digit(event.digit)
            elif isinstance(event, PlaybackEnded):
                listener.on_playback_ended(event.playback, completed=event.completed)

    # The end.

    async def drain(self) -> None:
        """Take no new calls; let those in progress end, at latest after the grace period."""
        self.trunk_watch.leave()
        await self.switchboard.drain()

    async def stop(self, *, linger: float = LINGER_SECONDS) -> None:
        """End what is left, let the stack finish its last transactions, close everything."""
        self.switchboard.end_all("shutdown")
        self.transport.flush()
        deadline = self.services.now() + linger
        # The stack has no event for silence, and this happens once in a life.
        while self.services.now() < deadline and self.stack.busy():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        await self._resources.aclose()


async def _cancelled(task: asyncio.Task[None]) -> None:
    """End a task and wait until it has ended."""
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
