from softswitch.commands.ctl.sip_lines import arrow_label, media_of

SDP = "INVITE sip:x SIP/2.0\r\n\r\nv=0\r\n{c}m=audio {m}\r\n{a}"


def test_a_request_is_its_method_with_the_cause_it_gives() -> None:
    assert arrow_label("INVITE sip:x SIP/2.0\r\nCSeq: 1 INVITE\r\n\r\n") == "INVITE"
    cancel = 'CANCEL sip:x SIP/2.0\r\nReason: SIP ;cause=200 ;text="elsewhere"\r\n\r\n'
    assert arrow_label(cancel) == "CANCEL (SIP 200)"


def test_a_response_says_what_it_answers_unless_that_is_an_invite() -> None:
    assert arrow_label("SIP/2.0 180 Ringing\r\nCSeq: 1 INVITE\r\n\r\n") == "180 Ringing"
    assert arrow_label("SIP/2.0 200 OK\r\ncseq : 7  BYE\r\n\r\n") == "200 OK (BYE)"


def test_a_cause_in_a_body_is_none() -> None:
    assert arrow_label("BYE sip:x SIP/2.0\r\n\r\nReason: Q.850;cause=16\r\n") == "BYE"


def test_a_long_first_line_is_cut() -> None:
    assert len(arrow_label(f"SIP/2.0 500 {'x' * 500}\r\n\r\n")) == 36


def test_what_is_no_sip_has_a_label_too() -> None:
    assert arrow_label("") == "?"
    assert arrow_label("\r\n\r\n") == "?"


def test_media_are_codecs_address_and_direction() -> None:
    text = SDP.format(c="c=IN IP4 192.0.2.7\r\n", m="4000 RTP/AVP 8 0", a="a=sendonly\r\n")
    assert media_of(text) == "PCMA/PCMU 192.0.2.7:4000 sendonly"


def test_a_codec_is_known_by_its_name_or_else_its_number() -> None:
    text = SDP.format(c="", m="9 RTP/AVP 97 98", a="a=rtpmap:97 opus/48000/2\r\n")
    assert media_of(text) == "opus/98 ?:9"


def test_what_is_no_description_says_nothing_of_media() -> None:
    assert media_of("INVITE sip:x SIP/2.0\r\n\r\n") == ""
    assert media_of("INFO sip:x SIP/2.0\r\n\r\nSignal=5\r\n") == ""
    assert media_of("INVITE sip:x SIP/2.0\r\n\r\nv=0\r\nm=audio\r\n") == ""
