"""The section trace: how many calls are kept, and who is shown all messages."""

import pytest

from config.model import Hep, Tracing
from tests.support.configurations import MINIMAL, loaded, told


def trace(text: str) -> Tracing:
    return loaded(f"{MINIMAL}trace: {text}\n").trace


@pytest.mark.parametrize("text", ["", "{}", "~"])
def test_without_settings_nothing_is_traced(text: str) -> None:
    assert trace(text) == Tracing() == loaded(MINIMAL).trace
    assert Tracing().calls == 0
    assert Tracing().hep is None


def test_every_setting_reaches_the_model() -> None:
    found = trace("{calls: 200, hep: {to: '192.0.2.9:9070', id: 7, password: sesame}}")
    assert found == Tracing(200, Hep("192.0.2.9", 9070, 7, "sesame"))


def test_a_collector_has_its_usual_port_and_may_be_a_name() -> None:
    assert trace("{hep: {to: homer.example.org}}").hep == Hep("homer.example.org", 9060, 2001, "")
    assert trace("{hep: {to: '[2001:db8::9]'}}").hep == Hep("2001:db8::9")


def test_the_password_is_not_shown() -> None:
    assert "sesame" not in repr(trace("{hep: {to: 192.0.2.9, password: sesame}}"))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[x]", "expected the settings of trace, not a list"),
        ("{calls: -1}", "calls: "),
        ("{calls: 10001}", "calls: "),
        ("{call: 1}", 'did you mean "calls"?'),
        ("{hep: 192.0.2.9}", "expected the settings of a collector: to, id, password"),
        ("{hep: {id: 1}}", 'needs "to"'),
        ("{hep: {to: '192.0.2.9:0'}}", "to: "),
        ("{hep: {to: 0.0.0.0}}", "to: 0.0.0.0 is no host that peers can reach"),
        ("{hep: {to: 192.0.2.9, id: 4294967296}}", "id: "),
        ("{hep: {to: 192.0.2.9, password: [x]}}", "expected up to 100 printable characters"),
    ],
)
def test_what_cannot_be_is_told(text: str, complaint: str) -> None:
    found = told(f"{MINIMAL}trace: {text}\n")
    assert any(complaint in line for line in found), found


def test_a_password_that_cannot_be_is_not_shown_either() -> None:
    found = told(f"{MINIMAL}trace: {{hep: {{to: 192.0.2.9, password: sesame{'x' * 100}}}}}\n")
    assert found
    assert not any("sesame" in line for line in found)
