"""Secrets are stars before anything is kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.sdp.crypto import CryptoLine
from softswitch.traces.sip_text import MAX_CALL_ID, call_id_of, masked

HEAD = b"INVITE sip:x SIP/2.0\r\n"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (b"Call-ID: one@two", "one@two"),
        (b"call-id:one", "one"),
        (b"CALL-ID \t: \t one \t", "one"),
        (b"i: one", "one"),
        (b"Via: x\r\nI:one", "one"),
        (b"X-Call-ID: two", ""),
        (b"Call-ID:", ""),
        (b"Call-ID: \xff", "\N{REPLACEMENT CHARACTER}"),
        (b"Call-ID: " + b"x" * 1000, "x" * MAX_CALL_ID),
    ],
)
def test_the_call_id_is_found_however_it_is_written(line: bytes, found: str) -> None:
    assert call_id_of(HEAD + line + b"\r\n\r\n") == found


@pytest.mark.parametrize("name", [b"Authorization", b"proxy-authorization"])
def test_credentials_are_stars_but_for_their_scheme(name: bytes) -> None:
    line = name + b': Digest username="ann", response="00ff",\r\n opaque="secret"\r\nCSeq: 1 X'
    found = masked(HEAD + line + b"\r\n\r\n")
    assert b"ann" not in found
    assert b"00ff" not in found
    assert b"secret" not in found
    assert name + b": Digest " in found
    assert found.endswith(b"\r\nCSeq: 1 X\r\n\r\n")


def test_a_password_in_a_uri_is_stars() -> None:
    found = masked(b"INVITE sip:ann:secret@h SIP/2.0\r\nTo: <sips:bob:hidden@h:5061>\r\n\r\n")
    expected = b"INVITE sip:ann:******@h SIP/2.0\r\nTo: <sips:bob:******@h:5061>\r\n\r\n"
    assert found == expected


def test_a_port_is_no_password() -> None:
    message = b"INVITE sip:ann@h:5060;x=1 SIP/2.0\r\nTo: <sip:h:5060>, <sip:b@h>\r\n\r\n"
    assert masked(message) == message


def test_keys_of_media_are_stars() -> None:
    crypto = b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0|2^20|1:32"
    body = b"v=0\r\n" + crypto + b"\r\na=ice-pwd:hidden\r\n"
    found = masked(HEAD + b"\r\n" + body)
    assert b"c2VjcmV0" not in found
    assert b"hidden" not in found
    assert b"|2^20|1:32" in found


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (b"k=base64:SECRET", b"k=base64:******"),
        (b"K=clear:SEC RET", b"K=clear:*** ***"),
        (b"k=SECRET", b"k=******"),
        (b"a=key-mgmt:mikey SECRET=", b"a=key-mgmt:mikey *******"),
        (b"a=key-mgmt:SECRET", b"a=key-mgmt:******"),
        (
            b"a=crypto:1 X inline:SECRET|2^20;inline:SECRET|1:4 FEC",
            b"a=crypto:1 X inline:******|2^20;inline:******|1:4 FEC",
        ),
    ],
)
@pytest.mark.parametrize("blank", [b"\r\n", b"\n"])
def test_a_key_of_media_is_stars_in_whatever_line_it_stands(
    line: bytes, shown: bytes, blank: bytes
) -> None:
    rest = b"v=0\r\n%s\r\nb=AS:64\r\n\r\n"
    assert masked(HEAD + blank + rest % line) == HEAD + blank + rest % shown


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (b'Authorization: "SECRET', b"Authorization: *******"),
        (b"Proxy-Authorization:SECRET", b"Proxy-Authorization:******"),
        (b"Authorization: SECRET  ", b"Authorization: ******  "),
        (b"Authorization: Digest", b"Authorization: ******"),
        (b"Authorization: Basic SECRET", b"Authorization: Basic ******"),
        (b"Authorization: Basic\r\n SECRET", b"Authorization: Basic\r\n ******"),
        (b'Authorization:\r\n "SECRET', b"Authorization:\r\n *******"),
    ],
)
def test_credentials_without_a_scheme_are_stars_as_a_whole(line: bytes, shown: bytes) -> None:
    assert masked(HEAD + line + b"\r\nCSeq: 1 X\r\n\r\n") == (
        HEAD + shown + b"\r\nCSeq: 1 X\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        (b"<sip:a@h?Authorization=SECRET%208>", b"<sip:a@h?Authorization=**********>"),
        (
            b"<sips:a@h?X=1&proxy-authorization=SECRET&Y=2>",
            b"<sips:a@h?X=1&proxy-authorization=******&Y=2>",
        ),
        (b"<sip:a@h?%41uthorization=Digest SECRET>", b"<sip:a@h?%41uthorization=****** ******>"),
        (b"<sip:a@h?body=a%3Dcrypto:SECRET>", b"<sip:a@h?body=*****************>"),
        (b"<sip:a@h?Replaces=not%20secret>", b"<sip:a@h?Replaces=not%20secret>"),
        (b"<sip:a;p=1:SECRET@h>", b"<sip:a;p=1:******@h>"),
        (b"<sip:a:SEC:RET@h>", b"<sip:a:*******@h>"),
        (b"<sip:a:SEC@RET;@h>", b"<sip:a:********@h>"),
        (b"sip:a@h:5060,sip:b:SECRET@h", b"sip:a@h:5060,sip:b:******@h"),
        (b"<sip:a:" + b"1:" * 9 + b"SECRET@h>", b"<sip:a:" + b"*" * 24 + b"@h>"),
    ],
)
def test_a_secret_in_a_uri_is_stars_where_the_uri_stands(uri: bytes, shown: bytes) -> None:
    assert masked(HEAD + b"Refer-To: " + uri + b"\r\n\r\n") == (
        HEAD + b"Refer-To: " + shown + b"\r\n\r\n"
    )


CRYPTO = b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:SECRET|2^20|1:32"
LOGIN = b'Authorization: Digest username="ann", response="SECRET"'


@pytest.mark.parametrize(
    "message",
    [
        # Leading line breaks are passed over by whoever reads messages (RFC 3261 section 7.5).
        b"\r\n\r\n" + HEAD + LOGIN + b"\r\n\r\nv=0\r\n" + CRYPTO,
        b"\n\n" + HEAD + LOGIN + b"\r\n\r\n",
        # Pieces of a message, and messages whose end of head cannot be found.
        LOGIN + b"\r\n",
        b"v=0\r\n" + CRYPTO + b"\r\n",
        HEAD + b"To: x\r\n" + CRYPTO,
        HEAD + b"To: x\r" + LOGIN + b"\r\r" + CRYPTO,
        # A message within a message, and a part of several.
        HEAD + b"Content-Type: message/sip\r\n\r\nREGISTER sip:x SIP/2.0\r\n" + LOGIN,
        HEAD + b"\r\n--b\r\nContent-Type: application/sdp\r\n\r\n" + CRYPTO + b"\r\n--b--",
        # What proxies and registrars say of the same password.
        HEAD + b'Authentication-Info: rspauth="SECRET", cnonce="SECRET"\r\n\r\n',
        HEAD + b"Proxy-Authentication-Info: SECRET\r\n\r\n",
        HEAD + b"X-Authorization: SECRET\r\n\r\n",
        HEAD + b"Authorization: Digest\ra=SECRET\r\n\r\n",
    ],
)
def test_secrets_are_stars_wherever_they_stand(message: bytes) -> None:
    assert b"SECRET" in message
    found = masked(message)
    assert b"SECRET" not in found
    assert b"ann" not in found
    assert len(found) == len(message)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (b"a=crypto:1 AES_CM inline: SECRET|2^20", b"a=crypto:1 AES_CM inline: ******|2^20"),
        (b"a=crypto:1 AES_CM inline:;SECRET", b"a=crypto:1 AES_CM inline:;******"),
        (b"a=crypto:1 AES_CM other:SECRET KDR=3", b"a=crypto:1 AES_CM ************ KDR=3"),
        (b"a=crypto:1 AES_CM SECRET", b"a=crypto:1 AES_CM ******"),
        (b"a=crypto:inline:SECRET", b"a=crypto:inline:******"),
        (b"a=crypto:1 X inline:SECRET FEC_KEY=inline:SECRET",
         b"a=crypto:1 X inline:****** ********inline:******"),
        (b"a=crypto:1 X inline:SECRET UNENCRYPTED_SRTP WSH=64",
         b"a=crypto:1 X inline:****** UNENCRYPTED_SRTP WSH=64"),
        (b"A = Crypto : 1 X inline:SECRET", b"A = Crypto : 1 X inline:******"),
        (b"a=acap:1 crypto:1 X inline:SECRET", b"a=acap:1 crypto:1 X inline:******"),
        (b"a=acap:2 key-mgmt:mikey SECRET", b"a=acap:2 key-mgmt:mikey ******"),
        (b"a=x-own:1 inline:SECRET", b"a=x-own:1 inline:******"),
    ],
)  # fmt: skip
def test_a_key_is_stars_however_its_line_is_written(line: bytes, shown: bytes) -> None:
    rest = b"v=0\r\n%s\r\na=sendrecv\r\n"
    assert masked(HEAD + b"\r\n" + rest % line) == HEAD + b"\r\n" + rest % shown


def test_what_a_key_of_the_switch_looks_like_on_the_wire_is_stars() -> None:
    line = CryptoLine(1, "AES_CM_128_HMAC_SHA1_80", bytes(range(30)))
    found = masked(HEAD + b"\r\nv=0\r\n" + str(line).encode())
    assert found.endswith(b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + b"*" * 40 + b"\r\n")


def test_keys_told_in_a_part_of_an_info_are_stars() -> None:
    part = b"--b\r\nContent-Type:\r\n application/dtmf-relay\r\n\r\nSignal=%s\r\n--b\r\n"
    other = b"Content-Type: text/plain\r\n\r\nSignal=5\r\n--b--\r\n"
    body = HEAD + b"Content-Type: multipart/mixed;boundary=b\r\n\r\n" + part + other
    assert masked(body % b"7") == body % b"*"


def test_keys_told_by_info_are_stars() -> None:
    relay = b"Content-Type: application/dtmf-relay\r\n\r\nSignal= 5\r\nDuration= 160\r\n"
    assert masked(HEAD + relay).endswith(b"\r\n\r\nSignal= *\r\nDuration= 160\r\n")
    plain = b"c: application/dtmf\r\n\r\n5"
    assert masked(HEAD + plain).endswith(b"\r\n\r\n*")


def test_another_body_with_a_signal_in_it_stays() -> None:
    message = HEAD + b"Content-Type: text/plain\r\n\r\nSignal=5\r\n"
    assert masked(message) == message


@given(
    st.binary(max_size=400)
    | st.text("sip:@a=crypto:inline \r\nAuthorization", max_size=400).map(str.encode)
)
def test_the_length_never_changes_and_twice_is_once(message: bytes) -> None:
    found = masked(message)
    assert len(found) == len(message)
    assert masked(found) == found


@pytest.mark.parametrize(
    "hostile",
    [
        b"sip:a:" * 10_000,
        b"\nAuthorization:" + b"\r\n x" * 15_000,
        b"\r\n\r\n" + b"a=crypto:" * 6_000,
        b"\r\n\r\n" + b"\na=crypto:1 x" * 5_000,
        b"Content-Type: application/dtmf\r\n\r\n" + b"\n signal" * 8_000,
        b"\ni" + b" " * 60_000,
        b"?a" * 30_000,
        b"?" * 60_000 + b"@",
        b"sip:a:" + b"@:" * 30_000,
        b"\nAuthorization: a" + b" " * 60_000,
        b"\r\n\r\n" + b"\nk=" * 20_000,
        b"\r\n\r\n" + b"\na=key-mgmt:a" + b" " * 60_000,
        b"\r\n\r\n" + b"\na=crypto:" + b"inline:" * 8_000,
        b"\nAuthorization" + b" " * 60_000,
        b"\r\nContent-Type: application/dtmf" * 2_000,
        b"\na=" + b" " * 60_000 + b"crypto",
        b"\na=acap:" * 8_000 + b"crypto",
        b"\n" + b"a-" * 30_000 + b"authorization",
        b"\r\n\r\n\na=crypto:1 X " + b"|2^2" * 15_000,
    ],
)
@pytest.mark.timeout(20)
def test_no_message_takes_long(hostile: bytes) -> None:
    # What looks again at all that is behind it would take minutes.
    for _ in range(3):
        assert len(masked(HEAD + hostile)) == len(HEAD + hostile)
        assert call_id_of(HEAD + hostile) == ""


LINE = b"0123456789abcdef0123"


@pytest.mark.parametrize(
    "written",
    [
        b"INVITE sip:us@192.0.2.9:5060;line=%b SIP/2.0",
        b"INVITE sip:us@192.0.2.9;transport=tcp;LINE=%b;x=1 SIP/2.0",
        b"Contact: <sip:us@192.0.2.9;line=%b>;expires=600, <sip:you@192.0.2.8>",
        b"m: sip:us@192.0.2.9; line = %b",
        b'Contact: <sip:us@192.0.2.9>;line="%b"',
        b"Refer-To: <sip:us@192.0.2.9;line=%b?Replaces=x>",
        b"Path: <sip:192.0.2.1;ob;line=%b&y>",
    ],
)
def test_the_line_of_a_registration_is_stars_wherever_it_stands(written: bytes) -> None:
    """Whoever knows it may call as the carrier, from anywhere."""
    message = HEAD + written % LINE + b"\r\nCSeq: 1 REGISTER\r\n\r\n"
    assert masked(message) == message.replace(LINE, b"*" * len(LINE))


def test_what_only_sounds_like_a_line_stays() -> None:
    message = HEAD + b"X: <sip:a@b;inline=x;lines=2;line>;outline=3\r\nY: line=4\r\n\r\n"
    assert masked(message) == message
