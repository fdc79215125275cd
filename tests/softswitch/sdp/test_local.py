from softswitch.sdp.codec import PCMA, PCMU, Codec
from softswitch.sdp.local import LocalMedia


def test_a_version_may_begin_anywhere() -> None:
    local = LocalMedia("192.0.2.1", 20000, 5, version=9)
    assert b"o=- 5 9 IN IP4 192.0.2.1\r\n" in local.write("m=audio 20000 RTP/AVP 0\r\n")
    assert b"o=- 5 10 IN IP4 192.0.2.1\r\n" in local.write("m=audio 20000 RTP/AVP 8\r\n")


def test_a_new_port_is_a_change() -> None:
    local = LocalMedia("192.0.2.1", 20000, 5)
    local.write("m=audio 20000 RTP/AVP 0\r\n")
    assert b" 2 IN" in local.write("m=audio 20002 RTP/AVP 0\r\n")


def test_static_numbers_are_used_and_the_rest_are_dynamic() -> None:
    codecs = [PCMU, PCMA, Codec("A", 8000), Codec("B", 8000)]
    local = LocalMedia("192.0.2.1", 20000, 5)
    assert local.payload_types_for(codecs, digits=True) == (0, 8, 96, 97, 101)
    assert local.payload_types_for(codecs[2:], digits=False) == (96, 97)


def test_a_remembered_number_is_taken_from_whoever_had_it() -> None:
    local = LocalMedia("192.0.2.1", 20000, 5)
    local.remember_payload_type("PCMU", 97)
    local.remember_payload_type("telephone-event", 97)
    local.remember_payload_type("telephone-event", 97)
    assert local.payload_types_for([PCMU], digits=True) == (0, 97)
