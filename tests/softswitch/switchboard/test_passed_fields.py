"""Which fields of a caller's INVITE are kept for trunks."""

from __future__ import annotations

from softswitch.sip.message import Request, parse_message
from softswitch.switchboard.passed_fields import MAX_BY_BEGINNING, MAX_VALUE, PassedFields
from tests.support.configurations import loaded


def kept(trunk: str, *lines: str) -> tuple[tuple[str, str], ...]:
    head = (
        "INVITE sip:100@192.0.2.9 SIP/2.0", "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1",
        "From: <sip:a@192.0.2.1>;tag=1", "To: <sip:100@192.0.2.9>", "Call-ID: x", "CSeq: 1 INVITE",
        "Contact: <sip:a@192.0.2.1>",
    )  # fmt: skip
    request = parse_message("\r\n".join((*head, *lines, "", "")).encode())
    assert isinstance(request, Request)
    configuration = loaded(f"trunks: {{other: 192.0.2.2, c: {{address: 192.0.2.1, {trunk}}}}}\n")
    return PassedFields(configuration).of(request)


def test_nothing_is_kept_that_no_trunk_asks_for() -> None:
    assert kept("max_calls: 5", "X-A: 1", "Diversion: <sip:b@c>") == ()


def test_names_are_kept_as_operators_spell_them_and_in_any_case() -> None:
    found = kept("pass_headers: [X-CLICKID], headers: {pass: [x-b]}", "x-clickid: 1", "X-B: 2")
    assert found == (("X-CLICKID", "1"), ("x-b", "2"))


def test_a_field_that_two_settings_name_is_kept_once() -> None:
    found = kept(
        "pass_headers: [Diversion], caller_identity: {pass: [Diversion]}", "Diversion: <sip:b@c>"
    )
    assert found == (("Diversion", "<sip:b@c>"),)


def test_all_that_begin_so_are_kept_but_not_without_end() -> None:
    assert kept("headers: {pass: [X-Acme-*]}", "X-Acme-One: 1", "x-acme-two: 2", "X-Other: 3") == (
        ("X-Acme-One", "1"),
        ("X-Acme-Two", "2"),
    )
    many = [f"X-Acme-{n}: {n}" for n in range(60)]
    assert len(kept("headers: {pass: [X-Acme-*]}", *many)) == MAX_BY_BEGINNING


def test_control_characters_stay_here() -> None:
    for setting in ("pass_headers: [X-A]", "headers: {pass: [X-*]}"):
        value = kept(setting, "X-A: a\tb\x01\x1b[31m\x7f\u009b c\u00e4")
        assert value == (("X-A", "a\tb[31m c\u00e4"),)


def test_what_is_too_long_is_kept_only_by_its_whole_name() -> None:
    long = "X-Acme-Long: " + "a" * (MAX_VALUE + 1)
    assert kept("headers: {pass: [X-Acme-*]}", long, "X-Acme-One: 1") == (("X-Acme-One", "1"),)
    assert len(kept("headers: {pass: [X-Acme-*, X-Acme-Long]}", long)) == 1
