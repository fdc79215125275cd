/* Sound of one leg in another codec and packet time. See recode.h. */
#include "recode.h"

#include <stdlib.h>
#include <string.h>

#include "leg.h"

bool recode_needed(const struct leg *listener, const struct leg *source, uint8_t codec,
                   uint32_t samples) {
    const struct codecs *codecs = &listener->codecs;
    bool by_table = codec_is_law(codec) && codec_is_law(codecs->send);
    if ((codec != codecs->send && !by_table) || recode_packs(listener, source))
        return true;
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
        if (listener->codecs.send != codec)
            return true;
    return false;
}

uint8_t recode_open(struct core *core, struct leg *leg, struct rtp_packet *packet,
                    const struct place *place, uint8_t codec) {
    if (!is_heard_otherwise(leg, codec))
        return codec;
    struct recoder *recoder = recoder_of(leg);
    if (!recoder)
        return codec;
    /* One that was overtaken is near enough to where the state is now, but must not move it. */
    struct g722 aside = recoder->decoder;
    bool late = place->verdict == VERDICT_LATE;
    g722_decode(late ? &aside : &recoder->decoder, packet->payload, packet->length, core->samples);
    codec_encode(CODEC_PCMU, core->samples, packet->length, core->law);
    packet->payload = core->law;
    return CODEC_PCMU;
}

size_t recode_frame(struct core *core, struct leg *leg, uint8_t *frame, uint32_t samples) {
    struct recoder *recoder = recoder_of(leg);
    if (!recoder) {
        codec_silence(leg->codecs.send, frame, samples);
        return samples;
    }
    codec_decode(CODEC_PCMU, frame, samples, core->samples);
    g722_encode(&recoder->encoder, core->samples, samples, frame);
    return samples;
}

/* What a packet says, in the listener's codec. */
static void translate(struct core *core, struct leg *listener, const struct rtp_packet *packet,
                      uint8_t codec) {
    uint8_t wanted = listener->codecs.send;
    size_t count = packet->length;
    if (codec == wanted || (codec_is_law(codec) && codec_is_law(wanted))) {
        codec_transcode(codec, wanted, packet->payload, count, core->octets);
        return;
    }
    if (codec_is_law(codec))
        codec_decode(codec, packet->payload, count, core->samples);
    if (codec_is_law(wanted))
        codec_encode(wanted, core->samples, count, core->octets);
    else
        g722_encode(&listener->recoder->encoder, core->samples, count, core->octets);
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
    leg_transmit(at->core, listener, &out, listener->codecs.send_payload_type, packer->packet,
                 packer->frame);
}

void recode_flush(struct core *core, struct leg *listener, int64_t now) {
    packer_flush(&listener->recoder->packer, now, emit, &(struct emission){core, listener, now});
}

void recode_sound(struct core *core, struct leg *listener, const struct leg *source,
                  const struct rtp_packet *packet, const struct place *place, uint8_t codec,
                  int64_t now) {
    struct recoder *recoder = packing_for(listener, source);
    bool translated = codec != listener->codecs.send;
    if (!recoder || (translated && codec_is_stateful(codec) && !source->recoder)) {
        COUNT(listener->dropped[DROP_SEND_FAILED]);
        return;
    }
    bool late = place->verdict == VERDICT_LATE;
    if (late && translated && codec_is_stateful(listener->codecs.send)) {
        COUNT(listener->dropped[DROP_LATE]); /* our coder has gone on already */
        return;
    }
    translate(core, listener, packet, codec);
    struct packed sound = {.octets = core->octets,
                           .length = packet->length,
                           .timestamp = place->timestamp,
                           .marker = packet->marker || place->restarted,
                           .lost_before = place->lost_before > 0};
    struct emission emission = {core, listener, now};
    if (!late)
        packer_put(&recoder->packer, &sound, now, emit, &emission);
    else if (!packer_put_late(&recoder->packer, &sound))
        COUNT(listener->dropped[DROP_LATE]);
}
