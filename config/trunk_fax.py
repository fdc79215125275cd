"""Fax over a trunk: T.38, passed from one party to the other."""

from config.kinds import BOOLEAN
from config.reading import Key

__all__ = ["T38"]

T38 = Key(
    "t38",
    BOOLEAN,
    "Whether a party that turns to fax by T.38 (UDPTL) is passed on to the other party of a "
    "bridged call: where both their trunks say so. Else such an offer is refused with 488, and "
    "fax goes as sound.",
    default="false",
    example="true",
)
