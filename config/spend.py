"""What outbound legs cost, and how much of it a campaign may spend: keys and checks of both.

Sums of an hour are of one currency, the switch's; knows nothing of how they are kept.
"""

from collections.abc import Mapping

from config.errors import Problems
from config.model import Campaign, Switch
from config.money import MONEY
from config.reading import Key

__all__ = ["COST", "MAX_SPEND_PER_HOUR", "check_spend"]

COST = Key(
    "cost",
    MONEY,
    "What a minute of a call to the trunk costs, in the currency of the switch, each minute that "
    "has begun: for `max_spend_per_hour` of campaigns.",
    otherwise="nothing",
    example="0.0085",
)
MAX_SPEND_PER_HOUR = Key(
    "max_spend_per_hour",
    MONEY,
    "What the campaign may spend within any hour, in the currency of the switch: what its outbound "
    "legs cost (`cost` of trunks) and what is paid out for its calls. Beyond it nobody is called "
    "for it any more (event `spend.reached`) until the hour has passed; calls that go on do so.",
    otherwise="as much as it likes",
    example="250.00",
)


def check_spend(switch: Switch, campaigns: Mapping[str, Campaign], problems: Problems) -> None:
    """Payouts of another currency cannot be added up with what trunks cost."""
    for campaign in campaigns.values():
        payout = campaign.payout
        if campaign.max_spend_per_hour is None or payout is None:
            continue
        if payout.currency != switch.currency:
            problems.add(
                campaign.location,
                f'campaign "{campaign.name}": max_spend_per_hour is in {switch.currency}, its '
                f"payouts are in {payout.currency}",
            )
