import pytest

from softswitch.commands.ctl.events import event_line
from softswitch.commands.ctl.output import Output, clean, clock, told


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (True, "yes"),
        (False, "no"),
        (3, "3"),
        (0.25, "0.2"),
        ([], "-"),
        ({}, "-"),
        (["a", 1], "a, 1"),
        ({"404": 3, "480": 1}, "404 3, 480 1"),
        ("\x1b[2J", "\N{REPLACEMENT CHARACTER}[2J"),
        ({"\x07": "\x07"}, "\N{REPLACEMENT CHARACTER} \N{REPLACEMENT CHARACTER}"),
    ],
)
def test_values_are_written_as_people_write_them(value: object, text: str) -> None:
    assert told(value) == text


def test_letters_of_all_languages_stay() -> None:
    assert clean("Grüße 你好") == "Grüße 你好"


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "-"), (0.9, "0:00"), (61.0, "1:01"), (3725.5, "1:02:05")]
)
def test_lengths_are_minutes_and_seconds(seconds: float | None, text: str) -> None:
    assert clock(seconds) == text


def test_an_event_is_one_line_however_much_it_says() -> None:
    event = {
        "at": "2026-11-22T08:00:00.250Z", "call": "ab12", "kind": "call.presented",
        "facts": {"called": "1\n2", "empty": "", "signalling": {"name": "x" * 500}},
    }  # fmt: skip
    line = event_line(event)
    assert line.startswith("08:00:00.250 ab12 call.presented called=1\N{REPLACEMENT CHARACTER}2 ")
    assert line.endswith("...")
    assert len(line) < 250


def test_what_is_no_terminal_gets_lines_without_trailing_spaces_or_colours(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Output(as_json=False).table(("name", ">count"), [("[bold]a", 1), ("b", 22)])
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "[bold]a" in out
    assert all(line == line.rstrip() for line in out.splitlines())
