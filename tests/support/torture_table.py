"""The table of docs/torture.md, which says what is answered to each message of torture.py."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from tests.support import torture

PAGE = Path(__file__).resolve().parents[2] / "docs" / "torture.md"


class Answer(NamedTuple):
    """What a message gets: a status, `call` or `none`, and whether its connection is closed."""

    what: str
    closes: bool

    @property
    def status(self) -> int | None:
        """The final status, where the table has one."""
        return int(self.what) if self.what.isdecimal() else None

    @property
    def is_call(self) -> bool:
        """Whether the core makes a call of it: 488 is what a call comes to whose codecs we lack."""
        return self.what in ("call", "488")


class Row(NamedTuple):
    """One message of the table."""

    name: str
    data: bytes
    udp: Answer
    tcp: Answer


def rows() -> list[Row]:
    """All messages, in the order of the standards."""
    found = []
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 7 and cells[1].startswith("`"):
            name = cells[1].strip("`")
            data = getattr(torture, name.upper().replace("-", "_"))
            found.append(Row(name, data, _answer(cells[4]), _answer(cells[5])))
    return found


def _answer(text: str) -> Answer:
    what, _, rest = text.partition(", ")
    assert what.isdecimal() or what in ("call", "none"), text
    assert rest in ("", "closed"), text
    return Answer(what, rest == "closed")
