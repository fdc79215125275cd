"""The section treatments: one dataclass a kind of step.

How a treatment runs: its nodes one after the other. A list of nodes nested in a node (the steps of
a menu's choice, `on_failure`, `on_no_input`) that runs out returns to the node after the one it is
nested in. When nothing is left the call ends: by BYE if it was answered, else refused with the
status of the last attempt to connect (480 if there was none).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from config.model.expression import Expression, Template, Value, ValueType
from config.model.hearing import Machine
from config.model.values import NOWHERE, CallerId, Location, Prompt

DistributionPolicy = Literal[
    "order", "round_robin", "weighted", "price", "conversion", "availability", "least_used",
    "nearest",
]  # fmt: skip
AnswerKind = Literal["digits", "number", "zip", "yes_no"]
PlaceSource = Literal["zip", "jip", "area_code"]


@dataclass(frozen=True, slots=True)
class Destination:
    """One place a connect tries."""

    kind: Literal["number", "uri", "called", "template"]
    """A number, a SIP URI, or the number that was called (kept as it was dialled)."""
    number: str | None = None
    """The number (normalised) or URI; None for `called`."""
    trunk: str | None = None
    """Trunk it is reached by. None: the campaign's (the loader has checked that there is one)."""
    ring_seconds: float | None = None
    """How long it may ring. 1-600; None: the connect's."""
    when: Expression | None = None
    """Tried only when this holds (an agent's schedule). None: always."""
    weight: int = 1
    """Share under `weighted`. 1-1000, default 1."""
    price: Expression | None = None
    """What it pays for the call, under `price`. None: nothing."""
    max_calls: int | None = None
    """Calls at once. None: no limit."""
    place: tuple[float, float] | None = None
    """Latitude and longitude in degrees, under `nearest`."""
    template: Template | None = None
    """Number or URI with values of the call in it (a look-up's answer); `number` is None then."""
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
    spoken: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Key -> what a caller may say instead of it: words or short phrases, lower case. Empty: only
    keys count."""
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Choice:
    """How a destination is chosen among several."""

    policy: DistributionPolicy = "order"
    place_from: tuple[PlaceSource, ...] = ("zip", "jip", "area_code")
    """nearest: where the caller's place is taken from, the first that is known."""
    zip: Expression | None = None
    """nearest: the zip, if the caller has keyed one (`answer.zip`)."""
    radius_km: float | None = None
    """nearest: destinations farther away are none. None: any distance."""
    places: str | None = None
    """nearest: name of the table of places. None: the one shipped."""


@dataclass(frozen=True, slots=True)
class Accept:
    """The called party has to press a key before the caller is connected."""

    prompt: Prompt
    key: str = "1"
    timeout_seconds: float = 10.0
    """After the prompt; then the leg is declined and the next destination tried."""


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
    after_caller: "tuple[Node, ...]" = ()
    """Steps for the called party, which stays when the caller has left. Empty: the call ends."""
    after_agent: "tuple[Node, ...]" = ()
    """Steps for the caller who stays when the party called has left. Empty: the call ends."""
    max_seconds: float | None = None
    """Longest talk. 1-86400; None: the campaign's."""
    strategy: Literal["sequential", "simultaneous"] = "sequential"
    """One after the other, or all at once: the first that answers (and accepts) has the call, the
    others get CANCEL with "completed elsewhere"."""
    choice: Choice = Choice()
    """The order they are tried in."""
    whisper: Prompt | None = None
    """Played to the called party after its answer, before the bridge."""
    accept: Accept | None = None
    """Asked of the called party after its answer, before the bridge."""
    machine: Machine | None = None
    """Judged of the called party after its answer, before anything else. None: it is not."""
    message: Prompt | None = None
    """Left on an answering machine after its beep, when `machine` says so."""
    act_on_tones: bool = False
    """Whether busy, congestion and special information tones in early media end the attempt as
    486, 503 and 404 would."""
    send_dtmf: Template | None = None
    """Digits sent to the called party after its answer (an extension); `w` waits half a second."""
    headers: tuple[tuple[str, Template], ...] = ()
    """Header fields of the outbound INVITE, beside the campaign's."""
    outside: "tuple[Node, ...]" = ()
    """nearest: steps when no destination lies within the radius, or the place is not known."""
    credit: bool = True
    """Whether it counts against the campaign's caps."""
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Case:
    """One way of a condition."""

    when: Expression
    steps: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Condition:
    """Follow the steps of the first case that holds."""

    name: str
    cases: tuple[Case, ...]
    otherwise: "tuple[Node, ...]" = ()
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask for digits, a telephone number, a zip, or yes or no (1, 2); the answer is
    `answer.NAME`."""

    name: str
    """The node's name, and the answer's."""
    prompt: Prompt
    kind: AnswerKind = "digits"
    least: int = 1
    """Digits at least. 1-30."""
    most: int = 30
    """Digits at most; so many end the entry. 1-30."""
    terminator: str = "#"
    """Key that ends the entry; empty: none."""
    valid: Expression | None = None
    """Must hold of `answer.NAME` (and whatever else); else the entry counts as invalid."""
    timeout_seconds: float = 5.0
    """Wait for the first key after the prompt."""
    digit_timeout_seconds: float = 3.0
    """Wait for each further key."""
    invalid_limit: int = 4
    timeouts_limit: int = 3
    invalid_prompt: Prompt | None = None
    barge_in: bool = True
    secret: bool = False
    """Its digits stand in no log, event, record or recording, only in the call's memory."""
    remember: bool = False
    """Asked once: the answer is kept for the calling number, and not asked again."""
    default: str | None = None
    """Answer when a limit is reached; None: on_failure, else hang up."""
    on_failure: "tuple[Node, ...]" = ()
    spoken: bool = False
    """Whether the answer may be spoken too; never a secret one."""
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class SetVariables:
    """Compute values, from here on `var.NAME`."""

    name: str
    values: Mapping[str, Expression]
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Lookup:
    """Ask an HTTP server; its answer's fields are `lookup.NAME.FIELD`."""

    name: str
    url: Template
    method: Literal["GET", "POST"] = "POST"
    """POST sends one JSON object, GET a query."""
    send: Mapping[str, Expression] = field(default_factory=dict)
    """What is sent beside campaign, call id, caller and number called."""
    headers: tuple[tuple[str, Template], ...] = ()
    secret: str | None = None
    """Key of the signature (HMAC-SHA256, field X-Softswitch-Signature). None: unsigned."""
    timeout_seconds: float = 2.0
    """0.1-30."""
    cache_seconds: float = 0.0
    """How long an answer holds for calls that send the same. 0: not kept."""
    fields: Mapping[str, ValueType] = field(default_factory=dict)
    """Fields of the answer that are used, with their type; others are dropped."""
    defaults: Mapping[str, Value] = field(default_factory=dict)
    """Values of fields when the server does not answer in time, or without them."""
    on_failure: "tuple[Node, ...]" = ()
    """Steps when it did not answer as it should (after the defaults were taken)."""
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class CampaignShare:
    """A campaign among which calls are distributed."""

    campaign: str
    weight: int = 1
    when: Expression | None = None
    price: Expression | None = None
    """None: the campaign's."""


@dataclass(frozen=True, slots=True)
class Distribute:
    """Choose a campaign that is open, in region and below its caps, and go on with it."""

    name: str
    policy: DistributionPolicy
    campaigns: tuple[CampaignShare, ...]
    otherwise: "tuple[Node, ...]" = ()
    """Steps when none of them takes the call."""
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class SendDtmf:
    """Send keys to the caller's leg."""

    name: str
    digits: Template
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Sms:
    """Ask for a text message to be sent, an event."""

    name: str
    to: Template
    text: Template
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Transfer:
    """Send the answered caller elsewhere by REFER; the call ends when that has worked."""

    name: str
    to: Template
    """A number or SIP URI."""
    timeout_seconds: float = 30.0
    on_failure: "tuple[Node, ...]" = ()
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Controller:
    """Offer the call to a system on the control socket, which steers it until it lets go."""

    name: str
    system: str = ""
    """Which one is waited for. Empty: whichever comes."""
    within_seconds: float = 5.0
    """How long the call waits to be taken. 0.1-120, default 5."""
    on_failure: "tuple[Node, ...]" = ()
    """Steps when nobody took it in time, or whoever did is gone."""
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Wait:
    """Answer, and wait in silence."""

    name: str
    seconds: float
    """0.1-3600."""
    barge_in: bool = False
    """Whether a key ends it."""
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Confer:
    """Answer, and hear all others who are in the conference."""

    name: str
    conference: str
    """Letters, digits, `.`, `_`, `-`; up to 64."""
    muted: bool = False
    """Whether the caller only listens."""
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class PythonStep:
    """A coroutine of the operator's own: `async def f(call: TreatmentCall) -> None`."""

    name: str
    module: str
    function: str
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


Node = (
    Play
    | Menu
    | Connect
    | Condition
    | Ask
    | SetVariables
    | Lookup
    | Distribute
    | SendDtmf
    | Sms
    | Transfer
    | Controller
    | Wait
    | Confer
    | PythonStep
    | HangUp
    | Goto
)


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
