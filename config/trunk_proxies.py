"""Trunks behind proxies: whose mark on an INVITE is believed, and which one it is."""

from config.addresses import SOURCE
from config.document import Scalar, Tree
from config.header_names import MARK_NAME
from config.kinds import BOOLEAN, FACT_NAME, LINE, list_of
from config.model import TrunkProxies
from config.reading import Key, Reading, RefusedError, Section, keys_of, read_fields, section_kind

__all__ = ["BEHIND", "BEHIND_KIND"]

MAX_PROXIES = 100
"""Looked through for each call from a proxy."""


class BehindKeys:
    """Keys of the proxies before a trunk."""

    PROXIES = Key(
        "proxies",
        list_of(SOURCE, most=MAX_PROXIES),
        "Hosts and networks of the proxies. Nobody else's mark is looked at.",
        required=True,
        example="[10.0.0.5, 10.0.0.6]",
    )
    HEADER = Key(
        "header",
        MARK_NAME,
        "The header field in which the proxy says whose call it is.",
        otherwise="no header field",
        example="X-Trunk",
    )
    PARAMETER = Key(
        "parameter",
        FACT_NAME,
        "The parameter of the request's URI in which it says so.",
        otherwise="no parameter",
        example="trunk",
    )
    VALUE = Key(
        "value",
        LINE,
        "What it says of this trunk.",
        otherwise="the trunk's name",
        example="carrier-one",
    )
    VIA = Key(
        "via",
        BOOLEAN,
        "Whether the host before the proxy (the second Via) is looked up among `address` and "
        "`sources` in place of a mark.",
        default="false",
        example="true",
    )


BEHIND = Section(
    "behind",
    "Calls of the trunk come through proxies, which say whose they are: by a header field, a "
    "parameter of the URI, or the second Via.",
    keys_of(BehindKeys),
    example="behind: {proxies: [10.0.0.5], header: X-Trunk}",
)


def _read_behind(tree: Tree, reading: Reading) -> TrunkProxies:
    if isinstance(tree, Scalar):
        raise RefusedError("expected the proxies, and where they say whose call it is")
    keys = BehindKeys
    fields = read_fields(tree, BEHIND, reading)
    fields.need_good(keys.PROXIES, keys.HEADER, keys.PARAMETER, keys.VIA)
    marks = [keys.HEADER in fields, keys.PARAMETER in fields, fields[keys.VIA]]
    if sum(marks) != 1:
        raise RefusedError(
            "expected one way to know whose call it is",
            suggestion="header, parameter, or via: true",
        )
    return TrunkProxies(
        proxies=fields[keys.PROXIES],
        header=fields.get(keys.HEADER),
        parameter=fields.get(keys.PARAMETER),
        value=fields.get(keys.VALUE),
        via=fields[keys.VIA],
    )


BEHIND_KIND = section_kind(BEHIND, _read_behind)
