/* One tone in a frame. See look.h. */
#include "look.h"

#include <math.h>

#define STEP_HZ 5
#define GUESSED_WITHIN_HZ 60
#define STEPS ((int)HIGHEST_HZ / STEP_HZ + 2 * GUESSED_WITHIN_HZ / STEP_HZ)
/* Less of a frame in one tone is not worth a closer look; coloured noise makes it look like more. */
#define LIKELY_SHARE 0.82f

/* Cosine and sine over half a frame, as strong as the tone's amplitude. */
static struct {
    float cosine[HALF], sine[HALF];
    float turn_real, turn_imaginary; /* from one half to the next */
} waves[STEPS + 1];

static float lowest_cosine, highest_cosine;

static float cosine_of(double frequency) { return (float)cos(2 * PI * frequency / SAMPLE_RATE); }

void look_prepare(void) {
    for (int step = 0; step <= STEPS; step++) {
        double turn = 2 * PI * STEP_HZ * step / SAMPLE_RATE;
        for (int at = 0; at < HALF; at++) {
            waves[step].cosine[at] = (float)(cos(turn * at) * 2 / HALF);
            waves[step].sine[at] = (float)(sin(turn * at) * 2 / HALF);
        }
        waves[step].turn_real = (float)cos(turn * HALF);
        waves[step].turn_imaginary = (float)-sin(turn * HALF);
    }
    highest_cosine = cosine_of(LOWEST_HZ - GUESSED_WITHIN_HZ);
    lowest_cosine = cosine_of(HIGHEST_HZ + GUESSED_WITHIN_HZ);
}

float look_kept(float error) {
    static const float terms[] = {1.3388f, -3.0521f, 4.3293f, -3.2899f, 1.0f};
    float turns = error * HALF / SAMPLE_RATE, kept = 0;
    turns *= turns;
    for (int i = 0; i < 5; i++)
        kept = kept * turns + terms[i];
    return kept;
}

struct look look_at(const float *samples, float frequency) {
    long step = lroundf(frequency / STEP_HZ);
    if (step < 0 || step > STEPS)
        return (struct look){0};
    const float *cosine = waves[step].cosine, *sine = waves[step].sine;
    float real = dot(samples, cosine, HALF), imaginary = -dot(samples, sine, HALF);
    float later_real = dot(samples + HALF, cosine, HALF);
    float later_imaginary = -dot(samples + HALF, sine, HALF);
    float both = real * real + imaginary * imaginary + later_real * later_real +
                 later_imaginary * later_imaginary;
    float turn_real = waves[step].turn_real, turn_imaginary = waves[step].turn_imaginary;
    float turned_real = later_real * turn_real - later_imaginary * turn_imaginary;
    float turned_imaginary = later_real * turn_imaginary + later_imaginary * turn_real;
    float error = atan2f(turned_imaginary * real - turned_real * imaginary,
                         turned_real * real + turned_imaginary * imaginary) *
                  (float)(SAMPLE_RATE / HALF / (2 * PI));
    float power = dot(samples, samples, FRAME) / FRAME;
    return (struct look){.frequency = error + (float)(step * STEP_HZ),
                         .share = both / (4 * look_kept(error)) / larger(power, 1e-12f),
                         .real = (real + turned_real) / 2,
                         .imaginary = (imaginary + turned_imaginary) / 2};
}

/* Pisarenko's estimate from two lags finds where to look: one sine in white noise has r1 = s cos w and
 * r2 = s cos 2w. */
struct look look_for(const float *samples, float power) {
    float scale = 1 / larger(power * FRAME, 1e-9f);
    float first = dot(samples + 1, samples, FRAME - 1) * scale;
    float second = dot(samples + 2, samples, FRAME - 2) * scale;
    float share = (sqrtf(second * second + 8 * first * first) - second) / 2;
    float cosine = first / larger(share, LIKELY_SHARE);
    if (!(share > LIKELY_SHARE && cosine <= highest_cosine && cosine >= lowest_cosine))
        return (struct look){0};
    return look_at(samples, acosf(cosine) * (float)(SAMPLE_RATE / (2 * PI)));
}
