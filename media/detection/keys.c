/* Pairs of tones that last. See keys.h. */
#include "keys.h"

#include <math.h>
#include <string.h>

#include "look.h"

#define HALF_MS 10.0f

/* Q.24: 40 ms must be taken, administrations have less than 20 to 23 ms refused; what is measured in
 * noise spreads by a few milliseconds. */
#define LEAST_TONE_MS 28.0f
/* Q.24: an interruption of 10 ms parts no key, a pause of 40 ms does, of which a frame may be lost. */
#define LEAST_PAUSE_MS 15.0f
/* In 40 ms there are three whole halves; two will do where packets are missing. */
#define LEAST_PURE_HALVES 3
/* Of one frequency, -32 dBm0. Q.24: -24 to -29 dBm0 at least must be taken. */
#define LEAST_TONE 1.5310e-4f
/* Q.24: 1.5 % (and 2 Hz) off must be taken, 3.5 % off must not. */
#define MAX_FREQUENCY_ERROR 0.022f
/* Low over high frequency in power, -7 and 11 dB. Q.24: the high one up to 4 dB stronger or the low
 * one up to 8 dB (AT&T's figures, the widest) must be taken. */
#define LEAST_TWIST 0.19953f
#define MOST_TWIST 12.589f
/* A frame of which three fifths are a key, off by 1.5 % and in noise 10 dB below, passes the gate. */
#define GATE_SHARE 0.28f
/* 16 dB: MOST_TWIST, and what a high tone loses in 20 ms when it is off by 1.5 %. */
#define GATE_TWIST 39.811f
/* Of a half's energy that the pair must carry, its frequencies as found: 0.91 in noise 10 dB below. */
#define LEAST_SHARE 0.75f
/* A half with less of the tone's amplitude than this counts as pause. */
#define PRESENT 0.5f
/* A half with less of the tone's amplitude than this is not all tone: nothing is judged by it. */
#define FULL 0.8f
/* A half of which more samples than this are missing says nothing. */
#define MOST_MISSING (HALF / 10)

#define GROUP 4
/* Cosine and sine of the low, then of the high frequency. */
#define PARTS 4

static const double frequencies[2][GROUP] = {{697, 770, 852, 941}, {1209, 1336, 1477, 1633}};

/* Each frequency over half a frame, and its turn over that. */
static struct {
    float parts[2][HALF];
    float turn_real, turn_imaginary;
} waves[2][GROUP];

/* Of each key: what makes a least squares fit of the products with its four waves. */
static float inverses[GROUP * GROUP][PARTS][PARTS];

/* What the pair of a key is in both halves of a frame. */
struct halves {
    int key;
    float amplitude[2];
    bool pure[2]; /* there is nothing but the pair, and it as a telephone would send it */
    bool masked[2];
    float error[2]; /* how far the low and the high frequency are off, as a share */
};

/* Gauss and Jordan; the products of such waves are far from singular. */
static void invert(double matrix[PARTS][PARTS], float inverse[PARTS][PARTS]) {
    double rows[PARTS][2 * PARTS] = {{0}};
    for (int i = 0; i < PARTS; i++) {
        memcpy(rows[i], matrix[i], sizeof matrix[i]);
        rows[i][PARTS + i] = 1;
    }
    for (int i = 0; i < PARTS; i++) {
        double pivot = rows[i][i];
        for (int column = 0; column < 2 * PARTS; column++)
            rows[i][column] /= pivot;
        for (int other = 0; other < PARTS; other++) {
            double factor = other == i ? 0 : rows[other][i];
            for (int column = 0; column < 2 * PARTS; column++)
                rows[other][column] -= factor * rows[i][column];
        }
    }
    for (int i = 0; i < PARTS; i++)
        for (int column = 0; column < PARTS; column++)
            inverse[i][column] = (float)rows[i][PARTS + column];
}

static void prepare_key(int key) {
    double pair[PARTS][HALF], products[PARTS][PARTS] = {{0}};
    for (int at = 0; at < HALF; at++)
        for (int part = 0; part < PARTS; part++) {
            int group = part / 2;
            double turn = 2 * PI * frequencies[group][group ? key % GROUP : key / GROUP];
            double angle = turn * at / SAMPLE_RATE;
            pair[part][at] = part % 2 ? sin(angle) : cos(angle);
        }
    for (int one = 0; one < PARTS; one++)
        for (int other = 0; other < PARTS; other++)
            for (int at = 0; at < HALF; at++)
                products[one][other] += pair[one][at] * pair[other][at];
    invert(products, inverses[key]);
}

void keys_prepare(void) {
    for (int group = 0; group < 2; group++)
        for (int tone = 0; tone < GROUP; tone++) {
            double turn = 2 * PI * frequencies[group][tone] / SAMPLE_RATE;
            for (int at = 0; at < HALF; at++) {
                waves[group][tone].parts[0][at] = (float)cos(turn * at);
                waves[group][tone].parts[1][at] = (float)sin(turn * at);
            }
            waves[group][tone].turn_real = (float)cos(turn * HALF);
            waves[group][tone].turn_imaginary = (float)-sin(turn * HALF);
        }
    for (int key = 0; key < GROUP * GROUP; key++)
        prepare_key(key);
}

void keys_reset(struct keys *keys) { *keys = (struct keys){.key = NO_KEY}; }

/* Forgets the key, not whether the frame before is missing. */
static void forget(struct keys *keys) {
    *keys = (struct keys){.key = NO_KEY, .masked = keys->masked};
}

/* Whether a pair is strong in the frame, and which. */
static bool gate(struct frame *frame, int *key) {
    int low_tone, high_tone;
    float low = strongest(frame->tones + LOW_TONES, GROUP, &low_tone);
    float high = strongest(frame->tones + HIGH_TONES, GROUP, &high_tone);
    float weak = smaller(low, high), strong = larger(low, high);
    *key = low_tone * GROUP + high_tone;
    return low + high > GATE_SHARE * frame->power && weak > LEAST_TONE / 16 &&
           weak * GATE_TWIST > strong;
}

/* Fits. */

static bool is_masked(struct frame *frame, int half) {
    if (!frame->valid)
        return false;
    int missing = HALF;
    for (int at = 0; at < HALF; at++)
        missing -= frame->valid[half * HALF + at];
    return missing > MOST_MISSING;
}

/* Least squares of the key's waves in half a frame; the mean square of the pair. */
static float fit(int key, const float *samples, float parts[PARTS]) {
    float products[PARTS], power = 0;
    for (int part = 0; part < PARTS; part++) {
        int group = part / 2, tone = group ? key % GROUP : key / GROUP;
        products[part] = dot(samples, waves[group][tone].parts[part % 2], HALF);
    }
    for (int part = 0; part < PARTS; part++) {
        parts[part] = 0;
        for (int other = 0; other < PARTS; other++)
            parts[part] += inverses[key][part][other] * products[other];
        power += parts[part] * products[part] / HALF;
    }
    return power;
}

/* How far a frequency is off in Hz, by its phase from one half to the other. */
static float frequency_error(int key, int group, float parts[2][PARTS]) {
    int tone = group ? key % GROUP : key / GROUP;
    float turn_real = waves[group][tone].turn_real;
    float turn_imaginary = waves[group][tone].turn_imaginary;
    const float *before = parts[0] + 2 * group, *after = parts[1] + 2 * group;
    /* The wave's amplitude is cosine - i sine. */
    float real = after[0] * before[0] + after[1] * before[1];
    float imaginary = after[0] * before[1] - after[1] * before[0];
    return atan2f(real * turn_imaginary + imaginary * turn_real,
                  real * turn_real - imaginary * turn_imaginary) *
           (float)(SAMPLE_RATE / HALF / (2 * PI));
}

static bool is_pure(const float parts[PARTS], const float kept[2], float power, float energy) {
    float low = (parts[0] * parts[0] + parts[1] * parts[1]) / 2;
    float high = (parts[2] * parts[2] + parts[3] * parts[3]) / 2;
    /* Tones that are off leave some of theirs outside of the fit. */
    float whole = (low / kept[0] + high / kept[1]) * power;
    return whole >= LEAST_SHARE * energy * (low + high) && low >= LEAST_TWIST * high &&
           low <= MOST_TWIST * high && smaller(low, high) >= LEAST_TONE;
}

static struct halves measure(struct frame *frame, int key) {
    struct halves halves = {.key = key};
    float parts[2][PARTS], power[2], kept[2];
    for (int half = 0; half < 2; half++)
        power[half] = fit(key, samples_of(frame) + half * HALF, parts[half]);
    for (int group = 0; group < 2; group++) {
        float error = frequency_error(key, group, parts);
        kept[group] = look_kept(error);
        halves.error[group] =
            error / (float)frequencies[group][group ? key % GROUP : key / GROUP];
    }
    for (int half = 0; half < 2; half++) {
        const float *samples = samples_of(frame) + half * HALF;
        float energy = dot(samples, samples, HALF) / HALF;
        halves.pure[half] = is_pure(parts[half], kept, power[half], energy);
        halves.amplitude[half] = sqrtf(larger(power[half], 0));
        halves.masked[half] = is_masked(frame, half);
    }
    return halves;
}

static bool any_pure(const struct halves *halves) { return halves->pure[0] || halves->pure[1]; }

/* What follows from them. */

/* A leg that heard nothing before begins with a pure half; the reference is the strongest. */
static void begin(struct keys *keys, const struct halves *halves) {
    float most = 0;
    for (int half = 0; half < 2; half++)
        if (!halves->masked[half])
            most = larger(most, halves->amplitude[half]);
    if (keys->key == NO_KEY) {
        keys->key = (int8_t)halves->key;
        keys->lasted = keys->unheard = keys->masked ? 2 * HALF_MS * most : 0;
    }
    keys->amplitude = larger(keys->amplitude, most);
}

/* The same key after a pause. */
static void press_again(struct keys *keys, const struct halves *halves) {
    int8_t key = keys->key;
    forget(keys);
    keys->key = key;
    keys->amplitude = larger(halves->amplitude[0], halves->amplitude[1]);
}

/* Go on by 10 ms. */
static void step(struct keys *keys, const struct halves *halves, int half) {
    if (halves->masked[half]) {
        float added = keys->absent == 0 ? keys->amplitude * HALF_MS : 0;
        keys->lasted += added;
        keys->unheard += added;
        return;
    }
    float amplitude = halves->amplitude[half];
    if (amplitude < PRESENT * keys->amplitude) {
        keys->absent += HALF_MS * (1 - amplitude / larger(keys->amplitude, 1e-9f));
        return;
    }
    if (keys->absent >= LEAST_PAUSE_MS)
        press_again(keys, halves);
    keys->lasted += smaller(amplitude, keys->amplitude) * HALF_MS;
    keys->pure += halves->pure[half] && amplitude >= FULL * keys->amplitude;
    keys->absent = 0;
}

/* Both halves all tone: the phase between them tells the frequencies. */
static void add_errors(struct keys *keys, const struct halves *halves) {
    for (int half = 0; half < 2; half++)
        if (!halves->pure[half] || halves->masked[half] ||
            halves->amplitude[half] < FULL * keys->amplitude)
            return;
    keys->errors[0] += halves->error[0];
    keys->errors[1] += halves->error[1];
    keys->measured++;
}

/* Whether the key has lasted, and was not told yet. */
static bool is_right(const struct keys *keys) {
    bool unheard = keys->unheard > 0;
    float most = MAX_FREQUENCY_ERROR * larger((float)keys->measured, 1);
    return !keys->told && keys->lasted >= LEAST_TONE_MS * keys->amplitude &&
           keys->pure + unheard >= LEAST_PURE_HALVES && fabsf(keys->errors[0]) <= most &&
           fabsf(keys->errors[1]) <= most &&
           /* Without two halves in a row there must be a lost packet to explain it. */
           (keys->measured > 0 || unheard);
}

static int follow(struct keys *keys, struct frame *frame, int key) {
    struct halves halves = measure(frame, key);
    if (!keys_wait(keys) && !any_pure(&halves))
        return NO_KEY; /* most of what passes the gate is speech */
    if (keys_wait(keys) && key != keys->key) {
        /* Noise at the end of a tone looks like some other key: stay with the one that was. */
        if (any_pure(&halves))
            forget(keys);
        else
            halves = measure(frame, keys->key);
    }
    begin(keys, &halves);
    step(keys, &halves, 0);
    step(keys, &halves, 1);
    add_errors(keys, &halves);
    int told = is_right(keys) ? keys->key : NO_KEY;
    keys->told |= told != NO_KEY;
    if (keys->absent >= LEAST_PAUSE_MS)
        forget(keys);
    return told;
}

int keys_hear(struct keys *keys, struct frame *frame) {
    int key, told = NO_KEY;
    bool gated = gate(frame, &key);
    if (gated || keys_wait(keys))
        told = follow(keys, frame, gated ? key : keys->key);
    keys->masked = !frame->usable;
    return told;
}
