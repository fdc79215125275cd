"""Which header fields a leg has: whose word counts, and what is left out."""

from __future__ import annotations

from config.expression.template import parse_template
from config.expression.vocabulary import Vocabulary
from config.model import Campaign, Template, Trunk, TrunkHeaders
from ivr.trunk_fields import fields_for, header_text, with_written
from tests.support.scripted_call import ScriptedCall, journey_on

PASSED = (("X-Visit", "42"), ("x-acme-one", "1"), ("X-Acme-Two", "2"), ("Diversion", "<sip:a@b>"))


def fields(
    trunk: Trunk,
    *,
    campaign: dict[str, str] | None = None,
    own: dict[str, str] | None = None,
    identity: tuple[tuple[str, str], ...] = (),
) -> list[tuple[str, str]]:
    call = ScriptedCall(
        campaign=Campaign("fans", "main", trunk="carrier", headers=written(campaign))
    )
    call.passed_headers = PASSED
    return list(fields_for(journey_on(call), trunk, written(own), identity))


def written(headers: dict[str, str] | None) -> tuple[tuple[str, Template], ...]:
    names = Vocabulary()
    return tuple((name, parse_template(text, names)) for name, text in (headers or {}).items())


def trunk(**policy: object) -> Trunk:
    if "set" in policy:
        policy["set"] = written(policy["set"])  # type: ignore[arg-type]
    return Trunk("carrier", "192.0.2.1", headers=TrunkHeaders(**policy))  # type: ignore[arg-type]


async def test_nothing_crosses_that_the_trunk_does_not_name() -> None:
    assert fields(Trunk("carrier", "192.0.2.1")) == []


async def test_names_and_beginnings_cross_in_any_case() -> None:
    assert fields(trunk(passed=("x-visit", "X-ACME-*"))) == list(PASSED[:3])


async def test_both_lists_of_a_trunk_count() -> None:
    made = Trunk(
        "carrier", "h", pass_headers=("X-Visit",), headers=TrunkHeaders(passed=("X-Acme-Two",))
    )
    assert fields(made) == [PASSED[0], PASSED[2]]


async def test_the_steps_word_counts_before_the_campaigns_and_the_trunks_before_both() -> None:
    campaign, own = {"X-A": "campaign", "X-B": "campaign"}, {"x-a": "step", "X-C": "step"}
    assert fields(Trunk("c", "h"), campaign=campaign, own=own) == [
        ("x-a", "step"), ("X-B", "campaign"), ("X-C", "step"),
    ]  # fmt: skip
    assert fields(trunk(set={"X-a": "trunk"}), campaign=campaign, own=own) == [
        ("X-B", "campaign"), ("X-C", "step"), ("X-a", "trunk"),
    ]  # fmt: skip


async def test_what_is_dropped_is_sent_for_nobody() -> None:
    made = trunk(passed=("X-Visit",), dropped=("x-visit", "X-B", "Diversion"))
    identity = (("Diversion", "<sip:x@y>"), ("P-Asserted-Identity", "<sip:z@y>"))
    assert fields(made, own={"X-B": "1"}, identity=identity) == [identity[1]]


async def test_what_says_who_calls_is_there_once() -> None:
    made = Trunk("carrier", "h", pass_headers=("Diversion",))
    ours = (("Diversion", "<sip:ours@h>"), ("Diversion", "<sip:a@b>"))
    assert fields(made, identity=ours) == list(ours)
    assert fields(made) == [PASSED[3]]


async def test_a_first_leg_has_what_is_written_for_it_and_keeps_what_it_had() -> None:
    journey = journey_on(ScriptedCall())
    made = trunk(dropped=("P-Asserted-Identity",), set={"X-C": "{campaign}"})
    had = (("Max-Forwards", "70"), ("P-Asserted-Identity", "<sip:a@b>"))
    assert with_written(journey, made, had) == (had[0], ("X-C", "fans"))


def test_a_header_text_is_one_short_line() -> None:
    assert header_text(" a\0\r\nb \u2028 ") == "ab"
    assert len(header_text("x" * 5000)) == 1000
