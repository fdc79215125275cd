"""SIP over TLS: where it listens, our certificate, whom we believe."""

from config.addresses import address
from config.document import Scalar, Tree
from config.kinds import BOOLEAN, FILE
from config.model import SwitchTls
from config.reading import (
    Key,
    Reading,
    RefusedError,
    Section,
    keys_of,
    read_fields,
    section_kind,
)

__all__ = ["SIP_TLS", "SIP_TLS_KIND"]


class TlsKeys:
    """Keys of `tls` in the section switch."""

    CERTIFICATE = Key(
        "certificate",
        FILE,
        "File of the certificate, with the chain behind it (PEM).",
        required=True,
        example="/etc/softswitch/sip.pem",
    )
    KEY = Key(
        "key",
        FILE,
        "File of its private key (PEM, without a password).",
        required=True,
        example="/etc/softswitch/sip.key",
    )
    LISTEN = Key(
        "listen",
        address(5061),
        "Where TLS is listened for.",
        otherwise="the host of `listen`, port 5061",
        example="192.0.2.10:5061",
    )
    AUTHORITIES = Key(
        "authorities",
        FILE,
        "File of the authorities whose certificates are believed (PEM).",
        otherwise="those of the system",
        example="/etc/softswitch/carriers.pem",
    )
    VERIFY = Key(
        "verify",
        BOOLEAN,
        "Whether trunks must show a certificate of their host's name, of an authority.",
        default="true",
        example="false",
    )
    CLIENT_CERTIFICATES = Key(
        "client_certificates",
        BOOLEAN,
        "Whether those who connect must show a certificate of an authority.",
        default="false",
        example="true",
    )


SIP_TLS = Section(
    "switch tls",
    "SIP over TLS. The files are read again when the configuration is reloaded: connections from "
    "then on have the new certificate.",
    keys_of(TlsKeys),
    example="tls: {certificate: /etc/softswitch/sip.pem, key: /etc/softswitch/sip.key}",
)


def _read_tls(tree: Tree, reading: Reading) -> SwitchTls:
    if isinstance(tree, Scalar):
        raise RefusedError("expected certificate and key")
    keys = TlsKeys
    fields = read_fields(tree, SIP_TLS, reading)
    listen = fields.get(keys.LISTEN)
    return SwitchTls(
        certificate=fields[keys.CERTIFICATE],
        key=fields[keys.KEY],
        listen_host=None if listen is None else listen.host,
        listen_port=5061 if listen is None else listen.port,
        authorities=fields.get(keys.AUTHORITIES),
        verify=fields[keys.VERIFY],
        client_certificates=fields[keys.CLIENT_CERTIFICATES],
        places=fields.places(keys.CERTIFICATE, keys.KEY, keys.AUTHORITIES),
    )


SIP_TLS_KIND = section_kind(SIP_TLS, _read_tls)
