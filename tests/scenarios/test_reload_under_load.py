"""Fifty kinds of change, one after the other, while calls come and go all the time: each is in
force for the next call, no call is lost or treated by anything but what it began with."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import yaml

from media.wav import write_wav
from tests.support.control import ControlPeer, Refused
from tests.support.phone import Phone
from tests.support.ports import free_rtp_range
from tests.support.program import Switch
from tests.support.rtp_end import RtpEnd
from tests.support.sipp import Sipp, needs_sipp

Tree = dict[str, Any]

RATE = 10
PACE_SECONDS = 0.1
"""Between changes, so that calls begin under each of them."""
HOLD_MS = 1500
STEADY = "100001"
PROBED = "300001"
"""A number whose call is refused, with a status that tells by what."""
POOLED = "+18888695345"
TOKEN = "s3cret-s3cret-s3cret"


def base(folder: Path) -> Tree:
    write_wav(folder / "hello.wav", np.full(1600, 100, np.int16))
    return {
        "switch": {
            "listen": "${SOFTSWITCH_SIP}",
            "rtp_ports": "${SOFTSWITCH_RTP}",
            "control": "${SOFTSWITCH_CONTROL}",
            "data": "${SOFTSWITCH_DATA}",
            "database": "${SOFTSWITCH_DATABASE}",
            "without_synthesiser": "chime",
        },
        "trunks": {"carrier": {"address": "${SOFTSWITCH_TRUNK}"}},
        "numbers": {
            "1xxxxx": {"campaign": "steady", "as_is": True},
            "300001": {"campaign": "probed", "as_is": True},
            "300002": {"campaign": "other", "as_is": True},
        },
        "campaigns": {
            "steady": {"treatment": "direct", "trunk": "carrier"},
            "probed": {"treatment": "declines", "trunk": "carrier"},
            "other": {"treatment": "busy", "trunk": "carrier"},
        },
        "treatments": {
            "direct": [{"connect": "called"}],
            "declines": [{"hang_up": 603}],
            "busy": [{"hang_up": 486}],
        },
    }


class Kind(NamedTuple):
    """A kind of change."""

    change: Callable[[Tree], object]
    told: str
    """Section and name, as they are told."""
    probe: tuple[str, int] | None = None
    """A number, and what its calls are refused with from now on."""


def put(*path: str, value: Any) -> Callable[[Tree], None]:
    """A change: something stands at a place."""

    def change(tree: Tree) -> None:
        for name in path[:-1]:
            tree = tree.setdefault(name, {})
        tree[path[-1]] = value

    return change


def drop(*path: str) -> Callable[[Tree], None]:
    """A change: nothing stands at a place any more."""

    def change(tree: Tree) -> None:
        for name in path[:-1]:
            tree = tree[name]
        del tree[path[-1]]

    return change


def as_is(campaign: str, **more: Any) -> Tree:
    return {"campaign": campaign, "as_is": True, **more}


CONNECT = {"to": "+16025551234", "ring_time": "5 s"}
KINDS = (
    # Numbers.
    Kind(put("numbers", "300003", value=as_is("probed")), "numbers 300003 (as it is)",
         ("300003", 603)),
    Kind(put("numbers", "300003", value=as_is("other")), "numbers 300003 (as it is)",
         ("300003", 486)),
    Kind(put("numbers", "300003", "refuse", value=480), "numbers 300003 (as it is)",
         ("300003", 480)),
    Kind(put("numbers", "300003", "publisher", value="p1"), "numbers 300003 (as it is)"),
    Kind(put("numbers", "300003", "parameters", value={"keyword": "fans"}),
         "numbers 300003 (as it is)"),
    Kind(drop("numbers", "300003"), "numbers 300003 (as it is)", ("300003", 404)),
    Kind(put("numbers", "31xxxx", value=as_is("other")), "numbers 31XXXX (as it is)",
         ("310000", 486)),
    Kind(put("numbers", "+1 602 555 7777", value="probed"), "numbers +16025557777",
         ("+16025557777", 603)),
    Kind(put("numbers", "sip:sales@example.org", value="probed"), "numbers sip:sales@example.org"),
    # Treatments and campaigns.
    Kind(put("treatments", "declines", value=[{"hang_up": 480}]), "treatments declines",
         (PROBED, 480)),
    Kind(put("treatments", "gone", value=[{"hang_up": 410}]), "treatments gone"),
    Kind(put("campaigns", "probed", "treatment", value="gone"), "campaigns probed", (PROBED, 410)),
    Kind(put("treatments", "asks", value=[{"menu": {
        "prompt": {"tone": "chime"}, "choices": {"1": "hang_up"}}}]), "treatments asks"),
    Kind(lambda tree: tree["treatments"]["asks"][0]["menu"]["choices"].update({"2": "hang_up"}),
         "treatments asks"),
    Kind(put("treatments", "sells", value=[{"connect": CONNECT}]), "treatments sells"),
    Kind(put("treatments", "sells", value=[{"connect": {**CONNECT, "ring_time": "9 s"}}]),
         "treatments sells"),
    Kind(put("treatments", "sells", value=[{"connect": {**CONNECT, "whisper": "A call."}}]),
         "treatments sells"),
    Kind(put("treatments", "plays", value=[{"play": {"wav": "hello.wav"}}]), "treatments plays"),
    Kind(put("campaigns", "sold", value={"treatment": "sells", "trunk": "carrier"}),
         "campaigns sold"),
    Kind(put("campaigns", "sold", "caller_id", value="called"), "campaigns sold"),
    Kind(put("campaigns", "sold", "publisher", value="p2"), "campaigns sold"),
    Kind(put("campaigns", "sold", "max_call_time", value="1 h"), "campaigns sold"),
    Kind(put("campaigns", "sold", "headers", value={"X-Keyword": "{called.number}"}),
         "campaigns sold"),
    Kind(put("campaigns", "sold", "attributes", value={"state": "caller.state"}),
         "campaigns sold"),
    Kind(put("campaigns", "sold", "notice", value="Recorded, {publisher}."), "campaigns sold"),
    Kind(put("campaigns", "sold", "record", value=True), "campaigns sold"),
    Kind(put("campaigns", "sold", "rating", value=["low"]), "campaigns sold"),
    Kind(put("campaigns", "sold", "payout", value="5.00"), "campaigns sold"),
    Kind(put("campaigns", "sold", "payout", value={"base": ["5.00"], "repeat": "30 days"}),
         "campaigns sold"),
    Kind(put("campaigns", "sold", "caps", value={"day": {"kind": "daily", "limit": 3}}),
         "campaigns sold"),
    Kind(put("campaigns", "sold", "fraud", value={"short": {
        "when": "short_calls(1 h, 10 s) >= 500", "for": "1 h"}}), "campaigns sold"),
    # What campaigns ask.
    Kind(put("hours", "never", value={"open": "Mon 3:00-3:01", "holidays": []}), "hours never"),
    Kind(put("campaigns", "probed", "hours", value="never"), "campaigns probed", (PROBED, 480)),
    Kind(put("campaigns", "probed", "after_hours", value="busy"), "campaigns probed",
         (PROBED, 486)),
    Kind(put("hours", "never", "open", value="Mon-Sun 0:00-24:00"), "hours never", (PROBED, 410)),
    Kind(put("regions", "far", value={"states": ["AK"]}), "regions far"),
    Kind(put("campaigns", "probed", "regions", value=["far"]), "campaigns probed", (PROBED, 480)),
    Kind(put("regions", "far", "states", value=["AZ"]), "regions far", (PROBED, 410)),
    Kind(put("lists", "nuisance", value={"numbers": ["+1 602 555 0199"]}), "lists nuisance"),
    Kind(put("campaigns", "probed", "blocked", value={"lists": ["nuisance"], "then": "busy"}),
         "campaigns probed", (PROBED, 410)),
    Kind(put("lists", "nuisance", "numbers", value=["+1 602 555 0100"]), "lists nuisance",
         (PROBED, 486)),
    # Trunks.
    Kind(put("trunks", "second", value="192.0.2.7:5060"), "trunks second"),
    Kind(put("trunks", "second", value={"address": "192.0.2.8:5060"}), "trunks second"),
    Kind(put("trunks", "second", "max_calls", value=5), "trunks second"),
    Kind(put("trunks", "carrier", "sources", value=["198.51.100.0/24"]), "trunks carrier"),
    Kind(put("trunks", "carrier", "trusted", value=True), "trunks carrier"),
    Kind(put("trunks", "carrier", "codecs", value=["PCMA", "PCMU"]), "trunks carrier"),
    Kind(put("trunks", "carrier", "max_calls", value=900), "trunks carrier"),
    Kind(drop("trunks", "second"), "trunks second"),
    # Pools.
    Kind(put("pools", "ads", value={"parameters": ["a"], "campaign": "probed",
                                    "numbers": [POOLED]}), "pools ads", (POOLED, 486)),
    Kind(put("pools", "ads", "overflow", value="+1 888 869 5399"), "pools ads"),
    Kind(put("stocks", "spare", value={"numbers": ["+1 800 123 8888"]}), "stocks spare"),
    Kind(lambda tree: tree["pools"]["ads"].update(stock="spare", maximum_size=2), "pools ads"),
    Kind(put("pools", "ads", "numbers", value=[POOLED, "+1 888 869 5346"]),
         "numbers +18888695346"),
    Kind(lambda tree: [tree.pop(name) for name in ("pools", "stocks")], "pools ads",
         (POOLED, 404)),
    # The switch and who may speak to it.
    Kind(put("switch", "max_calls", value=400), "switch max_calls"),
    Kind(put("switch", "no_media_time", value="90 s"), "switch no_media_time"),
    Kind(put("switch", "log_level", value="warning"), "switch log_level"),
    Kind(put("control", "tokens", value={"crm": {"secret": TOKEN, "roles": ["control"]}}),
         "control tokens"),
    Kind(put("webhooks", "crm", value={"url": "http://127.0.0.1:9/"}), "webhooks crm"),
    Kind(put("originate", value={"to": ["+1602*"], "at_once": 3}), "originate "),
)  # fmt: skip


class Traffic:
    """Calls that come and go until they are told to stop."""

    def __init__(self, folder: Path, switch: Switch) -> None:
        self._folder, self._switch = folder, switch
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._call)
        self.calls = 0
        self.failure: Exception | None = None

    def _call(self) -> None:
        try:
            while not self._over.is_set():
                with Sipp(
                    self._folder, "uac_plain.xml", remote=self._switch.address, service=STEADY,
                    calls=4 * RATE, rate=RATE, hold_ms=HOLD_MS, timeout=60,
                ) as uac:  # fmt: skip
                    self.calls += uac.wait().successful
        except (AssertionError, OSError) as failure:
            self.failure = failure

    def __enter__(self) -> Traffic:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(timeout=90)


def write(path: Path, tree: Tree) -> None:
    """As an editor does: whole, or not at all."""
    fresh = path.with_suffix(".tmp")
    fresh.write_text(yaml.safe_dump(tree, sort_keys=False))
    fresh.replace(path)


def changed(result: Any) -> Iterator[str]:
    for one in result["changes"]:
        yield f"{one['section']} {one['name']}"


@needs_sipp
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_no_call_is_lost_while_the_configuration_changes_in_fifty_ways(
    tmp_path: Path, dsn: str
) -> None:
    folder = tmp_path
    assert len(KINDS) >= 50
    tree = base(folder)
    path = folder / "switch.yaml"
    write(path, tree)
    probes = 0
    with Sipp(folder, "uas_basic.xml", timeout=250) as uas:
        switch = Switch(
            folder / "run", path, trunk=f"127.0.0.1:{uas.port}", rtp=free_rtp_range(600),
            environment={"SOFTSWITCH_DATABASE": dsn},
        )  # fmt: skip
        with switch, ControlPeer(switch.data / "control.sock") as peer:
            phone = Phone(switch.address, user="+16025550100")
            end = RtpEnd()
            with Traffic(folder, switch) as traffic:
                for kind in KINDS:
                    kind.change(tree)
                    write(path, tree)
                    result = peer.ask("config.reload")
                    assert kind.told in set(changed(result)), (kind.told, result)
                    assert result["needs_restart"] == []
                    if kind.probe is not None:
                        number, status = kind.probe
                        phone.invite(number, end.sdp()).expect(status, within=10)
                        probes += status != 404
                    assert peer.ask("config.reload", dry_run=True)["total"] == 0
                    time.sleep(PACE_SECONDS)
                write(path, {**tree, "trunks": {}})
                with pytest.raises(Refused):
                    peer.ask("config.reload")
            end.close()
            phone.close()
            assert traffic.failure is None, traffic.failure
            assert traffic.calls >= 50
            records = switch.wait_for_records(traffic.calls + probes, within=20)
            steady = [record for record in records if record["campaign"] == "steady"]
            assert len(steady) == traffic.calls
            assert {record["cause"] for record in steady} == {"hung_up"}
            assert all(record["talk_seconds"] for record in steady)
            versions = {record["config_version"] for record in steady}
            assert len(versions) > len(KINDS) / 2
        assert "Traceback" not in switch.output()
