from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import rows
from config.errors import Problems
from config.reading import Reading, RefusedError
from config.rows import Rows, open_rows


def opened(text: str) -> tuple[Rows, Problems]:
    problems = Problems()
    return Rows("f.csv", text, Reading(problems)), problems


def test_rows_come_with_the_line_they_begin_in() -> None:
    found, problems = opened('# c\na,b\n1,2\n\n# d\n"x\ny",3\n4,"5,6"\n')
    assert found.columns == ["a", "b"]
    assert list(found) == [(3, ["1", "2"]), (6, ["x\ny", "3"]), (8, ["4", "5,6"])]
    assert not problems


def test_known_columns_are_found_in_any_case_and_others_keep_theirs() -> None:
    found, _ = opened("Number, Site Name ,NOTE\n")
    assert found.check_columns(("number",), ("number",), free=True)
    assert found.columns == ["number", "Site Name", "NOTE"]


def test_a_column_that_may_not_stand_there_is_told() -> None:
    found, problems = opened("number,campain\n")
    assert not found.check_columns(("number", "campaign"), ("number",))
    assert [str(error) for error in problems] == [
        'f.csv:1:8: "campain" is no column here (did you mean "campaign"?)'
    ]


@pytest.mark.parametrize(
    ("row", "index", "column"),
    [
        ("a,b,c", 0, 1), ("a,b,c", 2, 5), ('"a,b",c', 1, 7), ('"a"",b",c', 1, 9), ("a,", 1, 3),
        ("", 0, 1), ("a", 5, 1),
    ],
)  # fmt: skip
def test_the_place_of_a_field_is_where_it_begins(row: str, index: int, column: int) -> None:
    found, _ = opened(f"h\n{row}\n")
    assert found.place(2, index).column == column


def test_a_file_has_so_many_rows_and_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MAX_ROWS", 2)
    found, problems = opened("a\n1\n2\n3\n4\n")
    assert len(list(found)) == 2
    assert "more than 2 rows" in str(next(iter(problems)))
    monkeypatch.setattr(rows, "MAX_COLUMNS", 2)
    found, problems = opened("a,b,c\n1,2,3\n")
    assert not found.check_columns((), (), free=True)
    assert "more than 2 columns" in str(next(iter(problems)))


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    reading = Reading(Problems(), folder=tmp_path)
    for name, message in (
        ("none.csv", "there is no such file"),
        (".", "this is a folder, not a file"),
        ("/dev/zero", "this is not a file"),
        ("x" * 300, "File name too long"),
        ("a\0b", "null byte"),
    ):
        with pytest.raises(RefusedError) as caught:
            open_rows(name, reading)
        assert message in str(caught.value)


def test_a_file_that_is_too_long_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "MAX_BYTES", 1 << 20)
    (tmp_path / "a.csv").write_bytes(b"a\n" * (1 << 20))
    with pytest.raises(RefusedError, match="longer than 1 MB"):
        open_rows("a.csv", Reading(Problems(), folder=tmp_path))


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    found, problems = opened('a,b\n"x\u0085y\u2028z",1\r\n"2",3,4\n')
    assert [line for line, _fields in found] == [2]
    assert [str(error.location) for error in problems] == ["f.csv:3:1"]


@given(st.text(alphabet='a,";\n\r\t #é\u0085\x0c', max_size=60))
def test_any_text_gives_rows_or_mistakes(text: str) -> None:
    found, problems = opened(text)
    for line, fields in found:
        assert len(fields) == len(found.columns)
        assert line >= 1
        for index in range(len(fields)):
            assert found.place(line, index).column >= 1
    for error in problems:
        assert error.line >= 1
        assert error.column >= 1
