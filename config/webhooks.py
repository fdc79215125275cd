"""The sections webhooks and pixels: whom the switch tells of its calls over HTTP.

URLs come from here and from nowhere else: no caller, no page and no peer of the control socket can
have the switch fetch an address of their choice.
"""

import re
from dataclasses import replace
from typing import Any

from config.control import TokenKeys
from config.document import Scalar, Tree
from config.expression import CONDITION, Vocabulary
from config.kinds import CAMPAIGN_NAME, LINE, duration, list_of, mapping_of
from config.model import Pixel, Template, Webhook
from config.reading import (
    Key,
    Kind,
    MissingError,
    Reading,
    RefusedError,
    Section,
    describe,
    keys_of,
    note,
    read_fields,
    scalar,
)
from config.steps.lookup import HTTP_HEADER, URL

__all__ = ["PIXEL", "PIXEL_EXTRAS", "WEBHOOK", "read_pixel", "read_webhook"]

MAX_PATTERNS = 50
"""Kinds of events: each pattern is compared with each event."""
MAX_CAMPAIGNS = 1000
"""Campaigns of a webhook: looked up in a set for each event."""
MAX_HEADERS = 20
"""Sent with each request; servers take a hundred fields or 8 kB."""

PIXEL_EXTRAS = (
    "call_id", "received", "answered_at", "ended", "payout", "currency", "recording",
)  # fmt: skip
"""What a pixel may say beside the facts of the language, by bare names."""

_PATTERN = re.compile(r"[a-z_*?]+(?:\.[a-z_*?]+)*\Z")


def _pattern(text: str) -> str:
    if len(text) > 100 or not _PATTERN.match(text):
        raise ValueError(text)
    return text


EVENT_PATTERN = scalar("a kind of event such as call.record, or a pattern such as call.*", _pattern)


def _read_fixed_url(tree: Tree, reading: Reading) -> str:
    template: Template = URL.read(tree, reading)
    if template.constant is None:
        raise RefusedError("the URL of a webhook is the same for every event")
    return template.constant


FIXED_URL = Kind(URL.says, _read_fixed_url, URL.schema)
_CAMPAIGNS = list_of(CAMPAIGN_NAME, most=MAX_CAMPAIGNS)


class WebhookKeys:
    """Keys of a webhook."""

    URL = Key(
        "url",
        FIXED_URL,
        "Where events are posted, one JSON object each.",
        required=True,
        example="https://crm.example.com/calls",
    )
    EVENTS = Key(
        "events",
        list_of(EVENT_PATTERN, most=MAX_PATTERNS),
        "Kinds of events, as in control.md, or patterns.",
        default="call.record",
        example="[call.presented, call.record, 'cap.*']",
    )
    CAMPAIGNS = Key(
        "campaigns",
        _CAMPAIGNS,
        "The only campaigns whose events are posted.",
        otherwise="all, and events that belong to none",
        example="[baby-fan-sale]",
    )
    SECRET = Key(
        "secret",
        TokenKeys.SECRET.kind,
        "Key of the signature: `X-Softswitch-Signature` is `sha256=` and the HMAC-SHA256 of "
        "`X-Softswitch-Timestamp`, a dot and the body, in hex.",
        otherwise="not signed",
        example="${HOOK_SECRET}",
    )
    HEADERS = Key(
        "headers",
        mapping_of(LINE, most=MAX_HEADERS, noun="header field", name=HTTP_HEADER),
        "Further header fields of each request.",
        otherwise="none",
        example='{X-Api-Key: "our-key"}',
    )
    TIMEOUT = Key(
        "timeout",
        duration("100 ms", "60 s"),
        "How long one attempt may take.",
        default="10 s",
        example="5 s",
    )
    MAX_AGE = Key(
        "max_age",
        duration("1 min", "30 days"),
        "How long an event is tried; then it is given up, and counted.",
        default="3 days",
        example="12 h",
    )


WEBHOOK = Section(
    "a webhook",
    "A server that is told of events. It has had one when it answers with 2xx; until then it is "
    "tried again, across restarts and crashes. What is sent stands in webhooks.md.",
    keys_of(WebhookKeys),
    example="webhooks:\n  crm:\n    url: https://crm.example.com/calls\n"
    "    events: [call.presented, call.record]\n    secret: ${HOOK_SECRET}",
)


def read_webhook(name: str, tree: Tree, reading: Reading) -> Webhook | None:
    """One webhook."""
    keys = WebhookKeys
    try:
        fields = read_fields(tree, WEBHOOK, reading)
        fields.need_written(keys.SECRET, reading, "leave secret out for unsigned requests")
        fields.need_good(keys.EVENTS, keys.CAMPAIGNS)
        return Webhook(
            name=name,
            url=fields[keys.URL],
            events=fields[keys.EVENTS],
            campaigns=fields.get(keys.CAMPAIGNS) or (),
            secret=fields.get(keys.SECRET),
            headers=tuple((fields.get(keys.HEADERS) or {}).items()),
            timeout_seconds=fields[keys.TIMEOUT],
            max_age_seconds=fields[keys.MAX_AGE],
            location=fields.place(keys.URL),
            events_place=fields.place(keys.EVENTS),
        )
    except MissingError:
        return None


def _read_raw(tree: Tree, _reading: Reading) -> Tree:
    """Read once it is known what may be said in it."""
    if not isinstance(tree, Scalar):
        raise RefusedError(f"expected {URL.says}, {describe(tree)}")
    return tree


class PixelKeys:
    """Keys of a pixel."""

    URL = Key(
        "url",
        Kind(URL.says, _read_raw, URL.schema),
        "What is fetched (GET). Facts of the call may stand in it behind the host, and "
        f"{', '.join(f'`{{{name}}}`' for name in PIXEL_EXTRAS)}; values are percent-encoded, what "
        "is not known is empty.",
        required=True,
        example='"https://ads.example.com/p?call={call_id}&kw={binding.keyword}&s={talk_seconds}"',
    )
    CAMPAIGNS = Key(
        "campaigns",
        _CAMPAIGNS,
        "The only campaigns it is fetched for.",
        otherwise="all",
        example="[baby-fan-sale]",
    )
    WHEN = Key(
        "when",
        CONDITION,
        "Condition on the call, as its record has it; only facts, no functions that look back.",
        otherwise="always",
        example="bridged and talk_seconds >= 60",
    )
    TIMEOUT = Key(
        "timeout", duration("100 ms", "60 s"), "How long one attempt may take.",
        default="10 s", example="5 s",
    )  # fmt: skip
    MAX_AGE = Key(
        "max_age",
        duration("1 min", "30 days"),
        "How long it is tried; then it is given up, and counted.",
        default="1 days",
        example="1 h",
    )


PIXEL = Section(
    "a pixel",
    "A URL that is fetched once for each call when its record is written, with what is known of "
    "the call put in. It is tried again until it is answered with 2xx or 3xx.",
    keys_of(PixelKeys),
    example="pixels:\n  ads:\n"
    '    url: "https://ads.example.com/p?call={call_id}&caller={caller.area_code}"\n'
    "    when: bridged and talk_seconds >= 60",
)


def read_pixel(name: str, tree: Tree, reading: Reading) -> Pixel | None:
    """One pixel."""
    keys = PixelKeys
    try:
        fields = read_fields(tree, PIXEL, reading)
        fields.need_condition(keys.WHEN, reading)
        fields.need_good(keys.CAMPAIGNS)
        return Pixel(
            name=name,
            url=_template(fields[keys.URL], reading),
            campaigns=fields.get(keys.CAMPAIGNS) or (),
            when=fields.get(keys.WHEN),
            timeout_seconds=fields[keys.TIMEOUT],
            max_age_seconds=fields[keys.MAX_AGE],
            location=fields.place(keys.URL),
        )
    except MissingError:
        return None


def _template(tree: Any, reading: Reading) -> Template:
    """A URL in which bare names may also be what only a record knows."""
    known: Vocabulary = reading.vocabulary
    names = replace(known, bindings={*known.bindings, *PIXEL_EXTRAS})
    try:
        return URL.read(tree, replace(reading, vocabulary=names))
    except RefusedError as error:
        note(reading, error, tree, PixelKeys.URL.name)
        raise MissingError(PixelKeys.URL.name) from None
