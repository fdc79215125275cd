/* What a leg says, by the wall clock. See voice.h. */
#include "voice.h"

#include <stdlib.h>
#include <string.h>

#include "codec.h"

#define RATE 8000

struct voice *voice_create(void) {
    void *memory;
    if (posix_memalign(&memory, CACHE_LINE, sizeof(struct voice)))
        return NULL;
    struct voice *voice = memset(memory, 0, sizeof(struct voice));
    voice->references = 1;
    return voice;
}

void voice_hold(struct voice *voice) {
    __atomic_add_fetch(&voice->references, 1, __ATOMIC_RELAXED);
}

void voice_release(struct voice *voice) {
    if (voice && !__atomic_sub_fetch(&voice->references, 1, __ATOMIC_ACQ_REL))
        free(voice);
}

/* Lays the newest packet out anew, `lead` samples ahead of now. */
static int64_t lay_out(struct voice *voice, uint64_t timestamp, int64_t now, int64_t lead) {
    voice->offset = (uint64_t)(now + lead) - timestamp;
    voice->placed = true;
    voice->watched = 0;
    voice->least_lead = MAX_VOICE_LEAD;
    return now + lead;
}

/* A lead that nobody needed for two seconds is only delay. */
static void watch_lead(struct voice *voice, int64_t lead) {
    if (lead < voice->least_lead)
        voice->least_lead = lead;
    if (++voice->watched < VOICE_WATCH)
        return;
    if (voice->least_lead > VOICE_LEAD + VOICE_MARGIN)
        voice->offset -= (uint64_t)(voice->least_lead - VOICE_LEAD);
    voice->watched = 0;
    voice->least_lead = MAX_VOICE_LEAD;
}

static int64_t place_newest(struct voice *voice, uint64_t timestamp, int64_t now) {
    int64_t position = (int64_t)(timestamp + voice->offset);
    int64_t lead = (int64_t)((uint64_t)position - (uint64_t)now);
    if (!voice->placed || lead < -MAX_VOICE_LATENESS || lead > MAX_VOICE_LEAD)
        return lay_out(voice, timestamp, now, VOICE_LEAD);
    if (lead < 0)
        return lay_out(voice, timestamp, now, VOICE_MARGIN);
    watch_lead(voice, lead);
    return position;
}

static uint16_t *cell(struct voice *voice, int64_t position) {
    return &voice->samples[(uint64_t)position % VOICE_SAMPLES];
}

static void write_sound(struct voice *voice, uint8_t codec, const uint8_t *payload, size_t length,
                        int64_t position) {
    for (size_t i = 0; i < length; i++)
        STORE(*cell(voice, position + (int64_t)i),
              (uint16_t)codec_decode_one(codec, payload[i]));
}

static void write_silence(struct voice *voice, int64_t from, int64_t to) {
    if (to - from > (int64_t)VOICE_SAMPLES)
        from = to - VOICE_SAMPLES;
    for (; from < to; from++)
        STORE(*cell(voice, from), 0);
}

/* One that was overtaken fills the gap it left, if that can still be read. */
static bool place_late(const struct voice *voice, uint64_t timestamp, int64_t now,
                       int64_t *position) {
    *position = (int64_t)(timestamp + voice->offset);
    int64_t lead = (int64_t)((uint64_t)*position - (uint64_t)now);
    return voice->placed && lead >= -MAX_VOICE_LATENESS && lead <= MAX_VOICE_LEAD;
}

void voice_put(struct voice *voice, uint8_t codec, const uint8_t *payload, size_t length,
               const struct place *place, int64_t now) {
    if (!LOAD(voice->readers)) {
        voice->placed = false;
        return;
    }
    bool late = place->verdict == VERDICT_LATE;
    int64_t position, present = samples_in(now, RATE);
    if (!late)
        position = place_newest(voice, place->timestamp, present);
    else if (!place_late(voice, place->timestamp, present, &position))
        return;
    if (position > voice->end)
        write_silence(voice, voice->end, position);
    write_sound(voice, codec, payload, length, position);
    int64_t end = position + (int64_t)length;
    if (!late || end > voice->end)
        __atomic_store_n(&voice->end, end, __ATOMIC_RELEASE);
}

/* The one loop that runs once for each pair of those who confer: worth its vectors. */
__attribute__((optimize("O3"))) static void add(int32_t *restrict sum,
                                                const int16_t *restrict samples, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        sum[i] += samples[i];
}

void voice_add(const struct voice *voice, int64_t position, uint32_t count, int32_t *sum) {
    int64_t end = __atomic_load_n(&voice->end, __ATOMIC_ACQUIRE);
    if (position >= end || position < end - (int64_t)VOICE_SAMPLES)
        return;
    if (count > end - position)
        count = (uint32_t)(end - position);
    /* Four samples at once out of the shared ring, so that the sum is a plain loop. */
    union {
        uint64_t groups[MAX_VOICE_READ / 4 + 2];
        int16_t samples[MAX_VOICE_READ + 8];
    } copied;
    uint32_t ahead = (uint32_t)position & 3, groups = (ahead + count + 3) / 4;
    for (uint32_t i = 0; i < groups; i++)
        copied.groups[i] = LOAD(voice->groups[((uint64_t)position / 4 + i) % (VOICE_SAMPLES / 4)]);
    add(sum, copied.samples + ahead, count);
}
