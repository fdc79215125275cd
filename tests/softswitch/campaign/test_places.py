import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.model import PlaceSource, PlaceTable
from config.tables import shipped_places
from softswitch.campaign.nanp import STATE_OF_AREA_CODE
from softswitch.campaign.places import Place, distance_km, locate

PHOENIX, LOS_ANGELES, NEW_YORK = (33.45, -112.07), (34.05, -118.25), (40.71, -74.01)
PLACES = PlaceTable("p", {"85004": PHOENIX, "602": (33.4, -112.1), "212": NEW_YORK})

points = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


def test_distances_are_those_of_the_globe() -> None:
    assert distance_km(PHOENIX, LOS_ANGELES) == pytest.approx(574, abs=3)
    assert distance_km(LOS_ANGELES, NEW_YORK) == pytest.approx(3936, abs=10)
    assert distance_km((0, 179.5), (0, -179.5)) == pytest.approx(111.2, abs=0.1)


@given(points, points)
def test_a_distance_is_alike_both_ways_and_at_most_half_the_globe(one: Place, other: Place) -> None:
    there = distance_km(one, other)
    assert there == pytest.approx(distance_km(other, one), abs=1e-6)
    assert 0 <= there <= math.pi * 6371.1


def test_the_first_source_that_is_known_counts() -> None:
    known: dict[PlaceSource, str | None] = {"zip": "85004", "jip": "212555", "area_code": "602"}
    assert locate(PLACES, ("zip", "jip", "area_code"), known) == ("zip", PHOENIX)
    assert locate(PLACES, ("jip", "zip"), known) == ("jip", NEW_YORK)
    assert locate(PLACES, ("zip", "area_code"), {"zip": "99999", "area_code": "602"}) == (
        "area_code",
        (33.4, -112.1),
    )


def test_a_long_zip_is_looked_up_by_its_five_digits() -> None:
    assert locate(PLACES, ("zip",), {"zip": " 85004-1234"}) == ("zip", PHOENIX)


def test_what_is_not_known_is_nowhere() -> None:
    assert locate(PLACES, ("zip", "jip"), {"zip": None}) is None
    assert locate(PLACES, ("zip",), {"zip": ""}) is None
    assert locate(PLACES, (), {"zip": "85004"}) is None


def test_every_area_code_of_a_state_has_a_place_near_the_others_of_its_city() -> None:
    rows = shipped_places().rows
    assert set(STATE_OF_AREA_CODE) <= set(rows)
    assert distance_km(rows["602"], PHOENIX) < 20
    assert distance_km(rows["212"], NEW_YORK) < 20
