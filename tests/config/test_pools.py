import dataclasses
from datetime import date
from pathlib import Path

import pytest

from config.model import Pool, Reserve
from tests.support.configurations import loaded, told

TREATMENT = "treatments: {t: [hang_up]}\n"


def test_a_pool_has_its_parameters_in_order() -> None:
    text = f"""\
trunks: {{a: h}}
pools:
  p: {{parameters: [website, location, path], campaign: c, publisher: x}}
campaigns: {{c: t}}
{TREATMENT}"""
    assert loaded(text).pools["p"] == Pool("p", ("website", "location", "path"), "c", "x")


@pytest.mark.parametrize(
    ("pool", "complaint"),
    [
        ("{}", '1:29: a custom pool needs "parameters": a list of 1 to 10'),
        ("{parameters: [a, a]}", 'parameters: "a" stands twice'),
        ("{parameters: [a,b,c,d,e,f,g,h,i,j,k]}", "parameters: expected 1 to 10 entries, not 11"),
        ("{parameters: a, campaign: x}", 'campaign: there is no campaign "x"'),
    ],
)
def test_mistakes_in_pools(pool: str, complaint: str) -> None:
    (found,) = told(f"{{trunks: {{a: h}}, pools: {{p: {pool}}}}}\n")
    assert complaint in found


HEAD = f"""\
trunks: {{a: h}}
campaigns: {{c: t, d: t}}
stocks: {{main: [800 555 0001, {{number: 212 555 0002, attributes: {{vanity: FANS}}}}]}}
{TREATMENT}"""


def pool(text: str) -> Pool:
    return loaded(f"{HEAD}pools: {{p: {text}}}\n").pools["p"]


def complaint(text: str) -> str:
    (found,) = told(f"{HEAD}pools: {{p: {text}}}\n")
    return found


def test_every_field_of_a_pool_can_be_said() -> None:
    found = pool(
        "{kind: exclusive, campaign: c, publisher: x, maximum_size: 50,"
        " stock: main, overflow: 800 123 4444, cooldown: 2 h, period: 90 days,"
        " ends: 2030-12-31, reserve: {time: 60 days, until_calls_below: 2, treatment: t},"
        " idle: 30 days, attributes: {toll_free: yes},"
        ' click_url: "https://h/{visitor}?n={number}&p={publisher}"}'
    )
    default = Pool("p", ("visitor",))
    same = {
        field.name
        for field in dataclasses.fields(Pool)
        if getattr(found, field.name) == getattr(default, field.name)
    }
    # An exclusive pool replaces no binding: these two are of the others.
    replacing = pool("{kind: search, minimum_lifetime: off, policy: oldest}")
    assert (replacing.minimum_lifetime_seconds, replacing.policy) == (None, "oldest")
    assert same == {"name", "parameters", "minimum_lifetime_seconds", "policy"}
    assert found.reserve == Reserve(60 * 86400.0, 2, "t")
    assert found.attributes == {"toll_free": "yes"}
    assert found.ends == date(2030, 12, 31)
    assert found.click_url is not None
    assert [part for part in found.click_url.parts if isinstance(part, str)] == [
        "https://h/",
        "?n=",
        "&p=",
    ]


def test_without_settings_a_pool_is_the_models() -> None:
    assert pool("{parameters: a}") == Pool("p", ("a",))


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [("search", ("keyword", "engine")), ("keyword_id", ("group",)), ("exclusive", ("visitor",))],
)
def test_kinds_have_parameters_of_their_own(kind: str, parameters: tuple[str, ...]) -> None:
    assert pool(f"{{kind: {kind}}}").parameters == parameters
    assert pool(f"{{kind: {kind}, parameters: [{', '.join(parameters)}]}}").kind == kind


def test_with_one_stock_a_pool_grows_from_it() -> None:
    assert pool("{kind: search, campaign: c, maximum_size: 3}").stock == "main"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{kind: search, period: 1 day}", "period: only exclusive pools have one"),
        ("{kind: search, reserve: 30 days}", "reserve: the pool never ends"),
        ("{kind: search, idle: 30 days}", "idle: no number comes from a stock"),
        ("{kind: search, attributes: {a: b}}", "attributes: no number comes from a stock"),
        ("{kind: search, maximum_size: 3}", "numbers from the stock need a campaign"),
        ("{kind: search, ends: 2030-02-30}", "ends: expected a day"),
        ("{kind: search, numbers: [911]}", 'numbers: "911" is no phone number in US'),
        ("{kind: search, numbers: [{}]}", "this is either a number or a file"),
        ("{kind: search, campaign: c, numbers: {file: none.csv}}", "there is no such file"),
        ("{kind: search, numbers: [800 123 1111]}", 'the pool "p" needs a "campaign"'),
        ("{kind: search, campaign: c, numbers: [800 555 0001]}", "stands in line 5 already"),
        ("{kind: serch}", 'did you mean "search"?'),
        (
            "{kind: search, campaign: c, maximum_size: 1, numbers: [800 123 1111, 800 123 2222]}",
            "has 2 numbers, more than its maximum size 1",
        ),
        ('{kind: search, click_url: "{caller.state}"}', "is no fact"),
        ('{kind: search, click_url: "{rating}"}', "is not known when a number is asked for"),
    ],
)
def test_what_cannot_be_a_pool(text: str, message: str) -> None:
    if "caller.state" in text:
        message = "caller.state is not known when a number is asked for"
    assert message in complaint(text)


def test_without_a_stock_a_pool_cannot_grow() -> None:
    text = "trunks: {a: h}\npools: {p: {kind: search, campaign: c, maximum_size: 3}}\n"
    (found,) = told(f"{text}campaigns: {{c: t}}\n{TREATMENT}")
    assert 'there is no stock to grow from (add "stock")' in found


def test_the_numbers_of_a_pool_are_live_and_to_be_bound_or_bound_for_good() -> None:
    configuration = loaded(f"""{HEAD}
pools:
  p:
    parameters: [site]
    campaign: c
    publisher: x
    numbers:
      - 800 123 1111
      - {{number: 212 555 0111, parameters: {{site: one}}, attributes: {{vanity: HOME}}}}
    overflow: 800 123 4444
numbers:
  800 123 2222: {{pool: p}}
  800 123 3333: {{pool: p, campaign: d, parameters: {{site: two}}}}
""")
    found = {number.pattern: number for number in configuration.numbers}
    assert [pattern for pattern, number in found.items() if number.dynamic] == [
        "+18001232222",
        "+18001231111",
    ]
    assert {number.pool for number in found.values()} == {"p"}
    assert found["+18001231111"].attributes == {"area_code": "800", "toll_free": "yes"}
    bound = found["+12125550111"]
    assert (bound.campaign, bound.publisher, bound.parameters) == ("c", "x", {"site": "one"})
    assert bound.attributes == {"area_code": "212", "toll_free": "no", "vanity": "HOME"}
    assert found["+18001233333"].campaign == "d"
    overflow = found["+18001234444"]
    assert (overflow.campaign, overflow.pool, overflow.dynamic) == ("c", "p", False)


def test_a_stock_has_numbers_with_attributes() -> None:
    stock = loaded(HEAD).stocks["main"]
    assert [(one.number, dict(one.attributes)) for one in stock.numbers] == [
        ("+18005550001", {"area_code": "800", "toll_free": "yes"}),
        ("+12125550002", {"area_code": "212", "toll_free": "no", "vanity": "FANS"}),
    ]


def test_stocks_and_pools_take_their_numbers_from_files(tmp_path: Path) -> None:
    (tmp_path / "stock.csv").write_text("number;vanity\n800 555 1001;ONE\n+442079460000;\n")
    (tmp_path / "pool.csv").write_text(
        "number,site,attribute.vanity\n8001231111,,X\n8001232222,a,\n"
    )
    text = f"""\
trunks: {{a: h}}
campaigns: {{c: t}}
stocks:
  long: {{numbers: [{{file: stock.csv}}, 800 555 1002]}}
  short: {{file: empty.csv}}
pools: {{p: {{parameters: site, campaign: c, numbers: {{file: pool.csv}}}}}}
{TREATMENT}"""
    (tmp_path / "empty.csv").write_text("number\n")
    configuration = loaded(text, path=tmp_path / "a.yaml")
    assert [(one.number, dict(one.attributes)) for one in configuration.stocks["long"].numbers] == [
        ("+18005551001", {"area_code": "800", "toll_free": "yes", "vanity": "ONE"}),
        ("+442079460000", {}),
        ("+18005551002", {"area_code": "800", "toll_free": "yes"}),
    ]
    assert configuration.stocks["short"].numbers == ()
    first, second = configuration.numbers
    assert (first.dynamic, first.attributes["vanity"]) == (True, "X")
    assert (second.dynamic, dict(second.parameters)) == (False, {"site": "a"})
