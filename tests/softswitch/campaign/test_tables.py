import pytest

from config.model import Campaign, Hours, PlaceTable
from config.tables import shipped_places
from softswitch.campaign.regions import NOTHING_KNOWN
from softswitch.campaign.tables import Tables
from tests.support.call_facts import CALLER, RECEIVED, TABLES, at, configuration


def test_a_schedule_is_open_a_holiday_and_opens_next() -> None:
    assert TABLES.is_open("office", RECEIVED)
    assert not TABLES.is_open("gone", RECEIVED)
    assert not TABLES.is_holiday("office", RECEIVED)
    assert TABLES.next_opening("office", at("2026-11-20 13:00")) == at("2026-11-23 08:00")
    assert TABLES.next_opening("gone", RECEIVED) is None


def test_the_zone_is_that_of_the_campaigns_hours_else_the_switchs() -> None:
    assert TABLES.time_zone(Campaign("c", "t", hours="office")) == "America/Los_Angeles"
    assert TABLES.time_zone(Campaign("c", "t", hours="gone")) == "UTC"
    assert TABLES.time_zone(Campaign("c", "t")) == "UTC"


def test_nobody_is_known_to_be_nowhere() -> None:
    assert TABLES.about("") is NOTHING_KNOWN
    assert not TABLES.in_region("State Level", NOTHING_KNOWN, "")
    assert TABLES.in_region("State Level", TABLES.about(CALLER), CALLER)
    assert not TABLES.in_region("gone", TABLES.about(CALLER), CALLER)


def test_callers_are_located_by_the_table_named_else_by_the_one_shipped() -> None:
    own = Tables(configuration(places={"own": PlaceTable("own", {"85004": (1.0, 2.0)})}))
    assert own.locate("own", ("zip",), {"zip": "85004"}) == ("zip", (1.0, 2.0))
    assert own.locate("gone", ("zip",), {"zip": "85004"}) is None
    shipped = ("area_code", shipped_places().rows["602"])
    assert own.locate(None, ("zip", "area_code"), {"zip": "85004", "area_code": "602"}) == shipped


def test_a_caller_without_number_but_with_a_jip_has_a_state() -> None:
    assert TABLES.about("", "602555").state == "AZ"


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
def test_schedules_of_any_zone_are_made_ready(zone: str) -> None:
    tables = Tables(configuration(hours={"h": Hours("h", zone, ())}))
    assert not tables.is_open("h", RECEIVED)
