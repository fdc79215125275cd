"""The command line as a program: exit codes and what is said where."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from softswitch.huge_pages import tuned
from softswitch.version import VERSION
from tests.support.ports import free_rtp_range, free_sip_port

EXAMPLES = Path(__file__).parents[2] / "config" / "examples"


def softswitch(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "softswitch", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        cwd=EXAMPLES.parents[1],
    )


def test_version() -> None:
    done = softswitch("version")
    assert (done.returncode, done.stdout) == (0, f"softswitch {VERSION}\n")


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.yaml")))
def test_every_example_is_good(name: str) -> None:
    done = softswitch("check", str(EXAMPLES / name))
    assert done.returncode == 0, done.stderr
    assert ": good: " in done.stdout


def test_what_there_is_one_of_is_no_plural(tmp_path: Path) -> None:
    path = tmp_path / "one.yaml"
    path.write_text("trunks: {carrier: 192.0.2.1}\ntreatments: {t: [play: {tone: busy}]}\n")
    done = softswitch("check", str(path))
    assert done.stdout == f"{path}: good: 0 numbers, 0 campaigns, 1 treatment, 1 trunk\n"


def test_a_check_warns_of_what_is_good_and_hardly_meant(tmp_path: Path) -> None:
    path = tmp_path / "srtp.yaml"
    path.write_text("trunks: {carrier: {address: 192.0.2.1, srtp: required}}\n")
    done = softswitch("check", str(path))
    assert (done.returncode, done.stdout.count(": good: ")) == (0, 1)
    assert done.stderr.startswith(f"{path}:1:")
    assert 'trunk "carrier": srtp: the keys go over UDP' in done.stderr


def test_check_says_all_that_is_wrong_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("trunks: {a: 192.0.2.1}\nnumbers: {+18666831950: {campaing: x}}\nbogus: 1\n")
    done = softswitch("check", str(file))
    assert done.returncode == 1
    assert f"{file}:2:" in done.stderr
    assert f"{file}:3:" in done.stderr
    assert "campaign" in done.stderr
    assert "Traceback" not in done.stderr


def test_run_refuses_a_bad_file(tmp_path: Path) -> None:
    done = softswitch("run", "-c", str(tmp_path / "missing.yaml"))
    assert done.returncode == 1
    assert "missing.yaml" in done.stderr
    assert "Traceback" not in done.stderr


def test_run_says_when_its_data_folder_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = softswitch(
        "run", "-c", str(EXAMPLES / "load.yaml"), SOFTSWITCH_DATA=str(tmp_path / "file" / "data")
    )
    assert done.returncode == 1
    assert "folder" in done.stderr
    assert "Traceback" not in done.stderr


def test_run_says_when_its_address_cannot_be_listened_at(tmp_path: Path) -> None:
    done = softswitch(
        "run", "-c", str(EXAMPLES / "load.yaml"),
        SOFTSWITCH_SIP="192.0.2.77:5060", SOFTSWITCH_DATA=str(tmp_path),
    )  # fmt: skip
    assert done.returncode == 1
    assert "cannot listen at" in done.stderr or "192.0.2.77" in done.stderr
    assert "Traceback" not in done.stderr


def test_route_test_says_who_would_serve_a_call() -> None:
    arguments = ("route-test", str(EXAMPLES / "quickstart.yaml"), "--from", "6025550100", "--to")
    done = softswitch(*arguments, "8666831950")
    assert done.returncode == 0
    for word in ("+18666831950", "quickstart", "+16025551234", "carrier"):
        assert word in done.stdout
    found = json.loads(softswitch(*arguments, "8666831950", "--json").stdout)
    assert isinstance(found, dict)
    refused = softswitch(*arguments, "8005550000")
    assert "404" in refused.stdout


@pytest.mark.parametrize("arguments", [(), ("run",), ("dance",), ("route-test", "x")])
def test_wrong_usage_is_exit_code_2(arguments: tuple[str, ...]) -> None:
    done = softswitch(*arguments)
    assert done.returncode == 2
    assert "usage:" in done.stderr


def ignores_hang_up(pid: int) -> bool:
    """Whether a process ignores SIGHUP; one that catches it does not."""
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    (mask,) = (int(one.split()[1], 16) for one in status if one.startswith("SigIgn:"))
    return bool(mask & 1 << signal.SIGHUP - 1)


def run_in(folder: Path, redirected: str = "") -> subprocess.Popen[bytes]:
    """A switch that has its journal open."""
    switch = started_in(folder, redirected)
    deadline = time.monotonic() + 20
    while not (folder / "journal.jsonl").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    return switch


def started_in(folder: Path, redirected: str = "") -> subprocess.Popen[bytes]:
    first, last = free_rtp_range(20)
    environment = {
        **os.environ,
        "SOFTSWITCH_SIP": f"127.0.0.1:{free_sip_port()}",
        "SOFTSWITCH_RTP": f"{first}-{last}",
        "SOFTSWITCH_DATA": str(folder),
    }
    command = f"exec {sys.executable} -m softswitch run -c {EXAMPLES / 'load.yaml'} {redirected}"
    return subprocess.Popen(["bash", "-c", command], env=environment, cwd=EXAMPLES.parents[1])


def test_run_has_the_c_library_use_huge_pages_where_it_can(tmp_path: Path) -> None:
    switch = run_in(tmp_path)
    try:
        environment = Path(f"/proc/{switch.pid}/environ").read_bytes().split(b"\0")
        told = [one for one in environment if one.startswith(b"GLIBC_TUNABLES=")]
        able = tuned({}, os.confstr("CS_GNU_LIBC_VERSION"))
        assert told == ([b"GLIBC_TUNABLES=glibc.malloc.hugetlb=1"] if able else [])
    finally:
        switch.terminate()
        assert switch.wait(timeout=20) == 0


def test_a_reload_that_is_asked_for_too_early_ends_nothing(tmp_path: Path) -> None:
    switch = started_in(tmp_path)
    try:
        deadline = time.monotonic() + 30
        while not ignores_hang_up(switch.pid):
            assert switch.poll() is None
            assert not (tmp_path / "journal.jsonl").exists(), "it began to heed the signal late"
            assert time.monotonic() < deadline
            time.sleep(0.001)
        while not (tmp_path / "journal.jsonl").exists() and time.monotonic() < deadline:
            switch.send_signal(signal.SIGHUP)
            time.sleep(0.02)
        assert switch.poll() is None
    finally:
        switch.terminate()
        assert switch.wait(timeout=20) == 0


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_run_does_without_standard_descriptors(tmp_path: Path, closed: str) -> None:
    switch = run_in(tmp_path, closed)
    time.sleep(0.5)
    switch.terminate()
    assert switch.wait(timeout=20) == 0


def test_output_that_cannot_be_written_is_no_traceback() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "softswitch", "version"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=30,
            check=False,
            cwd=EXAMPLES.parents[1],
        )
    assert done.returncode == 1
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


def test_run_says_when_no_media_port_can_be_had(tmp_path: Path) -> None:
    file = tmp_path / "switch.yaml"
    text = (EXAMPLES / "load.yaml").read_text()
    file.write_text(text.replace("switch:\n", "switch:\n  rtp_host: 192.0.2.55\n"))
    done = softswitch(
        "run", "-c", str(file),
        SOFTSWITCH_SIP=f"127.0.0.1:{free_sip_port()}", SOFTSWITCH_DATA=str(tmp_path / "data"),
    )  # fmt: skip
    assert done.returncode == 1
    assert "no media port can be opened at 192.0.2.55" in done.stderr
