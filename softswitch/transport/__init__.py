"""Sockets, names and the one timer between the network and a SIP stack (RFC 3261 section 18).

transport = Transport([Endpoint("udp", "127.0.0.1", 5060), Endpoint("tcp", "127.0.0.1", 5060)])
stack = Stack(listeners=...)            # from transport.endpoints
await transport.start(stack, on_event)
...                                     # after a verb of the stack: transport.flush()
await transport.close()
"""

from softswitch.transport.endpoint import BindError, Endpoint
from softswitch.transport.face import StackFace
from softswitch.transport.resolver import NameNotResolved, Resolver
from softswitch.transport.tls import Tls, TlsFiles, TlsUnusable
from softswitch.transport.transport import Transport

__all__ = [
    "BindError",
    "Endpoint",
    "NameNotResolved",
    "Resolver",
    "StackFace",
    "Tls",
    "TlsFiles",
    "TlsUnusable",
    "Transport",
]
