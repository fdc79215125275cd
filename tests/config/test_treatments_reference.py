"""The page about treatments is what the code says, and every example on it loads."""

from __future__ import annotations

import re
import sys
import wave
from pathlib import Path

import pytest

from config.errors import ConfigErrors
from config.expression import FACTS, FUNCTIONS
from config.loader import load_text
from config.model import Configuration
from config.steps import BUILDERS
from config.treatments_reference import render
from softswitch.check import InstalledMedia

PAGE = Path(__file__).parents[2] / "docs" / "treatments.md"

BASE = """\
switch: {without_synthesiser: chime}
trunks: {carrier: 192.0.2.1, backup: 192.0.2.2}
pools:
  web: {parameters: [keyword, "ad group"], campaign: spring-sale}
numbers:
  +1 866 683 1950: {pool: web, parameters: {keyword: cribs, ad group: one}}
campaigns:
  spring-sale: {treatment: base, trunk: carrier}
  plumbers: {treatment: base, trunk: carrier}
  electricians: {treatment: base, trunk: carrier}
"""
SECTIONS = {
    "hours": "hours: {office: Mon-Fri 8-17}\n",
    "regions": "regions: {West: {states: [CA]}}\n",
    "lists": "lists: {vips: [+1 602 555 0100]}\n",
    "places": "places: {our-zips: zips.csv}\n",
}
STEPS = """\
treatments:
  base:
    - name: room
      ask: {prompt: Room?, digits: 3}
    - {name: zip, ask: {prompt: Zip?, kind: zip}}
    - {name: mobile, ask: {prompt: Mobile?, kind: number}}
    - {set: {score: 1}}
    - connect: called
  closed: [play: We are closed.]
"""
FILES = {
    "zips.csv": "zip,latitude,longitude\n85001,33.45,-112.07\n",
    "west-coast-zips.csv": "zip\n92101\n",
    "holidays.csv": "date\n2026-12-25\n",
    "blocked.csv": "number\n+1 602 555 0199\n",
    "lines.csv": "prefix,type,state\n1602555,mobile,AZ\n",
}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.S | re.M)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with everything the examples name, the page's own Python among it."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "prompts").mkdir()
    for name in ("welcome", "hold"):
        with wave.open(str(tmp_path / "prompts" / f"{name}.wav"), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(bytes(1600))
    (tmp_path / "our_treatments.py").write_text(blocks("python")[0])
    return tmp_path


def whole(example: str) -> str:
    """A file around an example: a list of steps, or a section."""
    written = set(re.findall(r"^([a-z_]+):", example, re.M))
    parts = [BASE, *(text for name, text in SECTIONS.items() if name not in written)]
    if "treatments" in written:
        base, _, _ = STEPS.removeprefix("treatments:\n").partition("  closed:")
        return "".join([*parts, example, base])
    indented = re.sub(r"^", "    ", example, flags=re.M) if not written else ""
    shown = f"  shown:\n{indented}\n" if indented else ""
    return "".join([*parts, example if written else "", "\n", STEPS, shown])


def load(example: str, folder: Path) -> Configuration:
    text = whole(example)
    if example.startswith("- name: which") or "our_treatments" in example:
        sys.modules.pop("our_treatments", None)
    return load_text(text.encode(), folder / "example.yaml", {}, media=InstalledMedia())


def test_the_page_is_what_the_loader_reads_by() -> None:
    command = "python -m config.treatments_reference > docs/treatments.md"
    assert PAGE.read_text() == render(), f"run: {command}"


def test_there_are_examples() -> None:
    assert len(blocks("yaml")) > 20
    assert len(blocks("python")) == 1


@pytest.mark.parametrize("example", blocks("yaml"), ids=lambda text: text[:40].split("\n")[0])
def test_every_example_on_the_page_loads(example: str, folder: Path) -> None:
    try:
        load(example, folder)
    except ConfigErrors as errors:
        pytest.fail(f"{errors}\n{whole(example)}")


def test_an_example_with_a_mistake_would_be_found(folder: Path) -> None:
    with pytest.raises(ConfigErrors, match="nowhere"):
        load("- goto: nowhere\n", folder)


def test_every_step_fact_and_function_is_on_the_page() -> None:
    page = PAGE.read_text()
    for word in BUILDERS:
        assert f"\n### {word}\n" in page
        assert re.search(rf"^- (name: \S+\n  )?{word}\b", page, re.M), f"an example of {word}"
        assert (PAGE.parents[1] / "config/examples/nodes" / f"{word}.yaml").exists()
    for name in FACTS:
        assert f"| `{name}` |" in page
    for name in FUNCTIONS:
        assert f"| `{name}(" in page


def test_the_python_example_is_short_and_needs_no_more_than_the_page_says() -> None:
    (example,) = blocks("python")
    assert len(example.splitlines()) < 20
    compile(example, "example", "exec")
