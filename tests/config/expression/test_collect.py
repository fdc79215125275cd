from textwrap import dedent

from config.document import Table, parse
from config.errors import Problems
from config.expression.collect import collect
from config.expression.vocabulary import Vocabulary


def collected(text: str) -> Vocabulary:
    """The names of a YAML text."""
    problems = Problems()
    tree = parse(dedent(text).encode(), "f", {}, problems, used={})
    problems.raise_if_any()
    assert isinstance(tree, Table)
    return collect(tree)


def test_steps_name_answers_variables_and_fields_however_deep_they_stand() -> None:
    names = collected("""
        treatments:
          one:
            - menu:
                prompt: x
                choices:
                  1:
                    - {name: zip, ask: {prompt: x}}
                    - set: {score: 1, tier: "'a'"}
            - name: bid
              lookup: {url: x, fields: {price: number, what: something}}
            - {ask: {prompt: unnamed}}
          two:
            - {name: crm, lookup: {url: x, fields: [status]}}
        """)
    assert names.answers == {"zip"}
    assert names.variables == {"score", "tier"}
    assert names.lookups == {"bid.price": "number", "bid.what": "any", "crm.status": "text"}
    assert not names.any_variable


def test_a_field_with_two_types_may_be_any() -> None:
    names = collected("""
        treatments:
          one: [{name: bid, lookup: {fields: {price: number, id: text}}}]
          two: [{name: bid, lookup: {fields: {price: text, id: text}}}]
        """)
    assert names.lookups == {"bid.price": "any", "bid.id": "text"}


def test_a_python_step_may_set_any_variable() -> None:
    assert collected("treatments: {one: [{python: a:b}]}").any_variable


def test_campaigns_pools_and_numbers_name_attributes_and_parameters() -> None:
    names = collected("""
        campaigns: {c: {attributes: {tier: "'a'"}}, short: treatment}
        pools:
          a: {parameters: [website, path]}
          b: {kind: search}
          c: {kind: exclusive, parameters: one}
        numbers: {1: c, 2: {parameters: {media: Internet}}}
        """)
    assert names.attributes == {"tier"}
    assert names.bindings == {"website", "path", "keyword", "engine", "visitor", "one", "media"}


def test_sections_are_named_and_absent_ones_have_nothing() -> None:
    names = collected("hours: {office: always}\nregions: [wrong]\n")
    assert {section: list(found) for section, found in names.sections.items()} == {
        "hours": ["office"],
        "regions": [],
        "lists": [],
        "campaigns": [],
        "pools": [],
        "trunks": [],
    }


def test_the_country_is_the_switchs() -> None:
    assert collected("switch: {country: de}").country == "DE"
    assert collected("switch: {country: nowhere}").country == "US"


def test_aliases_are_looked_at_once() -> None:
    lines = ["treatments:", "  a0: &a0 [{set: {x: 1}}]"]
    lines += [f"  a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40)]
    assert collected("\n".join(lines)).variables == {"x"}


def test_what_is_written_wrong_is_passed_over() -> None:
    names = collected("""
        treatments: {one: text, two: [1, [2]], three: [{name: [x], ask: y}, {set: 5}, {lookup: 1}]}
        campaigns: 5
        pools: {a: {parameters: {b: c}}}
        """)
    assert (names.answers, names.variables, names.bindings) == (set(), set(), set())
