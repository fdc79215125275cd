/* Gives the engine's core datagrams out of files, and what becomes of them, on ports for sound.
 *
 *   fuzz_packets SEED SECONDS FILE...
 *
 * Each file is one datagram, and also a row of datagrams, each with its length in two octets before
 * it. All of them come as RTP and as RTCP to legs that know their peer, that do not yet, that relay,
 * transcode, mix and are tapped; then variants of them for so many seconds. Looks for what the
 * sanitizers find, for anything sent that is no RTP or RTCP or goes to who never was a peer, and for
 * noise that is believed: a leg must keep to whom it has heard.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "leg.h"

#define LEGS 4
#define MAX_FILES 4096
#define PEER_PORT 4000
#define STRANGER_PORT 6666

static uint64_t random_state;
static uint64_t tried, sent;
static const char *current = "";

#define REQUIRE(condition)                                                                       \
    do {                                                                                         \
        if (!(condition)) {                                                                      \
            fprintf(stderr, "%s, datagram %llu: %s:%d: %s\n", current,                           \
                    (unsigned long long)tried, __FILE__, __LINE__, #condition);                  \
            abort();                                                                             \
        }                                                                                        \
    } while (0)

struct datagram {
    const char *name;
    uint8_t *data;
    size_t length;
};

struct world {
    struct core core;
    struct tap tap;
    struct leg *legs[LEGS];
    struct mix *mix;
    int64_t now;
};

static uint32_t chance(uint32_t of) { return (uint32_t)(next_random(&random_state) % of); }

static struct address at(const char *host, int port) {
    struct address address;
    REQUIRE(address_parse(&address, host, port, AF_UNSPEC));
    return address;
}

/* A stranger may be taken for the peer of a leg that has heard nobody yet, never of one that has. */
static void check_sent(void *context, int socket, const uint8_t *data, size_t length,
                       const struct address *to, struct leg *leg) {
    struct address stranger = at("192.0.2.66", STRANGER_PORT);
    (void)context;
    REQUIRE(length >= 8 && length <= RTP_HEADER_LENGTH + MAX_PAYLOAD);
    REQUIRE(data[0] >> 6 == 2);
    REQUIRE(socket == leg->rtp_socket || length % 4 == 0);
    REQUIRE(leg->id != 1 || !address_equal(to, &stranger));
    sent++;
}

static void ignore_event(void *context, const struct engine_event *event) {
    (void)context;
    (void)event;
}

static void open_leg(struct world *world, int place, enum codec codec) {
    struct codecs codecs = {.send = codec,
                            .send_payload_type = codec == CODEC_PCMU ? 0 : 8,
                            .ptime_ms = 20,
                            .digit_payload_type = 101,
                            .comfort_noise_payload_type = 13};
    struct address rtp = at("192.0.2.1", PEER_PORT), rtcp = {.length = 0};
    struct leg *leg = leg_create((uint64_t)place + 1, 2 * place, 2 * place + 1, &random_state);
    codecs.receive[0] = CODEC_PCMU;
    codecs.receive[8] = CODEC_PCMA;
    codecs.receive[13] = CODEC_COMFORT_NOISE;
    codecs.receive[101] = CODEC_TELEPHONE_EVENT;
    leg->tapped = place & 1;
    world->legs[place] = leg;
    leg_open(&world->core, leg, world->now);
    leg_set_codecs(&world->core, leg, &codecs, world->now);
    leg_set_remote(&world->core, leg, &rtp, &rtcp, world->now);
    leg_set_direction(&world->core, leg, true, true, world->now);
}

static void receive(struct world *world, int place, const uint8_t *data, size_t length, bool rtcp,
                    const struct address *from) {
    /* Exactly as long as the datagram, so that a read beyond it is found. */
    uint8_t *room = malloc(RTP_HEADER_LENGTH + length + (length == 0));
    struct leg *leg = world->legs[place];
    if (length)
        memcpy(room + RTP_HEADER_LENGTH, data, length);
    if (rtcp)
        leg_receive_rtcp(&world->core, leg, room + RTP_HEADER_LENGTH, length, from, world->now);
    else
        leg_receive(&world->core, leg, room + RTP_HEADER_LENGTH, length, from, world->now);
    free(room);
    tried++;
}

/* Legs 1 and 2 relay to each other, 3 hears both, 4 has heard nobody; 1 has heard its peer. */
static void open_world(struct world *world) {
    static const uint8_t voice[172] = {0x80, 0, 0, 1, 0, 0, 0, 160, 0, 0, 0, 7};
    struct address peer = at("192.0.2.1", PEER_PORT);
    memset(world, 0, sizeof *world);
    world->now = 1000 * NS_PER_SECOND;
    core_init(&world->core, world->now);
    REQUIRE(tap_create(&world->tap, 1 << 16));
    world->core.context = world;
    world->core.send = check_sent;
    world->core.report = ignore_event;
    world->core.tap = &world->tap;
    world->core.random = next_random(&random_state);
    world->core.wall_offset = INT64_C(1700000000) * NS_PER_SECOND;
    strcpy(world->core.cname, "fuzz");
    for (int place = 0; place < LEGS; place++)
        open_leg(world, place, place & 1 ? CODEC_PCMA : CODEC_PCMU);
    leg_hear(&world->core, world->legs[0], world->legs[1], world->now);
    leg_hear(&world->core, world->legs[1], world->legs[0], world->now);
    world->mix = mix_create();
    for (int place = 0; place < 2; place++) {
        leg_give_voice(world->legs[place], voice_create());
        mix_add(world->mix, world->legs[place]->voice);
    }
    leg_hear_mix(&world->core, world->legs[2], world->mix, world->now);
    for (int i = 0; i < 3; i++) {
        uint8_t packet[sizeof voice];
        memcpy(packet, voice, sizeof voice);
        packet[3] = (uint8_t)(i + 1);
        packet[7] = (uint8_t)(160 * i);
        packet[6] = (uint8_t)(160 * i >> 8);
        receive(world, 0, packet, sizeof packet, false, &peer);
        world->now += 20 * NS_PER_MS;
    }
}

static void close_world(struct world *world) {
    while (world->core.legs)
        leg_close(&world->core, world->core.legs, world->now);
    tap_destroy(&world->tap);
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

static void give(struct world *world, const uint8_t *data, size_t length) {
    struct address peer = at("192.0.2.1", PEER_PORT), stranger = at("192.0.2.66", STRANGER_PORT);
    if (length > MAX_PACKET)
        length = MAX_PACKET;
    for (int place = 0; place < LEGS; place++)
        for (int rtcp = 0; rtcp < 2; rtcp++) {
            receive(world, place, data, length, rtcp, &stranger);
            receive(world, place, data, length, rtcp, &peer);
        }
    world->now += 20 * NS_PER_MS;
    core_run_timers(&world->core, world->now);
    drain(world);
}

static void give_row(struct world *world, const uint8_t *data, size_t length) {
    while (length > 2) {
        size_t one = (size_t)(data[0] << 8 | data[1]);
        one = one < length - 2 ? one : length - 2;
        give(world, data + 2, one);
        data += 2 + one;
        length -= 2 + one;
    }
}

static void try_one(const uint8_t *data, size_t length) {
    static struct world world;
    open_world(&world);
    give(&world, data, length);
    give_row(&world, data, length);
    close_world(&world);
}

static size_t change(uint8_t *data, size_t length, size_t room) {
    for (uint32_t i = 1 + chance(4); i; i--) {
        size_t place = length ? chance((uint32_t)length) : 0, end;
        switch (chance(4)) {
        case 0:
            if (length)
                data[place] ^= (uint8_t)(1u << chance(8));
            break;
        case 1:
            if (length)
                data[place] = (uint8_t)next_random(&random_state);
            break;
        case 2:
            end = place + 1 + chance(40);
            if (end < length) {
                memmove(data + place, data + end, length - end);
                length -= end - place;
            }
            break;
        default:
            if (length + 4 <= room) {
                memmove(data + place + 4, data + place, length - place);
                write_32(data + place, (uint32_t)next_random(&random_state));
                length += 4;
            }
        }
    }
    return length;
}

static struct datagram read_file(const char *name) {
    struct datagram read = {.name = name, .data = malloc(1 << 16)};
    FILE *file = fopen(name, "rb");
    if (!file) {
        fprintf(stderr, "%s cannot be read\n", name);
        exit(2);
    }
    read.length = fread(read.data, 1, 1 << 16, file);
    fclose(file);
    return read;
}

int main(int argc, char **argv) {
    static struct datagram files[MAX_FILES];
    int count = 0;
    if (argc < 4)
        return 2;
    random_state = strtoull(argv[1], NULL, 10);
    double seconds = atof(argv[2]);
    codec_prepare();
    for (int i = 3; i < argc && count < MAX_FILES; i++)
        files[count++] = read_file(argv[i]);
    for (int i = 0; i < count; i++) {
        current = files[i].name;
        try_one(files[i].data, files[i].length);
    }
    clock_t began = clock();
    while ((double)(clock() - began) / CLOCKS_PER_SEC < seconds) {
        static uint8_t variant[1 << 16];
        const struct datagram *file = &files[chance((uint32_t)count)];
        current = file->name;
        memcpy(variant, file->data, file->length);
        try_one(variant, change(variant, file->length, sizeof variant));
    }
    printf("fuzz_packets: seed %s, %d files, %llu datagrams, %llu sent, clean\n", argv[1], count,
           (unsigned long long)tried, (unsigned long long)sent);
    for (int i = 0; i < count; i++)
        free(files[i].data);
    return 0;
}
