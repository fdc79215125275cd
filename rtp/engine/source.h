/* What arrives from one peer, put on one timeline: RFC 3550 appendices A.1, A.3 and A.8.
 *
 * Sequence numbers and timestamps come out extended to 64 bits and continuous, even where the
 * peer begins anew with another SSRC: then the sequence goes on by one and the timestamp by the
 * wall clock. Knows no addresses, no payloads.
 */
#ifndef ENGINE_SOURCE_H
#define ENGINE_SOURCE_H

#include "base.h"

/* RFC 3550 A.1 gives these two values. */
#define MAX_DROPOUT 3000
#define MAX_MISORDER 100

struct rtp_packet {
    bool marker;
    uint8_t payload_type;
    uint16_t sequence;
    uint32_t timestamp;
    uint32_t ssrc;
    uint8_t *payload;
    uint32_t length; /* of the payload */
};

enum verdict {
    VERDICT_NEXT,      /* newer than all before */
    VERDICT_LATE,      /* out of order, seen for the first time */
    VERDICT_DUPLICATE, /* seen before */
    VERDICT_PROBATION, /* perhaps a source that begins anew; believed at its second packet */
};

/* A packet's place on the timeline. */
struct place {
    enum verdict verdict;
    uint64_t sequence;
    uint64_t timestamp;
    uint32_t lost_before; /* packets missing right before this one, when it is the next */
    bool restarted;       /* the first packet after the source began anew */
};

struct source {
    bool started;
    bool trust_next; /* the next packet begins anew without probation: its address was judged */
    bool probing;
    uint16_t probed_sequence; /* what the second packet in order must carry */
    uint32_t probed_ssrc;

    uint32_t ssrc;
    uint16_t max_sequence; /* as on the wire */
    uint32_t cycles;
    uint32_t last_timestamp; /* as on the wire, of the newest packet that carries the clock */
    int64_t last_arrival;
    uint64_t sequence; /* extended, of the newest packet */
    uint64_t timestamp;
    uint64_t first_sequence;
    uint64_t seen[2]; /* bit n: sequence - n was received; covers MAX_MISORDER */

    uint64_t received; /* each packet once */
    uint64_t duplicated;
    uint64_t reordered;
    uint64_t restarts;
    uint64_t loss_runs; /* stretches of missing packets, each however long */
    uint64_t late;      /* came, but later than a jitter buffer waits */

    bool has_transit;
    uint32_t transit;
    uint32_t least_transit; /* of packets that are not late; follows a delay that stays */
    uint32_t jitter; /* A.8: sixteen times the estimate, in timestamp units */

    /* For reports on the present SSRC (A.3). */
    uint64_t epoch_first;
    uint64_t epoch_received;
    uint64_t expected_prior;
    uint64_t received_prior;
};

/* `clocked`: the timestamp tells when the packet was sampled (audio), not when an event began. */
struct place source_receive(struct source *source, const struct rtp_packet *packet, bool clocked,
                            uint32_t clock_rate, int64_t now);
/* Packets that never came, over all restarts; never negative. */
uint64_t source_lost(const struct source *source);

#endif
