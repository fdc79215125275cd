/* Symmetric latching: whom a port believes, and where it sends.
 *
 * The first source with valid RTP of an agreed payload type is believed, and answers go back to
 * it; then the latch is locked and all others are refused. Only the address that was signalled
 * may still take over, at its second packet in order. A new remote address unlocks. Knows nothing
 * of the stream's inside.
 */
#ifndef ENGINE_LATCH_H
#define ENGINE_LATCH_H

#include "address.h"
#include "source.h"

/* What the source of before a re-INVITE must send before it is believed again: its last packets
 * may still be on the way while the new one begins. */
#define MIN_LEFT_BEHIND_PACKETS 10

enum latch_verdict {
    LATCH_BELIEVED,
    LATCH_MOVED, /* believed, and it was another or none before */
    LATCH_PROBATION,
    LATCH_OTHER_SOURCE,
    LATCH_UNEXPECTED, /* nobody is believed yet, and this payload type proves nothing */
};

struct latch {
    bool locked;
    bool probing;
    uint16_t probed_sequence;
    uint32_t probed_ssrc;
    uint32_t changes; /* of the destination */
    struct address source;      /* the believed source, while locked */
    struct address destination; /* where to send; length 0: nowhere */
    struct address signalled;
    struct address previous; /* what `source` was before the last move */
    struct address left_behind;
    uint32_t left_behind_packets;
};

/* A remote address out of the SDP; the unspecified address (0.0.0.0) means none. */
void latch_set_remote(struct latch *latch, const struct address *signalled);
enum latch_verdict latch_judge(struct latch *latch, const struct address *from,
                               const struct rtp_packet *packet, bool expected);
/* Of a datagram that says nothing of itself: the first is believed from a host that was signalled
 * or that was believed before, and from then on that address, or the one signalled. */
bool latch_believes(struct latch *latch, const struct address *from);

#endif
