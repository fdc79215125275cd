"""What a trunk may ask of a call beside its media: to be moved (REFER, Replaces), to go elsewhere
(3xx)."""

from config.kinds import one_of
from config.model import Redirects, Transfers
from config.reading import Key

__all__ = ["REDIRECTS", "TRANSFERS"]

_TRANSFERS: tuple[Transfers, ...] = ("refuse", "allow")
_REDIRECTS: tuple[Redirects, ...] = ("refuse", "follow")

TRANSFERS = Key(
    "transfers",
    one_of(_TRANSFERS),
    "Whether a party on this trunk may have the party it talks to moved to another (REFER), or a "
    "leg taken over (Replaces). Who may be called so is in `originate`, of the campaign or for "
    "all; nobody else is.",
    default="refuse",
    example="allow",
)
REDIRECTS = Key(
    "redirects",
    one_of(_REDIRECTS),
    "What is done when the trunk says that a call is to go elsewhere (3xx): that is a failure, "
    "so that the next destination is called; or it goes where it is told, to the number called at "
    "a trunk's host, or to whom `originate` lists.",
    default="refuse",
    example="follow",
)
