"""What signatures of a trunk's calls are worth, and what is signed towards it (STIR/SHAKEN).

Who is believed, and the key, stand in the section stir (`config.stir`).
"""

from typing import get_args

from config.document import Scalar, Tree
from config.kinds import BOOLEAN, one_of
from config.model import IdentityPolicy, TrunkVouching
from config.reading import (
    Fields,
    Key,
    Reading,
    RefusedError,
    Section,
    keys_of,
    read_fields,
    section_kind,
)

__all__ = ["VOUCHING", "VOUCHING_KIND"]

_POLICIES: tuple[IdentityPolicy, ...] = get_args(IdentityPolicy)


class VouchingKeys:
    """Keys of signatures."""

    VERIFY = Key(
        "verify",
        BOOLEAN,
        "Whether the signatures (`Identity`) of calls from the trunk are verified.",
        default="false",
        example="true",
    )
    MISSING = Key(
        "missing",
        one_of(_POLICIES),
        "What becomes of a call without a signature: it goes on, it goes on with a mark before the "
        "caller's name, or it is refused with 428. Needs `verify` or `believe`.",
        default="accept",
        example="mark",
    )
    FAILED = Key(
        "failed",
        one_of(_POLICIES),
        "What becomes of a call whose signature is not good; it is refused with 403 (too old), 436 "
        "(no certificate), 437 (one that is not believed) or 438. Needs `verify` or `believe`.",
        default="accept",
        example="refuse",
    )
    BELIEVE = Key(
        "believe",
        BOOLEAN,
        "Whether what the carrier itself says is believed, of a trunk that is `trusted`: the "
        "parameter `verstat` of the caller's number, and `P-Attestation-Indicator`. Where `verify` "
        "is on too, only for calls that come without a signature. Needs `trusted: true`.",
        default="false",
        example="true",
    )
    VERSTAT = Key(
        "verstat",
        BOOLEAN,
        "Whether calls to the trunk say by `verstat` how the caller's number was verified; only "
        "where that number is shown.",
        default="false",
        example="true",
    )
    SIGN = Key(
        "sign",
        BOOLEAN,
        "Whether calls to the trunk are signed. A caller who is private is not: a signature tells "
        "the number.",
        default="false",
        example="true",
    )
    PASS = Key(
        "pass",
        BOOLEAN,
        "Whether calls to the trunk carry the good signatures they came with, where the caller's "
        "own number is shown. With `sign`, one of ours says that the call was sent on (`div`).",
        default="false",
        example="true",
    )


VOUCHING = Section(
    "identity",
    "Signatures of callers (STIR/SHAKEN). What is found stands in the event `call.presented`, in "
    "the record, and in conditions as `call.verstat` and `call.attestation`.",
    keys_of(VouchingKeys),
    example="identity: {verify: true, failed: refuse, sign: true}",
)


def _read_vouching(tree: Tree, reading: Reading) -> TrunkVouching:
    if isinstance(tree, Scalar):
        raise RefusedError("expected verify, sign, or another of its keys")
    keys = VouchingKeys
    fields = read_fields(tree, VOUCHING, reading)
    _check_policies(fields, reading)
    return TrunkVouching(
        verify=fields[keys.VERIFY],
        missing=fields[keys.MISSING],
        failed=fields[keys.FAILED],
        believe=fields[keys.BELIEVE],
        verstat=fields[keys.VERSTAT],
        sign=fields[keys.SIGN],
        pass_on=fields[keys.PASS],
    )


def _check_policies(fields: Fields, reading: Reading) -> None:
    """Policies for what nobody looks at would be taken for a lock, and are none."""
    keys = VouchingKeys
    looked_at = fields[keys.VERIFY] or fields[keys.BELIEVE]
    if looked_at or fields.refused(keys.VERIFY, keys.BELIEVE):
        return
    for key in (keys.MISSING, keys.FAILED):
        if fields[key] != "accept":
            reading.problems.add(
                fields.place(key),
                f"{key.name}: {fields[key]}: nobody looks at signatures of the trunk's calls",
                "set verify: true, or believe: true",
            )


VOUCHING_KIND = section_kind(VOUCHING, _read_vouching)
