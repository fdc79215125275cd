"""Which header fields a trunk gets beside those of SIP itself: passed on, left out, written.

The names of fields that the switch writes itself on each leg are refused by `config.header_names`.
"""

import re
from typing import get_args

from config import hints
from config.document import Scalar, Tree
from config.expression import before_end
from config.header_names import CARRIED_NAME, DROPPED_NAME, HEADER_VALUE
from config.kinds import list_of, mapping_of
from config.model import IdentityField, TrunkHeaders
from config.reading import (
    Key,
    Kind,
    Reading,
    RefusedError,
    Section,
    keys_of,
    read_fields,
    section_kind,
)

__all__ = ["HEADERS", "HEADERS_KIND"]

MAX_NAMES = 50
"""Names in a list: more make a message that no datagram holds."""
MAX_SET = 32
"""Fields written into each INVITE; the same."""

_BEGINNING = re.compile(r"[A-Za-z0-9-]{2,63}\*\Z")
"""Names that a `*` may stand for; what begins otherwise than X- may be SIP's own."""
_IDENTITY = {name.lower() for name in get_args(IdentityField)}


def _read_passed(tree: Tree, reading: Reading) -> str:
    if isinstance(tree, Scalar) and tree.text.endswith("*"):
        if not _BEGINNING.match(tree.text) or not tree.text.lower().startswith("x-"):
            raise RefusedError(
                "only names that begin with X- may be passed on by their beginning",
                suggestion="X-Acme-*",
            )
        return tree.text
    name = CARRIED_NAME.read(tree, reading)
    if name.lower() in _IDENTITY:
        raise RefusedError(
            f"{name} tells of parties, some of which would be private",
            suggestion=f"caller_identity: {{pass: [{name}]}}",
        )
    return name


_PASSED = Kind(
    f"{CARRIED_NAME.says}, or the beginning of one (X-Acme-*)", _read_passed, hints.SCALAR
)


class HeadersKeys:
    """Keys of the header fields of a trunk."""

    PASS = Key(
        "pass",
        list_of(_PASSED, most=MAX_NAMES),
        "Fields of the caller's INVITE that are passed on to this trunk, beside those of "
        "`pass_headers`; `X-Acme-*` are all that begin so.",
        otherwise="those of `pass_headers`",
        example="[X-Click-Id, X-Acme-*]",
    )
    DROP = Key(
        "drop",
        list_of(DROPPED_NAME, most=MAX_NAMES),
        "Fields that are never sent to the trunk, whoever else asks for them, and not looked at in "
        "calls from it.",
        otherwise="none",
        example="[Diversion, X-Debug]",
    )
    SET = Key(
        "set",
        before_end(mapping_of(HEADER_VALUE, most=MAX_SET, noun="header field", name=CARRIED_NAME)),
        "Fields of every INVITE to the trunk. They win over fields of the same name that campaigns "
        "and steps write, or that are passed on; an empty value leaves the field out.",
        otherwise="none",
        example='{X-Campaign: "{campaign}"}',
    )


HEADERS = Section(
    "headers of a trunk",
    "Header fields that cross the switch, or begin at it, towards a trunk. All others of the "
    "caller's INVITE stop at the switch.",
    keys_of(HeadersKeys),
    example='headers: {pass: [X-Click-Id], drop: [X-Debug], set: {X-Campaign: "{campaign}"}}',
)


def _read_headers(tree: Tree, reading: Reading) -> TrunkHeaders:
    if isinstance(tree, Scalar):
        raise RefusedError("expected pass, drop or set")
    keys = HeadersKeys
    fields = read_fields(tree, HEADERS, reading)
    fields.need_good(keys.PASS, keys.DROP, keys.SET)
    passed, dropped = fields.get(keys.PASS) or (), fields.get(keys.DROP) or ()
    written = fields.get(keys.SET) or {}
    if len({name.lower() for name in written}) != len(written):
        raise RefusedError(
            "set: a field stands twice; upper and lower case are the same",
            location=fields.place(keys.SET),
        )
    both = {name.lower() for name in dropped} & {name.lower() for name in (*passed, *written)}
    if both:
        raise RefusedError(
            f"{min(both)} is dropped, and also passed on or set", location=fields.place(keys.DROP)
        )
    return TrunkHeaders(passed, dropped, tuple(written.items()))


HEADERS_KIND = section_kind(HEADERS, _read_headers)
