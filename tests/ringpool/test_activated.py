"""Numbers that are live, or not, beside the configuration."""

from __future__ import annotations

from config.model import Number
from ringpool.activated import ActivatedNumbers
from ringpool.lookup import NumberTable
from tests.support.configurations import loaded

TEXT = """
trunks: {carrier: 192.0.2.1}
pools: {ads: {parameters: [a], campaign: c, overflow: +1 866 683 1999}}
numbers:
  +1 866 683 1950: c
  +1 866 683 1951: {pool: ads, parameters: {a: one}}
  +1602555XXXX: c
  1000: {campaign: c, as_is: true}
  sip:sales@example.org: c
campaigns: {c: t, other: {treatment: t, publisher: p9}}
treatments: {t: [hang_up: 603]}
switch: {database: off}
"""


def number(pattern: str, campaign: str = "other", **more: object) -> Number:
    kind = "uri" if pattern.startswith("sip:") else "exact"
    return Number(pattern, kind, campaign, **more)  # type: ignore[arg-type]


def tables() -> tuple[NumberTable, ActivatedNumbers]:
    activated = ActivatedNumbers()
    return NumberTable(loaded(TEXT), activated=activated), activated


def campaign_of(table: NumberTable, called: str) -> str | None:
    match = table.find(called)
    return None if match is None else match.campaign


def test_a_number_is_found_as_it_would_be_in_the_configuration() -> None:
    table, activated = tables()
    for one in (number("+18005550000"), number("77", as_is=True), number("sip:bob@example.com")):
        activated.put(one)
    for called in (
        "800 555 0000", "sip:+18005550000@192.0.2.9", "tel:+1-800-555-0000", "sip:77@192.0.2.9",
        "sip:bob@EXAMPLE.com:5070",
    ):  # fmt: skip
        assert campaign_of(table, called) == "other", called
    match = table.find("800 555 0000")
    assert match is not None
    assert (match.number, match.publisher) == ("+18005550000", "p9")
    activated.remove(number("+18005550000"))
    assert table.find("800 555 0000") is None


def test_what_is_taken_as_it_is_and_the_same_digits_in_e164_are_two_numbers() -> None:
    table, activated = tables()
    activated.put(number("+18005550000", "c"))
    activated.put(number("8005550000", as_is=True))
    assert campaign_of(table, "8005550000") == "other"
    assert campaign_of(table, "+18005550000") == "c"


def test_the_configuration_goes_before_but_for_its_patterns() -> None:
    table, activated = tables()
    for pattern in ("+18666831950", "+18666831951", "+18666831999", "+16025550001"):
        activated.put(number(pattern))
    activated.put(number("sip:sales@example.org"))
    activated.put(number("1000", as_is=True))
    for called in ("+18666831950", "+18666831951", "+18666831999", "sip:sales@example.org", "1000"):
        assert campaign_of(table, called) == "c", called
    assert campaign_of(table, "+16025550001") == "other"
    assert campaign_of(table, "+16025550002") == "c"


def test_a_number_whose_campaign_is_gone_is_not_live() -> None:
    table, activated = tables()
    activated.put(number("+18005550000", "gone"))
    assert table.find("+18005550000") is None


def test_what_is_withdrawn_is_not_live_whatever_it_matches() -> None:
    table, activated = tables()
    for called in ("+18666831950", "+16025550001", "1000", "sip:sales@example.org"):
        assert campaign_of(table, called) == "c"
        activated.withdrawn[called] = "c"
        assert table.find(called) is None, called
    assert campaign_of(table, "+16025550002") == "c"
    activated.withdrawn.clear()
    assert campaign_of(table, "+16025550001") == "c"


def test_the_table_knows_what_it_has_itself() -> None:
    table, activated = tables()
    activated.put(number("+18005550000"))
    assert table.entry(number("+18005550000")) is None
    assert table.entry(number("+16025550001")) is None
    for pattern in ("+18666831950", "sip:sales@example.org"):
        entry = table.entry(number(pattern))
        assert entry is not None
        assert entry.campaign == "c"
    assert table.entry(number("1000")) is None
    assert table.entry(number("1000", as_is=True)) is not None
    assert table.is_of_pool("+18666831999")
    assert not table.is_of_pool("+18666831950")
