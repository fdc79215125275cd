"""SIP statuses to Q.850 causes and back, and the Reason header that carries either.

RFC 3398 section 8.2.6.1 (status to cause) and 7.2.4.1 (cause to status), RFC 3326 (Reason), ITU-T
Q.850 section 2.2.7 (the causes and their names). Where RFC 3398 gives no cause the nearest one is
taken and the line says so. Knows nothing of calls; `softswitch.sip.headers` parses Reason headers.
"""

NORMAL_CLEARING = 16
INTERWORKING = 127

CAUSE_TEXTS = {
    1: "Unallocated (unassigned) number",
    2: "No route to specified transit network",
    3: "No route to destination",
    6: "Channel unacceptable",
    16: "Normal call clearing",
    17: "User busy",
    18: "No user responding",
    19: "No answer from user (user alerted)",
    20: "Subscriber absent",
    21: "Call rejected",
    22: "Number changed",
    23: "Redirection to new destination",
    25: "Exchange routing error",
    26: "Non-selected user clearing",
    27: "Destination out of order",
    28: "Invalid number format (address incomplete)",
    29: "Facility rejected",
    30: "Response to STATUS ENQUIRY",
    31: "Normal, unspecified",
    34: "No circuit/channel available",
    38: "Network out of order",
    41: "Temporary failure",
    42: "Switching equipment congestion",
    43: "Access information discarded",
    44: "Requested circuit/channel not available",
    47: "Resource unavailable, unspecified",
    50: "Requested facility not subscribed",
    55: "Incoming calls barred within CUG",
    57: "Bearer capability not authorized",
    58: "Bearer capability not presently available",
    63: "Service or option not available, unspecified",
    65: "Bearer capability not implemented",
    69: "Requested facility not implemented",
    70: "Only restricted digital information bearer capability is available",
    79: "Service or option not implemented, unspecified",
    87: "User not member of CUG",
    88: "Incompatible destination",
    95: "Invalid message, unspecified",
    96: "Mandatory information element is missing",
    97: "Message type non-existent or not implemented",
    99: "Information element/parameter non-existent or not implemented",
    100: "Invalid information element contents",
    102: "Recovery on timer expiry",
    111: "Protocol error, unspecified",
    127: "Interworking, unspecified",
}

# RFC 3398 section 8.2.6.1, "SIP Status Codes to ISDN Cause Codes".
_CAUSES = {
    400: 41,
    401: 21,
    402: 21,
    403: 21,
    404: 1,
    405: 63,
    406: 79,
    407: 21,
    408: 102,
    410: 22,
    413: 127,
    414: 127,
    415: 79,
    416: 127,
    420: 127,
    421: 127,
    423: 127,
    480: 18,
    481: 41,
    482: 25,
    483: 25,
    484: 28,
    485: 1,
    486: 17,
    # "487 Request Terminated: no mapping": the caller gave up, which is normal clearing.
    487: 16,
    # 488 and 606 depend on a Warning there; it is always the media that did not suit.
    488: 88,
    500: 41,
    501: 79,
    502: 38,
    503: 41,
    504: 102,
    505: 127,
    513: 127,
    600: 17,
    603: 21,
    604: 1,
    606: 88,
    # Later than RFC 3398: unwanted (RFC 8197) and rejected (RFC 8688) are calls rejected.
    607: 21,
    608: 21,
}

# RFC 3398 section 7.2.4.1, "ISUP Cause Codes to SIP Response Codes".
_STATUSES = {
    1: 404,
    2: 404,
    3: 404,
    # No mapping there ("normal call clearing"); before an answer it means that nobody came.
    16: 480,
    17: 486,
    18: 408,
    19: 480,
    20: 480,
    # 603 there when the user, 403 when the network rejected; a cause alone does not say which.
    21: 403,
    22: 410,
    23: 410,
    26: 404,
    27: 502,
    28: 484,
    29: 501,
    31: 480,
    34: 503,
    38: 503,
    41: 503,
    42: 503,
    47: 503,
    55: 403,
    57: 403,
    58: 503,
    65: 488,
    70: 488,
    79: 501,
    87: 403,
    88: 503,
    102: 504,
    111: 500,
    127: 500,
}

# RFC 3398 section 7.2.4.1: "If a cause value other than those listed below is received, the
# default response '500 Server internal error' would be used."
_DEFAULT_STATUS = 500


def q850_for_status(status: int) -> int:
    """The cause a final SIP status stands for; any status has one."""
    cause = _CAUSES.get(status)
    if cause is not None:
        return cause
    if status < 300:
        return NORMAL_CLEARING
    if status < 400:
        return 23
    # RFC 3261 section 8.1.3.2: an unknown status is treated as the x00 of its class.
    return _CAUSES.get(status // 100 * 100, INTERWORKING)


def status_for_q850(cause: int) -> int:
    """The SIP status that refuses a call for this cause."""
    return _STATUSES.get(cause, _DEFAULT_STATUS)


def cause_text(cause: int) -> str:
    """The name of a cause, or an empty text for a number that Q.850 does not name."""
    return CAUSE_TEXTS.get(cause, "")


def reason_header(q850: int) -> str:
    """The value of a Reason header with a Q.850 cause (RFC 3326 section 2)."""
    return _reason("Q.850", q850, cause_text(q850))


def sip_reason_header(status: int, text: str = "") -> str:
    """The value of a Reason header with a SIP status, as in a CANCEL (RFC 3326 section 3.1)."""
    return _reason("SIP", status, text)


def _reason(protocol: str, cause: int, text: str) -> str:
    if not text:
        return f"{protocol};cause={cause}"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'{protocol};cause={cause};text="{escaped}"'
