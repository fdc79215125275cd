"""`verstat`, written into what an INVITE says of its caller."""

from __future__ import annotations

import pytest

from config.model import Trunk
from softswitch.call.dial_request import DialRequest
from softswitch.sip.flow import Flow
from softswitch.switchboard.verstat import with_verstat

PASSED = "TN-Validation-Passed"


def request(from_: str, *headers: tuple[str, str]) -> DialRequest:
    trunk = Trunk("carrier", "192.0.2.1")
    return DialRequest(
        uri="sip:+16025551234@192.0.2.1",
        to_number="+16025551234",
        from_number="+16025550100",
        from_header=from_,
        flow=Flow("udp", "192.0.2.1", 5060),
        trunk=trunk,
        ring_seconds=30,
        contact_user="x",
        headers=headers,
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<sip:+1602@h>", f"<sip:+1602;verstat={PASSED}@h>"),
        ("<sip:+1602@h;user=phone>", f"<sip:+1602;verstat={PASSED}@h;user=phone>"),
        ('"A, B" <sip:+1602@h:5070>', f'"A, B" <sip:+1602;verstat={PASSED}@h:5070>'),
        ("<tel:+1602>", f"<tel:+1602;verstat={PASSED}>"),
        ("<sip:+1602;verstat=No-TN-Validation@h>", f"<sip:+1602;verstat={PASSED}@h>"),
        ("<sip:+1602;cpc=payphone@h>", f"<sip:+1602;cpc=payphone;verstat={PASSED}@h>"),
        ("<sip:h>", "<sip:h>"),
        ("<<<", "<<<"),
    ],
)
def test_it_is_a_parameter_of_the_number(before: str, after: str) -> None:
    assert with_verstat(request(before), PASSED).from_header == after


def test_an_asserted_identity_has_it_in_place_of_from() -> None:
    asserted = ("P-Asserted-Identity", "<sip:+1602@h>, <tel:+1602>")

    found = with_verstat(request("<sip:+1602@h>", ("X", "<sip:y@h>"), asserted), PASSED)

    assert found.from_header == "<sip:+1602@h>"
    assert found.headers == (
        ("X", "<sip:y@h>"),
        ("P-Asserted-Identity", f"<sip:+1602;verstat={PASSED}@h>, <tel:+1602;verstat={PASSED}>"),
    )
