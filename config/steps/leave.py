"""The steps that lead away: hang_up and goto."""

from config.document import Scalar, Tree
from config.kinds import NAME, REFUSAL
from config.model import Goto, HangUp, Location, Node
from config.reading import Key, Reading, Section, keys_of, read_fields


class HangUpKeys:
    """Keys of a hang_up step."""

    STATUS = Key(
        "status",
        REFUSAL,
        "Refuse the call with this status if it is not answered yet.",
        otherwise="480",
        example="486",
    )
    CAUSE = Key("cause", NAME, "A word for the call record.", otherwise="hang_up", example="closed")


HANG_UP = Section(
    "hang_up",
    "Ends the call: with BYE when it was answered, else it is refused.",
    keys_of(HangUpKeys),
    short="a status or a cause alone, or nothing",
    example="- hang_up\n- hang_up: 486\n- hang_up: {cause: closed}",
)


def read_hang_up(name: str, tree: Tree, location: Location, reading: Reading) -> Node:
    if isinstance(tree, Scalar):
        if tree.absent:
            return HangUp(name, location=location)
        if tree.text.isdigit():
            return HangUp(name, status=REFUSAL.read(tree, reading), location=location)
        return HangUp(name, cause=NAME.read(tree, reading), location=location)
    fields = read_fields(tree, HANG_UP, reading)
    return HangUp(
        name,
        cause=fields.get(HangUpKeys.CAUSE),
        status=fields.get(HangUpKeys.STATUS),
        location=location,
    )


def read_goto(name: str, tree: Tree, _location: Location, reading: Reading) -> Node:
    target = NAME.read(tree, reading)
    if target in reading.names.get("treatments", ()):
        return Goto(name, target, "treatment", location=tree.location)
    # That there is such a step is checked when the whole treatment is known.
    return Goto(name, target, "node", location=tree.location)


GOTO = Section(
    "goto",
    "Goes on with another treatment, or with a named step of this one. What would have followed is "
    "forgotten.",
    [],
    short="the name of a treatment, or of a step in this treatment",
    example='- name: question\n  play: "Please hold."\n- goto: question',
)
