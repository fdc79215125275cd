"""Whether a trunk answers: OPTIONS now and then, and what counts as an answer."""

from config.document import Scalar, Tree
from config.kinds import BOOLEAN, duration, integer, list_of
from config.model import TrunkProbe
from config.reading import Key, Reading, RefusedError, Section, keys_of, read_fields, section_kind

__all__ = ["PROBE", "PROBE_KIND"]

MAX_MISSES = 100
"""A trunk that misses more has been away for the better part of an hour."""


class ProbeKeys:
    """Keys of a probe."""

    EVERY = Key(
        "every",
        duration("1 s", "1 h"),
        "How long after an answer the next OPTIONS is sent.",
        default="30 s",
        example="10 s",
    )
    MISSES = Key(
        "misses",
        integer(1, MAX_MISSES),
        "How many in a row without an answer make the trunk down. One answer makes it up again.",
        default="3",
        example="2",
    )
    DOWN = Key(
        "down",
        list_of(integer(300, 699), most=50),
        "Final answers that count as none.",
        otherwise="408 and 503",
        example="[404, 408, 500, 503]",
    )


PROBE = Section(
    "probe",
    "Sends OPTIONS to the trunk. While it is down no call is sent there but by a connect that "
    "names nothing else.",
    keys_of(ProbeKeys),
    short="true, for all as it is by default",
    example="probe: {every: 10 s, misses: 2}",
)

STANDARD = TrunkProbe()


def _read_probe(tree: Tree, reading: Reading) -> TrunkProbe | None:
    if isinstance(tree, Scalar):
        try:
            return STANDARD if BOOLEAN.read(tree, reading) else None
        except RefusedError:
            raise RefusedError("expected true, false, or the settings of a probe") from None
    keys = ProbeKeys
    fields = read_fields(tree, PROBE, reading)
    return TrunkProbe(
        every=fields[keys.EVERY],
        misses=fields[keys.MISSES],
        down=frozenset(fields.get(keys.DOWN) or STANDARD.down),
    )


PROBE_KIND = section_kind(PROBE, _read_probe)
