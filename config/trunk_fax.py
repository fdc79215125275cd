"""Fax over a trunk: T.38, passed from one party to the other, or offered by the switch."""

from config import hints
from config.document import Tree
from config.kinds import BOOLEAN
from config.model import Fax
from config.reading import Key, Kind, Reading, RefusedError, scalar

__all__ = ["T38"]

_SAYS = "true, false or offer"


def _read(tree: Tree, reading: Reading) -> Fax:
    try:
        return BOOLEAN.read(tree, reading)
    except RefusedError:
        return _OFFER.read(tree, reading)


def _offer(text: str) -> Fax:
    if text.lower() != "offer":
        raise ValueError
    return "offer"


_OFFER = scalar(_SAYS, _offer)

T38 = Key(
    "t38",
    Kind(_SAYS, _read, {"anyOf": [hints.BOOLEAN, hints.words(("offer",))]}),
    "Whether a party that turns to fax by T.38 (UDPTL) is passed on to the other party of a "
    "bridged call: where both their trunks say so. Else such an offer is refused with 488, and "
    "fax goes as sound. With `offer` on both trunks the switch asks both itself when a fax machine "
    "is heard to answer.",
    default="false",
    example="true",
)
