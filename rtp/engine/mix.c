/* The sum of several voices. See mix.h. */
#include "mix.h"

#include <stdlib.h>
#include <string.h>

#include "codec.h"

#define RATE 8000
#define MAX_FRAME (RATE / 1000 * MAX_PTIME_MS) /* samples of the longest packet */

struct mix *mix_create(void) { return calloc(1, sizeof(struct mix)); }

void mix_add(struct mix *mix, struct voice *voice) {
    voice_hold(voice);
    __atomic_add_fetch(&voice->readers, 1, __ATOMIC_RELAXED);
    mix->voices[mix->count++] = voice;
}

void mix_free(struct mix *mix) {
    if (!mix)
        return;
    for (uint32_t i = 0; i < mix->count; i++) {
        __atomic_sub_fetch(&mix->voices[i]->readers, 1, __ATOMIC_RELAXED);
        voice_release(mix->voices[i]);
    }
    free(mix);
}

static int16_t clip(int32_t sample) {
    return (int16_t)(sample > INT16_MAX ? INT16_MAX : sample < INT16_MIN ? INT16_MIN : sample);
}

void mix_take(const struct mix *mix, uint8_t codec, uint8_t *out, uint32_t samples, int64_t due) {
    int32_t sum[MAX_FRAME];
    int16_t clipped[MAX_FRAME];
    memset(sum, 0, samples * sizeof *sum);
    for (uint32_t i = 0; i < mix->count; i++)
        voice_add(mix->voices[i], samples_in(due, RATE) - samples, samples, sum);
    for (uint32_t i = 0; i < samples; i++)
        clipped[i] = clip(sum[i]);
    codec_encode(codec, clipped, samples, out);
}
