import subprocess
import sys

import phonenumbers
import pytest
from phonenumbers import timezone

from config.tables.codes import STATES
from softswitch.campaign.nanp import PROVINCES, STATE_OF_AREA_CODE, TOLL_FREE

# In a process of its own: the library's places take 100 MB.
GEOCODER = """
from phonenumbers.geodata import GEOCODE_DATA
for prefix, names in GEOCODE_DATA.items():
    if prefix.startswith("1") and len(prefix) == 4 and "en" in names:
        print(prefix[1:], names["en"], sep=";")
"""
OTHER_NAMES = {
    "Washington D.C.": "DC", "Washington State": "WA", "British Colombia": "BC",
}  # fmt: skip


@pytest.mark.slow
def test_area_codes_are_where_the_library_has_them() -> None:
    output = subprocess.run(
        [sys.executable, "-c", GEOCODER], capture_output=True, text=True, check=True, timeout=50
    ).stdout
    codes = {name: code for code, name in STATES.items()} | OTHER_NAMES
    places = dict(line.split(";") for line in output.splitlines())
    states = {code: codes[name] for code, name in places.items() if name in codes}
    assert len(states) > 300
    assert {code: STATE_OF_AREA_CODE.get(code) for code in states} == states


def test_every_state_is_one_of_the_language() -> None:
    assert set(STATE_OF_AREA_CODE.values()) | {"NS", "PE", "NT", "NU", "YT"} == set(STATES)
    assert set(STATES) > PROVINCES


def test_toll_free_codes_belong_to_no_state() -> None:
    assert not TOLL_FREE & set(STATE_OF_AREA_CODE)
    for code in TOLL_FREE:
        number = phonenumbers.parse(f"+1{code}2345678", None)
        assert phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.TOLL_FREE


@pytest.mark.parametrize(
    ("code", "zone"),
    [("212", "America/New_York"), ("602", "America/Phoenix"), ("808", "Pacific/Honolulu")],
)
def test_the_library_knows_the_zone_of_an_area_code(code: str, zone: str) -> None:
    number = phonenumbers.parse(f"+1{code}2345678", None)
    assert timezone.time_zones_for_number(number) == (zone,)
