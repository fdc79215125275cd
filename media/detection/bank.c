/* The transform of a frame at a few frequencies. See bank.h. */
#include "bank.h"

#include <math.h>
#include <string.h>

#define VECTOR 8

/* The compiler makes of it what the processor has: one register, or two halves. */
typedef float vector __attribute__((vector_size(VECTOR * sizeof(float)), aligned(32)));

static const double tones[TONES] = {
    697, 770,  852,  941,           /* DTMF, low */
    1209, 1336, 1477, 1633,         /* and high */
    1085, 1115,                     /* CNG */
    2100,                           /* CED */
    950, 1400, 1800,                /* SIT */
    350, 400,  440,  480,  620,     /* call progress */
};

/* Both sides of the frame's middle, from there outwards: their sums and their differences. */
static inline __attribute__((always_inline)) void fold(const int16_t *restrict pcm,
                                                       float *restrict even,
                                                       float *restrict odd) {
    float after[HALF], before[HALF];
    for (int at = 0; at < HALF; at++)
        after[at] = pcm[HALF + at];
    for (int at = 0; at < HALF; at++)
        before[at] = pcm[HALF - 1 - at];
    for (int at = 0; at < HALF; at++)
        even[at] = after[at] + before[at];
    for (int at = 0; at < HALF; at++)
        odd[at] = after[at] - before[at];
}

static inline __attribute__((always_inline)) void transform(const struct bank *bank,
                                                            const int16_t *pcm, float *real,
                                                            float *imaginary) {
    float even[HALF], odd[HALF];
    /* By name and not in arrays, which the compiler keeps in memory. */
    vector real_0 = {0}, real_1 = {0}, real_2 = {0};
    vector imaginary_0 = {0}, imaginary_1 = {0}, imaginary_2 = {0};
    fold(pcm, even, odd);
    for (int at = 0; at < HALF; at++) {
        const vector *cosines = (const vector *)bank->cosines[at];
        const vector *sines = (const vector *)bank->sines[at];
        real_0 += even[at] * cosines[0];
        real_1 += even[at] * cosines[1];
        real_2 += even[at] * cosines[2];
        imaginary_0 -= odd[at] * sines[0];
        imaginary_1 -= odd[at] * sines[1];
        imaginary_2 -= odd[at] * sines[2];
    }
    memcpy(real, &real_0, sizeof real_0);
    memcpy(real + VECTOR, &real_1, sizeof real_1);
    memcpy(real + 2 * VECTOR, &real_2, sizeof real_2);
    memcpy(imaginary, &imaginary_0, sizeof imaginary_0);
    memcpy(imaginary + VECTOR, &imaginary_1, sizeof imaginary_1);
    memcpy(imaginary + 2 * VECTOR, &imaginary_2, sizeof imaginary_2);
}

_Static_assert(TONE_ROOM == 3 * VECTOR, "three vectors hold the tones");

__attribute__((optimize("O3"))) static void plain(const struct bank *bank, const int16_t *pcm,
                                                  float *real, float *imaginary) {
    transform(bank, pcm, real, imaginary);
}

#if defined(__x86_64__)
__attribute__((optimize("O3"), target("avx2,fma"))) static void
wide(const struct bank *bank, const int16_t *pcm, float *real, float *imaginary) {
    transform(bank, pcm, real, imaginary);
}

static bool is_wide(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
#else
#define wide plain
static bool is_wide(void) { return false; }
#endif

void bank_fill(struct bank *bank, const double *frequencies, int count, enum bank_speed speed) {
    const double scale = sqrt(2.0) / FRAME / FULL_SCALE;
    memset(bank, 0, sizeof *bank);
    for (int at = 0; at < HALF; at++)
        for (int tone = 0; tone < count; tone++) {
            double angle = 2 * PI * frequencies[tone] * (at + 0.5) / SAMPLE_RATE;
            bank->cosines[at][tone] = (float)(scale * cos(angle));
            bank->sines[at][tone] = (float)(scale * sin(angle));
        }
    bank->transform = speed == BANK_AS_FAST_AS_CAN_BE && is_wide() ? wide : plain;
}

void bank_fill_tones(struct bank *bank) { bank_fill(bank, tones, TONES, BANK_AS_FAST_AS_CAN_BE); }
