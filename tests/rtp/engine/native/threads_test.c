/* The engine with its threads and sockets, driven as Python drives it: legs that send each other
 * prompts and digits while they are opened, bridged, mixed across threads, read and closed. Built
 * with the thread sanitizer by test_native_core.py.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine.h"

#define THREADS 2
#define CALLS 8
#define ROUNDS 12

static struct tap_entry entries[70000];
static uint8_t sound[1 << 21];

static void require(bool condition, const char *what) {
    if (condition)
        return;
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static void set_up(struct engine *engine, struct handle *own, const struct handle *peer) {
    struct codecs codecs = {.send = CODEC_PCMU,
                            .ptime_ms = 10,
                            .digit_payload_type = 101,
                            .comfort_noise_payload_type = -1};
    codecs.receive[0] = CODEC_PCMU;
    codecs.receive[101] = CODEC_TELEPHONE_EVENT;
    engine_set_codecs(engine, own, &codecs);
    engine_tap(engine, own, true);
    require(engine_set_remote(engine, own, "127.0.0.1", peer->pair->port, 0), "remote");
}

static void read_everything(struct engine *engine, struct handle *legs, int count,
                            uint64_t *tapped) {
    struct port_statistics statistics;
    struct port_counts ports;
    struct engine_event event;
    uint64_t losses[4];
    for (int i = 0; i < count; i++) {
        engine_read_statistics(&legs[i], &statistics);
        (void)engine_last_received(&legs[i]);
    }
    engine_clear_event_fd(engine);
    while (engine_next_event(engine, &event))
        require(event.leg > 0, "event");
    for (uint32_t shard = 0; shard < engine->threads; shard++) {
        uint32_t waiting, octets;
        tap_waiting(&engine->shards[shard].tap, &waiting, &octets);
        tap_take(&engine->shards[shard].tap, waiting, octets, 0, entries, sound);
        *tapped += waiting;
    }
    engine_count_ports(engine, &ports);
    engine_count_losses(engine, &losses[0], &losses[1], &losses[2], &losses[3]);
}

/* Everybody hears everybody, whichever thread they are on. */
static void confer(struct engine *engine, struct handle *legs, int count) {
    struct handle *others[2 * CALLS];
    for (int i = 0; i < count; i++) {
        uint32_t found = 0;
        for (int j = 0; j < count; j++)
            if (j != i)
                others[found++] = &legs[j];
        require(engine_hear_mix(engine, &legs[i], others, found), "mix");
    }
}

static void talk(struct engine *engine, struct prompt *prompt, uint64_t *tapped) {
    struct handle legs[2 * CALLS];
    for (int i = 0; i < 2 * CALLS; i += 2) {
        require(engine_open(engine, -1, &legs[i]), "open");
        require(engine_open(engine, (int)legs[i].shard, &legs[i + 1]), "open beside");
        set_up(engine, &legs[i], &legs[i + 1]);
        set_up(engine, &legs[i + 1], &legs[i]);
        engine_play(engine, &legs[i], prompt, true);
        engine_send_digits(engine, &legs[i + 1], "12", 320, 320);
    }
    for (int turn = 0; turn < 30; turn++) {
        read_everything(engine, legs, 2 * CALLS, tapped);
        usleep(2000);
        for (int i = 0; turn == 15 && i < 2 * CALLS; i += 2)
            engine_hear(engine, &legs[i], &legs[i + 1]);
        if (turn == 5 || turn == 20)
            confer(engine, legs, 2 * CALLS);
    }
    for (int i = 0; i < 2 * CALLS; i++)
        engine_close(engine, &legs[i]);
}

int main(int argc, char **argv) {
    int first_port = argc > 1 ? atoi(argv[1]) : 33000;
    int16_t samples[800] = {0};
    uint64_t tapped = 0;
    struct address host;
    require(address_parse(&host, "127.0.0.1", 0, AF_UNSPEC), "host");
    struct engine *engine =
        engine_create(&host, first_port, first_port + 199, THREADS, 0, 1 << 20, 46, 1);
    require(engine && engine_start(engine), "start");
    struct prompt *prompt = prompt_create(samples, 800);
    for (int round = 0; round < ROUNDS; round++)
        talk(engine, prompt, &tapped);
    prompt_release(prompt);
    engine_destroy(engine);
    require(tapped > 100, "nothing was tapped");
    puts("clean");
    return 0;
}
