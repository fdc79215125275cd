"""A borrowed socket: what came to it is there after the end of the process that had it."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from tests.support.borrowed_socket import borrowed_udp, waiting
from tests.support.ports import free_sip_port

OWNER = """
import socket, sys
held = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
held.bind(("127.0.0.1", int(sys.argv[1])))
print("bound", flush=True)
sys.stdin.read()
"""


def test_what_its_owner_did_not_read_is_read_after_its_end() -> None:
    port = free_sip_port()
    with (
        subprocess.Popen(
            [sys.executable, "-c", OWNER, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as owner,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"bound\n"
        try:
            borrowed = borrowed_udp(owner.pid, port)
        except PermissionError:
            pytest.skip("the socket of a process that a test has started cannot be read here")
        assert borrowed is not None
        assert borrowed_udp(owner.pid, port - 1) is None
        for number in range(3):
            sender.sendto(bytes([number]), ("127.0.0.1", port))
        owner.communicate(timeout=10)
        sender.sendto(b"\x03", ("127.0.0.1", port))
    with borrowed:
        assert list(waiting(borrowed)) == [b"\0", b"\1", b"\2", b"\3"]
        assert list(waiting(borrowed)) == []
