"""The steps that call destinations: connect, ring_group and nearest."""

from config.document import Table, Tree
from config.model import Choice, Connect, Destination, Location, Node
from config.reading import Fields, Reading, Section, keys_of, read_fields
from config.steps.dial_keys import (
    MAX_AT_ONCE,
    PLACE_SOURCES,
    ChooseKeys,
    DialKeys,
    NearestKeys,
    Strategy,
    StrategyKeys,
)
from config.steps.machine import check_machine

CONNECT = Section(
    "connect",
    "Calls destinations one after the other and bridges the first that answers. As the first step "
    "of a treatment, without a prompt, it is transparent: the caller hears the far end ring and is "
    "not answered before it is.",
    [*keys_of(DialKeys), *keys_of(ChooseKeys)],
    short="a destination or a list of them",
    example="- connect: +1 602 555 1234\n- connect: called\n"
    "- connect:\n    to: [+1 602 555 1234, +1 602 555 9999]\n    ring_time: 20 s",
)
RING_GROUP = Section(
    "ring_group",
    "Calls a group of telephones, all at once or one after the other, and bridges the first that "
    "answers. The others are cancelled and do not count the call as missed.",
    [*keys_of(StrategyKeys), *keys_of(DialKeys), *keys_of(ChooseKeys)],
    short="a list of destinations",
    example="- ring_group: [+1 602 555 1234, +1 602 555 9999]\n"
    "- ring_group:\n    strategy: sequential\n    choose: least_used\n    ring_time: 4 rings\n"
    "    to: [+1 602 555 1234, +1 602 555 9999]",
)
NEAREST = Section(
    "nearest",
    "Calls the destination nearest to the caller, then the next nearest.",
    [*keys_of(NearestKeys), *keys_of(DialKeys)],
    example="- nearest:\n    radius: 50 miles\n    zip: answer.zip\n    to:\n"
    '      - {number: +1 602 555 1234, place: "33.45, -112.07"}\n'
    '      - {number: +1 520 555 1234, place: "32.22, -110.97"}\n'
    '    outside: [play: "There is no store near you."]',
)


# Steps.


def _fields(tree: Tree, section: Section, reading: Reading) -> Fields:
    if not isinstance(tree, Table):
        tree = Table(tree.file, tree.mark, {DialKeys.TO.name: tree})
    return read_fields(tree, section, reading)


def _dial(
    name: str,
    fields: Fields,
    location: Location,
    reading: Reading,
    *,
    strategy: Strategy = "sequential",
    choice: Choice,
    outside: tuple[Node, ...] = (),
) -> Connect:
    """What the three steps have in common."""
    keys = DialKeys
    statuses = fields.get(keys.FAIL_OVER_ON)
    machine, message = check_machine(fields, reading)
    return Connect(
        name=name,
        destinations=fields[keys.TO],
        ring_seconds=fields[keys.RING_TIME],
        prompt=fields.get(keys.PROMPT),
        caller_id=fields.get(keys.CALLER_ID),
        ringback=fields.get(keys.RINGBACK),
        fail_over_on=None if statuses is None else frozenset(statuses),
        on_failure=fields.get(keys.ON_FAILURE) or (),
        after_agent=fields.get(keys.AFTER_AGENT) or (),
        after_caller=fields.get(keys.AFTER_CALLER) or (),
        max_seconds=fields.get(keys.MAX_TIME),
        strategy=strategy,
        choice=choice,
        whisper=fields.get(keys.WHISPER),
        accept=fields.get(keys.ACCEPT),
        machine=machine,
        message=message,
        act_on_tones=fields[keys.ACT_ON_TONES],
        send_dtmf=fields.get(keys.SEND_DTMF),
        headers=tuple((fields.get(keys.HEADERS) or {}).items()),
        outside=outside,
        credit=fields[keys.CREDIT],
        location=location,
    )


def read_connect(name: str, tree: Tree, location: Location, reading: Reading) -> Node:
    """connect: one after the other, in the order of a policy."""
    fields = _fields(tree, CONNECT, reading)
    _check_choice(fields, reading)
    return _dial(name, fields, location, reading, choice=Choice(fields[ChooseKeys.CHOOSE]))


def _check_choice(fields: Fields, reading: Reading) -> None:
    """An order is chosen by what the destinations say of themselves."""
    place, policy = fields.place(ChooseKeys.CHOOSE), fields[ChooseKeys.CHOOSE]
    destinations = fields[DialKeys.TO]
    if policy == "price" and all(one.price is None for one in destinations):
        reading.problems.add(place, "choose: no destination has a price", 'add "price"')
    if policy == "availability" and all(one.max_calls is None for one in destinations):
        reading.problems.add(place, "choose: no destination has max_calls", 'add "max_calls"')
    weighed = next((one for one in destinations if one.weight != 1), None)
    if weighed is not None and policy != "weighted":
        message = f"weight: it counts for nothing where the choice is {policy}"
        reading.problems.add(weighed.location, message, 'set "choose: weighted"')


def read_ring_group(name: str, tree: Tree, location: Location, reading: Reading) -> Node:
    """ring_group: at once unless it says sequential."""
    fields = _fields(tree, RING_GROUP, reading)
    strategy = fields[StrategyKeys.STRATEGY]
    count = len(fields[DialKeys.TO])
    if strategy == "simultaneous" and count > MAX_AT_ONCE:
        message = f"to: up to {MAX_AT_ONCE} telephones ring at once, not {count}"
        reading.problems.add(fields.place(DialKeys.TO), message, "strategy: sequential")
    if strategy == "simultaneous":
        _check_twice(fields[DialKeys.TO], reading)
        if ChooseKeys.CHOOSE in fields:
            message = "choose: there is no order where all ring at once"
            place = fields.place(ChooseKeys.CHOOSE)
            reading.problems.add(place, message, "strategy: sequential")
    else:
        _check_choice(fields, reading)
    choice = Choice(fields[ChooseKeys.CHOOSE])
    return _dial(name, fields, location, reading, strategy=strategy, choice=choice)


def _check_twice(destinations: tuple[Destination, ...], reading: Reading) -> None:
    """A telephone that rings already is busy for another call."""
    seen: set[tuple[str | None, str | None]] = set()
    for one in destinations:
        if one.kind in ("number", "uri") and one.when is None:
            if (one.number, one.trunk) in seen:
                message = f"to: {one.number} rings at once with itself"
                reading.problems.add(one.location, message, "name it once")
            seen.add((one.number, one.trunk))


def read_nearest(name: str, tree: Tree, location: Location, reading: Reading) -> Node:
    """nearest: every destination has a place."""
    keys = NearestKeys
    fields = _fields(tree, NEAREST, reading)
    for destination in fields[DialKeys.TO]:
        if destination.place is None:
            message = "to: a destination of nearest needs its place"
            hint = '{number: ..., place: "33.45, -112.07"}'
            reading.problems.add(destination.location, message, hint)
    choice = Choice(
        policy="nearest",
        place_from=fields.get(keys.FROM) or PLACE_SOURCES,
        zip=fields.get(keys.ZIP),
        radius_km=fields.get(keys.RADIUS),
        places=fields.get(keys.PLACES),
    )
    return _dial(
        name, fields, location, reading, choice=choice, outside=fields.get(keys.OUTSIDE) or ()
    )
