"""What can be wrong with a packet from the network."""


class ParseError(ValueError):
    """The octets are not a packet of the kind looked for; the text says where they go wrong."""
