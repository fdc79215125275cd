"""What calls and legs need from the process, gathered once: stack, engine, stream, prompts, clocks.

The composition root fills it. Calls never see a socket: what they ask of the stack leaves after
`flush_soon`.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from config.model import Prompt as PromptSource
from config.model import Template
from rtp.engine import Engine, MediaPort, Prompt
from softswitch.call.call_rate import CallRate
from softswitch.call.conference import Conferences
from softswitch.call.event import CallEvent
from softswitch.call.logins import Logins
from softswitch.call.monitor import Monitors
from softswitch.call.seldom import Seldom
from softswitch.call.servers import Ways
from softswitch.call.stream import EventStream
from softswitch.call.vouching import Vouches
from softswitch.sip.flow import Flow
from softswitch.sip.ids import Ids
from softswitch.sip.servers import Server
from softswitch.sip.stack import Stack

if TYPE_CHECKING:
    from softswitch.call.call import Call
    from softswitch.call.called_leg import CalledLeg
    from softswitch.call.dial_request import DialRequest
    from softswitch.call.leg import Leg
    from softswitch.sip.events import RequestReceived
    from softswitch.sip.invite_server import IncomingInvite
    from softswitch.sip.uri import Uri

__all__ = [
    "Ears",
    "LoadedPrompt",
    "MediaListener",
    "PromptShelf",
    "Question",
    "Services",
    "TransferDesk",
    "Utterance",
]


@dataclass(frozen=True, slots=True)
class LoadedPrompt:
    """A prompt ready to play: its name for events, its audio in the engine, its length."""

    name: str
    audio: Prompt
    seconds: float
    ulaw: bytes = b""
    """The same sound for who else must hear it (a recording): mu-law, 8 kHz."""


class PromptShelf(Protocol):
    """Where prompts stand ready; asking never waits."""

    def prompt(self, source: PromptSource, *, country: str = "us") -> LoadedPrompt:
        """The prompt of the configuration, loaded ahead of time; a tone sounds as in the
        country."""

    def rendered(self, template: Template, text: str) -> LoadedPrompt | None:
        """The prompt of a template with its values put in, when it was made ahead of time."""

    def is_ready(self, source: PromptSource) -> bool:
        """Whether `prompt` has it."""

    def ringback(self, country: str) -> LoadedPrompt:
        """One cadence period of a country's ringback tone, to be repeated."""


class MediaListener(Protocol):
    """Who is told what the engine saw on a leg."""

    def on_digit(self, digit: str) -> None:
        """A key was pressed."""

    def on_playback_ended(self, playback: int, *, completed: bool) -> None:
        """A playback ended by itself or was replaced."""


class Utterance(NamedTuple):
    """What somebody said, as it was understood: at the end of a stretch of speech."""

    text: str
    """Lower case words; empty when nothing was understood."""
    confidence: float
    """0 to 1."""
    start: float
    """Monotonic seconds."""
    end: float


class Question(Protocol):
    """Somebody is listened to until `close`."""

    @property
    def speaking(self) -> bool:
        """Whether a voice is heard now, or what it said is still being recognised."""

    async def heard(self) -> Utterance:
        """The next utterance, as soon as it is understood; waits for ever, so under a deadline."""

    def close(self) -> None:
        """Listen no more; twice is once."""


class Ears(Protocol):
    """What treatments can have heard on a leg."""

    @property
    def understands(self) -> bool:
        """Whether there is a recogniser."""

    def listen(self, leg: Leg, words: Sequence[str]) -> Question:
        """Have a leg's speech recognised from now on; `words` is what may be said, for the
        recogniser to lean to."""

    async def judge(self, leg: Leg, within: float) -> str:
        """Whether human, machine or unknown has answered: at latest after so many seconds."""

    async def beep(self, leg: Leg, within: float) -> bool:
        """Wait for an answering machine's beep and the silence after it; whether it came."""

    def overturned(self, leg: Leg) -> bool:
        """Whether a beep has come on a leg that `judge` did not take for a machine."""


class TransferDesk(Protocol):
    """Who decides what parties of calls may have done by REFER."""

    def receive(self, leg: Leg, event: RequestReceived) -> None:
        """A party asks."""

    def replace(self, invite: IncomingInvite) -> tuple[int, str] | None:
        """An INVITE takes a leg over (Replaces); the status that refuses it, and why."""

    def redirect(self, leg: CalledLeg, uri: Uri) -> DialRequest | None:
        """How a leg goes on that its far end sends elsewhere; None: not there."""


class Spends(Protocol):
    """Keeps campaigns within what they may spend."""

    def refuses(self, call: Call) -> bool:
        """Whether no further leg may be placed for the call's campaign."""


@dataclass(slots=True)
class Services:
    """One for the process."""

    loop: asyncio.AbstractEventLoop
    stack: Stack
    engine: Engine
    events: EventStream
    prompts: PromptShelf
    media_host: str
    """Host written into SDP."""
    advertised_host: str
    """Host written into From of calls we originate."""
    flush_soon: Callable[[], None]
    """Has the stack's output sent in this turn of the loop, once however many verbs asked."""
    wall_clock: Callable[[], float] = time.time
    tapped: bool = True
    """Whether what legs hear is copied for the listeners inside the switch."""
    media_hosts: tuple[str, ...] = ()
    """The same as `media_host` of each socket that SIP comes in at; none: it is that of all."""
    ears: Ears | None = None
    """None: nothing is heard but keys."""
    media_listeners: dict[int, MediaListener] = field(default_factory=dict)
    """Engine leg number to whoever owns it."""
    ids: Ids = field(default_factory=Ids)
    on_port_forgotten: Callable[[int], None] | None = None
    """Told the engine's number of each leg that is over."""
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    """Of the calls; whoever takes the switch down waits for them."""
    conferences: Conferences = field(default_factory=Conferences)
    monitors: Monitors = field(default_factory=Monitors)
    trunk_legs: Counter[str] = field(default_factory=Counter)
    """Legs on each trunk now, both directions."""
    servers: dict[tuple[str, str], tuple[Server, ...]] = field(default_factory=dict)
    """What stands behind the name of a trunk, by name and transport, as far as that is known."""
    ways: Ways = field(init=False)
    call_rate: CallRate = field(default_factory=CallRate)
    trunks_down: set[str] = field(default_factory=set)
    """Trunks that do not answer: nothing is sent there."""
    seldom: Seldom = field(default_factory=Seldom)
    """What is not to fill the log."""
    why_unsent: Callable[[Flow], str] = lambda flow: ""
    """Why what was sent to a flow just now does not arrive; empty: it is not known."""
    socket_counts: Counter[str] = field(default_factory=Counter)
    """What went wrong with sockets and connections, by name."""
    logins: Logins = field(default_factory=Logins)
    spending: Spends | None = None
    """Asked for each outbound leg; None: no campaign has a limit on what it spends."""
    vouching: Vouches | None = None
    """None: nothing is signed."""
    transfers: TransferDesk | None = None
    """None: no party may ask for a transfer."""
    now: Callable[[], float] = field(init=False)
    """Monotonic seconds, the clock of the stack: the loop's own, without a step between."""

    def __post_init__(self) -> None:
        self.now = self.loop.time
        self.ways = Ways(self.ids)

    def tell(self, kind: type[CallEvent], **facts: Any) -> None:
        """Publish an event that belongs to no call, and happens now."""
        self.events.tell(kind, at=self.wall_clock(), clock=self.now(), **facts)

    def media_host_at(self, listener: int) -> str:
        """The host written into SDP of a leg by the number of its socket."""
        return self.media_hosts[listener] if listener < len(self.media_hosts) else self.media_host

    def new_call_id(self) -> str:
        """A call id: 96 random bits, URL-safe, unguessable."""
        return self.ids.digits(24)

    def open_port(self, listener: MediaListener, *, beside: MediaPort | None = None) -> MediaPort:
        """Open a media port whose events go to `listener`; raises PortsExhausted."""
        port = self.engine.open_port(beside=beside)
        self.media_listeners[port.leg] = listener
        if self.tapped:
            port.tap(True)
        return port

    def forget_port(self, port: MediaPort) -> None:
        """No more events of this port to anyone."""
        self.media_listeners.pop(port.leg, None)
        if self.on_port_forgotten is not None:
            self.on_port_forgotten(port.leg)
