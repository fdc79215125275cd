from datetime import date
from pathlib import Path
from typing import Any

import pytest

from config.caller_ids import CALLER_ID
from config.document import parse
from config.errors import Problems
from config.header_names import HEADER_NAME
from config.kinds import (
    BOOLEAN,
    COUNTRY,
    CURRENCY,
    DAY,
    FACT_NAME,
    FOLDER,
    LINE,
    NAME,
    PHONE_NUMBER,
    REFUSAL,
    TEXT,
    TIME_ZONE,
    TONE,
    TONE_PLAN,
    TRUNK_NAME,
    Off,
    duration,
    integer,
    known_names,
    list_of,
    mapping_of,
    one_of,
    or_off,
    ring_time,
)
from config.model import CallerId
from config.reading import Kind, Reading, RefusedError
from tests.support.configurations import read_kind


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        (integer(1, 100), "010", 10),
        (integer(0, 5), "0", 0),
        (BOOLEAN, "yes", True),
        (BOOLEAN, "Off", False),
        (BOOLEAN, "'true'", True),
        (TEXT, "no", "no"),
        (TEXT, "two\n  lines", "two lines"),
        (NAME, "Baby Fan Sale", "Baby Fan Sale"),
        (COUNTRY, "us", "US"),
        (COUNTRY, "NO", "NO"),
        (FOLDER, "./var", Path("var")),
        (HEADER_NAME, "X-Click-Id", "X-Click-Id"),
        (one_of(("PCMU", "PCMA")), "pcma", "PCMA"),
        (REFUSAL, "486", 486),
        (duration("0 s", "24 h"), "30 s", 30.0),
        (duration("0 s", "24 h"), "30", 30.0),
        (duration("0 s", "24 h"), "1.5", 1.5),
        (duration("0 s", "24 h"), "500ms", 0.5),
        (duration("0 s", "24 h"), "5 min", 300.0),
        (duration("0 s", "24 h"), "4 H", 14400.0),
        (duration("0 s", "1000 days"), "30 days", 30 * 86400.0),
        (duration("0 s", "1000 days"), "1 day", 86400.0),
        (duration("0 s", "1000 days"), "2 weeks", 14 * 86400.0),
        (ring_time("1 s", "10 min"), "4 rings", 24.0),
        (ring_time("1 s", "10 min"), "1 ring", 6.0),
        (ring_time("1 s", "10 min"), "30 s", 30.0),
        (CURRENCY, "cad", "CAD"),
        (TIME_ZONE, "America/Los_Angeles", "America/Los_Angeles"),
        (DAY, "2028-02-29", date(2028, 2, 29)),
        (FACT_NAME, "my_state", "my_state"),
        (PHONE_NUMBER, "(602) 555-1234", "+16025551234"),
        (mapping_of(integer(1, 9), most=3, noun="thing"), "{a: 1, b: 2}", {"a": 1, "b": 2}),
        (or_off(duration("0 s", "24 h")), "off", Off(None)),
        (or_off(duration("0 s", "24 h")), "1 s", Off(1.0)),
        (
            CALLER_ID,
            "{unique: 800 555 0000, last: 800 555 0999}",
            CallerId("unique", "+18005550000", "+18005550999"),
        ),
        (list_of(integer(1, 9), most=3), "[1, 2, 3]", (1, 2, 3)),
        (list_of(integer(1, 9), most=3), "1", (1,)),
        (list_of(integer(1, 9), most=3, doubles=True), "[1, 1]", (1, 1)),
        (TONE_PLAN, "DE", "de"),
        (TONE, "chime", "chime"),
        (TRUNK_NAME, "carrier", "carrier"),
    ],
)
def test_a_good_value_is_read(kind: Kind[Any], text: str, expected: object) -> None:
    assert read_kind(kind, text) == expected


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        (integer(1, 100), "0", 'expected a whole number, 1-100, not "0"'),
        (integer(1, 100), "1_0", "expected a whole number"),
        (integer(1, 100), "0x10", "expected a whole number"),
        (integer(1, 100), "-5", "expected a whole number"),
        (integer(1, 100), "9" * 400, "expected a whole number"),
        (integer(1, 100), "[1]", "expected a whole number, 1-100, not a list"),
        (integer(1, 100), "{a: 1}", "expected a whole number, 1-100, not settings"),
        (BOOLEAN, "2", 'expected true or false, not "2"'),
        (TEXT, "''", "expected text"),
        (TEXT, "x" * 2001, "expected text"),
        (NAME, "' a'", "expected a name"),
        (NAME, "x" * 101, "expected a name"),
        (LINE, '"a\\nb"', "expected text of one line"),
        (COUNTRY, "Utopia", 'the national numbers of "Utopia" are not known'),
        (HEADER_NAME, "X Y", "expected the name of a SIP header field"),
        (HEADER_NAME, "via", "via is written by the switch"),
        (HEADER_NAME, "f", "f is a short form of a name"),
        (one_of(("PCMU", "PCMA")), "G729", 'expected PCMU or PCMA, not "G729"'),
        (REFUSAL, "500", "expected a status to refuse with"),
        (duration("1 s", "10 s"), "11 s", 'expected a time such as "30 s", 1 s to 10 s'),
        (duration("1 s", "10 s"), "1:30", "expected a time"),
        (duration("1 s", "10 s"), "5 d", "expected a time"),
        (duration("1 s", "10 s"), "nan", "expected a time"),
        (duration("1 s", "10 s"), "1e1", "expected a time"),
        (duration("1 s", "10 days"), "11 days", "expected a time"),
        (duration("1 s", "10 min"), "4 rings", "expected a time"),
        (ring_time("1 s", "10 min"), "101 rings", 'such as "30 s" or "4 rings", 1 s to 10 min'),
        (CURRENCY, "dollars", "expected a currency (three letters, ISO 4217, such as USD)"),
        (CURRENCY, "$", "expected a currency"),
        (TIME_ZONE, "America", 'there is no time zone "America"'),
        (TIME_ZONE, "../etc/passwd", "there is no time zone"),
        (TIME_ZONE, "/etc/localtime", "there is no time zone"),
        (TIME_ZONE, "'UTC '", "there is no time zone"),
        (DAY, "2027-02-29", "expected a day"),
        (DAY, "24.12.2026", 'expected a day such as "2026-12-24"'),
        (FACT_NAME, "1st", "expected a name of letters, digits and _"),
        (PHONE_NUMBER, "12", '"12" is no phone number in US'),
        (mapping_of(integer(1, 9), most=1, noun="thing"), "{a: 1, b: 2}", "expected 1 to 1 things"),
        (mapping_of(integer(1, 9), most=1, noun="thing"), "[a]", "not a list"),
        (or_off(duration("1 s", "10 s")), "never", "1 s to 10 s, or off"),
        (list_of(integer(1, 9), most=3), "[]", "expected 1 to 3 entries, not 0"),
        (list_of(integer(1, 9), most=3), "[1, 2, 3, 4]", "expected 1 to 3 entries, not 4"),
        (list_of(integer(1, 9), most=3), "[1, 1]", '"1" stands twice'),
        (TONE_PLAN, "xx", "expected a country with a tone plan"),
        (TONE, "[x]", "expected the name of a tone, such as chime or busy, not a list"),
        (TRUNK_NAME, "carier", 'there is no trunk "carier"'),
    ],
)
def test_a_bad_value_is_refused_with_what_was_expected(
    kind: Kind[Any], text: str, message: str
) -> None:
    with pytest.raises(RefusedError) as caught:
        read_kind(kind, text)
    assert message in str(caught.value)


def test_every_bad_entry_of_a_list_is_told() -> None:
    with pytest.raises(RefusedError) as caught:
        read_kind(list_of(integer(1, 9), most=5), "[x, 1, y]")
    first = caught.value
    assert first.location is not None
    assert [str(error) for error in (first, *first.others)] == [
        'expected a whole number, 1-9, not "x"',
        'expected a whole number, 1-9, not "y"',
    ]
    assert [error.location.column for error in (first, *first.others) if error.location] == [5, 11]


@pytest.mark.parametrize(
    ("kind", "text", "suggestion"),
    [
        (one_of(("auto", "hibari")), "hibary", 'did you mean "hibari"?'),
        (TONE, "buzy", 'did you mean "busy"?'),
        (TONE_PLAN, "qqqq", "known: de, us"),
        (TRUNK_NAME, "zzzz", "trunks: backup, carrier"),
    ],
)
def test_a_bad_value_comes_with_what_was_probably_meant(
    kind: Kind[Any], text: str, suggestion: str
) -> None:
    with pytest.raises(RefusedError) as caught:
        read_kind(kind, text)
    assert caught.value.suggestion == suggestion


def test_tones_are_not_checked_while_nobody_knows_them() -> None:
    tree = parse(b"a: xx\n", "f", {}, Problems(), used={})
    value = tree.entries["a"]  # type: ignore[union-attr]  # always a mapping
    assert TONE_PLAN.read(value, Reading(Problems())) == "xx"


def test_a_long_list_of_names_is_only_counted() -> None:
    assert known_names([], "trunks") == "there are no trunks"
    assert known_names([str(i) for i in range(11)], "trunks") == "there are 11 trunks"


def test_a_long_list_is_not_compared_each_with_each() -> None:
    compared = 0

    class Value:
        def __eq__(self, _other: object) -> bool:
            nonlocal compared
            compared += 1
            return False

        __hash__ = object.__hash__

    kind = Kind("a value", lambda _tree, _reading: Value())
    text = f"[{', '.join('x' for _ in range(200))}]"
    for doubles in (True, False):
        assert len(read_kind(list_of(kind, most=200, doubles=doubles), text)) == 200
    assert compared < 200


def test_values_that_cannot_be_hashed_may_stand_in_a_list_once() -> None:
    kind = Kind("a list", lambda _tree, _reading: [1])
    with pytest.raises(RefusedError, match="stands twice"):
        read_kind(list_of(kind, most=3), "[x, y]")
