"""The step wait."""

from config.document import Scalar, Table, Tree
from config.kinds import BOOLEAN, duration
from config.model import Location, Node, Wait
from config.reading import Key, Reading, Section, keys_of, read_fields


class WaitKeys:
    """Keys of a wait step."""

    FOR = Key("for", duration("100 ms", "1 h"), "How long.", required=True, example="30 s")
    BARGE_IN = Key(
        "barge_in",
        BOOLEAN,
        "Whether a key ends it; the key is there for the next question.",
        default="false",
        example="true",
    )


WAIT = Section(
    "wait",
    "Answers the call and waits in silence, listening: to a caller who stays when the agent has "
    "left, say.",
    keys_of(WaitKeys),
    short="the time alone",
    example="- wait: 30 s\n- wait: {for: 5 min, barge_in: true}",
)


def read_wait(name: str, tree: Tree, location: Location, reading: Reading) -> Node:
    """Some time."""
    if isinstance(tree, Scalar):
        tree = Table(tree.file, tree.mark, {WaitKeys.FOR.name: tree})
    fields = read_fields(tree, WAIT, reading)
    return Wait(name, fields[WaitKeys.FOR], fields[WaitKeys.BARGE_IN], location=location)
