"""What signatures of callers cost: verify, sign. Prints; judges nothing.

`python -m bench.stir [--rounds N]`: microseconds of CPU a call, hot, the best of five runs.
"""

import argparse
import base64
import platform
import time
from collections.abc import Callable
from itertools import count

from bench.sdp import measure
from softswitch.stir.asked import Asked
from softswitch.stir.credentials import Authorities
from softswitch.stir.keys import SigningKey
from softswitch.stir.passport import number_party
from softswitch.stir.replays import Replays
from softswitch.stir.signing import sign_call
from softswitch.stir.trust import TrustStore
from softswitch.stir.verifying import Verifier
from tests.support.stir import X5U, Authority, Signer, shaken

CALLER, CALLED = number_party("12155551212"), number_party("12155551213")


def actions(root: Authority, signer: Signer) -> dict[str, Callable[[], object]]:
    """What is measured, by what it is called."""
    now = time.time()
    authorities = Authorities([root.certificate])
    trust = TrustStore(authorities, {X5U.removeprefix("https://"): signer.pem})
    verifier = Verifier(trust, freshness=600, tn_auth_list=False, replays=Replays())
    value = signer.identity(shaken(iat=int(now)))
    asked = Asked((value,), (CALLER,), (CALLED,), None, "call")
    signed, _, signature = value.partition(";")[0].rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    credential = trust.find(X5U, now)
    assert credential is not None
    key = SigningKey(signer.key, X5U, now + 600)
    origids = count()
    return {
        "verify a call": lambda: verifier.verify(asked, now),
        "of that, ES256": lambda: credential.has_signed(raw, signed.encode()),
        "judge a certificate": lambda: authorities.judge(signer.chain, now),
        "sign a call": lambda: sign_call(
            key, orig=CALLER, dest=CALLED, attestation="A", origid=str(next(origids)), iat=int(now)
        ),
    }


def main() -> None:
    """Print one line an operation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2_000)
    rounds = parser.parse_args().rounds
    print(f"Python {platform.python_version()}, {rounds} rounds")
    root = Authority()
    for name, action in actions(root, root.signer()).items():
        print(f"{name:24} {measure(action, rounds):8.1f} us")


if __name__ == "__main__":
    main()
