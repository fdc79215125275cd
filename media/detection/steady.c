/* Tones that stay. See steady.h. */
#include "steady.h"

/* Of the frame's energy. */
#define LEAST_SHARE 0.7f
/* Of its power, from frame to frame, 2.2 dB: the beat of 440 and 480 Hz is within it. */
#define MOST_CHANGE 1.6596f
/* In a row. Vowels of synthetic voices on a monotone last as long as three. */
#define LEAST_FRAMES 4

void steady_reset(struct steady *steady) { *steady = (struct steady){.last = NEVER}; }

/* What a pair of tones, or one, has of the frame at most. */
static float carried(const float *tones) {
    const float *progress = tones + PROGRESS_TONES;
    float most = strongest(tones + LOW_TONES, 4, NULL) + strongest(tones + HIGH_TONES, 4, NULL);
    most = larger(most, strongest(tones + CNG_TONES, PROGRESS_TONES - CNG_TONES, NULL));
    /* Neighbours share what is between them, and are the pairs of ringback and busy. */
    for (int i = 0; i + 1 < TONES - PROGRESS_TONES; i++)
        most = larger(most, progress[i] + progress[i + 1]);
    return larger(most, progress[0] + progress[2]); /* a dial tone: 350 and 440 Hz */
}

bool steady_hear(struct steady *steady, const struct frame *frame) {
    float power = frame->power, before = larger(steady->power, 1e-12f);
    if (power <= QUIET || carried(frame->tones) <= LEAST_SHARE * power)
        return false;
    bool same = power <= before * MOST_CHANGE && power * MOST_CHANGE >= before &&
                frame->position - steady->last <= 3 * FRAME;
    steady->run = same ? steady->run + (steady->run < LEAST_FRAMES) : 1;
    steady->last = frame->position;
    steady->power = power;
    return steady->run >= LEAST_FRAMES;
}
