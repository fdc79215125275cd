/* The engine's core on a virtual clock: what it sends and reports is kept for the test to look at.
 * No sockets, no threads.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "leg.h"

#define MAX_KEPT 20000

#define CHECK(condition)                                                                         \
    do {                                                                                         \
        if (!(condition)) {                                                                      \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                      \
            exit(1);                                                                             \
        }                                                                                        \
    } while (0)

#define CHECK_EQUAL(is, want)                                                                    \
    do {                                                                                         \
        long long is_ = (long long)(is), want_ = (long long)(want);                              \
        if (is_ != want_) {                                                                      \
            fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #is, is_,       \
                    want_);                                                                      \
            exit(1);                                                                             \
        }                                                                                        \
    } while (0)

struct test {
    const char *name;
    void (*run)(void);
};

#define TEST(name) {#name, name}

/* Runs the test of this name, or says the names of all; a status for main. */
static inline int run_one(const struct test *tests, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++) {
        if (!name)
            puts(tests[i].name);
        else if (strcmp(name, tests[i].name) == 0) {
            tests[i].run();
            return 0;
        }
    }
    return name ? 2 : 0;
}

struct sent {
    int64_t at;
    int socket;
    struct address to;
    bool marker;
    uint8_t payload_type;
    uint16_t sequence;
    uint32_t timestamp, ssrc;
    uint8_t payload[MAX_PAYLOAD];
    size_t length; /* of the payload; of all for RTCP */
};

struct stage {
    struct core core;
    struct tap tap;
    int64_t now;
    uint64_t random;
    uint64_t legs;
    struct sent *sent;
    int sent_count;
    struct engine_event events[MAX_KEPT];
    int event_count;
};

static inline void keep_sent(void *context, int socket, const uint8_t *data, size_t length,
                             const struct address *to, struct leg *leg) {
    struct stage *stage = context;
    (void)leg;
    CHECK(stage->sent_count < MAX_KEPT);
    CHECK(length <= RTP_HEADER_LENGTH + MAX_PAYLOAD);
    struct sent *sent = &stage->sent[stage->sent_count++];
    *sent = (struct sent){.at = stage->now, .socket = socket, .to = *to};
    if (socket % 2) { /* odd: RTCP */
        memcpy(sent->payload, data, length);
        sent->length = length;
        return;
    }
    sent->marker = data[1] >> 7;
    sent->payload_type = data[1] & 127;
    sent->sequence = read_16(data + 2);
    sent->timestamp = read_32(data + 4);
    sent->ssrc = read_32(data + 8);
    sent->length = length - RTP_HEADER_LENGTH;
    memcpy(sent->payload, data + RTP_HEADER_LENGTH, sent->length);
}

static inline void keep_event(void *context, const struct engine_event *event) {
    struct stage *stage = context;
    CHECK(stage->event_count < MAX_KEPT);
    stage->events[stage->event_count++] = *event;
}

static inline struct stage *raise_curtain(void) {
    struct stage *stage = calloc(1, sizeof *stage);
    stage->sent = calloc(MAX_KEPT, sizeof *stage->sent);
    stage->now = 1000 * NS_PER_SECOND;
    stage->random = 42;
    codec_prepare();
    core_init(&stage->core, stage->now);
    CHECK(tap_create(&stage->tap, 1 << 20));
    stage->core.context = stage;
    stage->core.send = keep_sent;
    stage->core.report = keep_event;
    stage->core.tap = &stage->tap;
    stage->core.random = 7;
    stage->core.wall_offset = INT64_C(1700000000) * NS_PER_SECOND - stage->now;
    strcpy(stage->core.cname, "0123456789abcdef");
    return stage;
}

static inline void drop_curtain(struct stage *stage) {
    while (stage->core.legs)
        leg_close(&stage->core, stage->core.legs, stage->now);
    tap_destroy(&stage->tap);
    free(stage->sent);
    free(stage);
}

static inline struct address address_of(const char *host, int port) {
    struct address address;
    CHECK(address_parse(&address, host, port, AF_UNSPEC));
    return address;
}

static inline struct codecs codecs_of(uint8_t send, uint8_t payload_type) {
    struct codecs codecs = {.send = send,
                            .send_payload_type = payload_type,
                            .ptime_ms = 20,
                            .digit_payload_type = 101,
                            .comfort_noise_payload_type = 13};
    codecs.receive[payload_type] = send;
    codecs.receive[101] = CODEC_TELEPHONE_EVENT;
    codecs.receive[13] = CODEC_COMFORT_NOISE;
    return codecs;
}

/* A leg whose peer is 192.0.2.<number>:4000; it agreed to one codec, digits and comfort noise. */
static inline struct leg *new_leg(struct stage *stage, uint8_t codec, uint8_t payload_type) {
    uint64_t id = ++stage->legs;
    struct leg *leg = leg_create(id, (int)(2 * id), (int)(2 * id + 1), &stage->random);
    struct codecs codecs = codecs_of(codec, payload_type);
    char host[32];
    snprintf(host, sizeof host, "192.0.2.%d", (int)id);
    struct address remote = address_of(host, 4000), none = {.length = 0};
    leg_open(&stage->core, leg, stage->now);
    leg_set_codecs(&stage->core, leg, &codecs, stage->now);
    leg_set_remote(&stage->core, leg, &remote, &none, stage->now);
    return leg;
}

/* Lets time pass in steps of a millisecond. */
static inline void pass(struct stage *stage, int ms) {
    for (int i = 0; i < ms; i++) {
        stage->now += NS_PER_MS;
        core_run_timers(&stage->core, stage->now);
    }
}

struct packet_of {
    const char *host;
    int port;
    uint8_t payload_type;
    bool marker;
    uint16_t sequence;
    uint32_t timestamp, ssrc;
    const uint8_t *payload;
    size_t length;
    uint8_t fill; /* of 160 octets, without a payload */
};

/* A packet arrives now; from the leg's own peer unless a host is given. */
static inline void arrive(struct stage *stage, struct leg *leg, struct packet_of packet) {
    uint8_t data[RTP_HEADER_LENGTH + MAX_PACKET] = {0}, *rtp = data + RTP_HEADER_LENGTH;
    char host[32];
    snprintf(host, sizeof host, "192.0.2.%d", (int)leg->id);
    struct address from =
        address_of(packet.host ? packet.host : host, packet.port ? packet.port : 4000);
    size_t length = packet.payload ? packet.length : 160;
    rtp[0] = 0x80;
    rtp[1] = (uint8_t)(packet.payload_type | (packet.marker ? 0x80 : 0));
    write_16(rtp + 2, packet.sequence);
    write_32(rtp + 4, packet.timestamp);
    write_32(rtp + 8, packet.ssrc ? packet.ssrc : 0x1000 + (uint32_t)leg->id);
    if (packet.payload)
        memcpy(rtp + RTP_HEADER_LENGTH, packet.payload, length);
    else
        memset(rtp + RTP_HEADER_LENGTH, packet.fill, length);
    leg_receive(&stage->core, leg, rtp, RTP_HEADER_LENGTH + length, &from, stage->now);
}

/* What was sent to that leg's peer as RTP since place `*at`; NULL when no more. */
static inline const struct sent *next_sent(const struct stage *stage, const struct leg *leg,
                                           int *at) {
    while (*at < stage->sent_count) {
        const struct sent *sent = &stage->sent[(*at)++];
        if (sent->socket == leg->rtp_socket)
            return sent;
    }
    return NULL;
}

static inline int count_events(const struct stage *stage, enum event_kind kind) {
    int count = 0;
    for (int i = 0; i < stage->event_count; i++)
        count += stage->events[i].kind == kind;
    return count;
}

#endif
