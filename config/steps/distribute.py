"""The step distribute: give the call to one of several campaigns."""

from config import hints
from config.document import Scalar, Tree
from config.expression import AMOUNT, CONDITION
from config.kinds import CAMPAIGN_NAME, integer, list_of, one_of
from config.model import CampaignShare, Distribute, Location, Node
from config.reading import Key, Kind, Reading, Section, keys_of, read_fields
from config.steps.dial_keys import POLICIES
from config.steps.lists import STEPS


class ShareKeys:
    """Keys of one campaign among others."""

    CAMPAIGN = Key("campaign", CAMPAIGN_NAME, "Its name.", required=True, example="spring-sale")
    WEIGHT = Key(
        "weight",
        integer(1, 1000),
        "Its share of the calls, with `choose: weighted`.",
        default="1",
        example="3",
    )
    WHEN = Key(
        "when",
        CONDITION,
        "It takes part only when this holds.",
        otherwise="always",
        example='caller.line_type = "mobile"',
    )
    PRICE = Key(
        "price",
        AMOUNT,
        "What it bids for the call, with `choose: price`.",
        otherwise="the campaign's",
        example="12.50",
    )


SHARE = Section(
    "a share",
    "A campaign among which calls are distributed.",
    keys_of(ShareKeys),
    short="the name of the campaign alone",
    example="{campaign: spring-sale, weight: 3}",
)


def _read_share(tree: Tree, reading: Reading) -> CampaignShare:
    keys = ShareKeys
    if isinstance(tree, Scalar):
        return CampaignShare(CAMPAIGN_NAME.read(tree, reading))
    fields = read_fields(tree, SHARE, reading)
    return CampaignShare(
        campaign=fields[keys.CAMPAIGN],
        weight=fields[keys.WEIGHT],
        when=fields.get(keys.WHEN),
        price=fields.get(keys.PRICE),
    )


class DistributeKeys:
    """Keys of a distribute step."""

    CHOOSE = Key(
        "choose",
        one_of(POLICIES),
        "As for connect; `price` is the campaign's bid, `availability` its free places under its "
        "cap of calls at once.",
        default="order",
        example="price",
    )
    CAMPAIGNS = Key(
        "campaigns",
        list_of(Kind("a campaign", _read_share, hints.section("a share")), most=100, doubles=True),
        "The campaigns.",
        required=True,
        example="[{campaign: spring-sale, weight: 3}]",
    )
    ELSE = Key(
        "else",
        STEPS,
        "Steps when none of them takes the call.",
        otherwise="the step after this",
        example='[play: "We cannot take your call."]',
    )


DISTRIBUTE = Section(
    "distribute",
    "Gives the call to a campaign that is open, whose region the caller is in and that is below "
    "its caps, and goes on with its treatment. From then on the call counts for that campaign.",
    keys_of(DistributeKeys),
    example="- distribute:\n    choose: price\n    campaigns: [plumbers, electricians]\n"
    "    else: [hang_up]",
)


def read_distribute(name: str, tree: Tree, location: Location, reading: Reading) -> Node:
    """Campaigns among which the call is distributed."""
    keys = DistributeKeys
    fields = read_fields(tree, DISTRIBUTE, reading)
    return Distribute(
        name=name,
        policy=fields[keys.CHOOSE],
        campaigns=fields[keys.CAMPAIGNS],
        otherwise=fields.get(keys.ELSE) or (),
        location=location,
    )
