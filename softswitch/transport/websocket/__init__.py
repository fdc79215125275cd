"""SIP over WebSocket (RFC 7118): the opening handshake and the frames as cores, the connections and
their table as what the other streams are, with a way in and none out."""
