"""Offer and answer for one audio stream, from either side.

RFC 3264. `offer` and `answer` write our description, `answer` and `accept_answer` say what was
agreed. No transport, no call state: what a re-offer must keep is in LocalMedia.
"""

from collections.abc import Mapping, Sequence

import msgspec

from softswitch.sdp.audio import (
    ACCEPTED_PROTOCOLS,
    RemoteAudio,
    read_audio,
    rtcp_port_of,
)
from softswitch.sdp.codec import (
    COMFORT_NOISE,
    FAST_EVENT,
    G722,
    OPUS,
    PCMA,
    PCMU,
    TELEPHONE_EVENT,
    Codec,
)
from softswitch.sdp.crypto import SECURE_PROTOCOLS, SrtpKeys, refusal_of
from softswitch.sdp.description import MediaDescription, SessionDescription
from softswitch.sdp.errors import (
    WARN_MEDIA_FORMAT,
    WARN_MEDIA_TYPE,
    NotAcceptable,
)
from softswitch.sdp.hosts import connection_of, family_of, is_unspecified, remote_host
from softswitch.sdp.local import LocalMedia, OurOffer
from softswitch.sdp.packet_time import DEFAULT_PTIME_MS, PacketTime, packet_time
from softswitch.sdp.writing import audio_lines, format_lines, refuse

KNOWN_CODECS = (PCMU, PCMA, G722, OPUS)
SENDING = frozenset({"sendrecv", "sendonly"})
RECEIVING = frozenset({"sendrecv", "recvonly"})
ALL_PROTOCOLS = ACCEPTED_PROTOCOLS | SECURE_PROTOCOLS
_RTCP_MUX = "a=rtcp-mux\r\n"


class AudioAgreement(msgspec.Struct, frozen=True):
    """What both sides settled on for one audio stream.

    `codec`, `payload_type` and `digit_payload_type` are what we send; `receive` is what may arrive
    (payload type -> "PCMU", "opus", "telephone-event", "CN"...). `codecs` are all formats the peer
    takes, as it prefers them, with the numbers to send them under. `packets`: how long what we send
    is. `held`: the peer does not want to hear us. `direction` is ours, as in SDP; `peer_direction`
    what the peer asked for, seen from the peer.
    """

    codec: Codec
    payload_type: int
    receive: Mapping[int, str]
    digit_payload_type: int | None
    packets: PacketTime
    remote_host: str
    remote_port: int
    remote_rtcp_port: int
    send: bool
    receive_: bool
    held: bool
    direction: str
    peer_direction: str
    codecs: tuple[tuple[Codec, int], ...]
    srtp: SrtpKeys | None = None
    rtcp_mux: bool = False

    @property
    def ptime_ms(self) -> int:
        """How long the packets are that we make, in milliseconds."""
        return self.packets.ms

    def with_codec(self, codec: Codec) -> "AudioAgreement":
        """The same agreement, but sending `codec` when the peer takes it; else unchanged.

        RFC 3264 section 6.1 lets either side send any agreed format at any time.
        """
        for agreed, payload_type in self.codecs:
            if agreed == codec:
                return msgspec.structs.replace(self, codec=agreed, payload_type=payload_type)
        return self


def offer(
    local: LocalMedia,
    codecs: Sequence[Codec],
    *,
    digits: bool = True,
    ptime_ms: int = DEFAULT_PTIME_MS,
    comfort_noise: bool = False,
    direction: str = "sendrecv",
    anew: bool = False,
) -> bytes:
    """Write an offer of `codecs` in this order; a re-offer keeps m-lines and payload numbers.

    `anew`: whoever answers may be another than before, so that keys are others, too.
    """
    numbers = local.payload_types_for(codecs, digits=digits)
    events = (TELEPHONE_EVENT, FAST_EVENT) if OPUS in codecs else (TELEPHONE_EVENT,)
    formats, attributes = format_lines(tuple(codecs), numbers, events, comfort_noise)
    local.offered = OurOffer(
        local.layout.index(""),
        tuple(zip(codecs, numbers, strict=False)),
        numbers[len(codecs)] if digits else None,
        direction,
        local.rtcp_mux,
        numbers[-1] if digits and OPUS in codecs else None,
    )
    protocol = "RTP/AVP"
    if local.keyring is not None:
        protocol, keys = local.keyring.offer(anew=anew)
        attributes += keys
    if local.rtcp_mux:
        attributes += _RTCP_MUX
    audio = audio_lines(local.rtp_port, protocol, formats, attributes, ptime_ms, direction)
    return local.write("".join([refused or audio for refused in local.layout]))


def answer(
    offered: SessionDescription,
    local: LocalMedia,
    codecs: Sequence[Codec],
    *,
    direction: str = "sendrecv",
    prefer: Codec | None = None,
    ptime_ms: int = 0,
    comfort_noise: bool = False,
) -> tuple[bytes, AudioAgreement]:
    """Answer the first acceptable audio of an offer and refuse the rest of it.

    The peer's order of codecs is kept, but `prefer` (the other leg's codec) goes first when it is
    among them. `direction` and `ptime_ms` (0: none) are our wishes; comfort noise is taken where
    the peer names it. Raises NotAcceptable when there is nothing to agree on.
    """
    media, audio, host = _choose_audio(offered, local, codecs)
    if prefer is not None and audio.codecs[0][0] != prefer:
        preferred = sorted(audio.codecs, key=lambda entry: entry[0] != prefer)
        audio = msgspec.structs.replace(audio, codecs=tuple(preferred))
    listens = not is_unspecified(host)
    ours = answer_direction(audio.direction, direction, peer_listens=listens)
    _remember(local, audio)
    numbers = [payload_type for _, payload_type in audio.codecs]
    events = _answered_events(audio)
    numbers += [number for _, number in events]
    noise = comfort_noise and audio.comfort_noise_payload_type is not None
    formats, attributes = format_lines(
        tuple([c for c, _ in audio.codecs]), tuple(numbers), tuple([e for e, _ in events]), noise
    )
    srtp = None
    if local.keyring is not None:
        keys, srtp = local.keyring.answer(media)
        attributes += keys
    local.rtcp_mux = audio.rtcp_mux
    if audio.rtcp_mux:
        attributes += _RTCP_MUX
    packets = packet_time(audio.ptime_ms, audio.max_ptime_ms, ptime_ms)
    asked = ptime_ms or packets.ms
    text = audio_lines(local.rtp_port, media.protocol, formats, attributes, asked, ours)
    layout = tuple(["" if other is media else refuse(other) for other in offered.media])
    local.remember_layout(layout)
    body = local.write("".join([refused or text for refused in layout]))
    held = not listens or audio.direction not in RECEIVING
    receive = _receive_map(
        audio.codecs, audio.digit_payload_type, audio.fast_digit_payload_type, audio
    )
    agreement = _agree(media, audio, host, ours, receive, packets, held=held)
    return body, _with_transport(agreement, srtp, rtcp_mux=audio.rtcp_mux)


def accept_answer(
    our_offer: LocalMedia | bytes | SessionDescription,
    answered: SessionDescription,
    *,
    ptime_ms: int = 0,
) -> AudioAgreement:
    """Read the peer's answer to our offer; raises NotAcceptable when it took nothing of it.

    `ptime_ms` is our wish (0: none), where the peer asks for nothing.

    The offer is the last one a LocalMedia wrote, or its text. RFC 3264 section 6: we send by the
    numbers of the answer and receive by those of our offer.
    """
    offered, family = _our_offer(our_offer)
    local = our_offer if isinstance(our_offer, LocalMedia) else None
    keyring = None if local is None else local.keyring
    protocols = ACCEPTED_PROTOCOLS if keyring is None else ALL_PROTOCOLS
    media = _answered_media(answered, offered.index, protocols)
    ours = [codec for codec, _ in offered.codecs]
    audio = read_audio(media, answered, ours, keyed=keyring is not None)
    if not audio.codecs:
        raise NotAcceptable(WARN_MEDIA_FORMAT, "Incompatible media format")
    host = remote_host(media, answered, family)
    listens = not is_unspecified(host)
    direction = answer_direction(audio.direction, offered.direction, peer_listens=listens)
    if offered.digit_payload_type is None and audio.digit_payload_type is not None:
        audio = msgspec.structs.replace(
            audio, digit_payload_type=None, fast_digit_payload_type=None
        )
    held = offered.direction in SENDING and direction not in SENDING
    receive = _receive_map(
        offered.codecs, offered.digit_payload_type, offered.fast_digit_payload_type, audio
    )
    packets = packet_time(audio.ptime_ms, audio.max_ptime_ms, ptime_ms)
    agreement = _agree(media, audio, host, direction, receive, packets, held=held)
    srtp = None if keyring is None else keyring.accept(media)
    rtcp_mux = offered.rtcp_mux and audio.rtcp_mux
    if local is not None:
        local.rtcp_mux = rtcp_mux
    return _with_transport(agreement, srtp, rtcp_mux=rtcp_mux)


def _with_transport(
    agreement: AudioAgreement, srtp: SrtpKeys | None, *, rtcp_mux: bool
) -> AudioAgreement:
    if srtp is None and not rtcp_mux:
        return agreement
    return msgspec.structs.replace(agreement, srtp=srtp, rtcp_mux=rtcp_mux)


def _our_offer(given: LocalMedia | bytes | SessionDescription) -> tuple[OurOffer, str]:
    """What we offered, and the address family we offered it in (IP4 or IP6)."""
    if isinstance(given, LocalMedia):
        if given.offered is None:
            raise ValueError("nothing was offered yet")
        return given.offered, family_of(given.host)
    if not isinstance(given, SessionDescription):
        given = SessionDescription.parse(given)
    index, media = _offered_audio(given)
    audio = read_audio(media, given, KNOWN_CODECS)
    offered = OurOffer(index, audio.codecs, audio.digit_payload_type, audio.direction)
    return offered, connection_of(media, given).address_type


def answer_direction(theirs: str, wish: str, *, peer_listens: bool = True) -> str:
    """Our direction, given the peer's and our wish.

    RFC 3264 section 6.1: "If a stream is offered as sendonly, the corresponding stream MUST be
    marked as recvonly or inactive in the answer", and so on: we send when the peer receives, and
    the reverse.
    """
    send = peer_listens and theirs in RECEIVING and wish in SENDING
    receive = theirs in SENDING and wish in RECEIVING
    if send:
        return "sendrecv" if receive else "sendonly"
    return "recvonly" if receive else "inactive"


def check_offer(
    offered: SessionDescription, local: LocalMedia, codecs: Sequence[Codec]
) -> tuple[Codec, ...]:
    """The codecs that an answer could agree on, in the peer's order; raises NotAcceptable.

    Changes nothing: a call can be refused before anybody else is called.
    """
    _, audio, _ = _choose_audio(offered, local, codecs)
    return tuple([codec for codec, _ in audio.codecs])


def acceptable_codecs(offered: SessionDescription, codecs: Sequence[Codec]) -> tuple[Codec, ...]:
    """Those of `codecs` that an offer's audio names, in the peer's order; empty when none."""
    for media in offered.media:
        if _is_audio(media):
            audio = read_audio(media, offered, codecs)
            if audio.codecs:
                return tuple([codec for codec, _ in audio.codecs])
    return ()


def _choose_audio(
    offered: SessionDescription, local: LocalMedia, codecs: Sequence[Codec]
) -> tuple[MediaDescription, RemoteAudio, str]:
    refusal: NotAcceptable | None = None
    family, keyring = family_of(local.host), local.keyring
    for media in offered.media if keyring is None else keyring.in_order(offered.media):
        if media.media != "audio" or media.port == 0:
            continue
        if not (_is_audio(media) if keyring is None else keyring.takes(media)):
            refusal = refusal_of(media, keyring)
            continue
        audio = read_audio(media, offered, codecs, keyed=keyring is not None)
        if not audio.codecs:
            refusal = NotAcceptable(WARN_MEDIA_FORMAT, "Incompatible media format")
            continue
        try:
            return media, audio, remote_host(media, offered, family)
        except NotAcceptable as error:
            refusal = error
    raise refusal or NotAcceptable(WARN_MEDIA_TYPE, "Media type not available")


def _is_audio(media: MediaDescription, protocols: frozenset[str] = ACCEPTED_PROTOCOLS) -> bool:
    return media.media == "audio" and media.port != 0 and media.protocol.upper() in protocols


def _offered_audio(our_offer: SessionDescription) -> tuple[int, MediaDescription]:
    for index, media in enumerate(our_offer.media):
        if _is_audio(media):
            return index, media
    raise ValueError("our own offer has no audio")


def _answered_media(
    answered: SessionDescription, index: int, protocols: frozenset[str]
) -> MediaDescription:
    # RFC 3264 section 6: the answer has the offer's m-lines in the offer's order. A peer that
    # leaves out the refused ones is understood all the same, as long as it has audio.
    if index < len(answered.media) and _is_audio(answered.media[index], protocols):
        return answered.media[index]
    for media in answered.media:
        if _is_audio(media, protocols):
            return media
    raise NotAcceptable(WARN_MEDIA_TYPE, "Media type not available")


def _remember(local: LocalMedia, audio: RemoteAudio) -> None:
    for codec, payload_type in audio.codecs:
        local.remember_payload_type(codec.name, payload_type)
    if audio.digit_payload_type is not None:
        local.remember_payload_type(TELEPHONE_EVENT, audio.digit_payload_type)
    if audio.fast_digit_payload_type is not None and _has_opus(audio):
        local.remember_payload_type(FAST_EVENT, audio.fast_digit_payload_type)


def _answered_events(audio: RemoteAudio) -> list[tuple[str, int]]:
    """The kinds of digits that an answer takes, with their numbers."""
    events = []
    if audio.digit_payload_type is not None:
        events.append((TELEPHONE_EVENT, audio.digit_payload_type))
    if audio.fast_digit_payload_type is not None and _has_opus(audio):
        events.append((FAST_EVENT, audio.fast_digit_payload_type))
    return events


def _has_opus(audio: RemoteAudio) -> bool:
    return any(codec == OPUS for codec, _ in audio.codecs)


def _receive_map(
    codecs: Sequence[tuple[Codec, int]],
    digit_payload_type: int | None,
    fast_digit_payload_type: int | None,
    theirs: RemoteAudio,
) -> dict[int, str]:
    receive = {payload_type: codec.name for codec, payload_type in codecs}
    if digit_payload_type is not None:
        receive[digit_payload_type] = TELEPHONE_EVENT
        if theirs.digit_payload_type is not None:
            # Many answerers send digits under their own number instead of ours: no harm in hearing
            # it.
            receive.setdefault(theirs.digit_payload_type, TELEPHONE_EVENT)
    if fast_digit_payload_type is not None:
        receive.setdefault(fast_digit_payload_type, FAST_EVENT)
    if theirs.comfort_noise_payload_type is not None:
        receive.setdefault(theirs.comfort_noise_payload_type, COMFORT_NOISE)
    return receive


def _agree(
    media: MediaDescription,
    audio: RemoteAudio,
    host: str,
    direction: str,
    receive: Mapping[int, str],
    packets: PacketTime,
    *,
    held: bool,
) -> AudioAgreement:
    codec, payload_type = audio.codecs[0]
    digits = audio.fast_digit_payload_type if codec == OPUS else audio.digit_payload_type
    return AudioAgreement(
        codec=codec,
        payload_type=payload_type,
        receive=receive,
        digit_payload_type=digits,
        packets=packets,
        remote_host=host,
        remote_port=media.port,
        remote_rtcp_port=rtcp_port_of(media, audio),
        send=direction in SENDING,
        receive_=direction in RECEIVING,
        held=held,
        direction=direction,
        peer_direction=_peer_direction(audio.direction, host),
        codecs=audio.codecs,
    )


def _peer_direction(direction: str, host: str) -> str:
    """What the peer wants, with the old form of hold (c=0.0.0.0) said in the new words."""
    if not is_unspecified(host):
        return direction
    return "sendonly" if direction in SENDING else "inactive"
