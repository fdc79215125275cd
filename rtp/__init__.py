"""RTP and RTCP: RFC 3550, RFC 3551, RFC 4733. Cores here; `engine/` relays packets natively.

Knows no signalling and no audio: payloads are octets.
"""
