/* The engine as Python sees it: shards, the ports they share out, legs by handle.
 *
 * All functions are called by one thread at a time (Python holds its lock). Arguments were checked
 * by the caller, except where a function says that it answers for them.
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "ports.h"
#include "shard.h"

struct engine {
    struct address host;
    int dscp;
    int64_t rest_ns;
    int event_fd;
    uint32_t threads;
    struct shard *shards;
    struct port_pool *pools; /* one a shard */
    struct port_pair *pairs;
    uint32_t pair_count;
    uint64_t random;
    uint64_t next_leg;
    uint64_t next_playback;
};

/* What Python holds of a leg; the memory behind `leg` is the shard's until the close. */
struct handle {
    struct leg *leg;
    struct port_pair *pair;
    struct voice *voice; /* held by `leg`; NULL until it is heard among others */
    struct outlet *outlet; /* held by `leg`; NULL until it has a partner */
    uint32_t shard;
};

struct port_statistics {
    uint64_t packets_received, octets_received, packets_sent, octets_sent;
    uint64_t lost, duplicated, reordered, restarts, loss_runs, late;
    uint64_t digits_received, digits_sent;
    uint64_t datagrams_received, datagrams_sent;
    uint64_t rtcp_received, rtcp_sent, rtcp_malformed;
    uint64_t dropped[DROP_REASONS];
    int64_t first_received_ns, last_received_ns;
    double jitter_ms;
    bool has_remote, has_round_trip;
    int32_t remote_lost;
    double remote_fraction_lost, remote_jitter_ms, round_trip_ms;
};

/* NULL without memory or descriptors. */
struct engine *engine_create(const struct address *host, int first_port, int last_port,
                             uint32_t threads, int64_t rest_ns, size_t tap_bytes, int dscp,
                             uint64_t seed);
bool engine_start(struct engine *engine);
void engine_stop(struct engine *engine);
void engine_destroy(struct engine *engine);

/* `beside` >= 0: on that shard; else on the one with the fewest legs. False: no port. */
bool engine_open(struct engine *engine, int beside, struct handle *handle);
void engine_close(struct engine *engine, struct handle *handle);
void engine_set_codecs(struct engine *engine, const struct handle *handle,
                       const struct codecs *codecs);
/* False when the host is no address or not reachable from the engine's. Port 0: RTP's plus one. */
bool engine_set_remote(struct engine *engine, const struct handle *handle, const char *host,
                       int rtp_port, int rtcp_port);
void engine_set_direction(struct engine *engine, const struct handle *handle, bool send,
                          bool receive);
/* `source` NULL: silence. */
void engine_hear(struct engine *engine, const struct handle *handle, const struct handle *source);
/* At most MAX_MIXED sources, on whichever shards. False: no memory, and nothing has changed. */
bool engine_hear_mix(struct engine *engine, const struct handle *handle,
                     struct handle *const *sources, uint32_t count);
uint64_t engine_play(struct engine *engine, const struct handle *handle, struct prompt *prompt,
                     bool repeat);
void engine_stop_playback(struct engine *engine, const struct handle *handle);
/* At most MAX_DIGITS_TO_SEND characters; lengths in samples. */
void engine_send_digits(struct engine *engine, const struct handle *handle, const char *digits,
                        uint32_t duration, uint32_t gap);
/* Keys of SECURE_KEY_LENGTH, NULL: as it was. False: no memory, or no library. */
bool engine_secure(struct engine *engine, const struct handle *handle, enum suite suite,
                   const uint8_t *send_key, const uint8_t *receive_key);
void engine_unsecure(struct engine *engine, const struct handle *handle);
void engine_set_one_port(struct engine *engine, const struct handle *handle, bool one_port);
/* Their peers exchange datagrams that are no RTP, on whichever shards. False: no memory, and nothing
 * has changed. */
bool engine_pass(struct engine *engine, struct handle *handle, struct handle *partner);
/* It has sound again; its partner is to be told, too. */
void engine_pass_no_more(struct engine *engine, const struct handle *handle);
void engine_tap(struct engine *engine, const struct handle *handle, bool tapped);
void engine_read_statistics(const struct handle *handle, struct port_statistics *statistics);
int64_t engine_last_received(const struct handle *handle);

/* From now on commands wait until engine_kick(). */
void engine_hold_commands(struct engine *engine);
void engine_kick(struct engine *engine);

bool engine_next_event(struct engine *engine, struct engine_event *event);
/* Makes event_fd unreadable until the next event. */
void engine_clear_event_fd(struct engine *engine);
void engine_count_ports(const struct engine *engine, struct port_counts *counts);
void engine_count_losses(const struct engine *engine, uint64_t *stray_packets,
                         uint64_t *events_lost, uint64_t *tap_lost, uint64_t *send_errors);

#endif
