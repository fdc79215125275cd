"""STIR: who signed a caller's number, and our own signatures (RFC 8224, 8225, 8226, 8588, 8946).

Sans-IO: told what an INVITE says, which certificates there are and what time it is. Knows no
trunks, no policy and no calls.
"""
