/* Sound of one leg in another codec and packet time. See recode.h. */
#include "recode.h"

#include <stdlib.h>
#include <string.h>

#include "leg.h"

void recoder_free(struct recoder *recoder) {
    if (!recoder)
        return;
    opus_decoder_free(recoder->opus_decoder);
    opus_encoder_free(recoder->opus_encoder);
    free(recoder);
}

bool recode_needed(const struct leg *listener, const struct leg *source, uint8_t codec,
                   uint32_t samples) {
    const struct codecs *codecs = &listener->codecs;
    bool by_table = codec_is_law(codec) && codec_is_law(codecs->send);
    if ((codec != codecs->send && !by_table) || recode_packs(listener, source))
        return true;
    if (codec == CODEC_OPUS)
        return false; /* RFC 7587: a receiver takes every frame size, and octets cannot be cut */
    return samples < codecs->untouched_least ||
           samples - 1 > (uint16_t)(codecs->untouched_most - 1);
}

bool recode_packs(const struct leg *listener, const struct leg *source) {
    return listener->recoder && listener->recoder->origin == source->id;
}

void recode_reset(struct leg *leg) {
    if (!leg->recoder || leg->recoder->origin == ORIGIN_NONE)
        return;
    leg->recoder->origin = ORIGIN_NONE;
    stream_interrupt(&leg->stream);
}

/* NULL without memory. */
static struct recoder *recoder_of(struct leg *leg) {
    if (!leg->recoder) {
        leg->recoder = calloc(1, sizeof *leg->recoder);
        if (!leg->recoder)
            return NULL;
        leg->recoder->origin = ORIGIN_NONE;
        g722_init(&leg->recoder->decoder);
        g722_init(&leg->recoder->encoder);
    }
    return leg->recoder;
}

static struct recoder *packing_for(struct leg *listener, const struct leg *source) {
    struct recoder *recoder = recoder_of(listener);
    if (recoder && recoder->origin != source->id) {
        uint32_t rate = codec_clock_rate(listener->codecs.send);
        packer_begin(&recoder->packer, listener->codecs.send,
                     rate / 1000 * listener->codecs.ptime_ms);
        recoder->origin = source->id;
    }
    return recoder;
}

static bool is_heard_otherwise(const struct leg *leg, uint8_t codec) {
    if (leg->tapped || leg->voice)
        return true;
    for (const struct leg *listener = leg->listeners; listener; listener = listener->next_listener)
        if (listener->codecs.send != codec || (codec == CODEC_OPUS && recode_packs(listener, leg)))
            return true;
    return false;
}

/* How many samples a packet of a codec with a state says, at `out`. */
static uint32_t open_sound(struct recoder *recoder, const struct rtp_packet *packet,
                           const struct place *place, uint8_t codec, int16_t *out) {
    bool late = place->verdict == VERDICT_LATE;
    if (codec == CODEC_G722) {
        /* One that was overtaken is near enough to where the state is now, but must not move it. */
        struct g722 aside = recoder->decoder;
        g722_decode(late ? &aside : &recoder->decoder, packet->payload, packet->length, out);
        return packet->length;
    }
    if (!recoder->opus_decoder)
        recoder->opus_decoder = opus_decoder_new();
    if (late || !recoder->opus_decoder)
        return 0;
    return opus_open(recoder->opus_decoder, packet->payload, packet->length, out);
}

uint8_t recode_open(struct core *core, struct leg *leg, struct rtp_packet *packet,
                    const struct place *place, uint8_t codec) {
    if (!is_heard_otherwise(leg, codec))
        return codec;
    struct recoder *recoder = recoder_of(leg);
    if (!recoder)
        return codec;
    core->sample_count = open_sound(recoder, packet, place, codec, core->samples);
    codec_encode(CODEC_PCMU, core->samples, core->sample_count, core->law);
    packet->length = core->sample_count;
    packet->payload = core->law;
    return CODEC_PCMU;
}

/* Samples in a codec with a state; the length of the payload, 0 without memory. */
static size_t make_payload(struct recoder *recoder, uint8_t codec, const int16_t *samples,
                           uint32_t count, uint8_t *out) {
    if (codec == CODEC_G722) {
        g722_encode(&recoder->encoder, samples, count, out);
        return count;
    }
    if (!recoder->opus_encoder)
        recoder->opus_encoder = opus_encoder_new();
    if (!recoder->opus_encoder)
        return 0;
    return opus_pack(recoder->opus_encoder, samples, count, out, MAX_PAYLOAD);
}

size_t recode_frame(struct core *core, struct leg *leg, uint8_t *frame, uint32_t samples) {
    struct recoder *recoder = recoder_of(leg);
    if (!recoder)
        return 0;
    codec_decode(CODEC_PCMU, frame, samples, core->samples);
    return make_payload(recoder, leg->codecs.send, core->samples, samples, frame);
}

/* What a packet says as what the listener's packer takes; how many samples, and where. */
static uint32_t translate(struct core *core, struct leg *listener, const struct rtp_packet *packet,
                          uint8_t codec, const uint8_t **at) {
    uint8_t wanted = listener->codecs.send;
    uint32_t count = packet->length;
    *at = core->octets;
    if (codec != CODEC_OPUS &&
        (codec == wanted || (codec_is_law(codec) && codec_is_law(wanted)))) {
        codec_transcode(codec, wanted, packet->payload, count, core->octets);
        return count;
    }
    if (codec_is_law(codec))
        codec_decode(codec, packet->payload, count, core->samples);
    else
        count = core->sample_count;
    if (codec_is_law(wanted))
        codec_encode(wanted, core->samples, count, core->octets);
    else if (wanted == CODEC_G722)
        make_payload(listener->recoder, wanted, core->samples, count, core->octets);
    else
        *at = (const uint8_t *)core->samples; /* coded whole, when the packet is full */
    return count;
}

struct emission {
    struct core *core;
    struct leg *listener;
    int64_t now;
};

static void emit(void *context, struct packer *packer, uint64_t timestamp) {
    struct emission *at = context;
    struct leg *listener = at->listener;
    struct outgoing out;
    stream_repack(&listener->stream, listener->recoder->origin, timestamp, packer->frame, 0,
                  packer->lost, at->now, &out);
    out.marker |= packer->marker;
    uint8_t *packet = packer->packet;
    size_t length = packer->frame;
    if (packer->codec == CODEC_OPUS) {
        packet = at->core->scratch;
        length = make_payload(listener->recoder, CODEC_OPUS,
                              (const int16_t *)(packer->packet + RTP_HEADER_LENGTH), packer->frame,
                              packet + RTP_HEADER_LENGTH);
    }
    leg_transmit(at->core, listener, &out, listener->codecs.send_payload_type, packet, length);
}

void recode_flush(struct core *core, struct leg *listener, int64_t now) {
    packer_flush(&listener->recoder->packer, now, emit, &(struct emission){core, listener, now});
}

void recode_sound(struct core *core, struct leg *listener, const struct leg *source,
                  const struct rtp_packet *packet, const struct place *place, uint8_t codec,
                  int64_t now) {
    struct recoder *recoder = packing_for(listener, source);
    bool translated = codec != listener->codecs.send || codec == CODEC_OPUS;
    if (!recoder || (translated && codec_is_stateful(codec) && !source->recoder)) {
        COUNT(listener->dropped[DROP_SEND_FAILED]);
        return;
    }
    bool late = place->verdict == VERDICT_LATE;
    if (late && translated && codec_is_stateful(listener->codecs.send)) {
        COUNT(listener->dropped[DROP_LATE]); /* our coder has gone on already */
        return;
    }
    const uint8_t *octets;
    uint32_t length = translate(core, listener, packet, codec, &octets);
    if (!length)
        return; /* nothing that can be decoded */
    struct packed sound = {.octets = octets,
                           .length = length,
                           .timestamp = place->timestamp,
                           .marker = packet->marker || place->restarted,
                           .lost_before = place->lost_before > 0};
    struct emission emission = {core, listener, now};
    if (!late)
        packer_put(&recoder->packer, &sound, now, emit, &emission);
    else if (!packer_put_late(&recoder->packer, &sound))
        COUNT(listener->dropped[DROP_LATE]);
}
