/* The way of a packet that goes out to those who hear its leg: payload type mapped, transcoded
 * where the codecs differ, sequence and timestamp put on the listener's one stream.
 */
#include "leg.h"

#include <string.h>

bool leg_can_send(const struct leg *leg) {
    return leg->may_send && !leg->passes && leg->has_codecs && leg->latch.destination.length;
}

void leg_transmit(struct core *core, struct leg *leg, const struct outgoing *out,
                  uint8_t payload_type, uint8_t *packet, size_t payload_length) {
    size_t length = RTP_HEADER_LENGTH + payload_length;
    stream_write_header(&leg->stream, out, payload_type, packet);
    if (leg->secure && !secure_seal(leg->secure, packet, &length)) {
        COUNT(leg->dropped[DROP_NOT_SEALED]);
        return;
    }
    COUNT(leg->stream.packets);
    ADD(leg->stream.octets, payload_length);
    core->send(core->context, leg->rtp_socket, packet, length, &leg->latch.destination, leg);
}

/* The payload type under which the listener takes it, or -1. */
static int map_payload_type(const struct leg *listener, uint8_t codec) {
    if (codec == CODEC_TELEPHONE_EVENT)
        return listener->codecs.digit_payload_type;
    if (codec == CODEC_COMFORT_NOISE)
        return listener->codecs.comfort_noise_payload_type;
    return listener->codecs.send_payload_type;
}

static void leave_out(struct leg *listener, const struct leg *source, const struct place *place,
                      enum drop reason) {
    COUNT(listener->dropped[reason]);
    stream_skip(&listener->stream, source->id, place->sequence);
}

/* The listener's peer makes no noise of its own: it hears ours until there is sound again. */
static void begin_noise(struct core *core, struct leg *listener, const struct leg *source,
                        const struct rtp_packet *packet, const struct place *place, int64_t now) {
    if (place->verdict == VERDICT_LATE)
        return; /* there is sound again */
    if (recode_packs(listener, source))
        recode_flush(core, listener, now);
    stream_skip(&listener->stream, source->id, place->sequence);
    noise_set(&listener->noise, packet->payload[0]);
    listener->says_noise = true;
    leg_wake(core, listener, now);
}

static void relay_to(struct core *core, struct leg *listener, const struct leg *source,
                     const struct rtp_packet *packet, const struct place *place, uint8_t codec,
                     int64_t now) {
    bool event = codec == CODEC_TELEPHONE_EVENT;
    struct outgoing out;
    int payload_type = map_payload_type(listener, codec);
    if (payload_type < 0 && !event) {
        begin_noise(core, listener, source, packet, place, now);
        return;
    }
    listener->says_noise &= place->verdict == VERDICT_LATE;
    if (payload_type < 0) {
        leave_out(listener, source, place, DROP_DIGIT);
        return;
    }
    uint32_t samples = codec == CODEC_OPUS ? opus_samples(packet->payload, packet->length)
                                           : codec_samples(codec, packet->length);
    uint32_t reach = event ? digits_reach(packet->payload, packet->length) : 0;
    if (codec_is_audio(codec) && recode_needed(listener, source, codec, samples)) {
        recode_sound(core, listener, source, packet, place, codec, now);
        return;
    }
    if (recode_packs(listener, source)) {
        recode_flush(core, listener, now);
        stream_repack(&listener->stream, source->id, place->timestamp, samples, reach, 0, now, &out);
    } else if (!stream_relay(&listener->stream, source->id, place->sequence, place->timestamp,
                             samples, reach, now, &out)) {
        COUNT(listener->dropped[DROP_LATE]);
        return;
    }
    out.marker |= packet->marker || place->restarted;
    uint8_t *to = core->scratch;
    if (codec_is_audio(codec) && codec != listener->codecs.send)
        codec_transcode(codec, listener->codecs.send, packet->payload, packet->length,
                        to + RTP_HEADER_LENGTH);
    else if (!listener->next_listener && !listener->secure && listener->stream.scale == 1)
        to = packet->payload - RTP_HEADER_LENGTH; /* in place: the last one to need the header */
    else
        memcpy(to + RTP_HEADER_LENGTH, packet->payload, packet->length);
    if (event && listener->stream.scale != 1)
        digits_scale(to + RTP_HEADER_LENGTH, packet->length, listener->stream.scale);
    leg_transmit(core, listener, &out, (uint8_t)payload_type, to, packet->length);
}

void relay(struct core *core, struct leg *source, const struct rtp_packet *packet,
           const struct place *place, uint8_t codec, int64_t now) {
    for (struct leg *listener = source->listeners; listener; listener = listener->next_listener) {
        if (!leg_can_send(listener))
            stream_interrupt(&listener->stream);
        else if (listener->playback.prompt || digits_sending(&listener->sender))
            continue; /* what we say ourselves wins while it lasts */
        else if (packet->length == 0)
            leave_out(listener, source, place, DROP_EMPTY);
        else
            relay_to(core, listener, source, packet, place, codec, now);
    }
}
