"""Users of our registered contacts that are no numbers."""

from __future__ import annotations

import pytest

from softswitch.sip.uri import Uri
from tests.support.wire import PEER, US, Wire


@pytest.mark.parametrize(
    ("user", "written"),
    [("+16025550100", "+16025550100"), ("", ""), ("a b>;x", "a%20b%3E;x"), ("a@b<", "a%40b%3C")],
)
def test_a_registered_contact_is_one_uri_whoever_it_is(user: str, written: str) -> None:
    wire = Wire()
    wire.stack.register(
        registrar="sip:carrier.example",
        aor="sip:us@carrier.example",
        contact_user=user,
        line="abc",
        expires=600.0,
        ways=lambda: [PEER],
        credentials=None,
        now=wire.now,
    )

    (message,) = wire.take()

    contact = message.get("contact")
    at = f"{written}@" if written else ""
    assert contact == f"<sip:{at}{US}:5060;line=abc>"
    uri = Uri.parse(contact[1:-1])
    assert (uri.user or "", uri.parameters.get("line")) == (user, "abc")
