"""Numbers, header fields, causes and identity of trunks, as operators write them."""

from __future__ import annotations

import pytest

from config.model import NumberRule, Trunk, TrunkFailover, TrunkIdentity, TrunkNumbers
from tests.support.configurations import loaded, told

REST = """
numbers: {100: {campaign: x, as_is: true, parameters: {keyword: fan}}}
campaigns: {x: {treatment: t, trunk: carrier, attributes: {lead: caller.number}}}
treatments: {t: [connect: called]}
"""


def trunk(text: str) -> Trunk:
    text = f"trunks: {{carrier: {{address: 192.0.2.1, {text}}}}}\n{REST}"
    return loaded(text).trunks["carrier"]


def mistakes_in(text: str) -> str:
    return "\n".join(told(f"trunks: {{carrier: {{address: 192.0.2.1, {text}}}}}\n{REST}"))


def test_nothing_of_it_is_there_by_default() -> None:
    made = loaded("trunks: {carrier: 192.0.2.1}\n").trunks["carrier"]
    assert (made.numbers, made.headers, made.failover, made.caller_identity) == (
        None, None, None, None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("digits", TrunkNumbers(None, NumberRule("digits"), NumberRule("digits"))),
        ("{send: E164}", TrunkNumbers(None, NumberRule("e164"), NumberRule("e164"))),
        (
            "{country: de, send: {called: national, caller: e164}}",
            TrunkNumbers("DE", NumberRule("national"), NumberRule("e164")),
        ),
        (
            '{send: {called: {format: e164, strip: "+", add: "9011#", uri: tel}}}',
            TrunkNumbers(None, NumberRule("e164", "+", "9011#", "tel")),
        ),
        (
            '{receive: {called: {strip: "9011#"}, caller: {strip: 0, add: +49}}}',
            TrunkNumbers(
                receive_called=NumberRule(strip="9011#"),
                receive_caller=NumberRule(strip="0", add="+49"),
            ),
        ),
        ("{country: GB}", TrunkNumbers("GB")),
    ],
)
def test_numbers_have_a_form_for_each_party_and_direction(
    text: str, expected: TrunkNumbers
) -> None:
    assert trunk(f"numbers: {text}").numbers == expected


def test_header_fields_are_passed_dropped_and_set() -> None:
    headers = trunk(
        "headers: {pass: [X-Click-Id, X-Acme-*], drop: [Diversion, P-Asserted-Identity], "
        'set: {X-Lead: "{attribute.lead}", X-Fixed: a}}'
    ).headers
    assert headers is not None
    assert headers.passed == ("X-Click-Id", "X-Acme-*")
    assert headers.dropped == ("Diversion", "P-Asserted-Identity")
    assert [(name, value.text) for name, value in headers.set] == [
        ("X-Lead", "{attribute.lead}"), ("X-Fixed", "a"),
    ]  # fmt: skip


def test_a_header_field_speaks_of_the_parameters_of_numbers() -> None:
    made = trunk('headers: {set: {X-Keyword: "{binding.keyword}"}}').headers
    assert made is not None


def test_failures_go_on_or_stop_by_status_class_and_cause() -> None:
    assert trunk(
        "failover: {go_on: [486, 6xx], stop: [404, 5XX], go_on_causes: [34], stop_causes: [1, 28], "
        "no_answer: stop}"
    ).failover == TrunkFailover(
        frozenset((486, 6)),
        frozenset((404, 5)),
        frozenset((34,)),
        frozenset((1, 28)),
        after_no_answer=False,
    )


def test_identity_fields_are_written_and_passed_in_whatever_case() -> None:
    assert trunk(
        "caller_identity: {write: [p-asserted-identity, Diversion], pass: History-Info}"
    ).caller_identity == TrunkIdentity(("P-Asserted-Identity", "Diversion"), ("History-Info",))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("numbers: pretty", "expected as_is, e164"),
        ("numbers: [digits]", "numbers of a trunk"),
        ("numbers: {country: XX}", "national numbers"),
        ("numbers: {send: {called: {strip: abc}}}", "up to 24 digits"),
        ('numbers: {send: {called: {add: "1 2"}}}', "up to 24 digits"),
        ('numbers: {send: {called: {add: "++1"}}}', "up to 24 digits"),
        ("numbers: {send: {called: {uri: sips}}}", "expected sip, phone or tel"),
        ("numbers: {receive: digits}", "expected called, caller or both"),
        ("numbers: {receive: {called: digits}}", "expected strip, add or both"),
        ("numbers: {receive: {called: {format: digits}}}", '"format" is no setting'),
        ("headers: X-A", "expected pass, drop or set"),
        ("headers: {pass: [Via]}", "has a meaning to SIP"),
        ("headers: {pass: [Join]}", "has a meaning to SIP"),
        ("headers: {set: {Target-Dialog: x}}", "has a meaning to SIP"),
        ("headers: {pass: [v]}", "short form"),
        ("headers: {pass: [Content-*]}", "only names that begin with X-"),
        ("headers: {pass: ['*']}", "only names that begin with X-"),
        ("headers: {pass: [Diversion]}", "caller_identity: {pass: [Diversion]}"),
        ("headers: {drop: [Privacy]}", "needed by SIP"),
        ("headers: {drop: [Contact]}", "needed by SIP"),
        ("headers: {set: {Route: x}}", "has a meaning to SIP"),
        ("headers: {set: {P-Asserted-Identity: x}}", "has a meaning to SIP"),
        ('headers: {set: {X-A: "a\\r\\nVia: b"}}', "one line"),
        ("headers: {set: {X-A: '{nothing.known}'}}", "is no fact"),
        ("headers: {set: {X-A: '{talk_seconds}'}}", "known at the end"),
        ("headers: {set: {X-A: a, x-a: b}}", "stands twice"),
        ("headers: {drop: [X-A], set: {x-a: b}}", "x-a is dropped, and also"),
        ("failover: 486", "expected go_on, stop"),
        ("failover: {go_on: [200]}", "a final status 300-699"),
        ("failover: {go_on: [2xx]}", "a final status 300-699"),
        ("failover: {go_on_causes: [128]}", "1-127"),
        ("failover: {go_on: [4xx], stop: [4XX]}", "4xx stands in go_on and in stop"),
        ("failover: {go_on_causes: [4], stop_causes: [4]}", "4 stands in go_on_causes"),
        ("failover: {no_answer: maybe}", "expected go_on or stop"),
        ("caller_identity: P-Asserted-Identity", "expected write or pass"),
        ("caller_identity: {write: [From]}", "expected P-Asserted-Identity"),
        ("caller_identity: {write: [P-Charge-Info]}", "expected P-Asserted-Identity"),
    ],
)
def test_mistakes_are_told(text: str, expected: str) -> None:
    assert expected in mistakes_in(text)


SIGNING = "\nstir: {sign: {key: k.pem, certificate: c.pem, x5u: 'https://certs.example/a.pem'}}\n"


@pytest.mark.parametrize("identity", ["sign: true", "pass: true"])
@pytest.mark.parametrize(
    "text",
    [
        "headers: {set: {Identity: x}}",
        "headers: {set: {X-A: a, date: x}}",
        "headers: {pass: [Date]}",
        "pass_headers: [identity]",
    ],
)
def test_the_fields_of_signatures_are_only_written_by_whoever_signs(
    identity: str, text: str
) -> None:
    line = f"trunks: {{carrier: {{address: 192.0.2.1, {text}, identity: {{{identity}}}}}}}\n"

    (found,) = told(line + REST + SIGNING)

    key = text.partition(":")[0]
    assert found.startswith(f"1:{line.index(text) + len(key) + 3}: {key}: ")
    assert "is written by the switch" in found


@pytest.mark.parametrize("text", ["headers: {set: {Date: x}}", "pass_headers: [Identity]"])
def test_a_trunk_that_gets_no_signatures_of_ours_may_have_the_fields(text: str) -> None:
    assert trunk(f"{text}, identity: {{verstat: true}}").identity is not None
