"""What systemd is told, at a socket of its kind."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from softswitch.service_manager import MAX_STATUS, ServiceManager


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    made.bind(str(tmp_path / "notify"))
    made.settimeout(5)
    with made:
        yield made


def manager_of(listener: socket.socket, **more: str) -> ServiceManager:
    return ServiceManager({"NOTIFY_SOCKET": listener.getsockname(), **more})


def heard(listener: socket.socket) -> list[str]:
    return listener.recv(4096).decode().splitlines()


def test_ready_and_stopping_are_told_with_a_status(listener: socket.socket) -> None:
    manager = manager_of(listener)
    manager.ready("0 calls")
    assert heard(listener) == ["READY=1", "STATUS=0 calls"]
    manager.stopping("draining: 3 calls")
    assert heard(listener) == ["STOPPING=1", "STATUS=draining: 3 calls"]
    manager.close()


def test_reloading_brings_the_monotonic_time(listener: socket.socket) -> None:
    manager = manager_of(listener)
    manager.reloading()
    first, second = heard(listener)
    assert first == "RELOADING=1"
    name, _, value = second.partition("=")
    assert name == "MONOTONIC_USEC"
    assert int(value) > 0
    manager.close()


def test_the_watchdog_is_fed_only_where_there_is_one(listener: socket.socket) -> None:
    without = manager_of(listener)
    without.alive("1 call")
    assert heard(listener) == ["STATUS=1 call"]
    watched = manager_of(listener, WATCHDOG_USEC="3000000", WATCHDOG_PID=str(os.getpid()))
    watched.alive("1 call")
    assert heard(listener) == ["STATUS=1 call", "WATCHDOG=1"]
    watched.alive()
    assert heard(listener) == ["WATCHDOG=1"]
    without.close()
    watched.close()


def test_a_watchdog_of_another_process_is_not_ours(listener: socket.socket) -> None:
    manager = manager_of(listener, WATCHDOG_USEC="3000000", WATCHDOG_PID=str(os.getpid() + 1))
    assert not manager.watched
    manager.close()


def test_an_abstract_socket_is_reached() -> None:
    name = f"softswitch-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0" + name)
        listener.settimeout(5)
        manager = ServiceManager({"NOTIFY_SOCKET": "@" + name})
        manager.ready()
        assert heard(listener) == ["READY=1"]
        manager.close()


def test_long_states_are_cut(listener: socket.socket) -> None:
    manager = manager_of(listener)
    manager.ready("x" * 1000)
    assert heard(listener)[1] == "STATUS=" + "x" * MAX_STATUS
    manager.close()


def test_nobody_listening_is_no_failure(tmp_path: Path) -> None:
    for environment in ({}, {"NOTIFY_SOCKET": str(tmp_path / "gone")}):
        manager = ServiceManager(environment)
        manager.ready("0 calls")
        manager.alive()
        manager.stopping()
        manager.close()
        manager.ready()
