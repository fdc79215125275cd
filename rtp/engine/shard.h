/* A shard: one thread that owns a set of legs and their sockets, and never waits for Python.
 *
 * Python writes commands into a ring and wakes the thread only when it sleeps; events and tapped
 * sound come back through rings. A command written before a packet was sent to us is obeyed
 * before that packet is read.
 */
#ifndef ENGINE_SHARD_H
#define ENGINE_SHARD_H

#include <pthread.h>

#include "leg.h"
#include "ring.h"

/* Packets read between two looks at the clock wheels and the commands. */
#define EVENTS_A_BATCH 64
/* Python waits for the thread beyond this; it takes them all in one turn. */
#define COMMAND_RING 2048
/* Beyond, events are lost and counted; the last quarter is kept for what is not a digit, because
 * digits are what a peer can send at will. */
#define EVENT_RING 8192

enum command_kind {
    COMMAND_OPEN,
    COMMAND_CLOSE,
    COMMAND_CODECS,
    COMMAND_REMOTE,
    COMMAND_DIRECTION,
    COMMAND_HEAR,
    COMMAND_HEAR_MIX,
    COMMAND_GIVE_VOICE,
    COMMAND_PLAY,
    COMMAND_STOP_PLAYBACK,
    COMMAND_SEND_DIGITS,
    COMMAND_TAP,
    COMMAND_SECURE,
    COMMAND_ONE_PORT,
    COMMAND_GIVE_OUTLET,
    COMMAND_PASS,
};

struct port_pair;

struct command {
    enum command_kind kind;
    struct leg *leg;
    union {
        struct port_pair *pair;
        struct codecs codecs;
        struct {
            struct address rtp, rtcp;
        };
        struct {
            bool send, receive;
        };
        struct leg *source;
        struct mix *mix;
        struct voice *voice;
        struct outlet *outlet;
        struct {
            struct prompt *prompt;
            uint64_t playback;
            bool repeat;
        };
        struct {
            char digits[MAX_DIGITS_TO_SEND + 1];
            uint32_t duration, gap;
        };
        bool tapped;
        struct secure *secure;
        bool one_port;
    };
};

RING(command_ring, struct command)
RING(event_ring, struct engine_event)

struct shard {
    struct core core;
    struct tap tap;
    struct command_ring commands;
    struct event_ring events;
    int poll_fd;
    int wake_fd;
    int event_fd; /* the engine's, shared by its shards */
    bool events_put;
    bool running;
    bool has_precise_wait;
    bool holds_commands; /* commands wait for shard_kick(); of the commanding thread */
    bool kick_due;
    _Alignas(CACHE_LINE) int sleeping;
    _Alignas(CACHE_LINE) int stopping;
    pthread_t thread;
    uint64_t stray_packets;
    uint64_t events_lost;
    uint64_t send_errors;
    uint8_t buffer[RTP_HEADER_LENGTH + MAX_PACKET];
};

bool shard_create(struct shard *shard, int event_fd, size_t tap_bytes, uint64_t seed,
                  const char *cname);
bool shard_start(struct shard *shard, int number);
/* Joins the thread, closes its descriptors, frees legs and unread commands. Safe on a shard that
 * never started. */
void shard_stop(struct shard *shard);
void shard_destroy(struct shard *shard);
/* From Python, one thread at a time. Waits only while the ring is full. */
void shard_command(struct shard *shard, const struct command *command);
/* Has the thread look at commands that were held. */
void shard_kick(struct shard *shard);
bool shard_watch(struct shard *shard, struct port_pair *pair);

int64_t engine_clock(void);

#endif
