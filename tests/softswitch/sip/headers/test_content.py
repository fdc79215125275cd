"""What bodies are: Content-Type, Accept, Content-Disposition (RFC 3261 section 20)."""

from __future__ import annotations

import pytest

from softswitch.sip.errors import ParseError
from softswitch.sip.headers.accept import accepts, parse_accept
from softswitch.sip.headers.container import Headers
from softswitch.sip.headers.content_disposition import ContentDisposition
from softswitch.sip.headers.media_type import MediaType
from softswitch.sip.parameters import Parameters


@pytest.mark.parametrize(
    ("text", "media"),
    [
        ("application/sdp", MediaType("application", "sdp")),
        (
            " Text / HTML ; charset=ISO-8859-4",
            MediaType("text", "html", Parameters([("charset", "ISO-8859-4")])),
        ),
        (
            'multipart/mixed;boundary="a b"',
            MediaType("multipart", "mixed", Parameters([("boundary", "a b")])),
        ),
    ],
)
def test_a_media_type_is_read(text: str, media: MediaType) -> None:
    assert MediaType.parse(text) == media
    assert MediaType.parse(str(media)) == media


@pytest.mark.parametrize(
    "text", ["", "text", "text/", "/plain", "a/b/c", "a/b c", "a b/c", "a/b;;"]
)
def test_another_media_type_is_a_parse_error(text: str) -> None:
    with pytest.raises(ParseError):
        MediaType.parse(text)


@pytest.mark.parametrize(
    ("accept", "accepted"),
    [
        (None, True),
        ("application/sdp", True),
        ("text/plain, application/sdp;q=0.1", True),
        ("application/*", True),
        ("*/*", True),
        ("", False),
        ("text/plain", False),
        ("text/*", False),
        ("application/sdp;q=0", False),
        ("application/sdp;q=0.0", False),
    ],
)
def test_accept_says_what_may_be_sent(accept: str | None, accepted: bool) -> None:
    """20.1: "If no Accept header field is present ... a default value of application/sdp"."""
    headers = Headers([] if accept is None else [("Accept", accept)])

    assert accepts(headers, "application/sdp") is accepted


def test_accept_without_header_is_sdp_and_empty_is_nothing() -> None:
    assert parse_accept(Headers()) == (MediaType("application", "sdp"),)
    assert parse_accept(Headers([("Accept", "")])) == ()
    with pytest.raises(ParseError):
        parse_accept(Headers([("Accept", "nonsense")]))


@pytest.mark.parametrize(
    ("text", "kind", "required"),
    [
        ("session", "session", True),
        ("Session ;handling=required", "session", True),
        ("render; Handling=Optional", "render", False),
        ("x;handling", "x", True),
    ],
)
def test_a_disposition_says_whether_it_must_be_understood(
    text: str, kind: str, required: bool
) -> None:
    disposition = ContentDisposition.parse(text)

    assert (disposition.type, disposition.is_required) == (kind, required)
    assert ContentDisposition.parse(str(disposition)) == disposition


@pytest.mark.parametrize("text", ["", ";handling=optional", "a b"])
def test_another_disposition_is_a_parse_error(text: str) -> None:
    with pytest.raises(ParseError):
        ContentDisposition.parse(text)
