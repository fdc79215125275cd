"""Which fields tell a trunk who calls, and of whom they are silent."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.model import IdentityField, NumberRule, Trunk, TrunkIdentity, TrunkNumbers
from softswitch.routing.written_identity import MAX_PASSED, CallIdentity, identity_fields

SHOWN = '"Pat" <sip:+16025550100@192.0.2.9>'
CALLED = "+18666831950"
URI = "sip:+16025551234@192.0.2.1"
RECEIVED = (
    ("P-Asserted-Identity", '"Pat" <sip:+16025550100@gw.example;x=1>, <tel:+16025550100>'),
    ("P-Charge-Info", "<sip:+16025550199@gw.example>;npi=ISDN"),
    ("Remote-Party-ID", "<sip:+16025550100@gw.example>;party=calling;screen=yes"),
    ("Remote-Party-ID", "<sip:+18666831950@gw.example>;party=called"),
    ("Diversion", "<sip:+16025550177@gw.example>;reason=user-busy, <sip:+16025550188@gw.example>"),
    ("History-Info", "<sip:+16025550188@gw.example?Reason=SIP%3Bcause%3D486>;index=1"),
    ("History-Info", "<sip:+18666831950@192.0.2.9>;index=1.1;mp=1"),
)
EVERY: tuple[IdentityField, ...] = (
    "P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID", "Diversion", "History-Info",
    "P-Charge-Info",
)  # fmt: skip
ASSERTED: tuple[IdentityField, ...] = ("P-Asserted-Identity", "P-Preferred-Identity")


def call(**changes: Any) -> CallIdentity:
    known = CallIdentity(
        shown=SHOWN, true="", private=False, is_callers=True, called=CALLED, uri=URI,
        received=RECEIVED, believed=True,
    )  # fmt: skip
    return msgspec.structs.replace(known, **changes)


def private(*, trusted_true: str = "", **changes: Any) -> CallIdentity:
    return call(shown="", true=trusted_true, private=True, **changes)


def fields(
    who: CallIdentity,
    *,
    write: tuple[IdentityField, ...] = (),
    passed: tuple[IdentityField, ...] = (),
    trusted: bool = False,
    numbers: TrunkNumbers | None = None,
) -> list[tuple[str, str]]:
    trunk = Trunk(
        "carrier", "192.0.2.1", trusted=trusted, numbers=numbers,
        caller_identity=TrunkIdentity(write, passed),
    )  # fmt: skip
    return list(identity_fields(trunk, who, home="US", host="192.0.2.9"))


def test_nothing_is_told_unless_the_trunk_says_so() -> None:
    assert identity_fields(Trunk("c", "h"), call(), home="US", host="h") == ()
    assert fields(call()) == []


def test_the_shown_caller_is_asserted_preferred_and_the_remote_party() -> None:
    found = fields(call(), write=(*ASSERTED, "Remote-Party-ID"))
    assert found == [
        ("P-Asserted-Identity", SHOWN),
        ("P-Preferred-Identity", SHOWN),
        ("Remote-Party-ID", f"{SHOWN};party=calling;screen=yes;privacy=off"),
    ]


def test_nobody_is_asserted_where_nobody_is_shown() -> None:
    assert fields(call(shown="", is_callers=False), write=(*ASSERTED, "Remote-Party-ID")) == []


def test_a_private_caller_is_told_to_no_trunk_that_is_not_trusted() -> None:
    """RFC 3325 section 7: "the proxy MUST remove all the P-Asserted-Identity header fields"."""
    every: tuple[IdentityField, ...] = (
        "P-Asserted-Identity",
        "P-Preferred-Identity",
        "Remote-Party-ID",
        "P-Charge-Info",
    )
    who = private(trusted_true=SHOWN)
    assert fields(who, write=(*ASSERTED, "Remote-Party-ID"), passed=every) == []
    assert fields(who, passed=("History-Info",)) == []


def test_a_number_of_ours_is_asserted_for_a_private_caller_too() -> None:
    ours = call(private=True, is_callers=False, shown="<sip:+18005550000@192.0.2.9>")
    every: tuple[IdentityField, ...] = ("P-Asserted-Identity", "Remote-Party-ID")
    assert fields(ours, write=every, passed=every) == [
        ("P-Asserted-Identity", ours.shown),
        ("Remote-Party-ID", f"{ours.shown};party=calling;screen=yes;privacy=off"),
    ]
    # But where the call has been stays here.
    assert fields(ours, passed=("History-Info",)) == []


def test_a_private_caller_is_told_to_a_trusted_trunk() -> None:
    found = fields(
        private(trusted_true=SHOWN), write=("P-Asserted-Identity", "Remote-Party-ID"), trusted=True
    )
    assert found == [
        ("P-Asserted-Identity", SHOWN),
        ("Remote-Party-ID", f"{SHOWN};party=calling;screen=yes;privacy=full"),
    ]


def test_what_a_trusted_trunk_has_said_is_passed_on() -> None:
    found = fields(call(), passed=("P-Asserted-Identity", "P-Charge-Info", "Remote-Party-ID"))
    assert found == [
        ("P-Asserted-Identity", '"Pat" <sip:+16025550100@gw.example;x=1>'),
        ("P-Asserted-Identity", "<tel:+16025550100>"),
        ("Remote-Party-ID", "<sip:+16025550100@gw.example>;party=calling;screen=yes"),
        ("P-Charge-Info", "<sip:+16025550199@gw.example>;npi=ISDN"),
    ]


@pytest.mark.parametrize("changes", [{"believed": False}, {"is_callers": False}])
def test_who_calls_is_not_passed_on_unbelieved_nor_where_another_number_is_shown(
    changes: dict[str, bool],
) -> None:
    passed: tuple[IdentityField, ...] = ("P-Asserted-Identity", "P-Charge-Info", "Remote-Party-ID")
    assert fields(call(**changes), passed=passed) == []


def test_what_was_not_received_is_written_where_both_are_asked_for() -> None:
    both: tuple[IdentityField, ...] = ("P-Asserted-Identity",)
    assert fields(call(received=()), write=both, passed=both) == [("P-Asserted-Identity", SHOWN)]
    assert len(fields(call(), write=both, passed=both)) == 2


def test_the_number_called_is_the_latest_diversion() -> None:
    assert fields(call(), write=("Diversion",), passed=("Diversion",)) == [
        ("Diversion", f"<sip:{CALLED}@192.0.2.9>;reason=unconditional;counter=1"),
        ("Diversion", "<sip:+16025550177@gw.example>;reason=user-busy"),
        ("Diversion", "<sip:+16025550188@gw.example>"),
    ]
    assert fields(call(called=""), write=("Diversion",)) == []


def test_a_diversion_that_would_be_private_is_shown_to_trusted_trunks_alone() -> None:
    received = (("Diversion", "<sip:+16025550177@gw.example>;privacy=full"),)
    assert fields(call(received=received), passed=("Diversion",)) == []
    assert len(fields(call(received=received), passed=("Diversion",), trusted=True)) == 1


def test_history_goes_on_where_the_last_entry_was() -> None:
    assert fields(call(), write=("History-Info",), passed=("History-Info",)) == [
        ("History-Info", "<sip:+16025550188@gw.example?Reason=SIP%3Bcause%3D486>;index=1"),
        ("History-Info", "<sip:+18666831950@192.0.2.9>;index=1.1;mp=1"),
        ("History-Info", f"<{URI};cause=302>;index=1.1.1;mp=1.1"),
    ]


def test_history_begins_with_the_number_called() -> None:
    expected = [
        ("History-Info", f"<sip:{CALLED}@192.0.2.9>;index=1"),
        ("History-Info", f"<{URI};cause=302>;index=1.1;mp=1"),
    ]
    assert fields(call(), write=("History-Info",)) == expected
    both: tuple[IdentityField, ...] = ("History-Info",)
    assert fields(call(received=()), write=both, passed=both) == expected


def test_an_entry_of_the_history_that_would_be_private_is_left_out() -> None:
    received = (("History-Info", "<sip:+16025550188@gw.example?Privacy=history>;index=1"),)
    assert fields(call(received=received), passed=("History-Info",)) == []
    assert len(fields(call(received=received), passed=("History-Info",), trusted=True)) == 1


def test_numbers_have_the_trunks_form_and_display_names_stay() -> None:
    numbers = TrunkNumbers("DE", send_caller=NumberRule("national"))
    received = (
        ("P-Asserted-Identity", '"Jörg \\"X\\"" <sip:+4930123456;npdi@gw.example;user=phone>'),
        ("P-Asserted-Identity", "<tel:+4930123456>"),
        ("Diversion", "<sip:+4930999@gw.example>;reason=no-answer"),
    )
    found = fields(
        call(received=received, called="+4930123999"), numbers=numbers,
        write=("Diversion",), passed=("P-Asserted-Identity", "Diversion"),
    )  # fmt: skip
    assert found == [
        ("P-Asserted-Identity", '"Jörg \\"X\\"" <sip:030123456;npdi@gw.example;user=phone>'),
        ("P-Asserted-Identity", "<sip:030123456@192.0.2.9>"),
        ("Diversion", "<sip:030123999@192.0.2.9>;reason=unconditional;counter=1"),
        ("Diversion", "<sip:030999@gw.example>;reason=no-answer"),
    ]


def test_numbers_of_the_callers_trunk_are_read_in_its_form() -> None:
    found = fields(
        call(
            received=(("Diversion", "<sip:030123456@gw.example>"),),
            numbers=TrunkNumbers(receive_caller=NumberRule(strip="0", add="+49")),
        ),
        passed=("Diversion",),
    )
    assert found == [("Diversion", "<sip:+4930123456@gw.example>")]


@pytest.mark.parametrize(
    "value",
    ["<sip:a@b\r\nVia: x>", "<<<", "<sip:a@b>;x=\x00", "", ",,,", "<sip:a@b" + "c" * 5000 + ">"],
)
def test_what_cannot_be_read_is_not_passed_on(value: str) -> None:
    names: tuple[IdentityField, ...] = (
        "P-Asserted-Identity", "Remote-Party-ID", "Diversion", "History-Info", "P-Charge-Info",
    )  # fmt: skip
    found = fields(call(received=tuple((name, value) for name in names)), passed=names)
    assert not any("\r" in text or "\n" in text or "\0" in text for _, text in found)
    assert all(len(text) < 5000 for _, text in found)


_NASTY = st.one_of(
    st.text(max_size=60),
    st.from_regex(
        r'("[^"]*" )?<(sip|tel|sips|x):[^ ]{0,30}>(;[a-z]+=[^ ]{0,8}){0,3}', fullmatch=True
    ),
)


@given(
    lines=st.lists(st.tuples(st.sampled_from(EVERY), _NASTY), max_size=6),
    trusted=st.booleans(),
    hidden=st.booleans(),
    form=st.sampled_from((None, TrunkNumbers("DE", send_caller=NumberRule("national", "0", "9#")))),
)
def test_whatever_a_caller_writes_comes_out_as_one_line_or_not_at_all(
    lines: list[tuple[str, str]], trusted: bool, hidden: bool, form: TrunkNumbers | None
) -> None:
    who = (private if hidden else call)(received=tuple(lines), numbers=form)
    found = fields(who, write=EVERY[:-1], passed=EVERY, trusted=trusted, numbers=form)
    assert all(value.isprintable() for _, value in found)
    if hidden and not trusted:
        names = {name for name, _ in found}
        assert names <= {"Diversion", "History-Info"}


def test_a_call_that_goes_round_does_not_make_the_message_grow_for_ever() -> None:
    received = tuple(("Diversion", f"<sip:+1602555{n:04}@h>") for n in range(30))
    found = fields(call(received=received), write=("Diversion",), passed=("Diversion",))
    assert len(found) == MAX_PASSED + 1
