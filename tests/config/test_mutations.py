"""Whatever becomes of a good file, the answer is a configuration or a list of mistakes."""

import re
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.loader import ConfigErrors, load_text
from config.model import Configuration
from tests.support.configurations import FakeMedia

EXAMPLES = Path(__file__).parents[2] / "config" / "examples"

EVERYTHING = """\
switch: {database: embedded, country: US, currency: EUR, time_zone: Europe/Berlin}
trunks: {carrier: 192.0.2.1}
hours: {office: Mon-Fri 8-17 America/Los_Angeles, night: {open: daily 22-6, holidays: [2030-12-25]}}
regions: {west: {states: [CA, OR], area_codes: [602]}}
lists: {nuisance: [+12125550100]}
number_files: [{file: numbers.csv, campaign: sale}]
stocks: {main: [8001230000, {number: 8001230001, attributes: {vanity: X}}]}
pools:
  ads:
    parameters: [site, page]
    campaign: sale
    numbers: [8001231111, {number: 8001232222, parameters: {site: a, page: b}}]
    overflow: 8001234444
    maximum_size: 5
    minimum_lifetime: off
    ends: 2030-12-31
    reserve: {time: 30 days, until_calls_below: 2, treatment: sorry}
    click_url: "https://example.org/{site}?n={number}"
  people: {kind: exclusive, period: 90 days, campaign: sale}
campaigns:
  copy: {syndicates: sale, publisher: p1}
  sale:
    treatment: menu
    hours: office
    after_hours: sorry
    regions: west
    outside: sorry
    blocked: {lists: [nuisance], then: announcement, prompt: Go away.}
    notice: This call is being recorded.
    keywords: [friend]
    rating: [{when: caller.line_type = "mobile" or keyword("friend"), rate: high}, low]
    payout:
      base: [{when: rating = "high", amount: 5.00}, {amount: 1.00}]
      bonuses: [{name: sale, amount: 10% * result.amount}]
      repeat: {within: 30 days, amount: 0}
      publishers: {p1: 4.50}
      maximum: 20.00
    conversion: talk_seconds >= 90 s
    caps:
      daily: {kind: daily, limit: 100, scope: publisher, over: sorry}
      money: {kind: budget, limit: 100.00, period: month}
    fraud: {short: {when: "short_calls(1 h, 10 s) >= 5", who: publisher, for: 1 h}}
    attributes: {state: caller.state, calls: "calls_by_caller(30 days)"}
    headers: {X-State: "{attribute.state}"}
    caller_id: {unique: 8005550000, last: 8005550999}
    sms: [{when: bridged, to: "{caller.number}", text: "Thank you."}]
numbers: {8666831950: sale, 8666831951: {pool: ads}}
treatments:
  sorry: [play: Sorry., hang_up]
  menu:
    - menu: {prompt: Press 1., choices: {1: [connect: [+16025551234]], 2: [goto: sorry]}}
    - condition: {if: in_region("west") and open("office"), then: [connect: called], else: hang_up}
"""
NUMBERS = b"number,publisher,site\n+12125550001,p1,a\n+12125550002,,\n"

TEXTS = [EVERYTHING.encode(), *(path.read_bytes() for path in sorted(EXAMPLES.glob("*.yaml")))]
PIECES = [
    b"", b"~", b"[]", b"{}", b"[", b"}", b": ", b"- ", b'"', b"'", b"&a ", b"*a", b"<<: *a",
    b"!!x ", b"${A}", b"${", b"\t", b"\n", b"\x00", b"\xff", b"0", b"-1", b"9" * 20, b"1e9",
    b"0.00001", b"5.00", b"off", b"none", b"5 days", b"4 rings", b"2030-02-30", b"caller.state",
    b"caller.", b"(", b")", b"{caller.state}", b"{", b"in_region(", b"and", b"not", b"10%", b" = ",
    b"called", b"sale", b"copy", b"menu", b"sorry", b"ads", b"main", b"8001231111", b"+*",
    b"1xxxxx", b"sip:a@b", b"239.1.1.1", b"0.0.0.0", b"numbers.csv", b"none.csv", b"/",
    b"x" * 300,
]  # fmt: skip
WORD = re.compile(rb"[^\s:,{}\[\]]+")
LETTERS = st.sampled_from(PIECES) | st.binary(max_size=3)
EDITS = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 2, 3, 4, 4, 4, 4]), st.floats(0, 1), st.integers(0, 40), LETTERS
    ),
    min_size=1,
    max_size=5,
)


def edited(text: bytes, edits: list[tuple[int, float, int, bytes]]) -> bytes:
    """A text with pieces put in, taken out or exchanged, words exchanged, and lines moved."""
    for kind, where, length, piece in edits:
        at = int(where * len(text))
        if kind == 0:
            text = text[:at] + piece + text[at:]
        elif kind == 1:
            text = text[:at] + piece + text[at + length :]
        elif kind == 2:
            text = text[:at] + text[at + length :]
        elif kind == 4:
            words = list(WORD.finditer(text))
            word = words[int(where * (len(words) - 1))] if words else None
            text = text[: word.start()] + piece + text[word.end() :] if word else text
        else:
            lines = text.split(b"\n")
            row = int(where * (len(lines) - 1))
            moved = lines.pop(row) if kind == 3 else lines[row]
            lines.insert(min(length, len(lines)), moved)
            text = b"\n".join(lines)
    return text


def outcome(text: bytes, folder: Path) -> Configuration | None:
    """The configuration; None when it was told what is wrong, with places."""
    try:
        found = load_text(text, folder / "a.yaml", {"A": "1"}, media=FakeMedia())
    except ConfigErrors as errors:
        told = errors.errors
    else:
        return found
    assert told
    for error in told:
        assert error.line >= 1, error
        assert error.column >= 1, error
        assert error.message, error
        assert "\n" not in str(error), error
    return None


def test_the_text_that_says_everything_is_good(tmp_path: Path) -> None:
    (tmp_path / "numbers.csv").write_bytes(NUMBERS)
    found = outcome(EVERYTHING.encode(), tmp_path)
    assert found is not None
    assert found.campaigns["copy"].treatment == "menu"


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=st.sampled_from(TEXTS), edits=EDITS)
def test_a_changed_file_is_a_configuration_or_mistakes(
    text: bytes, edits: list[tuple[int, float, int, bytes]], tmp_path: Path
) -> None:
    (tmp_path / "numbers.csv").write_bytes(NUMBERS)
    outcome(edited(text, edits), tmp_path)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(edits=EDITS)
def test_a_changed_csv_file_is_a_configuration_or_mistakes(
    edits: list[tuple[int, float, int, bytes]], tmp_path: Path
) -> None:
    (tmp_path / "numbers.csv").write_bytes(edited(NUMBERS, edits))
    outcome(EVERYTHING.encode(), tmp_path)
