"""Fax in session descriptions: what is read of it, what of it is passed on, and where it stands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.sdp import PCMU, LocalMedia, NotAcceptable, SessionDescription, answer, offer
from softswitch.sdp.description import MAX_DESCRIPTION_BYTES
from softswitch.sdp.errors import ParseError
from softswitch.sdp.fax import (
    FAX_ATTRIBUTES,
    MAX_DATAGRAM_BYTES,
    MAX_VALUE_LENGTH,
    answer_fax,
    asks_for_fax,
    offer_fax,
    read_fax,
)

HEAD = "v=0\r\no=- 7 8 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
AUDIO = "m=audio 4000 RTP/AVP 0\r\n"
NO_AUDIO = "m=audio 0 RTP/AVP 0\r\n"
IMAGE = "m=image 4002 udptl t38\r\n"
# As in the examples of ITU-T T.38 annex D.
ATTRIBUTES = (
    "T38FaxVersion:0",
    "T38MaxBitRate:14400",
    "T38FaxFillBitRemoval:0",
    "T38FaxTranscodingMMR:0",
    "T38FaxTranscodingJBIG:0",
    "T38FaxRateManagement:transferredTCF",
    "T38FaxMaxBuffer:260",
    "T38FaxMaxDatagram:316",
    "T38FaxUdpEC:t38UDPRedundancy",
)


def local() -> LocalMedia:
    return LocalMedia("192.0.2.9", 20000, 5)


def described(*media: str) -> SessionDescription:
    return SessionDescription.parse((HEAD + "".join(media)).encode())


def lines(body: bytes) -> list[str]:
    return [line for line in body.decode().split("\r\n") if line[:2] in ("m=", "a=")]


def attributes(*names: str) -> str:
    return "".join([f"a={name}\r\n" for name in names])


@pytest.mark.parametrize(
    ("media", "asks"),
    [
        ((IMAGE,), True),
        ((NO_AUDIO, IMAGE), True),
        ((IMAGE, NO_AUDIO), True),
        (("m=image 4002 UDPTL T38\r\n",), True),
        ((AUDIO, IMAGE), False),
        ((AUDIO,), False),
        ((), False),
        (("m=image 0 udptl t38\r\n",), False),
        (("m=image 4002 tcp t38\r\n",), False),
        (("m=image 4002 udptl other\r\n",), False),
        (("m=image 4002 udptl\r\n",), False),
        (("m=application 4002 udptl t38\r\n",), False),
        (("m=audio 4000 RTP/SAVP 0\r\n", IMAGE), False),
    ],
)
def test_fax_is_asked_for_where_there_is_no_sound_beside_it(
    media: tuple[str, ...], asks: bool
) -> None:
    description = described(*media)
    assert asks_for_fax(description) is asks
    if not asks:
        with pytest.raises(NotAcceptable):
            read_fax(description, local())


def test_what_one_end_says_is_read() -> None:
    fax = read_fax(described(IMAGE, attributes(*ATTRIBUTES)), local())
    assert (fax.host, fax.port, fax.attributes) == ("192.0.2.1", 4002, ATTRIBUTES)
    assert fax.version == 0


@pytest.mark.parametrize(("value", "version"), [("3", 3), (" 1 ", 1), ("", 0), ("x", 0)])
def test_the_version_is_0_where_none_is_said(value: str, version: int) -> None:
    fax = read_fax(described(IMAGE, f"a=T38FaxVersion:{value}\r\n"), local())
    assert fax.version == version


def test_only_known_attributes_are_passed_on_each_once() -> None:
    said = (
        "T38MaxBitRate:9600",
        "tool:gateway 1.2.3 at 10.0.0.1",
        "crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x",
        "t38maxbitrate:14400",
        "sendrecv",
        "T38FaxTranscodingMMR",
        "T38VendorInfo:0 0 37",
        f"T38FaxMaxBuffer:{'9' * (MAX_VALUE_LENGTH + 1)}",
        "T38FaxUdpEC:<script>",
    )
    fax = read_fax(described(IMAGE, attributes(*said)), local())
    assert fax.attributes == ("T38MaxBitRate:9600", "T38FaxTranscodingMMR", "T38VendorInfo:0 0 37")


@pytest.mark.parametrize(
    ("said", "told"), [("72", "72"), ("1500", "1500"), ("65535", "1500"), ("many", "1500")]
)
def test_no_larger_datagram_is_promised_than_is_passed_on(said: str, told: str) -> None:
    fax = read_fax(described(IMAGE, f"a=T38FaxMaxDatagram:{said}\r\n"), local())
    assert fax.attributes == (f"T38FaxMaxDatagram:{told}",)
    assert MAX_DATAGRAM_BYTES == 1500


@pytest.mark.parametrize("connection", ["IN IP4 0.0.0.0", "IN IP4 224.0.0.1", "IN IP6 2001:db8::1"])
def test_an_address_that_cannot_be_sent_to_is_refused(connection: str) -> None:
    with pytest.raises(NotAcceptable):
        read_fax(described(IMAGE, f"c={connection}\r\n"), local())


def test_our_offer_has_our_address_in_the_place_of_the_sound() -> None:
    ours = local()
    offer(ours, (PCMU,))
    before = ours.version
    body = offer_fax(ours, ATTRIBUTES)
    assert lines(body) == ["m=image 20000 udptl t38", *[f"a={name}" for name in ATTRIBUTES]]
    assert b"c=IN IP4 192.0.2.9\r\n" in body
    assert ours.version == before + 1
    assert offer_fax(ours, ATTRIBUTES) == body, "a refresh says nothing new"
    assert lines(offer(ours, (PCMU,)))[0].startswith("m=audio 20000 ")


def test_refused_m_lines_keep_their_places_in_our_offer() -> None:
    ours = local()
    answer(described("m=video 5000 RTP/AVP 99\r\n", AUDIO), ours, (PCMU,))
    assert [line for line in lines(offer_fax(ours, ())) if line[0] == "m"] == [
        "m=video 0 RTP/AVP 99",
        "m=image 20000 udptl t38",
    ]


@pytest.mark.parametrize(
    ("offered", "answered", "later"),
    [
        ((IMAGE,), ["m=image 20000 udptl t38"], ["audio"]),
        (
            (NO_AUDIO, IMAGE),
            ["m=audio 0 RTP/AVP 0", "m=image 20000 udptl t38"],
            ["audio", "image"],
        ),
        (
            (IMAGE, NO_AUDIO),
            ["m=image 20000 udptl t38", "m=audio 0 RTP/AVP 0"],
            ["image", "audio"],
        ),
        (
            ("m=video 5000 RTP/AVP 99\r\n", IMAGE),
            ["m=video 0 RTP/AVP 99", "m=image 20000 udptl t38"],
            ["video", "audio"],
        ),
    ],
)
def test_an_answer_has_the_offers_m_lines_and_so_have_offers_to_come(
    offered: tuple[str, ...], answered: list[str], later: list[str]
) -> None:
    ours = local()
    offer(ours, (PCMU,))
    assert lines(answer_fax(described(*offered), ours, ())) == answered
    media = [line for line in lines(offer(ours, (PCMU,))) if line[0] == "m"]
    assert [line.split()[0][2:] for line in media] == later
    assert [line.split()[1] for line in media if "audio" in line] == ["20000"]
    assert {line.split()[1] for line in media if "audio" not in line} <= {"0"}


NAMES = st.sampled_from([*sorted(FAX_ATTRIBUTES), "rtpmap", "tool", "T38FaxUdpEC", ""])
VALUES = st.text(max_size=80)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=30))
def test_whatever_is_said_only_clean_attributes_are_written(
    said: list[tuple[str, str]],
) -> None:
    text = HEAD + IMAGE + "".join([f"a={name}:{value}\r\n" for name, value in said])
    try:
        description = SessionDescription.parse(text.encode("utf-8", "surrogatepass"))
        fax = read_fax(description, local())
    except (ParseError, NotAcceptable):
        return
    ours = local()
    body = answer_fax(description, ours, fax.attributes)
    written = [line for line in lines(body) if line.startswith("a=")]
    assert len(written) <= len(FAX_ATTRIBUTES)
    for line in written:
        name, _, value = line[2:].partition(":")
        assert name.lower() in FAX_ATTRIBUTES
        assert value.isascii()
        assert len(value) <= MAX_VALUE_LENGTH
    assert read_fax(SessionDescription.parse(body), local()).attributes == fax.attributes


MEDIA = st.sampled_from(
    [AUDIO, NO_AUDIO, IMAGE, "m=video 6 RTP/AVP 9\r\n", "m=image 0 udptl t38\r\n"]
)


@given(st.lists(MEDIA, max_size=8), st.lists(MEDIA, max_size=8))
def test_m_lines_are_answered_one_by_one_from_fax_to_sound_and_back(
    first: list[str], then: list[str]
) -> None:
    ours = local()
    for media in (first, then, first):
        description = described(*media)
        if asks_for_fax(description):
            body = answer_fax(description, ours, ())
        else:
            try:
                body, _ = answer(description, ours, (PCMU,))
            except NotAcceptable:
                continue
        answered = SessionDescription.parse(body).media
        assert [one.media for one in answered] == [one.media for one in description.media]
        assert sum(one.port != 0 for one in answered) == 1
        for again in (offer_fax(ours, ()), offer(ours, (PCMU,))):
            live = [one for one in SessionDescription.parse(again).media if one.port]
            assert len(live) == 1
            assert len(SessionDescription.parse(again).media) == len(media)
        assert len(body) < MAX_DESCRIPTION_BYTES
