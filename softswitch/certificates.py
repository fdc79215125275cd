"""Reads the certificates of SIP over TLS again when the configuration is reloaded, and watches
until when those of all sections are good.

The contexts' own room is `softswitch.transport.tls`; here are those who follow a reload.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from config.model import Configuration, SwitchTls
from softswitch.call.events import CertificateExpiring
from softswitch.call.services import Services
from softswitch.control.reloading import ConfigurationRefused
from softswitch.transport import Tls, TlsFiles, TlsUnusable
from softswitch.transport.expiry import ends_of

__all__ = [
    "CertificateWatch",
    "FollowingCertificates",
    "Shown",
    "certificates_of",
    "days_left",
    "tls_files",
]

logger = logging.getLogger(__name__)

LOOK_SECONDS = 3600.0
"""Between two looks at the time that certificates have left."""

TELL_SECONDS = 86_400.0
"""Between two events about one certificate."""

WARN_DAYS = 30.0
"""From when on it is told: authorities that renew by themselves do it at a third of 90 days."""

DAY_SECONDS = 86_400.0

TRUNK = "trunk"
"""The section of certificates that trunks have shown us."""


def tls_files(tls: SwitchTls) -> TlsFiles:
    """What the transport needs of the section."""
    return TlsFiles(tls.certificate, tls.key, tls.authorities, tls.verify, tls.client_certificates)


class FollowingCertificates:
    """Follows with one pair of contexts: which files they are needs a restart, what is in them does
    not."""

    def __init__(self, tls: Tls) -> None:
        self._tls = tls

    async def prepare(self, _configuration: Configuration) -> None:
        """Whether what is in the files can be used; raises ConfigurationRefused."""
        try:
            await asyncio.to_thread(Tls, self._tls.files)
        except TlsUnusable as error:
            raise ConfigurationRefused.because(str(error)) from None

    def use(self, _configuration: Configuration) -> None:
        """Show and believe what is in the files now."""
        try:
            self._tls.reload()
        except TlsUnusable as error:
            logger.error("the certificates stay as they are: %s", error)


@dataclass(frozen=True, slots=True)
class Shown:
    """A certificate in force; the first of its chain to end counts."""

    section: str
    path: str
    expires_at: float


class CertificateWatch:
    """Tells of certificates that end soon: ours, and those that trunks have shown.

    Ours are those in force, as they were read at the start or the last reload: a file that was
    renewed since is not shown to anybody yet. Follows reloads; owns a task until `close`.
    """

    def __init__(
        self, services: Services, configuration: Configuration, tls: Tls | None = None
    ) -> None:
        """`tls` knows the certificates of trunks that were connected to."""
        self._services = services
        self._tls = tls
        self._shown = tuple(certificates_of(configuration))
        self._next: tuple[Shown, ...] = ()
        self._told: dict[Shown, float] = {}
        """When, by the monotonic clock."""
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Look now and once an hour."""
        self._task = self._services.loop.create_task(self._run(), name="certificates")

    async def close(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def prepare(self, configuration: Configuration) -> None:
        """Read the files that will be in force."""
        self._next = await asyncio.to_thread(lambda: tuple(certificates_of(configuration)))

    def use(self, _configuration: Configuration) -> None:
        """They are in force."""
        self._shown = self._next
        self.look()

    def status(self) -> dict[str, Any]:
        """Until when each is good, by section; those of trunks by `trunk` and their host."""
        named = {one.section: one for one in self._shown}
        named |= {f"{TRUNK} {one.path}": one for one in self._of_trunks()}
        return {
            name: {
                "path": one.path,
                "expires_at": one.expires_at,
                "days_left": self._days_left(one),
            }
            for name, one in named.items()
        }

    def look(self) -> None:
        """Tell of those that end soon, each once a day."""
        now, known = self._services.now(), (*self._shown, *self._of_trunks())
        self._told = {one: at for one, at in self._told.items() if one in known}
        for one in known:
            days = self._days_left(one)
            if days > WARN_DAYS or now - self._told.get(one, -TELL_SECONDS) < TELL_SECONDS:
                continue
            self._told[one] = now
            self._services.tell(
                CertificateExpiring,
                section=one.section, path=one.path, expires_at=one.expires_at, days_left=days,
            )  # fmt: skip

    def _of_trunks(self) -> Iterator[Shown]:
        peers = {} if self._tls is None else self._tls.peers
        for host, expires_at in peers.items():
            yield Shown(TRUNK, host, expires_at)

    async def _run(self) -> None:
        while True:
            self.look()
            await asyncio.sleep(LOOK_SECONDS)

    def _days_left(self, one: Shown) -> float:
        return days_left(one, self._services.wall_clock())


def days_left(one: Shown, at: float) -> float:
    """From a time of day until it ends."""
    return round((one.expires_at - at) / DAY_SECONDS, 1)


def certificates_of(configuration: Configuration) -> Iterator[Shown]:
    """The certificates of a configuration, as they stand in their files."""
    sections = {
        "switch": configuration.switch.tls,
        "control": configuration.control.tls,
        "web": None if configuration.web is None else configuration.web.tls,
        "stir": configuration.stir.signing,
    }
    for section, tls in sections.items():
        if tls is None:
            continue
        try:
            ends = ends_of(tls.certificate.read_bytes())
        except OSError as error:
            logger.warning("%s: certificate %s: %s", section, tls.certificate, error.strerror)
            continue
        if ends:
            yield Shown(section, str(tls.certificate), min(ends))
