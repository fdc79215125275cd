"""The step controller: a system outside the switch steers the call."""

from config.document import Scalar, Tree
from config.kinds import NAME, duration
from config.model import Controller, Location, Node
from config.reading import Key, Reading, Section, keys_of, read_fields
from config.steps.lists import STEPS


class ControllerKeys:
    """Keys of a controller step."""

    SYSTEM = Key(
        "system",
        NAME,
        "Which system is waited for, as the event `call.offered` names it: a system takes the "
        "calls that are offered to it.",
        otherwise="whichever comes",
        example="crm",
    )
    WITHIN = Key(
        "within",
        duration("100 ms", "2 min"),
        "How long the call waits to be taken.",
        default="5 s",
        example="3 s",
    )
    ON_FAILURE = Key(
        "on_failure",
        STEPS,
        "Steps when nobody took the call in time, or the connection of who took it is lost.",
        otherwise="the step after this",
        example='[play: "Please call again."]',
    )


CONTROLLER = Section(
    "controller",
    "Offers the call to a system on the control socket, which takes it (`call.take`) and steers it "
    "step by step: answers, plays, asks, calls others, bridges. The call is not answered by this. "
    "When the system releases the call, the step after this is next; when two talk then, they go "
    "on, and the call ends with their talk.",
    keys_of(ControllerKeys),
    short="the name of the system, or nothing",
    example="- controller: crm\n"
    '- controller: {system: crm, within: 3 s, on_failure: [play: "Please call again."]}',
)


def read_controller(name: str, tree: Tree, location: Location, reading: Reading) -> Node:
    """Whom the call is offered to."""
    keys = ControllerKeys
    if isinstance(tree, Scalar):
        system = "" if tree.absent else NAME.read(tree, reading)
        return Controller(name, system, location=location)
    fields = read_fields(tree, CONTROLLER, reading)
    return Controller(
        name,
        fields.get(keys.SYSTEM) or "",
        within_seconds=fields[keys.WITHIN],
        on_failure=fields.get(keys.ON_FAILURE) or (),
        location=location,
    )
