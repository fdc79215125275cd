"""The sections trunks, pools and campaigns: their keys, and the values made of them.

Numbers are `config.numbers`', treatments `config.steps`'. What takes more than one section to see
is checked by `config.references`.
"""

from config.addresses import SOURCE, TRUNK_ADDRESS
from config.document import Scalar, Table, Tree
from config.kinds import (
    BOOLEAN,
    CALLER_ID,
    CAMPAIGN_NAME,
    HEADER_NAME,
    NAME,
    TONE_PLAN,
    TREATMENT_NAME,
    TRUNK_NAME,
    duration,
    integer,
    list_of,
    one_of,
)
from config.model import Campaign, CodecName, Hold, Pool, Trunk
from config.reading import (
    Key,
    MissingError,
    Reading,
    RefusedError,
    Section,
    keys_of,
    note,
    read_fields,
)

_CODECS: tuple[CodecName, ...] = ("PCMU", "PCMA")
_HOLDS: tuple[Hold, ...] = ("pass", "local")


class TrunkKeys:
    """Keys of a trunk."""

    ADDRESS = Key(
        "address",
        TRUNK_ADDRESS,
        "The carrier: calls come from this host (any port) and go to this host and port.",
        required=True,
        example="${SOFTSWITCH_TRUNK:-127.0.0.1:5080}",
    )
    SOURCES = Key(
        "sources",
        list_of(SOURCE, most=100),
        "Further hosts and networks calls may come from.",
        otherwise="none",
        example="[192.0.2.7, 198.51.100.0/24]",
    )
    TRUSTED = Key(
        "trusted",
        BOOLEAN,
        "Whether its P-Asserted-Identity is believed.",
        default="false",
        example="true",
    )
    MAX_CALLS = Key(
        "max_calls",
        integer(1, 100_000),
        "Legs at once on this trunk, incoming and outgoing together.",
        otherwise="no limit",
        example="200",
    )
    PASS_HEADERS = Key(
        "pass_headers",
        list_of(HEADER_NAME, most=50),
        "Header fields of an incoming INVITE that are passed on to this trunk. All others stop at "
        "the switch.",
        otherwise="none",
        example="[X-Click-Id]",
    )
    HOLD = Key(
        "hold",
        one_of(_HOLDS),
        "A hold by the other party is passed on to this trunk, or kept within the switch.",
        default="pass",
        example="local",
    )
    CODECS = Key(
        "codecs",
        list_of(one_of(_CODECS), most=2),
        "Codecs offered and accepted, the best first.",
        otherwise="PCMU, then PCMA",
        example="[PCMA, PCMU]",
    )


class PoolKeys:
    """Keys of a pool."""

    PARAMETERS = Key(
        "parameters",
        list_of(NAME, most=10),
        "Names of its parameters, in order. Each of its numbers gives a value to every one.",
        required=True,
        example="[website, location, path]",
    )
    CAMPAIGN = Key(
        "campaign", CAMPAIGN_NAME, "Campaign of its numbers that name none.", example="spring-sale"
    )
    PUBLISHER = Key(
        "publisher", NAME, "Publisher of its numbers that name none.", example="news-site"
    )


class CampaignKeys:
    """Keys of a campaign."""

    TREATMENT = Key(
        "treatment",
        TREATMENT_NAME,
        "The treatment its calls get.",
        required=True,
        example="sales-menu",
    )
    PUBLISHER = Key(
        "publisher", NAME, "Party credited for calls to numbers that name none.", example="p1"
    )
    CALLER_ID = Key(
        "caller_id",
        CALLER_ID,
        "What destinations see as calling: the caller, the number called, or a fixed number.",
        default="original",
        example="+1 602 555 0100",
    )
    RINGBACK = Key(
        "ringback",
        TONE_PLAN,
        "Country of the tones an answered caller hears while a destination rings.",
        default="us",
        example="uk",
    )
    MAX_CALL_TIME = Key(
        "max_call_time",
        duration("1 s", "24 h"),
        "Longest call.",
        otherwise="the switch's",
        example="1 h",
    )
    TRUNK = Key(
        "trunk",
        TRUNK_NAME,
        "Trunk of destinations that name none.",
        otherwise="the only trunk, when there is one",
        example="carrier",
    )


TRUNK = Section(
    "a trunk",
    "A carrier or gateway. Calls from any other host are refused with 403.",
    keys_of(TrunkKeys),
    short="its address alone",
    example="trunks:\n  carrier: 192.0.2.1:5060",
)
POOL = Section(
    "a pool",
    "A ring pool: numbers that each stand for a set of parameter values.",
    keys_of(PoolKeys),
    example="pools:\n  ad-placement:\n    parameters: [website, location, path]",
)
CAMPAIGN = Section(
    "a campaign",
    "What numbers are advertised for.",
    keys_of(CampaignKeys),
    short="the name of its treatment alone",
    example="campaigns:\n  spring-sale:\n    treatment: sales-menu\n    publisher: p1",
)


def read_trunk(name: str, tree: Tree, reading: Reading) -> Trunk | None:
    """One trunk: its settings, or its address alone."""
    keys = TrunkKeys
    if isinstance(tree, Scalar):
        try:
            found = TRUNK_ADDRESS.read(tree, reading)
        except RefusedError as error:
            note(reading, error, tree, name)
            return None
        return Trunk(name, found.host, found.port, found.transport, location=tree.location)
    try:
        fields = read_fields(tree, TRUNK, reading)
        where = fields[keys.ADDRESS]
    except MissingError:
        return None
    return Trunk(
        name=name,
        host=where.host,
        port=where.port,
        transport=where.transport,
        sources=fields.get(keys.SOURCES) or (),
        trusted=fields[keys.TRUSTED],
        max_calls=fields.get(keys.MAX_CALLS),
        pass_headers=fields.get(keys.PASS_HEADERS) or (),
        hold=fields[keys.HOLD],
        codecs=fields.get(keys.CODECS) or _CODECS,
        location=fields.place(keys.ADDRESS),
    )


def read_pool(name: str, tree: Tree, reading: Reading) -> Pool | None:
    """One pool."""
    try:
        fields = read_fields(tree, POOL, reading)
        return Pool(
            name=name,
            parameters=fields[PoolKeys.PARAMETERS],
            campaign=fields.get(PoolKeys.CAMPAIGN),
            publisher=fields.get(PoolKeys.PUBLISHER),
            location=fields.place(PoolKeys.CAMPAIGN),
        )
    except MissingError:
        return None


def read_campaign(name: str, tree: Tree, reading: Reading) -> Campaign | None:
    """One campaign: its settings, or the name of its treatment alone."""
    keys = CampaignKeys
    if isinstance(tree, Scalar) and not tree.absent:
        tree = Table(tree.file, tree.mark, {keys.TREATMENT.name: tree})
    trunks = reading.names.get("trunks", ())
    try:
        fields = read_fields(tree, CAMPAIGN, reading)
        return Campaign(
            name=name,
            treatment=fields[keys.TREATMENT],
            publisher=fields.get(keys.PUBLISHER),
            caller_id=fields[keys.CALLER_ID],
            ringback=fields[keys.RINGBACK],
            max_call_seconds=fields.get(keys.MAX_CALL_TIME),
            trunk=fields.get(keys.TRUNK) or (next(iter(trunks)) if len(trunks) == 1 else None),
            location=tree.location,
        )
    except MissingError:
        return None
