from __future__ import annotations

import pytest

from config.model import OriginateRules
from tests.support.configurations import loaded, mistakes

TAIL = "campaigns: {c: {treatment: t@campaign@}}\ntreatments: {t: [hang_up]}\n"


def text(section: str = "", campaign: str = "", control: str = "") -> str:
    top = "trunks: {a: h}\n"
    top += f"originate: {section}\n" if section else ""
    top += f"control: {{tokens: {{crm: {control}}}}}\n" if control else ""
    return top + TAIL.replace("@campaign@", f", originate: {campaign}" if campaign else "")


def test_without_rules_nobody_may_be_called() -> None:
    found = loaded(text())
    assert found.originate is None
    assert found.campaigns["c"].originate is None


def test_rules_are_read_with_their_defaults() -> None:
    found = loaded(text("{to: '+1602*'}")).originate
    assert found == OriginateRules(to=("+1602*",), per_minute=60, at_once=20)


def test_every_rule_can_be_said() -> None:
    found = loaded(
        text(
            campaign="{to: ['602 555 12XX', 'SIP:*@Pbx.example:5070'], never: +16025551299, "
            "trunks: [a], caller_ids: ['+1602*'], per_minute: 5, at_once: 2}"
        )
    ).campaigns["c"]
    assert found.originate == OriginateRules(
        ("+160255512XX", "sip:*@pbx.example:5070"), ("+16025551299",), ("a",), ("+1602*",), 5, 2
    )


def test_the_numbers_of_a_token_are_of_the_switchs_country() -> None:
    token = "{secret: 0123456789abcdef, roles: [control], originate: {to: ['030 123456*']}}"
    (problem,) = mistakes("switch: {country: DE}\n" + text(control=token))
    assert "makes no phone numbers in DE" in str(problem)
    token = token.replace("030 123456*", "030 123456")
    found = loaded("switch: {country: DE}\n" + text(control=token)).control.tokens[0]
    assert found.originate is not None
    assert found.originate.to == ("+4930123456",)


@pytest.mark.parametrize(
    ("rules", "complaint"),
    [
        ("{to: ['sip:*@h;maddr=x']}", "is no SIP address to be called"),
        ("{to: ['sips:a@h']}", "makes no phone numbers"),
        ("{to: [agent]}", 'to: "agent" makes no phone numbers in US'),
        ("{to: []}", "to: expected 1 to 1000 entries, not 0"),
        ("{to: '+1*', trunks: [b]}", 'trunks: there is no trunk "b"'),
        ("{to: '+1*', at_once: 0}", "at_once: expected a whole number, 1-10000"),
        ("{too: '+1*'}", '"too" is no setting of originate'),
        ("'+1*'", "expected the settings of originate"),
    ],
)
def test_mistakes_in_rules(rules: str, complaint: str) -> None:
    (found,) = mistakes(text(rules))
    assert complaint in str(found)
