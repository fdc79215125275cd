"""Bad files of many kinds: each mistake names its place and its cure, and nothing else is told."""

from pathlib import Path

import pytest

from config.errors import ConfigError
from tests.support.configurations import FakeMedia, mistakes

HEAD = """\
trunks: {carrier: 192.0.2.1}
campaigns:
  sale: t
treatments: {t: [hang_up]}
"""

# What is wrong, the lines that follow HEAD (line 5 is the first), what is told: "LINE:COLUMN" and
# pieces of the message, of which the last is the cure.
BAD_YAML: list[tuple[str, str, str, tuple[str, ...]]] = [
    ("a tab", "x-a:\n\tb: 1\n", "6:1", ("a tab may not indent; use spaces",)),
    ("an open quote", "x-a: 'b\nx-c: d\n", "5:6", ("this quote is never closed",)),
    ("an open double quote", 'x-a: 1\nx-b: "b\nx-c: d\n', "6:6", ("quote is never closed",)),
    ("a colon in a text", "x-a: b: c\n", "5:7", ("mapping values", 'with ": " in it must stand')),
    ("a text that begins with @", "x-a: @b\n", "5:6", ('begins with "@" must stand in quotes',)),
    ("a second document", "---\nx-a: b\n", "5:1", ("a file holds one document",)),
    ("a key twice", "x-a: 1\nx-a: 2\n", "6:1", ('"x-a" stands twice here, first in line 5',)),
    ("an unknown alias", "x-a: *b\n", "5:6", ("the alias *b was not defined before",)),
    ("an open bracket", "x-a: [1, 2\n", "6:1", ("this is not YAML", "expected ',' or ']'")),
    ("an unknown tag", "x-a: !!python/name:os.system x\n", "5:6", ("has no meaning here",)),
    ("a variable that is not set", "x-a: ${NO}\n", "5:6", ("variable NO is not set",)),
    ("a reference left open", "x-a: ${NO\n", "5:6", ("is written ${NAME} or ${NAME:-default}",)),
    ("an unknown section", "numers: {}\n", "5:1", ('"numers" is no section', 'mean "numbers"?')),
    (
        "an unknown setting",
        "switch: {listn: 127.0.0.1}\n",
        "5:10",
        ('"listn" is no setting of switch', 'did you mean "listen"?'),
    ),
    (
        "an address without brackets",
        "switch: {listen: '::1:5060'}\n",
        "5:18",
        ('an IPv6 address stands in brackets: "[::1]:5060"',),
    ),
    (
        "a time without meaning",
        "switch: {grace_time: 5 sec}\n",
        "5:22",
        ('expected a time such as "30 s"', 'not "5 sec"'),
    ),
    (
        "a time zone that is none",
        "switch: {time_zone: America/Los_Angles}\n",
        "5:21",
        ("there is no time zone", 'did you mean "America/Los_Angeles"?'),
    ),
    (
        "a currency that is none",
        "switch: {currency: Dollar}\n",
        "5:20",
        ("expected a currency (three letters, ISO 4217, such as USD)",),
    ),
    (
        "a database that is none",
        "switch: {database: mysql://localhost/x}\n",
        "5:20",
        ('begins with "mysql://", not postgresql://',),
    ),
    (
        "an address of many hosts",
        "switch: {listen: '239.1.1.1:5060'}\n",
        "5:18",
        ("listen: 239.1.1.1 is an address of many hosts (multicast)",),
    ),
    (
        "a number that is none",
        "numbers: {911: sale}\n",
        "5:11",
        ('"911" is no phone number in US', "set as_is: true to take it as it is"),
    ),
    (
        "a number twice",
        "numbers:\n  8666831950: sale\n  +1 866 683 1950: sale\n",
        "7:3",
        ('"+1 866 683 1950" is +18666831950, which stands in line 6 already',),
    ),
    (
        "a campaign that is none",
        "numbers: {8666831950: sael}\n",
        "5:23",
        ('there is no campaign "sael"', 'did you mean "sale"?'),
    ),
    (
        "a pool without parameters",
        "pools: {p: {campaign: sale}}\n",
        "5:12",
        ('a custom pool needs "parameters"', "a list of 1 to 10"),
    ),
    (
        "parameters of a search pool",
        "pools: {p: {kind: search, parameters: [a]}}\n",
        "5:39",
        ("those of a pool that is search are keyword, engine", "leave them out"),
    ),
    (
        "a stock that is none",
        "stocks: {main: [8001230000]}\npools: {p: {kind: search, campaign: sale, stock: mian, "
        "maximum_size: 3}}\n",
        "6:50",
        ('there is no stock "mian"', 'did you mean "main"?'),
    ),
    (
        "a pool that never grows",
        "stocks: {main: [8001230000]}\npools: {p: {kind: search, stock: main}}\n",
        "6:34",
        ("the pool never grows without a maximum size", 'add "maximum_size"'),
    ),
    (
        "an overflow number without campaign",
        "pools: {p: {kind: search, overflow: 800 123 4444}}\n",
        "5:37",
        ("overflow: its calls need a campaign", 'set "campaign"'),
    ),
    (
        "an overflow number among the numbers",
        "numbers: {800 123 4444: sale}\n"
        "pools: {p: {kind: search, campaign: sale, overflow: 800 123 4444}}\n",
        "6:53",
        ("+18001234444", "stands in line 5 already"),
    ),
    (
        "a binding with a value too few",
        "pools: {p: {parameters: [a, b], campaign: sale}}\n"
        "numbers: {8001231111: {pool: p, parameters: {a: 1}}}\n",
        "6:45",
        ('the pool "p" needs a value for b',),
    ),
    (
        "a parameter that is none",
        "pools: {p: {parameters: [site], campaign: sale}}\n"
        "numbers: {8001231111: {pool: p, parameters: {site: 1, stie: 2}}}\n",
        "6:55",
        ('"stie" is no parameter of the pool "p"', 'did you mean "site"?'),
    ),
    (
        "a click-through URL of what is not known",
        'pools: {p: {kind: search, click_url: "http://h/{keywrd}"}}\n',
        "5:49",
        ('no pool or number has a parameter "keywrd"', 'did you mean "keyword"?'),
    ),
    (
        "a treatment that is none",
        "campaigns: {c: tt}\n".replace("campaigns", "x-campaigns") + "numbers: {8666831950: {}}\n",
        "6:11",
        ('a number needs a "campaign", here or in its pool',),
    ),
    (
        "text before the unit",
        "treatments: {u: hang_up}\n".replace("treatments", "x-treatments")
        + "switch: {max_calls: 1_000}\n",
        "6:21",
        ("expected a whole number, 1-100000",),
    ),
]

CAMPAIGN = """\
trunks: {carrier: 192.0.2.1}
treatments: {t: [hang_up]}
hours: {office: Mon-Fri 8-17}
regions: {west: {states: [CA]}}
lists: {nuisance: [+12125550100]}
campaigns:
  other: {syndicates: sale}
  sale:
    treatment: t
"""

BAD_CAMPAIGNS: list[tuple[str, str, str, tuple[str, ...]]] = [
    ("hours that are none", "hours: offce", "10:12", ('no schedule "offce"', 'mean "office"?')),
    ("no hours", "after_hours: t", "10:18", ("it is never closed without hours", 'add "hours"')),
    ("a region that is none", "regions: east", "10:14", ('no region "east"', 'mean "west"?')),
    ("no region", "outside: t", "10:14", ("no caller is outside", 'add "regions"')),
    ("a list that is none", "blocked: nuisnce", "10:14", ('mean "nuisance"?',)),
    (
        "an announcement without words",
        "blocked: {lists: nuisance, then: announcement}",
        "10:38",
        ("an announcement needs a prompt", 'add "prompt"'),
    ),
    (
        "a prompt that is never played",
        "blocked: {lists: nuisance, prompt: Hello}",
        "10:40",
        ("it is never played", 'set "then: announcement", or leave it out'),
    ),
    ("money with a sign", "price: $5", "10:12", ("digits alone, such as 5.00",)),
    ("money with a comma", "price: 5,00", "10:12", ("digits alone, such as 5.00",)),
    ("money too fine", "price: 0.00001", "10:12", ("at most 4 decimal places",)),
    ("too much money", "payout: 1000000001", "10:13", ("an amount is at most 1000000000",)),
    (
        "a payout without a maximum",
        "payout: {base: 1.00, bonuses: [10% * result.amount]}",
        "10:13",
        ('needs "maximum"', "it is what a budget reserves"),
    ),
    (
        "a rule that is never looked at",
        'rating: [low, {when: caller.state = "CA", rate: high}]',
        "10:19",
        ("never looked at, because the rule in line 10 always holds", "put it last"),
    ),
    (
        "a fact that is none",
        'rating: [{when: caller.stat = "CA", rate: high}]',
        "10:21",
        ('"caller.stat" is no fact', 'did you mean "caller.state"?'),
    ),
    (
        "a condition that is none",
        "conversion: talk_seconds",
        "10:17",
        ("this is a number, where a condition, true or false is needed",),
    ),
    (
        "an unknown header field",
        'headers: {Via: "{caller.state}"}',
        "10:15",
        ("Via is written by the switch",),
    ),
    (
        "a header field twice",
        'headers: {X-A: "1", x-a: "2"}',
        "10:14",
        ("a field stands twice; upper and lower case are the same",),
    ),
    (
        "a cap of nothing",
        "caps: {none: {kind: daily, limit: 0}}",
        "10:39",
        ("nothing could ever be put through", "the least is 1"),
    ),
    (
        "half a call",
        "caps: {half: {kind: daily, limit: 1.5}}",
        "10:39",
        ("calls are a whole number",),
    ),
    (
        "a budget of nothing",
        "caps: {money: {kind: budget, limit: 100}}",
        "10:19",
        ("a budget needs a payout", 'add "payout"'),
    ),
    (
        "a day that is an hour",
        "caps: {daily: {kind: daily, limit: 5, period: hour}}",
        "10:51",
        ("a cap that is daily begins anew each day",),
    ),
    (
        "a campaign that serves itself",
        "syndicates: other",
        "7:10",
        ('"sale" syndicates another campaign itself', 'name the original: "other"'),
    ),
    (
        "an sms without a text",
        'sms: {to: "{caller.number}"}',
        "10:10",
        ('a text message needs "text"',),
    ),
    (
        "an attribute that cannot be named",
        "attributes: {my-state: caller.state}",
        "10:18",
        ("attribute my-state: expected a name of letters, digits and _",),
    ),
]


def check(found: list[ConfigError], place: str, pieces: tuple[str, ...]) -> None:
    """One mistake, at its place, in these words."""
    assert [f"{error.line}:{error.column}" for error in found] == [place], [*map(str, found)]
    for piece in pieces:
        assert piece in str(found[0])


@pytest.mark.parametrize(
    ("text", "place", "pieces"),
    [pytest.param(*case[1:], id=case[0].replace(" ", "-")) for case in BAD_YAML],
)
def test_a_bad_file_is_told_with_place_and_cure(
    text: str, place: str, pieces: tuple[str, ...]
) -> None:
    check(mistakes(HEAD + text, media=FakeMedia()), place, pieces)


@pytest.mark.parametrize(
    ("line", "place", "pieces"),
    [pytest.param(*case[1:], id=case[0].replace(" ", "-")) for case in BAD_CAMPAIGNS],
)
def test_a_bad_campaign_is_told_with_place_and_cure(
    line: str, place: str, pieces: tuple[str, ...]
) -> None:
    text = f"{CAMPAIGN}    {line}\n"
    if line.startswith("syndicates"):
        text = text.replace("    treatment: t\n", "")
        place_line = int(place.partition(":")[0])
        assert place_line == 7
        found = mistakes(text, media=FakeMedia())
        assert any(str(error).startswith(f"test.yaml:{place}: ") for error in found)
        return
    check(mistakes(text, media=FakeMedia()), place, pieces)


# CSV: what is wrong, the file, where in it, in which words.
FILES = """\
trunks: {carrier: 192.0.2.1}
treatments: {t: [hang_up]}
campaigns: {sale: t}
pools: {ads: {parameters: [site, page], campaign: sale}}
number_files: [numbers.csv]
"""
BAD_CSV: list[tuple[str, bytes, str, tuple[str, ...]]] = [
    ("nothing", b"", "1:1", ("the file is empty",)),
    ("no header", b"\n\n", "1:1", ("the file has no header", "its first line names the columns")),
    (
        "a header without numbers",
        b"phone,campaign\n8666831950,sale\n",
        "1:1",
        ('the column "number" is missing', "the first line of the file names its columns"),
    ),
    ("a column twice", b"number,a,a\n", "1:10", ('the column "a" stands twice',)),
    ("a column without name", b"number,,a\n", "1:8", ("it has no name",)),
    ("bytes that are no text", b"number\n86668\xff\n", "2:6", ("this is not UTF-8 text",)),
    ("a control character", b"number\n8\x00\n", "2:2", ("U+0000 may not stand in a text file",)),
    (
        "too many fields",
        b"number,campaign\n8666831950,sale,x\n",
        "2:1",
        ("this row has 3 fields, the header has 2", 'with "," in it must stand in quotes'),
    ),
    (
        "too few fields",
        b"number,campaign\n8666831950,sale\n8666831951\n",
        "3:1",
        ("this row has 1 fields, the header has 2",),
    ),
    (
        "an open quote",
        b'number,campaign\n8666831950,sale\n8666831951,"sale\n8666831952,sale\n',
        "3:12",
        ("this quote is never closed",),
    ),
    (
        "a quote within a quote",
        b'number,campaign\n8666831950,"sa"le"\n',
        "2:1",
        ("this row cannot be read", 'a quote within quotes is written twice: ""'),
    ),
    (
        "a number that is none",
        b"number,campaign\n# a comment\n\n12345,sale\n",
        "4:1",
        ('"12345" is no phone number in US', "begin with +"),
    ),
    (
        "a number twice",
        b"number,campaign\n8666831950,sale\n+18666831950,sale\n",
        "3:1",
        ("+18666831950", "stands in line 2 already"),
    ),
    (
        "a campaign that is none",
        b"number,campaign\n8666831950,sael\n",
        "2:12",
        ('there is no campaign "sael"', 'did you mean "sale"?'),
    ),
    (
        "no campaign",
        b"number,campaign\n8666831950,\n",
        "2:12",
        ("a number needs a campaign: in its row, its file or its pool",),
    ),
    (
        "a pool that is none",
        b"number,pool\n8666831950,adds\n",
        "2:12",
        ('there is no pool "adds"', 'did you mean "ads"?'),
    ),
    (
        "a parameter the pool has not",
        b"number,pool,site,page,pgae\n8666831950,ads,a,b,c\n",
        "2:20",
        ('"pgae" is no parameter of the pool "ads"', 'did you mean "page"?'),
    ),
    (
        "a parameter without column",
        b"number,pool,site\n8666831950,ads,a\n",
        "2:1",
        ('the pool "ads" needs a value for page', "add a column"),
    ),
    (
        "a pattern in a pool",
        b"number,pool\n866683xxxx,ads\n",
        "2:1",
        ('the pool "ads" has phone numbers only',),
    ),
    (
        "neither true nor false",
        b"number,campaign,as_is\n8666831950,sale,perhaps\n",
        "2:17",
        ('as_is: expected true or false, not "perhaps"',),
    ),
    (
        "a status that refuses nothing",
        b"number;campaign;refuse\n8666831950;sale;200\n",
        "2:17",
        ("expected a status to refuse with: 404", 'not "200"'),
    ),
]


@pytest.mark.parametrize(
    ("content", "place", "pieces"),
    [pytest.param(*case[1:], id=case[0].replace(" ", "-")) for case in BAD_CSV],
)
def test_a_bad_csv_file_is_told_with_place_and_cure(
    content: bytes, place: str, pieces: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "numbers.csv").write_bytes(content)
    found = mistakes(FILES, path=tmp_path / "a.yaml")
    assert [error.file for error in found] == [str(tmp_path / "numbers.csv")], [*map(str, found)]
    check(found, place, pieces)


def test_there_are_more_than_sixty_kinds() -> None:
    assert len(BAD_YAML) + len(BAD_CAMPAIGNS) + len(BAD_CSV) > 60
