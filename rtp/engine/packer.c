/* Frames out of stretches of sound. See packer.h. */
#include "packer.h"

#include <string.h>

void packer_begin(struct packer *packer, uint8_t codec, uint32_t frame) {
    memset(packer, 0, offsetof(struct packer, packet));
    packer->codec = codec;
    packer->frame = frame;
    packer->unit = codec == CODEC_OPUS ? sizeof(int16_t) : 1;
}

/* Where a sample of the frame lies. */
static uint8_t *place_of(struct packer *packer, uint64_t sample) {
    return packer->packet + RTP_HEADER_LENGTH + sample * packer->unit;
}

static void fill_with_silence(struct packer *packer, uint32_t to) {
    if (packer->unit == 1)
        codec_silence(packer->codec, place_of(packer, packer->filled), to - packer->filled);
    else
        memset(place_of(packer, packer->filled), 0, (size_t)(to - packer->filled) * packer->unit);
    packer->filled = to;
}

static void hand_on(struct packer *packer, packer_emit *emit, void *context) {
    uint64_t timestamp = packer->timestamp;
    packer->end = packer->timestamp = timestamp + packer->frame;
    packer->filled = 0;
    emit(context, packer, timestamp);
    packer->lost = 0;
    packer->marker = false;
}

/* A frame begins where this sound does. */
static void open_frame(struct packer *packer, const struct packed *sound) {
    int64_t missing = (int64_t)(sound->timestamp - packer->end);
    packer->timestamp = sound->timestamp;
    /* The peer shall see what was lost, and no loss where the sender left time out. */
    if (sound->lost_before && packer->end && missing > 0 && missing / packer->frame < UINT16_MAX / 2)
        packer->lost += (uint32_t)(missing / packer->frame);
}

void packer_flush(struct packer *packer, int64_t now, packer_emit *emit, void *context) {
    if (packer->filled && now - packer->last_ns <= PACKER_PATIENCE_NS) {
        fill_with_silence(packer, packer->frame);
        hand_on(packer, emit, context);
    }
    packer->filled = 0;
}

/* Makes the present frame end, or go on, where this sound begins. */
static void reach(struct packer *packer, const struct packed *sound, int64_t now,
                  packer_emit *emit, void *context) {
    uint64_t at = sound->timestamp - packer->timestamp;
    bool late = now - packer->last_ns > PACKER_PATIENCE_NS;
    if (packer->filled && !late && at >= packer->filled && at < packer->frame) {
        fill_with_silence(packer, (uint32_t)at);
        return;
    }
    packer_flush(packer, now, emit, context);
    open_frame(packer, sound);
}

void packer_put(struct packer *packer, const struct packed *sound, int64_t now,
                packer_emit *emit, void *context) {
    reach(packer, sound, now, emit, context);
    packer->marker |= sound->marker;
    packer->last_ns = now;
    for (uint32_t taken = 0; taken < sound->length;) {
        uint32_t part = packer->frame - packer->filled, rest = sound->length - taken;
        if (part > rest)
            part = rest;
        memcpy(place_of(packer, packer->filled), sound->octets + (size_t)taken * packer->unit,
               (size_t)part * packer->unit);
        packer->filled += part;
        taken += part;
        if (packer->filled == packer->frame)
            hand_on(packer, emit, context);
    }
}

bool packer_put_late(struct packer *packer, const struct packed *sound) {
    uint64_t at = sound->timestamp - packer->timestamp;
    if (!packer->filled || at >= packer->filled || sound->length > packer->filled - at)
        return false;
    memcpy(place_of(packer, at), sound->octets, (size_t)sound->length * packer->unit);
    return true;
}
