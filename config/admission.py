"""The section admission: when the switch as a whole takes no further call."""

from config.document import Tree
from config.kinds import BOOLEAN, duration, integer, or_off
from config.model import Admission, Switch
from config.reading import Fields, Key, MissingError, Reading, Section, keys_of, read_fields

__all__ = ["ADMISSION", "read_admission"]


class AdmissionKeys:
    """Keys of the section `admission`."""

    CALLS_PER_SECOND = Key(
        "calls_per_second",
        integer(1, 100_000),
        "New calls a second that the switch takes from all trunks together.",
        otherwise="no limit",
        example="200",
    )
    FREE_PORTS = Key(
        "free_ports",
        integer(0, 10_000),
        "Pairs of media ports that are kept for the second legs of calls: callers are refused "
        "while no more than these are free. Fewer than there are in `rtp_ports`.",
        default="0",
        example="20",
    )
    LOOP_LAG = Key(
        "loop_lag",
        or_off(duration("10 ms", "10 s")),
        "Callers are refused while the switch does everything later than this, for a second.",
        default="500 ms",
        example="100 ms",
    )
    BACKLOG = Key(
        "backlog",
        BOOLEAN,
        "Whether callers are refused while SIP messages come faster than they are read, and half "
        "of the room before the switch is full of them.",
        default="true",
        example="false",
    )


ADMISSION = Section(
    "admission",
    "When the switch takes no further call, whoever calls: callers get 503 with Retry-After before "
    "anything is done for them, and calls in progress go on. `max_calls` of the switch, "
    "`calls_per_second` and `max_calls` of trunks are limits beside these.",
    keys_of(AdmissionKeys),
    example="admission: {calls_per_second: 200, free_ports: 20, loop_lag: 200 ms}",
)


def read_admission(tree: Tree, reading: Reading, switch: Switch) -> Admission:
    """The section; its defaults where a mistake leaves no value to take."""
    keys = AdmissionKeys
    try:
        fields = read_fields(tree, ADMISSION, reading)
    except MissingError:
        return Admission()
    _check_ports(fields, switch, reading)
    return Admission(
        calls_per_second=fields.get(keys.CALLS_PER_SECOND),
        free_ports=fields[keys.FREE_PORTS],
        loop_lag_seconds=fields[keys.LOOP_LAG].value,
        backlog=fields[keys.BACKLOG],
    )


def _check_ports(fields: Fields, switch: Switch, reading: Reading) -> None:
    """A switch that keeps all its ports would refuse every call."""
    kept = fields[AdmissionKeys.FREE_PORTS]
    there = (switch.rtp_last_port - switch.rtp_first_port + 1) // 2
    if kept and kept >= there:
        reading.problems.add(
            fields.place(AdmissionKeys.FREE_PORTS),
            f"free_ports: {kept} of {there} pairs of media ports are kept: every call would be "
            "refused",
            "more rtp_ports of the section switch, or less here",
        )
