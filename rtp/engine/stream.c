/* Continuity of what is sent. See stream.h. */
#include "stream.h"

/* Before anything was sent, time goes on in steps of 10 ms. */
#define FIRST_STEP 80

void stream_init(struct stream *stream, uint64_t *random) {
    uint64_t value = next_random(random);
    *stream = (struct stream){.clock_rate = 8000, .scale = 1, .origin = ORIGIN_NONE, .step = FIRST_STEP};
    stream->ssrc = (uint32_t)value;
    /* "The initial value of the sequence number SHOULD be random" (RFC 3550 5.1); the upper bit
     * is left clear so that a receiver does not meet a wrap in the first packets. */
    stream->sequence = (uint16_t)(value >> 32 & 0x7fff);
    stream->reference_timestamp = (uint32_t)next_random(random);
}

uint32_t stream_timestamp_at(const struct stream *stream, int64_t now) {
    int64_t elapsed = samples_in(now - stream->reference_ns, stream->clock_rate);
    return stream->reference_timestamp + (uint32_t)elapsed;
}

uint32_t stream_clock(const struct stream *stream, int64_t now) {
    if (!stream->started)
        return stream->reference_timestamp;
    /* Whole steps: a packet that comes a little early or late does not bend the clock. */
    int64_t elapsed = samples_in(now - stream->reference_ns, stream->clock_rate);
    int64_t steps = (elapsed + stream->step / 2) / stream->step;
    return stream->reference_timestamp + (uint32_t)(steps < 1 ? 1 : steps) * stream->step;
}

static void move_clock(struct stream *stream, uint32_t timestamp, uint32_t samples, int64_t now) {
    stream->reference_timestamp = timestamp;
    stream->reference_ns = now;
    if (samples)
        stream->step = samples;
}

/* An event's packets keep its first timestamp; the clock stands where the event has come to. */
static void move_clock_by_event(struct stream *stream, uint32_t timestamp, uint32_t reach,
                                int64_t now) {
    uint32_t end = timestamp + reach;
    if (!stream->reference_ns || (int32_t)(end - stream->reference_timestamp) > 0)
        move_clock(stream, end, 0, now);
}

static void switch_origin(struct stream *stream, uint64_t origin, uint64_t sequence,
                          uint64_t timestamp, int64_t now) {
    uint16_t next = (uint16_t)(stream->sequence + 1);
    stream->sequence_offset = next - sequence;
    stream->timestamp_offset = stream_clock(stream, now) - timestamp;
    stream->first_sequence = sequence;
    stream->newest_sequence = sequence;
    stream->origin = origin;
    stream->started = true;
}

/* What was sent last, and where its sound or event ends. */
static void move_on(struct stream *stream, const struct outgoing *out, uint32_t samples,
                    uint32_t reach, int64_t now) {
    stream->sequence = out->sequence;
    if (samples)
        move_clock(stream, out->timestamp, samples, now);
    else
        move_clock_by_event(stream, out->timestamp, reach, now);
}

bool stream_relay(struct stream *stream, uint64_t origin, uint64_t sequence, uint64_t timestamp,
                  uint32_t samples, uint32_t reach, int64_t now, struct outgoing *out) {
    bool switched = stream->origin != origin;
    if (switched)
        switch_origin(stream, origin, sequence, timestamp, now);
    else if (sequence < stream->first_sequence)
        return false;
    out->sequence = (uint16_t)(sequence + stream->sequence_offset);
    out->timestamp = (uint32_t)(timestamp + stream->timestamp_offset);
    out->marker = switched;
    if (switched || sequence > stream->newest_sequence) {
        stream->newest_sequence = sequence;
        move_on(stream, out, samples, reach, now);
    }
    return true;
}

void stream_repack(struct stream *stream, uint64_t origin, uint64_t timestamp, uint32_t samples,
                   uint32_t reach, uint32_t lost, int64_t now, struct outgoing *out) {
    out->marker = stream->origin != origin;
    if (out->marker) {
        switch_origin(stream, origin, 0, timestamp, now);
        lost = 0;
    }
    out->sequence = (uint16_t)(stream->sequence + 1 + lost);
    out->timestamp = (uint32_t)(timestamp + stream->timestamp_offset);
    move_on(stream, out, samples, reach, now);
}

void stream_skip(struct stream *stream, uint64_t origin, uint64_t sequence) {
    if (stream->origin != origin || sequence <= stream->newest_sequence)
        return;
    stream->sequence_offset--;
    stream->newest_sequence = sequence;
    stream->first_sequence = sequence + 1;
}

static void speak(struct stream *stream, struct outgoing *out) {
    out->marker = stream->origin != ORIGIN_ENGINE;
    stream->origin = ORIGIN_ENGINE;
    stream->started = true;
    out->sequence = ++stream->sequence;
}

void stream_speak(struct stream *stream, uint32_t samples, int64_t now, struct outgoing *out) {
    bool goes_on = stream->started && stream->origin == ORIGIN_ENGINE;
    out->timestamp =
        goes_on ? stream->reference_timestamp + stream->step : stream_clock(stream, now);
    speak(stream, out);
    move_clock(stream, out->timestamp, samples, now);
}

void stream_speak_event(struct stream *stream, uint32_t timestamp, uint32_t reach, int64_t now,
                        struct outgoing *out) {
    speak(stream, out);
    out->timestamp = timestamp;
    move_clock_by_event(stream, timestamp, reach, now);
}

void stream_interrupt(struct stream *stream) { stream->origin = ORIGIN_NONE; }

void stream_fall_silent(struct stream *stream) {
    if (stream->origin == ORIGIN_ENGINE)
        stream->origin = ORIGIN_NONE;
}

void stream_write_header(const struct stream *stream, const struct outgoing *out,
                         uint8_t payload_type, uint8_t *header) {
    header[0] = 0x80;
    header[1] = (uint8_t)(payload_type | (out->marker ? 0x80 : 0));
    write_16(header + 2, out->sequence);
    write_32(header + 4, out->timestamp * stream->scale);
    write_32(header + 8, stream->ssrc);
}
