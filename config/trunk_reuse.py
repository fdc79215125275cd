"""Whether one TLS connection serves both directions between a trunk and the switch (RFC 5923)."""

from config.kinds import BOOLEAN
from config.reading import Key

__all__ = ["CONNECTION_REUSE"]

CONNECTION_REUSE = Key(
    "connection_reuse",
    BOOLEAN,
    "Whether calls to the trunk go over the TLS connection that it has opened itself, where its "
    "certificate is of the name in `address` and its Via says `alias`, and whether it is asked to "
    "do the same with ours (RFC 5923). Needs `client_certificates` of `tls`.",
    default="false",
    example="true",
)
