from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from softswitch.control.webhooks.cursor import Cursor, forget_others
from softswitch.control.webhooks.entry import Entry
from softswitch.control.webhooks.spool import Spool
from softswitch.store.calls_lines import Place

TAIL = b"\x01" * 32


def entry(number: int, *, size: int = 1, call: str = "c") -> Entry:
    body = msgspec.json.encode({"n": number, "x": "x" * size})
    return Entry(f"{call}.{number}", "call.dtmf", "sale", call, 1000.0, msgspec.Raw(body))


def ids(spool: Spool, offset: int = 0, *, max_bytes: int = 1 << 20) -> list[str]:
    found: list[str] = []
    while True:
        portion = spool.read(offset, max_bytes=max_bytes)
        found += [one.entry.id for one in portion.entries]
        if portion.end == portion.start:
            return found
        offset = portion.end


def numbers(first: int, last: int) -> Sequence[Entry]:
    return [entry(number) for number in range(first, last + 1)]


def test_what_was_appended_is_read_also_by_the_next_life(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append(numbers(1, 3), Place(70, TAIL))
    spool.append(numbers(4, 4), None)
    spool.close()
    again = Spool(tmp_path)
    assert ids(again) == ["c.1", "c.2", "c.3", "c.4"]
    assert again.place == Place(70, TAIL)
    again.close()


@pytest.mark.parametrize("max_bytes", [1, 50, 200, 1 << 20])
def test_it_is_read_in_portions_of_whole_lines(tmp_path: Path, max_bytes: int) -> None:
    spool = Spool(tmp_path)
    spool.append(numbers(1, 20), Place(1, TAIL))
    assert ids(spool, max_bytes=max_bytes) == [f"c.{number}" for number in range(1, 21)]
    spool.close()


def test_reading_goes_on_from_the_end_of_any_entry(tmp_path: Path) -> None:
    spool = Spool(tmp_path, segment_bytes=300)
    for number in range(1, 11):
        spool.append([entry(number)], Place(number, TAIL))
    found = spool.read(0, max_bytes=1 << 20).entries
    assert ids(spool, found[0].end) == [f"c.{number}" for number in range(2, 11)]
    spool.close()


def test_a_torn_last_line_is_cut_at_every_byte(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "whole")
    spool.append(numbers(1, 1), Place(5, TAIL))
    before = spool.end
    spool.append(numbers(2, 2), Place(9, TAIL))
    spool.close()
    whole = next((tmp_path / "whole").glob("*.log")).read_bytes()
    for cut in range(before, len(whole)):
        folder = tmp_path / f"cut{cut}"
        folder.mkdir()
        (folder / f"{0:020d}.log").write_bytes(whole[:cut])
        torn = Spool(folder)
        read = ids(torn)
        assert read in (["c.1"], ["c.1", "c.2"])
        assert torn.place == Place(5, TAIL), "what it counts for is in the same write"
        torn.append(numbers(3, 3), None)
        assert ids(torn) == [*read, "c.3"]
        torn.close()


def test_files_are_begun_and_deleted_when_all_is_told(tmp_path: Path) -> None:
    spool = Spool(tmp_path, segment_bytes=500)
    for number in range(1, 21):
        spool.append([entry(number)], Place(number, TAIL))
    files = len(list(tmp_path.glob("*.log")))
    assert files > 3
    read = spool.read(0, max_bytes=1 << 20)
    spool.trim(read.end - 1)
    assert len(list(tmp_path.glob("*.log"))) == files
    spool.trim(read.end)
    assert len(list(tmp_path.glob("*.log"))) == files - 1
    assert spool.start == read.end
    assert spool.read(0, max_bytes=1 << 20).start == spool.start, "what is gone is passed over"
    spool.trim(spool.end)
    assert len(list(tmp_path.glob("*.log"))) == 1, "the last file stays"
    spool.close()
    again = Spool(tmp_path, segment_bytes=500)
    assert again.end == spool.end
    assert again.place == Place(20, TAIL), "each file knows how far the records had come"
    again.close()


def test_it_never_grows_beyond_its_bound_and_counts_what_went(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=5000, segment_bytes=1000)
    for number in range(1, 201):
        spool.append([entry(number)], None)
    assert spool.end - spool.start <= 6000 + 200
    assert sum(path.stat().st_size for path in tmp_path.glob("*.log")) <= 6200
    assert spool.lost_bytes == spool.start
    assert ids(spool)[-1] == "c.200"
    spool.close()


def test_lines_that_are_none_are_passed_over_and_counted(tmp_path: Path) -> None:
    path = tmp_path / f"{0:020d}.log"
    path.write_bytes(b'nonsense\n{"id":7}\n\xff\xfe\n')
    spool = Spool(tmp_path)
    spool.append(numbers(1, 1), None)
    assert ids(spool) == ["c.1"]
    assert spool.unreadable == 3
    spool.close()


def test_a_disk_that_refuses_leaves_the_log_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path)
    spool.append(numbers(1, 1), Place(1, TAIL))

    def refuse(_fd: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr("os.fdatasync", refuse)
        with pytest.raises(OSError, match="Input/output"):
            spool.append(numbers(2, 2), Place(2, TAIL))
    assert ids(spool) == ["c.1"]
    assert spool.place == Place(1, TAIL)
    spool.append(numbers(2, 2), Place(2, TAIL))
    assert ids(spool) == ["c.1", "c.2"]
    spool.close()


# Cursors.


def test_a_new_target_begins_at_the_end_and_a_known_one_where_it_was(tmp_path: Path) -> None:
    cursor = Cursor(tmp_path, "webhook crm", oldest=0, newest=500)
    assert cursor.place == 500
    cursor.move(700)
    cursor.close()
    again = Cursor(tmp_path, "webhook crm", oldest=0, newest=900)
    assert again.place == 700
    again.close()


@pytest.mark.parametrize(
    ("written", "place"),
    [(b"", 100), (b"00000", 100), (b"x" * 20, 100), (b"%020d\n" % 50, 100),
     (b"%020d\n" % 300, 300), (b"%020d\n" % 9000, 800)],
)  # fmt: skip
def test_a_torn_or_impossible_place_is_brought_into_what_there_is(
    tmp_path: Path, written: bytes, place: int
) -> None:
    Cursor(tmp_path, "a", oldest=0, newest=0).close()
    (path,) = tmp_path.glob("*.place")
    path.write_bytes(written)
    cursor = Cursor(tmp_path, "a", oldest=100, newest=800)
    assert cursor.place == place
    cursor.close()


def test_places_of_targets_that_are_no_more_are_deleted(tmp_path: Path) -> None:
    for name in ("a", "b", "ü/../" * 30):
        Cursor(tmp_path, name, oldest=0, newest=7).close()
    forget_others(tmp_path, {"b"})
    (path,) = tmp_path.iterdir()
    assert path.read_bytes() == b"%020d\n" % 7
