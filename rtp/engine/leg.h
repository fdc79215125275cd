/* A leg: one media port's state, and everything that can happen to it.
 *
 * Owned by one shard, touched by that shard's thread alone; Python reads counters and sends
 * commands. Told what arrived and what time it is; packets and events go out through the core's
 * two functions, so that tests and the fuzzer run the same code without sockets and threads.
 *
 *   leg.c      life, settings          receive.c  a packet comes in
 *   relay.c    a packet goes out       pace.c     prompts, digits, silence and reports by the clock
 *   recode.c   the same in another codec or packet time
 *   passing.c  what is no RTP, from leg to leg
 */
#ifndef ENGINE_LEG_H
#define ENGINE_LEG_H

#include "address.h"
#include "base.h"
#include "codec.h"
#include "digits.h"
#include "latch.h"
#include "mix.h"
#include "noise.h"
#include "passing.h"
#include "playback.h"
#include "recode.h"
#include "rtcp.h"
#include "secure.h"
#include "source.h"
#include "stream.h"
#include "tap.h"
#include "wheel.h"

/* Why a packet was not believed, or not passed on. Named in statistics by DROP_NAMES. */
enum drop {
    DROP_NONE,
    DROP_TOO_SHORT,
    DROP_TOO_LONG,
    DROP_BAD_VERSION,
    DROP_MALFORMED,
    DROP_BAD_PAYLOAD_TYPE,
    DROP_OTHER_SOURCE,
    DROP_DIRECTION,
    DROP_PROBATION,
    DROP_DUPLICATE,
    DROP_EMPTY,
    DROP_DIGIT,         /* the listener did not agree to telephone events */
    DROP_LATE,          /* from before the listener's switch to this source */
    DROP_SEND_FAILED,
    DROP_NOT_AUTHENTIC, /* with the keys that were agreed */
    DROP_REPLAYED,      /* opened before: doubled on its way, or by somebody else */
    DROP_NOT_SEALED,
    DROP_FLOOD, /* more datagrams than are passed on unread */
    DROP_REASONS
};
extern const char *const DROP_NAMES[DROP_REASONS];

enum event_kind {
    EVENT_DIGIT_RECEIVED,
    EVENT_DIGIT_ENDED,
    EVENT_PLAYBACK_ENDED,
    EVENT_MEDIA_STARTED,
    EVENT_SOURCE_CHANGED,
};

struct engine_event {
    enum event_kind kind;
    uint64_t leg;
    uint64_t value; /* an event's timestamp, or the playback's number */
    uint32_t duration_ms;
    char digit;
    bool completed;
    struct address address;
};

/* What was agreed in the session description. */
struct codecs {
    uint8_t send; /* an audio codec */
    uint8_t send_payload_type;
    uint8_t ptime_ms;
    /* Packets of so many samples go to the peer as they come, others are packed anew; `most` 0:
     * however many. */
    uint16_t untouched_least, untouched_most;
    int16_t digit_payload_type;         /* to send; -1: none */
    int16_t comfort_noise_payload_type; /* to send; -1: none */
    uint8_t receive[128];               /* payload type -> enum codec */
};

struct leg;
struct port_pair;

/* What the legs of one shard share. */
struct core {
    void *context;
    void (*send)(void *context, int socket, const uint8_t *data, size_t length,
                 const struct address *to, struct leg *leg);
    void (*report)(void *context, const struct engine_event *event);
    struct tap *tap;
    struct wheel pace;    /* slots of 1 ms: the next frame of a leg that we feed */
    struct wheel digits;  /* slots of 10 ms: presses whose end may be lost */
    struct wheel reports; /* slots of 125 ms: RTCP */
    struct leg *legs;
    int64_t wall_offset; /* since 1970, less the engine's clock */
    uint64_t random;
    char cname[64];
    uint8_t scratch[RTP_HEADER_LENGTH + MAX_PAYLOAD + MAX_SECURE_TRAILER];
    /* Sound on its way through recode.c: in a codec, and what the present packet says. */
    uint8_t octets[MAX_PAYLOAD];
    int16_t samples[MAX_PAYLOAD];
    uint32_t sample_count;
    uint8_t law[MAX_PAYLOAD]; /* the same for the tap and the voice */
};

struct leg {
    /* Touched by each packet; kept together and fetched ahead by leg_prefetch(). */
    uint64_t id;
    struct leg *hears;         /* the one source, or NULL */
    struct leg *listeners;     /* those who hear this leg... */
    struct leg *next_listener; /* ...chained here */
    struct voice *voice;       /* for those who hear it among others; NULL: nobody ever did */
    int rtp_socket, rtcp_socket;
    int direct_socket; /* direct.h; -1: none */
    uint32_t direct_changes, settled;
    struct secure *secure; /* NULL: what comes and goes is plain */
    bool may_send, may_receive, tapped, has_codecs;
    bool says_noise; /* whom it hears is silent, and its peer makes no noise of its own */
    bool has_one_port; /* RTCP goes with RTP (RFC 5761) */
    bool passes;       /* no RTP at all: passing.h */
    uint64_t octets_received;
    int64_t first_received_ns, last_received_ns;
    struct playback playback;
    struct latch latch;
    struct stream stream;
    struct source source;
    struct codecs codecs;
    struct digit_sender sender;

    /* Touched now and then. */
    struct port_pair *pair; /* the shard's */
    struct mix *mix;        /* what it hears when that is not one leg of its shard, or NULL */
    struct noise noise;
    struct passing passing;
    struct recoder *recoder; /* for what its peer cannot take as it comes, or NULL */
    struct digit_decoder digits;
    struct rtcp rtcp;
    struct address rtcp_signalled; /* length 0: the RTP port plus one */
    bool media_started;
    struct wheel_node pace_node, digit_node, report_node;
    int64_t next_frame_ns;
    struct leg *next, **link;
    uint64_t digits_sent;
    uint64_t dropped[DROP_REASONS];
};

/* Always inline: GCC takes a function of nothing but prefetches for one without effect. */
static inline __attribute__((always_inline)) void leg_prefetch(const struct leg *leg) {
    for (size_t at = 0; at < offsetof(struct leg, sender); at += 64)
        __builtin_prefetch((const char *)leg + at);
}

/* Made and filled in before the shard knows it. NULL without memory. */
struct leg *leg_create(uint64_t id, int rtp_socket, int rtcp_socket, uint64_t *random);
void leg_free(struct leg *leg);

void core_init(struct core *core, int64_t now);
void leg_open(struct core *core, struct leg *leg, int64_t now);
/* Says goodbye, unlinks it from those who hear it, frees it. */
void leg_close(struct core *core, struct leg *leg, int64_t now);
void leg_set_codecs(struct core *core, struct leg *leg, const struct codecs *codecs, int64_t now);
void leg_set_remote(struct core *core, struct leg *leg, const struct address *rtp,
                    const struct address *rtcp, int64_t now);
void leg_set_direction(struct core *core, struct leg *leg, bool send, bool receive, int64_t now);
/* Takes over `secure`; NULL: plain from now on. */
void leg_set_secure(struct leg *leg, struct secure *secure);
void leg_hear(struct core *core, struct leg *leg, struct leg *source, int64_t now);
/* Takes over the mix; it is heard in place of what was. */
void leg_hear_mix(struct core *core, struct leg *leg, struct mix *mix, int64_t now);
/* Takes over the caller's hold on the voice: from now on what the leg says is laid out in it. */
void leg_give_voice(struct leg *leg, struct voice *voice);
/* Takes over the caller's hold on the prompt. */
void leg_play(struct core *core, struct leg *leg, struct prompt *prompt, uint64_t id, bool repeat,
              int64_t now);
void leg_stop_playback(struct core *core, struct leg *leg);
void leg_send_digits(struct core *core, struct leg *leg, const char *digits, uint32_t duration,
                     uint32_t gap, int64_t now);

/* receive.c */
void leg_receive(struct core *core, struct leg *leg, uint8_t *data, size_t length,
                 const struct address *from, int64_t now);
void leg_receive_rtcp(struct core *core, struct leg *leg, uint8_t *data, size_t length,
                      const struct address *from, int64_t now);

/* passing.c: takes over the caller's hold on the outlet, by which others pass to this leg. */
void leg_give_outlet(struct leg *leg, struct outlet *outlet);
/* Passes to the partner from now on, whose outlet it takes over; NULL: it has sound again. It must
 * have an outlet of its own, and the partner be told likewise. */
void leg_pass(struct core *core, struct leg *leg, struct outlet *partner, int64_t now);
/* It is over: its partner passes to nobody. */
void leg_part(struct leg *leg);
/* Its peer is to be reached elsewhere. */
void leg_aim_outlet(const struct leg *leg);
void leg_receive_datagram(struct core *core, struct leg *leg, const uint8_t *data, size_t length,
                          const struct address *from, int64_t now);

/* relay.c: from `source` to all who hear it. */
void relay(struct core *core, struct leg *source, const struct rtp_packet *packet,
           const struct place *place, uint8_t codec, int64_t now);
bool leg_can_send(const struct leg *leg);
void leg_transmit(struct core *core, struct leg *leg, const struct outgoing *out,
                  uint8_t payload_type, uint8_t *packet, size_t payload_length);

/* pace.c */
void leg_wake(struct core *core, struct leg *leg, int64_t now);
void leg_start_reports(struct core *core, struct leg *leg, int64_t now);
void leg_watch_digit(struct core *core, struct leg *leg, int64_t now);
void leg_end_playback(struct core *core, struct leg *leg, bool completed);
void leg_say_goodbye(struct core *core, struct leg *leg, int64_t now);
digit_report leg_report_digit;
/* Does all that is due; returns when it wants to be called again. */
int64_t core_run_timers(struct core *core, int64_t now);

/* What digits_receive hands back to leg_report_digit. */
struct digit_context {
    struct core *core;
    struct leg *leg;
};

#endif
