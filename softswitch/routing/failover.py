"""Whether the next destination is tried after one failed.

The default policy: a failure that says something about the way or the line (redirected, unknown
number, no answer, unreachable, not acceptable, server failure, no reply at all) may be different
elsewhere, so it fails over: every 3xx, 4xx and 5xx but two. A failure that is somebody's answer
does not: 486 (busy), 487 (given up) and every 6xx, of which RFC 3261 section 21.6 says that the
server knows it for all places. No reply and transport errors count as 408 and 503, the statuses
the SIP core makes of them. An operator's list (`fail_over_on`) replaces the policy altogether.

A trunk's own words (`failover`) come before the default, the most exact first: the Q.850 cause that
the far end gave in a Reason (RFC 6432), the status, its class.

Knows statuses and causes only; the end of ringing by our own timer is a 408, a caller who gives up
ends the call before anybody asks here.
"""

from config.model import TrunkFailover

BUSY = 486
REQUEST_TERMINATED = 487


def may_fail_over(
    status: int,
    policy: frozenset[int] | None = None,
    *,
    trunk: TrunkFailover | None = None,
    cause: int | None = None,
    rang_out: bool = False,
) -> bool:
    """Whether another destination may be tried after this final status.

    `cause` is the far end's Q.850 cause, None where it gave none; `rang_out`: nobody answered
    within our patience.
    """
    if policy is not None:
        return status in policy
    if trunk is not None:
        told = _by_trunk(trunk, status, cause, rang_out=rang_out)
        if told is not None:
            return told
    return 300 <= status < 600 and status not in (BUSY, REQUEST_TERMINATED)


def _by_trunk(
    trunk: TrunkFailover, status: int, cause: int | None, *, rang_out: bool
) -> bool | None:
    """What a trunk's own words say; None: nothing."""
    if rang_out:
        return trunk.after_no_answer
    if cause in trunk.go_on_causes or cause in trunk.stop_causes:
        return cause in trunk.go_on_causes
    for word in (status, status // 100):
        if word in trunk.go_on or word in trunk.stop:
            return word in trunk.go_on
    return None


# What a caller may hear of a destination's refusal as it is. Everything else is about us and the
# destination (our credentials, our request, its servers), and becomes 480: 503 would tell the
# carrier that this switch is down (RFC 3261 section 16.7 says so of proxies), 401 would ask the
# caller for a password, 3xx would show it where the call was going.
_PASSED_ON = frozenset({404, 410, 480, 484, 486, 488, 600, 603, 604, 606, 607, 608})
TEMPORARILY_UNAVAILABLE = 480


def status_for_caller(status: int) -> int:
    """The status a caller that was not answered is refused with when its destination failed so."""
    return status if status in _PASSED_ON else TEMPORARILY_UNAVAILABLE
