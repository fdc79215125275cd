"""What is done when a machine answers in the called party's place."""

from typing import Literal

from config import hints
from config.document import Scalar, Tree
from config.kinds import duration, one_of
from config.model import Machine, Prompt
from config.prompts import PROMPT_KIND
from config.reading import Fields, Key, Kind, Reading, Section, keys_of, read_fields

__all__ = ["MACHINE", "MACHINE_KIND", "MachineKeys", "check_machine"]

Then = Literal["decline", "bridge", "message"]

_THEN: tuple[Then, ...] = ("decline", "bridge", "message")
THEN = one_of(_THEN)


class MachineKeys:
    """Keys of what follows when a machine has answered."""

    THEN = Key(
        "then",
        THEN,
        "With a machine: `decline` hangs up on it and tries the next destination; `bridge` "
        "connects all the same, and only tells; `message` waits for the beep, leaves the step's "
        "message and tries nobody else (`on_failure` follows).",
        default="decline",
        example="message",
    )
    WITHIN = Key(
        "within",
        duration("1 s", "30 s"),
        "How long to listen before it is taken for a person. The caller hears ringing meanwhile.",
        default="4 s",
        example="3 s",
    )
    BEEP = Key(
        "beep",
        duration("1 s", "2 min"),
        "How long to wait for the beep; without one no message is left.",
        default="30 s",
        example="20 s",
    )


MACHINE = Section(
    "machine",
    "Whether a person or an answering machine has answered is judged before anything else is "
    "played to the called party.",
    keys_of(MachineKeys),
    short="what is done with a machine alone",
    short_schema=THEN.schema,
    example="machine: decline\n# or\nmachine: {then: message, within: 3 s, beep: 20 s}",
)


def _read_machine(tree: Tree, reading: Reading) -> Machine:
    if isinstance(tree, Scalar):
        return Machine(THEN.read(tree, reading))
    fields = read_fields(tree, MACHINE, reading)
    keys = MachineKeys
    fields.need_good(keys.THEN, keys.WITHIN, keys.BEEP)
    return Machine(fields[keys.THEN], fields[keys.WITHIN], fields[keys.BEEP])


MACHINE_KIND = Kind(
    "decline, bridge, message, or settings of machine", _read_machine, hints.section("machine")
)


class MachineStepKeys:
    """Keys of a step that calls destinations."""

    MACHINE = Key(
        "machine",
        MACHINE_KIND,
        "What is done when an answering machine answers.",
        otherwise="nobody looks",
        example="decline",
    )
    MESSAGE = Key(
        "message",
        PROMPT_KIND,
        "Left on an answering machine, when `machine` says so.",
        otherwise="none",
        example='"You have a call waiting from our web site."',
    )


def check_machine(fields: Fields, reading: Reading) -> tuple[Machine | None, Prompt | None]:
    """Both settings; a message needs somebody who leaves it, and the other way round."""
    keys = MachineStepKeys
    machine, message = fields.get(keys.MACHINE), fields.get(keys.MESSAGE)
    leaves = machine is not None and machine.then == "message"
    if leaves and message is None and not fields.refused(keys.MESSAGE):
        problem = "machine: there is no message to leave"
        reading.problems.add(fields.place(keys.MACHINE), problem, 'add "message"')
    if message is not None and not leaves and not fields.refused(keys.MACHINE):
        problem = "message: it is never left"
        reading.problems.add(fields.place(keys.MESSAGE), problem, 'set "machine: message"')
    return machine, message
