from pathlib import Path

import pytest

from config.model import PrefixTable
from config.tables import read_table
from config.tables.shipped import SAMPLES
from tests.support.tables import Entry


def test_rows_are_read_in_one_form(tmp_path: Path) -> None:
    files = {
        "lines.csv": """\
        # where it is from
        Prefix,Type,State,Country,Zip,Time_zone,City,segment
        +1 602 555,Mobile,Arizona,us,85004,America/Phoenix,Casa  Grande,gold
        1480,toll free,az,,,,,
        """
    }
    entry = Entry(read_table, "lines: lines.csv", files, folder=tmp_path)
    assert entry.told == []
    table = entry.value
    assert isinstance(table, PrefixTable)
    columns = ("type", "state", "country", "zip", "time_zone", "city", "segment")
    assert table.columns == columns
    assert table.rows == {
        "1602555": ("mobile", "AZ", "US", "85004", "America/Phoenix", "casa grande", "gold"),
        "1480": ("toll_free", "AZ", "", "", "", "", ""),
    }
    assert entry.reading.vocabulary.columns == {"segment"}
    assert list(entry.reading.files) == [str(tmp_path / "lines.csv")]


def test_the_sample_is_good(tmp_path: Path) -> None:
    entry = Entry(read_table, f"lines: {{file: {SAMPLES / 'lines.csv'}}}", folder=tmp_path)
    assert entry.told == []
    assert isinstance(entry.value, PrefixTable)
    assert len(entry.value.rows) > 5


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("state\nCA\n", '1:1: the column "prefix" is missing'),
        ("prefix,state,state\n1,a,b\n", '1:14: header: the column "state" stands twice'),
        ("prefix,type\n1602,cell\n", '2:6: there is no type of line "cell" (types: mobile'),
        ("prefix,type\n1602,moblie\n", '(did you mean "mobile"?)'),
        ("prefix,state\n602,AZ\n", '2:1: "602" has no country code (+1602, or +602'),
        ("prefix,state\n,AZ\n", "2:1: the prefix is empty"),
        ("prefix,state\n1602,AZ\n+1 602,AZ\n", '3:1: the prefix "+1 602" stands twice'),
        ("prefix,state\n1602,ZZ\n", '2:6: there is no state "ZZ"'),
        ("prefix,time_zone\n1602,Mars/North\n", '2:6: there is no time zone "Mars/North"'),
        ("prefix,number\n1602,1\n", '1:8: "number": caller.number is a fact already'),
        ("prefix,line_type\n1602,1\n", "the type of line stands in the column type"),
        ("prefix,sale price\n1602,1\n", '1:8: "sale price": letters, digits and _ only'),
        ("prefix,note\n1602," + "x" * 2001 + "\n", "2:6: longer than 2000 characters"),
        ("", "1:1: the file is empty"),
        ("prefix,state\n1602\n", "2:1: this row has 1 fields, the header has 2"),
    ],
)
def test_mistakes_are_told_at_their_place_with_a_cure(
    content: str, told: str, tmp_path: Path
) -> None:
    entry = Entry(read_table, "lines: a.csv", {"a.csv": content.encode()}, folder=tmp_path)
    assert any("a.csv:" in line and told in line for line in entry.told), entry.told


@pytest.mark.parametrize(
    ("yaml", "told"),
    [
        ("lines: gone.csv", "test.yaml:1:8: file:"),
        ("lines: {}", 'test.yaml:1:8: a table needs "file"'),
        ("lines:", "test.yaml:1:7: expected the settings of a table, not nothing"),
        ("lines: [a]", "expected the settings of a table, not a list"),
    ],
)
def test_a_table_needs_its_file(yaml: str, told: str, tmp_path: Path) -> None:
    entry = Entry(read_table, yaml, folder=tmp_path)
    assert entry.value is None
    assert any(told in line for line in entry.told), entry.told
