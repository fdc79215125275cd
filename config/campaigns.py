"""The section campaigns: what numbers are advertised for.

Money is `config.money`'s, limits are `config.caps`'. A syndicated campaign is completed by its
original when all campaigns are read.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, TypeVar

from config import hints, spend
from config.after_call import AFTER_CALL_KIND, MAX_SMS
from config.caller_ids import CALLER_ID
from config.caps import BLOCKED_KIND, CAPS, FRAUD_RULES
from config.document import Scalar, Table, Tree
from config.expression import CONDITION, EXPRESSION, asked, before_end
from config.header_names import HEADER_NAME, HEADER_VALUE
from config.keywords import KEYWORDS_KIND
from config.kinds import (
    BOOLEAN,
    CAMPAIGN_NAME,
    FACT_NAME,
    HOURS_NAME,
    NAME,
    REGION_NAME,
    TONE_PLAN,
    TREATMENT_NAME,
    TRUNK_NAME,
    duration,
    list_of,
    mapping_of,
)
from config.model import Campaign, Cap, FraudRule
from config.money import MONEY, PAYOUT_KIND
from config.originate import ORIGINATE_KIND
from config.payouts import highest
from config.prompts import PROMPT_KIND
from config.rating import RATINGS
from config.reading import (
    Fields,
    Key,
    MissingError,
    Reading,
    Section,
    keys_of,
    read_fields,
)
from config.recordings import RECORDING_KIND

T = TypeVar("T", Cap, FraudRule)

MAX_REGIONS = 1000
"""Names of regions in one list: each is looked up for every call."""
MAX_ATTRIBUTES = 100
"""Attributes of a campaign; each is computed for every call and kept in its record."""
MAX_HEADERS = 32
"""As many as an INVITE takes beside its own."""


# Campaigns.


class CampaignKeys:
    """Keys of a campaign."""

    TREATMENT = Key(
        "treatment",
        TREATMENT_NAME,
        "The treatment its calls get. Needed unless it syndicates another campaign.",
        otherwise="the original's",
        example="sales-menu",
    )
    PUBLISHER = Key(
        "publisher", NAME, "Party credited for calls to numbers that name none.", example="p1"
    )
    SYNDICATES = Key(
        "syndicates",
        CAMPAIGN_NAME,
        "The original campaign, whose treatment, trunk and caller id serve the calls; both are "
        "credited. An original does not syndicate another itself.",
        otherwise="none",
        example="spring-sale",
    )
    CALLER_ID = Key(
        "caller_id",
        CALLER_ID,
        "What destinations see as calling: the caller, the number called, a fixed number, a mask "
        "over the caller's number, an id of a range, or a SIP address.",
        default="original",
        example="+1 602 555 0100",
    )
    RINGBACK = Key(
        "ringback",
        TONE_PLAN,
        "Country of the tones an answered caller hears while a destination rings.",
        default="us",
        example="uk",
    )
    MAX_CALL_TIME = Key(
        "max_call_time",
        duration("1 s", "24 h"),
        "Longest call.",
        otherwise="the switch's",
        example="1 h",
    )
    MAX_SPEND_PER_HOUR = spend.MAX_SPEND_PER_HOUR
    TRUNK = Key(
        "trunk",
        TRUNK_NAME,
        "Trunk of destinations that name none.",
        otherwise="the only trunk, when there is one",
        example="carrier",
    )
    HOURS = Key("hours", HOURS_NAME, "When it is open.", otherwise="always", example="office")
    AFTER_HOURS = Key(
        "after_hours",
        TREATMENT_NAME,
        "Treatment of calls when it is closed.",
        otherwise="they are refused with 480",
        example="closed",
    )
    REGIONS = Key(
        "regions",
        list_of(REGION_NAME, most=MAX_REGIONS),
        "Target regions: where callers may be.",
        otherwise="everywhere",
        example="[State Level]",
    )
    OUTSIDE = Key(
        "outside",
        TREATMENT_NAME,
        "Treatment of callers in none of the regions.",
        otherwise="they are refused with 480",
        example="elsewhere",
    )
    BLOCKED = Key(
        "blocked",
        BLOCKED_KIND,
        "Callers that are turned away.",
        otherwise="none",
        example="{lists: [nuisance], then: busy}",
    )
    NOTICE = Key(
        "notice",
        PROMPT_KIND,
        "Played first when the switch answers.",
        otherwise="none",
        example='"This call is being recorded."',
    )
    RECORD = Key(
        "record",
        RECORDING_KIND,
        "Whether and how its calls are recorded.",
        otherwise="the original's, else they are not",
        example="{minimum: 5 s, format: ulaw}",
    )
    KEYWORDS = Key(
        "keywords",
        KEYWORDS_KIND,
        "What is listened for in what is said: words and phrases, or rules.",
        otherwise="the original's, else nothing",
        example="[friend, credit card]",
    )
    TRANSCRIBE = Key(
        "transcribe",
        BOOLEAN,
        "Whether what is said is written down, with the speaker of each sentence. Needs a "
        "recogniser.",
        otherwise="the original's, else it is not",
        example="true",
    )
    FAX = Key(
        "fax",
        TREATMENT_NAME,
        "The treatment a call goes on in, at any moment, when its caller turns out to be a fax "
        "machine.",
        otherwise="the original's, else the fax tone is told only",
        example="fax-desk",
    )
    RATING = Key(
        "rating",
        RATINGS,
        "How good a call is: the first rule that holds.",
        otherwise="not rated",
        example='[{when: caller.line_type = "mobile", rate: high}, low]',
    )
    PAYOUT = Key(
        "payout",
        PAYOUT_KIND,
        "What a call earns its publisher.",
        otherwise="nothing",
        example="{base: 5.00, repeat: 30 days}",
    )
    PRICE = Key(
        "price",
        MONEY,
        "What the advertiser pays for a call, for distribution by price.",
        otherwise="nothing",
        example="12.50",
    )
    CONVERSION = Key(
        "conversion",
        CONDITION,
        "What makes a call a conversion.",
        otherwise="it was bridged",
        example="talk_seconds >= 90 s",
    )
    CAPS = Key(
        "caps",
        CAPS,
        "Limits, by name.",
        otherwise="none",
        example="{per-day: {kind: daily, limit: 100, over: sorry}}",
    )
    FRAUD = Key(
        "fraud",
        FRAUD_RULES,
        "Thresholds, by name.",
        otherwise="none",
        example="{short: {when: 'short_calls(1 h, 10 s) >= 5', for: 1 h, then: busy}}",
    )
    ATTRIBUTES = Key(
        "attributes",
        before_end(mapping_of(EXPRESSION, most=MAX_ATTRIBUTES, noun="attribute", name=FACT_NAME)),
        "Values computed when a call comes in, for record, headers and templates, where they are "
        "`attribute.NAME`.",
        otherwise="none",
        example="{state: caller.state}",
    )
    HEADERS = Key(
        "headers",
        before_end(
            mapping_of(HEADER_VALUE, most=MAX_HEADERS, noun="header field", name=HEADER_NAME)
        ),
        "Header fields of every INVITE to a destination.",
        otherwise="none",
        example='{X-Keyword: "{binding.keyword}"}',
    )
    SMS = Key(
        "sms",
        list_of(AFTER_CALL_KIND, most=MAX_SMS, doubles=True),
        "Text messages asked for when a call has ended.",
        otherwise="none",
        example='[{to: "{caller.number}", text: "Thank you."}]',
    )
    ORIGINATE = Key(
        "originate",
        ORIGINATE_KIND,
        "Which calls may be placed for it, when one is asked for.",
        otherwise="what the section originate says; without one, none",
        example='{to: ["+1602*"], per_minute: 30}',
    )


CAMPAIGN = Section(
    "a campaign",
    "What numbers are advertised for.",
    keys_of(CampaignKeys),
    short="the name of its treatment alone",
    short_schema=hints.SCALAR,
    example="campaigns:\n  spring-sale:\n    treatment: sales-menu\n    publisher: p1",
)


def read_campaign(name: str, tree: Tree, reading: Reading) -> Campaign | None:
    """One campaign: its settings, or the name of its treatment alone."""
    if isinstance(tree, Scalar) and not tree.absent:
        tree = Table(tree.file, tree.mark, {CampaignKeys.TREATMENT.name: tree})
    reading.campaign = name
    try:
        fields = read_fields(tree, CAMPAIGN, reading)
        _check_treatment(fields, reading)
        _check_company(fields, reading)
        return _build(name, fields, reading)
    except MissingError:
        return None
    finally:
        reading.campaign = ""


def _build(name: str, fields: Fields, reading: Reading) -> Campaign:
    keys = CampaignKeys
    trunks = reading.names.get("trunks", ())
    hours = fields.get(keys.HOURS)
    return Campaign(
        name=name,
        treatment=fields.get(keys.TREATMENT) or "",
        publisher=fields.get(keys.PUBLISHER),
        caller_id=fields[keys.CALLER_ID],
        ringback=fields[keys.RINGBACK],
        max_call_seconds=fields.get(keys.MAX_CALL_TIME),
        trunk=fields.get(keys.TRUNK) or (next(iter(trunks)) if len(trunks) == 1 else None),
        syndicates=fields.get(keys.SYNDICATES),
        hours=hours,
        after_hours=fields.get(keys.AFTER_HOURS),
        regions=fields.get(keys.REGIONS) or (),
        outside=fields.get(keys.OUTSIDE),
        blocked=fields.get(keys.BLOCKED),
        notice=fields.get(keys.NOTICE),
        record=fields.get(keys.RECORD),
        keywords=fields.get(keys.KEYWORDS),
        transcribe=fields.get(keys.TRANSCRIBE) or False,
        fax=fields.get(keys.FAX),
        rating=fields.get(keys.RATING) or (),
        payout=fields.get(keys.PAYOUT),
        price=fields.get(keys.PRICE),
        conversion=fields.get(keys.CONVERSION),
        caps=_caps(fields, reading.zones.get(hours or "", reading.time_zone)),
        fraud=_named(fields.get(keys.FRAUD) or {}),
        attributes=fields.get(keys.ATTRIBUTES) or MappingProxyType({}),
        headers=tuple((fields.get(keys.HEADERS) or {}).items()),
        sms=fields.get(keys.SMS) or (),
        originate=fields.get(keys.ORIGINATE),
        max_spend_per_hour=fields.get(keys.MAX_SPEND_PER_HOUR),
        location=fields.table.location,
    )


def _named(rules: Mapping[str, T]) -> tuple[T, ...]:
    """Rules that know the name they stand under."""
    return tuple(replace(rule, name=name) for name, rule in rules.items())


def _caps(fields: Fields, time_zone: str) -> tuple[Cap, ...]:
    caps = _named(fields.get(CampaignKeys.CAPS) or {})
    return tuple(cap if cap.time_zone else replace(cap, time_zone=time_zone) for cap in caps)


def _check_treatment(fields: Fields, reading: Reading) -> None:
    """A treatment of its own, or the original's: one of the two."""
    keys = CampaignKeys
    place = fields.place(keys.TREATMENT)
    if keys.SYNDICATES in fields:
        if keys.TREATMENT in fields:
            message = "treatment: a campaign that syndicates another has the original's"
            reading.problems.add(place, message, "leave it out")
    elif keys.TREATMENT not in fields:
        if not fields.refused(keys.TREATMENT, keys.SYNDICATES):
            message = f'a campaign needs "{keys.TREATMENT.name}": {keys.TREATMENT.kind.says}'
            written = keys.TREATMENT.name in fields.table.entries
            told = f'"{keys.TREATMENT.name}" is empty: expected {keys.TREATMENT.kind.says}'
            reading.problems.add(place, told if written else message)
        raise MissingError(keys.TREATMENT.name)


def _check_company(fields: Fields, reading: Reading) -> None:
    """Settings that mean nothing without another."""
    keys = CampaignKeys
    needed: tuple[tuple[Key[str], Key[str] | Key[tuple[str, ...]], str], ...] = (
        (keys.AFTER_HOURS, keys.HOURS, "it is never closed"),
        (keys.OUTSIDE, keys.REGIONS, "no caller is outside"),
    )
    for key, other, why in needed:
        if key in fields and other not in fields and not fields.refused(other):
            message = f"{key.name}: {why} without {other.name}"
            reading.problems.add(fields.place(key), message, f'add "{other.name}"')
    _check_written(fields, keys.KEYWORDS, "keywords: off for none", reading)
    headers = fields.get(keys.HEADERS) or {}
    if len({name.lower() for name in headers}) != len(headers):
        message = "headers: a field stands twice; upper and lower case are the same"
        reading.problems.add(fields.place(keys.HEADERS), message)
    _check_attributes(fields, reading)
    conversion = fields.get(keys.CONVERSION)
    if conversion is not None and any(one.name == "converted" for one in asked(conversion.term)):
        message = "conversion: whether it converted is what this says"
        reading.problems.add(fields.place(keys.CONVERSION), message, "such as talk_seconds >= 90 s")
    for name, cap in (fields.get(keys.CAPS) or {}).items():
        if cap.kind == "budget" and keys.PAYOUT not in fields and not fields.refused(keys.PAYOUT):
            message = f"cap {name}: a budget needs a payout: nothing is paid out here"
            reading.problems.add(cap.location, message, 'add "payout"')
    _check_budgets(fields, reading)


def _check_written(fields: Fields, key: Key[Any], cure: str, reading: Reading) -> None:
    """A value that stands empty is no value: it may be one that somebody forgot."""
    tree = fields.table.entries.get(key.name)
    if isinstance(tree, Scalar) and tree.absent:
        message = f'"{key.name}" is empty: expected {key.kind.says}'
        reading.problems.add(tree.location, message, cure)


def _check_attributes(fields: Fields, reading: Reading) -> None:
    """They are computed in the order they stand in: what comes later is not known yet."""
    attributes = fields.get(CampaignKeys.ATTRIBUTES) or {}
    table = fields.table.entries.get(CampaignKeys.ATTRIBUTES.name)
    order = list(attributes)
    for index, (name, expression) in enumerate(attributes.items()):
        later = {f"attribute.{other}" for other in order[index:]}
        names = [one.name for one in asked(expression.term) if one.name in later]
        if names and isinstance(table, Table):
            message = f"attribute {name}: {names[0]} is not known yet when it is computed"
            hint = "attributes are computed one after the other"
            reading.problems.add(table.entries[name].location, message, hint)


def _check_budgets(fields: Fields, reading: Reading) -> None:
    """A budget reserves the most that a call can earn: one that is less takes no call at all."""
    payout = fields.get(CampaignKeys.PAYOUT)
    for name, cap in (fields.get(CampaignKeys.CAPS) or {}).items():
        if payout is not None and cap.kind == "budget" and 0 < cap.limit < highest(payout):
            message = (
                f"cap {name}: no call fits into {cap.limit}, because one may earn {highest(payout)}"
            )
            hint = "a higher limit, or a maximum in the payout"
            reading.problems.add(cap.location, message, hint)


_HEARING = (CampaignKeys.RECORD, CampaignKeys.KEYWORDS, CampaignKeys.TRANSCRIBE, CampaignKeys.FAX)
"""What a syndicated campaign says itself, if only that it is not so, or leaves to its original."""


def _hearing_of(original: Campaign, written: Tree) -> dict[str, Any]:
    """What is heard and kept as the original has it, where a campaign says nothing of it."""
    said = {
        name
        for name, tree in (written.entries.items() if isinstance(written, Table) else ())
        if not (isinstance(tree, Scalar) and tree.absent)
    }
    return {key.name: getattr(original, key.name) for key in _HEARING if key.name not in said}


def complete_syndicated(
    campaigns: Mapping[str, Campaign], section: Table, reading: Reading
) -> Mapping[str, Campaign]:
    """The campaigns of a section, syndicated ones with what their original gives them."""
    done: dict[str, Campaign] = {}
    for name, campaign in campaigns.items():
        original = campaigns.get(campaign.syndicates or "")
        if campaign.syndicates is None:
            done[name] = campaign
        elif campaign.syndicates == name:
            message = "syndicates: a campaign cannot syndicate itself"
            reading.problems.add(campaign.location, message)
        elif original is not None and original.syndicates is not None:
            message = f'syndicates: "{original.name}" syndicates another campaign itself'
            hint = f'name the original: "{original.syndicates}"'
            reading.problems.add(campaign.location, message, hint)
        elif original is not None:
            done[name] = replace(
                campaign,
                treatment=original.treatment,
                caller_id=original.caller_id,
                ringback=original.ringback,
                trunk=original.trunk,
                **_hearing_of(original, section.entries[name]),
            )
    return MappingProxyType(done)
