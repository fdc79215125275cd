"""The step connect."""

from config.destinations import DESTINATION_KIND, RING_TIME
from config.document import Table, Tree
from config.kinds import CALLER_ID, TONE_PLAN, duration, integer, list_of
from config.model import Connect, Location, Node
from config.prompts import PROMPT_KIND
from config.reading import Key, Reading, Section, keys_of, read_fields
from config.steps.lists import STEPS

_MAX_TIME = duration("1 s", "24 h")


class ConnectKeys:
    """Keys of a connect step."""

    TO = Key(
        "to",
        list_of(DESTINATION_KIND, most=20, doubles=True),
        "Destinations, tried in this order until one answers.",
        required=True,
        example="[+1 602 555 1234, +1 602 555 9999]",
    )
    RING_TIME = Key(
        "ring_time", RING_TIME, "How long each may ring.", default="30 s", example="20 s"
    )
    PROMPT = Key(
        "prompt",
        PROMPT_KIND,
        "Played to the caller, answering first, while the first destination is called.",
        otherwise="what the far end sends",
        example='"Please hold."',
    )
    CALLER_ID = Key(
        "caller_id",
        CALLER_ID,
        "What these destinations see as calling.",
        otherwise="the campaign's",
        example="called",
    )
    RINGBACK = Key(
        "ringback",
        TONE_PLAN,
        "Country of the tones an answered caller hears meanwhile.",
        otherwise="the campaign's",
        example="uk",
    )
    FAIL_OVER_ON = Key(
        "fail_over_on",
        list_of(integer(300, 699), most=100),
        "Statuses after which the next destination is tried, exactly these.",
        otherwise="every failure but 486, 487 and 6xx; 408 is no answer, 503 an unreachable host",
        example="[408, 480, 486, 503]",
    )
    ON_FAILURE = Key(
        "on_failure",
        STEPS,
        "Steps when nobody answered. Whatever follows the connect comes after them.",
        otherwise="the step after the connect, or the end of the call",
        example='[play: "All agents are busy."]',
    )
    MAX_TIME = Key(
        "max_time", _MAX_TIME, "Longest talk.", otherwise="the campaign's", example="30 min"
    )


CONNECT = Section(
    "connect",
    "Calls destinations one after the other and bridges the first that answers. As the first step "
    "of a treatment, without a prompt, it is transparent: the caller hears the far end ring and is "
    "not answered before it is.",
    keys_of(ConnectKeys),
    short="a destination or a list of them",
    example="- connect: +1 602 555 1234\n- connect: called\n"
    "- connect:\n    to: [+1 602 555 1234, +1 602 555 9999]\n    ring_time: 20 s",
)


def read_connect(name: str, tree: Tree, location: Location, reading: Reading) -> Node:
    keys = ConnectKeys
    if not isinstance(tree, Table):
        tree = Table(tree.file, tree.mark, {keys.TO.name: tree})
    fields = read_fields(tree, CONNECT, reading)
    statuses = fields.get(keys.FAIL_OVER_ON)
    return Connect(
        name=name,
        destinations=fields[keys.TO],
        ring_seconds=fields[keys.RING_TIME],
        prompt=fields.get(keys.PROMPT),
        caller_id=fields.get(keys.CALLER_ID),
        ringback=fields.get(keys.RINGBACK),
        fail_over_on=None if statuses is None else frozenset(statuses),
        on_failure=fields.get(keys.ON_FAILURE) or (),
        max_seconds=fields.get(keys.MAX_TIME),
        location=location,
    )
