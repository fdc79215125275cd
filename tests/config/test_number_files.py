from pathlib import Path

import pytest

from config.model import Configuration, Number
from tests.support.configurations import loaded, mistakes

HEAD = """\
trunks: {a: h}
campaigns: {sale: t, other: t}
treatments: {t: [hang_up]}
pools:
  ads: {parameters: [site, page], campaign: sale, publisher: press}
"""


def read(folder: Path, csv: str, files: str = "[numbers.csv]") -> Configuration:
    (folder / "numbers.csv").write_text(csv)
    return loaded(f"{HEAD}number_files: {files}\n", path=folder / "a.yaml")


def test_a_row_is_a_number(tmp_path: Path) -> None:
    csv = """\
Number,Campaign,publisher,pool,site,page,as_is,refuse
866 683 1950,sale,p1,,,,,
+1866683xxxx,other,,,x,,no,486
911,sale,,,,,yes,
sip:sales@example.org,sale,,,,,,
8001231111,,,ads,one,home,,
8001232222,other,p2,ads,one,,,
8001233333,,,ads,,,,
"""
    assert read(tmp_path, csv).numbers == (
        Number("+18666831950", "exact", "sale", "p1"),
        Number("+1866683XXXX", "pattern", "other", parameters={"site": "x"}, refuse=486),
        Number("911", "exact", "sale", as_is=True),
        Number("sip:sales@example.org", "uri", "sale"),
        Number(
            "+18001231111", "exact", "sale", "press", "ads", {"site": "one", "page": "home"},
            attributes={"area_code": "800", "toll_free": "yes"},
        ),
        Number(
            "+18001232222", "exact", "other", "p2", "ads", {"site": "one", "page": ""},
            attributes={"area_code": "800", "toll_free": "yes"},
        ),
        Number(
            "+18001233333", "exact", "sale", "press", "ads", dynamic=True,
            attributes={"area_code": "800", "toll_free": "yes"},
        ),
    )  # fmt: skip


def test_a_number_stands_where_its_row_begins(tmp_path: Path) -> None:
    csv = '# numbers\n\nnumber,campaign,note\n8666831950,sale,"two\nlines"\n8666831951,sale,\n'
    first, second = read(tmp_path, csv).numbers
    assert (first.location.line, second.location.line) == (4, 6)
    assert first.location.file == str(tmp_path / "numbers.csv")
    assert first.parameters == {"note": "two\nlines"}


def test_what_a_row_does_not_say_the_yaml_does(tmp_path: Path) -> None:
    files = "{file: numbers.csv, campaign: other, publisher: p9}"
    first, second = read(tmp_path, "number,campaign\n8666831950,\n8666831951,sale\n", files).numbers
    assert (first.campaign, first.publisher) == ("other", "p9")
    assert (second.campaign, second.publisher) == ("sale", "p9")
    (pooled,) = read(tmp_path, "number\n8666831950\n", "{file: numbers.csv, pool: ads}").numbers
    assert (pooled.pool, pooled.campaign, pooled.dynamic) == ("ads", "sale", True)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_spreadsheets_write_files_of_several_forms(
    tmp_path: Path, separator: str, end: str
) -> None:
    rows = [["number", "campaign"], ["8666831950", "sale"], ["8666831951", "sale"]]
    csv = "\ufeff" + "".join(separator.join(row) + end for row in rows)
    assert len(read(tmp_path, csv).numbers) == 2


def test_parameters_of_a_file_can_be_spoken_of(tmp_path: Path) -> None:
    (tmp_path / "numbers.csv").write_text("number,campaign,station\n8666831950,sale,WXYZ\n")
    text = f"{HEAD}number_files: numbers.csv\n".replace(
        "sale: t,", 'sale: {treatment: t, rating: [{when: binding.station = "WXYZ", rate: high}]},'
    )
    (rule,) = loaded(text, path=tmp_path / "a.yaml").campaigns["sale"].rating
    assert str(rule.when) == 'binding.station = "WXYZ"'


def test_the_version_changes_with_a_file(tmp_path: Path) -> None:
    first = read(tmp_path, "number,campaign\n8666831950,sale\n").version
    assert read(tmp_path, "number,campaign\n8666831950,sale\n").version == first
    assert read(tmp_path, "number,campaign\n8666831951,sale\n").version != first


def test_a_number_of_the_yaml_does_not_stand_in_a_file_too(tmp_path: Path) -> None:
    (tmp_path / "numbers.csv").write_text("number,campaign\n8666831950,sale\n")
    text = f"{HEAD}numbers: {{8666831950: sale}}\nnumber_files: numbers.csv\n"
    (found,) = mistakes(text, path=tmp_path / "a.yaml")
    assert (found.file, found.line) == (str(tmp_path / "numbers.csv"), 2)
    assert f"which stands in {tmp_path / 'a.yaml'}:6:11 already" in found.message


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ("[none.csv]", "none.csv: there is no such file"),
        ("[.]", "this is a folder, not a file"),
        ("[/dev/zero]", "this is not a file"),
        ("[{file: a.csv, campain: x}]", 'did you mean "campaign"?'),
        ("[{campaign: sale}]", 'a file of numbers needs "file"'),
        ("[{file: a.csv, campaign: sael}]", 'there is no campaign "sael"'),
        ("{a: b}", '"a" is no setting of a file of numbers'),
        ("[]", "number_files: expected 1 to 1000 entries, not 0"),
    ],
)
def test_mistakes_in_the_section(tmp_path: Path, files: str, complaint: str) -> None:
    found = mistakes(f"{HEAD}number_files: {files}\n", path=tmp_path / "a.yaml")
    assert any(complaint in str(error) for error in found)
    assert {error.line for error in found} == {6}


def test_every_bad_row_is_told(tmp_path: Path) -> None:
    (tmp_path / "numbers.csv").write_text("number,campaign\n1,sale\n8666831950,sale\n2,x\n")
    found = mistakes(f"{HEAD}number_files: numbers.csv\n", path=tmp_path / "a.yaml")
    assert [error.line for error in found] == [2, 4]


def test_of_a_pool_that_was_refused_its_numbers_tell_nothing(tmp_path: Path) -> None:
    (tmp_path / "numbers.csv").write_text("number,pool\n8666831950,bad\n8666831951,bad\n")
    text = HEAD.replace("pools:\n", "pools:\n  bad: {kind: custom}\n")
    (found,) = mistakes(f"{text}number_files: numbers.csv\n", path=tmp_path / "a.yaml")
    assert "a custom pool needs" in found.message
