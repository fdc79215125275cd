from pathlib import Path

import pytest

from config.model import PlaceTable
from config.tables import read_places, shipped_places
from config.tables.shipped import SAMPLES
from tests.support.tables import Entry


def test_zips_and_area_codes_have_a_place(tmp_path: Path) -> None:
    files = {
        "zips.csv": "zip,latitude,longitude,city\n85004,33.45,-112.07,Phoenix\n",
        "codes.csv": "area_code,latitude,longitude\n602,33.4,-112\n",
    }
    zips = Entry(read_places, "zips: zips.csv", files, folder=tmp_path)
    codes = Entry(read_places, "codes: {file: codes.csv}", files, folder=tmp_path)
    assert zips.told == codes.told == []
    assert isinstance(zips.value, PlaceTable)
    assert isinstance(codes.value, PlaceTable)
    assert zips.value.rows == {"85004": (33.45, -112.07)}
    assert codes.value.rows == {"602": (33.4, -112.0)}
    assert zips.value.path == tmp_path / "zips.csv"


def test_the_samples_are_good(tmp_path: Path) -> None:
    entry = Entry(read_places, f"zips: {SAMPLES / 'zips.csv'}", folder=tmp_path)
    assert entry.told == []
    codes = Entry(read_places, f"codes: {SAMPLES / 'area-codes.csv'}", folder=tmp_path)
    assert codes.told == []
    assert isinstance(codes.value, PlaceTable)
    assert codes.value.rows == shipped_places().rows


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("zip,latitude\n85004,1\n", '1:1: the column "longitude" is missing'),
        ("city,latitude,longitude\na,1,1\n", "1:1: a column zip or area_code is missing"),
        ("zip,latitude,longitude\n850,1,1\n", '2:1: "850" is no zip'),
        ("zip,latitude,longitude\n85004,91,1\n", '2:7: expected degrees from -90 to 90, not "91"'),
        ("zip,latitude,longitude\n85004,1,x\n", '2:9: expected degrees from -180 to 180, not "x"'),
        ("zip,latitude,longitude\n85004,nan,1\n", "2:7: expected degrees"),
        ("zip,latitude,longitude\n85004,1,1\n85004,1,1\n", '3:1: "85004" stands twice'),
    ],
)
def test_mistakes_are_told_at_their_place(content: str, told: str, tmp_path: Path) -> None:
    entry = Entry(read_places, "p: a.csv", {"a.csv": content.encode()}, folder=tmp_path)
    assert any("a.csv:" in line and told in line for line in entry.told), entry.told
