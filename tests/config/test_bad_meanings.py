"""Files that are well formed and cannot mean what they say: each is told with place and cure."""

from pathlib import Path

import pytest

from config.model import Ask
from tests.config.test_bad_input import check
from tests.support.configurations import FakeMedia, mistakes, nodes, with_treatment

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


# Steps of a treatment: what is wrong, the step (line 6, from column 5 on), place and pieces.
HOST = "the host of a URL is written out"
STEPS: list[tuple[str, str, str, tuple[str, ...]]] = [
    ("an open bracket", "lookup: {url: 'http://[x]/'}", "6:21", ('"[x]" is no host',)),
    ("another open bracket", "lookup: {url: 'http://[::1/'}", "6:21", ('"[::1" is no host',)),
    ("a bracket alone", "lookup: {url: 'http://['}", "6:21", ('"[" is no host',)),
    ("a host with a space", "lookup: {url: 'http://x y/'}", "6:21", ('"x y" is no host',)),
    ("a host of dots", "lookup: {url: 'http://./'}", "6:21", ('"." is no host',)),
    ("no address", "lookup: {url: 'http://192.0.2.300/'}", "6:21", ('"192.0.2.300" is no host',)),
    ("no port", "lookup: {url: 'http://x.com:99999/'}", "6:21", ('"x.com:99999" is no host',)),
    ("a backslash", "lookup: {url: 'http://x.com\\@y/'}", "6:21", ("without name and password",)),
    (
        "a name and password",
        "lookup: {url: 'http://u:p@x.com/'}",
        "6:21",
        ("a URL stands without name and password here", "headers: {Authorization: ...}"),
    ),
    (
        "an address of many hosts",
        "lookup: {url: 'http://239.1.1.1/'}",
        "6:21",
        ("239.1.1.1 is an address of many hosts",),
    ),
    ("a chosen host", "lookup: {url: 'http://{caller.name}/'}", "6:21", ("expected a URL",)),
    ("a chosen end", "lookup: {url: 'http://x.com{caller.name}/'}", "6:21", (HOST, "HOST/...")),
    ("a chosen user", "lookup: {url: 'http://x.com@{caller.name}/'}", "6:21", (HOST, "HOST/...")),
    ("a chosen port", "lookup: {url: 'http://x.com:80{caller.name}/'}", "6:21", (HOST, "HOST/...")),
    (
        "a condition that is empty",
        "condition: {if: '', then: [hang_up]}",
        "6:23",
        ('"if" is empty: expected a condition', "what always happens needs no condition"),
    ),
    (
        "cases that are none",
        "condition: {cases: '', else: [hang_up]}",
        "6:26",
        ('"cases" is empty', "[{when: ..., do: [...]}]"),
    ),
    (
        "a destination whose condition is empty",
        "connect: {to: [{number: +1 602 555 1234, when: ''}]}",
        "6:54",
        ('"when" is empty', "leave when out for always"),
    ),
    (
        "a validity that is empty",
        "ask: {prompt: Zip?, valid: ''}",
        "6:34",
        ('"valid" is empty', "leave valid out for always"),
    ),
    (
        "a zip that is none",
        "ask: {prompt: Zip?, kind: zip, default: abc}",
        "6:47",
        ('default: expected a zip of five digits, not "abc"',),
    ),
    (
        "a number that is none",
        "ask: {prompt: Number?, kind: number, default: 123}",
        "6:53",
        ('default: expected a phone number, not "123"',),
    ),
    (
        "keys that are none",
        "connect: {to: +1 602 555 1234, send_dtmf: hello}",
        "6:49",
        ("send_dtmf: expected up to 64 keys 0-9",),
    ),
    (
        "a transfer to words",
        "transfer: hello world",
        "6:17",
        ("expected a phone number, a SIP URI",),
    ),
    ("a transfer to no host", "transfer: 'sip:a@[x'", "6:17", ("expected a SIP URI such as",)),
    (
        "an sms to words",
        "sms: {to: nobody, text: Hi}",
        "6:17",
        ("phone number, or text with", "nobody"),
    ),
    (
        "a telephone that rings against itself",
        "ring_group: [+1 602 555 1234, 602 555 1234]",
        "6:37",
        ("to: +16025551234 rings at once with itself", "name it once"),
    ),
]


@pytest.mark.parametrize(
    ("step", "place", "pieces"),
    [pytest.param(*case[1:], id=case[0].replace(" ", "-")) for case in STEPS],
)
def test_a_step_that_cannot_be_meant_is_told(
    step: str, place: str, pieces: tuple[str, ...]
) -> None:
    check(mistakes(with_treatment(f"- {step}"), media=FakeMedia()), place, pieces)


@pytest.mark.parametrize(
    "url",
    [
        "https://bids.example.com/calls?from={caller.number}",
        "http://[::1]:8080/{caller.state}",
        "HTTP://localhost",
        "http://192.0.2.1?x={caller.zip}",
    ],
)
def test_urls_that_name_their_host_are_good(url: str) -> None:
    assert nodes(f"- lookup: {{url: '{url}'}}")


def test_a_default_number_becomes_its_international_form() -> None:
    (ask,) = nodes("- ask: {prompt: Number?, kind: number, default: 602 555 1234}")
    assert isinstance(ask, Ask)
    assert ask.default == "+16025551234"


def test_a_message_after_the_call_goes_to_a_number() -> None:
    text = f"{HEAD}    sms: {{to: nobody, text: Hi}}\n{TAIL}"
    check(mistakes(text), "6:15", ("to: expected a phone number", "nobody"))


# Expressions: what is wrong, the text of a condition, the column of the mistake, and pieces.
EXPRESSIONS: list[tuple[str, str, str, tuple[str, ...]]] = [
    (
        "a fact of the end",
        "late or talk_seconds > 10",
        "6:28",
        ("talk_seconds is known at the end of a call only", "payout, rating, conversion"),
    ),
    (
        "a duration before the end",
        "duration('receipt', 'both') > 10",
        "6:20",
        ("duration is known at the end of a call only", "payout, rating, conversion"),
    ),
    ("a campaign that is none", "campaign = 'tets'", "6:29", ('never "tets"', 'mean "test"?')),
    ("a pool that is none", "pool = 'nope'", "6:25", ('never "nope"', "there are no pools")),
    ("a trunk that is none", "trunk in ['nope']", "6:26", ('never "nope"', "known: carrier")),
    ("a rating that is none", "rating = 'hgih'", "6:27", ('never "hgih"', 'mean "high"?')),
    ("a rating too high", "rating = '101'", "6:27", ('never "101"', "known: high, medium, low")),
    ("an hour that is none", "hour = 24", "6:25", ('never "24"', "hours are 0 to 23")),
    ("a clock without quotes", "time before 12:00", "6:34", ("no meaning", 'quotes: "12:00"')),
    ("a unit that is none", "rating_score > 2 mins", "6:37", ("operator", 'mean "min"?')),
    ("a currency", "rating_score > 5 USD", "6:37", ("operator", "leave USD out")),
    ("a sign the wrong way round", "hour =< 5", "6:25", ('"=<" is no sign', "write <=")),
]


@pytest.mark.parametrize(
    ("condition", "place", "pieces"),
    [pytest.param(*case[1:], id=case[0].replace(" ", "-")) for case in EXPRESSIONS],
)
def test_an_expression_that_can_never_hold_is_told(
    condition: str, place: str, pieces: tuple[str, ...]
) -> None:
    text = with_treatment(f"- condition:\n    if: {condition}\n    then: [hang_up]")
    line, column = place.split(":")
    place = f"{int(line) + 1}:{int(column) - 7}"
    check(mistakes(text, media=FakeMedia()), place, pieces)


@pytest.mark.parametrize(
    "condition", ["rating = '50'", "rating = 'high'", "hour = 23", "campaign != 'test'"]
)
def test_values_that_facts_can_have_are_good(condition: str) -> None:
    assert nodes(f'- condition: {{if: "{condition}", then: [hang_up]}}')


def test_facts_of_the_end_may_stand_where_it_is_known() -> None:
    more = (
        "    conversion: duration('answer', 'both') > 5 and bridged\n"
        "    payout: {base: [{when: talk_seconds > 10, amount: 5}]}\n"
        "    rating: [{when: talk_seconds > 10, rate: high}]\n"
    )
    assert not mistakes(f"{HEAD}{more}{TAIL}")


CAMPAIGNS: list[tuple[str, str, str, tuple[str, ...]]] = [
    (
        "an attribute of the end",
        "attributes: {a: talk_seconds}",
        "6:21",
        ("talk_seconds is known at the end of a call only",),
    ),
    (
        "a header field of the end",
        "headers: {X-A: 'after {talk_seconds}'}",
        "6:28",
        ("talk_seconds is known at the end of a call only",),
    ),
    (
        "an attribute of itself",
        "attributes: {a: attribute.a}",
        "6:21",
        ("attribute a: attribute.a is not known yet", "one after the other"),
    ),
    (
        "an attribute of a later one",
        "attributes: {a: attribute.b, b: caller.state}",
        "6:21",
        ("attribute a: attribute.b is not known yet", "one after the other"),
    ),
    (
        "a conversion that is one when it is one",
        "conversion: bridged and converted",
        "6:17",
        ("whether it converted is what this says", "such as talk_seconds >= 90 s"),
    ),
    ("a short mask", "caller_id: 212XXX", "6:16", ('"212XXX" makes no phone number', "212XXXXXXX")),
    (
        "a range that runs backwards",
        "caller_id: {unique: +18005550009, last: +18005550001}",
        "6:45",
        ("is no range of 1 to", "its first number stands first"),
    ),
    (
        "a name with a space",
        "publisher: ' p1'",
        "6:16",
        ('name without spaces around it, not " p1"',),
    ),
    (
        "an open bracket in quotes",
        "conversion: (talk_seconds > 5",
        "6:34",
        ('"(" is not closed', "inside { } and [ ] a text with a comma stands in quotes"),
    ),
]


@pytest.mark.parametrize(
    ("lines", "place", "pieces"),
    [pytest.param(*case[1:], id=case[0].replace(" ", "-")) for case in CAMPAIGNS],
)
def test_a_campaign_that_cannot_be_meant_is_told(
    lines: str, place: str, pieces: tuple[str, ...]
) -> None:
    check(mistakes(f"{HEAD}    {lines}\n{TAIL}", media=FakeMedia()), place, pieces)


def test_a_text_that_yaml_cuts_at_its_comma_is_told_so() -> None:
    text = f"{HEAD}    fraud: {{a: {{when: short_calls(1 h, 10 s) > 1}}}}\n{TAIL}"
    first, second = map(str, mistakes(text))
    assert "a text with a comma stands in quotes" in first
    assert "a text with a comma stands in quotes" in second


def test_no_trunk_is_told_as_none() -> None:
    check(mistakes("trunks: {}\n"), "1:9", ('the section "trunks" is missing',))


def test_a_name_with_a_space_is_shown_with_it() -> None:
    text = f"trunks: {{' carrier': 192.0.2.1}}\ncampaigns: {{sale: t}}\n{TAIL}"
    (found,) = mistakes(text)
    assert '" carrier": a name has' in str(found)


def test_a_number_that_stands_twice_is_shown_as_it_is() -> None:
    text = (
        f"{HEAD}{TAIL}pools: {{p: {{parameters: [a], campaign: sale, numbers: [+18666831950]}}}}\n"
    )
    check(mistakes(text), "7:56", ('number: "+18666831950" stands in line 2 already',))


def test_a_click_url_is_one_of_the_web() -> None:
    pool = "{kind: search, click_url: 'javascript:alert({number})'}"
    check(mistakes(f"{HEAD}{TAIL}pools: {{p: {pool}}}\n"), "7:38", ("begins with http://",))


def test_what_a_look_up_sends_by_itself_is_not_written_over() -> None:
    step = "- lookup: {url: 'http://x/', send: {call_id: 1}}"
    check(mistakes(with_treatment(step)), "6:41", ("call_id is sent by the switch", "another name"))


def test_a_header_field_has_one_line() -> None:
    step = '- connect: {to: +1 602 555 1234, headers: {X-A: "a\\r\\nB: c"}}'
    check(mistakes(with_treatment(step)), "6:53", ("X-A: a header field has one line",))


# Settings without effect: the step or pool, its place, and pieces.
NUMBER = "number: +1 602 555 1234"
WITHOUT_EFFECT: list[tuple[str, str, str, tuple[str, ...]]] = [
    (
        "a price that is none",
        f"connect: {{to: [{{{NUMBER}}}], choose: price}}",
        "6:58",
        ("choose: no destination has a price", 'add "price"'),
    ),
    (
        "free places without a limit",
        f"connect: {{to: [{{{NUMBER}}}], choose: availability}}",
        "6:58",
        ("choose: no destination has max_calls", 'add "max_calls"'),
    ),
    (
        "a weight that counts for nothing",
        f"connect: {{to: [{{{NUMBER}, weight: 3}}]}}",
        "6:31",
        ("weight: it counts for nothing where the choice is order", "choose: weighted"),
    ),
    (
        "an order of what rings at once",
        f"ring_group: {{to: [{{{NUMBER}}}], choose: order}}",
        "6:61",
        ("choose: there is no order where all ring at once", "strategy: sequential"),
    ),
    (
        "the nearest of a connect",
        f"connect: {{to: [{{{NUMBER}}}], choose: nearest}}",
        "6:58",
        ("choose: expected order", "use the step nearest"),
    ),
]


@pytest.mark.parametrize(
    ("step", "place", "pieces"),
    [pytest.param(*case[1:], id=case[0].replace(" ", "-")) for case in WITHOUT_EFFECT],
)
def test_a_setting_without_effect_is_told(step: str, place: str, pieces: tuple[str, ...]) -> None:
    check(mistakes(with_treatment(f"- {step}"), media=FakeMedia()), place, pieces)


@pytest.mark.parametrize(
    ("pool", "piece"),
    [
        ("{kind: exclusive, policy: oldest}", "policy: no binding of an exclusive pool is"),
        ("{kind: exclusive, minimum_lifetime: 5 min}", "minimum_lifetime: no binding of"),
        (
            "{kind: search, campaign: sale, stock: s, maximum_size: 1, "
            "attributes: {toll_free: maybe}}",
            'toll_free of a number is yes or no, never "maybe"',
        ),
    ],
)
def test_a_setting_of_a_pool_without_effect_is_told(pool: str, piece: str) -> None:
    (found,) = mistakes(f"{HEAD}{TAIL}stocks: {{s: [8001231111]}}\npools: {{p: {pool}}}\n")
    assert piece in str(found)


@pytest.mark.parametrize("wish", ["record: true", "transcribe: true", "fax: main", "keywords: [a]"])
def test_what_is_to_be_heard_needs_the_tap(wish: str) -> None:
    text = f"""switch: {{tap: false}}
trunks: {{t: 192.0.2.1}}
campaigns:
  sale: {{treatment: main, {wish}}}
treatments:
  main: [connect: +1 602 555 1234]
"""
    told = f"the campaign sale has {wish.partition(':')[0]}, which needs the tap; it is off"
    check(mistakes(text), "4:9", (told, "tap: true"))
    assert mistakes(text.replace("tap: false", "tap: true")) == []
