import pytest

from config.model import CallerId, Campaign, Pool, Trunk
from tests.support.configurations import FakeMedia, loaded, mistakes, told

TREATMENT = "treatments: {t: [hang_up]}\n"


def test_a_trunk_is_an_address_or_settings() -> None:
    found = loaded("""\
        trunks:
          short: 192.0.2.1:5062;transport=tcp
          long:
            address: "[2001:db8::1]:5080"
            sources: [192.0.2.7, 198.51.100.0/24]
            trusted: yes
            max_calls: 20
            pass_headers: [X-Click-Id, User-to-User]
            hold: local
            codecs: [pcma]
        """).trunks
    assert found["short"] == Trunk("short", "192.0.2.1", 5062, "tcp")
    assert found["long"] == Trunk(
        "long",
        "2001:db8::1",
        5080,
        sources=("192.0.2.7", "198.51.100.0/24"),
        trusted=True,
        max_calls=20,
        pass_headers=("X-Click-Id", "User-to-User"),
        hold="local",
        codecs=("PCMA",),
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("trunks:\n  a: 1.2.3.4:x\n", "2:6: a: expected host:port"),
        ("trunks:\n  a: {trusted: yes}\n", '2:6: a trunk needs "address": host:port'),
        ("trunks:\n  a: [x]\n", "2:6: expected the settings of a trunk, not a list"),
        ("trunks:\n  a: {address: h, hold: no}\n", '2:25: hold: expected pass or local, not "no"'),
        ("trunks:\n  a: {address: h, max_calls: 0}\n", "2:30: max_calls: expected a whole number"),
        ("trunks:\n  '': h\n", "2:3: : a name has 1 to 100 printable characters"),
        ("trunks:\n  a:\n", "2:5: a: expected host:port"),
        ("trunks: h\n", '1:9: trunks: expected a mapping from names to settings, not "h"'),
        ("pools: {}\n", '1:1: the section "trunks" is missing'),
        ("trunks:\n", '1:8: the section "trunks" is missing'),
    ],
)
def test_mistakes_in_trunks(text: str, complaint: str) -> None:
    (found,) = told(text)
    assert found.startswith(complaint)


def test_every_bad_header_to_pass_is_told() -> None:
    assert len(mistakes("trunks: {a: {address: h, pass_headers: [Via, X-A, to, X-B, X-A]}}\n")) == 3


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
        ("{}", '1:29: a pool needs "parameters": a list of 1 to 10'),
        ("{parameters: [a, a]}", 'parameters: "a" stands twice'),
        ("{parameters: [a,b,c,d,e,f,g,h,i,j,k]}", "parameters: expected 1 to 10 entries, not 11"),
        ("{parameters: a, campaign: x}", 'campaign: there is no campaign "x"'),
    ],
)
def test_mistakes_in_pools(pool: str, complaint: str) -> None:
    (found,) = told(f"{{trunks: {{a: h}}, pools: {{p: {pool}}}}}\n")
    assert complaint in found


def test_a_campaign_is_its_treatment_or_settings() -> None:
    found = loaded(f"""\
trunks: {{a: h}}
campaigns:
  short: t
  long:
    treatment: t
    publisher: x
    caller_id: 602 555 0100
    ringback: DE
    max_call_time: 1 h
    trunk: a
{TREATMENT}""").campaigns
    assert found["short"] == Campaign("short", "t", trunk="a")
    assert found["long"] == Campaign(
        "long", "t", "x", CallerId("fixed", "+16025550100"), "de", 3600.0, "a"
    )


def test_with_two_trunks_a_campaign_has_none_by_itself() -> None:
    found = loaded(f"trunks: {{a: h, b: i}}\ncampaigns: {{c: t}}\n{TREATMENT}").campaigns
    assert found["c"].trunk is None


@pytest.mark.parametrize(
    ("campaign", "complaint"),
    [
        ("tt", '2:16: treatment: there is no treatment "tt" (did you mean "t"?)'),
        ("", "2:16: expected the settings of a campaign, not nothing"),
        ("{trunk: a}", '2:16: a campaign needs "treatment": the name of a treatment'),
        ("{treatment: }", '2:28: "treatment" is empty: expected the name of a treatment'),
        ("{treatment: t, trunk: b}", '2:38: trunk: there is no trunk "b" (trunks: a)'),
        ("{treatment: t, ringback: xx}", "2:41: ringback: expected a country with a tone plan"),
        ("[t]", "2:16: expected the settings of a campaign, not a list"),
    ],
)
def test_mistakes_in_campaigns(campaign: str, complaint: str) -> None:
    text = f"trunks: {{a: h}}\ncampaigns: {{c: {campaign}}}\n{TREATMENT}"
    (found,) = mistakes(text, media=FakeMedia())
    assert complaint in str(found)
