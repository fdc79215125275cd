"""The peer does what it is measured for, and leaves nothing behind."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from bench import peers, signalling
from bench.processes import LOAD_CPU, Refused
from tests.support.ports import is_free
from tests.support.sipp import Sipp, needs_sipp

CALLS = 40
RATE = 20
ATTEMPTS = 3
"""A machine that stalls for half a second makes everybody repeat, and the run is refused."""

needs_peer = pytest.mark.skipif(
    bool(peers.missing()), reason=f"not installed: {', '.join(peers.missing())}"
)
AUDIO = re.compile(r"^m=audio (\d+) ", re.MULTILINE)


def test_a_program_that_is_not_there_is_told_by_its_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def which(program: str, path: str) -> str | None:
        return "/usr/sbin/kamailio" if program == "kamailio" and path else None

    monkeypatch.setattr(shutil, "which", which)
    assert peers.missing() == ["rtpengine-daemon"]


@pytest.mark.sipp
@needs_sipp
@needs_peer
def test_calls_through_the_peer_are_measured(tmp_path: Path) -> None:
    run = clean_run(tmp_path)
    assert (run.rate, run.calls) == (RATE, CALLS)
    assert re.fullmatch(r"Kamailio [\d.]+ \+ rtpengine [\d.]+", run.form)
    assert run.cpu_ms_per_call > 0
    assert run.set_up_ms > 0


def clean_run(directory: Path) -> signalling.Run:
    """A run whose calls all went through rtpengine, or it would have been refused."""
    for attempt in range(ATTEMPTS):
        try:
            return peers.measure(directory / str(attempt), RATE, CALLS)
        except Refused as refusal:
            if "retransmissions" not in str(refusal) or attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("not reached")


@pytest.mark.sipp
@needs_sipp
@needs_peer
def test_both_sides_are_told_ports_of_rtpengine_and_it_counts_the_call(tmp_path: Path) -> None:
    uas = Sipp(tmp_path, "uas_basic.xml", timeout=30, cpu=LOAD_CPU)
    with uas, peers.Peer(tmp_path / "peer", uas.port) as peer:
        uac = Sipp(tmp_path, "uac_plain.xml", remote=peer.address, timeout=20, cpu=LOAD_CPU)
        with uac:
            uac.wait()
        uas.stop()
        assert peer.sessions() == peers.Sessions(1, 1, 1, 0, ended=1, open=0)
        peer.require_all_done(1)
        with pytest.raises(Refused, match="wanted Sessions\\(offers=2"):
            peer.require_all_done(2)
        assert len(peer.pids) > 2
        pids, port, (first, last) = peer.pids, peer.address[1], peer.rtp
    for side in (uas, uac):
        said = (tmp_path / f"{side.name}.messages").read_text()
        theirs = {int(port) for port in AUDIO.findall(said)} - {side.media_port}
        assert theirs, said
        assert all(first <= port <= last for port in theirs)
    assert not [pid for pid in pids if Path(f"/proc/{pid}/exe").exists()]
    assert is_free(port)


@pytest.mark.sipp
@needs_peer
def test_a_peer_that_does_not_start_is_refused_and_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken.cfg"
    broken.write_text("#!KAMAILIO\nnonsense\n")
    monkeypatch.setattr(peers, "CONFIGURATION", broken)
    peer = peers.Peer(tmp_path / "peer", 9)
    with pytest.raises(Refused, match="kamailio is not ready"):
        peer.__enter__()
    assert is_free(peer.address[1])
    assert not peer.pids
