/* Packets in, frames out. See timeline.h. */
#include "timeline.h"

#include <stdlib.h>
#include <string.h>

#include "codec.h"

#define CELL_KINDS 4
/* Time that passes without sound, and is not waited for. */
#define CELL_SILENT (LAW_CODECS << 8)
/* Where sound begins far ahead, room for what it may have overtaken; too long to go out as a gap. */
#define LEAD_SAMPLES (MAX_GAP + FRAME_SAMPLES)
#define NOT_BLOCKED UINT64_MAX
/* Less than this is moved to the front at each packet, so that the same memory stays in use. */
#define MOVED_SAMPLES 512

static int16_t cell_samples[CELL_KINDS << 8];

struct timeline *timeline_create(void) {
    if (!cell_samples[CODEC_PCMU << 8]) { /* mu-law 0 is the loudest of all */
        codec_prepare();
        for (int codec = CODEC_PCMU; codec < LAW_CODECS; codec++)
            for (int octet = 0; octet < 256; octet++)
                cell_samples[codec << 8 | octet] = codec_decode_one((uint8_t)codec, (uint8_t)octet);
    }
    struct timeline *timeline = malloc(sizeof *timeline);
    if (timeline)
        memset(timeline, 0, offsetof(struct timeline, cells));
    return timeline;
}

static void fill(uint16_t *cells, uint32_t from, uint32_t to, uint16_t value) {
    for (uint32_t i = from; i < to; i++)
        cells[i] = value;
}

__attribute__((optimize("O3"))) static void write_cells(uint16_t *restrict cells, uint16_t codec,
                                                        const uint8_t *restrict payload,
                                                        uint32_t length) {
    for (uint32_t i = 0; i < length; i++)
        cells[i] = (uint16_t)(codec << 8 | payload[i]);
}

/* Cells before `to` that lie at `solid` or after a hole behind it. */
static void grow_solid(struct timeline *timeline) {
    while (timeline->solid < timeline->end && timeline->cells[timeline->solid])
        timeline->solid++;
}

static void move_to_front(struct timeline *timeline) {
    uint32_t head = timeline->head, waiting = timeline->end - head;
    memmove(timeline->cells, timeline->cells + head, waiting * sizeof *timeline->cells);
    timeline->head = 0;
    timeline->solid -= head;
    timeline->end = waiting;
}

/* The next frame begins at this timestamp; what waited is gone. */
static void begin_at(struct timeline *timeline, uint64_t timestamp) {
    timeline->next = timestamp;
    timeline->head = timeline->solid = timeline->end = 0;
}

/* Where a sound packet lies. One that is newest but lies before what came last tells of a clock
 * that was set back: the timeline goes on from there. */
static uint64_t place(struct timeline *timeline, const struct tap_entry *entry, bool newest) {
    uint64_t timestamp = entry->timestamp + timeline->shift;
    if (!timeline->started) {
        timeline->started = true;
        begin_at(timeline, timestamp);
    } else if (newest && (int64_t)(timeline->newest - timestamp) > REORDERED_SAMPLES) {
        timeline->set_back_at = entry->sequence;
        timeline->shift += timeline->newest - timestamp;
        timestamp = timeline->newest;
        timeline->doubt = DOUBT_NONE;
        sender_clock_doubt(&timeline->clock);
    }
    return timestamp;
}

/* The sender was silent while its clock stood still: what came after lies so much later. Nothing
 * that goes before it waits, as a rule; else only what comes from now on is moved. */
static void stood_still(struct timeline *timeline) {
    uint64_t samples = (uint64_t)(timeline->doubt_delay_ns / NS_PER_SAMPLE);
    bool held = timeline->doubt == DOUBT_HOLDS && timeline->next == timeline->doubt_timestamp;
    timeline->doubt = DOUBT_NONE;
    timeline->delay_ns = 0;
    timeline->shift += samples;
    timeline->set_back_at = held ? timeline->doubt_sequence : timeline->sequence + 1;
    if (held) {
        timeline->next += samples;
        timeline->newest += samples;
    }
}

/* What the newest sound, which ends at this timestamp, tells of a clock that may have stood still;
 * whether its time can be believed. */
static bool judge_delay(struct timeline *timeline, uint64_t end, const struct tap_entry *entry) {
    int64_t delay = sender_clock_delay(&timeline->clock, end, entry->arrived_ns);
    int64_t rise = delay - timeline->delay_ns;
    timeline->delay_ns = delay > 0 ? delay : 0;
    if (delay <= STOOD_STILL_NS) {
        timeline->doubt = DOUBT_NONE;
        return true;
    }
    if (timeline->doubt == DOUBT_NONE) {
        if (rise < RISE_NS)
            return true;
        timeline->doubt = DOUBT_HOLDS;
        timeline->doubt_timestamp = end - entry->length;
        timeline->doubt_sequence = entry->sequence;
    } else if (timeline->doubt_delay_ns - delay >= RISE_NS) {
        timeline->doubt = DOUBT_CATCHES_UP;
    } else {
        return false;
    }
    timeline->doubt_delay_ns = delay;
    timeline->doubt_ns = entry->arrived_ns;
    return false;
}

/* The rest of a frame went out filled up: what may come after a pause must not lie before its end. */
static uint64_t behind_filled(struct timeline *timeline, uint64_t timestamp) {
    int64_t filled = (int64_t)(timeline->next - timestamp);
    if (filled <= 0 || filled >= FRAME_SAMPLES || !timeline_empty(timeline))
        return timestamp;
    timeline->shift += (uint64_t)filled;
    timeline->doubt_timestamp = timeline->next;
    timeline->doubt_delay_ns -= filled * NS_PER_SAMPLE;
    return timeline->next;
}

/* The newest sound begins at this timestamp; where it lies, if the clock stood still before it. */
static uint64_t take_newest(struct timeline *timeline, uint64_t timestamp,
                            const struct tap_entry *entry) {
    enum doubt before = timeline->doubt;
    bool believed = judge_delay(timeline, timestamp + entry->length, entry);
    if (before == DOUBT_NONE && timeline->doubt == DOUBT_HOLDS)
        timestamp = behind_filled(timeline, timestamp);
    if (timeline->doubt != DOUBT_NONE && entry->arrived_ns - timeline->doubt_ns >= DOUBT_NS) {
        uint64_t shift = timeline->shift;
        stood_still(timeline);
        timestamp += timeline->shift - shift;
        believed = true;
    }
    timeline->newest = timestamp + entry->length;
    timeline->packet = entry->length;
    if (believed)
        sender_clock_hear(&timeline->clock, timeline->newest, entry->arrived_ns);
    return timestamp;
}

/* What lies between the last packet and one at `index`. */
static void bridge_gap(struct timeline *timeline, uint32_t index, bool left_out) {
    bool joins = timeline->solid == timeline->end;
    bool silent = left_out && index - timeline->end <= MAX_GAP;
    fill(timeline->cells, timeline->end, index, silent ? CELL_SILENT : 0);
    timeline->end = index;
    if (silent && joins)
        timeline->solid = index;
    else if (joins) /* shown by this packet, and waited for from now on */
        timeline->blocked_at = NOT_BLOCKED;
}

/* Has cells for a packet that begins so many samples after the next frame; the number of samples
 * may change, when time is skipped. */
static enum put find_room(struct timeline *timeline, int64_t *ahead, uint32_t length,
                          bool left_out) {
    enum put outcome = PUT_SOUND;
    uint32_t waiting = timeline->end - timeline->head;
    int64_t end = *ahead + length;
    if (end > MAX_WAITING && waiting) {
        /* Either what waits or what comes has to go: what waits, when it is little. */
        if (waiting > MAX_GAP)
            return PUT_TOO_MUCH;
        outcome = PUT_MADE_WAY;
        waiting = 0;
    }
    if (!waiting && *ahead > (left_out ? MAX_GAP : LEAD_SAMPLES)) {
        int64_t lead = left_out ? 0 : LEAD_SAMPLES;
        begin_at(timeline, timeline->next + (uint64_t)(*ahead - lead));
        *ahead = lead;
    } else if (timeline->head && (waiting <= MOVED_SAMPLES || timeline->head + end > MAX_WAITING)) {
        move_to_front(timeline);
    }
    return outcome;
}

static enum put lay_down(struct timeline *timeline, uint64_t timestamp, uint8_t codec,
                         const uint8_t *payload, uint32_t length, bool left_out) {
    int64_t ahead = (int64_t)(timestamp - timeline->next);
    if (ahead + (int64_t)length <= 0)
        return PUT_LATE;
    if (ahead < 0) {
        payload += -ahead;
        length -= (uint32_t)-ahead;
        ahead = 0;
    }
    enum put outcome = find_room(timeline, &ahead, length, left_out);
    if (outcome == PUT_TOO_MUCH)
        return outcome;
    uint32_t index = timeline->head + (uint32_t)ahead;
    if (index > timeline->end)
        bridge_gap(timeline, index, left_out);
    write_cells(timeline->cells + index, codec, payload, length);
    if (index + length > timeline->end)
        timeline->end = index + length;
    if (index <= timeline->solid && index + length > timeline->solid) {
        timeline->solid = index + length;
        grow_solid(timeline);
    }
    return outcome;
}

enum put timeline_put(struct timeline *timeline, const struct tap_entry *entry,
                      const uint8_t *payload) {
    bool newest = !timeline->heard || entry->sequence > timeline->sequence;
    if (newest) {
        timeline->missing |= timeline->heard && entry->sequence != timeline->sequence + 1;
        timeline->sequence = entry->sequence;
        timeline->heard = true;
    }
    if (!codec_is_law(entry->codec) || !entry->length)
        return PUT_OTHER;
    if (entry->flags & TAP_RESTARTED) {
        timeline->doubt = DOUBT_NONE;
        sender_clock_doubt(&timeline->clock);
    }
    uint64_t timestamp = place(timeline, entry, newest);
    if (!newest && entry->sequence < timeline->set_back_at)
        return PUT_LATE; /* on a timeline that is left */
    timeline->arrived_ns = entry->arrived_ns;
    if (newest)
        timestamp = take_newest(timeline, timestamp, entry);
    bool left_out = newest && !timeline->missing;
    if (newest)
        timeline->missing = false;
    return lay_down(timeline, timestamp, entry->codec, payload, entry->length, left_out);
}

static uint32_t end_of_hole(const struct timeline *timeline) {
    uint32_t at = timeline->solid;
    while (at < timeline->end && !timeline->cells[at])
        at++;
    return at;
}

/* Whether the hole, or the end, at `solid` was waited for long enough. */
static bool waited(struct timeline *timeline, uint32_t after, int64_t now) {
    uint64_t at = timeline->next + (timeline->solid - timeline->head);
    if (timeline->finished || at < timeline->given_up)
        return true;
    if (timeline->blocked_at != at) {
        timeline->blocked_at = at;
        timeline->blocked_ns = timeline->arrived_ns;
    }
    if (after == timeline->end)
        return now - timeline->blocked_ns >= PAUSED_NS;
    return timeline->end - after >= REORDERED_SAMPLES + timeline->packet ||
           now - timeline->blocked_ns >= REORDERED_NS;
}

/* Nothing more is expected before `after`, where the next sound lies. */
static void give_up(struct timeline *timeline, uint32_t after) {
    uint32_t frame_end = timeline->head + FRAME_SAMPLES;
    timeline->given_up = timeline->next + (after - timeline->head);
    if (after == timeline->end) {
        after = timeline->end = frame_end;
    } else if (after - timeline->solid > MAX_GAP) {
        if (timeline->solid == timeline->head) {
            timeline->next = timeline->given_up;
            timeline->head = timeline->solid = after;
            grow_solid(timeline);
            return;
        }
        after = frame_end;
    }
    fill(timeline->cells, timeline->solid, after, CELL_SILENT);
    timeline->solid = after;
    grow_solid(timeline);
}

bool timeline_ready(struct timeline *timeline, int64_t now) {
    if (timeline->doubt == DOUBT_HOLDS) {
        if (!timeline->finished && now - timeline->doubt_ns < DOUBT_NS)
            return false;
        stood_still(timeline);
    }
    while (timeline->solid - timeline->head < FRAME_SAMPLES) {
        if (timeline_empty(timeline))
            return false;
        if (timeline->head + FRAME_SAMPLES > MAX_WAITING)
            move_to_front(timeline);
        uint32_t after = end_of_hole(timeline);
        if (!waited(timeline, after, now))
            return false;
        give_up(timeline, after);
    }
    return true;
}

/* Within a frame that is ready each cell is sound or silent. */
__attribute__((optimize("O3"))) static bool read_cells(const uint16_t *restrict cells,
                                                       int16_t *restrict samples,
                                                       uint8_t *restrict valid) {
    uint32_t sound = 0;
    for (int i = 0; i < FRAME_SAMPLES; i++)
        samples[i] = cell_samples[cells[i]];
    for (int i = 0; i < FRAME_SAMPLES; i++)
        valid[i] = (uint8_t)(cells[i] < CELL_SILENT);
    for (int i = 0; i < FRAME_SAMPLES; i++)
        sound += valid[i];
    return sound == FRAME_SAMPLES;
}

bool timeline_take(struct timeline *timeline, int16_t *samples, uint8_t *valid, int64_t *position,
                   int64_t *time) {
    if (!timeline->told) {
        timeline->told = true;
        timeline->origin = timeline->next;
    }
    *position = (int64_t)(timeline->next - timeline->origin);
    *time = sender_clock_time(&timeline->clock, timeline->next);
    bool whole = read_cells(timeline->cells + timeline->head, samples, valid);
    timeline->head += FRAME_SAMPLES;
    timeline->next += FRAME_SAMPLES;
    return whole;
}
