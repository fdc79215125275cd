"""Whom entries are sent to, and as what request: webhooks (POST, signed) and pixels (GET).

Knows no socket. URLs come from the configuration alone; what comes from calls stands behind the
host, percent-encoded.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Protocol
from urllib.parse import quote, urlsplit

import msgspec

from config.model import Pixel, Webhook
from ivr.lookups import signature
from softswitch.campaign.evaluate import evaluate, holds
from softswitch.campaign.facts import Shown
from softswitch.campaign.operators import text_of
from softswitch.control.webhooks.entry import RECORD_KIND, Entry
from softswitch.control.webhooks.record_facts import About, facts_of_record

__all__ = ["PixelTarget", "Request", "Target", "WebhookTarget"]

MAX_VALUE = 500
"""Characters of one value in a URL."""

USER_AGENT = "softswitch"


@dataclass(frozen=True, slots=True)
class Request:
    """One attempt."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None


class Target(Protocol):
    """Somebody who is told."""

    @property
    def name(self) -> str:
        """For logs, figures, and its place in the spool."""

    @property
    def host(self) -> str:
        """Whose server it is; the rest of the URL may be secret."""

    @property
    def timeout_seconds(self) -> float:
        """Of one attempt."""

    @property
    def max_age_seconds(self) -> float:
        """How long an entry is tried."""

    @property
    def takes_redirects(self) -> bool:
        """Whether a redirection is as good as an answer; none is followed."""

    def wants(self, entry: Entry) -> bool:
        """Whether it is to be told of an entry."""

    def request(self, entry: Entry, *, now: float) -> Request:
        """The request that tells it."""


class WebhookTarget:
    """One webhook of the configuration."""

    takes_redirects = False

    def __init__(self, webhook: Webhook) -> None:
        self.webhook = webhook
        self.name = f"webhook {webhook.name}"
        self.host = urlsplit(webhook.url).netloc
        self.timeout_seconds = webhook.timeout_seconds
        self.max_age_seconds = webhook.max_age_seconds
        self._campaigns = frozenset(webhook.campaigns)

    def wants(self, entry: Entry) -> bool:
        if self._campaigns and entry.campaign not in self._campaigns:
            return False
        return any(fnmatchcase(entry.kind, pattern) for pattern in self.webhook.events)

    def request(self, entry: Entry, *, now: float) -> Request:
        body = bytes(entry.body)
        headers = dict(self.webhook.headers)
        headers |= {
            "Content-Type": "application/json",
            "User-Agent": USER_AGENT,
            "X-Softswitch-Id": entry.id,
            "X-Softswitch-Event": entry.kind,
        }
        if self.webhook.secret is not None:
            timestamp = str(int(now))
            headers["X-Softswitch-Timestamp"] = timestamp
            headers["X-Softswitch-Signature"] = signature(self.webhook.secret, timestamp, body)
        return Request("POST", self.webhook.url, headers, body)


class _RecordBody(msgspec.Struct):
    facts: dict[str, dict[str, object]]


class PixelTarget:
    """One pixel of the configuration: fetched with facts of a record."""

    takes_redirects = True

    def __init__(self, pixel: Pixel, about: About) -> None:
        self.pixel = pixel
        self._about = about
        self.name = f"pixel {pixel.name}"
        first = pixel.url.parts[0]
        self.host = urlsplit(first if isinstance(first, str) else "").netloc
        self.timeout_seconds = pixel.timeout_seconds
        self.max_age_seconds = pixel.max_age_seconds
        self._campaigns = frozenset(pixel.campaigns)

    def wants(self, entry: Entry) -> bool:
        if entry.kind != RECORD_KIND:
            return False
        if self._campaigns and entry.campaign not in self._campaigns:
            return False
        return self.pixel.when is None or holds(self.pixel.when, self._facts_of(entry))

    def request(self, entry: Entry, *, now: float) -> Request:
        facts = self._facts_of(entry)
        parts = [
            part if isinstance(part, str) else quote(text_of(evaluate(part, facts))[:MAX_VALUE], "")
            for part in self.pixel.url.parts
        ]
        return Request("GET", "".join(parts), {"User-Agent": USER_AGENT}, None)

    def _facts_of(self, entry: Entry) -> Shown:
        try:
            facts = msgspec.json.decode(entry.body, type=_RecordBody).facts
        except msgspec.DecodeError:
            facts = {}
        return facts_of_record(facts.get("record", {}), self._about)
