"""Whether the next destination is tried after one failed.

The default policy: a failure that says something about the way or the line (redirected, unknown
number, no answer, unreachable, not acceptable, server failure, no reply at all) may be different
elsewhere, so it fails over: every 3xx, 4xx and 5xx but two. A failure that is somebody's answer
does not: 486 (busy), 487 (given up) and every 6xx, of which RFC 3261 section 21.6 says that the
server knows it for all places. No reply and transport errors count as 408 and 503, the statuses
the SIP core makes of them. An operator's list (`fail_over_on`) replaces the policy altogether.

Knows statuses only; the end of ringing by our own timer is a 408, a caller who gives up ends the
call before anybody asks here.
"""

BUSY = 486
REQUEST_TERMINATED = 487


def may_fail_over(status: int, policy: frozenset[int] | None = None) -> bool:
    """Whether another destination may be tried after this final status."""
    if policy is not None:
        return status in policy
    return 300 <= status < 600 and status not in (BUSY, REQUEST_TERMINATED)


# What a caller may hear of a destination's refusal as it is. Everything else is about us and the
# destination (our credentials, our request, its servers), and becomes 480: 503 would tell the
# carrier that this switch is down (RFC 3261 section 16.7 says so of proxies), 401 would ask the
# caller for a password, 3xx would show it where the call was going.
_PASSED_ON = frozenset({404, 410, 480, 484, 486, 488, 600, 603, 604, 606, 607, 608})
TEMPORARILY_UNAVAILABLE = 480


def status_for_caller(status: int) -> int:
    """The status a caller that was not answered is refused with when its destination failed so."""
    return status if status in _PASSED_ON else TEMPORARILY_UNAVAILABLE
