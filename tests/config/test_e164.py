import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.e164 import (
    COUNTRIES,
    MAX_TEXT,
    SipAddress,
    dialled,
    normalise,
    normalise_pattern,
    split_sip_uri,
)


@pytest.mark.parametrize(
    "text",
    [
        "+18666831950",
        "18666831950",
        "8666831950",
        "866 683 1950",
        "1-866-683-1950",
        "+1 (866) 683-1950",
        "866.683.1950",
        "01118666831950",
        "0018666831950",
        "tel:+1-866-683-1950",
        "tel:+18666831950;ext=5",
        "tel:6831950;phone-context=+1866",
        "tel:866-683-1950;phone-context=example.com",
        "sip:+18666831950@192.0.2.1:5060;user=phone",
        "sip:%2B18666831950@192.0.2.1",
        "SIP:8666831950@[::1]",
        "sips:8666831950@example.org",
        "+18666831950;npdi;rn=+16025550000",
        "%2B18666831950",
        " 8666831950 ",
    ],
)
def test_every_usual_way_to_write_an_american_number_is_one_number(text: str) -> None:
    assert normalise(text) == "+18666831950"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("011 44 20 7946 0000", "+442079460000"),
        ("+44 20 7946 0000", "+442079460000"),
        ("00442079460000", "+442079460000"),
        ("+123456", None),
        ("+12345678901234567", None),
        ("+1866683195", None),
        ("+11666831950", None),
        ("+0446681950", None),
        ("100001", None),
        ("911", None),
        ("0666831950", None),
        ("2866683195000", None),
        ("anonymous", None),
        ("8666831950x", None),
        ("866*683*1950", None),
        ("+", None),
        ("", None),
        ("sip:example.org", None),
        ("sip:", None),
        ("\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669\u0660", None),
        ("8" * 10_000, None),
    ],
)
def test_other_texts_in_the_united_states(text: str, expected: str | None) -> None:
    assert normalise(text) == expected


@pytest.mark.parametrize(
    ("country", "text", "expected"),
    [
        ("CA", "416 555 0100", "+14165550100"),
        ("GB", "020 7946 0000", "+442079460000"),
        ("GB", "442079460000", "+442079460000"),
        ("GB", "2079460000", "+442079460000"),
        ("GB", "0011 8666831950", None),
        ("DE", "030 123456", "+4930123456"),
        ("DE", "0030 2101234567", "+302101234567"),
        # Country codes go before national numbers where those have a prefix of their own...
        ("DE", "4930123456", "+4930123456"),
        # ... and after them where they have none.
        ("DK", "45123456", "+4545123456"),
        ("DK", "4512345678", "+4512345678"),
        ("IT", "06 1234 5678", "+390612345678"),
        ("ES", "912 345 678", "+34912345678"),
        ("ES", "34912345678", "+34912345678"),
        ("RU", "8 495 123 45 67", "+74951234567"),
        ("RU", "810 49 30 123456", "+4930123456"),
        ("HU", "06 1 123 4567", "+3611234567"),
        ("JP", "010 1 866 683 1950", "+18666831950"),
        ("AU", "0011 1 866 683 1950", "+18666831950"),
        ("AU", "02 1234 5678", "+61212345678"),
    ],
)
def test_numbers_of_other_countries(country: str, text: str, expected: str | None) -> None:
    assert normalise(text, country) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+1866683xxxx", "+1866683XXXX"),
        ("866 683 XXXX", "+1866683XXXX"),
        ("1-866-xxx-xxxx", "+1866XXXXXXX"),
        ("xxx 683 1950", "+1XXX6831950"),
        ("+1866*", "+1866*"),
        ("+44.", "+44."),
        ("011 44*", "+44*"),
        ("+*", "+*"),
        ("1866*", None),
        ("*", None),
        ("1xxxxx", None),
        ("x66 683 195", None),
        ("+18666831950*", None),
        ("+1234567890123456*", None),
        ("+44a*", None),
        ("", None),
    ],
)
def test_patterns_are_brought_to_the_same_form(text: str, expected: str | None) -> None:
    assert normalise_pattern(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sip:sales@Example.ORG", SipAddress("sales", "example.org", None)),
        ("sip:Sales@example.org:5070;transport=tcp", SipAddress("Sales", "example.org", 5070)),
        ("sip:a%20b:secret@[2001:DB8::1]", SipAddress("a b", "[2001:db8::1]", None)),
        ("sip:+1866;rn=+1@h?Subject=x", SipAddress("+1866", "h", None)),
        ("sips:h", SipAddress("", "h", None)),
        ("tel:+1", None),
        ("sip:a@", None),
        ("sip:a@b@c", None),
        ("sip:a@h:port", None),
        ("sip:" + "a" * 2000, None),
    ],
)
def test_a_sip_uri_gives_whom_it_is_for(text: str, expected: SipAddress | None) -> None:
    assert split_sip_uri(text) == expected


def test_a_sip_address_reads_as_a_uri_again() -> None:
    assert str(SipAddress("sales", "example.org", None)) == "sip:sales@example.org"
    assert str(SipAddress("sales", "example.org", 5070)) == "sip:sales@example.org:5070"


@given(st.text(min_size=1, max_size=20).filter(lambda text: text == text.strip()))
def test_any_user_of_a_sip_address_is_read_again(user: str) -> None:
    address = SipAddress(user, "example.org", None)
    assert split_sip_uri(str(address)) == address


def test_what_was_dialled_is_the_user_without_parameters() -> None:
    assert dialled("sip:100001;x=y@h") == dialled("100001;x=y") == dialled("tel:100001") == "100001"
    assert dialled("x" * (MAX_TEXT + 1)) == ""


@given(st.text(alphabet="0123456789+ -().xX*%;:@sipteltel=", max_size=40))
def test_a_normal_form_is_its_own_normal_form(text: str) -> None:
    for country in ("US", "GB", "DK", "IT"):
        number = normalise(text, country)
        assert number is None or (normalise(number, country) == number and number[0] == "+")
        pattern = normalise_pattern(text, country)
        assert pattern is None or normalise_pattern(pattern, country) == pattern


@given(st.from_regex(r"[2-9][0-9]{9}", fullmatch=True))
def test_every_ten_digit_number_is_reached_by_all_its_forms(digits: str) -> None:
    forms = (digits, f"1{digits}", f"+1{digits}", f"011{1}{digits}", f"sip:{digits}@h")
    assert {normalise(form) for form in forms} == {f"+1{digits}"}


def test_every_country_reads_its_own_longest_numbers() -> None:
    for name, place in COUNTRIES.items():
        number = place.first[-1] * place.longest
        assert normalise(place.national + number, name) == f"+{place.code}{number}", name
        assert normalise(f"{place.international[0]}{place.code}{number}", name) is not None, name
