/* Fuzzes the frames of many legs: packets in and out of order, of all sizes and codecs, clocks that
 * jump, legs that come and go, batches cut off. Deterministic by its seed.
 *
 *   fuzz_framing SEED SECONDS [ROUNDS]
 *
 * Looks for what the sanitizers find, for frames that go back or come too often, for a leg in two
 * slots, and for sound where none was sent.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "codec.h"
#include "framing.h"

#define LEGS 24
#define STEPS_A_ROUND 3000
#define PACKETS 40

static uint64_t random_state;
static uint64_t round_number;
static uint64_t seed;

#define REQUIRE(condition)                                                                       \
    do {                                                                                         \
        if (!(condition)) {                                                                      \
            fprintf(stderr, "seed %llu round %llu: %s:%d: %s\n", (unsigned long long)seed,       \
                    (unsigned long long)round_number, __FILE__, __LINE__, #condition);           \
            abort();                                                                             \
        }                                                                                        \
    } while (0)

struct sender {
    uint64_t leg, sequence, timestamp;
    int64_t position; /* of the last frame out; -1: none */
    int64_t told_at;
    int frames;
};

struct world {
    struct framer *framer;
    struct sender senders[LEGS];
    uint64_t next_leg;
    int64_t now;
    uint64_t frames;
};

static uint32_t chance(uint32_t of) { return (uint32_t)(next_random(&random_state) % of); }

static void begin_leg(struct world *world, struct sender *sender) {
    *sender = (struct sender){.leg = ++world->next_leg,
                              .sequence = 65536 + chance(65536),
                              .timestamp = (UINT64_C(1) << 32) + chance(1 << 30),
                              .position = -1};
}

static struct tap_entry any_packet(struct world *world) {
    static const uint16_t sizes[] = {160, 160, 160, 160, 80, 240, 480, 0, 1, 1500};
    struct sender *sender = &world->senders[chance(LEGS)];
    struct tap_entry entry = {.leg = sender->leg,
                              .sequence = sender->sequence,
                              .timestamp = sender->timestamp,
                              .arrived_ns = world->now - chance(30) * NS_PER_MS,
                              .length = chance(6) ? sizes[chance(10)] : (uint16_t)chance(1501),
                              .codec = (uint8_t)(chance(12) ? CODEC_PCMU : chance(256))};
    if (!chance(8)) { /* late */
        entry.sequence -= chance(6);
        entry.timestamp -= chance(1000);
        return entry;
    }
    if (!chance(40))
        entry.flags = (uint16_t)chance(64);
    sender->sequence += chance(15) ? 1 : 1 + chance(4);
    sender->timestamp += entry.length;
    if (!chance(40))
        sender->timestamp += chance(chance(4) ? 3000 : 40000);
    if (!chance(100))
        sender->timestamp -= chance(16000);
    if (!chance(2000)) {
        entry.timestamp = next_random(&random_state);
        entry.sequence = next_random(&random_state);
        entry.arrived_ns = (int64_t)next_random(&random_state);
    }
    return entry;
}

/* Buffers are as long as what is in them, so that a read beyond is found. */
static void push(struct world *world) {
    uint32_t count = chance(PACKETS), length = 0;
    struct tap_entry *entries = malloc(count * sizeof *entries + 1);
    for (uint32_t i = 0; i < count; i++) {
        entries[i] = any_packet(world);
        entries[i].offset = length;
        length += entries[i].length;
    }
    if (!chance(50))
        length = chance(length + 1); /* what lies beyond must be refused */
    uint8_t *payload = malloc(length + 1);
    uint8_t *exact = realloc(payload, length ? length : 1);
    memset(exact, 0x11, length);
    framer_push(world->framer, entries, count, exact, length);
    free(entries);
    free(exact);
}

static struct sender *sender_at(struct world *world, intptr_t slot) {
    for (int i = 0; i < LEGS; i++)
        if (framer_slot(world->framer, world->senders[i].leg) == (uint32_t)slot)
            return &world->senders[i];
    REQUIRE(!"a slot that no leg has");
    return NULL;
}

static void check_frame(struct world *world, intptr_t slot, const int16_t *samples,
                        const uint8_t *valid, int64_t position) {
    struct sender *sender = sender_at(world, slot);
    REQUIRE(sender->position < 0 ? position == 0 : position >= sender->position + FRAME_SAMPLES);
    sender->position = position;
    if (sender->told_at != world->now)
        sender->frames = 0;
    sender->told_at = world->now;
    REQUIRE(++sender->frames <= MAX_FRAMES_A_TICK);
    int16_t mu = codec_decode_one(CODEC_PCMU, 0x11), a = codec_decode_one(CODEC_PCMA, 0x11);
    for (int i = 0; i < FRAME_SAMPLES; i++)
        REQUIRE(valid[i] == 1 ? samples[i] == mu || samples[i] == a : !valid[i] && !samples[i]);
    world->frames++;
}

static void take_rounds(struct world *world) {
    uint32_t rows, rounds = 0;
    while ((rows = framer_ready(world->framer, world->now))) {
        REQUIRE(++rounds <= MAX_FRAMES_A_TICK && rows <= LEGS);
        intptr_t *slots = malloc(rows * sizeof *slots);
        int16_t *samples = malloc(rows * FRAME_SAMPLES * sizeof *samples);
        uint8_t *valid = malloc(rows * FRAME_SAMPLES);
        int64_t *positions = malloc(rows * sizeof *positions);
        int64_t *times = malloc(rows * sizeof *times);
        framer_take(world->framer, slots, samples, valid, positions, times);
        for (uint32_t row = 0; row < rows; row++)
            check_frame(world, slots[row], samples + row * FRAME_SAMPLES,
                        valid + row * FRAME_SAMPLES, positions[row]);
        free(slots);
        free(samples);
        free(valid);
        free(positions);
        free(times);
    }
}

static void end_a_leg(struct world *world) {
    struct sender *sender = &world->senders[chance(LEGS)];
    if (chance(2))
        framer_finish(world->framer, sender->leg);
    if (chance(2))
        return;
    framer_close(world->framer, sender->leg);
    REQUIRE(!framer_waits(world->framer, sender->leg));
    REQUIRE(framer_slot(world->framer, sender->leg) == UINT32_MAX);
    if (chance(2))
        begin_leg(world, sender); /* else its packets are strays for a while */
}

static void run_round(struct world *world) {
    memset(world, 0, sizeof *world);
    world->now = 1000 * NS_PER_SECOND;
    world->framer = framer_create();
    for (int i = 0; i < LEGS; i++)
        begin_leg(world, &world->senders[i]);
    for (int step = 0; step < STEPS_A_ROUND; step++) {
        push(world);
        world->framer->fresh_count = 0;
        take_rounds(world);
        if (!chance(20))
            end_a_leg(world);
        world->now += chance(50) ? 20 * NS_PER_MS : chance(5000) * NS_PER_MS;
        REQUIRE(world->framer->open <= LEGS);
        REQUIRE(world->framer->active_count <= world->framer->open);
    }
    framer_destroy(world->framer);
}

int main(int argc, char **argv) {
    if (argc < 3)
        return 2;
    static struct world world;
    seed = strtoull(argv[1], NULL, 10);
    double seconds = atof(argv[2]);
    uint64_t rounds = argc > 3 ? strtoull(argv[3], NULL, 10) : UINT64_MAX, frames = 0;
    clock_t began = clock();
    codec_prepare();
    while (round_number < rounds && (double)(clock() - began) / CLOCKS_PER_SEC < seconds) {
        /* Each round by itself, so that one can be repeated alone. */
        random_state = seed * 1000003 + round_number;
        run_round(&world);
        frames += world.frames;
        round_number++;
    }
    printf("fuzz_framing: seed %llu, %llu rounds of %d ticks, %llu frames, clean\n",
           (unsigned long long)seed, (unsigned long long)round_number, STEPS_A_ROUND,
           (unsigned long long)frames);
    return 0;
}
