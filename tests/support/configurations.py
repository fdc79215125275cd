"""Configurations as text, for tests: small ones that load, and what is wrong with others."""

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

from config.document import parse
from config.errors import ConfigError, ConfigErrors, Problems
from config.loader import load_text
from config.model import Configuration, Node
from config.reading import Kind, MediaKnowledge, Reading

FILE = Path("test.yaml")


class FakeMedia:
    """Two tone plans, three tones, and a file is bad when its name says so."""

    tone_plans = ("us", "de")
    tones = ("chime", "busy", "ringback")

    def wav_problem(self, path: Path) -> str | None:
        return "the audio is bad" if "bad" in path.name else None


MINIMAL = """\
trunks:
  carrier: 127.0.0.1:5080
"""


def loaded(
    text: str,
    *,
    media: MediaKnowledge | None = None,
    path: Path = FILE,
    environment: Mapping[str, str] | None = None,
) -> Configuration:
    """The configuration of a text that must load."""
    return load_text(dedent(text).encode(), path, environment or {}, media=media)


def mistakes(
    text: str | bytes,
    *,
    media: MediaKnowledge | None = None,
    path: Path = FILE,
    environment: Mapping[str, str] | None = None,
) -> list[ConfigError]:
    """What is wrong with a text; nothing when it loads."""
    content = text if isinstance(text, bytes) else dedent(text).encode()
    try:
        load_text(content, path, environment or {}, media=media)
    except ConfigErrors as errors:
        return errors.errors
    return []


def told(text: str | bytes, *, media: MediaKnowledge | None = None) -> list[str]:
    """The mistakes of a text as "line:column: message (suggestion)"."""
    return [str(error).partition(":")[2] for error in mistakes(text, media=media)]


def with_treatment(steps: str, *, more: str = "") -> str:
    """A text whose treatment `test` has these steps, used by the campaign `test`."""
    return (
        "trunks: {carrier: 127.0.0.1:5080}\ncampaigns:\n  test: test\ntreatments:\n  test:\n"
        + indent(dedent(steps).strip("\n"), "    ")
        + "\n"
        + more
    )


def nodes(steps: str) -> tuple[Node, ...]:
    """The nodes that steps become."""
    return loaded(with_treatment(steps)).treatments["test"].nodes


def read_kind(kind: Kind[Any], text: str) -> Any:
    """The value of a YAML text read as this kind, in a file that has two trunks."""
    problems = Problems()
    tree = parse(f"a: {text}\n".encode(), "f", {}, problems, used={})
    problems.raise_if_any()
    reading = Reading(problems, media=FakeMedia(), names={"trunks": ["carrier", "backup"]})
    return kind.read(tree.entries["a"], reading)  # type: ignore[union-attr]  # always a mapping
