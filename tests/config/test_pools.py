import pytest

from config.model import Pool
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
