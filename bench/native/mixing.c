/* What it costs to hear: the engine's core without sockets, on a virtual clock, timed by its thread's
 * CPU time. Each leg's peer says 20 ms of sound, each leg's peer is sent 20 ms.
 *
 *   mixing LEGS SECONDS relay|mix
 *
 * Prints nanoseconds of CPU a leg and frame. `relay`: legs in pairs; `mix`: all hear all others.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "timed.h"

#define MAX_LEGS 1000
#define FRAME 160

static uint64_t sent;
static struct leg *legs[MAX_LEGS];

static void count_sent(void *context, int socket, const uint8_t *data, size_t length,
                       const struct address *to, struct leg *leg) {
    (void)context, (void)data, (void)length, (void)to;
    sent += socket == leg->rtp_socket;
}

static struct leg *open_leg(struct core *core, int place, int64_t now, struct address *peer) {
    struct leg *leg = leg_create((uint64_t)place + 1, 2 * place + 2, 2 * place + 3, &core->random);
    struct codecs codecs = {.send = CODEC_PCMU,
                            .ptime_ms = 20,
                            .digit_payload_type = 101,
                            .comfort_noise_payload_type = -1};
    struct address none = {.length = 0};
    codecs.receive[0] = CODEC_PCMU;
    leg_open(core, leg, now);
    leg_set_codecs(core, leg, &codecs, now);
    leg_set_remote(core, leg, peer, &none, now);
    return leg;
}

static void confer(struct core *core, int count, int64_t now) {
    for (int i = 0; i < count; i++)
        leg_give_voice(legs[i], voice_create());
    for (int i = 0; i < count; i++) {
        struct mix *mix = mix_create();
        for (int j = 0; j < count; j++)
            if (j != i)
                mix_add(mix, legs[j]->voice);
        leg_hear_mix(core, legs[i], mix, now);
    }
}

static void say(struct core *core, int place, uint32_t frame, const struct address *from,
                int64_t now) {
    uint8_t data[RTP_HEADER_LENGTH + MAX_PACKET], *rtp = data + RTP_HEADER_LENGTH;
    rtp[0] = 0x80;
    rtp[1] = 0;
    write_16(rtp + 2, (uint16_t)frame);
    write_32(rtp + 4, frame * FRAME);
    write_32(rtp + 8, (uint32_t)place + 77);
    for (int i = 0; i < FRAME; i++)
        rtp[RTP_HEADER_LENGTH + i] = (uint8_t)(frame * 31 + (uint32_t)(i * place));
    leg_receive(core, legs[place], rtp, RTP_HEADER_LENGTH + FRAME, from, now);
}

int main(int argc, char **argv) {
    int count = argc > 3 ? atoi(argv[1]) : 0;
    uint32_t frames = argc > 3 ? (uint32_t)(atof(argv[2]) * 50) : 0;
    if (count < 2 || count > MAX_LEGS || frames < 50)
        return 2;
    static struct core core;
    static struct tap tap;
    struct address peer;
    int64_t now = 1000 * NS_PER_SECOND, began = 0;
    codec_prepare();
    core_init(&core, now);
    core.send = count_sent;
    core.report = ignore;
    core.tap = &tap;
    address_parse(&peer, "192.0.2.1", 4000, AF_UNSPEC);
    for (int i = 0; i < count; i++)
        legs[i] = open_leg(&core, i, now, &peer);
    if (!strcmp(argv[3], "mix"))
        confer(&core, count, now);
    else
        for (int i = 0; i + 1 < count; i += 2) {
            leg_hear(&core, legs[i], legs[i + 1], now);
            leg_hear(&core, legs[i + 1], legs[i], now);
        }
    for (uint32_t frame = 0; frame < frames; frame++) {
        if (frame == frames / 10) { /* warm */
            began = cpu_ns();
            sent = 0;
        }
        for (int i = 0; i < count; i++)
            say(&core, i, frame, &peer, now);
        now += 20 * NS_PER_MS;
        core_run_timers(&core, now);
    }
    int64_t spent = cpu_ns() - began;
    printf("%.1f %.3f\n", (double)spent / (double)sent,
           (double)sent / (double)count / (frames - frames / 10.0));
    return 0;
}
