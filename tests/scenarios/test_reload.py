"""Another configuration while calls go on: what changes, for whom, and what is refused."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.control import ControlPeer, Refused
from tests.support.program import command, wait_for
from tests.support.stage import CALLED_ID, DECLINED, DIRECT, POOLED, Stage

MakeStage = Callable[..., Stage]


def peer_of(stage: Stage) -> ControlPeer:
    return ControlPeer(("127.0.0.1", stage.switch.control_port))


def edit(stage: Stage, old: str, new: str) -> None:
    """Change the configuration file."""
    text = stage.switch.config.read_text()
    assert old in text
    stage.switch.config.write_text(text.replace(old, new))


def test_a_call_keeps_what_it_began_with_and_the_next_one_has_the_new(
    make_stage: MakeStage,
) -> None:
    stage = make_stage()
    with peer_of(stage) as peer:
        peer.ask("events.subscribe", kinds=["config.*"])
        before = peer.ask("status")["config_version"]
        bridge = stage.bridge()
        edit(stage, "direct: {treatment: direct,", "direct: {treatment: declined,")
        told = peer.ask("config.reload")
        assert told["before"] == before
        assert told["changes"] == [{"section": "campaigns", "name": "direct", "change": "changed"}]
        assert told["needs_restart"] == []
        facts = peer.event("config.reloaded")["facts"]
        assert (facts["version"], facts["changes"]) == (told["version"], 1)
        assert peer.ask("status")["config_version"] == told["version"] != before
        refused = stage.caller.invite(DIRECT, stage.rtp().sdp())
        refused.expect(603)
        refused.ack()
        bridge.hang_up()
        records = {record["config_version"]: record for record in stage.switch.wait_for_records(2)}
        assert records[before]["talk_seconds"] is not None
        assert records[told["version"]]["cause"] == "hang_up"


def test_a_file_with_mistakes_is_refused_with_all_of_them_and_nothing_changes(
    make_stage: MakeStage,
) -> None:
    stage = make_stage()
    good = stage.switch.config.read_text()
    with peer_of(stage) as peer:
        peer.ask("events.subscribe", kinds=["config.*"])
        before = peer.ask("status")["config_version"]
        edit(stage, "- hang_up: 603", "- hang_up: 99\n    - plai: x")
        with pytest.raises(Refused) as refused:
            peer.ask("config.reload")
        assert refused.value.reason == "configuration_invalid"
        errors = refused.value.data["errors"]
        assert len(errors) == 2
        assert all(error["file"].endswith("switch.yaml") and error["line"] for error in errors)
        assert peer.event("config.refused")["facts"]["errors"] == 2
        stage.switch.config.unlink()
        with pytest.raises(Refused, match="there is no such file"):
            peer.ask("config.reload")
        assert peer.ask("status")["config_version"] == before
        stage.bridge().hang_up()
        stage.switch.config.write_text(good)
        assert peer.ask("config.reload")["changes"] == []


def test_a_signal_reloads_and_the_log_has_a_line(make_stage: MakeStage) -> None:
    stage = make_stage()
    edit(stage, "  declined: {treatment: declined,", "  declined: {treatment: direct,")
    os.kill(stage.switch.pid, signal.SIGHUP)
    wait_for("it is reloaded", lambda: "config.reloaded" in stage.switch.output(), within=20)
    stage.bridge(DECLINED).hang_up()
    edit(stage, "treatments:", "treatmens:")
    os.kill(stage.switch.pid, signal.SIGHUP)
    wait_for("it is refused", lambda: "config.refused" in stage.switch.output(), within=20)
    (line,) = [line for line in stage.switch.output().splitlines() if "config.refused" in line]
    assert " error " in line
    assert "switch.yaml:" in line
    stage.bridge(DECLINED).hang_up()


def test_a_dry_run_changes_nothing(make_stage: MakeStage) -> None:
    stage = make_stage()
    edit(stage, "- hang_up: 603", "- hang_up: 486")
    with peer_of(stage) as peer:
        before = peer.ask("status")["config_version"]
        told = peer.ask("config.reload", dry_run=True)
        assert [change["section"] for change in told["changes"]] == ["treatments"]
        assert peer.ask("status")["config_version"] == before
        refused = stage.caller.invite(DECLINED, stage.rtp().sdp())
        refused.expect(603)
        refused.ack()


def test_a_file_that_the_switch_could_not_be_started_with_is_refused(
    make_stage: MakeStage,
) -> None:
    stage = make_stage()
    tls = "tls: {certificate: gone.pem, key: gone.key}"
    edit(stage, "campaigns:", f"control: {{{tls}}}\ncampaigns:")
    says = "control: tls: certificate gone.pem: No such file or directory"
    with peer_of(stage) as peer, pytest.raises(Refused, match=says):
        peer.ask("config.reload", dry_run=True)
    checked = subprocess.run(
        command("check", str(stage.switch.config)),
        cwd=stage.switch.directory, env=stage.switch.environment, capture_output=True, text=True,
        timeout=30, check=False,
    )  # fmt: skip
    assert checked.returncode == 1
    assert checked.stderr.endswith(f"{says}\n")
    stage.bridge().hang_up()


def test_what_needs_a_restart_is_named_and_stays_as_it_is(make_stage: MakeStage) -> None:
    stage = make_stage()
    edit(stage, "without_synthesiser: chime", "without_synthesiser: chime\n  tap: false")
    edit(stage, "campaigns:", "hearing: {workers: 2}\ncampaigns:")
    with peer_of(stage) as peer:
        told = peer.ask("config.reload")
        assert told["needs_restart"] == ["switch.tap", "hearing.workers"]
        shown = peer.ask("config.show", section="switch")["entries"]
        assert shown["tap"] is True
    stage.bridge().hang_up()


def shown(stage: Stage, **which: Any) -> Any:
    with peer_of(stage) as peer:
        return peer.ask("config.show", **which)


def test_the_configuration_is_shown_in_parts(stage: Stage) -> None:
    counts = shown(stage)["entries"]
    assert counts["trunks"] == 1
    assert counts["campaigns"] == len(shown(stage, section="campaigns")["entries"]) > 10
    entry = shown(stage, section="campaigns", name="called-id")["entries"]["called-id"]
    assert entry["treatment"] == "agent"
    steps = shown(stage, section="treatments", name="direct")["entries"]["direct"]["nodes"]
    assert steps[0]["step"] == "Connect"
    pooled = shown(stage, section="numbers", name=POOLED)["entries"][POOLED]
    assert pooled["parameters"] == {"website": "one", "location": "footer"}
    behind = shown(stage, section="numbers", after=CALLED_ID)
    assert min(behind["entries"]) > CALLED_ID
    for wrong in ({"section": "nothing"}, {"section": "campaigns", "name": "nobody"}):
        with pytest.raises(Refused) as refused:
            shown(stage, **wrong)
        assert refused.value.reason == "not_configured"


def test_a_cap_that_is_raised_lets_calls_pass_and_one_that_comes_holds_at_once(
    make_stage: MakeStage, dsn: str
) -> None:
    stage = make_stage(environment={"SOFTSWITCH_DATABASE": dsn})

    def limit(before: str, after: str) -> None:
        plain = "direct: {treatment: direct, "
        edit(stage, f"{plain}{before}", f"{plain}{after}")
        with peer_of(stage) as peer:
            peer.ask("config.reload")

    def refused() -> None:
        stage.caller.invite(DIRECT, stage.rtp().sdp()).expect(480, within=10)

    stage.bridge().hang_up()
    limit("", "caps: {day: {kind: daily, limit: 1}}, ")
    stage.bridge().hang_up()
    refused()
    limit("caps: {day: {kind: daily, limit: 1}}", "caps: {day: {kind: daily, limit: 3}}")
    for _ in range(2):
        stage.bridge().hang_up()
    refused()
    limit("caps: {day: {kind: daily, limit: 3}}", "caps: {day: {kind: daily, limit: 2}}")
    refused()
    limit("caps: {day: {kind: daily, limit: 2}}, ", "")
    stage.bridge().hang_up()
    payouts = [record["payout"] for record in stage.switch.wait_for_records(8)]
    assert payouts == [None] * 8


def test_what_a_call_earns_is_settled_by_what_it_began_with(
    make_stage: MakeStage, dsn: str
) -> None:
    stage = make_stage(environment={"SOFTSWITCH_DATABASE": dsn})
    plain = "direct: {treatment: direct, "
    with peer_of(stage) as peer:
        first = stage.bridge()
        edit(stage, plain, f"{plain}payout: 5.00, ")
        peer.ask("config.reload")
        second = stage.bridge()
        edit(stage, f"{plain}payout: 5.00, ", plain)
        peer.ask("config.reload")
        third = stage.bridge()
        for bridge in (first, second, third):
            bridge.hang_up()
        records = stage.switch.wait_for_records(3)
    earned = [record["payout"] and record["payout"]["amount"] for record in records]
    assert sorted(earned, key=str) == ["5.00", None, None]


def test_configurations_that_nobody_has_any_more_are_gone(make_stage: MakeStage) -> None:
    stage = make_stage()
    path = stage.switch.config
    text = path.read_text()

    def reload(count: int) -> int:
        """The memory in use behind so many configurations, in bytes."""
        with peer_of(stage) as peer:
            for n in range(count):
                many = "".join(f'  "+1303{2000000 + n + i}": direct\n' for i in range(2000))
                path.write_text(text.replace("numbers:\n", f"numbers:\n{many}"))
                peer.ask("config.reload")
        pages = Path(f"/proc/{stage.switch.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    before = reload(8)
    assert reload(16) - before < 6_000_000


def test_a_file_that_is_no_file_is_refused(make_stage: MakeStage) -> None:
    stage = make_stage()
    stage.switch.config.unlink()
    os.mkfifo(stage.switch.config)
    with peer_of(stage) as peer:
        with pytest.raises(Refused) as refused:
            peer.ask("config.reload")
        assert "this is not a file" in str(refused.value.data)


def test_what_hangs_in_being_read_does_not_keep_the_switch_from_stopping(
    make_stage: MakeStage, tmp_path: Path
) -> None:
    stage = make_stage()
    pipe = tmp_path / "pipe.pem"
    os.mkfifo(pipe)
    text = stage.switch.config.read_text()
    stage.switch.config.write_text(
        f"{text}\ncontrol: {{tls: {{certificate: {pipe}, key: {pipe}}}}}\n"
    )
    os.kill(stage.switch.pid, signal.SIGHUP)
    wait_for("the file is being read", lambda: writer_of(pipe) is not None)
    stage.switch.terminate()
    assert stage.switch.wait_for_exit(10) == 0


def writer_of(pipe: Path) -> int | None:
    """The other end, held open from now on; None while nobody reads."""
    with contextlib.suppress(OSError):
        return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    return None
