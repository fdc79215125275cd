"""`softswitch report`: calls, talk and money, by whatever they are asked for.

Opens the configured database (starting the embedded server when it is down, and stopping what was
started), reads one report and leaves. A switch that runs is not disturbed.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from config.model import Configuration
    from softswitch.store.reports import Grouping, Report, ReportQuery

__all__ = ["add"]

PERIODS = ("hour", "day", "week", "month")
BY = "number, publisher, campaign, parameter NAME, or period hour, day, week or month"


class UsageError(Exception):
    """An option that says nothing sensible; the text tells what would."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    report = commands.add_parser("report", help="sum up calls, talk and money")
    report.add_argument("-c", "--config", required=True, type=Path, metavar="FILE")
    report.add_argument(
        "--by",
        action="append",
        nargs="+",
        metavar="WHAT",
        help=f"{BY}; several --by make smaller groups (default: campaign)",
    )
    time = "2026-11-22 or 2026-11-22T08:30"
    report.add_argument(
        "--from", dest="since", metavar="TIME", help=f"received then or later: {time}"
    )
    report.add_argument("--to", metavar="TIME", help="received earlier; a day counts to its end")
    report.add_argument("--campaign", metavar="NAME")
    report.add_argument("--publisher", metavar="NAME")
    report.add_argument("--time-zone", metavar="ZONE", help="of times and periods (the switch's)")
    report.add_argument("--format", choices=("table", "json", "csv"), default="table")
    report.set_defaults(action=_report)


def _report(options: argparse.Namespace) -> int:
    from config.errors import ConfigErrors
    from softswitch.check import load_checked
    from softswitch.commands.report_formats import FORMATS

    try:
        configuration = load_checked(options.config, os.environ)
    except ConfigErrors as errors:
        print(errors, file=sys.stderr)
        return 1
    try:
        query = _query(options, configuration)
    except UsageError as error:
        print(f"softswitch report: {error}", file=sys.stderr)
        return 2
    report = _read(configuration, query)
    if report is None:
        return 1
    sys.stdout.write(FORMATS[options.format](report))
    return 0


# What is asked for.


def _query(options: argparse.Namespace, configuration: Configuration) -> ReportQuery:
    from softswitch.store.reports import ReportQuery

    zone_name = options.time_zone or configuration.switch.time_zone
    zone = _zone(zone_name)
    since, before = _time(options.since, zone, end=False), _time(options.to, zone, end=True)
    if since is not None and before is not None and before <= since:
        raise UsageError("--to lies before --from: no call can be between them")
    return ReportQuery(
        groupings=_groupings(options.by or [["campaign"]], configuration),
        since=since,
        before=before,
        campaign=options.campaign,
        publisher=options.publisher,
        time_zone=zone_name,
    )


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise UsageError(f'there is no time zone "{name}"; one is Europe/Berlin') from None


def _time(text: str | None, zone: ZoneInfo, *, end: bool) -> datetime | None:
    """A time in the zone of the report, unless it brings an offset; a day at the end is whole."""
    if text is None:
        return None
    try:
        if len(text) == len("2026-11-22"):
            day = date.fromisoformat(text) + timedelta(days=end)
            return datetime(day.year, day.month, day.day, tzinfo=zone)
        time = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        message = f'"{text}" is no time; one is 2026-11-22 or 2026-11-22T08:30'
        raise UsageError(message) from None
    return time if time.tzinfo is not None else time.replace(tzinfo=zone)


def _groupings(
    written: Sequence[Sequence[str]], configuration: Configuration
) -> tuple[Grouping, ...]:
    from softswitch.store.reports import MAX_GROUPINGS

    if len(written) > MAX_GROUPINGS:
        raise UsageError(f"at most {MAX_GROUPINGS} --by")
    return tuple(_grouping(words, configuration) for words in written)


def _grouping(words: Sequence[str], configuration: Configuration) -> Grouping:
    from softswitch.store.reports import Grouping

    match [*words]:
        case [("number" | "publisher" | "campaign") as axis]:
            return Grouping(axis)
        case ["period", ("hour" | "day" | "week" | "month") as axis]:
            return Grouping(axis)
        case ["parameter", name]:
            return Grouping("parameter", _parameter(name, configuration))
        case ["parameter"]:
            raise UsageError("--by parameter needs its name: --by parameter keyword")
        case ["period", *_]:
            raise UsageError(f"--by period needs one of {', '.join(PERIODS)}")
    raise UsageError(f"--by {' '.join(words)}: expected {BY}")


def _parameter(name: str, configuration: Configuration) -> str:
    """A name that no number ever had would only give an empty column: say so where it is sure."""
    from config.errors import did_you_mean

    pools = (pool.parameters for pool in configuration.pools.values())
    known = {one for names in pools for one in names}
    known |= {one for number in configuration.numbers for one in number.parameters}
    if name not in known:
        near = did_you_mean(name, known)
        note = f"no number has a parameter {name} now{f'; {near}' if near else ''}"
        print(f"softswitch report: {note}", file=sys.stderr)
    return name


# The database.


def _read(configuration: Configuration, query: ReportQuery) -> Report | None:
    """The report; None and a sentence when there is none to be had."""
    from softswitch.commands.databases import NoDatabase, read_database
    from softswitch.store.reports import Report, ReportRow, run_report

    async def read(database: Any) -> Report:
        return await run_report(database, query)

    try:
        return read_database(configuration, read)
    except NoDatabase as error:
        print(f"softswitch report: {error}", file=sys.stderr)
        return None if error.expected else Report(query, (), ReportRow(("",)))
