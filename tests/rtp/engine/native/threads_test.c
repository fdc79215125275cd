/* The engine with its threads and sockets, driven as Python drives it: legs that send each other
 * prompts and digits while they are opened, bridged, mixed across threads, read and closed, and
 * datagrams passed on across threads. Built with the thread sanitizer by test_native_core.py.
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

/* A peer of a leg: its socket, and where it is. */
static int open_peer(struct address *own) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    require(address_parse(own, "127.0.0.1", 0, AF_UNSPEC), "address");
    require(fd >= 0 && bind(fd, &own->any, own->length) == 0, "peer");
    require(getsockname(fd, &own->any, &own->length) == 0, "name");
    return fd;
}

static void send_to(int fd, const struct handle *leg, int count) {
    struct address to;
    require(address_parse(&to, "127.0.0.1", leg->pair->port, AF_UNSPEC), "address");
    for (int i = 0; i < count; i++)
        (void)!sendto(fd, "fax", 3, 0, &to.any, to.length);
}

static int take_all(int fd) {
    char data[16];
    int count = 0;
    while (recv(fd, data, sizeof data, 0) == 3)
        count++;
    return count;
}

/* Datagrams both ways between threads, while peers move and partners change and leave. */
static void pass_across(struct engine *engine) {
    struct handle legs[3];
    struct address own[3];
    struct port_statistics statistics;
    int peers[3], taken = 0;
    for (int i = 0; i < 3; i++) {
        require(engine_open(engine, i % THREADS, &legs[i]), "open");
        peers[i] = open_peer(&own[i]);
        require(engine_set_remote(engine, &legs[i], "127.0.0.1", address_port(&own[i]), 0),
                "remote");
    }
    for (int turn = 0; turn < 40; turn++) {
        struct handle *partner = &legs[turn % 8 < 5 ? 1 : 2];
        if (turn % 8 == 0 || turn % 8 == 5)
            require(engine_pass(engine, &legs[0], partner), "pass");
        for (int i = 0; i < 3; i++) {
            send_to(peers[i], &legs[i], 5);
            int port = address_port(&own[turn % 3 ? i : (i + 1) % 3]);
            require(engine_set_remote(engine, &legs[i], "127.0.0.1", port, 0), "remote");
            engine_read_statistics(&legs[i], &statistics);
        }
        if (turn % 16 == 7)
            engine_pass_no_more(engine, &legs[0]);
        usleep(2000);
        for (int i = 0; i < 3; i++)
            taken += take_all(peers[i]);
    }
    require(taken > 100, "few datagrams came through");
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 3; j++)
            send_to(peers[j], &legs[j], 2);
        engine_close(engine, &legs[i]);
    }
    for (int i = 0; i < 3; i++)
        close(peers[i]);
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
    for (int round = 0; round < ROUNDS; round++)
        pass_across(engine);
    prompt_release(prompt);
    engine_destroy(engine);
    require(tapped > 100, "nothing was tapped");
    puts("clean");
    return 0;
}
