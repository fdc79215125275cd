"""Which header fields tell a trunk who calls, beside From and Privacy.

Who is shown, and what is hidden of whom, is `softswitch.routing.written_identity`'s.
"""

from typing import get_args

from config.document import Scalar, Tree
from config.kinds import list_of, one_of
from config.model import IdentityField, TrunkIdentity
from config.reading import Key, Reading, RefusedError, Section, keys_of, read_fields, section_kind

__all__ = ["IDENTITY", "IDENTITY_KIND"]

_FIELDS: tuple[IdentityField, ...] = get_args(IdentityField)
_WRITTEN: tuple[IdentityField, ...] = (
    "P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID", "Diversion", "History-Info",
)  # fmt: skip


class IdentityKeys:
    """Keys of what tells who calls."""

    WRITE = Key(
        "write",
        list_of(one_of(_WRITTEN), most=len(_WRITTEN)),
        "Fields that the switch makes: the first three of the caller id that is shown, `Diversion` "
        "and `History-Info` of the number that was called.",
        otherwise="none",
        example="[P-Asserted-Identity, Diversion]",
    )
    PASS = Key(
        "pass",
        list_of(one_of(_FIELDS), most=len(_FIELDS)),
        "Fields of the caller's INVITE that are passed on; what says who calls, only from a trunk "
        "that is `trusted`, and only where the caller's own number is shown. With `write` too, "
        "`Diversion` and `History-Info` are passed on with ours added, and the others written "
        "where there was nothing to pass on.",
        otherwise="none",
        example="[Diversion, P-Charge-Info]",
    )


IDENTITY = Section(
    "caller_identity",
    "Which fields beside From tell the trunk who calls. All others stop at the switch. Of a caller "
    "who wishes to be private only a trunk that is `trusted` is told, with `Privacy: id` beside "
    "it.",
    keys_of(IdentityKeys),
    example="caller_identity: {write: [P-Asserted-Identity], pass: [Diversion, History-Info]}",
)


def _read_identity(tree: Tree, reading: Reading) -> TrunkIdentity:
    if isinstance(tree, Scalar):
        raise RefusedError("expected write or pass")
    fields = read_fields(tree, IDENTITY, reading)
    return TrunkIdentity(fields.get(IdentityKeys.WRITE) or (), fields.get(IdentityKeys.PASS) or ())


IDENTITY_KIND = section_kind(IDENTITY, _read_identity)
