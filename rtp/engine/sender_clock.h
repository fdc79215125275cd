/* When a sample was heard, by our clock: the sender's timeline laid along its least delayed packets.
 *
 * Arrival times shake with the network's delay, the sender's clock does not, but runs a little
 * faster or slower than ours. What is told follows slowly, so that it is as steady as that clock;
 * only a jump of the clock or of the way moves it at once. Owns no clock.
 */
#ifndef ENGINE_SENDER_CLOCK_H
#define ENGINE_SENDER_CLOCK_H

#include "base.h"

/* RFC 3551 4.5.14, RFC 4733: all that is heard here runs at 8,000 Hz. */
#define NS_PER_SAMPLE INT64_C(125000)
/* The least delay of so many stretches counts: long enough to hold an undelayed packet, short
 * enough to follow a clock that runs off by 100 millionths within 0.6 ms. */
#define DELAY_STRETCHES 3
#define DELAY_STRETCH_NS (2 * NS_PER_SECOND)

struct sender_clock {
    bool started;
    uint8_t stretch;
    int64_t offset; /* our time of the timeline's zero, as told */
    int64_t least[DELAY_STRETCHES];
    int64_t stretch_ends;
    int64_t moved_ns;
};

/* A packet arrived whose last sample ends at this timestamp. */
void sender_clock_hear(struct sender_clock *clock, uint64_t end, int64_t arrived_ns);
/* How much later than the least delayed lately a packet has arrived. */
int64_t sender_clock_delay(const struct sender_clock *clock, uint64_t end, int64_t arrived_ns);
/* The source began anew, or set its clock: what was measured says nothing any more. */
void sender_clock_doubt(struct sender_clock *clock);
/* Our time of a timestamp. */
int64_t sender_clock_time(const struct sender_clock *clock, uint64_t timestamp);

#endif
