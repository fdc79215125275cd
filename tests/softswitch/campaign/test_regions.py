import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.model import PrefixTable, Region
from softswitch.campaign import regions
from softswitch.campaign.regions import NumberAbout, NumberIndex, PrefixSet, in_region

CALLER = "+14155550100"


def table(columns: str, **rows: str) -> PrefixTable:
    """A table with columns "type state" and rows p1415="mobile,CA"."""
    values = {prefix[1:]: tuple(text.split(",")) for prefix, text in rows.items()}
    return PrefixTable("t", tuple(columns.split()), values)


def about(number: str, *tables: PrefixTable, jip: str | None = None) -> NumberAbout:
    return NumberIndex(tables).about(number, jip)


# Numbering plans.


@pytest.mark.parametrize(
    ("number", "country", "state", "area_code", "line_type", "zone"),
    [
        (CALLER, "US", "CA", "415", None, "America/Los_Angeles"),
        ("+14165550100", "CA", "ON", "416", None, "America/Toronto"),
        ("+19025550100", "CA", None, "902", None, "America/Halifax"),
        ("+18095550100", "DO", None, "809", None, "America/Santo_Domingo"),
        ("+18005550100", None, None, "800", "toll_free", None),
        ("+442079460000", "GB", None, "20", "landline", "Europe/London"),
        ("+447400123456", "GB", None, None, "mobile", None),
        ("+4915112345678", "DE", None, None, "mobile", "Europe/Berlin"),
        ("+4930123456", "DE", None, "30", "landline", "Europe/Berlin"),
    ],
)
def test_a_number_says_where_it_belongs(
    number: str,
    country: str | None,
    state: str | None,
    area_code: str | None,
    line_type: str | None,
    zone: str | None,
) -> None:
    found = about(number)
    assert (found.country, found.state, found.area_code) == (country, state, area_code)
    assert (found.line_type, found.time_zone) == (line_type, zone)


@pytest.mark.parametrize("number", ["", "+", "+1", "anonymous", "sip:a@b", "1000", "+" + "1" * 30])
def test_what_is_no_number_says_nothing(number: str) -> None:
    assert about(number) == NumberAbout()


@given(st.text(max_size=20) | st.from_regex(r"\A\+[0-9]{0,17}\Z"), st.none() | st.text(max_size=8))
def test_any_number_and_jip_are_answered(number: str, jip: str | None) -> None:
    assert isinstance(about(number, jip=jip), NumberAbout)


def test_an_area_code_that_the_library_does_not_know_yet_has_its_state() -> None:
    found = about("+18372345678")
    assert (found.country, found.state) == ("US", "CA")


# Tables.


def test_the_longest_prefix_with_a_value_counts() -> None:
    lines = table("type state", p1="landline,NY", p1415="mobile,", p1415555=",NV")
    found = about(CALLER, lines)
    assert (found.line_type, found.state) == ("mobile", "NV")


def test_an_earlier_table_wins_column_by_column() -> None:
    first = table("type network", p1415="voip,")
    second = table("type network city", p1415555="mobile,Example,San Francisco")
    found = about(CALLER, first, second)
    assert (found.line_type, found.network, found.city) == ("voip", "Example", "san francisco")


def test_tables_win_over_the_plan_and_have_columns_of_their_own() -> None:
    found = about(CALLER, table("state segment", p1415="NV,gold"))
    assert found.state == "NV"
    assert found.columns["segment"] == "gold"
    assert found.country == "US"


# JIP.


def test_the_jip_says_where_the_caller_is_and_the_number_what_it_is() -> None:
    lines = table("type zip", p1415="mobile,94102", p1602="landline,85004")
    found = about(CALLER, lines, jip="602555")
    assert (found.state, found.zip, found.time_zone) == ("AZ", "85004", "America/Phoenix")
    assert (found.area_code, found.line_type) == ("415", "mobile")


def test_places_of_jip_and_number_are_never_mixed() -> None:
    found = about(CALLER, table("zip", p1415="94102"), jip="602555")
    assert (found.state, found.zip) == ("AZ", None)


@pytest.mark.parametrize("jip", ["", "602", "602a55", "800555", "000000", "\u0661" * 6])
def test_a_jip_that_says_nothing_is_passed_over(jip: str) -> None:
    assert about(CALLER, jip=jip) == about(CALLER)


def test_a_private_caller_with_a_jip_is_somewhere() -> None:
    found = about("", jip="602555")
    assert (found.state, found.country, found.area_code) == ("AZ", "US", None)


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regions, "MAX_REMEMBERED", 3)
    index = NumberIndex([])
    found = [index.about(f"+1415555010{digit}") for digit in range(9)]
    assert len({id(one) for one in found}) == 9
    assert index.about("+14155550108") is found[8]
    assert index.about("+14155550100") is not found[0]


# Regions.


@pytest.mark.parametrize(
    "region",
    [
        Region("r", countries=frozenset({"US"})),
        Region("r", states=frozenset({"CA"})),
        Region("r", cities=frozenset({"san francisco"})),
        Region("r", zips=frozenset({"94102"})),
        Region("r", area_codes=frozenset({"415"})),
        Region("r", prefixes=("+1415555",)),
    ],
)
def test_a_caller_is_in_a_region_when_any_of_its_places_says_so(region: Region) -> None:
    caller = about(CALLER, table("city zip", p1415="San Francisco,94102"))
    prefixes = PrefixSet(region.prefixes)
    assert in_region(region, caller, CALLER, prefixes)
    elsewhere = about("+442079460000")
    assert not in_region(region, elsewhere, "+442079460000", prefixes)
    assert not in_region(region, NumberAbout(), "", prefixes)


@given(st.sets(st.from_regex(r"\A\+[0-9]{1,5}\Z")), st.from_regex(r"\A\+[0-9]{1,8}\Z"))
def test_a_set_of_prefixes_has_what_begins_with_one(prefixes: set[str], number: str) -> None:
    assert (number in PrefixSet(prefixes)) == any(map(number.startswith, prefixes))
