"""A configuration is shown whole, as plain data, and without what is secret."""

from __future__ import annotations

import json
from dataclasses import replace

from config.model import Configuration
from softswitch.control.configuration_shown import HIDDEN, SECTIONS, shown_section
from tests.support.configurations import loaded

SECRETS = ("s3cret-s3cret-s3cret", "hook-hook-hook-hook", "dbpassword", "carrierpass", "apikey",
           "lookupsecretlookup", "bearer-of-news")  # fmt: skip
TEXT = """
switch: {database: "postgresql://switch:dbpassword@db.example/calls"}
control: {tokens: {crm: {secret: s3cret-s3cret-s3cret, roles: [read]}}}
trunks:
  carrier:
    address: 192.0.2.1
    outbound_auth: {user: switch-1, password: carrierpass}
webhooks: {crm: {url: "https://crm.example/?key=apikey", secret: hook-hook-hook-hook,
                 headers: {Authorization: bearer-of-news}}}
numbers: {+1 866 683 1950: c}
campaigns:
  c: {treatment: t, payout: {base: [{when: 'caller.state = "CA"', amount: 5.00}]},
      headers: {X-State: "from {caller.state}"}}
treatments:
  t:
    - lookup:
        url: https://bids.example/{caller.number}
        secret: lookupsecretlookup
        headers: {Authorization: bearer-of-news}
        fields: {price: number}
    - connect: +1 602 555 1234
"""


def everything(configuration: Configuration) -> dict[str, object]:
    shown: dict[str, object] = {}
    for name in SECTIONS:
        section = shown_section(configuration, name)
        assert section is not None
        shown[name] = {
            entry: section.shown(entry) for entry in section.names(after=None, most=10_000)
        }
    return shown


def test_nothing_secret_is_shown_and_everything_is_plain() -> None:
    text = json.dumps(everything(loaded(TEXT)))
    for secret in SECRETS:
        assert secret not in text, secret
    assert text.count(HIDDEN) >= len(SECRETS)
    assert "postgresql://switch:***@db.example/calls" in text
    assert "location" not in text


def test_conditions_and_templates_are_shown_as_they_were_written() -> None:
    shown = json.loads(json.dumps(everything(loaded(TEXT))))
    campaign = shown["campaigns"]["c"]
    assert campaign["payout"]["base"][0]["when"] == 'caller.state = "CA"'
    assert campaign["headers"] == [["X-State", "from {caller.state}"]]
    assert campaign["payout"]["base"][0]["amount"] in ("5.00", "5.00")
    assert [step["step"] for step in shown["treatments"]["t"]["nodes"][:2]] == [
        "Lookup", "Connect",
    ]  # fmt: skip


def test_sip_addresses_are_not_taken_for_credentials() -> None:
    configuration = loaded(TEXT.replace("+1 866 683 1950: c", "sip:sales@example.org: c"))
    section = shown_section(configuration, "numbers")
    assert section is not None
    assert section.shown("sip:sales@example.org")["pattern"] == "sip:sales@example.org"


def test_a_section_that_is_not_there_is_empty_or_none() -> None:
    configuration = replace(loaded(TEXT), originate=None)
    section = shown_section(configuration, "originate")
    assert section is not None
    assert len(section) == 0
    assert shown_section(configuration, "source") is None
    assert shown_section(configuration, "__class__") is None
