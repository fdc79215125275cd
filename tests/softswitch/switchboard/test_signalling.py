"""What is said of the caller in events and records."""

from __future__ import annotations

import json

import pytest

from softswitch.sip.identity import read_identity
from softswitch.sip.message import Request, parse_message
from softswitch.switchboard.signalling import called_number, calling_number, signalling_facts


def invite(*lines: str, uri: str = "sip:100@h", caller: str = "<sip:ann@h>;tag=1") -> Request:
    head = (f"INVITE {uri} SIP/2.0", f"From: {caller}", "To: <sip:100@h>", *lines)
    request = parse_message("\r\n".join((*head, "", "")).encode())
    assert isinstance(request, Request)
    return request


def test_no_password_of_a_uri_is_in_the_facts() -> None:
    request = invite(
        "P-Asserted-Identity: <sips:bob:SECRET1@h:5061;transport=tcp>",
        "Diversion: <sip:joe:SECRET2@h>;reason=no-answer",
        "History-Info: <sip:sue:SECRET3@h>;index=1",
        caller='"Ann" <sip:ann:SECRET4@h;x=y>;tag=1',
    )
    facts = signalling_facts(request, read_identity(request, trusted=True))
    assert "SECRET" not in json.dumps(facts)
    assert facts["asserted"] == ["sips:bob@h:5061;transport=tcp"]
    assert facts["diversions"][0]["uri"] == "sip:joe@h"
    assert facts["history"][0]["uri"] == "sip:sue@h"
    assert facts["from"] == "sip:ann@h;x=y"


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("sip:ann:SECRET@h:5060", "sip:ann@h:5060"),
        ("sip:ann@[::1]:5060", "sip:ann@[::1]:5060"),
        ("sip:h:5060", "sip:h:5060"),
    ],
)
def test_a_caller_without_a_number_is_told_by_a_uri_without_its_password(
    uri: str, shown: str
) -> None:
    identity = read_identity(invite(caller=f"<{uri}>;tag=1"), trusted=False)
    assert calling_number(identity, "US") == shown


def test_what_was_dialled_has_no_password() -> None:
    assert called_number(invite(uri="sip:100:SECRET@h")) == "100"
    assert "SECRET" not in called_number(invite(uri="sip:%00:SECRET@h"))
    assert "SECRET" not in called_number(invite(uri="sip:;x:SECRET@h"))
