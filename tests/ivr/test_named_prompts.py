"""Prompts that controllers play by name: made ready with all others, with the values of numbers."""

from __future__ import annotations

from ivr.prompt_texts import known_texts, prompts_of
from tests.support.configurations import loaded

YAML = """
trunks: {carrier: 192.0.2.1}
pools: {ads: {parameters: [keyword], campaign: sales}}
numbers: {+1 866 683 1950: {pool: ads, parameters: {keyword: fans}}}
campaigns: {sales: main}
treatments: {main: [controller: crm]}
prompts:
  hello: Good morning.
  about: "You are calling about {keyword}."
"""


def test_named_prompts_are_among_those_that_are_made_ready() -> None:
    configuration = loaded(YAML)
    assert list(configuration.prompts.values()) == list(prompts_of(configuration))
    assert list(known_texts(configuration)) == ["You are calling about fans."]
