import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from config.model import Configuration
from softswitch.campaign.tables import Tables
from softswitch.control.webhooks.entry import Entry, entry_of_record
from softswitch.control.webhooks.target import PixelTarget, WebhookTarget
from tests.support.configurations import loaded

RECORD: dict[str, Any] = json.loads(
    (Path(__file__).parents[4] / "docs" / "call-record.json").read_text()
)
TEXT = """
trunks: {{carrier: 127.0.0.1:5080}}
pools:
  ad: {{parameters: [website, location, path], campaign: c}}
campaigns: {{c: bye, 2011 Sale: bye}}
treatments:
  bye:
    - ask: {{prompt: {{tone: chime}}, digits: 5}}
      name: zip
    - hang_up
pixels:
  ads: {{url: "http://h/p?{query}", when: {when}}}
"""


def told(**changes: Any) -> Entry:
    entry = entry_of_record(json.dumps({**RECORD, **changes}).encode(), 0.0)
    assert entry is not None
    return entry


def configured(query: str = "x", when: str = "bridged") -> Configuration:
    return loaded(TEXT.format(query=query, when=f"'{when}'"))


def pixel(query: str = "x", when: str = "bridged") -> PixelTarget:
    configuration = configured(query, when)
    return PixelTarget(configuration.pixels["ads"], Tables(configuration).about)


def fetched(query: str, **changes: Any) -> str:
    request = pixel(query).request(told(**changes), now=0.0)
    assert request.method == "GET"
    assert request.body is None
    return request.url.removeprefix("http://h/p?")


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("{call_id}", "5b1f0c2e9d"),
        ("{website}.{binding.path}", "one.home"),
        ("{caller.number}", "%2B14155550123"),
        ("{caller.area_code}-{caller.state}", "415-CA"),
        ("{called.number}", "%2B18888695345"),
        ("{talk_seconds}", "135.34"),
        ("{rating}/{rating_score}", "high/90"),
        ("{payout}{currency}", "15.00USD"),
        ("{destination}", "%2B18885551234"),
        ("{status}", "200"),
        ("{caller_mos}", "4.38"),
        ("{key}", "1"),
        ("{ended_by}", "calling"),
        ("{bridged}{answered}", "truetrue"),
        ("{user_agent}", "gateway"),
        ("{publisher}", "news-press"),
        ("{campaign}", "2011%20Sale"),
        ("{received}", "2026-11-23T17%3A05%3A02.118Z"),
        ("{recording}", RECORD["recordings"][0]["sha256"]),
    ],
)
def test_what_stands_in_a_url_comes_from_the_record(query: str, value: str) -> None:
    assert fetched(query) == value


def test_what_callers_and_pages_say_never_leaves_its_place_in_the_url() -> None:
    binding = {"pool": "ad", "parameters": {"website": "a&b=c#d/../ü\r\nX: y", "path": "%41"}}
    url = fetched("w={website}&p={path}", binding=binding)
    assert url == "w=a%26b%3Dc%23d%2F..%2F%C3%BC%0D%0AX%3A%20y&p=%2541"


def test_a_long_value_is_cut() -> None:
    binding = {"pool": "ad", "parameters": {"website": "w" * 100_000}}
    assert len(fetched("{website}", binding=binding)) == 500


def test_strangers_are_not_told_who_a_private_caller_is() -> None:
    signalling = {**RECORD["signalling"], "private": True, "name": "Jane"}
    url = fetched("{caller.number}|{caller.name}|{caller.private}", signalling=signalling)
    assert url == "||true"


def test_secret_answers_are_not_told() -> None:
    assert fetched("{answer.zip}", answers={"zip": {"value": "", "secret": True}}) == ""
    assert fetched("{answer.zip}", answers={"zip": "85001"}) == "85001"


@pytest.mark.parametrize(
    ("when", "changes", "wanted"),
    [
        ("bridged", {}, True),
        ("bridged", {"talk_seconds": 0.0}, False),
        ("talk_seconds > 2 min", {}, True),
        ("talk_seconds > 3 min", {}, False),
        ('caller.state = "CA"', {}, True),
        ('ended_by = "crash"', {"ended_by": "crash"}, True),
        ("binding.website is known", {"binding": {"pool": None, "parameters": {}}}, False),
        ("caller.number is known", {"signalling": {"private": True}}, False),
    ],
)
def test_a_pixel_is_fetched_when_its_condition_holds(
    when: str, changes: Mapping[str, Any], wanted: bool
) -> None:
    assert pixel(when=when).wants(told(**changes)) is wanted


@pytest.mark.parametrize(
    "broken",
    [
        {"legs": None, "signalling": 7, "binding": [], "rating": "x", "payout": 1, "keys": {}},
        {"decisions": [1, {"inputs": 2}], "answers": [], "caller": 5, "recordings": "r"},
    ],
)
def test_a_broken_record_makes_no_trouble(broken: Mapping[str, Any]) -> None:
    target = pixel("{destination}{key}{trunk}{payout}{caller.state}{recording}{status}")
    entry = told(**broken)
    target.wants(entry)
    assert target.request(entry, now=0.0).url.startswith("http://h/p?")


def test_a_pixel_wants_records_only_and_of_its_campaigns() -> None:
    event = msgspec.structs.replace(told(), kind="call.answered")
    assert not pixel().wants(event)
    configuration = configured()
    limited = replace(configuration.pixels["ads"], campaigns=("c",))
    assert not PixelTarget(limited, Tables(configuration).about).wants(told())
    assert PixelTarget(limited, Tables(configuration).about).wants(told(campaign="c"))


def test_a_webhook_is_posted_as_it_stands_in_the_spool() -> None:
    text = TEXT.format(query="x", when="bridged") + (
        "webhooks:\n  crm: {url: http://h/x, headers: {X-Key: k, User-Agent: mine}}\n"
    )
    target = WebhookTarget(loaded(text).webhooks["crm"])
    entry = told()
    request = target.request(entry, now=17.9)
    assert (request.method, request.url) == ("POST", "http://h/x")
    assert request.body == bytes(entry.body)
    assert request.headers["X-Key"] == "k"
    assert request.headers["X-Softswitch-Id"] == "5b1f0c2e9d.record"
    assert "X-Softswitch-Signature" not in request.headers
    assert json.loads(bytes(entry.body))["facts"]["record"] == RECORD


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b"{}", b'{"call_id": 5}', b"\xff"])
def test_a_line_without_a_record_is_no_entry(line: bytes) -> None:
    assert entry_of_record(line, 0.0) is None


def test_a_record_without_an_end_is_of_now() -> None:
    entry = entry_of_record(b'{"call_id": "c", "ended_at": "whenever"}', 99.0)
    assert entry is not None
    assert (entry.at, entry.campaign) == (99.0, "")
