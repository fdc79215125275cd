"""TNAuthList, by bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.stir.tn_auth_list import MalformedList, TnAuthList, parse_tn_auth_list
from tests.support.stir import code_list, number_list


def test_a_service_provider_code_is_read() -> None:
    """The bytes of `709J` as certificates of carriers have them."""
    assert parse_tn_auth_list(bytes.fromhex("3008a00616043730394a")) == TnAuthList(("709J",))
    assert parse_tn_auth_list(code_list("709J")).codes == ("709J",)


def test_one_number_covers_itself() -> None:
    found = parse_tn_auth_list(number_list("12155551212"))

    assert found.covers("12155551212")
    assert not found.covers("12155551213")
    assert not found.covers("")


def test_a_range_covers_its_numbers() -> None:
    number = b"12155551200"
    entry = b"\x16" + bytes([len(number)]) + number + b"\x02\x01\x64"
    der = _wrapped(0x30, _wrapped(0xA1, _wrapped(0x30, entry)))

    found = parse_tn_auth_list(der)

    assert found.ranges == (("12155551200", 100),)
    assert found.covers("12155551299")
    assert not found.covers("12155551300")
    assert not found.covers("2155551299")


def test_a_provider_covers_whatever_it_has() -> None:
    assert parse_tn_auth_list(code_list("709J")).covers("12155551212")


@pytest.mark.parametrize(
    "der",
    [
        b"",
        b"\x30",
        b"\x30\x00",
        b"\x30\x05\xa0",
        b"\x31\x08\xa0\x06\x16\x04709J",
        b"\x30\x08\xa0\x06\x16\x04709Jx",
        b"\x30\x08\xa3\x06\x16\x04709J",
        b"\x30\x04\xa0\x02\x16\x00",
        b"\x30\x06\xa0\x04\x16\x02\x00\x01",
        b"\x30\x80\xa0\x06\x16\x04709J",
        b"\x30\x84\x00\x00\x00\x08\xa0\x06\x16\x04709J",
        b"\x30\x08\xa2\x06\x16\x04abcd",
        b"\x30\x82\xff\xff",
    ],
)
def test_other_bytes_are_malformed(der: bytes) -> None:
    with pytest.raises(MalformedList):
        parse_tn_auth_list(der)


@pytest.mark.parametrize("count", [b"\x02\x01\x01", b"\x02\x01\xff", b"\x02\x09" + b"\x7f" * 9])
def test_a_range_without_numbers_is_malformed(count: bytes) -> None:
    entry = _wrapped(0x30, b"\x16\x021\x32" + count)

    with pytest.raises(MalformedList):
        parse_tn_auth_list(_wrapped(0x30, _wrapped(0xA1, entry)))


def test_too_many_entries_are_malformed() -> None:
    entry = _wrapped(0xA0, b"\x16\x01A")

    with pytest.raises(MalformedList):
        parse_tn_auth_list(_wrapped(0x30, entry * 1001))


@given(st.binary(max_size=100))
def test_no_bytes_break_it(der: bytes) -> None:
    try:
        parse_tn_auth_list(der)
    except MalformedList:
        return


def _wrapped(tag: int, content: bytes) -> bytes:
    length = len(content)
    size = bytes((length,)) if length < 0x80 else b"\x82" + length.to_bytes(2, "big")
    return bytes((tag,)) + size + content
