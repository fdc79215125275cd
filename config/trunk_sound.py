"""How a trunk's sound is coded and packed: codecs, packet time, comfort noise."""

from config.document import Tree
from config.kinds import BOOLEAN, duration, list_of, one_of
from config.model import CodecName
from config.reading import Key, Kind, Reading, RefusedError

__all__ = ["CODECS", "CODEC_NAMES", "COMFORT_NOISE", "PTIME"]

CODEC_NAMES: tuple[CodecName, ...] = ("PCMU", "PCMA", "G722", "opus")
PTIME_STEP_MS = 10

CODECS = Key(
    "codecs",
    list_of(one_of(CODEC_NAMES), most=len(CODEC_NAMES)),
    "Codecs offered and accepted, the best first.",
    otherwise="PCMU, then PCMA",
    example="[G722, PCMA, PCMU]",
)

_PACKET = duration("10 ms", "60 ms")
_PACKET_SAYS = "10, 20, 30, 40, 50 or 60 ms"


def _read_packet_time(tree: Tree, reading: Reading) -> int:
    try:
        milliseconds = _PACKET.read(tree, reading) * 1000
    except RefusedError:
        raise RefusedError(f"expected {_PACKET_SAYS}") from None
    if abs(milliseconds / PTIME_STEP_MS - round(milliseconds / PTIME_STEP_MS)) > 1e-6:
        raise RefusedError(f"expected {_PACKET_SAYS}")
    return round(milliseconds)


PTIME = Key(
    "ptime",
    Kind(_PACKET_SAYS, _read_packet_time, _PACKET.schema),
    "How much sound a packet has: what the switch asks the far end for, and what it sends where "
    "the far end asks for nothing else.",
    otherwise="what the other party's side has, or 20 ms",
    example="30 ms",
)
COMFORT_NOISE = Key(
    "comfort_noise",
    BOOLEAN,
    "Whether the far end is told that it may leave silence out and say how loud it is (RFC 3389). "
    "One that says so itself is understood always.",
    default="false",
    example="true",
)
