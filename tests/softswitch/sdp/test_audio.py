from softswitch.sdp.audio import (
    MAX_REMEMBERED_LINES,
    RemoteAudio,
    read_audio,
    rtcp_port_of,
)
from softswitch.sdp.codec import PCMA, PCMU
from softswitch.sdp.description import SessionDescription


def read(*lines: str) -> RemoteAudio:
    description = SessionDescription.parse("\r\n".join(["v=0", *lines]).encode())
    return read_audio(description.media[0], description, (PCMU, PCMA))


def test_formats_attributes_and_direction_are_read_in_one_go() -> None:
    audio = read(
        "a=inactive",
        "m=audio 6000 RTP/AVP 8 0 13 101",
        "a=rtpmap:101 telephone-event/8000",
        "a=ptime:30",
        "a=rtcp:7000",
        "a=recvonly",
    )
    assert audio.codecs == ((PCMA, 8), (PCMU, 0))
    assert (audio.digit_payload_type, audio.comfort_noise_payload_type) == (101, 13)
    assert (audio.direction, audio.ptime_ms, audio.rtcp_port) == ("recvonly", 30, 7000)


def test_a_codec_that_is_named_twice_has_its_first_number() -> None:
    assert read("m=audio 6000 RTP/AVP 96 0", "a=rtpmap:96 PCMU/8000").codecs == ((PCMU, 96),)


def test_the_first_of_two_meanings_of_a_number_counts() -> None:
    lines = ("m=audio 6000 RTP/AVP 96", "a=rtpmap:96 PCMU/8000", "a=rtpmap:96 PCMA/8000")
    assert read(*lines).codecs == ((PCMU, 96),)


def test_a_stream_that_says_nothing_is_sendrecv_of_any_packet_time() -> None:
    audio = read("m=audio 6000 RTP/AVP 0")
    assert (audio.direction, audio.ptime_ms, audio.rtcp_port) == ("sendrecv", 0, 0)


def test_rtcp_is_one_port_higher_unless_said_otherwise() -> None:
    media = SessionDescription.parse(b"v=0\r\nm=audio 6000 RTP/AVP 0").media[0]
    assert rtcp_port_of(media, RemoteAudio()) == 6001
    assert rtcp_port_of(media, RemoteAudio(rtcp_port=7000)) == 7000


def test_a_direction_of_the_session_counts_where_the_stream_says_nothing() -> None:
    # The same lines in two sessions: what is remembered of the one does not show in the other.
    lines = ("m=audio 6000 RTP/AVP 0",)
    assert read("a=inactive", *lines).direction == "inactive"
    assert read("a=sendonly", *lines).direction == "sendonly"
    assert read(*lines).direction == "sendrecv"


def test_more_lines_than_are_remembered_are_read_all_the_same() -> None:
    extra = [f"a=x-line:{n}" for n in range(MAX_REMEMBERED_LINES)]
    assert read("m=audio 6000 RTP/AVP 8", *extra, "a=ptime:30").ptime_ms == 30


def test_comfort_noise_under_a_dynamic_number_is_not_taken() -> None:
    assert read("m=audio 1 RTP/AVP 0 96", "a=rtpmap:96 CN/8000").comfort_noise_payload_type is None
