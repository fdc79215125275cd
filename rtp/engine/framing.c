/* The legs of all timelines, and their rounds. See framing.h. */
#include "framing.h"

#include <stdlib.h>
#include <string.h>

#define NO_SLOT UINT32_MAX
#define FIRST_ROOM 64
#define PREFETCHED_LEGS 4
/* Beyond these a time or a timestamp (100 years) is none that the engine has written. */
#define MAX_ARRIVED_NS (INT64_C(1) << 61)
#define MAX_TIMESTAMP (UINT64_C(1) << 45)

/* The table of leg numbers: open addressing, at most half full. */

static uint32_t home_of(const struct framer *framer, uint64_t leg) {
    return (uint32_t)(leg * UINT64_C(0x9e3779b97f4a7c15) >> 32) & framer->table_mask;
}

static uint32_t find(const struct framer *framer, uint64_t leg) {
    uint32_t at = home_of(framer, leg);
    while (framer->table[at] && framer->legs[framer->table[at] - 1].id != leg)
        at = (at + 1) & framer->table_mask;
    return at;
}

static void enter(struct framer *framer, uint32_t slot) {
    framer->table[find(framer, framer->legs[slot].id)] = slot + 1;
}

/* Those behind it move up, so that no search ends at the place that falls free. */
static void leave(struct framer *framer, uint32_t hole) {
    uint32_t mask = framer->table_mask;
    for (uint32_t at = (hole + 1) & mask; framer->table[at]; at = (at + 1) & mask) {
        uint32_t home = home_of(framer, framer->legs[framer->table[at] - 1].id);
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            framer->table[hole] = framer->table[at];
            hole = at;
        }
    }
    framer->table[hole] = 0;
}

uint32_t framer_slot(const struct framer *framer, uint64_t leg) {
    return framer->table[find(framer, leg)] - 1;
}

/* Room for legs. */

static bool enlarge(void **array, size_t count, size_t size) {
    void *larger = realloc(*array, count * size);
    if (larger)
        *array = larger;
    return larger != NULL;
}

static bool make_room(struct framer *framer, uint32_t room) {
    uint32_t *table = calloc(2 * (size_t)room, sizeof *table);
    if (!table || !enlarge((void **)&framer->legs, room, sizeof *framer->legs) ||
        !enlarge((void **)&framer->active, room, sizeof *framer->active) ||
        !enlarge((void **)&framer->ready, room, sizeof *framer->ready) ||
        !enlarge((void **)&framer->fresh, room, sizeof *framer->fresh)) {
        free(table);
        return false;
    }
    free(framer->table);
    framer->table = table;
    framer->table_mask = 2 * room - 1;
    framer->room = room;
    for (uint32_t slot = 0; slot < framer->used; slot++)
        if (framer->legs[slot].timeline)
            enter(framer, slot);
    return true;
}

struct framer *framer_create(void) {
    struct framer *framer = calloc(1, sizeof *framer);
    if (!framer)
        return NULL;
    framer->first_free = NO_SLOT;
    framer->now = INT64_MIN;
    if (!make_room(framer, FIRST_ROOM)) {
        framer_destroy(framer);
        return NULL;
    }
    return framer;
}

void framer_destroy(struct framer *framer) {
    for (uint32_t slot = 0; slot < framer->used; slot++)
        free(framer->legs[slot].timeline);
    free(framer->legs);
    free(framer->table);
    free(framer->active);
    free(framer->ready);
    free(framer->fresh);
    free(framer);
}

/* Legs. */

static bool was_closed(const struct framer *framer, uint64_t leg) {
    for (uint32_t i = 0; i < REMEMBERED_LEGS; i++)
        if (framer->closed[i] == leg)
            return true;
    return false;
}

static uint32_t take_slot(struct framer *framer) {
    uint32_t slot = framer->first_free;
    if (slot != NO_SLOT) {
        framer->first_free = framer->legs[slot].next_free;
        return slot;
    }
    if (framer->used == framer->room &&
        (framer->room >= MAX_FRAMED_LEGS || !make_room(framer, 2 * framer->room)))
        return NO_SLOT;
    return framer->used++;
}

static void give_slot(struct framer *framer, uint32_t slot) {
    framer->legs[slot] = (struct framer_leg){.next_free = framer->first_free};
    framer->first_free = slot;
}

/* The slot of a leg that is heard for the first time, or NO_SLOT. */
static uint32_t open_leg(struct framer *framer, uint64_t leg) {
    if (leg == 0 || was_closed(framer, leg))
        return NO_SLOT;
    uint32_t slot = take_slot(framer);
    if (slot == NO_SLOT)
        return NO_SLOT;
    framer->legs[slot] = (struct framer_leg){.id = leg, .timeline = timeline_create()};
    if (!framer->legs[slot].timeline) {
        give_slot(framer, slot);
        return NO_SLOT;
    }
    enter(framer, slot);
    framer->fresh[framer->fresh_count++] = slot;
    framer->open++;
    return slot;
}

static void strike(uint32_t *list, uint32_t *count, uint32_t slot) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < *count; i++)
        if (list[i] != slot)
            list[kept++] = list[i];
    *count = kept;
}

void framer_close(struct framer *framer, uint64_t leg) {
    uint32_t at = find(framer, leg), slot = framer->table[at] - 1;
    if (!was_closed(framer, leg)) {
        framer->closed[framer->closed_at] = leg;
        framer->closed_at = (framer->closed_at + 1) % REMEMBERED_LEGS;
    }
    if (slot == NO_SLOT)
        return;
    leave(framer, at);
    strike(framer->active, &framer->active_count, slot);
    strike(framer->fresh, &framer->fresh_count, slot);
    framer->ready_count = 0;
    free(framer->legs[slot].timeline);
    give_slot(framer, slot);
    framer->open--;
}

void framer_finish(struct framer *framer, uint64_t leg) {
    uint32_t slot = framer_slot(framer, leg);
    if (slot != NO_SLOT)
        framer->legs[slot].timeline->finished = true;
}

bool framer_waits(const struct framer *framer, uint64_t leg) {
    uint32_t slot = framer_slot(framer, leg);
    return slot != NO_SLOT && !timeline_empty(framer->legs[slot].timeline);
}

/* Packets in. */

static bool makes_sense(const struct tap_entry *entry, size_t length) {
    return (uint64_t)entry->offset + entry->length <= length && entry->length <= MAX_PAYLOAD &&
           entry->timestamp < MAX_TIMESTAMP && entry->arrived_ns >= 0 &&
           entry->arrived_ns < MAX_ARRIVED_NS;
}

static void push_one(struct framer *framer, const struct tap_entry *entry,
                     const uint8_t *payload, size_t length) {
    uint32_t slot = framer_slot(framer, entry->leg);
    if (slot == NO_SLOT)
        slot = open_leg(framer, entry->leg);
    if (slot == NO_SLOT || !makes_sense(entry, length)) {
        framer->counts.refused++;
        return;
    }
    struct framer_leg *leg = &framer->legs[slot];
    enum put put = timeline_put(leg->timeline, entry, payload + entry->offset);
    framer->counts.late += put == PUT_LATE;
    framer->counts.dropped += put == PUT_TOO_MUCH || put == PUT_MADE_WAY;
    if (!leg->active && !timeline_empty(leg->timeline)) {
        leg->active = true;
        framer->active[framer->active_count++] = slot;
    }
}

void framer_push(struct framer *framer, const struct tap_entry *entries, size_t count,
                 const uint8_t *payload, size_t length) {
    framer->ready_count = 0;
    for (size_t i = 0; i < count; i++)
        push_one(framer, &entries[i], payload, length);
}

/* Rounds out. */

static bool has_frame(struct framer *framer, struct framer_leg *leg) {
    if (leg->tick != framer->tick) {
        leg->tick = framer->tick;
        leg->frames = 0;
    }
    return leg->frames < MAX_FRAMES_A_TICK && timeline_ready(leg->timeline, framer->now);
}

uint32_t framer_ready(struct framer *framer, int64_t now) {
    if (now != framer->now) {
        framer->now = now;
        framer->tick++;
    }
    uint32_t kept = 0;
    framer->ready_count = 0;
    for (uint32_t i = 0; i < framer->active_count; i++) {
        uint32_t slot = framer->active[i];
        struct framer_leg *leg = &framer->legs[slot];
        leg->active = !timeline_empty(leg->timeline);
        if (!leg->active)
            continue;
        framer->active[kept++] = slot;
        if (has_frame(framer, leg))
            framer->ready[framer->ready_count++] = slot;
    }
    framer->active_count = kept;
    return framer->ready_count;
}

/* One leg's sound is far from the next one's: it is asked for while others are decoded. Always
 * inline: GCC takes a function of nothing but prefetches for one without effect. */
static inline __attribute__((always_inline)) void prefetch_ahead(const struct framer *framer,
                                                                 uint32_t row) {
    if (row + PREFETCHED_LEGS >= framer->ready_count)
        return;
    const struct framer_leg *leg = &framer->legs[framer->ready[row + PREFETCHED_LEGS]];
    for (size_t at = 0; at < offsetof(struct timeline, cells) + 2 * FRAME_SAMPLES; at += 64)
        __builtin_prefetch((const char *)leg->timeline + at);
}

void framer_take(struct framer *framer, intptr_t *slots, int16_t *samples, uint8_t *valid,
                 int64_t *positions, int64_t *times) {
    for (uint32_t row = 0; row < framer->ready_count; row++) {
        prefetch_ahead(framer, row);
        struct framer_leg *leg = &framer->legs[framer->ready[row]];
        slots[row] = framer->ready[row];
        bool whole = timeline_take(leg->timeline, samples + (size_t)row * FRAME_SAMPLES,
                                   valid + (size_t)row * FRAME_SAMPLES, &positions[row],
                                   &times[row]);
        leg->frames++;
        framer->counts.masked += !whole;
    }
    framer->counts.frames += framer->ready_count;
    framer->ready_count = 0;
}
