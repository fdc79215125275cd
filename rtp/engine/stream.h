/* What a peer hears from us: one continuous RTP stream, whoever speaks on it.
 *
 * One SSRC for the life of the leg. A change of origin (prompt, another leg, silence) goes on with
 * the next sequence number, a timestamp that follows the wall clock, and a marker. Within one
 * origin gaps stay, so that the peer sees what was lost before us. Does not send.
 */
#ifndef ENGINE_STREAM_H
#define ENGINE_STREAM_H

#include "base.h"

/* Origins are leg numbers, which begin at 1; these two are none. */
#define ORIGIN_NONE UINT64_MAX
#define ORIGIN_ENGINE 0

/* The header fields of a packet that is to go out. */
struct outgoing {
    uint16_t sequence;
    uint32_t timestamp;
    bool marker;
};

struct stream {
    bool started;
    uint32_t ssrc;
    uint32_t clock_rate;
    uint32_t scale; /* ticks of the peer's clock in one of ours; all else here is in ours */
    uint16_t sequence; /* the highest sent */
    uint64_t origin;
    uint64_t first_sequence; /* of the origin; older ones would collide with what was sent */
    uint64_t newest_sequence;
    uint64_t sequence_offset;
    uint64_t timestamp_offset;
    uint32_t reference_timestamp; /* of the newest sound... */
    int64_t reference_ns;         /* ...and when it was sent */
    uint32_t step;                /* its samples */
    uint64_t packets;
    uint64_t octets;
};

void stream_init(struct stream *stream, uint64_t *random);
/* A packet of another leg, at its place on that leg's timeline. `samples`: how far this packet
 * carries the clock; 0 for an event, whose reach is `reach` after its timestamp. False: it lies
 * before the switch to this origin and must not go out. */
bool stream_relay(struct stream *stream, uint64_t origin, uint64_t sequence, uint64_t timestamp,
                  uint32_t samples, uint32_t reach, int64_t now, struct outgoing *out);
/* A packet made anew of what that origin says: numbered here, after `lost` packets that the peer
 * shall miss. From now on all of that origin has to be. */
void stream_repack(struct stream *stream, uint64_t origin, uint64_t timestamp, uint32_t samples,
                   uint32_t reach, uint32_t lost, int64_t now, struct outgoing *out);
/* A packet of that origin is left out on purpose: the peer shall not see a gap. */
void stream_skip(struct stream *stream, uint64_t origin, uint64_t sequence);
/* The engine's own next frame, `samples` long. */
void stream_speak(struct stream *stream, uint32_t samples, int64_t now, struct outgoing *out);
/* An event packet of our own: keeps the timestamp of the event's start. */
void stream_speak_event(struct stream *stream, uint32_t timestamp, uint32_t reach, int64_t now,
                        struct outgoing *out);
/* The timestamp at which something new would begin now. */
uint32_t stream_clock(const struct stream *stream, int64_t now);
/* The timestamp that belongs to `now`, for sender reports. */
uint32_t stream_timestamp_at(const struct stream *stream, int64_t now);
/* What comes next is a new beginning, though it come from the same origin. */
void stream_interrupt(struct stream *stream);
/* The same when the engine itself was speaking; another origin may have taken over already. */
void stream_fall_silent(struct stream *stream);
void stream_write_header(const struct stream *stream, const struct outgoing *out,
                         uint8_t payload_type, uint8_t *header);

#endif
