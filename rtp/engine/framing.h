/* Frames of many legs at once: what was tapped goes in, rounds of one 20 ms frame a leg come out.
 *
 * Each leg has a slot, a small number that is given to another leg after framer_close. Nothing is
 * allocated for a packet. Used by one thread at a time; knows no Python.
 */
#ifndef ENGINE_FRAMING_H
#define ENGINE_FRAMING_H

#include "base.h"
#include "tap.h"
#include "timeline.h"

/* Two a call for more calls than a host has ports; further legs are refused and counted. */
#define MAX_FRAMED_LEGS 32768
/* Of a leg in a tick: four times real time, so that a stall is made good soon but not at once. */
#define MAX_FRAMES_A_TICK 4
/* Packets of a leg that was closed may still come for some ms; numbers are never used again. */
#define REMEMBERED_LEGS 1024

struct framer_leg {
    uint64_t id;
    struct timeline *timeline; /* NULL: the slot is free */
    uint64_t tick;             /* in which `frames` went out */
    uint32_t frames;
    uint32_t next_free;
    bool active; /* in the list of those with sound waiting */
};

struct framer_counts {
    uint64_t frames, masked;
    uint64_t late;    /* packets whose time had gone out */
    uint64_t dropped; /* packets for which no room was left */
    uint64_t refused; /* packets that belong to no leg that we can hear, or make no sense */
};

struct framer {
    struct framer_leg *legs; /* by slot */
    uint32_t room, used, open;
    uint32_t first_free;
    uint32_t *table; /* slot + 1 by leg number; 0: none */
    uint32_t table_mask;
    uint32_t *active, active_count;
    uint32_t *ready, ready_count;
    uint32_t *fresh, fresh_count; /* opened, and not told yet */
    uint64_t closed[REMEMBERED_LEGS];
    uint32_t closed_at;
    int64_t now;
    uint64_t tick;
    struct framer_counts counts;
};

struct framer *framer_create(void);
void framer_destroy(struct framer *framer);
void framer_push(struct framer *framer, const struct tap_entry *entries, size_t count,
                 const uint8_t *payload, size_t length);
/* The slot of a leg; UINT32_MAX: none. */
uint32_t framer_slot(const struct framer *framer, uint64_t leg);
/* The leg sends no more: what waits goes out without waiting. */
void framer_finish(struct framer *framer, uint64_t leg);
/* Whether sound of a leg is still to go out. */
bool framer_waits(const struct framer *framer, uint64_t leg);
/* Its slot is free again; packets that still come do not open it anew. */
void framer_close(struct framer *framer, uint64_t leg);
/* How many legs have a frame for the next round. Calls with the same `now` are one tick. */
uint32_t framer_ready(struct framer *framer, int64_t now);
/* That round; the arrays have a row for each. */
void framer_take(struct framer *framer, intptr_t *slots, int16_t *samples, uint8_t *valid,
                 int64_t *positions, int64_t *times);

#endif
