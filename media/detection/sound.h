/* What all detectors share: a frame of 20 ms of one leg, units, and sums.
 *
 * The detectors are written like the rest of the cores: told what was heard, they say what it is.
 * They know no clock but the leg's own (positions in samples), no memory but the state they are
 * given, and no Python.
 */
#ifndef DETECTION_SOUND_H
#define DETECTION_SOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SAMPLE_RATE 8000
#define FRAME 160
#define HALF (FRAME / 2)
/* Samples of so many milliseconds. */
#define MS(milliseconds) ((milliseconds) * (SAMPLE_RATE / 1000))
#define PI 3.14159265358979323846
#define FULL_SCALE 32768.0f
/* Before every position. */
#define NEVER (-(INT64_C(1) << 40))

/* Mean squares of a full scale of 1. A sine that just does not clip has +3.14 dBm0 in A-law (G.711
 * table 5), so that one of L dBm0 has 0.5 * 10 ** ((L - 3.14) / 10).
 *
 * -48 dBm0: weaker than any tone that a receiver must take (CNG reaches down to -43 dBm0). */
#define QUIET 3.8457e-6f

/* The tones that are looked for in each frame: DTMF of ITU-T Q.23, fax of T.30, special information
 * and call progress of E.180. CNG may be 38 Hz off, more than half of what 20 ms can tell: two share
 * it. */
#define TONES 19
#define LOW_TONES 0
#define HIGH_TONES 4
#define CNG_TONES 8
#define CED_TONE 10
#define SIT_TONES 11
#define PROGRESS_TONES 14
/* TONES, and what makes it a whole number of vectors. */
#define TONE_ROOM 24

struct frame {
    int64_t position;     /* of its first sample on the leg's timeline */
    const int16_t *pcm;   /* zero where nothing arrived */
    const uint8_t *valid; /* which samples arrived; NULL: all */
    bool usable;          /* at least half of it arrived */
    float power;          /* mean square of what arrived, 0 when not usable */
    float tones[TONE_ROOM]; /* the same of each tone */
    bool converted;
    float samples[FRAME]; /* see samples_of */
};

/* The samples in -1..1; most frames get on without. */
static inline const float *samples_of(struct frame *frame) {
    if (!frame->converted)
        for (int at = 0; at < FRAME; at++)
            frame->samples[at] = (float)frame->pcm[at] * (1 / FULL_SCALE);
    frame->converted = true;
    return frame->samples;
}

/* The strongest of some tones. */
static inline float strongest(const float *tones, int count, int *which) {
    int best = 0;
    for (int i = 1; i < count; i++)
        if (tones[i] > tones[best])
            best = i;
    if (which)
        *which = best;
    return tones[best];
}

static inline float larger(float one, float other) { return one > other ? one : other; }
static inline float smaller(float one, float other) { return one < other ? one : other; }

/* Sum of products; in four sums that do not wait for each other, so that the compiler can do them at
 * once. */
static inline float dot(const float *restrict one, const float *restrict other, int count) {
    float sums[8] = {0}, rest = 0;
    int at = 0;
    for (; at + 8 <= count; at += 8)
        for (int lane = 0; lane < 8; lane++)
            sums[lane] += one[at + lane] * other[at + lane];
    for (; at < count; at++)
        rest += one[at] * other[at];
    for (int lane = 0; lane < 8; lane++)
        rest += sums[lane];
    return rest;
}

#endif
