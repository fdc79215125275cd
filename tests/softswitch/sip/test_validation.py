"""The second look at a message (RFC 3261 sections 8.1.1 and 8.2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.sip.errors import ParseError
from softswitch.sip.headers.container import Headers
from softswitch.sip.headers.name_address import NameAddress
from softswitch.sip.message import Request, Response
from softswitch.sip.validation import _is_usual, has_one_contact, validate

USUAL = {
    "Via": "SIP/2.0/UDP a;branch=z9hG4bK1",
    "From": "<sip:a@b>;tag=1",
    "To": "<sip:c@d>",
    "Call-ID": "1",
    "CSeq": "1 INVITE",
    "Max-Forwards": "70",
}


def invite(body: bytes = b"", /, **changes: str | None) -> Request:
    fields = {**USUAL, **{name.replace("_", "-"): value for name, value in changes.items()}}
    headers = Headers([(name, value) for name, value in fields.items() if value is not None])
    return Request("INVITE", "sip:a@b", headers, body)


def test_a_usual_request_and_response_pass() -> None:
    validate(invite())
    validate(invite(Max_Forwards=None))
    validate(invite(Contact="<sip:a@b>", Route="<sip:a;lr>", Record_Route="<sip:b;lr>,<sip:c>"))
    validate(invite(From="sip:a@b", To='"x" <sip:c@d>;tag=2', Contact="*"))
    validate(invite(b"x", Content_Type="text/plain"))
    validate(invite(b"x"))
    validate(Response(200, headers=invite().headers))


@pytest.mark.parametrize("name", ["Via", "From", "To", "Call-ID", "CSeq"])
def test_each_needed_header_must_be_there(name: str) -> None:
    """8.1.1: "A valid SIP request ... MUST, at a minimum, contain the following header fields"."""
    with pytest.raises(ParseError) as caught:
        validate(invite(**{name.replace("-", "_"): None}))

    assert caught.value.reason == f"missing-{name.lower()}"
    assert caught.value.message is None


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("Via", "x", "bad-via"),
        ("From", "<sip:a@b>;tag=1, <sip:c@d>", "bad-from"),
        ("From", "<sip:a@b>;tag=1;;", "bad-from"),
        ("To", "nobody", "bad-to"),
        ("Call-ID", "a b", "bad-call-id"),
        ("CSeq", "2147483648 INVITE", "bad-cseq"),
        ("CSeq", "1", "bad-cseq"),
        ("CSeq", "1 BYE", "cseq-method-mismatch"),
        ("CSeq", "1 invite", "cseq-method-mismatch"),
        ("Max-Forwards", "256", "bad-max-forwards"),
        ("Max-Forwards", "-1", "bad-max-forwards"),
        ("Contact", "<sip:a@b:65536>", "bad-contact"),
        ("Contact", "*, <sip:a@b>", "bad-contact"),
        ("Route", "<sip:a;lr>,", "bad-route"),
        ("Record-Route", "<sip:a;lr", "bad-record-route"),
        ("Content-Type", "text", "bad-content-type"),
    ],
)
def test_a_malformed_header_is_found(name: str, value: str, reason: str) -> None:
    message = invite(b"x", **{name.replace("-", "_"): value})

    with pytest.raises(ParseError) as caught:
        validate(message)

    assert (caught.value.reason, caught.value.status_hint) == (reason, 400)
    assert (caught.value.message is None) is (name == "Via")


def test_a_malformed_request_uri_is_found() -> None:
    message = invite()
    message.uri = "<sip:a>"

    with pytest.raises(ParseError) as caught:
        validate(message)

    assert caught.value.reason == "bad-request-uri"
    assert caught.value.message is message


@pytest.mark.parametrize("name", ["From", "To", "Call-ID", "CSeq", "Max-Forwards", "Content-Type"])
def test_a_header_that_stands_alone_must_not_be_repeated(name: str) -> None:
    message = invite(Content_Type="text/plain")
    message.headers.add(name, message.headers.get(name) or "")

    with pytest.raises(ParseError, match=f"repeated-header: {name}"):
        validate(message)


def test_a_malformed_response_carries_no_request() -> None:
    with pytest.raises(ParseError) as caught:
        validate(Response(200))

    assert caught.value.message is None


addresses = st.from_regex(
    r'("[^"\\]{0,5}" ?)?<sips?:([a-z0-9+;?]{1,5}@)?[a-z0-9.\-]{1,9}(:[0-9]{1,5})?'
    r"(;[a-z=:]{1,4}){0,3}>(;tag=[a-z.]{0,3})?",
    fullmatch=True,
)


@given(addresses | st.text().map("<sip:a@b>".__add__) | st.text().map(lambda text: f"<sip:{text}>"))
def test_what_is_taken_for_usual_can_be_read(text: str) -> None:
    if _is_usual(text):
        NameAddress.parse(text)


@pytest.mark.parametrize(
    ("contacts", "one"),
    [
        (["<sip:a@192.0.2.1>"], True),
        (["a b <sip:a@192.0.2.1>"], True),
        (["sip:a@192.0.2.1"], True),
        (["<sip:a@192.0.2.1>, <sip:b@192.0.2.1>"], False),
        (["<sip:a@192.0.2.1>", "<sip:b@192.0.2.1>"], False),
        ([], False),
    ],
)
def test_one_contact_is_told_from_none_and_several(contacts: list[str], one: bool) -> None:
    message = Request("INVITE", "sip:a@192.0.2.9")
    for contact in contacts:
        message.headers.add("Contact", contact)
    assert has_one_contact(message) is one
