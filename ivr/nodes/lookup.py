"""Lookup: ask an HTTP server about the call; its fields are facts from then on."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from config.model import Lookup, Node, Template, Value
from ivr.journey import Journey
from ivr.lookups import LookupAnswer, LookupRequest
from softswitch.call.events import LookupAnswered
from softswitch.campaign.evaluate import plain, render

MAX_HEADER = 1000
"""Characters of a header field's value."""


async def run_lookup(journey: Journey, node: Lookup) -> tuple[Node, ...]:
    """Ask, within the deadline; the node's steps when there was no proper answer."""
    client = journey.services.lookups
    if client is None:
        answer = LookupAnswer(
            node.defaults, ok=False, cached=False, seconds=0.0, why="switched off"
        )
    else:
        answer = await client.ask(lookup_request(journey, node))
    if journey.call.ended:
        return ()
    for name in node.fields:
        journey.facts.set(f"lookup.{node.name}.{name}", answer.fields.get(name))
    journey.call.emit(
        LookupAnswered,
        node=node.name,
        ok=answer.ok,
        cached=answer.cached,
        seconds=round(answer.seconds, 3),
        fields=_told(journey, node, answer.fields),
        why=answer.why,
    )
    return () if answer.ok else node.on_failure


def lookup_request(journey: Journey, node: Lookup) -> LookupRequest:
    """Everything the request says."""
    call = journey.call
    send: dict[str, Value] = {
        "campaign": journey.campaign.name,
        "publisher": journey.publisher,
        "caller": call.caller_number,
        "called": call.called_number,
    }
    for name, expression in node.send.items():
        send[name] = journey.compute(expression).value
    return LookupRequest(
        url=_url(journey, node.url),
        method=node.method,
        send=send,
        moment={"call_id": call.call_id, "time": Decimal(int(call.services.wall_clock()))},
        headers=tuple((name, _header(journey, value)) for name, value in node.headers),
        secret=node.secret,
        timeout_seconds=node.timeout_seconds,
        cache_seconds=node.cache_seconds,
        fields=node.fields,
        defaults=node.defaults,
    )


def _url(journey: Journey, template: Template) -> str:
    """The URL; values are escaped, so that none can change its path or host."""
    parts = [
        part if isinstance(part, str) else quote(render(Template("", (part,)), journey.facts), "")
        for part in template.parts
    ]
    return "".join(parts)


def _header(journey: Journey, template: Template) -> str:
    text = journey.text(template)
    return "".join(c for c in text if c.isprintable() and c.isascii())[:MAX_HEADER]


def _told(journey: Journey, node: Lookup, fields: Mapping[str, Value]) -> dict[str, Any]:
    """The fields for the record; a server that repeats a secret is not repeated."""
    return {
        name: "" if journey.is_secret(value) else plain(f"lookup.{node.name}.{name}", value)
        for name, value in fields.items()
    }
