"""What is different between two configurations, and what needs a restart."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from config.difference import (
    KEYS,
    RESTART,
    Difference,
    differences,
    needs_restart,
    with_running_settings,
)
from config.model import Configuration, SwitchTls
from config.schema import ONE_EACH, schema
from tests.support.configurations import loaded

TEXT = """
switch: {listen: "127.0.0.1:5060", max_calls: 100}
trunks: {carrier: 192.0.2.1}
numbers:
  +1 866 683 1950: c
  1000: {campaign: c, as_is: true}
campaigns: {c: t}
treatments: {t: [hang_up: 603]}
"""


def changed(old: str, new: str) -> Configuration:
    assert old in TEXT
    return loaded(TEXT.replace(old, new))


def told(old: str, new: str) -> list[Difference]:
    return list(differences(loaded(TEXT), changed(old, new)))


def test_the_same_text_moved_about_is_no_difference() -> None:
    moved = TEXT.replace("trunks: {carrier: 192.0.2.1}\n", "") + "trunks: {carrier: 192.0.2.1}\n"
    assert list(differences(loaded(TEXT), loaded(moved))) == []


def test_each_thing_is_told_by_its_section_and_name() -> None:
    assert told("t: [hang_up: 603]", "t: [hang_up: 486]") == [
        Difference("treatments", "t", "changed")
    ]
    assert told("t: [hang_up: 603]", "t: [hang_up: 603], u: [hang_up: 486]") == [
        Difference("treatments", "u", "added")
    ]
    assert told("max_calls: 100", "max_calls: 99") == [Difference("switch", "max_calls", "changed")]


def test_settings_are_told_by_their_keys_in_the_file() -> None:
    assert told("5060", "5070") == [Difference("switch", "listen", "changed")]
    ports = "max_calls: 100, rtp_ports: 1024-2047, grace_time: 3 s"
    assert {one.name for one in told("max_calls: 100", ports)} == {"rtp_ports", "grace_time"}
    ports = "max_calls: 100, rtp_ports: 1024-2047"
    assert told("max_calls: 100", ports) == [Difference("switch", "rtp_ports", "changed")]


@pytest.mark.parametrize("section", ONE_EACH)
def test_no_field_that_is_told_is_anything_but_a_key(section: str) -> None:
    kind: Any = get_type_hints(Configuration)[section]
    kind = next(iter(get_args(kind)), kind)
    keys = KEYS.get(section, {})
    names = {keys.get(one.name, one.name) for one in fields(kind) if one.compare}
    assert names <= set(schema()["$defs"][section]["properties"])


def test_numbers_are_told_by_how_they_are_written() -> None:
    assert told("1000: {", "1001: {") == [
        Difference("numbers", "1001 (as it is)", "added"),
        Difference("numbers", "1000 (as it is)", "removed"),
    ]
    assert told("1950: c", "1950: {campaign: c, refuse: 480}") == [
        Difference("numbers", "+18666831950", "changed")
    ]


def test_what_needs_a_restart_is_named_by_its_key_and_keeps_its_value() -> None:
    before = loaded(TEXT)
    after = loaded(
        TEXT.replace("5060", "5070").replace(
            "max_calls: 100", "max_calls: 99, rtp_ports: 1024-2047"
        )
        + "hearing: {workers: 3}\ncontrol: {unix: off}\n"
    )
    assert needs_restart(before, after) == (
        "switch.listen", "switch.rtp_ports", "control.unix", "hearing.workers",
    )  # fmt: skip
    running = with_running_settings(before, after)
    assert running.switch.listen_port == 5060
    assert running.switch.rtp_last_port == before.switch.rtp_last_port
    assert running.switch.max_calls == 99
    assert running.control.unix
    assert running.hearing.workers == 1
    assert needs_restart(before, running) == ()


def test_a_certificate_may_change_but_not_come_or_go() -> None:
    tls = "control: {tls: {certificate: a.pem, key: a.key}}\n"
    before, after = loaded(TEXT), loaded(TEXT + tls)
    assert needs_restart(before, after) == ("control.tls",)
    assert with_running_settings(before, after).control.tls is None
    renewed = loaded(TEXT + tls.replace("a.pem", "b.pem"))
    assert needs_restart(after, renewed) == ()
    assert with_running_settings(after, renewed).control == renewed.control


def test_every_field_that_needs_a_restart_is_one_of_the_model() -> None:
    configuration = loaded(TEXT)
    for section, names in RESTART.items():
        known = {field.name for field in fields(getattr(configuration, section))}
        assert set(names) <= known


WEB = "trunks: {carrier: h}\nweb: {listen: '127.0.0.1:%d', origins: ['%s']}\n"


def test_a_listener_for_browsers_stays_where_it_is_and_takes_over_who_may_ask() -> None:
    before, after = loaded(WEB % (8022, "http://a")), loaded(WEB % (9000, "http://b"))
    none = loaded("trunks: {carrier: h}\n")
    assert needs_restart(before, after) == ("web.listen",)
    running = with_running_settings(before, after)
    assert running.web is not None
    assert (running.web.port, running.web.origins) == (8022, ("http://b",))
    assert needs_restart(before, running) == ()
    assert needs_restart(none, before) == needs_restart(before, none) == ("web.listen",)
    assert with_running_settings(none, before).web is None
    assert with_running_settings(before, none).web is None


def test_the_page_on_operation_names_whatever_needs_a_restart() -> None:
    text = Path("docs/operation.md").read_text(encoding="utf-8")
    (told,) = [part for part in text.split("\n* ") if "is named in `needs_restart`" in part]
    keys = {*RESTART["switch"].values(), *RESTART["control"].values()}
    keys |= {field.name for field in fields(SwitchTls)} & {"verify", "client_certificates"}
    assert {key for key in keys if f"`{key}`" not in told} == set()
    before, after = (
        loaded(TEXT.replace('5060"', f'5060", tls: {{certificate: a, key: b, {one}}}'))
        for one in ("verify: true", "verify: false")
    )
    assert needs_restart(before, after) == ("switch.tls",)
