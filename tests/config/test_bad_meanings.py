"""Files that are well formed and cannot mean what they say: each is told with place and cure."""

from pathlib import Path

import pytest

from tests.config.test_bad_input import check
from tests.support.configurations import FakeMedia, mistakes

HEAD = """\
trunks: {carrier: 192.0.2.1}
numbers: {8666831950: {campaign: sale, publisher: p1}}
campaigns:
  sale:
    treatment: t
"""
TAIL = "treatments: {t: [hang_up]}\n"

# What is wrong, the lines of the campaign sale (line 6 is the first), "LINE:COLUMN", pieces of the
# message, of which the last is the cure.
MONEY: list[tuple[str, str, str, tuple[str, ...]]] = [
    (
        "a price whose condition is empty",
        "payout: {base: [{when: '', amount: 5}, 1]}",
        "6:28",
        ('"when" is empty: expected a condition', "leave when out for always"),
    ),
    (
        "a price whose condition is nothing",
        "payout: {base: [{when: , amount: 5}, 1]}",
        "6:28",
        ('"when" is empty', "leave when out for always"),
    ),
    (
        "a rating whose condition is empty",
        "rating: [{when: '', rate: high}]",
        "6:21",
        ('"when" is empty', "leave when out for always"),
    ),
    (
        "a message whose condition is empty",
        "sms: {when: '', to: '{caller.number}', text: Thanks}",
        "6:17",
        ('"when" is empty', "leave when out for always"),
    ),
    (
        "a budget below what a call earns",
        "caps: {a: {kind: budget, limit: 1}}\n    payout: 5",
        "6:15",
        ("no call fits into 1, because one may earn 5.00", "a maximum in the payout"),
    ),
    (
        "an amount that is a share",
        "payout: {base: 10%, maximum: 5}",
        "6:20",
        ("10% is no amount", "10% * result.amount"),
    ),
    ("an amount that is a time", "payout: {base: 5 min}", "6:20", ("5 min is no amount",)),
    (
        "an amount finer than its currency",
        "payout: {base: 5.50, currency: JPY}",
        "6:20",
        ("5.50 JPY cannot be paid: the least of it is 1",),
    ),
    ("an amount finer than a cent", "payout: 0.125", "6:13", ("the least of it is 0.01",)),
    (
        "a maximum finer than a cent",
        "payout: {base: 1, maximum: 20.001}",
        "6:32",
        ("20.001 USD cannot be paid",),
    ),
    (
        "a price of a publisher finer than a cent",
        "payout: {base: 1, publishers: {p1: 0.001}}",
        "6:36",
        ("0.001 USD cannot be paid",),
    ),
    (
        "a price for a publisher that is none",
        "payout: {base: 5, publishers: {p9: 7}}",
        "6:36",
        ('no number, pool or campaign has the publisher "p9"', "publishers: p1"),
    ),
    (
        "a rule named as the maximum",
        "payout: {base: [{name: maximum, amount: 5}]}",
        "6:21",
        ('"maximum" is what a line of the record is called', "choose another name"),
    ),
    (
        "a rule named as the price of repeat callers",
        "payout: {base: 5, bonuses: [{name: repeat, amount: 5}]}",
        "6:33",
        ('"repeat" is what a line of the record is called', "choose another name"),
    ),
    (
        "a rule named as what a cap takes away",
        "payout: {base: [{name: cap day, amount: 5}]}",
        "6:21",
        ('"cap day" is what a line of the record is called', "choose another name"),
    ),
    (
        "a rule named as the amount of another",
        "payout: {base: [{name: a, amount: 5}], bonuses: [{name: a amount, amount: 1}]}",
        "6:54",
        ('"a amount" is what the amount of another rule is called', "choose another name"),
    ),
    (
        "a bonus named as a base",
        "payout: {base: [{name: a, amount: 5}], bonuses: [{name: a, amount: 1}]}",
        "6:54",
        ('another rule is named "a", in line 6',),
    ),
]


@pytest.mark.parametrize(
    ("lines", "place", "pieces"),
    [pytest.param(*case[1:], id=case[0].replace(" ", "-")) for case in MONEY],
)
def test_money_that_cannot_be_meant_is_told(
    lines: str, place: str, pieces: tuple[str, ...]
) -> None:
    check(mistakes(f"{HEAD}    {lines}\n{TAIL}", media=FakeMedia()), place, pieces)


# The sections beside it: what is wrong, lines from line 5 on.
SECTIONS: list[tuple[str, str, str, tuple[str, ...]]] = [
    (
        "a region of an empty list",
        "regions: {west: {states: ''}}",
        "5:17",
        ("a region needs at least one place: nobody would ever be in it", "settings: countries"),
    ),
    (
        "a region of an empty file name",
        "regions: {west: {file: ''}}",
        "5:17",
        ("a region needs at least one place", "settings: countries"),
    ),
    (
        "a region of a file without rows",
        "regions: {west: {file: empty.csv}}",
        "5:17",
        ("a region needs at least one place", "settings: countries"),
    ),
    (
        "hours that begin before noon and end who knows when",
        "hours: {office: 9am-5}",
        "5:17",
        ('"9am-5" says am of its beginning only', '"9am-5am" or "9am-5pm"'),
    ),
    (
        "a zone without daylight saving time",
        "switch: {time_zone: EST}",
        "5:21",
        ('"EST" does not say whose clock it is', "write America/New_York"),
    ),
    (
        "a zone that people call so",
        "switch: {time_zone: PDT}",
        "5:21",
        ('"PDT" does not say whose clock it is', "write America/Los_Angeles"),
    ),
    (
        "numbers handed out without a database",
        "switch: {database: off}\n"
        "pools: {p: {parameters: [a], campaign: sale, numbers: [8001231111]}}",
        "6:12",
        ('the pool "p" hands out numbers, which needs a database; it is off', "embedded"),
    ),
    (
        "a stock without a database",
        "switch: {database: off}\nstocks: {s: [8001231111]}\n"
        "pools: {p: {parameters: [a], campaign: sale, maximum_size: 1}}",
        "7:12",
        ('the pool "p" hands out numbers, which needs a database; it is off', "embedded"),
    ),
]


@pytest.mark.parametrize(
    ("lines", "place", "pieces"),
    [pytest.param(*case[1:], id=case[0].replace(" ", "-")) for case in SECTIONS],
)
def test_a_section_that_cannot_be_meant_is_told(
    lines: str, place: str, pieces: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "empty.csv").write_text("state\n")
    head = "trunks: {carrier: 192.0.2.1}\n# beside\ncampaigns: {sale: t}\n" + TAIL
    check(mistakes(f"{head}{lines}\n", path=tmp_path / "a.yaml"), place, pieces)


def test_caps_need_a_database() -> None:
    text = f"{HEAD}    caps: {{day: {{kind: daily, limit: 5}}}}\n{TAIL}switch: {{database: off}}\n"
    cure = "database: embedded, or a connection string"
    check(mistakes(text), "6:17", ('the cap "day" is counted in a database; it is off', cure))


def test_pools_whose_numbers_are_all_fixed_need_no_database() -> None:
    text = (
        "trunks: {a: 192.0.2.1}\ncampaigns: {sale: t}\nswitch: {database: off}\n"
        "pools: {p: {parameters: [a]}}\n"
        "numbers: {8001231111: {pool: p, campaign: sale, parameters: {a: x}}}\n"
    )
    assert not mistakes(text + TAIL)
