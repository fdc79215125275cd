"""Who may have how much of our attention: strangers get a little, scanners none, trunks all.

A stranger is whoever is no trunk, proxy or registrar of the configuration. Each stranger has a
bucket of messages; who calls numbers or asks for things in vain too often is a scanner, is told of
once, and gets no answer for a while. Knows no sockets; takes the time.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from config.model import Defence

__all__ = ["Banned", "Gatekeeper"]

MAX_STRANGERS = 20_000
"""Addresses of which something is remembered, the first met forgotten first: 4 MB. A flood with
forged sources makes us forget the innocent, who then have full buckets again."""

FORGET_SECONDS = 60.0
"""How long vain tries count."""

SCANNERS = (
    "friendly-scanner", "iwar", "pplsip", "sip-scan", "siparmyknife", "sipcli", "sipptk",
    "sipvicious", "sivus", "smap", "sundayddr", "vaxsipuseragent",
)  # fmt: skip
"""What scanners call themselves. It is forged as easily as left out, so it is a hint that costs
them their patience sooner, no proof."""

SCANNER_SCORE = 5
"""A vain try under such a name counts for so many."""


class Banned(NamedTuple):
    """A source that gets no answer from now on."""

    host: str
    seconds: float
    tries: int
    why: str


class _Stranger:
    """What is known of one address."""

    __slots__ = ("banned_until", "level", "looked_at", "score", "seen", "since", "tries")

    def __init__(self, now: float, burst: float, looked_at: int) -> None:
        self.looked_at = looked_at
        """Which of the sets of our addresses it was looked for in."""
        self.level = burst
        self.seen = now
        self.score = 0
        self.tries = 0
        self.since = now
        self.banned_until = 0.0


class Gatekeeper:
    """Asked for each message that comes, before anything else is done with it."""

    def __init__(
        self,
        settings: Callable[[], Defence],
        is_ours: Callable[[str], bool],
        on_banned: Callable[[Banned], None] = lambda banned: None,
    ) -> None:
        self._settings = settings
        self._is_ours = is_ours
        """Whether an address is a trunk's or a proxy's: none of this is for them."""
        self._on_banned = on_banned
        self._strangers: OrderedDict[str, _Stranger] = OrderedDict()
        self._known: set[str] = set()
        """Addresses that were ours when they were looked at last."""
        self._generation = 0
        self.dropped = 0
        """Messages of strangers that got no answer."""

    def forget_known(self) -> None:
        """Look at all addresses anew: the configuration is another one, or a name stands for
        something else. Who was a stranger may be a trunk now."""
        self._known.clear()
        self._generation += 1

    def admits(self, host: str, now: float) -> bool:
        """Whether a message from there is looked at."""
        if host in self._known:
            return True
        settings = self._settings()
        if not settings.on:
            return True
        stranger = self._strangers.get(host)
        if stranger is None or stranger.looked_at != self._generation:
            if self._is_ours(host):
                self.believe(host)
                return True
            stranger = stranger or self._meet(host, now, settings)
            stranger.looked_at = self._generation
        if now < stranger.banned_until or not _takes(stranger, now, settings):
            self.dropped += 1
            return False
        return True

    def is_stranger(self, host: str) -> bool:
        """Whether a host is nobody of ours, where that makes a difference."""
        return host not in self._known and self._settings().on and not self._is_ours(host)

    def believe(self, host: str) -> None:
        """Somebody there is a trunk's, or has shown a trunk's credentials: it is no stranger."""
        self._strangers.pop(host, None)
        self._remember(host)

    def note(
        self, host: str, why: str, now: float, *, user_agent: str = "", times: int = 1
    ) -> None:
        """Somebody tried something in vain, so many times."""
        settings = self._settings()
        if host in self._known or not settings.on or self._is_ours(host):
            return
        stranger = self._strangers.get(host) or self._meet(host, now, settings)
        if now - stranger.since > FORGET_SECONDS:
            stranger.score, stranger.tries, stranger.since = 0, 0, now
        stranger.tries += times
        name = user_agent.lower()
        stranger.score += times * (SCANNER_SCORE if any(word in name for word in SCANNERS) else 1)
        if stranger.score >= settings.ban_after and now >= stranger.banned_until:
            stranger.banned_until = now + settings.ban_seconds
            self._on_banned(Banned(host, settings.ban_seconds, stranger.tries, why))
            stranger.score = 0

    def banned(self, now: float) -> list[str]:
        """Who gets no answer now."""
        return [host for host, one in self._strangers.items() if now < one.banned_until]

    def pardon(self, host: str) -> bool:
        """Answer somebody again; False when nobody there was banned."""
        stranger = self._strangers.pop(host, None)
        return stranger is not None and stranger.banned_until > 0.0

    def _meet(self, host: str, now: float, settings: Defence) -> _Stranger:
        if len(self._strangers) >= MAX_STRANGERS:
            self._strangers.popitem(last=False)
        stranger = self._strangers[host] = _Stranger(now, settings.burst, self._generation)
        return stranger

    def _remember(self, host: str) -> None:
        if len(self._known) >= MAX_STRANGERS:
            self._known.clear()
        self._known.add(host)


def _takes(stranger: _Stranger, now: float, settings: Defence) -> bool:
    """Take one message out of the bucket; False when it is empty."""
    filled = stranger.level + (now - stranger.seen) * settings.per_second
    stranger.seen = now
    stranger.level = min(settings.burst, filled)
    if stranger.level < 1.0:
        return False
    stranger.level -= 1.0
    return True
