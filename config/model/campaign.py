"""The section campaigns: treatment, rating, payout, caps, fraud."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from config.model.expression import Expression, Template
from config.model.hearing import Keywords, Recording
from config.model.originate import OriginateRules
from config.model.values import NOWHERE, ORIGINAL_CALLER, CallerId, Location, Prompt

RatingWord = Literal["high", "medium", "low"]
CapKind = Literal["concurrent", "hourly", "daily", "monthly", "budget"]
CapScope = Literal["campaign", "publisher", "destination"]


@dataclass(frozen=True, slots=True)
class RatingRule:
    """A rating that a call gets when the condition holds; the first rule that does counts."""

    when: Expression | None
    """None: always."""
    rate: RatingWord | int
    """A word, or 1-100."""
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class PriceRule:
    """An amount when a condition holds: the first that does is the base."""

    name: str
    """Name for the record: as given, else `base-1`, `bonus-1`..."""
    when: Expression | None
    amount: Expression
    """Mostly a constant; `10% * result.amount` is a percentage of a sale."""
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Repeat:
    """What a caller earns who has called before."""

    within_seconds: float
    """Hours to months."""
    amount: Decimal = Decimal(0)
    """Instead of base and bonuses."""
    by: Literal["campaign", "publisher", "number"] = "campaign"
    """Earlier calls that count: to this campaign, publisher, or number."""
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Payout:
    """What a call earns the publisher."""

    currency: str
    base: tuple[PriceRule, ...]
    bonuses: tuple[PriceRule, ...] = ()
    """Each that holds is added."""
    repeat: Repeat | None = None
    prices: Mapping[str, Decimal] = field(default_factory=dict)
    """Base by publisher: where a base rule holds, this is its amount for that publisher."""
    maximum: Decimal | None = None
    """No call earns more. None: the sum of the constants; needed where an amount is none."""
    location: Location = field(default=NOWHERE, compare=False, repr=False)

    # `highest` (what a budget cap reserves) is softswitch.campaign.payout's to compute.


@dataclass(frozen=True, slots=True)
class Cap:
    """A limit that is never exceeded, on any number of nodes."""

    name: str
    kind: CapKind
    limit: Decimal
    """Calls, or an amount of the campaign's currency for `budget`."""
    scope: CapScope = "campaign"
    """One count for the campaign, or one for each publisher or destination of it."""
    counts: Literal["connection", "conversion"] = "connection"
    conversion: Expression | None = None
    """What a conversion is; None: the campaign's."""
    period: Literal["hour", "day", "month", "none"] = "none"
    """When it begins anew: from the kind; a budget says it."""
    time_zone: str = "UTC"
    """Whose hour, day and month."""
    over: str | None = None
    """Treatment of calls above it. None: the next campaign or destination, else 480."""
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class FraudRule:
    """A threshold on what calls look like; calls that follow are rejected and earn nothing."""

    name: str
    when: Expression
    """Looked at when a call has ended."""
    who: Literal["caller", "publisher", "number"] = "caller"
    """Whose following calls are rejected."""
    seconds: float = 86400.0
    """For how long."""
    then: Literal["ring", "busy", "announcement"] = "busy"
    prompt: Prompt | None = None
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Blocked:
    """Callers that are turned away."""

    lists: tuple[str, ...]
    """Names of lists."""
    then: Literal["ring", "busy", "announcement"] = "busy"
    prompt: Prompt | None = None


@dataclass(frozen=True, slots=True)
class AfterCall:
    """A text message that is asked for when a call has ended."""

    when: Expression | None
    to: Template
    text: Template
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Campaign:
    """What numbers are advertised for: which treatment their calls get, and in whose name."""

    name: str
    treatment: str
    """Name of the treatment its calls get; of a syndicated campaign, the original's."""
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
    syndicates: str | None = None
    """Original campaign whose treatment, caller id and destinations serve the calls; both are
    credited. None: an own one."""
    hours: str | None = None
    """Name of its opening hours. None: always open."""
    after_hours: str | None = None
    """Treatment when it is closed. None: refused with 480."""
    regions: tuple[str, ...] = ()
    """Target regions; a caller in none of them gets `outside`. Empty: everywhere."""
    outside: str | None = None
    """Treatment of callers outside. None: refused with 480."""
    blocked: Blocked | None = None
    notice: Prompt | None = None
    """Played first when the call is answered by the switch: that it is recorded."""
    record: Recording | None = None
    """How its calls are recorded. None: they are not."""
    keywords: Keywords | None = None
    """What is listened for in what is said. None: nothing."""
    transcribe: bool = False
    """Whether what is said is written down, with the speaker of each sentence."""
    fax: str | None = None
    """Treatment of a call on which fax tones are heard, at any moment. None: they are told only."""
    rating: tuple[RatingRule, ...] = ()
    payout: Payout | None = None
    price: Decimal | None = None
    """What the advertiser bids for a call: what distribution by price looks at."""
    conversion: Expression | None = None
    """What makes a call a conversion. None: it was bridged."""
    caps: tuple[Cap, ...] = ()
    fraud: tuple[FraudRule, ...] = ()
    attributes: Mapping[str, Expression] = field(default_factory=dict)
    """Values computed when the call is presented, for record, headers and templates, as
    `attribute.NAME`."""
    headers: tuple[tuple[str, Template], ...] = ()
    """Header fields of every outbound INVITE."""
    sms: tuple[AfterCall, ...] = ()
    originate: OriginateRules | None = None
    """Which calls may be placed for it. None: as the configuration says for all."""
    max_spend_per_hour: Decimal | None = None
    """What outbound legs and payouts may come to within an hour. None: as much as it likes."""
    location: Location = field(default=NOWHERE, compare=False, repr=False)
