"""Prompts: all that a configuration can play stands ready before the first call."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from config.expression import Vocabulary, parse_template
from config.loader import load
from config.model import Configuration, Prompt
from ivr import prompts
from ivr.prompt_texts import constant_text, known_texts, prompts_of, texts_of_binding
from ivr.prompts import PromptError, PromptLibrary
from media.wav import write_wav
from rtp.engine import Engine
from tests.support.ports import free_rtp_range

YAML = """
switch: {{without_synthesiser: {without}, synthesiser: {synthesiser}}}
trunks: {{carrier: 192.0.2.1}}
numbers: {{+1 866 683 1950: {{campaign: c}}}}
campaigns: {{c: {{treatment: t, ringback: {country}}}}}
treatments:
  t:
    - menu:
        prompt: {{wav: question.wav}}
        invalid_prompt: {{tone: busy}}
        choices:
          1: [{{play: {{tone: chime}}}}]
          2:
            - connect:
                to: +1 602 555 1234
                prompt: {{wav: connecting.wav}}
                on_failure: [{{play: "{text}"}}]
"""


@pytest.fixture
def engine() -> Iterator[Engine]:
    first = free_rtp_range(2)[0]
    engine = Engine(first_port=first, last_port=first + 1)
    engine.start()
    yield engine
    engine.stop()


def configuration(
    folder: Path, *, text: str = "Sorry.", country: str = "us", without: str = "chime",
    synthesiser: str = "auto",
) -> Configuration:  # fmt: skip
    for name, seconds in (("question", 1.5), ("connecting", 0.5)):
        if not (folder / f"{name}.wav").exists():
            write_wav(folder / f"{name}.wav", np.full(int(8000 * seconds), 100, np.int16))
    path = folder / "switch.yaml"
    path.write_text(
        YAML.format(text=text, country=country, without=without, synthesiser=synthesiser)
    )
    return load(path, {})


def prompt_of(configuration: Configuration, name: str) -> Prompt:
    return next(p for p in prompts_of(configuration) if p.wav is not None and name in p.wav.name)


@pytest.fixture
def no_synthesiser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ivr.prompts.available_synthesisers", list)


def test_every_prompt_of_every_nested_step_is_found(tmp_path: Path) -> None:
    found = list(prompts_of(configuration(tmp_path)))
    assert [p.text for p in found if p.text] == ["Sorry."]
    assert [p.tone for p in found if p.tone] == ["busy", "chime"]
    assert [p.wav.name for p in found if p.wav] == ["question.wav", "connecting.wav"]


@pytest.mark.usefixtures("no_synthesiser")
async def test_files_and_tones_are_loaded(engine: Engine, tmp_path: Path) -> None:
    library = PromptLibrary(engine, tmp_path / "cache")
    loaded = configuration(tmp_path)
    await library.prepare(loaded)
    question = library.prompt(prompt_of(loaded, "question"))
    assert (question.name, question.seconds) == ("question.wav", 1.5)
    assert question.audio.samples == 12_000
    assert library.prompt(Prompt(tone="busy")).seconds >= 4.0
    assert library.ringback("us").seconds == 6.0


@pytest.mark.usefixtures("no_synthesiser")
async def test_a_tone_sounds_as_in_the_campaigns_country(engine: Engine, tmp_path: Path) -> None:
    library = PromptLibrary(engine, tmp_path / "cache")
    await library.prepare(configuration(tmp_path, country="de"))
    german, american = (library.ringback(country) for country in ("de", "us"))
    assert german.seconds == 5.0
    assert german.seconds != american.seconds


@pytest.mark.usefixtures("no_synthesiser")
async def test_a_chime_plays_for_text_when_nothing_can_speak(
    engine: Engine, tmp_path: Path
) -> None:
    library = PromptLibrary(engine, tmp_path / "cache")
    await library.prepare(configuration(tmp_path))
    assert library.chimes == 1
    assert library.prompt(Prompt(text="Sorry.")).name == "chime for: Sorry."


async def test_a_synthesiser_that_is_not_there_is_a_clear_error(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    library = PromptLibrary(engine, tmp_path / "cache")
    with pytest.raises(PromptError, match="flite is not installed"):
        await library.prepare(configuration(tmp_path, without="error", synthesiser="flite"))


@pytest.mark.usefixtures("no_synthesiser")
async def test_a_file_that_vanished_is_a_clear_error_with_its_place(
    engine: Engine, tmp_path: Path
) -> None:
    library = PromptLibrary(engine, tmp_path / "cache")
    loaded = configuration(tmp_path)
    (tmp_path / "question.wav").unlink()
    with pytest.raises(PromptError, match=r"switch\.yaml:\d+:\d+: prompt .*question\.wav"):
        await library.prepare(loaded)


@pytest.mark.usefixtures("no_synthesiser")
async def test_preparing_again_loads_only_what_is_new(engine: Engine, tmp_path: Path) -> None:
    library = PromptLibrary(engine, tmp_path / "cache")
    loaded = configuration(tmp_path)
    await library.prepare(loaded)
    before = library.prompt(prompt_of(loaded, "question"))
    await library.prepare(configuration(tmp_path, text="Something new."))
    assert library.prompt(prompt_of(loaded, "question")) is before
    assert library.chimes == 2


@pytest.mark.usefixtures("no_synthesiser")
async def test_a_file_that_was_recorded_anew_sounds_anew_once_it_is_taken(
    engine: Engine, tmp_path: Path
) -> None:
    library = PromptLibrary(engine, tmp_path / "cache")
    loaded = configuration(tmp_path)
    await library.prepare(loaded)
    question, connecting = prompt_of(loaded, "question"), prompt_of(loaded, "connecting")
    untouched = library.prompt(connecting)
    write_wav(tmp_path / "question.wav", np.full(24000, 100, np.int16))
    ready = await library.ready(loaded)
    assert library.prompt(question).seconds == 1.5
    assert ready.renewed == (tmp_path / "question.wav",)
    library.take(ready)
    assert library.prompt(question).seconds == 3.0
    assert library.prompt(connecting) is untouched
    assert (await library.ready(loaded)).fresh == {}


@pytest.mark.usefixtures("no_synthesiser")
async def test_prompts_are_kept_for_as_long_as_a_call_has_their_configuration(
    engine: Engine, tmp_path: Path
) -> None:
    library = PromptLibrary(engine, tmp_path / "cache")
    first, second = configuration(tmp_path), configuration(tmp_path, text="Something new.")
    sorry, new = Prompt(text="Sorry."), Prompt(text="Something new.")
    await library.prepare(first)
    library.take(await library.ready(second), in_use=[first])
    assert library.is_ready(sorry)
    assert library.is_ready(new)
    library.take(await library.ready(second), in_use=[second])
    assert not library.is_ready(sorry)
    assert library.is_ready(new)
    assert library.is_ready(prompt_of(first, "question"))


# Texts with values in them.

VALUES = """
switch: {{without_synthesiser: chime, synthesiser: {synthesiser}}}
trunks: {{carrier: 192.0.2.1}}
pools: {{words: {{parameters: [keyword], campaign: c}}}}
numbers:
  +1 866 683 1950: {{campaign: c, parameters: {{keyword: fans}}}}
  +1 866 683 1951: {{campaign: c, publisher: p1, parameters: {{keyword: more fans}}}}
  +1 866 683 1952: {{campaign: other, parameters: {{keyword: unheard}}}}
campaigns: {{c: t, other: {{treatment: quiet, notice: "Only {{campaign}}."}}}}
treatments:
  t:
    - play: "About {{keyword}}, {{publisher}}."
    - play: "Only {{keyword}}."
    - play: "From {{caller.state}}, {{keyword}}."
    - play: "{{keyword}}"
    - goto: quiet
  quiet: [hang_up]
"""


def values(folder: Path) -> Configuration:
    path = folder / "values.yaml"
    path.write_text(VALUES.format(synthesiser="auto"))
    return load(path, {})


def test_a_template_is_spoken_for_all_values_that_are_known_ahead(tmp_path: Path) -> None:
    assert sorted(set(known_texts(values(tmp_path)))) == [
        "About more fans, p1.", "Only fans.", "Only more fans.", "Only other.", "fans",
        "more fans",
    ]  # fmt: skip


def test_a_new_binding_brings_its_texts(tmp_path: Path) -> None:
    texts = texts_of_binding(
        values(tmp_path), campaign="c", publisher="p2", pool="words", number="+18666831959",
        parameters={"keyword": "new"},
    )  # fmt: skip
    assert list(texts) == ["About new, p2.", "Only new.", "new"]
    gone = texts_of_binding(
        values(tmp_path), campaign="gone", publisher=None, pool="words", number="", parameters={}
    )
    assert list(gone) == []


def templates(configuration: Configuration) -> dict[str, Prompt]:
    found = {}
    for prompt in prompts_of(configuration):
        assert prompt.template is not None
        found[prompt.template.text] = prompt
    return found


async def test_what_is_known_is_ready_and_the_rest_plays_its_constant_parts(
    engine: Engine, tmp_path: Path
) -> None:
    configuration = values(tmp_path)
    library = PromptLibrary(engine, tmp_path / "cache")
    await library.prepare(configuration)
    only = templates(configuration)["Only {keyword}."]
    assert only.template is not None
    ready = library.rendered(only.template, "Only fans.")
    assert ready is not None
    assert ready.name.endswith("Only fans.")
    assert library.rendered(only.template, "Only unheard.") is None
    assert library.is_ready(only)
    assert library.prompt(only).name.endswith("Only.")
    bare = templates(configuration)["{keyword}"]
    assert library.prompt(bare).seconds < 0.1


async def test_texts_of_new_bindings_are_made_behind(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prompts, "MAX_VALUES_FIRST", 1)
    configuration = values(tmp_path)
    library = PromptLibrary(engine, tmp_path / "cache")
    await library.prepare(configuration)
    template = templates(configuration)["Only {keyword}."].template
    assert template is not None
    library.prepare_binding(
        configuration, campaign="c", publisher=None, pool="words", number="+18666831959",
        parameters={"keyword": "new"},
    )  # fmt: skip
    assert library.rendered(template, "Only new.") is None
    async with asyncio.timeout(20):
        while library.rendered(template, "Only new.") is None:
            await asyncio.sleep(0.02)
    assert library.rendered(template, "Only more fans.") is not None
    await library.close()


async def test_texts_that_wait_and_sound_that_is_held_are_bounded(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prompts, "MAX_RENDERED_BYTES", 1)
    monkeypatch.setattr(prompts, "MAX_WAITING_TEXTS", 2)
    configuration = values(tmp_path)
    library = PromptLibrary(engine, tmp_path / "cache")
    await library.prepare(configuration)
    template = templates(configuration)["Only {keyword}."].template
    assert template is not None
    assert library.rendered(template, "Only fans.") is None
    for keyword in ("a", "b", "c"):
        library.prepare_binding(
            configuration, campaign="c", publisher=None, pool="words", number="+18666831959",
            parameters={"keyword": keyword},
        )  # fmt: skip
    assert list(library._waiting) == ["Only c.", "c"]
    await library.close()


def test_a_module_of_python_steps_lists_its_prompts(tmp_path: Path) -> None:
    (tmp_path / "own_prompts_listed.py").write_text(
        "PROMPTS = ['one', 2, '']\nasync def f(call): pass\n"
    )
    path = tmp_path / "switch.yaml"
    path.write_text(
        "trunks: {a: h}\ncampaigns: {c: t}\ntreatments: {t: [python: own_prompts_listed:f]}\n"
    )
    assert [prompt.text for prompt in prompts_of(load(path, {}))] == ["one"]


@pytest.mark.parametrize(
    ("text", "constant"),
    [
        ("You want {keyword}. Press 1.", "You want. Press 1."),
        ("{keyword}, please hold.", "please hold."),
        ("About {keyword}, {publisher}.", "About."),
        ("{keyword}", ""),
        ("In {keyword} we trust", "In we trust"),
    ],
)
def test_constant_parts_read_like_a_sentence(text: str, constant: str) -> None:
    words = Vocabulary(bindings={"keyword"})
    assert constant_text(parse_template(text, words)) == constant
