"""Reads one section of tables from YAML, beside files that a test writes."""

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

from config.document import Table, Tree, parse
from config.errors import ConfigErrors, Problems
from config.reading import Reading


class Entry:
    """One entry of a section: what it became, and what is wrong with it."""

    def __init__(
        self,
        read: Callable[[str, Tree, Reading], object],
        yaml: str,
        files: Mapping[str, str | bytes] | None = None,
        *,
        folder: Path,
        country: str = "US",
    ) -> None:
        for name, content in (files or {}).items():
            data = dedent(content).encode() if isinstance(content, str) else content
            (folder / name).write_bytes(data)
        problems = Problems()
        tree = parse(dedent(yaml).encode(), "test.yaml", {}, problems, used={})
        assert isinstance(tree, Table)
        ((name, entry),) = tree.entries.items()
        self.reading = Reading(problems, folder=folder, country=country)
        self.value = read(name, entry, self.reading)
        self.told = [line.replace(f"{folder}/", "") for line in _told(problems)]
        """Each mistake as "file:line:column: message (suggestion)"."""


def _told(problems: Problems) -> list[str]:
    try:
        problems.raise_if_any()
    except ConfigErrors as errors:
        return [str(error) for error in errors.errors]
    return []
