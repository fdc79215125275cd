import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp.errors import ParseError
from rtp.telephone_event import EVENT_DIGITS, FLASH, TelephoneEvent, event_of


@given(st.integers(0, 255), st.booleans(), st.integers(0, 63), st.integers(0, 0xFFFF))
def test_an_event_survives_its_octets(event: int, end: bool, volume: int, duration: int) -> None:
    value = TelephoneEvent(event, end, volume, duration)
    assert TelephoneEvent.parse(bytes(value)) == value


def test_fields_stand_where_section_2_3_puts_them() -> None:
    assert TelephoneEvent.parse(bytes.fromhex("0b8a0320")) == TelephoneEvent(11, True, 10, 800)


def test_the_reserved_bit_is_ignored() -> None:
    """Section 2.3.3: "the receiver MUST ignore it"."""
    assert TelephoneEvent.parse(bytes.fromhex("0b4a0320")) == TelephoneEvent(11, False, 10, 800)


def test_only_the_first_of_several_events_is_read() -> None:
    assert TelephoneEvent.parse(bytes.fromhex("0b8a0320 018a0320")).event == 11


@pytest.mark.parametrize("length", range(4))
def test_a_short_payload_is_refused(length: int) -> None:
    with pytest.raises(ParseError):
        TelephoneEvent.parse(bytes(length))


@pytest.mark.parametrize("digit", EVENT_DIGITS)
def test_every_key_has_its_code_and_back(digit: str) -> None:
    assert TelephoneEvent(event_of(digit), False, 10, 160).digit == digit
    assert event_of(digit.lower()) == event_of(digit)


def test_codes_are_those_of_table_3() -> None:
    assert [event_of(digit) for digit in "09*#AD"] == [0, 9, 10, 11, 12, 15]


def test_a_flash_is_no_key() -> None:
    assert TelephoneEvent(FLASH, False, 0, 0).digit is None


@pytest.mark.parametrize("text", ["", "12", "E", "+", " ", "\u00b2"])
def test_what_is_no_key_has_no_code(text: str) -> None:
    with pytest.raises(ValueError, match="is not a key"):
        event_of(text)
