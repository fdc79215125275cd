from __future__ import annotations

import csv
import io
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.commands.report_formats import as_csv, as_json, as_table
from softswitch.store.reports import Grouping, Report, ReportQuery, ReportRow


def row(*keys: str, calls: int = 3, **payout: str) -> ReportRow:
    return ReportRow(
        keys=keys,
        calls=calls,
        answered=2,
        bridged=2,
        conversions=1,
        talk_seconds=Decimal("150.5"),
        high=1,
        medium=0,
        low=1,
        payout={currency: Decimal(amount) for currency, amount in payout.items()},
    )


def report(*rows: ReportRow, left_out: int = 0, by: str = "keyword") -> Report:
    total = row("", calls=1234567, USD="1020.005", EUR="1.5")
    query = ReportQuery((Grouping("parameter", by),))
    return Report(query, rows, total, left_out)


def test_a_table_is_aligned_and_has_totals() -> None:
    lines = as_table(report(row("cribs", USD="15.00"), row("電話", EUR="1.5"))).splitlines()
    assert lines[0].split() == [
        "keyword", "calls", "answered", "bridged", "conversions", "talk", "minutes", "average",
        "seconds", "high", "medium", "low", "payout", "EUR", "payout", "USD",
    ]  # fmt: skip
    assert lines[2].split()[0] == "cribs"
    assert lines[2].endswith(" 15.00")
    assert lines[3].split()[-2:] == ["1.50", "0.00"]
    assert lines[-1].split() == [
        "total", "1234567", "2", "2", "1", "2.51", "75.2", "1", "0", "1", "1.50", "1020.005"
    ]  # fmt: skip
    # A wide character takes two columns.
    assert {len(line) for line in lines} == {len(lines[0]), len(lines[0]) - 2}


def test_a_table_says_what_it_leaves_out() -> None:
    assert "7 more rows are left out" in as_table(report(left_out=7))


def test_control_characters_do_not_reach_the_terminal() -> None:
    shown = as_table(report(row("a\x1b[31m\nb\u202e")))
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert len(shown.splitlines()) == 5


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("+18666831950", "+18666831950"),
        ("-5.25", "-5.25"),
        ('says "hi", twice', 'says "hi", twice'),
        ("two\nlines", "two\nlines"),
        ("", ""),
    ],
)
def test_csv_is_read_back_and_safe_in_spreadsheets(text: str, written: str) -> None:
    lines = list(csv.reader(io.StringIO(as_csv(report(row(text, USD="2")))), strict=True))
    assert lines[1][0] == written
    assert lines[0][-1] == "payout_USD"
    assert lines[1][-1] == "2.00"


def test_csv_follows_the_rfc_to_the_byte() -> None:
    text = as_csv(report(row('a "b", c', USD="2"), by="=evil"))
    assert text == (
        "'=evil,calls,answered,bridged,conversions,talk_minutes,average_seconds,high,medium,low,"
        "payout_EUR,payout_USD\r\n"
        '"a ""b"", c",3,2,2,1,2.51,75.2,1,0,1,0.00,2.00\r\n'
    )


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_no_name_breaks_csv_or_json(name: str) -> None:
    written = as_csv(report(row(name)))
    lines = list(csv.reader(io.StringIO(written, newline=""), strict=True))
    assert len(lines) == 2
    assert lines[1][0] in {name, f"'{name}"}
    assert json.loads(as_json(report(row(name))))["rows"][0]["keys"] == [name]


def test_json_has_money_as_text() -> None:
    found = json.loads(as_json(report(row("cribs", USD="15"))))
    assert found["by"] == ["keyword"]
    assert found["rows"][0]["payout"] == {"USD": "15.00"}
    assert found["rows"][0]["talk_minutes"] == "2.51"
    assert found["rows"][0]["calls"] == 3
    assert found["total"]["payout"] == {"EUR": "1.50", "USD": "1020.005"}
    assert found["left_out"] == 0


def test_an_average_of_no_calls_is_nought() -> None:
    assert ReportRow(("x",)).average_seconds == 0
