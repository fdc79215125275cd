/* One leg's sound in RTP time: packets come in as they arrived, frames of 20 ms go out in order.
 *
 * A frame that is whole goes out at once. Where packets are missing it waits for them for 60 ms of
 * time, or of sound after the packet that showed it, and goes out with what came; where the sender
 * left time out (silence suppression, a key in place of sound) nothing is waited for. Gaps up to
 * MAX_GAP go out as frames, longer ones are skipped. A sender that was silent while its timestamp stood
 * still has a gap put in of the time that it was silent. Told what arrived and what time it is.
 */
#ifndef ENGINE_TIMELINE_H
#define ENGINE_TIMELINE_H

#include "base.h"
#include "sender_clock.h"
#include "tap.h"

#define FRAME_SAMPLES 160
/* 2 s: what a leg that sends faster than time, or a reader that stalls, may have waiting. Sound
 * beyond is dropped and counted. */
#define MAX_WAITING 16384
/* 200 ms: longer than a burst of loss, shorter than a pause in speech. */
#define MAX_GAP 1600
/* 60 ms: a packet that is overtaken by more than this is as good as lost. */
#define REORDERED_SAMPLES 480
#define REORDERED_NS (60 * NS_PER_MS)
/* How long the rest of a frame may take that nothing came after: jitter, or the sender paused. */
#define PAUSED_NS (200 * NS_PER_MS)

/* A packet that comes so late, and so much later than the one before: either the network has held
 * it back, and what follows comes faster than time until it has caught up, or the sender was silent
 * and its clock stood still. */
#define STOOD_STILL_NS (200 * NS_PER_MS)
#define RISE_NS (40 * NS_PER_MS)
/* Who catches up gains RISE_NS within this; that long nothing goes out. */
#define DOUBT_NS (60 * NS_PER_MS)

enum doubt { DOUBT_NONE, DOUBT_HOLDS, DOUBT_CATCHES_UP };

enum put {
    PUT_SOUND,
    PUT_OTHER,    /* an event or comfort noise: its time passes */
    PUT_LATE,     /* its place has gone out already */
    PUT_TOO_MUCH, /* it was dropped: there is no room */
    PUT_MADE_WAY  /* what waited, far behind it, was dropped */
};

struct timeline {
    uint64_t shift;  /* added to timestamps: a clock that was set back goes on */
    uint64_t origin; /* timestamp of position 0 */
    uint64_t next;   /* timestamp of the next frame, which is at `head` */
    uint64_t newest; /* timestamp after the newest packet */
    uint64_t sequence;    /* of the newest, sound or not */
    uint64_t set_back_at; /* the one at which `shift` was last changed */
    uint64_t given_up; /* up to this timestamp nothing is waited for any more */
    uint64_t blocked_at;
    int64_t blocked_ns;
    int64_t arrived_ns; /* of the last sound */
    int64_t delay_ns;   /* of the newest packet, beyond the least of late */
    /* Whether the sender's clock may have stood still: since which packet, the least delay since,
     * and when that was. */
    enum doubt doubt;
    uint64_t doubt_timestamp, doubt_sequence;
    int64_t doubt_delay_ns, doubt_ns;
    /* Indices of cells: filled without a gap from head to solid, nothing at and after end. */
    uint32_t head, solid, end;
    uint32_t packet; /* samples of the newest */
    bool heard, started, told, finished, missing;
    struct sender_clock clock;
    uint16_t cells[MAX_WAITING]; /* codec and octet; 0: nothing came */
};

struct timeline *timeline_create(void);
enum put timeline_put(struct timeline *timeline, const struct tap_entry *entry,
                      const uint8_t *payload);
/* Whether a frame is to go out now. */
bool timeline_ready(struct timeline *timeline, int64_t now);
/* The frame that is ready; whether all of it arrived. */
bool timeline_take(struct timeline *timeline, int16_t *samples, uint8_t *valid, int64_t *position,
                   int64_t *time);

static inline bool timeline_empty(const struct timeline *timeline) {
    return timeline->head == timeline->end;
}

#endif
