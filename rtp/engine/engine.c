/* The engine's verbs, each a command to the shard that owns the leg. See engine.h. */
#include "engine.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static uint32_t shard_of_pair(const struct engine *engine, uint32_t index) {
    return index % engine->threads;
}

/* In random order, so that the next port cannot be guessed from the last. */
static void share_out(struct engine *engine, int first_port) {
    for (uint32_t i = 0; i < engine->pair_count; i++) {
        struct port_pair *pair = &engine->pairs[i];
        pair->port = (uint16_t)(first_port + 2 * (int)i);
        pair->rtp_socket = pair->rtcp_socket = -1;
    }
    for (uint32_t i = engine->pair_count; i > 1; i--) {
        uint32_t other = (uint32_t)(next_random(&engine->random) % i);
        uint16_t port = engine->pairs[i - 1].port;
        engine->pairs[i - 1].port = engine->pairs[other].port;
        engine->pairs[other].port = port;
    }
    for (uint32_t i = 0; i < engine->pair_count; i++)
        port_list_append(&engine->pools[shard_of_pair(engine, i)].fresh, &engine->pairs[i]);
}

static void *aligned_zeros(size_t count, size_t size) {
    void *memory = NULL;
    if (posix_memalign(&memory, CACHE_LINE, count * size))
        return NULL;
    return memset(memory, 0, count * size);
}

static bool create_parts(struct engine *engine, size_t tap_bytes) {
    char cname[32];
    static const char hex[] = "0123456789abcdef";
    uint64_t name = next_random(&engine->random);
    for (int i = 0; i < 16; i++)
        cname[i] = hex[name >> (4 * i) & 15];
    cname[16] = 0; /* RFC 7022 4.2: random, says nothing of the host */
    engine->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    engine->pairs = calloc(engine->pair_count, sizeof *engine->pairs);
    engine->pools = calloc(engine->threads, sizeof *engine->pools);
    engine->shards = aligned_zeros(engine->threads, sizeof *engine->shards);
    if (engine->event_fd < 0 || !engine->pairs || !engine->pools || !engine->shards)
        return false;
    for (uint32_t i = 0; i < engine->threads; i++)
        engine->shards[i].poll_fd = engine->shards[i].wake_fd = -1;
    for (uint32_t i = 0; i < engine->threads; i++)
        if (!shard_create(&engine->shards[i], engine->event_fd, tap_bytes / engine->threads,
                          next_random(&engine->random), cname))
            return false;
    return true;
}

struct engine *engine_create(const struct address *host, int first_port, int last_port,
                             uint32_t threads, int64_t rest_ns, size_t tap_bytes, int dscp,
                             uint64_t seed) {
    struct engine *engine = calloc(1, sizeof *engine);
    if (!engine)
        return NULL;
    engine->event_fd = -1;
    codec_prepare();
    engine->host = *host;
    engine->dscp = dscp;
    engine->rest_ns = rest_ns;
    engine->random = seed;
    engine->threads = threads;
    engine->pair_count = (uint32_t)(last_port - first_port + 1) / 2;
    if (!create_parts(engine, tap_bytes)) {
        engine_destroy(engine);
        return NULL;
    }
    share_out(engine, first_port);
    return engine;
}

bool engine_start(struct engine *engine) {
    for (uint32_t i = 0; i < engine->threads; i++) {
        ports_prepare(&engine->pools[i], &engine->shards[i], &engine->host, engine->dscp,
                      engine->rest_ns, engine_clock());
        if (!shard_start(&engine->shards[i], (int)i)) {
            engine_stop(engine);
            return false;
        }
    }
    return true;
}

void engine_stop(struct engine *engine) {
    for (uint32_t i = 0; engine->shards && i < engine->threads; i++)
        shard_stop(&engine->shards[i]);
    for (uint32_t i = 0; engine->pairs && i < engine->pair_count; i++)
        ports_close(&engine->pairs[i]);
    if (engine->event_fd >= 0)
        close(engine->event_fd);
    engine->event_fd = -1;
}

void engine_destroy(struct engine *engine) {
    engine_stop(engine);
    for (uint32_t i = 0; engine->shards && i < engine->threads; i++)
        shard_destroy(&engine->shards[i]);
    free(engine->shards);
    free(engine->pools);
    free(engine->pairs);
    free(engine);
}

static struct shard *shard_of(struct engine *engine, const struct handle *handle) {
    return &engine->shards[handle->shard];
}

static void command(struct engine *engine, const struct handle *handle, struct command *command) {
    command->leg = handle->leg;
    shard_command(shard_of(engine, handle), command);
}

static bool open_on(struct engine *engine, uint32_t shard, struct handle *handle) {
    struct port_pool *pool = &engine->pools[shard];
    int64_t now = engine_clock();
    struct port_pair *pair = ports_take(pool, &engine->shards[shard], &engine->host, engine->dscp,
                                        engine->rest_ns, now);
    if (!pair)
        return false;
    struct leg *leg = leg_create(engine->next_leg + 1, pair->rtp_socket, pair->rtcp_socket,
                                 &engine->random);
    if (!leg) {
        ports_give_back(pool, pair, now);
        return false;
    }
    engine->next_leg++;
    *handle = (struct handle){.leg = leg, .pair = pair, .shard = shard};
    command(engine, handle, &(struct command){.kind = COMMAND_OPEN, .pair = pair});
    return true;
}

bool engine_open(struct engine *engine, int beside, struct handle *handle) {
    if (beside >= 0)
        return open_on(engine, (uint32_t)beside, handle);
    uint32_t best = 0;
    for (uint32_t i = 1; i < engine->threads; i++)
        if (engine->pools[i].in_use < engine->pools[best].in_use)
            best = i;
    for (uint32_t i = 0; i < engine->threads; i++)
        if (open_on(engine, (best + i) % engine->threads, handle))
            return true;
    return false;
}

void engine_close(struct engine *engine, struct handle *handle) {
    command(engine, handle, &(struct command){.kind = COMMAND_CLOSE});
    /* The shard reads the close before it could read that the pair has a new leg. */
    ports_give_back(&engine->pools[handle->shard], handle->pair, engine_clock());
    handle->leg = NULL;
    handle->voice = NULL;
    handle->outlet = NULL;
}

void engine_set_codecs(struct engine *engine, const struct handle *handle,
                       const struct codecs *codecs) {
    command(engine, handle, &(struct command){.kind = COMMAND_CODECS, .codecs = *codecs});
}

bool engine_set_remote(struct engine *engine, const struct handle *handle, const char *host,
                       int rtp_port, int rtcp_port) {
    struct command remote = {.kind = COMMAND_REMOTE};
    if (!address_parse(&remote.rtp, host, rtp_port, engine->host.any.sa_family))
        return false;
    if (rtcp_port) {
        remote.rtcp = remote.rtp;
        address_set_port(&remote.rtcp, rtcp_port);
    }
    command(engine, handle, &remote);
    return true;
}

void engine_set_direction(struct engine *engine, const struct handle *handle, bool send,
                          bool receive) {
    command(engine, handle,
            &(struct command){.kind = COMMAND_DIRECTION, .send = send, .receive = receive});
}

void engine_hear(struct engine *engine, const struct handle *handle, const struct handle *source) {
    struct leg *leg = source ? source->leg : NULL;
    command(engine, handle, &(struct command){.kind = COMMAND_HEAR, .source = leg});
}

/* The source's shard is told of the voice before any mix can be heard that has it. */
static bool give_voice(struct engine *engine, struct handle *source) {
    if (source->voice)
        return true;
    source->voice = voice_create();
    if (!source->voice)
        return false;
    command(engine, source, &(struct command){.kind = COMMAND_GIVE_VOICE, .voice = source->voice});
    return true;
}

bool engine_hear_mix(struct engine *engine, const struct handle *handle,
                     struct handle *const *sources, uint32_t count) {
    struct mix *mix = mix_create();
    for (uint32_t i = 0; mix && i < count; i++) {
        if (!give_voice(engine, sources[i])) {
            mix_free(mix);
            return false;
        }
        mix_add(mix, sources[i]->voice);
    }
    if (mix)
        command(engine, handle, &(struct command){.kind = COMMAND_HEAR_MIX, .mix = mix});
    return mix != NULL;
}

uint64_t engine_play(struct engine *engine, const struct handle *handle, struct prompt *prompt,
                     bool repeat) {
    struct command play = {.kind = COMMAND_PLAY,
                           .prompt = prompt,
                           .playback = ++engine->next_playback,
                           .repeat = repeat};
    prompt_hold(prompt);
    command(engine, handle, &play);
    return play.playback;
}

void engine_stop_playback(struct engine *engine, const struct handle *handle) {
    command(engine, handle, &(struct command){.kind = COMMAND_STOP_PLAYBACK});
}

void engine_send_digits(struct engine *engine, const struct handle *handle, const char *digits,
                        uint32_t duration, uint32_t gap) {
    struct command send = {.kind = COMMAND_SEND_DIGITS, .duration = duration, .gap = gap};
    size_t count = strlen(digits);
    memcpy(send.digits, digits, count < MAX_DIGITS_TO_SEND ? count : MAX_DIGITS_TO_SEND);
    command(engine, handle, &send);
}

bool engine_secure(struct engine *engine, const struct handle *handle, enum suite suite,
                   const uint8_t *send_key, const uint8_t *receive_key) {
    struct command fresh = {.kind = COMMAND_SECURE,
                            .secure = secure_create(suite, send_key, receive_key)};
    if (!fresh.secure)
        return false;
    command(engine, handle, &fresh);
    return true;
}

void engine_unsecure(struct engine *engine, const struct handle *handle) {
    command(engine, handle, &(struct command){.kind = COMMAND_SECURE, .secure = NULL});
}

void engine_set_one_port(struct engine *engine, const struct handle *handle, bool one_port) {
    command(engine, handle, &(struct command){.kind = COMMAND_ONE_PORT, .one_port = one_port});
}

/* The leg's shard is told of the outlet before it is told whom to pass to. */
static bool give_outlet(struct engine *engine, struct handle *handle) {
    if (handle->outlet)
        return true;
    handle->outlet = outlet_create(handle->pair->rtp_socket);
    if (!handle->outlet)
        return false;
    command(engine, handle,
            &(struct command){.kind = COMMAND_GIVE_OUTLET, .outlet = handle->outlet});
    return true;
}

static void pass_to(struct engine *engine, const struct handle *handle, struct outlet *outlet) {
    outlet_hold(outlet);
    command(engine, handle, &(struct command){.kind = COMMAND_PASS, .outlet = outlet});
}

bool engine_pass(struct engine *engine, struct handle *handle, struct handle *partner) {
    if (!give_outlet(engine, handle) || !give_outlet(engine, partner))
        return false;
    pass_to(engine, handle, partner->outlet);
    pass_to(engine, partner, handle->outlet);
    return true;
}

void engine_pass_no_more(struct engine *engine, const struct handle *handle) {
    command(engine, handle, &(struct command){.kind = COMMAND_PASS, .outlet = NULL});
}

void engine_tap(struct engine *engine, const struct handle *handle, bool tapped) {
    command(engine, handle, &(struct command){.kind = COMMAND_TAP, .tapped = tapped});
}

static void read_remote(const struct rtcp *rtcp, double rate_ms, struct port_statistics *out) {
    out->rtcp_received = LOAD(rtcp->received);
    out->rtcp_sent = LOAD(rtcp->sent);
    out->rtcp_malformed = LOAD(rtcp->malformed);
    out->has_remote = LOAD(rtcp->has_remote);
    out->remote_lost = LOAD(rtcp->remote_lost);
    out->remote_fraction_lost = LOAD(rtcp->remote_fraction_lost) / 256.0;
    out->remote_jitter_ms = LOAD(rtcp->remote_jitter) / rate_ms;
    out->has_round_trip = LOAD(rtcp->has_round_trip);
    out->round_trip_ms = (double)LOAD(rtcp->round_trip_ns) / (double)NS_PER_MS;
}

void engine_read_statistics(const struct handle *handle, struct port_statistics *out) {
    const struct leg *leg = handle->leg;
    double rate_ms = leg->stream.clock_rate / 1000.0;
    out->packets_received = LOAD(leg->source.received);
    out->octets_received = LOAD(leg->octets_received);
    out->packets_sent = LOAD(leg->stream.packets);
    out->octets_sent = LOAD(leg->stream.octets);
    out->lost = source_lost(&leg->source);
    out->duplicated = LOAD(leg->source.duplicated);
    out->reordered = LOAD(leg->source.reordered);
    out->restarts = LOAD(leg->source.restarts);
    out->loss_runs = LOAD(leg->source.loss_runs);
    out->late = LOAD(leg->source.late);
    out->digits_received = LOAD(leg->digits.received);
    out->digits_sent = LOAD(leg->digits_sent);
    out->datagrams_received = LOAD(leg->passing.received);
    out->datagrams_sent = handle->outlet ? LOAD(handle->outlet->sent) : 0;
    out->first_received_ns = LOAD(leg->first_received_ns);
    out->last_received_ns = LOAD(leg->last_received_ns);
    out->jitter_ms = LOAD(leg->source.jitter) / 16.0 / rate_ms;
    for (int i = 0; i < DROP_REASONS; i++)
        out->dropped[i] = LOAD(leg->dropped[i]);
    read_remote(&leg->rtcp, rate_ms * LOAD(leg->stream.scale), out);
}

int64_t engine_last_received(const struct handle *handle) {
    return LOAD(handle->leg->last_received_ns);
}

void engine_hold_commands(struct engine *engine) {
    for (uint32_t i = 0; i < engine->threads; i++)
        engine->shards[i].holds_commands = true;
}

void engine_kick(struct engine *engine) {
    for (uint32_t i = 0; engine->shards && i < engine->threads; i++)
        shard_kick(&engine->shards[i]);
}

bool engine_next_event(struct engine *engine, struct engine_event *event) {
    for (uint32_t i = 0; i < engine->threads; i++)
        if (event_ring_take(&engine->shards[i].events, event))
            return true;
    return false;
}

void engine_clear_event_fd(struct engine *engine) {
    uint64_t count;
    if (engine->event_fd < 0)
        return;
    ssize_t length = read(engine->event_fd, &count, sizeof count);
    (void)length; /* nothing there is fine */
}

void engine_count_ports(const struct engine *engine, struct port_counts *counts) {
    int64_t now = engine_clock();
    *counts = (struct port_counts){0};
    for (uint32_t i = 0; i < engine->threads; i++)
        ports_count(&engine->pools[i], engine->rest_ns, now, counts);
}

void engine_count_losses(const struct engine *engine, uint64_t *stray_packets,
                         uint64_t *events_lost, uint64_t *tap_lost, uint64_t *send_errors) {
    *stray_packets = *events_lost = *tap_lost = *send_errors = 0;
    for (uint32_t i = 0; i < engine->threads; i++) {
        *stray_packets += LOAD(engine->shards[i].stray_packets);
        *events_lost += LOAD(engine->shards[i].events_lost);
        *tap_lost += LOAD(engine->shards[i].tap.lost);
        *send_errors += LOAD(engine->shards[i].send_errors);
    }
}
