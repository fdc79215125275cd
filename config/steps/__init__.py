"""The section treatments: the kinds of step, one file each, and how steps nest.

A treatment is a list of steps, a step a mapping with one key that says what it does, and optionally
`name`. Steps nest (a menu's choices, what follows a failure); how they run is told in
`config.model`. Jumps are checked by `config.references`, which sees whole treatments.
"""

from config.reading import Section
from config.steps.accept import ACCEPT
from config.steps.ask import ASK, read_ask
from config.steps.condition import CASE, CONDITION, read_condition
from config.steps.conference import CONFERENCE, read_conference
from config.steps.connect import (
    CONNECT,
    NEAREST,
    RING_GROUP,
    read_connect,
    read_nearest,
    read_ring_group,
)
from config.steps.controller import CONTROLLER, read_controller
from config.steps.distribute import DISTRIBUTE, SHARE, read_distribute
from config.steps.leave import GOTO, HANG_UP, read_goto, read_hang_up
from config.steps.lists import BUILDERS, MAX_NESTING, MAX_STEPS, STEPS, read_treatment
from config.steps.lookup import LOOKUP, read_lookup
from config.steps.machine import MACHINE
from config.steps.menu import MENU, read_menu
from config.steps.play import PLAY, read_play
from config.steps.python import PYTHON, read_python
from config.steps.send import (
    SEND_DTMF,
    SMS,
    TRANSFER,
    read_send_dtmf,
    read_sms,
    read_transfer,
)
from config.steps.variables import SET, read_set
from config.steps.wait import WAIT, read_wait

__all__ = [
    "BUILDERS", "CONNECT", "GOTO", "HANG_UP", "MAX_NESTING", "MAX_STEPS", "MENU", "PLAY",
    "STEPS", "STEP_SECTIONS", "read_treatment",
]  # fmt: skip

STEP_SECTIONS: tuple[Section, ...] = (
    PLAY, MENU, ASK, CONDITION, CASE, SET, LOOKUP, CONNECT, RING_GROUP, NEAREST, ACCEPT,
    MACHINE, DISTRIBUTE, SHARE, SEND_DTMF, SMS, TRANSFER, WAIT, CONFERENCE, CONTROLLER, PYTHON,
    HANG_UP, GOTO,
)  # fmt: skip
"""What the reference prints of steps, in its order."""

BUILDERS.update(
    {
        "play": read_play,
        "menu": read_menu,
        "ask": read_ask,
        "condition": read_condition,
        "set": read_set,
        "lookup": read_lookup,
        "connect": read_connect,
        "ring_group": read_ring_group,
        "nearest": read_nearest,
        "distribute": read_distribute,
        "send_dtmf": read_send_dtmf,
        "sms": read_sms,
        "transfer": read_transfer,
        "wait": read_wait,
        "conference": read_conference,
        "controller": read_controller,
        "python": read_python,
        "hang_up": read_hang_up,
        "goto": read_goto,
    }
)
