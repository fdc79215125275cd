/* What encryption costs: a packet that comes in on one leg and goes out on another, through the
 * engine's core without sockets, timed by its thread's CPU time.
 *
 *   secure SECONDS plain|open|seal|both
 *
 * Prints nanoseconds of CPU a packet. `open`: what comes in is sealed; `seal`: what goes out is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "timed.h"

#define FRAME 160
/* Packets that are sealed ahead, so that the peer's work is not measured. */
#define BATCH 500

struct packet {
    uint8_t room[RTP_HEADER_LENGTH]; /* the engine writes its header into it */
    uint8_t data[RTP_HEADER_LENGTH + FRAME + MAX_SECURE_TRAILER];
    size_t length;
};

static struct packet batch[BATCH];
static uint64_t sent;

static void count_sent(void *context, int socket, const uint8_t *data, size_t length,
                       const struct address *to, struct leg *leg) {
    (void)context, (void)data, (void)length, (void)to;
    sent += socket == leg->rtp_socket && leg->id == 2;
}

static struct leg *open_leg(struct core *core, int number, const struct address *peer) {
    struct leg *leg = leg_create((uint64_t)number, 2 * number, 2 * number + 1, &core->random);
    struct codecs codecs = {.send = CODEC_PCMU,
                            .ptime_ms = 20,
                            .digit_payload_type = 101,
                            .comfort_noise_payload_type = -1};
    struct address none = {.length = 0};
    codecs.receive[0] = CODEC_PCMU;
    leg_open(core, leg, 0);
    leg_set_codecs(core, leg, &codecs, 0);
    leg_set_remote(core, leg, peer, &none, 0);
    return leg;
}

static void prepare(struct secure *peer, uint32_t first) {
    for (uint32_t i = 0; i < BATCH; i++) {
        uint8_t *rtp = batch[i].data;
        memset(rtp, (int)i, RTP_HEADER_LENGTH + FRAME);
        rtp[0] = 0x80;
        rtp[1] = 0;
        write_16(rtp + 2, (uint16_t)(first + i));
        write_32(rtp + 4, (first + i) * FRAME);
        write_32(rtp + 8, 77);
        batch[i].length = RTP_HEADER_LENGTH + FRAME;
        if (peer && !secure_seal(peer, rtp, &batch[i].length))
            abort();
    }
}

int main(int argc, char **argv) {
    static const uint8_t keys[2][SECURE_KEY_LENGTH] = {{1}, {2}};
    if (argc < 3 || !secure_load())
        return 2;
    uint32_t batches = (uint32_t)(atof(argv[1]) * 50 / BATCH) + 1;
    bool opens = !strcmp(argv[2], "open") || !strcmp(argv[2], "both");
    bool seals = !strcmp(argv[2], "seal") || !strcmp(argv[2], "both");
    static struct core core;
    struct address from;
    struct secure *peer = NULL;
    int64_t now = 0, spent = 0;
    codec_prepare();
    core_init(&core, now);
    core.send = count_sent;
    core.report = ignore;
    if (!address_parse(&from, "192.0.2.1", 4000, AF_UNSPEC))
        return 2;
    struct leg *near = open_leg(&core, 1, &from), *far = open_leg(&core, 2, &from);
    leg_hear(&core, far, near, now);
    leg_hear(&core, near, far, now);
    if (opens) {
        leg_set_secure(near, secure_create(0, keys[0], keys[1]));
        peer = secure_create(0, keys[1], keys[0]);
    }
    if (seals)
        leg_set_secure(far, secure_create(0, keys[0], keys[1]));
    for (uint32_t at = 0; at < batches; at++) {
        prepare(peer, at * BATCH);
        int64_t began = cpu_ns();
        for (uint32_t i = 0; i < BATCH; i++) {
            now += 20 * NS_PER_MS;
            leg_receive(&core, near, batch[i].data, batch[i].length, &from, now);
        }
        spent += cpu_ns() - began;
    }
    if (sent != (uint64_t)batches * BATCH)
        return 1;
    printf("%.1f\n", (double)spent / (double)sent);
    secure_free(peer);
    while (core.legs)
        leg_close(&core, core.legs, now);
    return 0;
}
