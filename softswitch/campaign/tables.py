"""Everything conditions look things up in, indexed once for a snapshot of the configuration.

Regions, schedules, lists, prefix tables and places, by the names the configuration gives them. A
name that does not exist says no (a record may name one that a later configuration dropped).
"""

from collections.abc import Iterable, Mapping
from zoneinfo import ZoneInfo

from config.model import Campaign, Configuration, PlaceSource
from config.tables.shipped import shipped_places
from softswitch.campaign import hours as schedules
from softswitch.campaign.places import Place, locate
from softswitch.campaign.regions import NOTHING_KNOWN, NumberAbout, NumberIndex, PrefixSet
from softswitch.campaign.regions import in_region as region_has

__all__ = ["Tables"]


class Tables:
    """What the calls of one configuration look things up in; immutable but for what it remembers.

    Making one costs a few milliseconds and some more for each hundred thousand rows: made when a
    configuration is loaded, never for a call.
    """

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._index = NumberIndex(configuration.tables.values())
        self._region_prefixes = {
            name: PrefixSet(region.prefixes) for name, region in configuration.regions.items()
        }
        self._list_prefixes = {
            name: PrefixSet(numbers.prefixes) for name, numbers in configuration.lists.items()
        }
        # The first look-up reads what the libraries keep in files; not in a call, then.
        self._index.about("+12125550100")
        shipped_places()
        # Held, because the library itself remembers only a few that were read from their files.
        names = {schedule.time_zone for schedule in configuration.hours.values()}
        self._zones = [ZoneInfo(name) for name in names | {configuration.switch.time_zone}]

    def about(self, number: str, jip: str | None = None) -> NumberAbout:
        """What is known of a number in E.164, whose call started at the switch `jip`."""
        return self._index.about(number, jip) if number or jip else NOTHING_KNOWN

    def in_region(self, name: str, about: NumberAbout, number: str) -> bool:
        """Whether a caller is in a region."""
        region = self._configuration.regions.get(name)
        return region is not None and region_has(region, about, number, self._region_prefixes[name])

    def listed(self, name: str, number: str) -> bool:
        """Whether a number stands in a list, itself or by its beginning."""
        numbers = self._configuration.lists.get(name)
        if numbers is None or not number:
            return False
        return number in numbers.numbers or number in self._list_prefixes[name]

    def is_open(self, name: str, at: float) -> bool:
        """Whether a schedule is open; `at` is UTC in seconds."""
        hours = self._configuration.hours.get(name)
        return hours is not None and schedules.is_open(hours, at)

    def is_holiday(self, name: str, at: float) -> bool:
        """Whether it is a holiday of a schedule."""
        hours = self._configuration.hours.get(name)
        return hours is not None and schedules.is_holiday(hours, at)

    def next_opening(self, name: str, at: float) -> float | None:
        """When a schedule is open next; None when it never is."""
        hours = self._configuration.hours.get(name)
        return None if hours is None else schedules.next_opening(hours, at)

    def time_zone(self, campaign: Campaign) -> str:
        """The zone of a campaign's clock: that of its hours, else the switch's."""
        hours = self._configuration.hours.get(campaign.hours or "")
        return hours.time_zone if hours is not None else self._configuration.switch.time_zone

    def locate(
        self,
        table: str | None,
        sources: Iterable[PlaceSource],
        known: Mapping[PlaceSource, str | None],
    ) -> tuple[PlaceSource, Place] | None:
        """Where a caller is, by a table of places (None: the one shipped), and what told it."""
        places = self._configuration.places.get(table or "") if table else shipped_places()
        return None if places is None else locate(places, sources, known)
