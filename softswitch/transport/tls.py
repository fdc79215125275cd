"""The certificates of SIP over TLS (RFC 3261 section 26.3.1, RFC 5922): ours, and whom we believe.

One context for those who connect to us and one for those we connect to. Both can be read again from
their files while they are in use: handshakes from then on have the new ones.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Tls", "TlsFiles", "TlsUnusable", "load_certificate"]

HANDSHAKE_SECONDS = 5.0
"""How long a peer may take for its handshake: half-open ones are nobody's calls."""

SHUTDOWN_SECONDS = 2.0
"""How long we wait for its close_notify."""


MAX_PEERS = 1000
"""Hosts whose certificates' ends are remembered: trunks are fewer."""


class TlsUnusable(ValueError):
    """The files cannot be used; the text is for the operator."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Where certificates are, and what is asked for."""

    certificate: Path
    key: Path
    authorities: Path | None = None
    """Whom we believe; None: whom the system does."""
    verify: bool = True
    """Whether those we connect to must have a certificate of their name."""
    client_certificates: bool = False
    """Whether those who connect to us must have one of an authority."""


class Tls:
    """Both contexts."""

    def __init__(self, files: TlsFiles) -> None:
        self.files = files
        self.server: ssl.SSLContext
        """For those who connect to us; another one from each reload on."""
        self.client: ssl.SSLContext
        """For those we connect to."""
        self.peers: dict[str, float] = {}
        """Until when certificates are good that were shown to us, by the host we had called; Unix
        seconds."""
        self.reload()

    def note_peer(self, host: str, certificate: Mapping[str, Any] | None) -> None:
        """Remember what a host has shown (`ssl.SSLSocket.getpeercert`); without verifying, it tells
        nothing."""
        end = (certificate or {}).get("notAfter")
        if end is not None and (host in self.peers or len(self.peers) < MAX_PEERS):
            self.peers[host] = float(ssl.cert_time_to_seconds(end))

    def reload(self) -> None:
        """Read the files again; raises TlsUnusable, and then those in force stay."""
        files = self.files
        _check_readable(files)
        # New ones: what a context was told to believe once, it believes for ever.
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        for context in (server, client):
            # Some builds of OpenSSL take what is older; RFC 8996 forbids it.
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            _load(context, files)
        if not files.verify:
            client.check_hostname = False
            client.verify_mode = ssl.CERT_NONE
        if files.authorities is None:
            client.load_default_certs(ssl.Purpose.SERVER_AUTH)
        if files.client_certificates:
            server.verify_mode = ssl.CERT_REQUIRED
            if files.authorities is None:
                server.load_default_certs(ssl.Purpose.CLIENT_AUTH)
        self.server, self.client = server, client


def _check_readable(files: TlsFiles) -> None:
    named = (
        ("certificate", files.certificate),
        ("key", files.key),
        ("authorities", files.authorities),
    )
    for what, path in named:
        if path is None:
            continue
        if b"-----BEGIN" not in _content(what, path):
            raise TlsUnusable(f"tls: {what} {path}: no PEM is in it")


def _load(context: ssl.SSLContext, files: TlsFiles) -> None:
    with _told(files.certificate, files.key):
        context.load_cert_chain(files.certificate, files.key, password=_no_password)
        if files.authorities is not None:
            context.load_verify_locations(files.authorities)


def load_certificate(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    """Show this certificate from the next handshake on; raises TlsUnusable, and then the one in
    force stays."""
    for what, path in (("certificate", certificate), ("key", key)):
        _content(what, path)
    with _told(certificate, key):
        context.load_cert_chain(certificate, key, password=_no_password)


@contextlib.contextmanager
def _told(certificate: Path, key: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", None) or error
        raise TlsUnusable(
            f"tls: certificate {certificate} and key {key} cannot be used: {why}"
        ) from None


def _content(what: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TlsUnusable(f"tls: {what} {path}: {error.strerror}") from None


def _no_password() -> str:
    """Called for a key that is locked; OpenSSL would ask on the terminal."""
    raise ValueError("the key has a password")
