from decimal import Decimal
from pathlib import Path

import pytest

from softswitch.campaign.caps import CountKey
from softswitch.store import spending
from softswitch.store.spending import SpendingFile

KEY = CountKey("Sale", "daily cap", "", 1_780_000_000)
OTHER = CountKey("Sale", "budget", "p1", 0)


def written(folder: Path, *, process: int = 7) -> SpendingFile:
    file = SpendingFile(folder, boot="b1")
    file.begin(process, {KEY: None, OTHER: None})
    file.note(KEY, Decimal(1))
    file.note(OTHER, Decimal("12.50"))
    file.note(KEY, Decimal(2))
    return file


def test_the_next_process_knows_the_last_totals(tmp_path: Path) -> None:
    written(tmp_path)  # and dies
    left = SpendingFile(tmp_path, boot="b1")
    assert left.spent(7) == {KEY: Decimal(2), OTHER: Decimal("12.50")}
    assert left.spent(6) is None


def test_a_file_of_another_boot_is_not_believed(tmp_path: Path) -> None:
    written(tmp_path).close()
    assert SpendingFile(tmp_path, boot="b2").spent(7) is None


def test_a_damaged_file_is_not_believed(tmp_path: Path) -> None:
    written(tmp_path).close()
    path = tmp_path / "credit.jsonl"
    for damage in (b'{"count": [1], "total": "1"}\n', b"no json\n", b'{"total": "1"}\n'):
        path.write_bytes(path.read_bytes() + damage)
        assert SpendingFile(tmp_path, boot="b1").spent(7) is None


def test_a_torn_last_line_is_a_call_that_never_went_out(tmp_path: Path) -> None:
    written(tmp_path).close()
    path = tmp_path / "credit.jsonl"
    path.write_bytes(path.read_bytes() + b'{"count":["Sale","daily')
    assert SpendingFile(tmp_path, boot="b1").spent(7) == {KEY: Decimal(2), OTHER: Decimal("12.50")}


def test_a_new_process_begins_with_nothing(tmp_path: Path) -> None:
    written(tmp_path).close()
    file = SpendingFile(tmp_path, boot="b1")
    file.begin(8, ())
    file.close()
    again = SpendingFile(tmp_path, boot="b1")
    assert again.spent(8) == {}
    assert again.spent(7) is None


def test_a_file_that_has_grown_is_written_anew_with_the_live_totals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spending, "MAX_BYTES", 2000)
    file = SpendingFile(tmp_path, boot="b1")
    file.begin(7, {KEY: None})
    file.note(OTHER, Decimal(3))
    for total in range(200):
        file.note(KEY, Decimal(total))
    assert (tmp_path / "credit.jsonl").stat().st_size < 2200
    assert SpendingFile(tmp_path, boot="b1").spent(7) == {KEY: Decimal(199)}


def test_nothing_can_be_noted_before_the_file_is_begun(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="was not begun"):
        SpendingFile(tmp_path).note(KEY, Decimal(1))


def test_a_folder_without_the_file_knows_nothing(tmp_path: Path) -> None:
    assert SpendingFile(tmp_path).spent(1) is None
