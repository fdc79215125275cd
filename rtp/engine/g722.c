/* The lower sub-band of G.722. See g722.h.
 *
 * Blocks have the recommendation's names in comments (figures 4 and 6 to 10 of G.722); products are
 * shifted where it shifts them, which is what makes both ends agree to the bit.
 */
#include "g722.h"

#include <stdbool.h>
#include <string.h>

#define MIN_LOW_SCALE 32
/* G.722 3.5: the upper limit of the logarithm of the low band's scale factor, 9 by 2048. */
#define MAX_LOG_SCALE 18432
#define LEVELS 30
/* The two bits of the upper sub-band that leave it silent at its smallest scale. */
#define UPPER_SILENT 0xc0

/* Decision levels of the 60-step quantizer, in units of the scale. */
static const int16_t DECISIONS[LEVELS - 1] = {
    35,  72,  110, 150, 190, 233,  276,  323,  370,  422,  473,  530,  587,  650,  714,
    786, 858, 940, 1023, 1121, 1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919};
/* What the upper half of each code word (four bits) stands for: 15 steps for the predictor. */
static const int16_t COARSE[16] = {0,     -20456, -12896, -8968, -6288, -4240, -2584, -1200,
                                   20456, 12896,  8968,   6288,  4240,  2584,  1200,  0};
/* Magnitudes of all six bits, from the outermost code word inwards. */
static const int16_t FINE[LEVELS] = {24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192,
                                     10232, 9360,  8576,  7856,  7192,  6576,  6000,  5456,
                                     4944,  4464,  4008,  3576,  3168,  2776,  2400,  2032,
                                     1688,  1360,  1040,  728,   432,   136};
/* How the scale follows a coarse step: W_L of its magnitude, by the four bits. */
static const int16_t FOLLOWING[16] = {-60,  3042, 1198, 538, 334, 172, 58, -30,
                                      3042, 1198, 538,  334, 172, 58,  -30, -60};
/* 2048 * 2^(n/32), rounded as the recommendation has it. */
static const int16_t POWERS[32] = {2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383,
                                   2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834,
                                   2896, 2960, 3025, 3091, 3158, 3228, 3298, 3371,
                                   3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008};

static inline int32_t saturate(int32_t value) {
    return value > INT16_MAX ? INT16_MAX : value < INT16_MIN ? INT16_MIN : value;
}

static inline int32_t clamp(int32_t value, int32_t least, int32_t most) {
    return value > most ? most : value < least ? least : value;
}

static inline int sign(int32_t value) { return value < 0; }

void g722_init(struct g722 *state) {
    memset(state, 0, sizeof *state);
    state->scale = MIN_LOW_SCALE;
}

/* LOGSCL and SCALEL. */
static void adapt_scale(struct g722 *state, int coarse) {
    int32_t log_scale = (state->log_scale * 127 >> 7) + FOLLOWING[coarse];
    state->log_scale = clamp(log_scale, 0, MAX_LOG_SCALE);
    int shift = 8 - (state->log_scale >> 11);
    int32_t power = POWERS[state->log_scale >> 6 & 31];
    state->scale = (shift < 0 ? power << -shift : power >> shift) << 2;
}

/* UPPOL2 and UPPOL1: the two poles, kept where the filter is stable. */
static void adapt_poles(struct g722 *state, int32_t partial) {
    bool same = sign(partial) == sign(state->partial[0]);
    int32_t lean = saturate(state->poles[0] * 4);
    lean = same ? saturate(-lean) : lean;
    int32_t second = (sign(partial) == sign(state->partial[1]) ? 128 : -128) + (lean >> 7) +
                     (state->poles[1] * 32512 >> 15);
    second = clamp(second, -12288, 12288);
    int32_t limit = 15360 - second;
    int32_t first = saturate((same ? 192 : -192) + (state->poles[0] * 32640 >> 15));
    state->poles[0] = clamp(first, -limit, limit);
    state->poles[1] = second;
}

/* UPZERO, and the delay of the differences. */
static void adapt_zeros(struct g722 *state, int32_t difference) {
    int32_t step = difference ? 128 : 0;
    for (int i = G722_ZEROS - 1; i >= 0; i--) {
        bool same = sign(state->differences[i]) == sign(difference);
        state->zeros[i] = saturate((same ? step : -step) + (state->zeros[i] * 32640 >> 15));
        state->differences[i] = i ? state->differences[i - 1] : difference;
    }
}

/* FILTEP, FILTEZ and PREDIC. */
static void predict(struct g722 *state) {
    int32_t poles = saturate((state->poles[0] * saturate(2 * state->reconstructed[0]) >> 15) +
                             (state->poles[1] * saturate(2 * state->reconstructed[1]) >> 15));
    int32_t zeros = 0;
    for (int i = 0; i < G722_ZEROS; i++)
        zeros += state->zeros[i] * saturate(2 * state->differences[i]) >> 15;
    state->zero_estimate = saturate(zeros);
    state->estimate = saturate(poles + state->zero_estimate);
}

/* What coder and decoder do alike with each code word: BLOCK3L and BLOCK4L. */
static void go_on(struct g722 *state, int code) {
    int coarse = code >> 2;
    int32_t difference = state->scale * COARSE[coarse] >> 15;
    int32_t partial = saturate(state->zero_estimate + difference);
    int32_t reconstructed = saturate(state->estimate + difference);
    adapt_scale(state, coarse);
    adapt_poles(state, partial);
    adapt_zeros(state, difference);
    state->partial[1] = state->partial[0];
    state->partial[0] = partial;
    state->reconstructed[1] = state->reconstructed[0];
    state->reconstructed[0] = reconstructed;
    predict(state);
}

/* QUANTL: the six bits of a difference. */
static int quantize(int32_t difference, int32_t scale) {
    int32_t magnitude = difference < 0 ? -(difference + 1) : difference;
    int step = 0;
    while (step < LEVELS - 1 && magnitude >= DECISIONS[step] * scale >> 12)
        step++;
    /* Positive code words count down from 61; so do negative ones from 31, but for the first two. */
    if (difference >= 0)
        return 61 - step;
    return step < 2 ? 63 - step : 33 - step;
}

/* INVQBL: the inverse for all six bits. The four code words that no coder sends are the smallest
 * step down. */
static int32_t fine_step(int code) {
    if (code >= 32)
        return code < 62 ? FINE[code - 32] : -FINE[code - 34];
    return code < 4 ? -FINE[LEVELS - 1] : -FINE[code - 4];
}

void g722_encode(struct g722 *state, const int16_t *samples, size_t count, uint8_t *out) {
    for (size_t i = 0; i < count; i++) {
        int32_t difference = saturate((samples[i] >> 1) - state->estimate);
        int code = quantize(difference, state->scale);
        out[i] = (uint8_t)(UPPER_SILENT | code);
        go_on(state, code);
    }
}

void g722_decode(struct g722 *state, const uint8_t *octets, size_t count, int16_t *out) {
    for (size_t i = 0; i < count; i++) {
        int code = octets[i] & 63;
        int32_t sample = state->estimate + (state->scale * fine_step(code) >> 15);
        out[i] = (int16_t)(clamp(sample, -16384, 16383) * 2);
        go_on(state, code);
    }
}
