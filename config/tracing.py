"""The section trace: how many calls are kept with their SIP messages, and Homer."""

from config.addresses import HostPort, address, unusable
from config.document import Scalar, Tree
from config.kinds import integer, secret
from config.model import Hep, Tracing
from config.reading import (
    Fields,
    Key,
    MissingError,
    Reading,
    RefusedError,
    Section,
    keys_of,
    read_fields,
    section_kind,
)

__all__ = ["HEP", "TRACE", "read_tracing"]

MAX_CALLS = 10_000
"""About 150 MB; the trace keeps 64 MB of them."""
MAX_AGENT = (1 << 32) - 1
"""A chunk of 32 bits."""
MAX_PASSWORD = 100
"""It stands in every packet to Homer, beside a message."""
HEP_PORT = 9060


_PASSWORD = secret(
    f"up to {MAX_PASSWORD} printable characters",
    lambda text: len(text) <= MAX_PASSWORD and text.isprintable(),
)


class HepKeys:
    """Keys of `hep`."""

    TO = Key(
        "to",
        address(HEP_PORT),
        "Where it listens, over UDP.",
        required=True,
        example="192.0.2.9:9060",
    )
    ID = Key(
        "id",
        integer(0, MAX_AGENT),
        "The number it knows this switch by.",
        default="2001",
        example="2002",
    )
    PASSWORD = Key(
        "password",
        _PASSWORD,
        "What it wants to be told. Better taken from the environment than written here.",
        otherwise="none",
        example="${HEP_PASSWORD}",
    )


HEP = Section(
    "hep",
    "A collector that is shown every SIP message: Homer, or another that speaks HEP version 3. "
    "Credentials, keys told by INFO and keys of media are stars in it.",
    keys_of(HepKeys),
    example="hep: {to: '192.0.2.9:9060', id: 2001, password: '${HEP_PASSWORD}'}",
)


def _read_hep(tree: Tree, reading: Reading) -> Hep:
    if isinstance(tree, Scalar):
        raise RefusedError("expected the settings of a collector: to, id, password")
    keys = HepKeys
    fields = read_fields(tree, HEP, reading)
    where: HostPort = fields[keys.TO]
    why = unusable(where.host, wildcard=False)
    if why is not None:
        raise RefusedError(f"to: {where.host} is {why}")
    return Hep(where.host, where.port, fields[keys.ID], fields.get(keys.PASSWORD) or "")


class TraceKeys:
    """Keys of the section `trace`."""

    CALLS = Key(
        "calls",
        integer(0, MAX_CALLS),
        "So many of the last calls are kept with their SIP messages, for `softswitch ctl trace`. "
        "0: only those that are asked for.",
        default="0",
        example="200",
    )
    HEP = Key(
        "hep",
        section_kind(HEP, _read_hep),
        "Show every SIP message to a collector.",
        otherwise="nobody",
        example="{to: '192.0.2.9:9060'}",
    )


TRACE = Section(
    "trace",
    "What is kept and shown of SIP messages without anybody asking. Each message costs the switch "
    "some microseconds, and Homer some more; see tracing.md.",
    keys_of(TraceKeys),
    example="trace:\n  calls: 200\n  hep: {to: '192.0.2.9:9060', id: 2001}",
)


def read_tracing(tree: Tree, reading: Reading) -> Tracing:
    """The section trace; its defaults where a mistake leaves no value to take."""
    keys = TraceKeys
    try:
        fields: Fields = read_fields(tree, TRACE, reading)
    except MissingError:
        return Tracing()
    return Tracing(calls=fields[keys.CALLS], hep=fields.get(keys.HEP))
