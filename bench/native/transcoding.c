/* What another codec or packet time costs: the engine's core without sockets, on a virtual clock,
 * timed by its thread's CPU time. One leg's peer says sound in packets of 20 ms, another leg hears it.
 *
 *   transcoding FROM TO PTIME_MS SECONDS     (codecs by their payload types: 0, 8, 9, 96)
 *
 * Prints nanoseconds of CPU a packet that comes, and the share of sound that was sent on.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "timed.h"

#define FRAME 160
#define SAID 50

static uint64_t sent;

static void count_sent(void *context, int socket, const uint8_t *data, size_t length,
                       const struct address *to, struct leg *leg) {
    (void)context, (void)data, (void)length, (void)to;
    if (socket == leg->rtp_socket)
        sent += 8u * leg->codecs.ptime_ms;
}

static struct leg *open_leg(struct core *core, uint64_t id, int payload_type, int ptime_ms,
                            const struct address *peer, int64_t now) {
    static const uint8_t by_type[] = {
        [0] = CODEC_PCMU, [8] = CODEC_PCMA, [9] = CODEC_G722, [96] = CODEC_OPUS};
    struct leg *leg = leg_create(id, (int)id * 2, (int)id * 2 + 1, &core->random);
    struct codecs codecs = {.send = by_type[payload_type],
                            .send_payload_type = (uint8_t)payload_type,
                            .ptime_ms = (uint8_t)ptime_ms,
                            .untouched_least = (uint16_t)(8 * ptime_ms),
                            .untouched_most = (uint16_t)(8 * ptime_ms),
                            .digit_payload_type = -1,
                            .comfort_noise_payload_type = -1};
    struct address none = {.length = 0};
    codecs.receive[payload_type] = codecs.send;
    leg_open(core, leg, now);
    leg_set_codecs(core, leg, &codecs, now);
    leg_set_remote(core, leg, peer, &none, now);
    return leg;
}

static void say(struct core *core, struct leg *leg, uint32_t frame, const struct address *from,
                int64_t now) {
    uint8_t data[RTP_HEADER_LENGTH + MAX_PACKET], *rtp = data + RTP_HEADER_LENGTH;
    rtp[0] = 0x80;
    rtp[1] = leg->codecs.send_payload_type;
    write_16(rtp + 2, (uint16_t)frame);
    write_32(rtp + 4, frame * FRAME);
    write_32(rtp + 8, 77);
    size_t length = FRAME;
    for (uint32_t i = 0; i < FRAME; i++)
        rtp[RTP_HEADER_LENGTH + i] = (uint8_t)(frame * 31 + i * i);
    if (leg->codecs.send == CODEC_OPUS) {
        /* Coded beforehand: what it costs to say it is not counted. */
        static uint8_t said[SAID][MAX_PAYLOAD];
        static size_t lengths[SAID];
        static struct opus_encoder *encoder;
        encoder = encoder ? encoder : opus_encoder_new();
        int16_t samples[FRAME];
        for (uint32_t i = 0; frame < SAID && i < FRAME; i++)
            samples[i] = (int16_t)((frame * FRAME + i) * 700 % 8000 - 4000);
        if (frame < SAID)
            lengths[frame] = opus_pack(encoder, samples, FRAME, said[frame], MAX_PAYLOAD);
        length = lengths[frame % SAID];
        memcpy(rtp + RTP_HEADER_LENGTH, said[frame % SAID], length);
        write_32(rtp + 4, frame * FRAME * OPUS_SCALE);
    }
    leg_receive(core, leg, rtp, RTP_HEADER_LENGTH + length, from, now);
}

int main(int argc, char **argv) {
    int from = argc > 4 ? atoi(argv[1]) : -1, to = argc > 4 ? atoi(argv[2]) : -1;
    int ptime_ms = argc > 4 ? atoi(argv[3]) : 0;
    uint32_t frames = argc > 4 ? (uint32_t)(atof(argv[4]) * 50) : 0;
    if (from < 0 || from > 96 || to < 0 || to > 96 || !opus_load() || ptime_ms < 10 || ptime_ms > 60 || frames < 2 * SAID)
        return 2;
    static struct core core;
    static struct tap tap;
    struct address peer;
    int64_t now = 1000 * NS_PER_SECOND;
    codec_prepare();
    core_init(&core, now);
    core.send = count_sent;
    core.report = ignore;
    core.tap = &tap;
    address_parse(&peer, "192.0.2.1", 4000, AF_UNSPEC);
    struct leg *source = open_leg(&core, 1, from, 20, &peer, now);
    struct leg *listener = open_leg(&core, 2, to, ptime_ms, &peer, now);
    leg_hear(&core, listener, source, now);
    int64_t began = 0;
    for (uint32_t frame = 0; frame < frames; frame++) {
        if (frame == SAID) { /* warm */
            began = cpu_ns();
            sent = 0;
        }
        say(&core, source, frame, &peer, now);
        now += 20 * NS_PER_MS; /* no timer runs: what the source itself is sent is not counted */
    }
    int64_t spent = cpu_ns() - began;
    printf("%.1f %.3f\n", (double)spent / (frames - SAID),
           (double)sent / (frames - SAID) / FRAME);
    return 0;
}
