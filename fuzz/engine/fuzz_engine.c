/* Fuzzes the engine's core: well-formed, damaged and random packets at legs whose settings, sources
 * and playbacks change at random, on a virtual clock. Deterministic by its seed.
 *
 *   fuzz_engine SEED SECONDS [ROUNDS]
 *
 * Looks for what the sanitizers find, for packets sent that are no RTP or RTCP, for a stream that
 * changes its SSRC, for lists that do not close, and for a press told more often than its packets.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "leg.h"

#define LEGS 6
#define STEPS_A_ROUND 4000
#define SOURCES 4

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

struct world {
    struct core core;
    struct tap tap;
    int64_t now;
    struct leg *legs[LEGS];
    uint64_t next_id;
    uint64_t began, ended; /* presses told */
    uint64_t sent, events;
    bool keyed; /* legs get keys in this round */
    /* What each simulated peer would send next. */
    uint16_t sequence[LEGS][SOURCES];
    uint32_t timestamp[LEGS][SOURCES], ssrc[LEGS][SOURCES];
    /* What each peer seals with; NULL: it sends plainly. */
    struct secure *peers[LEGS];
};

static uint32_t chance(uint32_t of) { return (uint32_t)(next_random(&random_state) % of); }

static void check_sent(void *context, int socket, const uint8_t *data, size_t length,
                       const struct address *to, struct leg *leg) {
    struct world *world = context;
    uint8_t copy[RTP_HEADER_LENGTH + MAX_PACKET + MAX_SECURE_TRAILER];
    REQUIRE(to->length > 0);
    if (leg->passes) {
        REQUIRE(socket == leg->passing.partner->socket && length > 0 && length <= MAX_PAYLOAD);
        memcpy(copy, data, length);
        world->sent++;
        return;
    }
    REQUIRE(length >= 8 && length <= RTP_HEADER_LENGTH + MAX_PAYLOAD + MAX_SECURE_TRAILER);
    REQUIRE(data[0] >> 6 == 2);
    bool rtp = length >= RTP_HEADER_LENGTH && read_32(data + 8) == leg->stream.ssrc;
    bool rtcp = (length % 4 == 0 || leg->secure) && read_32(data + 4) == leg->stream.ssrc;
    if (leg->has_one_port)
        REQUIRE(socket == leg->rtp_socket && (rtp || (rtcp && data[1] >= 192 && data[1] <= 223)));
    else
        REQUIRE(socket == leg->rtp_socket ? rtp : rtcp);
    memcpy(copy, data, length); /* the sanitizer sees every octet read */
    world->sent++;
}

static void count_event(void *context, const struct engine_event *event) {
    struct world *world = context;
    world->events++;
    world->began += event->kind == EVENT_DIGIT_RECEIVED;
    world->ended += event->kind == EVENT_DIGIT_ENDED;
    if (event->kind == EVENT_DIGIT_RECEIVED || event->kind == EVENT_DIGIT_ENDED)
        REQUIRE(digit_event(event->digit) >= 0);
}

static struct address peer(int leg, int source) {
    struct address address;
    char host[64];
    if (source == 3)
        snprintf(host, sizeof host, "2001:db8::%x", leg);
    else
        snprintf(host, sizeof host, "192.0.2.%d", 10 * leg + source);
    REQUIRE(address_parse(&address, host, 4000 + 2 * source, AF_UNSPEC));
    return address;
}

static struct codecs random_codecs(void) {
    static const uint8_t audio[] = {CODEC_PCMU, CODEC_PCMA, CODEC_G722, CODEC_OPUS};
    struct codecs codecs = {.send = audio[chance(opus_load() ? 4 : 3)],
                            .send_payload_type = (uint8_t)chance(128),
                            .ptime_ms = (uint8_t)(MIN_PTIME_MS + chance(51)),
                            .digit_payload_type = (int16_t)((int)chance(129) - 1),
                            .comfort_noise_payload_type = chance(2) ? 13 : -1};
    codecs.receive[0] = CODEC_PCMU;
    codecs.receive[8] = CODEC_PCMA;
    codecs.receive[9] = CODEC_G722;
    if (chance(2)) {
        codecs.ptime_ms = (uint8_t)(10 * (1 + chance(6)));
        codecs.untouched_least = (uint16_t)(chance(2) ? 8u * codecs.ptime_ms : chance(500));
        codecs.untouched_most = (uint16_t)(chance(2) ? 8u * codecs.ptime_ms : chance(500));
    }
    codecs.receive[13] = CODEC_COMFORT_NOISE;
    codecs.receive[101] = CODEC_TELEPHONE_EVENT;
    codecs.receive[96] = opus_load() ? CODEC_OPUS : CODEC_G722;
    codecs.receive[102] = CODEC_TELEPHONE_EVENT_48;
    codecs.receive[chance(128)] = (uint8_t)chance(6);
    return codecs;
}

static struct prompt *random_prompt(void) {
    int16_t samples[1000];
    uint32_t count = 1 + chance(1000);
    for (uint32_t i = 0; i < count; i++)
        samples[i] = (int16_t)chance(65536);
    return prompt_create(samples, count);
}

static void open_leg(struct world *world, int place) {
    uint64_t id = ++world->next_id;
    struct leg *leg = leg_create(id, 2 * place, 2 * place + 1, &random_state);
    leg->tapped = chance(2);
    leg_give_outlet(leg, outlet_create(leg->rtp_socket));
    world->legs[place] = leg;
    leg_open(&world->core, leg, world->now);
}

static void hear_many(struct world *world, struct leg *leg) {
    struct mix *mix = mix_create();
    for (uint32_t count = chance(LEGS + 1); count; count--) {
        struct leg *source = world->legs[chance(LEGS)];
        if (!source)
            continue; /* not opened yet */
        if (!source->voice)
            leg_give_voice(source, voice_create());
        mix_add(mix, source->voice);
    }
    leg_hear_mix(&world->core, leg, mix, world->now);
}

static void set_keys(struct world *world, int place) {
    uint8_t keys[2][SECURE_KEY_LENGTH];
    enum suite suite = (enum suite)chance(SUITES);
    for (int i = 0; i < 2 * SECURE_KEY_LENGTH; i++)
        keys[i / SECURE_KEY_LENGTH][i % SECURE_KEY_LENGTH] = (uint8_t)next_random(&random_state);
    secure_free(world->peers[place]);
    world->peers[place] = chance(4) ? secure_create(suite, keys[1], keys[0]) : NULL;
    /* A peer may have other keys than it has told. */
    keys[1][0] ^= !chance(10);
    leg_set_secure(world->legs[place],
                   world->peers[place] ? secure_create(suite, keys[0], keys[1]) : NULL);
}

static void pass_to(struct world *world, struct leg *leg, const struct leg *partner) {
    outlet_hold(partner->passing.outlet);
    leg_pass(&world->core, leg, partner->passing.outlet, world->now);
}

/* Not always are both told. */
static void pass_datagrams(struct world *world, int place) {
    struct leg *leg = world->legs[place], *other = world->legs[chance(LEGS)];
    if (chance(4) || !other)
        return;
    if (other == leg) {
        leg_pass(&world->core, leg, NULL, world->now);
        return;
    }
    pass_to(world, leg, other);
    if (chance(4))
        pass_to(world, other, leg);
}

static void command(struct world *world, int place) {
    struct core *core = &world->core;
    struct leg *leg = world->legs[place];
    struct codecs codecs = random_codecs();
    struct address rtp = peer(place, (int)chance(SOURCES)), rtcp = {.length = 0};
    static const char *const digits[] = {"1", "0123456789*#ABCD", "55555"};
    switch (chance(world->keyed ? 15 : 14)) {
    case 0:
        leg_close(core, leg, world->now);
        open_leg(world, place);
        break;
    case 1:
    case 2:
        leg_set_codecs(core, leg, &codecs, world->now);
        break;
    case 3:
    case 4:
        if (chance(2))
            rtcp = peer(place, (int)chance(SOURCES));
        if (!chance(5))
            REQUIRE(address_parse(&rtp, "0.0.0.0", 4000, AF_UNSPEC));
        leg_set_remote(core, leg, &rtp, &rtcp, world->now);
        break;
    case 5:
        leg_set_direction(core, leg, chance(4), chance(4), world->now);
        leg->has_one_port = chance(2);
        pass_datagrams(world, place);
        break;
    case 6:
    case 7:
        leg_hear(core, leg, chance(4) ? world->legs[chance(LEGS)] : NULL, world->now);
        break;
    case 8:
    case 9:
        leg_play(core, leg, random_prompt(), chance(1000), chance(2), world->now);
        break;
    case 12:
    case 13:
        hear_many(world, leg);
        break;
    case 14:
        set_keys(world, place);
        break;
    case 10:
        leg_stop_playback(core, leg);
        break;
    case 11:
        leg_send_digits(core, leg, digits[chance(3)], 160 + chance(64000), 160 + chance(800),
                        world->now);
        break;
    }
}

/* What a working peer could send, give or take. */
static size_t plausible_rtp(struct world *world, int place, int source, uint8_t *data) {
    static const uint8_t types[] = {0, 0, 0, 8, 8, 9, 9, 13, 96, 96, 101, 101, 101, 102, 50};
    uint16_t *sequence = &world->sequence[place][source];
    uint32_t *timestamp = &world->timestamp[place][source];
    size_t length = chance(8) ? 160 : chance(MAX_PAYLOAD + 1);
    if (!chance(50))
        *sequence = (uint16_t)chance(65536);
    if (!chance(80))
        *timestamp = (uint32_t)next_random(&random_state);
    if (!chance(80))
        world->ssrc[place][source] = (uint32_t)next_random(&random_state);
    *sequence = (uint16_t)(*sequence + (chance(10) ? 1 : chance(6)));
    data[0] = 0x80;
    data[1] = types[chance(sizeof types)] | (chance(10) ? 0 : 0x80);
    write_16(data + 2, chance(20) ? *sequence : (uint16_t)(*sequence - chance(120)));
    write_32(data + 4, *timestamp);
    write_32(data + 8, world->ssrc[place][source]);
    for (size_t i = 0; i < length; i++)
        data[12 + i] = (uint8_t)next_random(&random_state);
    if ((data[1] & 127) == 101) {
        length = 4 * (chance(6) ? 1 : chance(12));
        for (size_t i = 0; i < length; i += 4)
            data[12 + i] = (uint8_t)chance(20);
        *timestamp += chance(4) ? 0 : 800;
    } else {
        *timestamp += 160;
    }
    return 12 + length;
}

static size_t plausible_rtcp(const struct leg *leg, uint8_t *data) {
    size_t at = 0;
    for (uint32_t packets = 1 + chance(4); packets > 0; packets--) {
        size_t words = 1 + chance(20);
        for (size_t i = 0; i < 4 * (words + 1); i++)
            data[at + i] = (uint8_t)next_random(&random_state);
        data[at] = (uint8_t)(0x80 | chance(32));
        data[at + 1] = (uint8_t)(200 + chance(5));
        write_16(data + at + 2, (uint16_t)words);
        if (chance(2) && words >= 8)
            write_32(data + at + (data[at + 1] == 200 ? 28 : 8), leg->stream.ssrc);
        at += 4 * (words + 1);
    }
    return at;
}

static size_t damage(uint8_t *data, size_t length) {
    for (uint32_t i = chance(6); i > 0 && length; i--)
        data[chance((uint32_t)length)] ^= (uint8_t)(1u << chance(8));
    if (!chance(4))
        length = chance((uint32_t)length + 1);
    if (!chance(20))
        for (length = chance(MAX_PACKET); length && chance(400);)
            data[chance((uint32_t)length)] = (uint8_t)next_random(&random_state);
    return length;
}

static void seal(struct secure *secure, uint8_t *data, size_t *length, bool rtcp) {
    if (rtcp)
        secure_seal_rtcp(secure, data, length);
    else
        secure_seal(secure, data, length);
}

static void packet(struct world *world, int place) {
    /* Exactly as long as the packet, so that a read beyond it is found. */
    uint8_t large[RTP_HEADER_LENGTH + MAX_PACKET + MAX_SECURE_TRAILER] = {0}, *data = large + RTP_HEADER_LENGTH;
    struct leg *leg = world->legs[place];
    int source = chance(4) ? 0 : (int)chance(SOURCES);
    struct address from = peer(place, source);
    bool rtcp = !chance(10);
    size_t length = rtcp ? plausible_rtcp(leg, data) : plausible_rtp(world, place, source, data);
    if (world->peers[place] && chance(20) && length <= MAX_PAYLOAD)
        seal(world->peers[place], data, &length, rtcp);
    if (!chance(5))
        length = damage(data, length);
    uint8_t *exact = malloc(RTP_HEADER_LENGTH + length + 1);
    memcpy(exact, large, RTP_HEADER_LENGTH + length);
    uint8_t *moved = realloc(exact, RTP_HEADER_LENGTH + length);
    if (rtcp && !(leg->has_one_port && chance(4)))
        leg_receive_rtcp(&world->core, leg, moved + RTP_HEADER_LENGTH, length, &from, world->now);
    else
        leg_receive(&world->core, leg, moved + RTP_HEADER_LENGTH, length, &from, world->now);
    free(moved);
}

static void drain(struct world *world) {
    uint32_t entries, bytes;
    tap_waiting(&world->tap, &entries, &bytes);
    struct tap_entry *out = malloc(entries * sizeof *out + 1);
    uint8_t *payload = malloc(bytes + 1);
    tap_take(&world->tap, entries, bytes, 0, out, payload);
    for (uint32_t i = 0; i < entries; i++)
        REQUIRE(out[i].offset + out[i].length <= bytes);
    free(out);
    free(payload);
}

static void check_lists(const struct world *world) {
    for (int i = 0; i < LEGS; i++) {
        const struct leg *leg = world->legs[i];
        int count = 0;
        REQUIRE(!leg->mix || !leg->hears);
        struct address way;
        REQUIRE(leg->passes || !leg->passing.partner);
        REQUIRE(outlet_read(leg->passing.outlet, &way) ==
                (leg->passes && leg->latch.destination.length > 0));
        REQUIRE(!leg->passes || !leg->latch.destination.length ||
                address_equal(&way, &leg->latch.destination));
        REQUIRE(!leg->voice || leg->voice->readers < leg->voice->references);
        for (const struct leg *at = leg->listeners; at; at = at->next_listener) {
            REQUIRE(at->hears == leg);
            REQUIRE(++count <= LEGS);
        }
        REQUIRE(leg->source.received == 0 || source_lost(&leg->source) < UINT32_MAX);
    }
    REQUIRE(world->ended <= world->began);
    REQUIRE(world->began <= world->ended + world->next_id);
}

static void run_round(struct world *world) {
    memset(world, 0, sizeof *world);
    world->now = 1000 * NS_PER_SECOND;
    core_init(&world->core, world->now);
    REQUIRE(tap_create(&world->tap, 1 << 16));
    world->core.context = world;
    world->core.send = check_sent;
    world->core.report = count_event;
    world->core.tap = &world->tap;
    world->core.random = next_random(&random_state);
    world->core.wall_offset = INT64_C(1700000000) * NS_PER_SECOND;
    strcpy(world->core.cname, "fuzz");
    world->keyed = round_number % 2 && secure_load();
    for (int i = 0; i < LEGS; i++) {
        open_leg(world, i);
        for (int j = 0; j < 3; j++)
            command(world, i);
    }
    for (int step = 0; step < STEPS_A_ROUND; step++) {
        if (!chance(20))
            command(world, (int)chance(LEGS));
        packet(world, (int)chance(LEGS));
        if (!chance(3))
            world->now += chance(chance(100) ? 10 : 8000) * NS_PER_MS;
        core_run_timers(&world->core, world->now);
        if (!chance(50))
            drain(world);
        if (!chance(200))
            check_lists(world);
    }
    while (world->core.legs)
        leg_close(&world->core, world->core.legs, world->now);
    for (int i = 0; i < LEGS; i++)
        secure_free(world->peers[i]);
    tap_destroy(&world->tap);
}

int main(int argc, char **argv) {
    if (argc < 3)
        return 2;
    static struct world world;
    seed = strtoull(argv[1], NULL, 10);
    double seconds = atof(argv[2]);
    uint64_t rounds = argc > 3 ? strtoull(argv[3], NULL, 10) : UINT64_MAX;
    uint64_t sent = 0, events = 0;
    clock_t began = clock();
    codec_prepare();
    while (round_number < rounds && (double)(clock() - began) / CLOCKS_PER_SEC < seconds) {
        /* Each round by itself, so that one can be repeated alone. */
        random_state = seed * 1000003 + round_number;
        run_round(&world);
        sent += world.sent;
        events += world.events;
        round_number++;
    }
    printf("fuzz_engine: seed %llu, %llu rounds of %d packets, %llu sent, %llu events, clean\n",
           (unsigned long long)seed, (unsigned long long)round_number, STEPS_A_ROUND,
           (unsigned long long)sent, (unsigned long long)events);
    return 0;
}
