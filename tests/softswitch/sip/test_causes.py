import pytest

from softswitch.sip.causes import (
    CAUSE_TEXTS,
    cause_text,
    q850_for_status,
    reason_header,
    sip_reason_header,
    status_for_q850,
)
from softswitch.sip.headers.reason import Reason


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (400, 41), (401, 21), (402, 21), (403, 21), (404, 1), (405, 63), (406, 79), (407, 21),
        (408, 102), (410, 22), (413, 127), (414, 127), (415, 79), (416, 127), (420, 127),
        (421, 127), (423, 127), (480, 18), (481, 41), (482, 25), (483, 25), (484, 28), (485, 1),
        (486, 17), (500, 41), (501, 79), (502, 38), (503, 41), (504, 102), (505, 127), (513, 127),
        (600, 17), (603, 21), (604, 1),
    ],
)  # fmt: skip
def test_rfc_3398_section_8_2_6_1(status: int, cause: int) -> None:
    assert q850_for_status(status) == cause


@pytest.mark.parametrize(
    ("cause", "status"),
    [
        (1, 404), (2, 404), (3, 404), (17, 486), (18, 408), (19, 480), (20, 480), (21, 403),
        (22, 410), (23, 410), (26, 404), (27, 502), (28, 484), (29, 501), (31, 480), (34, 503),
        (38, 503), (41, 503), (42, 503), (47, 503), (55, 403), (57, 403), (58, 503), (65, 488),
        (70, 488), (79, 501), (87, 403), (88, 503), (102, 504), (111, 500), (127, 500),
    ],
)  # fmt: skip
def test_rfc_3398_section_7_2_4_1(cause: int, status: int) -> None:
    assert status_for_q850(cause) == status


def test_an_unknown_cause_is_a_server_error() -> None:
    """RFC 3398 section 7.2.4.1: 'the default response "500 Server internal error"'."""
    assert status_for_q850(99) == status_for_q850(0) == status_for_q850(1000) == 500


@pytest.mark.parametrize(
    ("status", "cause"),
    [(200, 16), (302, 23), (487, 16), (488, 88), (499, 41), (599, 41), (606, 88), (607, 21),
     (699, 17)],
)  # fmt: skip
def test_every_other_status_has_a_cause_too(status: int, cause: int) -> None:
    assert q850_for_status(status) == cause


def test_every_cause_that_is_given_has_a_name() -> None:
    for status in range(200, 700):
        assert cause_text(q850_for_status(status))
    assert cause_text(0) == ""


@pytest.mark.parametrize("cause", sorted(CAUSE_TEXTS))
def test_a_reason_header_can_be_read_again(cause: int) -> None:
    reason = Reason.parse(reason_header(cause))
    assert (reason.protocol, reason.cause, reason.text) == ("Q.850", cause, CAUSE_TEXTS[cause])


def test_the_form_of_reason_headers() -> None:
    assert reason_header(16) == 'Q.850;cause=16;text="Normal call clearing"'
    assert reason_header(0) == "Q.850;cause=0"
    assert sip_reason_header(200, "Call completed elsewhere") == (
        'SIP;cause=200;text="Call completed elsewhere"'
    )
    assert sip_reason_header(600) == "SIP;cause=600"
    assert sip_reason_header(500, 'a "b" \\') == 'SIP;cause=500;text="a \\"b\\" \\\\"'
