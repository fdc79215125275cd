/* Order, loss and jitter of a received stream. See source.h. */
#include "source.h"

/* A clock that jumps by more than this against the wall clock was set anew by its sender. */
#define MAX_CLOCK_JUMP_SECONDS 2

/* How much later than the fastest packets a jitter buffer waits for one. */
#define BUFFER_MS 80

static bool seen_at(const struct source *source, uint32_t back) {
    return source->seen[back >> 6] >> (back & 63) & 1;
}

static void mark_seen(struct source *source, uint32_t back) {
    source->seen[back >> 6] |= UINT64_C(1) << (back & 63);
}

static void shift_seen(struct source *source, uint32_t by) {
    uint64_t low = source->seen[0], high = source->seen[1];
    if (by >= 128)
        low = high = 0;
    else if (by >= 64)
        high = low << (by - 64), low = 0;
    else if (by > 0)
        high = high << by | low >> (64 - by), low <<= by;
    source->seen[0] = low | 1;
    source->seen[1] = high;
}

/* A.1 init_seq, but the timeline goes on. */
static void begin(struct source *source, const struct rtp_packet *packet, uint32_t clock_rate,
                  int64_t now) {
    if (source->started) {
        int64_t elapsed = samples_in(now - source->last_arrival, clock_rate);
        STORE(source->sequence, source->sequence + 1);
        source->timestamp += elapsed > 0 ? (uint64_t)elapsed : 1;
        COUNT(source->restarts);
    } else {
        /* Above zero, so that a late packet before the first one has a place as well. */
        STORE(source->sequence, UINT64_C(0x10000) | packet->sequence);
        source->timestamp = UINT64_C(0x100000000) | packet->timestamp;
        STORE(source->first_sequence, source->sequence);
        source->started = true;
    }
    source->ssrc = packet->ssrc;
    source->max_sequence = packet->sequence;
    source->cycles = 0;
    source->last_timestamp = packet->timestamp;
    source->last_arrival = now;
    source->seen[0] = 1;
    source->seen[1] = 0;
    source->has_transit = false;
    source->probing = source->trust_next = false;
    source->epoch_first = source->sequence;
    source->epoch_received = source->expected_prior = source->received_prior = 0;
}

/* A.8, in arrival order. Events repeat the timestamp of their start and say nothing here. */
static void measure_jitter(struct source *source, uint32_t timestamp, uint32_t clock_rate,
                           int64_t now) {
    uint32_t transit = (uint32_t)samples_in(now, clock_rate) - timestamp;
    if (source->has_transit) {
        int32_t change = (int32_t)(transit - source->transit);
        uint32_t size = change < 0 ? -(uint32_t)change : (uint32_t)change;
        STORE(source->jitter, source->jitter + size - ((source->jitter + 8) >> 4));
    }
    source->has_transit = true;
    source->transit = transit;
}

/* Before measure_jitter, which knows a transit from then on. The least transit follows a longer way
   or a slower clock within a second or two, as a jitter buffer does; beyond a second it is no
   lateness: a sender's clock stood still while it was mute, and a buffer begins anew. */
static void measure_lateness(struct source *source, uint32_t timestamp, uint32_t clock_rate,
                             int64_t now) {
    uint32_t transit = (uint32_t)samples_in(now, clock_rate) - timestamp;
    int32_t behind = (int32_t)(transit - source->least_transit);
    if (!source->has_transit || behind <= 0 || behind > (int32_t)clock_rate) {
        source->least_transit = transit;
        return;
    }
    source->least_transit += 1 + ((uint32_t)behind >> 5);
    if (behind > (int32_t)(clock_rate / 1000 * BUFFER_MS))
        COUNT(source->late);
}

/* Where a timestamp lies; moves the clock when the packet is the newest that carries it. */
static uint64_t place_timestamp(struct source *source, uint32_t timestamp, bool newest,
                                uint32_t clock_rate, int64_t now) {
    int64_t step = (int32_t)(timestamp - source->last_timestamp);
    if (!newest)
        return source->timestamp + (uint64_t)step;
    int64_t elapsed = samples_in(now - source->last_arrival, clock_rate);
    int64_t slack = (int64_t)MAX_CLOCK_JUMP_SECONDS * clock_rate;
    if (step < -slack || step > elapsed + slack) {
        step = elapsed > 0 ? elapsed : 1;
        source->has_transit = false;
    }
    source->timestamp += (uint64_t)step;
    source->last_timestamp = timestamp;
    source->last_arrival = now;
    return source->timestamp;
}

/* "two sequential packets -- assume that the other side restarted without telling us" (A.1) */
static bool begins_anew(struct source *source, const struct rtp_packet *packet) {
    if (!source->started || source->trust_next)
        return true;
    if (source->probing && packet->ssrc == source->probed_ssrc &&
        packet->sequence == source->probed_sequence)
        return true;
    source->probing = true;
    source->probed_ssrc = packet->ssrc;
    source->probed_sequence = (uint16_t)(packet->sequence + 1);
    return false;
}

static struct place restart(struct source *source, const struct rtp_packet *packet,
                            uint32_t clock_rate, int64_t now) {
    bool restarted = source->started;
    if (!begins_anew(source, packet))
        return (struct place){.verdict = VERDICT_PROBATION};
    begin(source, packet, clock_rate, now);
    return (struct place){.verdict = VERDICT_NEXT,
                          .sequence = source->sequence,
                          .timestamp = source->timestamp,
                          .restarted = restarted};
}

static struct place advance(struct source *source, const struct rtp_packet *packet,
                            uint16_t ahead) {
    if (packet->sequence < source->max_sequence)
        source->cycles++;
    source->max_sequence = packet->sequence;
    STORE(source->sequence, source->sequence + ahead);
    shift_seen(source, ahead);
    source->probing = source->trust_next = false;
    if (ahead > 1)
        COUNT(source->loss_runs);
    return (struct place){.verdict = VERDICT_NEXT,
                          .sequence = source->sequence,
                          .lost_before = (uint32_t)ahead - 1};
}

/* A late packet fills a hole: what was one stretch of missing packets is two, shorter, or none. */
static void mend_run(struct source *source, uint16_t behind, uint64_t sequence) {
    if (sequence < source->first_sequence) {
        if (sequence + 1 < source->first_sequence)
            COUNT(source->loss_runs);
        return;
    }
    bool newer = seen_at(source, behind - 1u), older = seen_at(source, behind + 1u);
    if (newer && older)
        STORE(source->loss_runs, source->loss_runs - 1);
    else if (!newer && !older)
        COUNT(source->loss_runs);
}

static struct place look_back(struct source *source, uint16_t behind) {
    struct place place = {.verdict = VERDICT_LATE, .sequence = source->sequence - behind};
    /* Before a restart's first packet lie the old SSRC's places, all of them taken. */
    bool taken = source->restarts && place.sequence < source->epoch_first;
    if (taken || seen_at(source, behind)) {
        place.verdict = VERDICT_DUPLICATE;
        COUNT(source->duplicated);
        source->epoch_received++; /* A.3 counts what arrives, doubles too */
        return place;
    }
    mend_run(source, behind, place.sequence);
    mark_seen(source, behind);
    COUNT(source->reordered);
    if (place.sequence < source->first_sequence) {
        STORE(source->first_sequence, place.sequence);
        source->epoch_first = place.sequence;
    }
    return place;
}

struct place source_receive(struct source *source, const struct rtp_packet *packet, bool clocked,
                            uint32_t clock_rate, int64_t now) {
    struct place place;
    uint16_t ahead = (uint16_t)(packet->sequence - source->max_sequence);
    uint16_t behind = (uint16_t)-ahead;
    bool same = source->started && packet->ssrc == source->ssrc;
    if (same && ahead > 0 && ahead < MAX_DROPOUT)
        place = advance(source, packet, ahead);
    else if (same && behind < MAX_MISORDER && !source->trust_next)
        place = look_back(source, behind);
    else
        place = restart(source, packet, clock_rate, now);
    if (place.verdict == VERDICT_PROBATION || place.verdict == VERDICT_DUPLICATE)
        return place;
    source->epoch_received++;
    COUNT(source->received);
    if (!place.restarted && source->received > 1)
        place.timestamp = place_timestamp(source, packet->timestamp,
                                          clocked && place.verdict == VERDICT_NEXT, clock_rate, now);
    if (clocked) {
        measure_lateness(source, packet->timestamp, clock_rate, now);
        measure_jitter(source, packet->timestamp, clock_rate, now);
    }
    return place;
}

uint64_t source_lost(const struct source *source) {
    uint64_t received = LOAD(source->received);
    uint64_t expected = LOAD(source->sequence) - LOAD(source->first_sequence) + 1;
    return received && expected > received ? expected - received : 0;
}
