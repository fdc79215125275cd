"""A scanner: `python -m bench.scanner HOST PORT SECONDS A_SECOND`.

Sends an INVITE to one number after the other from an address that no trunk has, as those who look
for a way to call for nothing do, and prints how many it has sent and how many answers came. Only to
loopback, and only for so long.
"""

from __future__ import annotations

import ipaddress
import json
import socket
import sys
import time

SCANNER = "127.0.0.66"
MAX_SECONDS = 300.0
"""Whatever is asked for: a scanner that nobody stops ends."""

MAX_BEHIND = 500
"""INVITEs sent in one go by a scanner that was late: more than a socket's buffer holds are lost."""


def invite(number: int) -> bytes:
    """A call to the next number."""
    return (
        f"INVITE sip:{number}@127.0.0.1 SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP {SCANNER}:5060;branch=z9hG4bK{number};rport\r\n"
        f"From: <sip:{number}@1.1.1.1>;tag={number}\r\nTo: <sip:{number}@1.1.1.1>\r\n"
        f"Call-ID: {number}\r\nCSeq: 1 INVITE\r\nContact: <sip:a@{SCANNER}>\r\n"
        "User-Agent: friendly-scanner\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    ).encode()


def scan(address: tuple[str, int], seconds: float, a_second: int) -> tuple[int, int]:
    """Scan for so long; how much was sent, and how much was answered."""
    sent = answered = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as scanner:
        scanner.bind((SCANNER, 0))
        scanner.setblocking(False)
        began = time.monotonic()
        while (elapsed := time.monotonic() - began) < min(seconds, MAX_SECONDS):
            due = min(int(elapsed * a_second), sent + MAX_BEHIND)
            while sent < due:
                try:
                    scanner.sendto(invite(100_000_000 + sent), address)
                except BlockingIOError:
                    break
                sent += 1
            answered += _answers(scanner)
            time.sleep(0.001)
    return sent, answered


def _answers(scanner: socket.socket) -> int:
    count = 0
    try:
        while scanner.recv(4096):
            count += 1
    except (BlockingIOError, ConnectionRefusedError):
        return count
    return count


def main() -> int:
    """Scan, and say so as a line of JSON."""
    host, port, seconds, a_second = sys.argv[1:5]
    if not ipaddress.ip_address(host).is_loopback:
        print("only loopback is scanned", file=sys.stderr)
        return 2
    sent, answered = scan((host, int(port)), float(seconds), int(a_second))
    print(json.dumps({"sent": sent, "answered": answered}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
