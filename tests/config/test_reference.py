import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from config.document import Table, parse
from config.errors import Problems
from config.expression import Vocabulary
from config.loader import NAMED_SECTIONS
from config.reading import Key, Reading, Section
from config.reference import GROUPS, render

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"


class Everything(tuple[str, ...]):
    """Names that are all declared."""

    def __contains__(self, _name: object) -> bool:
        return True


class AnyMedia:
    """Knows every tone."""

    tone_plans: Collection[str] = Everything()
    tones: Collection[str] = Everything()

    def wav_problem(self, path: Path) -> str | None:
        return None


SECTIONS = [section for _name, _about, sections in GROUPS for section in sections]
NEEDED = re.compile(r"\$\{([A-Z_]+)\}")
TOKENS = {
    name: name[0].lower() * 32
    for section in SECTIONS
    for text in (section.example, *(key.example for key in section.keys.values()))
    for name in NEEDED.findall(text)
}
"""Every variable that an example needs."""
KEYS = [(section, key) for section in SECTIONS for key in section.keys.values()]


def test_the_page_is_what_the_loader_reads_by() -> None:
    assert PAGE.read_text() == render(), "run: python -m config.reference > docs/configuration.md"


@pytest.mark.parametrize(
    ("section", "key"), KEYS, ids=[f"{section.name} {key.name}" for section, key in KEYS]
)
def test_every_example_of_a_key_can_be_read(
    section: Section, key: Key[Any], tmp_path: Path
) -> None:
    (tmp_path / "holidays.csv").write_text("date\n2026-12-25\n")
    problems = Problems()
    environment = {"SOFTSWITCH_ADVERTISE": "192.0.2.1", "SOFTSWITCH_DATABASE": "postgresql:///x"}
    environment |= TOKENS
    tree = parse(f"{key.name}: {key.example}\n".encode(), "f", environment, problems, used={})
    problems.raise_if_any()
    assert isinstance(tree, Table)
    names: dict[str, Collection[str]] = {name: Everything() for name in NAMED_SECTIONS}
    reading = Reading(problems, folder=tmp_path, media=AnyMedia(), names=names)
    reading.vocabulary = Vocabulary(
        answers={"zip", "code", "mobile"},
        variables={"number"},
        lookups={"bid.number": "text"},
        bindings={"keyword", "website"},
    )
    value = key.kind.read(tree.entries[key.name], reading)
    problems.raise_if_any()
    assert value is not None, section.name


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)
def test_every_example_of_a_section_is_yaml(section: Section) -> None:
    problems = Problems()
    for part in section.example.split("# or\n"):
        parse(part.encode(), "f", TOKENS, problems, used={})
    problems.raise_if_any()


def test_every_key_says_what_it_is() -> None:
    for section, key in KEYS:
        assert key.about.endswith("."), f"{section.name}: {key.name}"
        assert key.kind.says
        assert key.example
