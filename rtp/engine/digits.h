/* Telephone events, RFC 4733: key presses out of packets, and packets out of key presses.
 *
 * A press is the timestamp of its first packet. It is told at whichever of its packets comes
 * first, and once more when it is over: at an end packet, at the next press, or when nothing came
 * for a while. Knows no codecs, no addresses.
 */
#ifndef ENGINE_DIGITS_H
#define ENGINE_DIGITS_H

#include "base.h"

/* Without any end packet a press is over after this. */
#define DIGIT_TIMEOUT_NS (150 * NS_PER_MS)
/* Presses remembered, so that a straggler of one is not taken for another. A packet can be late
 * by MAX_MISORDER packets, two seconds: nobody presses more keys in that time. */
#define DIGIT_MEMORY 16
/* RFC 4733 2.5.1.5 lets one packet tell of several presses. */
#define MAX_EVENTS_A_PACKET 8
/* Sent with end bit this often (2.5.1.4: "SHOULD be sent a total of three times"). */
#define END_PACKETS 3
#define MAX_DIGITS_TO_SEND 64

enum digit_change { DIGIT_BEGAN, DIGIT_ENDED };

typedef void digit_report(void *context, enum digit_change change, char digit, uint32_t duration,
                          uint64_t timestamp);

struct digit_decoder {
    bool active; /* told, and not over */
    uint8_t event;
    uint64_t timestamp;       /* of the press */
    uint64_t segment;         /* of its present part: a press over 8 s comes in several */
    uint32_t segment_duration;
    int64_t last_arrival;
    uint64_t known[DIGIT_MEMORY]; /* timestamps of presses told, newest at known_next - 1 */
    uint8_t known_count, known_next;
    uint64_t received; /* presses */
};

void digits_receive(struct digit_decoder *decoder, const uint8_t *payload, size_t length,
                    uint64_t timestamp, int64_t now, digit_report *report, void *context);
/* Ends a press whose end packets were all lost; true while one is still going on. */
bool digits_expire(struct digit_decoder *decoder, int64_t now, digit_report *report, void *context);
/* The event code of a character of 0-9 * # A-D, or -1. */
int digit_event(char digit);
/* The events' durations on a clock that is so many times faster, or back on ours. */
void digits_scale(uint8_t *payload, size_t length, uint32_t scale);
void digits_unscale(uint8_t *payload, size_t length, uint32_t scale);
/* How far after its timestamp an event payload reaches, in samples. */
uint32_t digits_reach(const uint8_t *payload, size_t length);

struct digit_sender {
    uint8_t count, index;
    uint8_t ends;    /* end packets sent of the present digit */
    bool started;    /* the present digit's first packet went out */
    uint32_t duration, gap; /* in samples */
    uint32_t elapsed;
    uint32_t timestamp;
    char digits[MAX_DIGITS_TO_SEND];
};

/* What there is to do at this beat of the pacing clock. */
enum digit_step { DIGIT_STEP_DONE, DIGIT_STEP_PACKET, DIGIT_STEP_GAP };

static inline bool digits_sending(const struct digit_sender *sender) {
    return sender->index < sender->count;
}

/* Goes on by `samples`; fills a payload of 4 bytes when a packet is due. `clock`: the timestamp a
 * new event would have; `first`: set on an event's first packet, which carries the marker. */
enum digit_step digits_step(struct digit_sender *sender, uint32_t samples, uint32_t clock,
                            uint8_t payload[4], bool *first);

#endif
