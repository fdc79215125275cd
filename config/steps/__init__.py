"""The section treatments: the kinds of step, one file each, and how steps nest.

A treatment is a list of steps, a step a mapping with one key that says what it does, and optionally
`name`. Steps nest (a menu's choices, what follows a failure); how they run is told in
`config.model`. Jumps are checked by `config.references`, which sees whole treatments.
"""

from config.steps.connect import CONNECT, read_connect
from config.steps.leave import GOTO, HANG_UP, read_goto, read_hang_up
from config.steps.lists import BUILDERS, MAX_NESTING, MAX_STEPS, STEPS, read_treatment
from config.steps.menu import MENU, read_menu
from config.steps.play import PLAY, read_play

__all__ = [
    "BUILDERS", "CONNECT", "GOTO", "HANG_UP", "MAX_NESTING", "MAX_STEPS", "MENU", "PLAY", "STEPS",
    "read_treatment",
]  # fmt: skip

BUILDERS.update(
    {
        "play": read_play,
        "menu": read_menu,
        "connect": read_connect,
        "hang_up": read_hang_up,
        "goto": read_goto,
    }
)
