"""The step conference: a room in which callers hear each other."""

import re

from config.document import Scalar, Table, Tree
from config.kinds import BOOLEAN
from config.model import Confer, Location, Node
from config.reading import Key, Reading, Section, keys_of, read_fields, scalar

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")


def _conference_name(text: str) -> str:
    if not _NAME.match(text):
        raise ValueError
    return text


class ConferenceKeys:
    """Keys of a conference step."""

    NAME = Key(
        "name",
        scalar("a name of letters, digits, `.`, `_` and `-`, up to 64", _conference_name),
        "Which conference; all who are in one of this name hear each other.",
        required=True,
        example="sales",
    )
    MUTED = Key(
        "muted",
        BOOLEAN,
        "Whether the caller only listens.",
        default="false",
        example="true",
    )


CONFERENCE = Section(
    "conference",
    "Answers the call and takes the caller into a conference, made where there is none. When it is "
    "full, is destroyed, or the caller is removed (`conference.remove` on the control socket), the "
    "step after this is next; also for a call that a control token with `campaigns` placed or "
    "routed, where calls of further campaigns are in the conference.",
    keys_of(ConferenceKeys),
    short="the name alone",
    example="- conference: sales\n- conference: {name: briefing, muted: true}",
)


def read_conference(name: str, tree: Tree, location: Location, reading: Reading) -> Node:
    """Which room, and how."""
    keys = ConferenceKeys
    if isinstance(tree, Scalar):
        tree = Table(tree.file, tree.mark, {keys.NAME.name: tree})
    fields = read_fields(tree, CONFERENCE, reading)
    return Confer(name, fields[keys.NAME] or "", muted=fields[keys.MUTED], location=location)
