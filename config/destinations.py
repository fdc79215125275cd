"""Destinations: whom a connect calls."""

from config.addresses import sip_uri_problem
from config.document import Scalar, Tree
from config.e164 import normalise
from config.errors import did_you_mean
from config.kinds import TRUNK_NAME, duration
from config.model import Destination
from config.reading import Key, Kind, Reading, RefusedError, Section, describe, keys_of, read_fields


def _read_number(tree: Tree, reading: Reading) -> Destination:
    says = NUMBER_KIND.says
    if not isinstance(tree, Scalar):
        raise RefusedError(f"expected {says}, {describe(tree)}")
    text = tree.text.strip()
    if text.lower() == "called":
        return Destination("called", location=tree.location)
    if text.lower().startswith(("sip:", "sips:")):
        problem = sip_uri_problem(text)
        if problem is not None:
            raise RefusedError(problem)
        return Destination("uri", text, location=tree.location)
    number = normalise(text, reading.country)
    if number is None:
        suggestion = did_you_mean(text, ("called",))
        raise RefusedError(f"expected {says}, {describe(tree)}", suggestion=suggestion)
    return Destination("number", number, location=tree.location)


NUMBER_KIND = Kind("a phone number, a SIP URI, or called", _read_number)
RING_TIME = duration("1 s", "10 min")


class DestinationKeys:
    """Keys of a destination."""

    NUMBER = Key(
        "number",
        NUMBER_KIND,
        "Whom to call. `called` is the number the caller dialled, kept as it was.",
        required=True,
        example="+1 602 555 1234",
    )
    TRUNK = Key(
        "trunk",
        TRUNK_NAME,
        "Trunk it is reached by. A SIP URI goes to its own host unless a trunk is named here.",
        otherwise="the campaign's",
        example="carrier",
    )
    RING_TIME = Key(
        "ring_time",
        RING_TIME,
        "How long it may ring.",
        otherwise="the connect's",
        example="20 s",
    )


DESTINATION = Section(
    "a destination",
    "One place a connect tries.",
    keys_of(DestinationKeys),
    short="its number alone",
    example="connect:\n  to:\n    - +1 602 555 1234\n"
    "    - {number: +1 602 555 9999, trunk: backup, ring_time: 20 s}",
)


def _read_destination(tree: Tree, reading: Reading) -> Destination:
    if isinstance(tree, Scalar):
        return _read_number(tree, reading)
    fields = read_fields(tree, DESTINATION, reading)
    found = fields[DestinationKeys.NUMBER]
    return Destination(
        found.kind,
        found.number,
        trunk=fields.get(DestinationKeys.TRUNK),
        ring_seconds=fields.get(DestinationKeys.RING_TIME),
        location=found.location,
    )


DESTINATION_KIND = Kind("a destination", _read_destination)
