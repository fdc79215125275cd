from pathlib import Path

import pytest

from config.model import NumberList
from config.tables import read_list
from tests.support.tables import Entry


def numbers(yaml: str, folder: Path, files: dict[str, str] | None = None) -> NumberList:
    """A list that must be good."""
    entry = Entry(read_list, yaml, files, folder=folder)
    assert entry.told == []
    assert isinstance(entry.value, NumberList)
    return entry.value


def test_numbers_alone_are_a_list(tmp_path: Path) -> None:
    found = numbers("vip: [602 555 0100, +442079460000]", tmp_path)
    assert found.numbers == {"+16025550100", "+442079460000"}
    assert found.prefixes == ()


def test_a_star_is_all_that_begin_so_the_longest_first(tmp_path: Path) -> None:
    found = numbers("bad: {numbers: [+1900*, +1900555*, 011 44 70*]}", tmp_path)
    assert found.prefixes == ("+1900555", "+1900", "+4470")
    assert found.numbers == frozenset()


def test_numbers_come_from_files_too(tmp_path: Path) -> None:
    files = {"a.csv": "number,why\n(602) 555-0100,spam\n+1976*,\n", "b.csv": "number\n6025550101\n"}
    found = numbers("bad: {numbers: 602 555 0102, file: [a.csv, b.csv]}", tmp_path, files)
    assert found.numbers == {"+16025550100", "+16025550101", "+16025550102"}
    assert found.prefixes == ("+1976",)


@pytest.mark.parametrize(
    ("yaml", "told"),
    [
        ("a: {}", 'test.yaml:1:4: a list needs "numbers" or a "file"'),
        ("a: text", "expected the settings of a list of numbers"),
        ("a: []", "expected 1 to 10000 numbers, not 0"),
        ("a: [602 555 0100, abc]", 'test.yaml:1:19: numbers: "abc" is no phone number in US'),
        ("a: [602 555 0100, +16025550100]", 'numbers: "+16025550100" stands twice'),
        ('a: ["*"]', 'numbers: "*" is no phone number'),
        ("a: [602 555 01XX]", "is no phone number"),
        ("a: [[1]]", "numbers: expected a phone number, or the beginning"),
        ("a: {file: bad.csv}", 'bad.csv:3:3: "12" is no phone number in US (begin with +'),
        ("a: {file: double.csv}", 'double.csv:3:1: "602-555-0100" stands twice in this file'),
        ("a: {file: header.csv}", 'header.csv:1:1: the column "number" is missing'),
        ("a: {file: short.csv}", "short.csv:3:1: this row has 1 fields, the header has 2"),
        ("a: {file: quote.csv}", "quote.csv:2:1: this quote is never closed"),
    ],
)
def test_mistakes_are_told_at_their_place_with_a_cure(yaml: str, told: str, tmp_path: Path) -> None:
    files = {
        "bad.csv": "x,number\na,6025550100\nb,12\n",
        "double.csv": "number\n6025550100\n602-555-0100\n",
        "header.csv": "6025550100\n6025550101\n",
        "short.csv": "number,why\n6025550100,a\n6025550101\n",
        "quote.csv": 'number\n"6025550100\n',
    }
    entry = Entry(read_list, yaml, files, folder=tmp_path)
    assert any(told in line for line in entry.told), entry.told
