import pytest

from config.model import CallerId, Campaign
from tests.support.configurations import FakeMedia, loaded, mistakes

TREATMENT = "treatments: {t: [hang_up]}\n"


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
