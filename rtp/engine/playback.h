/* Prompts: sound held once, encoded once for each codec, shared by all legs that play it.
 *
 * Counts references across threads; the last holder frees. Knows no clock and no packets.
 */
#ifndef ENGINE_PLAYBACK_H
#define ENGINE_PLAYBACK_H

#include "base.h"
#include "codec.h"

/* An hour; a prompt is held in memory whole. */
#define MAX_PROMPT_SAMPLES (3600u * 8000u)

struct prompt {
    uint32_t references;
    uint32_t samples;
    uint8_t *encoded[LAW_CODECS];
};

/* From 16-bit mono samples at 8,000 Hz; NULL without memory. */
struct prompt *prompt_create(const int16_t *samples, uint32_t count);
void prompt_hold(struct prompt *prompt);
void prompt_release(struct prompt *prompt);

struct playback {
    struct prompt *prompt; /* NULL: nothing plays */
    uint64_t id;
    uint32_t position;
    bool repeat;
};

/* True when there is no more to play. */
static inline bool playback_over(const struct playback *playback) {
    return !playback->repeat && playback->position >= playback->prompt->samples;
}

/* The next frame, filled up with silence at the end; one that repeats goes on at its beginning. */
void playback_take(struct playback *playback, uint8_t codec, uint8_t *out, uint32_t samples);

#endif
