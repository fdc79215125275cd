"""A whole switch without its sockets, between two scripted phones, on a clock moved by hand.

Real: stack, media engine, event stream, recorder, records and journal on disk, switchboard,
treatments. Carried in memory: the datagrams. Each can be held back, or lost, by name. What every
call must leave behind, whatever happened to it, is in `Laboratory.inspect`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from config.model import Configuration, Prompt, Template
from ringpool.lookup import NumberTable
from rtp.engine import Engine
from softswitch.app import App
from softswitch.call.call import Call
from softswitch.call.events import CallEvent
from softswitch.call.services import LoadedPrompt, Services
from softswitch.routing.trunks import TrunkTable
from softswitch.sip import events as sip_events
from softswitch.sip.dialog import Dialog
from softswitch.sip.flow import Flow, Listener
from softswitch.sip.invite_client import OutgoingInvite
from softswitch.sip.invite_server import IncomingInvite
from softswitch.sip.message import Request
from softswitch.sip.stack import ALLOW, Stack
from softswitch.store.journal import CallJournal
from softswitch.store.records import RecordFile
from softswitch.switchboard.recorder import Recorder
from softswitch.switchboard.switchboard import Snapshot, Switchboard
from softswitch.transport.pump import Pump
from tests.support.configurations import loaded
from tests.support.hand_clock import HandClockLoop
from tests.support.link import describe
from tests.support.ports import free_rtp_range

SWITCH = "192.0.2.9"
HOSTS = {"switch": SWITCH, "caller": "192.0.2.1", "callee": "192.0.2.2"}

DIRECT = "100001"
"""Rings through to the number called, for 5 s."""
MENU = "200001"
"""Asks; 1 connects to AGENT, 2 hangs up; two silences of 1 s, or two wrong keys, end the call."""
FAILOVER = "200002"
"""FIRST for 2 s, then SECOND for 2 s."""
ANSWERED_FIRST = "200003"
"""Plays a prompt, then connects to AGENT, so that the caller hears ringback."""
LONG_PROMPT = "200004"
"""Plays ten seconds, then hangs up."""
CAPTURE_ONLY = "200005"
"""Refused by the number itself with 480."""
COMFORT = "200006"
"""Connects to AGENT with a prompt of ten seconds meanwhile."""
SHORT_TALK = "200007"
"""Rings through; two seconds of talk at most."""
NO_PROMPT = "200008"
"""Plays a prompt that is not there."""
NO_COMFORT = "200009"
"""Connects with a prompt that is not there."""
DECLINED = "200010"
"""Refused by its treatment with 603."""
PLAY_FAILOVER = "200011"
"""Plays a prompt, then FIRST for 2 s, then SECOND."""
AFTERWARDS = "200012"
"""FIRST for 2 s; when that fails, a prompt and a hang-up with the cause `closed`."""

STEERED = "200013"
"""Waits two seconds for a controller; without one a hang-up with the cause `untaken`, behind it a
prompt and a hang-up with the cause `released`."""
ROOM = "200016"
"""The conference `room`; who is put out of it is hung up on with the cause `out`."""
KEPT = "200014"
"""Connects to AGENT; when it has left, a prompt and a hang-up with the cause `kept`."""
AFTER_CALL = "200015"
"""Connects to AGENT, which is asked for the `order` when the caller has left; 9 connects it to
SECOND."""

CALLER = "+16025550100"
AGENT = "+16025551234"
FIRST = "+16025551111"
SECOND = "+16025552222"

CONFIGURATION = f"""
switch: {{max_calls: @max_calls@}}
trunks:
  carrier: {{address: "{HOSTS["caller"]}:5060", trusted: true@carrier@}}
  agents: {{address: "{HOSTS["callee"]}:5060"@agents@}}
numbers:
  1xxxxx: {{campaign: direct, as_is: true}}
  {MENU}: {{campaign: menu, as_is: true}}
  {FAILOVER}: {{campaign: failover, as_is: true}}
  {ANSWERED_FIRST}: {{campaign: answered-first, as_is: true}}
  {LONG_PROMPT}: {{campaign: long-prompt, as_is: true}}
  {CAPTURE_ONLY}: {{campaign: direct, as_is: true, refuse: 480}}
  {COMFORT}: {{campaign: comfort, as_is: true}}
  {SHORT_TALK}: {{campaign: short-talk, as_is: true}}
  {NO_PROMPT}: {{campaign: no-prompt, as_is: true}}
  {NO_COMFORT}: {{campaign: no-comfort, as_is: true}}
  {DECLINED}: {{campaign: declined, as_is: true}}
  {PLAY_FAILOVER}: {{campaign: play-failover, as_is: true}}
  {AFTERWARDS}: {{campaign: afterwards, as_is: true}}
  {STEERED}: {{campaign: steered, as_is: true}}
  {KEPT}: {{campaign: kept, as_is: true}}
  {ROOM}: {{campaign: room, as_is: true}}
  {AFTER_CALL}: {{campaign: after-call, as_is: true}}
prompts: {{short: short, long: long}}
campaigns:
  direct: {{treatment: direct, trunk: agents}}
  menu: {{treatment: menu, trunk: agents}}
  failover: {{treatment: failover, trunk: agents}}
  answered-first: {{treatment: answered-first, trunk: agents}}
  long-prompt: {{treatment: long-prompt, trunk: agents}}
  comfort: {{treatment: comfort, trunk: agents}}
  short-talk: {{treatment: direct, trunk: agents, max_call_time: 2 s}}
  no-prompt: {{treatment: no-prompt, trunk: agents}}
  no-comfort: {{treatment: no-comfort, trunk: agents}}
  declined: {{treatment: declined, trunk: agents}}
  play-failover: {{treatment: play-failover, trunk: agents}}
  afterwards: {{treatment: afterwards, trunk: agents}}
  steered: {{treatment: steered, trunk: agents, originate: {{to: ["+1602555*"]}}}}
  kept: {{treatment: kept, trunk: agents}}
  room: {{treatment: room, trunk: agents}}
  after-call: {{treatment: after-call, trunk: agents}}
treatments:
  direct:
    - connect: {{to: called, ring_time: 5 s}}
  menu:
    - menu:
        prompt: short
        timeout: 1 s
        timeouts_limit: 1
        invalid_limit: 2
        choices:
          1: [connect: "{AGENT}"]
          2: hang_up
  failover:
    - connect: {{to: ["{FIRST}", "{SECOND}"], ring_time: 2 s}}
  answered-first:
    - play: short
    - connect: "{AGENT}"
  long-prompt:
    - play: long
    - hang_up
  comfort:
    - connect: {{to: "{AGENT}", prompt: long}}
  no-prompt:
    - play: missing
  no-comfort:
    - connect: {{to: "{AGENT}", prompt: missing}}
  declined:
    - hang_up: 603
  play-failover:
    - play: short
    - connect: {{to: ["{FIRST}", "{SECOND}"], ring_time: 2 s}}
  steered:
    - controller:
        system: crm
        within: 2 s
        on_failure: [hang_up: untaken]
    - play: short
    - hang_up: released
  room:
    - conference: room
    - hang_up: out
  kept:
    - connect:
        to: "{AGENT}"
        max_time: 30 s
        after_agent: [play: short, hang_up: kept]
  after-call:
    - connect:
        to: "{AGENT}"
        after_caller:
          - name: order
            ask: {{prompt: short, digits: 1-4, timeouts_limit: 1}}
          - condition:
              if: answer.order = "9"
              then: [connect: "{SECOND}"]
          - hang_up
  afterwards:
    - connect:
        to: "{FIRST}"
        ring_time: 2 s
        on_failure:
          - play: short
          - hang_up: closed
"""

# A loopback address of this process alone: no test that runs beside it takes its ports.
MEDIA_HOST = (
    f"127.{1 + (os.getpid() >> 16) % 254}.{os.getpid() >> 8 & 255}.{os.getpid() & 255 or 1}"
)

# Within it an answer without its ACK, or a BYE without its answer, has been given up.
LAST_SECONDS = 40.0
# Every timer of RFC 3261 is over by then, also those of a BYE that waited 64*T1 for its ACK.
QUIET_SECONDS = 150.0

PROMPT_SECONDS = {"short": 0.02, "long": 10.0}


def session_description(
    port: int, direction: str = "sendrecv", *, codecs: str = "0 8 101"
) -> bytes:
    """What a phone with its media on this port would send."""
    return (
        f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP {codecs}\r\na=rtpmap:101 telephone-event/8000\r\n"
        f"a=fmtp:101 0-15\r\na={direction}\r\n"
    ).encode()


class Shelf:
    """Prompts of stated lengths; any other name is a prompt that is not there."""

    def __init__(self, engine: Engine) -> None:
        self._loaded = {
            name: LoadedPrompt(name, engine.load_prompt(bytes(int(seconds * 16000))), seconds)
            for name, seconds in PROMPT_SECONDS.items()
        }

    def prompt(self, source: Prompt, *, country: str = "us") -> LoadedPrompt:
        """The prompt of this text."""
        return self._loaded[source.text or ""]

    def rendered(self, template: Template, text: str) -> LoadedPrompt | None:
        """No prompt with values is ready here."""
        return None

    def is_ready(self, source: Prompt) -> bool:
        """Whether there is a prompt of this text."""
        return (source.text or "") in self._loaded

    def ringback(self, country: str) -> LoadedPrompt:
        """Something that can be repeated."""
        return self._loaded["short"]


class Phone:
    """One far end: a stack of its own, and what happened to it."""

    def __init__(self, laboratory: Laboratory, name: str) -> None:
        self.name = name
        self._laboratory = laboratory
        self.loop = laboratory.loop
        self.address = Flow("udp", HOSTS[name], 5060)
        self.stack = Stack(
            listeners=[Listener("udp", HOSTS[name], 5060)],
            server=name,
            identify=lambda _request, _flow: True,
            allow=ALLOW,
        )
        self.pump: Pump[Any] = laboratory.pump(self.stack, self.on_event, name)
        self.events: list[object] = []
        self.calls: list[IncomingInvite] = []
        """INVITEs that came, in order."""
        self.outgoing: OutgoingInvite | None = None
        self._placed: list[OutgoingInvite] = []
        """All INVITEs that were sent."""
        self.dialog: Dialog | None = None
        self.dialogs: list[Dialog] = []
        """Every dialog there was."""
        self.answers_reinvites = True
        self.description = session_description(laboratory.sink_port)
        self.described_as = "application/sdp"
        """What its description is called where it answers in an ACK."""

    @property
    def now(self) -> float:
        return self.loop.time()

    def on_event(self, event: object) -> None:
        """Note what happened; re-INVITEs are accepted unless said otherwise."""
        self.events.append(event)
        if isinstance(event, sip_events.InviteReceived):
            self.calls.append(event.invite)
        elif isinstance(event, sip_events.InviteAnswered):
            self.dialog = event.dialog
            self.dialogs.append(event.dialog)
            if event.response.body and self.outgoing is not None and not self.offered:
                self._acknowledge(event.dialog)
        elif isinstance(event, sip_events.ReinviteAnswered):
            # The answer to an offer that we left to the switch; nothing is due otherwise.
            self._acknowledge(event.dialog)
        elif isinstance(event, sip_events.ReinviteReceived) and self.answers_reinvites:
            event.dialog.accept_reinvite(body=answer_to(event.request, self), now=self.now)

    def _acknowledge(self, dialog: Dialog) -> None:
        dialog.acknowledge(body=self.description, content_type=self.described_as, now=self.now)

    # Verbs: each sends at once; nothing of it arrives before the loop runs.

    def invite(
        self, number: str, *, body: bytes | None = None, headers: Sequence[tuple[str, str]] = ()
    ) -> OutgoingInvite:
        """Call a number of the switch; an empty body leaves the offer to the switch."""
        self.offered = body is None or bool(body)
        self.outgoing = self.stack.invite(
            uri=f"sip:{number}@{SWITCH}",
            to_flow=Flow("udp", SWITCH, 5060),
            from_=f"<sip:{CALLER}@{HOSTS[self.name]}>",
            to=f"<sip:{number}@{SWITCH}>",
            contact_user="phone",
            body=self.description if body is None else body,
            headers=headers,
            now=self.now,
        )
        self._placed.append(self.outgoing)
        self.pump.flush()
        return self.outgoing

    offered = True

    def cancel(self) -> None:
        """Take the INVITE back; nothing when it has its answer."""
        if self.outgoing is not None:
            self.outgoing.cancel(now=self.now)
            self.pump.flush()

    def ring(self, status: int = 180, *, media: bool = False) -> None:
        """Answer the last INVITE provisionally."""
        self.calls[-1].provisional(status, body=self.description if media else b"", now=self.now)
        self.pump.flush()

    def answer(self, *, body: bytes | None = None) -> None:
        """Answer the last INVITE with 200."""
        if self.calls:
            self.dialog = self.calls[-1].accept(
                body=self.description if body is None else body, now=self.now
            )
            self.dialogs.append(self.dialog)
            self.pump.flush()

    def refuse(self, status: int = 486) -> None:
        """Refuse the last INVITE."""
        if self.calls:
            self.calls[-1].reject(status, now=self.now)
            self.pump.flush()

    def give_up(self) -> None:
        """Refuse all that nobody has answered, leave all whose BYE got lost, ring no longer where
        the answer got lost."""
        for one in self._placed:
            one.cancel(now=self.now)
        for call in self.calls:
            call.reject(480, now=self.now)
        for dialog in self.dialogs:
            dialog.bye(now=self.now)
        self.pump.flush()

    def hang_up(self, *, reason: str | None = None) -> None:
        """Send BYE, if there is a dialog."""
        if self.dialog is not None:
            headers = () if reason is None else (("Reason", reason),)
            self.dialog.bye(headers=headers, now=self.now)
            self.pump.flush()

    def reinvite(self, direction: str = "sendonly", *, body: bytes | None = None) -> None:
        """Offer other media."""
        if self.dialog is not None:
            offer = session_description(self._laboratory.sink_port, direction)
            self.dialog.reinvite(body=offer if body is None else body, now=self.now)
            self.pump.flush()

    def forget(self) -> None:
        """Hold on to nothing of earlier calls."""
        self.events.clear()
        self.calls.clear()
        self.dialogs.clear()
        self._placed.clear()
        self.outgoing = self.dialog = None

    def count(self, kind: type) -> int:
        """How many events of a kind there were."""
        return sum(isinstance(event, kind) for event in self.events)


def answer_to(request: Request, phone: Phone) -> bytes:
    """The answer of a phone that agrees to the direction it was offered."""
    mirrored = {"sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}
    for direction, answer in mirrored.items():
        if f"a={direction}".encode() in request.body:
            return session_description(phone._laboratory.sink_port, answer)
    return phone.description


class Laboratory:
    """The switch on the bench; `close` it."""

    def __init__(
        self,
        folder: Path,
        *,
        pairs: int = 12,
        max_calls: int = 100,
        carrier: str = "",
        agents: str = "",
        rest_seconds: float = 0.0,
    ) -> None:
        self.loop = HandClockLoop()
        self.errors: list[logging.LogRecord] = []
        self.expected_errors: list[str] = []
        """Texts of logged errors that the test provokes."""
        self.counters: Counter[str] = Counter()
        self.held: set[str] = set()
        """`switch:CANCEL`, `callee:200 INVITE`: who sent it and what it is."""
        self.lost: set[str] = set()
        self.lost_once: set[str] = set()
        """The first of that name is lost."""
        self.doubled: set[str] = set()
        self.carried: list[str] = []
        self._bodies: list[tuple[str, bytes]] = []
        self._waiting: list[tuple[str, bytes, Flow]] = []
        self._beside: list[asyncio.Task[None]] = []
        self._sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sink.bind(("127.0.0.1", 0))
        self.sink_port: int = self._sink.getsockname()[1]
        self._log = _ErrorLog(self.errors)
        logging.getLogger().addHandler(self._log)
        self.configuration = _configuration(max_calls, carrier, agents)
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._phones: dict[str, Phone] = {}
        self._pumps: dict[str, Pump[Any]] = {}
        self.all_events: list[CallEvent] = []
        self.loop.run(self._build(pairs, rest_seconds))

    async def _build(self, pairs: int, rest_seconds: float) -> None:
        """On the loop, because pumps and journal belong to it."""
        first, last = free_rtp_range(2 * pairs, MEDIA_HOST)
        self.engine = Engine(
            host=MEDIA_HOST, first_port=first, last_port=last, rest_seconds=rest_seconds
        )
        self.engine.start()
        self.records = RecordFile(self.folder)
        self.journal = CallJournal(
            self.folder,
            records_size=lambda: self.records.file.size,
            soon=self.loop.call_soon,
        )
        app = self.app = App(self.configuration)
        app.engine = self.engine
        stack = self.stack = Stack(
            listeners=[Listener("udp", SWITCH, 5060)],
            server="test",
            identify=app._identify,
        )
        self._pump = self.pump(stack, app._on_stack_event, "switch")
        self.prompts = Shelf(self.engine)
        self.services = app.services = Services(
            loop=self.loop,
            stack=stack,
            engine=self.engine,
            events=app.events,
            prompts=self.prompts,
            media_host=MEDIA_HOST,
            advertised_host=SWITCH,
            flush_soon=self._flush_soon,
        )
        self.recorder = Recorder(app.events, self.journal, self.records)
        app.events.subscribe(self.all_events.append)
        self.switchboard = app.switchboard = Switchboard(
            self.services,
            self.recorder,
            Snapshot(
                self.configuration, NumberTable(self.configuration), TrunkTable(self.configuration)
            ),
        )
        self.loop.add_reader(self.engine.event_fd, app._on_engine_events)
        self.caller = self._phones["caller"] = Phone(self, "caller")
        self.callee = self._phones["callee"] = Phone(self, "callee")
        self._flush_handle: asyncio.Handle | None = None

    # The network.

    def pump(self, stack: Stack, on_event: Callable[[Any], None], name: str) -> Pump[Any]:
        """A pump whose datagrams stay in memory."""

        def send(data: bytes, flow: Flow) -> None:
            self._carry(name, data, flow)

        pump = Pump(stack, on_event=on_event, send=send, counters=self.counters)
        self._pumps[name] = pump
        return pump

    def _flush_soon(self) -> None:
        if self._flush_handle is None:
            self._flush_handle = self.loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_handle = None
        self._pump.flush()

    def _carry(self, sender: str, data: bytes, flow: Flow) -> None:
        name = f"{sender}:{describe(data)}"
        self.carried.append(name)
        body = data.partition(b"\r\n\r\n")[2]
        if body:
            receiver = next((name for name, host in HOSTS.items() if host == flow.host), "")
            self._bodies.append((receiver, body))
        if name in self.lost or name in self.lost_once:
            self.lost_once.discard(name)
            return
        if name in self.held:
            self._waiting.append((sender, data, flow))
            return
        for _ in range(2 if name in self.doubled else 1):
            self.loop.call_soon(self._deliver, sender, data, flow)

    def _deliver(self, sender: str, data: bytes, flow: Flow) -> None:
        receiver = next((name for name, host in HOSTS.items() if host == flow.host), None)
        pump = self._pumps.get(receiver or "")
        if pump is not None:
            source = Flow("udp", HOSTS[sender], 5060)
            pump.stack.receive_datagram(data, source, now=self.loop.time())
            pump.flush()

    def give(self, data: bytes) -> None:
        """Bring the switch a datagram of the caller's host, written by the test."""
        self._deliver("caller", data, Flow("udp", SWITCH, 5060))

    def bodies(self, receiver: str) -> list[bytes]:
        """What was sent to a side in bodies, in order."""
        return [body for name, body in self._bodies if name == receiver]

    def release(self) -> None:
        """Let go what was held back, in order, and hold nothing more; it arrives when the loop
        runs."""
        self.held.clear()
        waiting, self._waiting = self._waiting, []
        for sender, data, flow in waiting:
            self.loop.call_soon(self._deliver, sender, data, flow)

    # Time.

    def settle(self) -> None:
        """Let everything happen that takes no time."""
        self.loop.settle()

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.loop.advance(seconds)

    def do(self, action: Callable[[], object]) -> None:
        """Have something done by the loop, without waiting for what follows of it."""

        async def act() -> None:
            action()

        self.loop.run(act())

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Have something done beside, and see to its end when the laboratory closes."""
        self._beside.append(self.loop.create_task(work))

    # What tests look at and do.

    @property
    def call(self) -> Call:
        """The one call in progress."""
        (call,) = self.switchboard.calls.values()
        return call

    def press(self, digit: str) -> None:
        """Have the engine hear a key of the caller."""
        self.call.caller.on_digit(digit)

    def kinds(self, call_id: str | None = None) -> list[str]:
        """The kinds of a call's events, in order; of the only call by default."""
        return [
            event.kind
            for event in self.all_events
            if event.call_id and call_id in (None, event.call_id)
        ]

    def facts(self, kind: str) -> list[dict[str, Any]]:
        """What the events of a kind said."""
        return [event.facts() for event in self.all_events if event.kind == kind]

    def all_records(self) -> list[dict[str, Any]]:
        """What is in records.jsonl."""
        return list(self.records.file.lines())

    @property
    def record(self) -> dict[str, Any]:
        """The one record."""
        (record,) = self.all_records()
        return record

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait for the engine's threads."""
        self.loop.wait_for(condition)

    def wait_for_prompts(self, count: int = 1) -> None:
        """Wait until so many prompts have ended."""
        self.wait_for(lambda: self.kinds().count("prompt.ended") >= count)

    def forget_peers(self) -> None:
        """Have the phones and the stream's log hold on to nothing of earlier calls."""
        for phone in self._phones.values():
            phone.forget()

    # What must hold in the end.

    def inspect(self) -> None:
        """Let all timers run out and assert that nothing is left and everything was told once."""
        self.release()
        self.advance(LAST_SECONDS)
        calls = self.switchboard.calls
        assert not calls, f"calls in progress: {[self.kinds(call) for call in calls]}"
        for phone in self._phones.values():
            phone.give_up()
        self.advance(QUIET_SECONDS)
        self.inspect_errors()
        self._inspect_events()
        self._inspect_rest()

    def inspect_errors(self) -> None:
        """Nothing was logged as an error, nothing raised into the loop, a subscriber or a pump."""
        unexpected = [
            record.getMessage() + (f" {record.exc_info[1]!r}" if record.exc_info else "")
            for record in self.errors
            if not any(text in record.getMessage() for text in self.expected_errors)
        ]
        assert unexpected == []
        assert self.loop.complaints == []
        assert self.counters["owner_errors"] == 0

    def _inspect_events(self) -> None:
        calls: dict[str, list[CallEvent]] = defaultdict(list)
        for event in self.all_events:
            if event.call_id:
                calls[event.call_id].append(event)
        records = {record["call_id"]: record for record in self.all_records()}
        assert len(records) == len(self.all_records())
        assert set(records) == set(calls)
        for call_id, events in calls.items():
            inspect_call(events, records[call_id])

    def _inspect_rest(self) -> None:
        assert self.recorder.open_calls == 0
        assert self.journal.open_calls == 0
        assert self.services.media_listeners == {}
        assert +self.services.trunk_legs == Counter()
        counters = self.engine.counters
        assert counters.ports_in_use == 0
        assert counters.ports_free + counters.ports_resting == counters.ports_total
        left = [task for task in asyncio.all_tasks(self.loop) if not task.done()]
        assert left == []
        for task in self._beside:
            task.result()
        for name, pump in self._pumps.items():
            stack = pump.stack
            assert isinstance(stack, Stack)
            assert not any(stack.counts().values()), (name, stack.counts())

    def close(self) -> None:
        """Stop threads, close sockets and files."""
        self.loop.run(self.switchboard.close())
        self.loop.settle()
        logging.getLogger().removeHandler(self._log)
        for pump in self._pumps.values():
            pump.close()
        self.loop.remove_reader(self.engine.event_fd)
        self.engine.stop()
        self.journal.close()
        self.records.close()
        self._sink.close()
        self.loop.close()


@contextmanager
def laboratory(folder: Path, **settings: Any) -> Iterator[Laboratory]:
    """A laboratory that is inspected in the end, and closed whatever happens."""
    lab = Laboratory(folder, **settings)
    try:
        yield lab
        lab.inspect()
    finally:
        lab.close()


def inspect_call(events: Sequence[CallEvent], record: dict[str, Any]) -> None:
    """What the events and the record of every call have in common."""
    kinds = [event.kind for event in events]
    assert [event.number for event in events] == list(range(1, len(events) + 1)), kinds
    assert kinds[0] == "call.presented"
    assert kinds[-2:] == ["call.ended", "call.record"], kinds
    for kind in ("call.presented", "call.ended", "call.record"):
        assert kinds.count(kind) == 1, kinds
    assert kinds.count("call.answered") <= 1, kinds
    assert kinds.count("call.bridged") <= 1 + kinds.count("call.unbridged"), kinds
    assert kinds.count("prompt.started") == kinds.count("prompt.ended"), kinds
    ended = Counter(event.facts()["leg"] for event in events if event.kind == "leg.ended")
    # Leg a is originated too, where the call is ours.
    begun = {"a", *(e.facts()["leg"] for e in events if e.kind == "leg.originated")}
    assert ended == Counter(begun), kinds
    # The end has the time at which the legs were over, whatever came in after it.
    clocks = [event.clock for event in events[:-2]]
    assert clocks == sorted(clocks)
    assert events[-2].clock >= max(event.clock for event in events if event.kind == "leg.ended")
    inspect_record(record)


def inspect_record(record: dict[str, Any]) -> None:
    """What is true of every record."""
    assert record["ended_by"] in ("calling", "called", "switch")
    assert record["cause"]
    assert record["ended_at"] >= record["received_at"]
    parts = [record[f"{phase}_seconds"] for phase in ("ivr", "ring", "talk")]
    assert all(seconds >= 0 for seconds in parts)
    assert sum(parts) <= record["total_seconds"] + 0.003
    assert len(record["keys"]) <= 100
    assert len(record["path"]) <= 200
    for leg in record["legs"]:
        assert 200 <= leg["status"] < 700, leg
        assert (leg["status"] == 200) == (leg["answered_at"] is not None), leg
        assert 0 < leg["q850"] < 128
    assert (record["talk_seconds"] == 0) or record["answered_at"]


class _ErrorLog(logging.Handler):
    def __init__(self, errors: list[logging.LogRecord]) -> None:
        super().__init__(logging.ERROR)
        self._errors = errors

    def emit(self, record: logging.LogRecord) -> None:
        self._errors.append(record)


def _configuration(max_calls: int, carrier: str, agents: str) -> Configuration:
    text = CONFIGURATION.replace("@max_calls@", str(max_calls))
    for place, settings in (("@carrier@", carrier), ("@agents@", agents)):
        text = text.replace(place, f", {settings}" if settings else "")
    return loaded(text)
