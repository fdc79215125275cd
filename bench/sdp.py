"""What a session description costs: parse, answer, offer, accept. Prints; judges nothing.

`python -m bench.sdp [--rounds N]`: microseconds of CPU a call of each, hot, the best of five runs.
"""

import argparse
import platform
import time
from collections.abc import Callable

from softswitch.sdp import PCMA, PCMU, LocalMedia, SessionDescription, accept_answer, answer, offer

CODECS = (PCMU, PCMA)
TYPICAL = """v=0
o=user1 53655765 2353687637 IN IP4 192.0.2.3
s=-
c=IN IP4 192.0.2.3
t=0 0
m=audio 6000 RTP/AVP 0 8 18 101
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:18 G729/8000
a=fmtp:18 annexb=no
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=ptime:20
a=maxptime:150
a=sendrecv
""".replace("\n", "\r\n").encode()


def measure(action: Callable[[], object], rounds: int) -> float:
    """Microseconds of CPU time one action takes, the best of five."""
    best = float("inf")
    for _ in range(5):
        begin = time.process_time()
        for _ in range(rounds):
            action()
        best = min(best, time.process_time() - begin)
    return best / rounds * 1e6


def main() -> None:
    """Print one line an operation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10_000)
    rounds = parser.parse_args().rounds
    local = LocalMedia("192.0.2.1", 20000, 1234)
    our_offer = offer(local, CODECS)
    their_answer, _ = answer(
        SessionDescription.parse(our_offer), LocalMedia("192.0.2.2", 30000, 99), CODECS
    )
    actions: dict[str, Callable[[], object]] = {
        "parse a typical offer": lambda: SessionDescription.parse(TYPICAL),
        "parse and answer it": lambda: answer(
            SessionDescription.parse(TYPICAL), LocalMedia("192.0.2.1", 20000, 1234), CODECS
        ),
        "write an offer": lambda: offer(LocalMedia("192.0.2.1", 20000, 1234), CODECS),
        "parse and accept an answer": lambda: accept_answer(
            our_offer, SessionDescription.parse(their_answer)
        ),
    }
    print(f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}")
    for name, action in actions.items():
        print(f"{name:28} {measure(action, rounds):6.1f} us")


if __name__ == "__main__":
    main()
