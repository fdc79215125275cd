from pathlib import Path

import pytest

from config.loader import load
from config.model import Configuration, Connect, Destination, HangUp, Menu

EXAMPLES = Path(__file__).parents[2] / "config" / "examples"
NAMES = sorted(path.name for path in EXAMPLES.glob("*.yaml"))


def example(name: str, **environment: str) -> Configuration:
    return load(EXAMPLES / name, environment)


def test_the_examples_are_there() -> None:
    assert {
        "baby-fans.yaml",
        "carriers.yaml",
        "click-to-call.yaml",
        "failover.yaml",
        "keywords.yaml",
        "load.yaml",
        "news-press.yaml",
        "quickstart.yaml",
        "transparent.yaml",
    } <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_each_example_loads_without_any_variable(name: str) -> None:
    configuration = example(name)
    switch = configuration.switch
    assert (switch.listen_host, switch.listen_port) == ("127.0.0.1", 5060)
    assert switch.transports == ("udp", "tcp")
    assert switch.advertise_host == "127.0.0.1"
    assert (switch.rtp_first_port, switch.rtp_last_port) == (20000, 29999)
    assert (switch.control_host, switch.control_port) == ("127.0.0.1", 8021)
    assert switch.data == Path("var")
    trunk = configuration.trunks["carrier"]
    assert (trunk.host, trunk.port, trunk.transport) == ("127.0.0.1", 5080, "udp")


@pytest.mark.parametrize("name", NAMES)
def test_each_example_takes_every_variable(name: str) -> None:
    configuration = example(
        name,
        SOFTSWITCH_SIP="[::1]:15060",
        SOFTSWITCH_ADVERTISE="sip.example.org",
        SOFTSWITCH_TRUNK="[::2]:15080;transport=tcp",
        SOFTSWITCH_RTP="40000-40099",
        SOFTSWITCH_CONTROL="[::1]:18021",
        SOFTSWITCH_DATA="/tmp/data",
        SOFTSWITCH_DATABASE="postgres://localhost/x",
    )
    switch = configuration.switch
    assert (switch.listen_host, switch.listen_port) == ("::1", 15060)
    assert switch.advertise_host == "sip.example.org"
    assert (switch.rtp_first_port, switch.rtp_last_port) == (40000, 40099)
    assert (switch.control_host, switch.control_port) == ("::1", 18021)
    assert switch.data == Path("/tmp/data")
    assert switch.database == "postgres://localhost/x"
    trunk = configuration.trunks["carrier"]
    assert (trunk.host, trunk.port, trunk.transport) == ("::2", 15080, "tcp")


@pytest.mark.parametrize("name", NAMES)
def test_each_example_treats_empty_variables_as_unset(name: str) -> None:
    names = ("SIP", "ADVERTISE", "TRUNK", "RTP", "CONTROL", "DATA", "DATABASE")
    empty = {f"SOFTSWITCH_{word}": "" for word in names}
    assert example(name, **empty).switch == example(name).switch


def test_the_load_example_passes_six_digits_through() -> None:
    configuration = example("load.yaml")
    (number,) = configuration.numbers
    assert (number.pattern, number.kind, number.as_is) == ("1XXXXX", "pattern", True)
    treatment = configuration.treatments[configuration.campaigns[number.campaign].treatment]
    assert treatment.transparent
    (connect,) = treatment.nodes
    assert isinstance(connect, Connect)
    assert connect.destinations == (Destination("called"),)
    switch = configuration.switch
    assert switch.max_calls >= 2000
    assert switch.tap
    # Two pairs of ports for each leg of each call.
    assert switch.rtp_last_port - switch.rtp_first_port + 1 >= 4 * 2000
    assert configuration.trunks["carrier"].max_calls is None


def test_the_quickstart_asks_and_connects() -> None:
    configuration = example("quickstart.yaml")
    (number,) = configuration.numbers
    assert (number.publisher, number.pool) == ("p1", "web-ads")
    assert set(number.parameters) == {"website", "location"}
    assert configuration.switch.without_synthesiser == "chime"
    (menu,) = configuration.treatments["question"].nodes
    assert isinstance(menu, Menu)
    assert set(menu.choices) == {"1", "2"}
    assert menu.on_no_input


def test_baby_fans_leads_each_answer_to_its_agent() -> None:
    configuration = example("baby-fans.yaml")
    (number,) = configuration.numbers
    assert (number.pattern, number.publisher) == ("+18666831950", "p1")
    assert number.parameters == {"media": "Internet"}
    (menu,) = configuration.treatments["baby-fans"].nodes
    assert isinstance(menu, Menu)
    reached = {}
    for key, (step,) in menu.choices.items():
        assert isinstance(step, Connect)
        assert step.prompt is not None
        reached[key] = [destination.number for destination in step.destinations]
    assert reached == {"1": ["+16025551234"], "2": ["+16026661234"]}


def test_news_press_has_a_custom_pool_and_a_search_pool() -> None:
    configuration = example("news-press.yaml")
    custom, search = configuration.pools["Ad Placement"], configuration.pools["Paid Search"]
    assert (custom.kind, custom.parameters) == ("custom", ("website", "location", "path"))
    assert (search.kind, search.parameters) == ("search", ("keyword", "engine"))
    assert custom.minimum_lifetime_seconds == search.minimum_lifetime_seconds == 600.0
    assert search.overflow == "+18001234444"
    dynamic = {number.pattern for number in configuration.numbers if number.dynamic}
    assert {"+18888695345", "+18001231111", "+18001232222"} <= dynamic
    assert "+18001234444" not in dynamic
    assert {number.campaign for number in configuration.numbers} == {"2011 Sale"}
    stock = configuration.stocks[custom.stock or ""]
    assert "+18001238888" in [number.number for number in stock.numbers]


def test_the_examples_take_hours_durations_and_lifetimes_from_the_environment() -> None:
    news = example(
        "news-press.yaml", NEWS_HOURS="always", NEWS_MIN_SECONDS="5", POOL_MIN_LIFETIME="1"
    )
    assert news.pools["Paid Search"].minimum_lifetime_seconds == 1.0
    payout = news.campaigns["2011 Sale"].payout
    assert payout is not None
    assert "5" in str(payout.base[0].when)
    fans = example("baby-fans.yaml", BABY_FANS_HOURS="daily 0:00-24:00")
    assert fans.hours != example("baby-fans.yaml").hours


def test_the_news_press_menu_transfers_or_hangs_up() -> None:
    configuration = example("news-press.yaml")
    (menu,) = configuration.treatments["news-press"].nodes
    assert isinstance(menu, Menu)
    assert menu.invalid_limit == 4
    (transfer,), (hang_up,) = menu.choices["1"], menu.choices["2"]
    assert isinstance(transfer, Connect)
    assert transfer.destinations[0].number == "+18885551234"
    assert isinstance(hang_up, HangUp)


def test_baby_fans_listens_for_the_friend_of_the_caller() -> None:
    campaign = example("baby-fans.yaml").campaigns["Baby Fan Sale"]
    assert campaign.keywords is not None
    (rule,) = campaign.keywords.rules
    assert (rule.name, rule.side, campaign.keywords.clip_seconds) == ("friend", "caller", 5.0)


def test_news_press_is_recorded_and_says_so() -> None:
    campaign = example("news-press.yaml").campaigns["2011 Sale"]
    assert campaign.record is not None
    assert campaign.notice is not None


def test_the_keywords_example_shows_every_rule_and_what_a_partner_inherits() -> None:
    campaigns = example("keywords.yaml").campaigns
    roofs, partner = campaigns["Roof Repair"], campaigns["Partner"]
    assert roofs.keywords is not None
    assert partner.keywords is not None
    kinds = {type(rule.said).__name__ for rule in roofs.keywords.rules}
    assert kinds == {"AnySaid", "NearSaid", "AllSaid", "Phrase"}
    assert {rule.side for rule in roofs.keywords.rules} == {"caller", "agent", "any"}
    assert [rule.name for rule in partner.keywords.rules] == ["insurance", "hail damage"]
    assert (partner.record, partner.transcribe, partner.fax) == (
        roofs.record, True, "fax-desk",
    )  # fmt: skip
