/* Fuzzes the tone detectors: sounds that are nearly what they look for, noise and extremes, frames of
 * which parts are missing, gaps, legs that come and go. Deterministic by its seed.
 *
 *   fuzz_detectors SEED SECONDS [ROUNDS]
 *
 * Looks for what the sanitizers find, for signs that nobody wanted, of legs that were not heard, that
 * say nothing, or that come too often.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "detectors.h"

#define LEGS 24
#define SLOTS 200
#define FRAMES_A_ROUND 1500
#define VOICES 4

static uint64_t random_state, round_number, seed;
static uint64_t frames_heard, signs_told;

#define REQUIRE(condition)                                                                       \
    do {                                                                                         \
        if (!(condition)) {                                                                      \
            fprintf(stderr, "seed %llu round %llu: %s:%d: %s\n", (unsigned long long)seed,       \
                    (unsigned long long)round_number, __FILE__, __LINE__, #condition);           \
            abort();                                                                             \
        }                                                                                        \
    } while (0)

struct sound {
    double frequency[VOICES], amplitude[VOICES];
    double noise;
    int on, off; /* samples of the cadence */
    bool extreme;
};

struct listened {
    intptr_t slot;
    int64_t position, told_at;
    uint8_t wants;
    struct sound sound;
};

/* splitmix64. */
static uint64_t next_random(void) {
    uint64_t z = (random_state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static uint32_t chance(uint32_t of) { return (uint32_t)(next_random() % of); }
static double part(void) { return (double)(next_random() >> 11) / 9007199254740992.0; }

/* Of what the detectors look for, or next to it. */
static double some_frequency(void) {
    static const double known[] = {697, 770, 852, 941, 1209, 1336, 1477, 1633, 1100, 2100,
                                   950, 1400, 1800, 350, 400, 425, 440, 450, 480, 620};
    return chance(3) ? known[chance(20)] * (1 + 0.04 * (part() - 0.5)) : 4000 * part();
}

static struct sound some_sound(void) {
    struct sound sound = {.on = 1 + (int)chance(20000), .off = (int)chance(30000)};
    int voices = (int)chance(VOICES + 1);
    for (int voice = 0; voice < voices; voice++) {
        sound.frequency[voice] = some_frequency();
        sound.amplitude[voice] = pow(10, -2.5 * part());
    }
    if (!chance(3))
        sound.noise = pow(10, -4 * part());
    sound.extreme = !chance(30);
    return sound;
}

static void make_samples(const struct sound *sound, int64_t position, int16_t *samples) {
    for (int at = 0; at < FRAME; at++) {
        int64_t time = position + at;
        double value = sound->noise * (part() - 0.5);
        if (time % (sound->on + sound->off) < sound->on)
            for (int voice = 0; voice < VOICES; voice++)
                value += sound->amplitude[voice] *
                         sin(2 * PI * sound->frequency[voice] * (double)time / SAMPLE_RATE);
        value = sound->extreme ? (value < 0 ? -1 : 1) : fmax(-1, fmin(1, value));
        samples[at] = (int16_t)fmax(-32768, fmin(32767, value * 32768));
    }
}

/* A packet may be missing, or a part of the frame. */
static void lose(int16_t *samples, uint8_t *valid) {
    memset(valid, 1, FRAME);
    if (chance(20))
        return;
    int from = chance(2) ? 0 : (int)chance(FRAME), to = chance(2) ? FRAME : (int)chance(FRAME);
    for (int at = from; at < to; at++) {
        valid[at] = 0;
        samples[at] = 0;
    }
}

static void begin(struct detectors *detectors, struct listened *leg, struct listened *all) {
    bool free_slot = false;
    while (!free_slot) {
        leg->slot = (intptr_t)chance(SLOTS);
        free_slot = true;
        for (int i = 0; i < LEGS; i++)
            free_slot &= &all[i] == leg || all[i].slot != leg->slot;
    }
    leg->wants = (uint8_t)chance(16);
    leg->position = chance(4) ? 0 : (int64_t)(next_random() >> 20);
    leg->told_at = NEVER;
    leg->sound = some_sound();
    REQUIRE(detectors_open(detectors, (size_t)leg->slot, leg->wants));
}

static void go_on(struct detectors *detectors, struct listened *leg, struct listened *all) {
    leg->position += FRAME;
    if (!chance(60))
        leg->position += chance(40000);
    if (!chance(150))
        leg->sound = some_sound();
    if (!chance(300)) {
        leg->wants = (uint8_t)chance(16);
        REQUIRE(detectors_want(detectors, (size_t)leg->slot, leg->wants));
    }
    if (!chance(600))
        begin(detectors, leg, all);
}

static void check_burst(const struct detectors *detectors, const struct sign *sign) {
    REQUIRE(sign->burst.milliseconds >= 20);
    for (int tone = 0; tone < detectors->cadences.count; tone++)
        REQUIRE(sign->burst.shares[tone] >= 0 && sign->burst.shares[tone] < 1.5f);
}

static void check_sign(const struct detectors *detectors, const struct sign *sign,
                       struct listened *legs) {
    static const uint8_t wanted[] = {WANT_KEYS,     WANT_KEYS,     WANT_FAX,
                                     WANT_PROGRESS, WANT_PROGRESS, WANT_PROGRESS};
    struct listened *leg = NULL;
    for (int i = 0; i < LEGS; i++)
        if (legs[i].slot == sign->slot)
            leg = &legs[i];
    REQUIRE(leg && leg->wants & wanted[sign->kind]);
    if (sign->kind == SIGN_KEY) {
        REQUIRE(strlen(sign->name) == 1 && strchr(KEYS, sign->name[0]));
        /* A tone and a pause of Q.24 at least. */
        REQUIRE(leg->position - leg->told_at >= FRAME);
        leg->told_at = leg->position;
    } else if (sign->kind == SIGN_BURST) {
        check_burst(detectors, sign);
    } else if (sign->kind == SIGN_PAUSE) {
        REQUIRE(sign->burst.milliseconds >= 0);
    } else {
        REQUIRE(strlen(sign->name) > 0);
    }
}

static void hear(struct detectors *detectors, struct listened *legs) {
    /* As long as what is in them, so that a read beyond is found. */
    size_t rows = 1 + chance(LEGS);
    intptr_t *slots = malloc(rows * sizeof *slots);
    int16_t *samples = malloc(rows * FRAME * sizeof *samples);
    uint8_t *valid = malloc(rows * FRAME), *told = malloc(2 * rows);
    int64_t *positions = malloc(rows * sizeof *positions);
    float *power = malloc(rows * sizeof *power);
    for (size_t row = 0; row < rows; row++) {
        int16_t *frame = samples + row * FRAME;
        go_on(detectors, &legs[row], legs);
        slots[row] = legs[row].slot;
        positions[row] = legs[row].position;
        make_samples(&legs[row].sound, legs[row].position, frame);
        lose(frame, valid + row * FRAME);
        double sum = 0;
        for (int at = 0; at < FRAME; at++)
            sum += (double)frame[at] * frame[at];
        power[row] = (float)(sum / FRAME / 32768 / 32768);
    }
    struct round round = {rows, slots, samples, valid, positions, power, told, told + rows};
    REQUIRE(detectors_hear(detectors, &round));
    for (size_t row = 0; row < rows; row++) {
        REQUIRE(told[row] <= 1 && told[rows + row] <= 1);
        REQUIRE(!told[rows + row] ||
                (legs[row].wants & (WANT_BEEP | WANT_PROGRESS)) == WANT_BEEP);
    }
    for (size_t at = 0; at < detectors->sign_count; at++)
        check_sign(detectors, &detectors->signs[at], legs);
    signs_told += detectors->sign_count;
    frames_heard += rows;
    slots[0] = MAX_SLOTS - 1;
    REQUIRE(!detectors_hear(detectors, &round));
    free(slots);
    free(samples);
    free(valid);
    free(told);
    free(positions);
    free(power);
}

static void run_round(void) {
    static const double frequencies[] = {400, 413, 420, 425, 438, 440, 450, 480, 620};
    struct detectors *detectors = detectors_create(frequencies, 9);
    struct listened legs[LEGS] = {0};
    REQUIRE(detectors && !detectors_create(frequencies, TONE_ROOM + 1));
    REQUIRE(!detectors_open(detectors, MAX_SLOTS, 0) && !detectors_want(detectors, 0, 0));
    for (int i = 0; i < LEGS; i++)
        legs[i].slot = -1;
    for (int i = 0; i < LEGS; i++)
        begin(detectors, &legs[i], legs);
    for (int frame = 0; frame < FRAMES_A_ROUND; frame++)
        hear(detectors, legs);
    detectors_destroy(detectors);
}

int main(int argc, char **argv) {
    if (argc < 3)
        return 2;
    seed = strtoull(argv[1], NULL, 10);
    double seconds = atof(argv[2]);
    uint64_t rounds = argc > 3 ? strtoull(argv[3], NULL, 10) : UINT64_MAX;
    clock_t began = clock();
    while (round_number < rounds && (double)(clock() - began) / CLOCKS_PER_SEC < seconds) {
        /* Each round by itself, so that one can be repeated alone. */
        random_state = seed * 1000003 + round_number;
        run_round();
        round_number++;
    }
    printf("fuzz_detectors: seed %llu, %llu rounds, %llu frames, %llu signs, clean\n",
           (unsigned long long)seed, (unsigned long long)round_number,
           (unsigned long long)frames_heard, (unsigned long long)signs_told);
    return 0;
}
