"""The section control: tokens are read, checked, and shown nowhere."""

import dataclasses
from pathlib import Path

import pytest

from config.model import Control, ControlTls, ControlToken
from tests.support.configurations import MINIMAL, loaded, told

SECRET = "s3cret-s3cret-s3cret"


def control(text: str) -> Control:
    return loaded(f"{MINIMAL}control: {text}\n").control


@pytest.mark.parametrize("text", ["", "{}", "~"])
def test_without_settings_everything_has_its_default(text: str) -> None:
    assert control(text) == Control() == loaded(MINIMAL).control


def test_every_setting_reaches_the_model() -> None:
    found = control(
        f"{{tokens: {{crm: {{secret: {SECRET}, roles: [control, allocate]}}, "
        f"board: {{secret: {SECRET}2, roles: read}}}}, unix: off, "
        "tls: {certificate: c.pem, key: /k.pem}}"
    )
    assert found == Control(
        tokens=(
            ControlToken("crm", SECRET, ("control", "allocate")),
            ControlToken("board", f"{SECRET}2", ("read",)),
        ),
        unix=False,
        tls=ControlTls(Path("c.pem"), Path("/k.pem")),
    )
    for field in dataclasses.fields(Control):
        assert getattr(found, field.name) != getattr(Control(), field.name), field.name


def test_a_secret_is_not_shown() -> None:
    assert SECRET not in repr(control(f"{{tokens: {{crm: {{secret: {SECRET}, roles: read}}}}}}"))


def test_a_secret_comes_from_the_environment() -> None:
    text = f"{MINIMAL}control: {{tokens: {{crm: {{secret: '${{CRM}}', roles: read}}}}}}\n"
    found = loaded(text, environment={"CRM": SECRET})
    assert found.control.tokens[0].secret == SECRET
    assert found.version != loaded(text, environment={"CRM": f"{SECRET}2"}).version


def test_an_administrator_is_one_of_the_whole_switch() -> None:
    text = (
        f"{MINIMAL}campaigns: {{c: t}}\ntreatments: {{t: hang_up}}\n"
        f"control: {{tokens: {{crm: {{secret: {SECRET}, roles: [read, @], campaigns: c}}}}}}\n"
    )
    assert loaded(text.replace("@", "control")).control.tokens[0].campaigns == ("c",)
    (complaint,) = told(text.replace("@", "admin"))
    assert "campaigns: the role admin is for the whole switch" in complaint


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[x]", "expected the settings of control, not a list"),
        ("{tokens: {}}", "expected 1 to 200 tokens, not 0"),
        ("{tokens: {crm: {roles: read}}}", 'needs "secret"'),
        (f"{{tokens: {{crm: {{secret: {SECRET}}}}}}}", 'needs "roles"'),
        (f"{{tokens: {{crm: {{secret: {SECRET}, roles: rad}}}}}}", 'did you mean "read"?'),
        (f"{{tokens: {{crm: {{secret: {SECRET}, roles: read, campaigns: sael}}}}}}", "sael"),
        (
            f"{{tokens: {{a: {{secret: {SECRET}, roles: read}}, "
            f"b: {{secret: {SECRET}, roles: admin}}}}}}",
            "tokens: two have the same secret",
        ),
        ("{tls: {certificate: c.pem}}", 'needs "key"'),
        ("{unix: maybe}", "unix: expected true or false"),
        ("{tokns: {}}", 'did you mean "tokens"?'),
    ],
)
def test_mistakes_in_the_section(text: str, complaint: str) -> None:
    found = told(f"{MINIMAL}control: {text}\n")
    assert len(found) == 1, found
    assert complaint in found[0]


@pytest.mark.parametrize(
    "text",
    [
        "{tokens: {crm: {secret: 'hush hush hush hush', roles: read}}}",
        "{tokens: {crm: {secret: hush, roles: read}}}",
        "{tokens: {crm: {secret: [hush], roles: read}}}",
        "{tokens: {crm: hush-hush-hush-hush}}",
        "{tokens: hush-hush-hush-hush}",
        "{tokens: [hush-hush-hush-hush]}",
    ],
)
def test_a_secret_that_is_wrong_or_in_the_wrong_place_is_not_shown(text: str) -> None:
    found = told(f"{MINIMAL}control: {text}\n")
    assert found != []
    assert not any("hush" in one for one in found), found


@pytest.mark.parametrize("host", ["0.0.0.0", '"[::]"', "192.0.2.1", "sip.example.org"])
def test_only_loopback_goes_without_tokens(host: str) -> None:
    address = f'{host[:-1]}:8021"' if host.startswith('"') else f"{host}:8021"
    (found,) = told(f"{MINIMAL}switch: {{control: {address}, advertise: 192.0.2.1}}\n")
    assert "could do everything" in found
    assert "tokens" in found
    tokens = f"control: {{tokens: {{crm: {{secret: {SECRET}, roles: read}}}}}}\n"
    assert loaded(f"{MINIMAL}switch: {{control: {address}}}\n{tokens}").control.tokens


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", '"[::1]', "localhost"])
def test_loopback_goes_without_tokens(host: str) -> None:
    address = f'{host}:8021"' if host.startswith('"') else f"{host}:8021"
    assert loaded(f"{MINIMAL}switch: {{control: {address}}}\n").control.tokens == ()
