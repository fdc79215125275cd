"""The section defence: how much of the switch strangers get."""

from config.document import Tree
from config.kinds import BOOLEAN, duration, integer
from config.model import Defence
from config.reading import Key, MissingError, Reading, Section, keys_of, read_fields

__all__ = ["DEFENCE", "read_defence"]


class DefenceKeys:
    """Keys of the section `defence`."""

    ON = Key(
        "on",
        BOOLEAN,
        "Whether strangers are counted at all.",
        default="true",
        example="false",
    )
    PER_SECOND = Key(
        "per_second",
        integer(1, 10_000),
        "Messages a second that one address may send. What is more gets no answer.",
        default="20",
        example="50",
    )
    BURST = Key(
        "burst",
        integer(1, 100_000),
        "Messages that it may send at once.",
        default="60",
        example="200",
    )
    BAN_AFTER = Key(
        "ban_after",
        integer(1, 100_000),
        "Vain tries within a minute (calls from no trunk, wrong credentials) that make a scanner "
        "of it: it gets no answer any more, and an event `source.banned` tells of it.",
        default="20",
        example="5",
    )
    BAN_TIME = Key(
        "ban_time",
        duration("1 s", "168 h"),
        "For how long.",
        default="10 min",
        example="1 h",
    )


DEFENCE = Section(
    "defence",
    "How much of the switch strangers get: whoever is no trunk, proxy or registered contact.",
    keys_of(DefenceKeys),
    example="defence: {per_second: 20, ban_after: 10, ban_time: 1 h}",
)


def read_defence(tree: Tree, reading: Reading) -> Defence:
    """The section; its defaults where a mistake leaves no value to take."""
    keys = DefenceKeys
    try:
        fields = read_fields(tree, DEFENCE, reading)
    except MissingError:
        return Defence()
    return Defence(
        on=fields[keys.ON],
        per_second=float(fields[keys.PER_SECOND]),
        burst=float(fields[keys.BURST]),
        ban_after=fields[keys.BAN_AFTER],
        ban_seconds=fields[keys.BAN_TIME],
    )
