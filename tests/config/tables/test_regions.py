from pathlib import Path

import pytest

from config.model import Region
from config.tables import read_region
from tests.support.tables import Entry


def region(yaml: str, folder: Path, files: dict[str, str] | None = None) -> Region:
    """A region that must be good."""
    entry = Entry(read_region, yaml, files, folder=folder)
    assert entry.told == []
    assert isinstance(entry.value, Region)
    return entry.value


def test_places_are_brought_to_one_form(tmp_path: Path) -> None:
    found = region(
        """
        west:
          countries: [us, mx]
          states: [California, nv, british columbia]
          cities: [San  Diego]
          zips: [92101-1234, 94102]
          area_codes: [602, "480"]
          prefixes: [+1 602 555, 1-480]
        """,
        tmp_path,
    )
    assert found.countries == {"US", "MX"}
    assert found.states == {"CA", "NV", "BC"}
    assert found.cities == {"san diego"}
    assert found.zips == {"92101", "94102"}
    assert found.area_codes == {"602", "480"}
    assert found.prefixes == ("+1480", "+1602555")


def test_one_place_stands_without_a_list(tmp_path: Path) -> None:
    assert region("State Level: {states: California}", tmp_path).states == {"CA"}


def test_a_file_adds_its_column(tmp_path: Path) -> None:
    found = region(
        "west: {file: [zips.csv, codes.csv], states: [OR]}",
        tmp_path,
        {"zips.csv": "zip;name\n92101;a\n92101;b\n92102;c\n", "codes.csv": "area_code\n619\n"},
    )
    assert found.zips == {"92101", "92102"}
    assert found.area_codes == {"619"}
    assert found.states == {"OR"}


def test_of_several_columns_one_counts(tmp_path: Path) -> None:
    files = {"zips.csv": "zip,state\n92101,CA\n"}
    found = region("west: {file: zips.csv, column: zip}", tmp_path, files)
    assert found.zips == {"92101"}
    assert not found.states


def test_thousands_of_zips_come_from_a_file(tmp_path: Path) -> None:
    rows = "".join(f"{number:05}\n" for number in range(40_000))
    files = {"zips.csv": f"zip\n{rows}"}
    assert len(region("west: {file: zips.csv}", tmp_path, files).zips) == 40_000


@pytest.mark.parametrize(
    ("yaml", "told"),
    [
        ("a: {}", "test.yaml:1:4: a region needs at least one place"),
        ("a: CA", "test.yaml:1:4: expected the settings of a region"),
        ("a: {countries: [USA]}", 'there is no country "USA" (did you mean "US"?)'),
        (
            "a: {states: [Califronia]}",
            '"Califronia" (did you mean "California"?)',
        ),
        ("a: {states: [CA, XX]}", 'test.yaml:1:18: states: there is no state "XX"'),
        ("a: {zips: [2101]}", '"2101" is no zip (a spreadsheet took zeros away: "02101")'),
        ("a: {area_codes: [1602]}", '"1602" is no area code (three digits such as 602)'),
        ("a: {prefixes: [602]}", '"602" has no country code (+1602, or +602 if it is another'),
        (
            "a: {prefixes: [+1602*]}",
            "no beginning of numbers (digits such as +1602, without a *",
        ),
        ("a: {prefixes: [+049]}", "no country code begins with 0"),
        ("a: {file: [bad.csv, gone.csv]}", "test.yaml:1:21: file:"),
        ("a: {file: gone.csv}", "test.yaml:1:11: file:"),
        (
            "a: {file: both.csv}",
            "both.csv:1:1: several columns of this file are places: zip,",
        ),
        ("a: {file: none.csv}", "none.csv:1:1: no column of this file is a place (columns: zip,"),
        ("a: {file: none.csv, column: zip}", 'none.csv:1:1: the column "zip" is missing'),
        ("a: {file: bad.csv}", 'bad.csv:3:5: "abc" is no zip (five digits)'),
        ("a: {file: empty.csv}", "empty.csv:1:1: the file is empty"),
        ("a: {file: coded.csv}", "coded.csv:2:1: file: this is not UTF-8"),
        ("a: {zips: [9]}", '"9" is no zip (a spreadsheet'),
    ],
)
def test_mistakes_are_told_at_their_place_with_a_cure(yaml: str, told: str, tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "both.csv": "zip,state\n92101,CA\n",
        "none.csv": "postcode\n92101\n",
        "bad.csv": "name,zip\na,92101\nbcd,abc\n",
        "empty.csv": "",
        "coded.csv": b"zip\n\xff\n",
    }
    entry = Entry(read_region, yaml, files, folder=tmp_path)
    assert any(told in line for line in entry.told), entry.told


def test_elsewhere_states_and_zips_are_taken_as_they_are(tmp_path: Path) -> None:
    yaml = "a: {states: [Bayern], zips: [sw1a 1aa], area_codes: [30], prefixes: [4930]}"
    entry = Entry(read_region, yaml, folder=tmp_path, country="DE")
    assert entry.told == []
    assert isinstance(entry.value, Region)
    assert entry.value.states == {"Bayern"}
    assert entry.value.zips == {"SW1A 1AA"}
    assert entry.value.prefixes == ("+4930",)
