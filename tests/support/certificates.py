"""A certificate for localhost that tests show and trust; its key is no secret.

Made once, valid for a hundred years:
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500
-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1
"""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBnDCCAUGgAwIBAgIUZQH26r36y3vApm85p8LAW4qkNvgwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMjA1MDc1MFoYDzIxMjYxMDI5
MDUwNzUwWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASI9morcRAvzAFPPhkcx8fUYFtmgGbq6yC6yQA/VNb4tlAN6mo9ccYg
5uVAu2pExJD+/pWNNJjmbTuwLRvkkH/Vo28wbTAdBgNVHQ4EFgQUNgFknvVcJ+Bx
jqUjvQ70ettnatMwHwYDVR0jBBgwFoAUNgFknvVcJ+BxjqUjvQ70ettnatMwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSQAwRgIhAJJgstgVV+ZcnA0zFwThkyT+Szbkv3YMNH/7r53Tl3uGAiEA
oB61tfHVv0JxUvuv0nuyhcEBKt8z7/K3OTL97fI3dDM=
-----END CERTIFICATE-----
"""

KEY = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgr8N5J5Jcn7fe9RB4
4HKPF3nK9wqoxJ0FOm72xdLqW4ShRANCAASI9morcRAvzAFPPhkcx8fUYFtmgGbq
6yC6yQA/VNb4tlAN6mo9ccYg5uVAu2pExJD+/pWNNJjmbTuwLRvkkH/V
-----END PRIVATE KEY-----
"""

LOCKED_KEY = """\
-----BEGIN EC PRIVATE KEY-----
Proc-Type: 4,ENCRYPTED
DEK-Info: AES-128-CBC,E8D09B670B9F2AA5284222BB0C55C444

USFgLt1X7RBe+GK+c0ihHaUj6aFTIaxOJM2NWWlfM+fqIVlHqF7IFnai23pROrvX
RZflZu3gGArGrulyTTH//xtMxkGuE1TJ7ty/MJlPjwayBbQod6Usc1x+wSxAJ1MF
SqZHizh1P+45AAI7UDfvq10ez0g1gUzObR2qXhmKDwA=
-----END EC PRIVATE KEY-----
"""
"""The same, behind a password."""


def write_certificate(folder: Path) -> tuple[Path, Path]:
    """The paths of the certificate and its key."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    certificate.write_text(CERTIFICATE)
    key.write_text(KEY)
    return certificate, key


def trusting() -> ssl.SSLContext:
    """What a client needs to believe it."""
    return ssl.create_default_context(cadata=CERTIFICATE)


def certificate_until(days: float, *, since_days: float = 100.0) -> str:
    """Another one of the same key and name, good from so long ago for so many days from now."""
    key = load_pem_private_key(KEY.encode(), None)
    first = x509.load_pem_x509_certificate(CERTIFICATE.encode())
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(first.issuer, first.subject, first.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=since_days))
    builder = builder.not_valid_after(now + timedelta(days=days))
    for extension in first.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    made = builder.sign(key, SHA256())  # type: ignore[arg-type]
    return made.public_bytes(Encoding.PEM).decode()
