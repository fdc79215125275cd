/* Datagrams that are no RTP, passed on unread between two legs: fax by UDPTL (ITU-T T.38).
 *
 * Two legs, of one shard or of two, are partners while their parties agreed to something else than
 * sound. What comes to one from whom it believes goes out by the other's outlet as it came; neither
 * sends RTP or RTCP, and nothing is tapped. Knows nothing of what is in them.
 */
#ifndef ENGINE_PASSING_H
#define ENGINE_PASSING_H

#include "outlet.h"

/* Fax has a datagram every 10 to 40 ms, a few more with repeats of what was said: what is far beyond
 * is no fax, and nobody's line is to be flooded through us with what we do not read. */
#define MAX_DATAGRAMS_A_SECOND 1000

struct passing {
    struct outlet *outlet;  /* for the partner; NULL: it never had one */
    struct outlet *partner; /* the partner's */
    uint64_t received;
    int64_t second_ns; /* when the present second began */
    uint32_t in_second;
};

#endif
