"""`softswitch recording list|path|verify`: the recordings of calls, and whether they are what their
records say."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from config.model import Configuration

__all__ = ["add"]

NOT_AS_RECORDED = 1
"""Exit status when a file is missing or is another than the record says."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    recording = commands.add_parser("recording", help="recordings of calls")
    verbs = recording.add_subparsers(required=True, metavar="VERB")
    listing = _verb(verbs, "list", "list recordings and clips on disk")
    listing.add_argument("--day", metavar="YYYY-MM-DD", help="only those of calls of a day (UTC)")
    listing.set_defaults(action=_list)
    path = _verb(verbs, "path", "print the path of a call's recording")
    path.add_argument("call", metavar="CALL", help="call id")
    path.set_defaults(action=_path)
    verify = _verb(verbs, "verify", "compare recordings with the hashes in their records")
    verify.add_argument("calls", nargs="*", metavar="CALL", help="call id; none: all calls")
    verify.add_argument(
        "--records",
        action="append",
        type=Path,
        default=[],
        metavar="FILE",
        help="a file of records, such as a rotated one; default: records.jsonl of the data folder",
    )
    verify.set_defaults(action=_verify)


def _verb(verbs: Any, name: str, says: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=says)
    parser.add_argument("-c", "--config", required=True, type=Path, metavar="FILE")
    return parser


def _load(options: argparse.Namespace) -> Configuration | None:
    import os

    from config.errors import ConfigErrors
    from softswitch.check import load_checked

    try:
        configuration = load_checked(options.config, os.environ)
    except ConfigErrors as errors:
        print(errors, file=sys.stderr)
        return None
    recordings = configuration.hearing.recordings
    for what, folder in (("data", configuration.switch.data), ("recordings", recordings)):
        if folder is not None and not folder.is_dir():
            _fail(f"there is no folder {folder.absolute()} ({what} of {options.config})", 1)
            return None
    return configuration


def _folder(configuration: Configuration) -> Path:
    from softswitch.hearing.taped import recordings_folder

    return recordings_folder(configuration.switch.data, configuration.hearing.recordings)


def _files(folder: Path, day: str = "*", name: str = "*") -> Iterator[Path]:
    from media.recording import PART

    for path in sorted(folder.glob(f"{day}/{name}")):
        if path.name.endswith((".wav", f".wav{PART}")) and path.is_file():
            yield path


# list


def _list(options: argparse.Namespace) -> int:
    configuration = _load(options)
    if configuration is None:
        return 1
    if options.day is not None and not _is_day(options.day):
        return _fail("--day: expected a day such as 2026-11-22", 2)
    folder = _folder(configuration)
    count = size = 0
    for path in _files(folder, options.day or "*"):
        print(_line(path, folder))
        count, size = count + 1, size + path.stat().st_size
    print(f"{count} files, {size / 1e6:,.1f} MB in {folder}")
    return 0


def _is_day(text: str) -> bool:
    from datetime import date

    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _line(path: Path, folder: Path) -> str:
    from media.recording import PART, seconds_of

    name = path.name.removesuffix(PART).removesuffix(".wav")
    call_id, _, clip = name.partition("-")
    what = "unfinished" if path.name.endswith(PART) else "clip" if clip else "call"
    try:
        seconds, size = seconds_of(path), path.stat().st_size
    except OSError as error:
        return f"{call_id}  {what:<10}  {'':>10}  {path.relative_to(folder)}: {error.strerror}"
    length = "no sound" if seconds is None else f"{seconds:.1f} s"
    return f"{call_id}  {what:<10}  {length:>10}  {size:>12,}  {path.relative_to(folder)}"


# path


def _path(options: argparse.Namespace) -> int:
    configuration = _load(options)
    if configuration is None:
        return 1
    if not options.call.isalnum():
        return _fail(f"{options.call} is no call id", 2)
    found = list(_files(_folder(configuration), name=f"{options.call}.wav*"))
    for path in found:
        print(path)
    return 0 if found else _fail(f"there is no recording of the call {options.call}", 1)


# verify


def _verify(options: argparse.Namespace) -> int:
    configuration = _load(options)
    if configuration is None:
        return 1
    data = configuration.switch.data
    wanted = set(options.calls)
    seen: set[str] = set()
    told: set[Path] = set()
    good = bad = 0
    for record in _records(options.records or _own_records(data), wanted):
        seen.add(record["call_id"])
        for recording in record.get("recordings", ()):
            why = _wrong(recording, data)
            good, bad = good + (why is None), bad + (why is not None)
            told.add(data / str(recording.get("path")))
            print(f"{record['call_id']}  {why or 'as recorded'}  {recording.get('path')}")
    for call_id in sorted(wanted - seen):
        print(f"softswitch recording: there is no record of the call {call_id}", file=sys.stderr)
    if seen or not wanted:
        print(f"{good} recordings are as recorded, {bad} are not")
    if not wanted and not options.records:
        bad += _tell_others(_folder(configuration), told)
    return NOT_AS_RECORDED if bad or wanted - seen else 0


def _tell_others(folder: Path, told: set[Path]) -> int:
    """Show the recordings that no record names; how many of them are not what they were."""
    from media.recording import hash_beside

    others = [path for path in _files(folder) if _is_whole_call(path) and path not in told]
    changed = 0
    for path in others:
        sha256 = hash_beside(path)
        why = None if sha256 is None else _differs(path, sha256)
        changed += why is not None
        fit = why or ("as mended after a crash" if sha256 else "nothing to compare with")
        print(f"without a record: {fit}  {path.relative_to(folder)}")
    if others:
        print(f"{len(others)} recordings are in no record of this file of records")
    return changed


def _is_whole_call(path: Path) -> bool:
    """Neither a clip nor in the middle of being written."""
    return path.name.endswith(".wav") and "-" not in path.name


def _own_records(data: Path) -> list[Path]:
    """The file of records of a data folder, when there were calls."""
    path = data / "records.jsonl"
    return [path] if path.exists() else []


def _records(files: list[Path], wanted: set[str]) -> Iterator[dict[str, Any]]:
    """Records of the calls wanted; of all calls where none is named."""
    import json

    ids = [call_id.encode() for call_id in wanted]
    for path in files:
        for line in _lines(path):
            if ids and not any(call_id in line for call_id in ids):
                continue
            try:
                record = json.loads(line)
            except ValueError:
                continue  # a line that is being written, or was torn by a crash
            if isinstance(record, dict) and (not wanted or record.get("call_id") in wanted):
                yield record


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as lines:
        yield from lines


def _wrong(recording: dict[str, Any], data: Path) -> str | None:
    """Why a file is not what its record says; a mended one, what the mend has said."""
    from media.recording import hash_beside

    path = data / str(recording.get("path"))
    sha256 = recording.get("sha256") or hash_beside(path)
    if not sha256:
        return f"nothing to compare with: {recording.get('why') or 'it has no hash'}"
    return _differs(path, sha256)


def _differs(path: Path, sha256: str) -> str | None:
    """Why a file is not the one with this hash."""
    from media.recording import hash_file

    try:
        with path.open("rb") as file:
            found = hash_file(file.fileno())
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return None if found == sha256 else f"CHANGED: its SHA-256 is {found}"


def _fail(sentence: str, status: int) -> int:
    print(f"softswitch recording: {sentence}", file=sys.stderr)
    return status
