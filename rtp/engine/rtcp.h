/* RTCP: sender and receiver reports with a CNAME out, reports of the peer in (RFC 3550 section 6).
 *
 * Builds and reads packets; when to send is decided by the leg. Sends nothing itself.
 */
#ifndef ENGINE_RTCP_H
#define ENGINE_RTCP_H

#include "base.h"
#include "source.h"
#include "stream.h"

/* SR with one block, SDES with a CNAME of at most 255, BYE. */
#define MAX_RTCP_LENGTH 400
/* RFC 3550 6.2: "a fixed minimum interval of 5 seconds". */
#define RTCP_INTERVAL_NS (5 * NS_PER_SECOND)

struct rtcp {
    /* Out of the peer's reports. */
    uint32_t report_middle; /* the middle 32 bits of its last SR's NTP time; 0: none yet */
    int64_t report_arrival;
    bool has_remote;        /* the fields below are known */
    uint8_t remote_fraction_lost;
    int32_t remote_lost;
    uint32_t remote_jitter; /* timestamp units */
    bool has_round_trip;
    int64_t round_trip_ns;
    uint64_t packets_at_report; /* sent when our last report went out */
    uint64_t received, malformed, sent;
};

/* The interval to the next report: halved at first, random, compensated (6.3.1). */
int64_t rtcp_interval(bool first, uint64_t *random);
/* One compound packet; returns its length. `wall_ns`: time since 1970, `now`: the engine's. */
size_t rtcp_write(struct rtcp *rtcp, struct source *source, const struct stream *stream,
                  const char *cname, bool bye, int64_t wall_ns, int64_t now, uint8_t *out);
/* False when it is malformed. */
bool rtcp_receive(struct rtcp *rtcp, const struct stream *stream, const uint8_t *data,
                  size_t length, int64_t wall_ns, int64_t now);

#endif
