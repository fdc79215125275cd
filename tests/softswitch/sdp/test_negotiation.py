import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.sdp import (
    OPUS,
    PCMA,
    PCMU,
    AudioAgreement,
    Codec,
    LocalMedia,
    NotAcceptable,
    SessionDescription,
    accept_answer,
    acceptable_codecs,
    answer,
    check_offer,
    offer,
)
from softswitch.sdp.description import DIRECTIONS
from softswitch.sdp.negotiation import answer_direction
from softswitch.sdp.packet_time import PacketTime

CODECS = (PCMU, PCMA)
HEAD = "v=0\r\no=peer 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"


def peer(*lines: str, head: str = HEAD) -> SessionDescription:
    """A peer's description: the usual head, then these lines."""
    return SessionDescription.parse((head + "".join([line + "\r\n" for line in lines])).encode())


def local(host: str = "192.0.2.1") -> LocalMedia:
    return LocalMedia(host, 20000, session_id=77)


def agree(*lines: str, head: str = HEAD, direction: str = "sendrecv") -> AudioAgreement:
    """What we agree to when offered these lines."""
    return answer(peer(*lines, head=head), local(), CODECS, direction=direction)[1]


def body_of(*lines: str, direction: str = "sendrecv") -> list[str]:
    """The lines of our answer to these lines."""
    return answer(peer(*lines), local(), CODECS, direction=direction)[0].decode().split("\r\n")


def refusal(*lines: str, head: str = HEAD) -> tuple[int, str]:
    with pytest.raises(NotAcceptable) as caught:
        answer(peer(*lines, head=head), local(), CODECS)
    return caught.value.code, caught.value.text


USUAL = (
    "m=audio 6000 RTP/AVP 0 8 101",
    "a=rtpmap:101 telephone-event/8000",
    "a=fmtp:101 0-16",
)


class TestOffer:
    def test_an_offer_names_codecs_and_digits_in_our_order(self) -> None:
        assert offer(local(), (PCMA, PCMU)).decode().split("\r\n") == [
            "v=0",
            "o=- 77 1 IN IP4 192.0.2.1",
            "s=-",
            "c=IN IP4 192.0.2.1",
            "t=0 0",
            "m=audio 20000 RTP/AVP 8 0 101",
            "a=rtpmap:8 PCMA/8000",
            "a=rtpmap:0 PCMU/8000",
            "a=rtpmap:101 telephone-event/8000",
            "a=fmtp:101 0-15",
            "a=ptime:20",
            "a=sendrecv",
            "",
        ]

    def test_digits_ptime_and_direction_are_what_was_asked_for(self) -> None:
        lines = offer(local(), [PCMU], digits=False, ptime_ms=30, direction="sendonly").decode()
        assert "m=audio 20000 RTP/AVP 0\r\n" in lines
        assert "telephone-event" not in lines
        assert "a=ptime:30\r\na=sendonly\r\n" in lines

    def test_an_ipv6_address_is_said_to_be_one(self) -> None:
        lines = offer(local("2001:db8::1"), CODECS).decode()
        assert "o=- 77 1 IN IP6 2001:db8::1\r\n" in lines
        assert "c=IN IP6 2001:db8::1\r\n" in lines

    def test_the_version_grows_by_one_with_each_change_and_only_then(self) -> None:
        """RFC 3264 section 8."""
        ours = local()
        bodies = [
            offer(ours, CODECS),
            offer(ours, CODECS),
            offer(ours, CODECS, direction="sendonly"),
            offer(ours, CODECS),
        ]
        versions = [SessionDescription.parse(body).origin for body in bodies]
        assert [origin.version for origin in versions if origin] == ["1", "1", "2", "3"]
        assert bodies[0] == bodies[1]

    def test_a_codec_without_a_static_number_gets_a_dynamic_one(self) -> None:
        wide = Codec("L16", 8000)
        lines = offer(local(), [PCMU, wide]).decode()
        assert "m=audio 20000 RTP/AVP 0 96 101\r\n" in lines
        assert "a=rtpmap:96 L16/8000\r\n" in lines


class TestReoffer:
    def test_payload_numbers_of_an_answer_are_kept_in_our_offers(self) -> None:
        """RFC 3264 section 8.3.2: a number's meaning must not change."""
        ours = local()
        offered = peer(
            "m=audio 6000 RTP/AVP 97 100",
            "a=rtpmap:97 PCMU/8000",
            "a=rtpmap:100 telephone-event/8000",
        )
        answer(offered, ours, CODECS)
        assert "m=audio 20000 RTP/AVP 97 8 100\r\n" in offer(ours, CODECS).decode()

    def test_a_number_that_is_taken_is_not_given_to_digits(self) -> None:
        ours = local()
        answer(peer("m=audio 6000 RTP/AVP 101", "a=rtpmap:101 PCMU/8000"), ours, CODECS)
        assert "m=audio 20000 RTP/AVP 101 8 96\r\n" in offer(ours, CODECS).decode()

    def test_a_number_that_the_peer_gave_a_new_meaning_has_that_one_only(self) -> None:
        ours = local()
        answer(peer("m=audio 6000 RTP/AVP 97", "a=rtpmap:97 PCMU/8000"), ours, CODECS)
        changed = peer("m=audio 6000 RTP/AVP 8 97", "a=rtpmap:97 telephone-event/8000")
        answer(changed, ours, CODECS)
        assert "m=audio 20000 RTP/AVP 0 8 97\r\n" in offer(ours, CODECS).decode()

    def test_refused_streams_keep_their_places_in_our_offers(self) -> None:
        ours = local()
        lines = ("m=video 6002 RTP/AVP 99", *USUAL, "m=image 6004 udptl t38")
        answer(peer(*lines), ours, CODECS)
        reoffer = SessionDescription.parse(offer(ours, CODECS, direction="sendonly"))
        assert [(m.media, m.port) for m in reoffer.media] == [
            ("video", 0),
            ("audio", 20000),
            ("image", 0),
        ]
        answered = peer(
            "m=video 0 RTP/AVP 99",
            "m=audio 6000 RTP/AVP 0",
            "a=recvonly",
            "m=image 0 udptl t38",
        )
        assert accept_answer(reoffer, answered).direction == "sendonly"

    def test_an_answer_that_says_the_same_again_has_the_same_version(self) -> None:
        ours = local()
        first, _ = answer(peer(*USUAL), ours, CODECS)
        second, _ = answer(peer(*USUAL), ours, CODECS)
        held, _ = answer(peer(*USUAL, "a=sendonly"), ours, CODECS)
        assert first == second
        assert b"o=- 77 2 " in held


class TestAnswer:
    def test_the_usual_offer_is_answered_with_what_we_share(self) -> None:
        body, agreed = answer(peer(*USUAL), local(), CODECS)
        assert "m=audio 20000 RTP/AVP 0 8 101\r\n" in body.decode()
        assert agreed == AudioAgreement(
            codec=PCMU,
            payload_type=0,
            receive={0: "PCMU", 8: "PCMA", 101: "telephone-event"},
            digit_payload_type=101,
            packets=PacketTime(20, (0, 0)),
            remote_host="192.0.2.9",
            remote_port=6000,
            remote_rtcp_port=6001,
            send=True,
            receive_=True,
            held=False,
            direction="sendrecv",
            peer_direction="sendrecv",
            codecs=((PCMU, 0), (PCMA, 8)),
        )

    def test_the_peers_order_is_kept_unless_the_other_leg_has_a_preference(self) -> None:
        offered = peer("m=audio 6000 RTP/AVP 8 0")
        body, agreed = answer(offered, local(), CODECS)
        assert (agreed.codec, b"RTP/AVP 8 0\r\n" in body) == (PCMA, True)
        body, agreed = answer(offered, local(), CODECS, prefer=PCMU)
        assert (agreed.codec, b"RTP/AVP 0 8\r\n" in body) == (PCMU, True)

    def test_a_preference_the_peer_does_not_share_changes_nothing(self) -> None:
        offered = peer("m=audio 6000 RTP/AVP 8")
        assert answer(offered, local(), CODECS, prefer=PCMU)[1].codec == PCMA

    def test_only_codecs_we_were_told_to_take_are_taken(self) -> None:
        body, agreed = answer(peer(*USUAL), local(), [PCMA])
        assert b"RTP/AVP 8 101\r\n" in body
        assert agreed.codecs == ((PCMA, 8),)

    def test_a_codec_is_known_by_name_in_any_case_under_any_number(self) -> None:
        agreed = agree("m=audio 6000 RTP/AVP 18 99", "a=rtpmap:99 pcma/8000/1")
        assert (agreed.codec, agreed.payload_type, agreed.receive) == (PCMA, 99, {99: "PCMA"})

    def test_a_static_number_that_was_given_another_meaning_has_that_one(self) -> None:
        lines = ("m=audio 6000 RTP/AVP 0 8", "a=rtpmap:0 G726-32/8000")
        assert agree(*lines).codecs == ((PCMA, 8),)

    def test_another_clock_rate_is_another_codec(self) -> None:
        lines = ("m=audio 6000 RTP/AVP 96", "a=rtpmap:96 PCMU/16000")
        assert refusal(*lines) == (305, "Incompatible media format")

    @pytest.mark.parametrize("formats", ["x", "128", "999999", "-1", "\u0660"])
    def test_a_format_that_is_no_number_is_passed_over(self, formats: str) -> None:
        assert agree(f"m=audio 6000 RTP/AVP {formats} 8").codecs == ((PCMA, 8),)

    def test_rtpmap_written_carelessly_is_understood(self) -> None:
        lines = ("m=audio 6000 RTP/AVP 96 97", "a=rtpmap: 96 \t PCMU/8000 ", "a=rtpmap:97")
        assert agree(*lines).codecs == ((PCMU, 96),)

    def test_the_first_audio_that_we_can_take_is_taken_and_the_rest_refused(self) -> None:
        lines = body_of(
            "m=video 6002 RTP/AVP 99 100",
            "m=audio 6004 RTP/SAVP 0",
            "m=audio 6006 RTP/AVP 18",
            "m=audio 6008 RTP/AVP 8",
            "m=audio 6010 RTP/AVP 0",
            "m=image 6012 udptl t38",
            "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
            "m=text 6014 RTP/AVP",
        )
        assert [line for line in lines if line.startswith("m=")] == [
            "m=video 0 RTP/AVP 99",
            "m=audio 0 RTP/SAVP 0",
            "m=audio 0 RTP/AVP 18",
            "m=audio 20000 RTP/AVP 8",
            "m=audio 0 RTP/AVP 0",
            "m=image 0 udptl t38",
            "m=application 0 UDP/DTLS/SCTP webrtc-datachannel",
            "m=text 0 RTP/AVP 0",
        ]

    def test_a_disabled_audio_is_refused_like_any_other(self) -> None:
        lines = body_of("m=audio 0 RTP/AVP 0", "m=audio 6000 RTP/AVP 0")
        assert [line for line in lines if line.startswith("m=")] == [
            "m=audio 0 RTP/AVP 0",
            "m=audio 20000 RTP/AVP 0",
        ]

    def test_the_protocol_of_the_offer_is_that_of_the_answer(self) -> None:
        assert "m=audio 20000 RTP/AVPF 0" in body_of("m=audio 6000 RTP/AVPF 0")

    def test_an_address_of_the_stream_goes_before_that_of_the_session(self) -> None:
        assert agree("m=audio 6000 RTP/AVP 0", "c=IN IP4 192.0.2.77").remote_host == "192.0.2.77"

    def test_an_address_of_another_stream_does_not(self) -> None:
        lines = ("m=video 6002 RTP/AVP 99", "c=IN IP4 192.0.2.66", "m=audio 6000 RTP/AVP 0")
        assert agree(*lines).remote_host == "192.0.2.9"

    def test_ipv6_is_answered_from_ipv6(self) -> None:
        offered = peer("m=audio 6000 RTP/AVP 0", "c=IN IP6 2001:db8::9")
        agreed = answer(offered, local("2001:db8::1"), CODECS)[1]
        assert agreed.remote_host == "2001:db8::9"

    def test_bundles_and_other_attributes_are_passed_over(self) -> None:
        lines = body_of(
            *USUAL, "a=mid:0", "a=bundle-only", "a=ssrc:1 cname:x", "a=candidate:1 1 UDP"
        )
        assert not any("mid" in line or "bundle" in line or "ssrc" in line for line in lines)


class TestRefusal:
    def test_no_common_codec_is_warning_305(self) -> None:
        assert refusal("m=audio 6000 RTP/AVP 18 9") == (305, "Incompatible media format")

    def test_digits_or_comfort_noise_alone_are_no_codec(self) -> None:
        lines = ("m=audio 6000 RTP/AVP 101 13", "a=rtpmap:101 telephone-event/8000")
        assert refusal(*lines) == (305, "Incompatible media format")

    @pytest.mark.parametrize("lines", [(), ("m=video 6000 RTP/AVP 99",), ("m=audio 0 RTP/AVP 0",)])
    def test_no_audio_is_warning_304(self, lines: tuple[str, ...]) -> None:
        assert refusal(*lines) == (304, "Media type not available")

    @pytest.mark.parametrize("protocol", ["RTP/SAVP", "udp", "TCP/RTP/AVP"])
    def test_another_protocol_is_warning_302(self, protocol: str) -> None:
        code, text = refusal(f"m=audio 6000 {protocol} 0")
        assert (code, text) == (302, "Incompatible transport protocol")

    @pytest.mark.parametrize("protocol", ["UDP/TLS/RTP/SAVPF", "udp/tls/rtp/savp"])
    def test_what_browsers_offer_is_refused_by_its_name(self, protocol: str) -> None:
        code, text = refusal(f"m=audio 6000 {protocol} 0")
        assert code == 302
        assert "DTLS-SRTP (UDP/TLS), as browsers want it, is not spoken here" in text

    @pytest.mark.parametrize(
        "address", ["IN IP4 233.252.0.1/127", "IN IP6 ff15::101", "IN IP4 224.0.0.1"]
    )
    def test_multicast_is_warning_330(self, address: str) -> None:
        lines = ("m=audio 6000 RTP/AVP 0", f"c={address}")
        assert refusal(*lines) == (330, "Multicast not available")

    @pytest.mark.parametrize(
        "address",
        [
            "IN IP6 2001:db8::9",
            "IN IP4 media.example.com",
            "IN IP4 255.255.255.255",
            "IN IP6 fe80::1%eth0",
            "IN IP4 1.2.3",
        ],
    )
    def test_an_address_that_we_cannot_send_to_is_warning_301(self, address: str) -> None:
        code, _ = refusal("m=audio 6000 RTP/AVP 0", f"c={address}")
        assert code == 301

    def test_no_address_at_all_is_warning_301(self) -> None:
        assert refusal("m=audio 6000 RTP/AVP 0", head="v=0\r\n")[0] == 301

    def test_a_refused_offer_changes_nothing_of_ours(self) -> None:
        ours = local()
        before = offer(ours, CODECS)
        with pytest.raises(NotAcceptable):
            answer(peer("m=video 6002 RTP/AVP 99", "m=audio 6000 RTP/AVP 18"), ours, CODECS)
        assert offer(ours, CODECS) == before

    def test_the_warning_header_is_as_rfc_3261_writes_it(self) -> None:
        error = NotAcceptable(305, "Incompatible media format")
        assert error.warning("192.0.2.1") == '305 192.0.2.1 "Incompatible media format"'


class TestDigits:
    @pytest.mark.parametrize("number", [96, 100, 101, 110, 127])
    def test_digits_have_the_number_of_the_offer(self, number: int) -> None:
        lines = (f"m=audio 6000 RTP/AVP 0 {number}", f"a=rtpmap:{number} telephone-event/8000")
        body, agreed = answer(peer(*lines), local(), CODECS)
        assert agreed.digit_payload_type == number
        assert agreed.receive == {0: "PCMU", number: "telephone-event"}
        assert f"a=fmtp:{number} 0-15\r\n" in body.decode()

    def test_digits_on_the_clock_of_the_codec_are_chosen(self) -> None:
        lines = (
            "m=audio 6000 RTP/AVP 97 0 98",
            "a=rtpmap:97 telephone-event/48000",
            "a=rtpmap:98 TELEPHONE-EVENT/8000",
        )
        assert agree(*lines).digit_payload_type == 98

    def test_no_digits_offered_are_none_agreed(self) -> None:
        body, agreed = answer(peer("m=audio 6000 RTP/AVP 0"), local(), CODECS)
        assert agreed.digit_payload_type is None
        assert b"telephone-event" not in body

    def test_each_direction_may_have_its_own_number(self) -> None:
        answered = peer("m=audio 6000 RTP/AVP 0 96", "a=rtpmap:96 telephone-event/8000")
        agreed = accept_answer(offer(local(), CODECS), answered)
        assert agreed.digit_payload_type == 96
        assert agreed.receive[101] == "telephone-event"
        assert agreed.receive[96] == "telephone-event"

    def test_a_number_of_ours_is_not_taken_over_by_the_peers_digits(self) -> None:
        answered = peer("m=audio 6000 RTP/AVP 0 8", "a=rtpmap:8 telephone-event/8000")
        agreed = accept_answer(offer(local(), CODECS), answered)
        assert (agreed.digit_payload_type, agreed.receive[8]) == (8, "PCMA")

    def test_digits_we_did_not_offer_are_not_agreed(self) -> None:
        agreed = accept_answer(offer(local(), CODECS, digits=False), peer(*USUAL))
        assert agreed.digit_payload_type is None
        assert 101 not in agreed.receive

    def test_comfort_noise_that_the_peer_names_is_known_when_it_comes(self) -> None:
        body, agreed = answer(peer("m=audio 6000 RTP/AVP 0 13"), local(), CODECS)
        assert agreed.receive == {0: "PCMU", 13: "CN"}
        assert b"RTP/AVP 0\r\n" in body


class TestPacketLength:
    @pytest.mark.parametrize("ptime", [10, 20, 30, 40, 50, 60])
    def test_the_ptime_of_the_peer_is_taken(self, ptime: int) -> None:
        lines = (*USUAL, f"a=ptime:{ptime}")
        assert agree(*lines).ptime_ms == ptime
        assert f"a=ptime:{ptime}" in body_of(*lines)

    @pytest.mark.parametrize("ptime", ["0", "5", "25", "70", "1000", "99999", "x", "", "-20"])
    def test_a_ptime_that_we_cannot_send_is_20_ms(self, ptime: str) -> None:
        assert agree(*USUAL, f"a=ptime:{ptime}").ptime_ms == 20

    @pytest.mark.parametrize("ptime", ["30.0", "30 ", " 30", "30 ms"])
    def test_a_ptime_written_carelessly_is_understood(self, ptime: str) -> None:
        assert agree(*USUAL, f"a=ptime:{ptime}").ptime_ms == 30

    @pytest.mark.parametrize(
        ("ptime", "max_ptime", "sent"),
        [(0, 10, 10), (40, 30, 30), (40, 35, 30), (0, 15, 10), (30, 150, 30), (20, 5, 10)],
    )
    def test_no_packet_is_longer_than_maxptime(self, ptime: int, max_ptime: int, sent: int) -> None:
        lines = [f"a=ptime:{ptime}"] if ptime else []
        assert agree(*USUAL, *lines, f"a=maxptime:{max_ptime}").ptime_ms == sent

    def test_our_own_ptime_is_asked_for_and_sent_where_the_peer_has_none(self) -> None:
        body, agreed = answer(peer(*USUAL), local(), CODECS, ptime_ms=40)
        assert b"a=ptime:40" in body
        assert agreed.packets == PacketTime(40, (40, 40))
        body, agreed = answer(peer(*USUAL, "a=ptime:30"), local(), CODECS, ptime_ms=40)
        assert b"a=ptime:40" in body
        assert agreed.packets == PacketTime(30, (30, 30))
        agreed = accept_answer(offer(local(), CODECS), peer(*USUAL), ptime_ms=40)
        assert agreed.packets == PacketTime(40, (40, 40))

    def test_comfort_noise_is_offered_and_answered_where_it_is_allowed(self) -> None:
        offered = offer(local(), CODECS, comfort_noise=True).decode()
        assert "RTP/AVP 0 8 101 13\r\n" in offered
        assert "a=rtpmap:13 CN/8000\r\n" in offered
        named = ("m=audio 6000 RTP/AVP 0 13 101", USUAL[1])
        body, agreed = answer(peer(*named), local(), CODECS, comfort_noise=True)
        assert b"RTP/AVP 0 101 13\r\n" in body
        assert agreed.receive[13] == "CN"
        assert b"13" not in answer(peer(*named), local(), CODECS)[0].split(b"m=audio")[1]
        assert b"13" not in answer(peer(*USUAL), local(), CODECS, comfort_noise=True)[0]

    def test_the_ptime_of_an_answer_is_what_we_send(self) -> None:
        agreed = accept_answer(offer(local(), CODECS), peer(*USUAL, "a=ptime:30"))
        assert agreed.ptime_ms == 30


class TestRtcp:
    def test_rtcp_goes_to_the_next_port(self) -> None:
        assert agree("m=audio 6000 RTP/AVP 0").remote_rtcp_port == 6001

    @pytest.mark.parametrize("value", ["7777", "7777 IN IP4 192.0.2.8"])
    def test_rtcp_goes_where_the_attribute_says(self, value: str) -> None:
        """RFC 3605 section 2.1."""
        assert agree("m=audio 6000 RTP/AVP 0", f"a=rtcp:{value}").remote_rtcp_port == 7777

    @pytest.mark.parametrize("value", ["", "x", "65536", "0", "123456"])
    def test_an_attribute_without_a_port_is_passed_over(self, value: str) -> None:
        assert agree("m=audio 6000 RTP/AVP 0", f"a=rtcp:{value}").remote_rtcp_port == 6001

    def test_there_is_no_port_beyond_the_last(self) -> None:
        assert agree("m=audio 65535 RTP/AVP 0").remote_rtcp_port == 65535


class TestDirection:
    @pytest.mark.parametrize(
        ("offered", "ours"),
        [
            ("sendrecv", "sendrecv"),
            ("sendonly", "recvonly"),
            ("recvonly", "sendonly"),
            ("inactive", "inactive"),
        ],
    )
    def test_our_direction_mirrors_the_peers(self, offered: str, ours: str) -> None:
        """RFC 3264 section 6.1."""
        lines = body_of(*USUAL, f"a={offered}")
        assert lines[-2] == f"a={ours}"
        agreed = agree(*USUAL, f"a={offered}")
        assert agreed.direction == ours
        assert agreed.send == (ours in {"sendrecv", "sendonly"})
        assert agreed.receive_ == (ours in {"sendrecv", "recvonly"})
        assert agreed.peer_direction == offered
        assert agreed.held == (offered in {"sendonly", "inactive"})

    @pytest.mark.parametrize("theirs", sorted(DIRECTIONS))
    @pytest.mark.parametrize("wish", sorted(DIRECTIONS))
    def test_media_flows_only_where_both_want_it(self, theirs: str, wish: str) -> None:
        ours = answer_direction(theirs, wish)
        sends = {"sendrecv", "sendonly"}
        receives = {"sendrecv", "recvonly"}
        assert (ours in sends) == (theirs in receives and wish in sends)
        assert (ours in receives) == (theirs in sends and wish in receives)

    def test_the_direction_of_the_session_holds_for_streams_that_have_none(self) -> None:
        head = HEAD + "a=sendonly\r\n"
        assert agree("m=audio 6000 RTP/AVP 0", head=head).direction == "recvonly"
        lines = ("m=audio 6000 RTP/AVP 0", "a=sendrecv")
        assert agree(*lines, head=head).direction == "sendrecv"

    @pytest.mark.parametrize(
        ("attribute", "ours"),
        [
            ("sendrecv", "recvonly"),
            ("sendonly", "recvonly"),
            ("recvonly", "inactive"),
            ("inactive", "inactive"),
        ],
    )
    @pytest.mark.parametrize("address", ["IN IP4 0.0.0.0", "IN IP6 ::"])
    def test_an_address_of_zero_is_hold_and_nothing_is_sent_there(
        self, address: str, attribute: str, ours: str
    ) -> None:
        """RFC 3264 section 8.4, RFC 2543's hold."""
        agreed = agree(*USUAL, f"c={address}", f"a={attribute}")
        assert (agreed.direction, agreed.send, agreed.held) == (ours, False, True)
        old_words = {"sendrecv": "sendonly", "recvonly": "inactive"}
        assert agreed.peer_direction == old_words.get(attribute, attribute)

    def test_resuming_after_a_hold_is_no_longer_held(self) -> None:
        ours = local()
        assert answer(peer(*USUAL, "a=sendonly"), ours, CODECS)[1].held
        assert not answer(peer(*USUAL), ours, CODECS)[1].held

    def test_our_own_hold_is_not_the_peers(self) -> None:
        ours = offer(local(), CODECS, direction="sendonly")
        agreed = accept_answer(ours, peer(*USUAL, "a=recvonly"))
        assert (agreed.direction, agreed.held) == ("sendonly", False)
        ours = offer(local(), CODECS, direction="inactive")
        agreed = accept_answer(ours, peer(*USUAL, "a=inactive"))
        assert (agreed.direction, agreed.held) == ("inactive", False)

    @pytest.mark.parametrize("answered", ["sendonly", "inactive"])
    def test_an_answer_that_does_not_listen_is_a_hold(self, answered: str) -> None:
        agreed = accept_answer(offer(local(), CODECS), peer(*USUAL, f"a={answered}"))
        assert (agreed.held, agreed.send) == (True, False)

    def test_an_answer_with_an_address_of_zero_is_a_hold(self) -> None:
        agreed = accept_answer(offer(local(), CODECS), peer(*USUAL, "c=IN IP4 0.0.0.0"))
        assert (agreed.direction, agreed.held) == ("recvonly", True)

    def test_an_answer_that_wants_more_than_was_offered_gets_what_was_offered(self) -> None:
        ours = offer(local(), CODECS, direction="sendonly")
        assert accept_answer(ours, peer(*USUAL, "a=sendrecv")).direction == "sendonly"


class TestAcceptAnswer:
    def test_the_first_codec_of_the_answer_is_sent(self) -> None:
        agreed = accept_answer(offer(local(), CODECS), peer("m=audio 6000 RTP/AVP 8 0"))
        assert (agreed.codec, agreed.payload_type) == (PCMA, 8)
        assert agreed.codecs == ((PCMA, 8), (PCMU, 0))

    def test_what_we_offered_may_still_arrive(self) -> None:
        agreed = accept_answer(offer(local(), CODECS), peer("m=audio 6000 RTP/AVP 8"))
        assert agreed.receive == {0: "PCMU", 8: "PCMA", 101: "telephone-event"}

    def test_numbers_are_ours_to_receive_and_the_peers_to_send(self) -> None:
        ours = local()
        answer(peer("m=audio 6000 RTP/AVP 97", "a=rtpmap:97 PCMU/8000"), ours, CODECS)
        answered = peer("m=audio 6000 RTP/AVP 0")
        agreed = accept_answer(offer(ours, [PCMU], digits=False), answered)
        assert (agreed.payload_type, agreed.receive) == (0, {97: "PCMU"})

    def test_a_codec_that_was_not_offered_is_not_agreed(self) -> None:
        with pytest.raises(NotAcceptable, match="Incompatible media format"):
            accept_answer(offer(local(), [PCMU]), peer("m=audio 6000 RTP/AVP 8"))

    @pytest.mark.parametrize("lines", [("m=audio 0 RTP/AVP 0",), (), ("m=video 6000 RTP/AVP 0",)])
    def test_an_answer_without_audio_is_not_acceptable(self, lines: tuple[str, ...]) -> None:
        with pytest.raises(NotAcceptable, match="Media type"):
            accept_answer(offer(local(), CODECS), peer(*lines))

    def test_an_answer_that_leaves_out_what_it_refused_is_understood(self) -> None:
        ours = local()
        answer(peer("m=video 6002 RTP/AVP 99", *USUAL), ours, CODECS)
        agreed = accept_answer(offer(ours, CODECS), peer("m=audio 6000 RTP/AVP 0"))
        assert agreed.remote_port == 6000

    def test_an_offer_without_audio_is_our_own_mistake(self) -> None:
        with pytest.raises(ValueError, match="our own offer"):
            accept_answer(peer("m=video 6002 RTP/AVP 99"), peer(*USUAL))

    def test_the_other_codec_can_be_sent_when_the_peer_takes_it(self) -> None:
        agreed = accept_answer(offer(local(), CODECS), peer(*USUAL))
        other = agreed.with_codec(PCMA)
        assert (other.codec, other.payload_type) == (PCMA, 8)
        assert other.with_codec(Codec("G729", 8000)) == other


class TestAcceptableCodecs:
    def test_they_are_those_we_share_in_the_peers_order(self) -> None:
        assert acceptable_codecs(peer("m=audio 6000 RTP/AVP 18 8 0"), CODECS) == (PCMA, PCMU)

    def test_they_are_of_the_first_audio_that_has_any(self) -> None:
        lines = ("m=audio 6000 RTP/AVP 18", "m=audio 6002 RTP/AVP 0")
        assert acceptable_codecs(peer(*lines), CODECS) == (PCMU,)

    def test_there_may_be_none(self) -> None:
        assert acceptable_codecs(peer("m=audio 6000 RTP/SAVP 0"), CODECS) == ()


ATTRIBUTES = st.sampled_from(
    [
        "a=sendonly",
        "a=inactive",
        "a=ptime:30",
        "a=maxptime:10",
        "a=rtcp:9",
        "a=rtpmap:96 PCMU/8000",
        "a=rtpmap:97 telephone-event/8000",
        "a=rtpmap:0 PCMA/8000",
        "c=IN IP4 0.0.0.0",
        "c=IN IP4 192.0.2.50",
        "c=IN IP6 2001:db8::9",
    ]
)
MEDIA = st.builds(
    "m={} {} {} {}".format,
    st.sampled_from(["audio", "audio", "video", "image"]),
    st.sampled_from([0, 6000, 65535]),
    st.sampled_from(["RTP/AVP", "RTP/AVP", "RTP/SAVP", "udptl"]),
    st.lists(st.sampled_from(["0", "8", "13", "96", "97", "t38"])).map(" ".join),
)
OFFERS = st.lists(st.one_of(MEDIA, ATTRIBUTES), max_size=12)


@given(st.lists(OFFERS, min_size=1, max_size=3))
def test_any_offers_in_a_row_are_answered_by_the_rules_or_refused(offers: list[list[str]]) -> None:
    """As many m-lines as offered, in their order, one of them ours; numbers of the offer."""
    ours = local()
    for lines in offers:
        offered = peer(*lines)
        try:
            body, agreed = answer(offered, ours, CODECS)
        except NotAcceptable:
            continue
        answered = SessionDescription.parse(body)
        assert [m.media for m in answered.media] == [m.media for m in offered.media]
        assert [m.protocol for m in answered.media] == [m.protocol for m in offered.media]
        (index,) = [n for n, m in enumerate(answered.media) if m.port]
        assert set(answered.media[index].formats) <= set(offered.media[index].formats)
        assert agreed.send == (agreed.direction in {"sendrecv", "sendonly"})
        assert (agreed.codec, agreed.payload_type) == agreed.codecs[0]
        assert 10 <= agreed.ptime_ms <= 60
        again = SessionDescription.parse(offer(ours, CODECS))
        assert [bool(m.port) for m in again.media] == [bool(m.port) for m in answered.media]
        assert len(set(again.media[index].formats)) == len(again.media[index].formats)


def test_an_answer_to_the_last_offer_written_needs_no_text_of_it() -> None:
    ours = local()
    text = offer(ours, CODECS, direction="sendonly")
    answered = peer("m=audio 6000 RTP/AVP 8 101", "a=rtpmap:101 telephone-event/8000")
    assert accept_answer(ours, answered) == accept_answer(text, answered)


def test_an_answer_to_nothing_is_our_mistake() -> None:
    with pytest.raises(ValueError, match="nothing was offered"):
        accept_answer(local(), peer("m=audio 6000 RTP/AVP 0"))


def test_an_offer_is_checked_without_being_answered() -> None:
    ours = local()
    assert check_offer(peer("m=audio 6000 RTP/AVP 18 8 0"), ours, CODECS) == (PCMA, PCMU)
    with pytest.raises(NotAcceptable):
        check_offer(peer("m=audio 6000 RTP/AVP 18"), ours, CODECS)
    assert ours.version == local().version


class TestOpus:
    CODECS = (OPUS, PCMU)
    OFFERED = (
        "m=audio 6000 RTP/AVP 111 0 101 110",
        "a=rtpmap:111 opus/48000/2",
        "a=rtpmap:101 telephone-event/8000",
        "a=rtpmap:110 telephone-event/48000",
    )

    def test_it_is_offered_with_digits_on_its_clock_and_on_that_of_the_others(self) -> None:
        lines = offer(local(), self.CODECS).decode().split("\r\n")
        assert "m=audio 20000 RTP/AVP 96 0 101 97" in lines
        assert "a=rtpmap:96 opus/48000/2" in lines
        assert "a=rtpmap:101 telephone-event/8000" in lines
        assert "a=rtpmap:97 telephone-event/48000" in lines
        assert lines.count("a=fmtp:97 0-15") == 1

    def test_who_offers_it_gets_it_with_its_own_numbers(self) -> None:
        body, agreed = answer(peer(*self.OFFERED), local(), self.CODECS)
        assert b"RTP/AVP 111 0 101 110\r\n" in body
        assert (agreed.codec, agreed.payload_type) == (OPUS, 111)
        assert agreed.digit_payload_type == 110
        assert agreed.receive == {
            111: "opus", 0: "PCMU", 101: "telephone-event", 110: "telephone-event/48000",
        }  # fmt: skip

    def test_beside_another_codec_digits_have_its_clock(self) -> None:
        _, agreed = answer(peer(*self.OFFERED), local(), self.CODECS, prefer=PCMU)
        assert (agreed.codec, agreed.digit_payload_type) == (PCMU, 101)
        _, agreed = answer(peer(*self.OFFERED), local(), (PCMU,))
        assert agreed.digit_payload_type == 101
        assert b"110" not in answer(peer(*self.OFFERED), local(), (PCMU,))[0]

    def test_an_answer_with_it_is_understood(self) -> None:
        ours = local()
        offer(ours, self.CODECS)
        answered = peer(
            "m=audio 6000 RTP/AVP 96 97", "a=rtpmap:96 OPUS/48000/2",
            "a=rtpmap:97 telephone-event/48000",
        )  # fmt: skip
        agreed = accept_answer(ours, answered)
        assert (agreed.codec, agreed.payload_type, agreed.digit_payload_type) == (OPUS, 96, 97)
        assert agreed.receive[97] == "telephone-event/48000"

    def test_numbers_stay_from_offer_to_offer(self) -> None:
        ours = local()
        answer(peer(*self.OFFERED), ours, self.CODECS)
        assert b"RTP/AVP 111 0 101 110\r\n" in offer(ours, self.CODECS)

    def test_without_digits_of_its_clock_none_are_sent_beside_it(self) -> None:
        _, agreed = answer(peer(*self.OFFERED[:3]), local(), self.CODECS)
        assert agreed.digit_payload_type is None
        assert agreed.receive[101] == "telephone-event"
