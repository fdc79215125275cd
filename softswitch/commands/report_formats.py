"""Writes a report for people (a table), for spreadsheets (CSV) and for programs (JSON).

Knows no database.
"""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from softswitch.store.reports import MAX_ROWS, Report, ReportRow

__all__ = ["FORMATS", "as_csv", "as_json", "as_table"]

MAX_CELL = 60
"""Characters of a name in a table for people; CSV and JSON have all of it."""

_HEADINGS = (
    "calls", "answered", "bridged", "conversions", "talk_minutes", "average_seconds", "high",
    "medium", "low",
)  # fmt: skip
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?\Z")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def as_table(report: Report) -> str:
    """Aligned columns with a line of totals; names to the left, figures to the right."""
    titles = [grouping.title for grouping in report.query.groupings]
    money = [f"payout {currency}" for currency in report.currencies]
    head = [*titles, *(heading.replace("_", " ") for heading in _HEADINGS), *money]
    body = [[*map(_cell, row.keys), *_figures(row, report)] for row in report.rows]
    total = ["total", *[""] * (len(titles) - 1), *_figures(report.total, report)]
    lines = _aligned([head, *body, total], left=len(titles))
    lines.insert(1, "-" * max(map(_columns, lines)))
    lines.insert(-1, lines[1])
    if report.left_out:
        lines.append(f"{report.left_out} more rows are left out; the total counts them")
    return "\n".join(lines) + "\n"


def _figures(row: ReportRow, report: Report) -> list[str]:
    figures = [str(getattr(row, heading)) for heading in _HEADINGS]
    return [*figures, *(_money(row.payout.get(currency)) for currency in report.currencies)]


def _money(amount: Decimal | None) -> str:
    """An amount with all its digits, at least two after the point."""
    amount = Decimal(0) if amount is None else amount
    exponent = amount.as_tuple().exponent
    places = -exponent if isinstance(exponent, int) else 0
    return f"{amount:.{max(2, places)}f}"


def _cell(text: str) -> str:
    text = _CONTROL.sub(" ", text)
    return text if len(text) <= MAX_CELL else f"{text[: MAX_CELL - 3]}..."


def _columns(text: str) -> int:
    """Columns of a terminal that a text takes."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(bool(unicodedata.combining(character)) for character in text)


def _aligned(rows: Sequence[Sequence[str]], *, left: int) -> list[str]:
    widths = [max(map(_columns, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(_padded(row, widths, left)).rstrip() for row in rows]


def _padded(row: Sequence[str], widths: Sequence[int], left: int) -> Iterator[str]:
    for place, (cell, width) in enumerate(zip(row, widths, strict=True)):
        space = " " * (width - _columns(cell))
        yield cell + space if place < left else space + cell


def as_csv(report: Report) -> str:
    """RFC 4180: a line of headings, CRLF, quotes where they are needed; no totals.

    A name that a spreadsheet would take for a formula gets an apostrophe before it; numbers, also
    telephone numbers, stay as they are.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    titles = [_safe(grouping.title) for grouping in report.query.groupings]
    money = [f"payout_{currency}" for currency in report.currencies]
    writer.writerow([*titles, *_HEADINGS, *money])
    for row in report.rows:
        writer.writerow([*map(_safe, row.keys), *_figures(row, report)])
    return text.getvalue()


def _safe(text: str) -> str:
    if text.startswith(_RISKY) and not _NUMBER.match(text):
        return f"'{text}"
    return text


def as_json(report: Report) -> str:
    """One object; amounts, minutes and seconds are texts, so that no reader makes floats of
    them."""
    query = report.query
    whole = {
        "by": [grouping.title for grouping in query.groupings],
        "from": query.since.isoformat() if query.since else None,
        "to": query.before.isoformat() if query.before else None,
        "campaign": query.campaign,
        "publisher": query.publisher,
        "time_zone": query.time_zone,
        "rows": [_row(row, report) for row in report.rows],
        "total": _row(report.total, report),
        "left_out": report.left_out,
        "max_rows": MAX_ROWS,
    }
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


def _row(row: ReportRow, report: Report) -> dict[str, Any]:
    figures = {heading: getattr(row, heading) for heading in _HEADINGS}
    plain = {name: str(one) if isinstance(one, Decimal) else one for name, one in figures.items()}
    money = {currency: _money(amount) for currency, amount in sorted(row.payout.items())}
    return {"keys": list(row.keys), **plain, "payout": money}


FORMATS: dict[str, Callable[[Report], str]] = {
    "table": as_table,
    "csv": as_csv,
    "json": as_json,
}
