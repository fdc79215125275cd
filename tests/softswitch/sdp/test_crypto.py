"""Keys of SRTP in offers and answers (RFC 4568, RFC 8643), and one port for RTP and RTCP."""

from __future__ import annotations

import base64
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.sdp import (
    PCMA,
    PCMU,
    AudioAgreement,
    Keyring,
    LocalMedia,
    NotAcceptable,
    SessionDescription,
    accept_answer,
    answer,
    check_offer,
    offer,
)
from softswitch.sdp.crypto import SUITES, CryptoLine, read_line

CODECS = (PCMU, PCMA)
HEAD = "v=0\r\no=peer 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
LONG, SHORT = SUITES


def key(number: int) -> bytes:
    return bytes([number]) * 30


def inline(number: int) -> str:
    return base64.b64encode(key(number)).decode()


def crypto(tag: int = 1, suite: str = LONG, number: int = 1, more: str = "") -> str:
    return f"a=crypto:{tag} {suite} inline:{inline(number)}{more}"


def peer(*lines: str) -> SessionDescription:
    return SessionDescription.parse((HEAD + "".join([line + "\r\n" for line in lines])).encode())


def local(*, required: bool = False) -> LocalMedia:
    """Our side; its keys are of the octets 200, 201..., in the order in which they are made."""
    made = LocalMedia("192.0.2.1", 20000, session_id=77)
    numbers = itertools.count(200)
    made.keyring = Keyring(required=required, make_key=lambda: key(next(numbers)))
    return made


def lines_of(body: bytes) -> list[str]:
    return body.decode().split("\r\n")


def agreed(ours: LocalMedia, *lines: str) -> AudioAgreement:
    return answer(peer(*lines), ours, CODECS)[1]


SAVP = "m=audio 6000 RTP/SAVP 0"
AVP = "m=audio 6000 RTP/AVP 0"


# A line.


@pytest.mark.parametrize(
    "text",
    [
        f"crypto:1 {LONG} inline:{inline(1)}",
        f"CRYPTO:1  {LONG.lower()}  INLINE:{inline(1)}",
        f"crypto:1 {LONG} inline:{inline(1)}|2^31",
        f"crypto:1 {LONG} inline:{inline(1)}|1048576",
        f"crypto:1 {LONG} inline:{inline(1)} WSH=128",
        f"crypto:1 {LONG} inline:{inline(1)} -X=1 -FLAG",
    ],
)
def test_a_line_of_a_suite_we_speak_is_read(text: str) -> None:
    assert read_line(text) == CryptoLine(1, LONG, key(1))


@pytest.mark.parametrize(
    "text",
    [
        "crypto:1",
        f"crypto:x {LONG} inline:{inline(1)}",
        f"crypto:1 AES_256_CM_HMAC_SHA1_80 inline:{inline(1)}",
        f"crypto:1 F8_128_HMAC_SHA1_80 inline:{inline(1)}",
        f"crypto:1 {LONG} inline:{inline(1)[:-4]}",
        f"crypto:1 {LONG} inline:{inline(1)}AAAA",
        f"crypto:1 {LONG} inline:{'*' * 40}",
        f"crypto:1 {LONG} uri:{inline(1)}",
        # A key that packets must name, and several keys.
        f"crypto:1 {LONG} inline:{inline(1)}|2^20|1:4",
        f"crypto:1 {LONG} inline:{inline(1)}|1:4",
        f"crypto:1 {LONG} inline:{inline(1)}|1:4;inline:{inline(2)}|2:4",
        # RFC 4568 section 6.3: what would weaken the encryption, or is not known.
        f"crypto:1 {LONG} inline:{inline(1)} UNENCRYPTED_SRTP",
        f"crypto:1 {LONG} inline:{inline(1)} UNAUTHENTICATED_SRTP",
        f"crypto:1 {LONG} inline:{inline(1)} UNENCRYPTED_SRTCP WSH=64",
        f"crypto:1 {LONG} inline:{inline(1)} KDR=4",
        f"crypto:1 {LONG} inline:{inline(1)} SOMETHING",
    ],
)
def test_what_is_not_spoken_is_passed_over(text: str) -> None:
    assert read_line(text) is None


@given(st.text(max_size=120))
def test_no_line_raises(text: str) -> None:
    read_line("crypto:" + text)


@given(st.integers(0, 999_999_999), st.sampled_from(SUITES), st.binary(min_size=30, max_size=30))
def test_a_line_is_read_as_it_was_written(tag: int, suite: str, octets: bytes) -> None:
    line = CryptoLine(tag, suite, octets)
    assert read_line(str(line).strip()[2:]) == line


def test_keys_are_not_shown() -> None:
    agreement = agreed(local(), SAVP, crypto())
    assert agreement.srtp is not None
    shown = repr(agreement) + repr(CryptoLine(1, LONG, key(1)))
    assert LONG in shown
    assert repr(key(1))[2:20] not in shown
    assert inline(1) not in shown
    assert repr(key(200))[2:20] not in shown


# Answering.


def test_the_first_suite_we_speak_is_answered_with_its_tag_and_a_key_of_ours() -> None:
    body, agreement = answer(
        peer(SAVP, "a=crypto:1 AEAD_AES_256_GCM inline:x", crypto(2, SHORT), crypto(3, LONG)),
        local(required=True),
        CODECS,
    )
    lines = lines_of(body)
    assert "m=audio 20000 RTP/SAVP 0" in lines
    assert [line for line in lines if "crypto" in line] == [crypto(2, SHORT, 200)]
    assert agreement.srtp is not None
    assert (agreement.srtp.suite, agreement.srtp.our_key, agreement.srtp.their_key) == (
        SHORT, key(200), key(1),
    )  # fmt: skip


@pytest.mark.parametrize("required", [False, True])
def test_keys_beside_rtp_avp_are_taken(required: bool) -> None:
    body, agreement = answer(peer(AVP, crypto()), local(required=required), CODECS)
    assert "m=audio 20000 RTP/AVP 0" in lines_of(body)
    assert crypto(1, LONG, 200) in lines_of(body)
    assert agreement.srtp is not None


def test_without_keys_an_optional_leg_is_plain() -> None:
    body, agreement = answer(peer(AVP), local(), CODECS)
    assert b"crypto" not in body
    assert agreement.srtp is None


@pytest.mark.parametrize(
    ("lines", "required"),
    [
        ((AVP,), True),
        ((SAVP,), True),
        ((SAVP,), False),
        ((SAVP, "a=crypto:1 AEAD_AES_256_GCM inline:x"), False),
        ((AVP, "a=crypto:1 AEAD_AES_256_GCM inline:x"), True),
        (("m=audio 6000 UDP/TLS/RTP/SAVP 0", crypto()), False),
    ],
)
def test_what_is_not_as_encrypted_as_it_has_to_be_is_refused(
    lines: tuple[str, ...], required: bool
) -> None:
    ours = local(required=required)
    for refuse in (answer, check_offer):
        with pytest.raises(NotAcceptable) as caught:
            refuse(peer(*lines), ours, CODECS)
        assert caught.value.code == 302


@pytest.mark.parametrize("lines", [(AVP,), (SAVP, "a=crypto:1 AEAD_AES_256_GCM inline:x")])
def test_a_refusal_for_want_of_keys_says_so(lines: tuple[str, ...]) -> None:
    with pytest.raises(NotAcceptable, match="srtp is required, the far end gave no usable key"):
        check_offer(peer(*lines), local(required=True), CODECS)
    mine = local(required=True)
    offer(mine, CODECS)
    with pytest.raises(NotAcceptable, match="srtp is required, the far end gave no usable key"):
        accept_answer(mine, peer(*lines))
    with pytest.raises(NotAcceptable, match="wants srtp, and gave no usable key"):
        check_offer(peer(SAVP), local(), CODECS)
    dtls = "m=audio 6000 UDP/TLS/RTP/SAVP 0"
    with pytest.raises(NotAcceptable, match="DTLS-SRTP"):
        check_offer(peer(dtls), local(), CODECS)


@pytest.mark.parametrize("number", [200, 201])
def test_an_answer_with_a_key_of_ours_is_refused(number: int) -> None:
    for required, media in ((True, SAVP), (False, AVP)):
        mine = local(required=required)
        offer(mine, CODECS)
        with pytest.raises(NotAcceptable, match="no usable key"):
            accept_answer(mine, peer(media, crypto(number=number)))


def test_without_a_keyring_keys_are_passed_over_and_savp_is_refused() -> None:
    plain = LocalMedia("192.0.2.1", 20000, session_id=77)
    body, agreement = answer(peer(AVP, crypto()), plain, CODECS)
    assert b"crypto" not in body
    assert agreement.srtp is None
    with pytest.raises(NotAcceptable):
        answer(peer(SAVP, crypto()), plain, CODECS)


def test_of_sound_offered_both_ways_the_encrypted_is_taken() -> None:
    body, agreement = answer(peer(AVP, SAVP, crypto()), local(), CODECS)
    assert [line for line in lines_of(body) if line.startswith("m=")] == [
        "m=audio 0 RTP/AVP 0",
        "m=audio 20000 RTP/SAVP 0",
    ]
    assert agreement.srtp is not None


def test_an_offer_that_changes_nothing_changes_no_key() -> None:
    ours = local()
    first = agreed(ours, SAVP, crypto(1), crypto(2, SHORT, 2))
    again = agreed(ours, SAVP, crypto(1), crypto(2, SHORT, 2))
    assert first.srtp == again.srtp
    # The suite in force stays where the peer turns its order round.
    turned = agreed(ours, SAVP, crypto(1, SHORT, 2), crypto(2))
    assert turned.srtp == first.srtp


def test_another_key_of_theirs_is_answered_with_another_of_ours() -> None:
    ours = local()
    before, after = agreed(ours, SAVP, crypto()).srtp, agreed(ours, SAVP, crypto(number=9)).srtp
    assert before is not None
    assert after is not None
    assert (after.our_key, after.their_key) == (key(201), key(9))
    assert before.our_key == key(200)


def test_another_suite_has_another_key() -> None:
    """Under the same one, packets of the same number would be encrypted alike twice."""
    ours = local()
    agreed(ours, SAVP, crypto())
    after = agreed(ours, SAVP, crypto(suite=SHORT)).srtp
    assert after is not None
    assert (after.suite, after.our_key) == (SHORT, key(201))


def test_an_optional_leg_can_become_plain_and_encrypted_again() -> None:
    ours = local()
    assert agreed(ours, AVP, crypto()).srtp is not None
    assert agreed(ours, AVP).srtp is None
    again = agreed(ours, AVP, crypto()).srtp
    assert again is not None
    assert again.our_key == key(201)


# Offering.


def test_a_required_offer_names_both_suites_with_a_key_each() -> None:
    lines = lines_of(offer(local(required=True), CODECS))
    assert "m=audio 20000 RTP/SAVP 0 8 101" in lines
    assert [line for line in lines if "crypto" in line] == [
        crypto(1, LONG, 200),
        crypto(2, SHORT, 201),
    ]


def test_an_optional_offer_is_one_that_everybody_can_answer() -> None:
    lines = lines_of(offer(local(), CODECS))
    assert "m=audio 20000 RTP/AVP 0 8 101" in lines
    assert len([line for line in lines if "crypto" in line]) == 2


@pytest.mark.parametrize(("tag", "suite", "ours"), [(1, LONG, 200), (2, SHORT, 201)])
def test_the_answer_says_which_key_of_the_offer_is_used(tag: int, suite: str, ours: int) -> None:
    mine = local(required=True)
    offer(mine, CODECS)
    agreement = accept_answer(mine, peer(SAVP, crypto(tag, suite, 5)))
    assert agreement.srtp is not None
    assert (agreement.srtp.suite, agreement.srtp.our_key, agreement.srtp.their_key) == (
        suite, key(ours), key(5),
    )  # fmt: skip


def test_an_answer_without_keys_makes_an_optional_leg_plain() -> None:
    mine = local()
    offer(mine, CODECS)
    assert accept_answer(mine, peer(AVP)).srtp is None
    assert b"crypto" not in offer(mine, CODECS)


@pytest.mark.parametrize(
    ("lines", "required"),
    [
        ((AVP,), True),
        ((SAVP,), True),
        ((SAVP,), False),
        ((SAVP, crypto(3)), True),
        ((SAVP, crypto(1, SHORT)), True),
        ((AVP, crypto(3)), False),
        ((AVP, "a=crypto:1 AEAD_AES_256_GCM inline:x"), False),
    ],
)
def test_an_answer_that_fits_no_key_of_the_offer_is_refused(
    lines: tuple[str, ...], required: bool
) -> None:
    mine = local(required=required)
    offer(mine, CODECS)
    with pytest.raises(NotAcceptable):
        accept_answer(mine, peer(*lines))


def test_a_further_offer_keeps_the_key_and_protocol_in_force() -> None:
    mine = local(required=True)
    offer(mine, CODECS)
    before = accept_answer(mine, peer("m=audio 6000 RTP/SAVP 0", crypto(2, SHORT, 5)))
    lines = lines_of(offer(mine, CODECS, direction="sendonly"))
    assert [line for line in lines if "crypto" in line] == [crypto(2, SHORT, 201)]
    assert accept_answer(mine, peer(SAVP, crypto(2, SHORT, 5))).srtp == before.srtp


def test_an_offer_that_another_may_answer_has_new_keys() -> None:
    """RFC 3725: who asks for an offer may give it to somebody that is not in the dialog yet."""
    mine = local()
    agreed(mine, SAVP, crypto())
    lines = lines_of(offer(mine, CODECS, anew=True))
    assert "m=audio 20000 RTP/SAVP 0 8 101" in lines
    assert [line for line in lines if "crypto" in line] == [
        crypto(1, LONG, 201),
        crypto(2, SHORT, 202),
    ]


def test_each_call_of_a_server_has_its_own_keys() -> None:
    mine = local(required=True)
    assert offer(mine, CODECS) != offer(mine, CODECS)


# One port.


def test_one_port_is_answered_where_it_was_offered() -> None:
    plain = LocalMedia("192.0.2.1", 20000, session_id=77)
    body, agreement = answer(peer(AVP, "a=rtcp-mux"), plain, CODECS)
    assert "a=rtcp-mux" in lines_of(body)
    assert agreement.rtcp_mux
    assert "a=rtcp-mux" in lines_of(offer(plain, CODECS))
    body, agreement = answer(peer(AVP), plain, CODECS)
    assert b"rtcp-mux" not in body
    assert not agreement.rtcp_mux


@pytest.mark.parametrize("taken", [False, True])
def test_one_port_is_offered_and_used_where_the_answer_has_it(taken: bool) -> None:
    mine = LocalMedia("192.0.2.1", 20000, session_id=77)
    mine.rtcp_mux = True
    assert "a=rtcp-mux" in lines_of(offer(mine, CODECS))
    lines = (AVP, "a=rtcp-mux") if taken else (AVP,)
    assert accept_answer(mine, peer(*lines)).rtcp_mux is taken
    assert (b"rtcp-mux" in offer(mine, CODECS)) is taken


def test_an_answer_cannot_have_one_port_that_was_not_offered() -> None:
    mine = LocalMedia("192.0.2.1", 20000, session_id=77)
    offer(mine, CODECS)
    assert not accept_answer(mine, peer(AVP, "a=rtcp-mux")).rtcp_mux


@pytest.mark.parametrize(("number", "taken"), [(63, True), (64, False), (95, False), (96, True)])
def test_one_port_is_not_taken_with_payload_types_that_look_like_rtcp(
    number: int, taken: bool
) -> None:
    digits = f"a=rtpmap:{number} telephone-event/8000"
    plain = LocalMedia("192.0.2.1", 20000, session_id=77)
    body, agreement = answer(peer(f"{AVP} {number}", digits, "a=rtcp-mux"), plain, CODECS)
    assert agreement.rtcp_mux is taken
    assert (b"a=rtcp-mux" in body) is taken
