/* The tap: what Python wants to hear, copied out of the relay's way into a ring of two parts,
 * fixed entries and the bytes they point at.
 *
 * One shard writes, one thread reads. A full ring costs the new packet, which is counted, never
 * the relay's time.
 */
#ifndef ENGINE_TAP_H
#define ENGINE_TAP_H

#include "base.h"
#include "ring.h"

enum tap_flag {
    TAP_LOST_BEFORE = 1,   /* packets are missing right before this one */
    TAP_MARKER = 2,
    TAP_DIGIT = 4,         /* a telephone event, not sound */
    TAP_COMFORT_NOISE = 8, /* a noise level, not sound */
    TAP_RESTARTED = 16,    /* the source began anew; the timeline goes on */
    TAP_LATE = 32,         /* out of order: its place is before entries already read */
};

/* As numpy sees it: TAP_ENTRY in tap.py has the same layout. */
struct tap_entry {
    uint64_t leg;
    uint64_t timestamp;
    uint64_t sequence;
    int64_t arrived_ns;
    uint32_t offset; /* of the payload in its batch */
    uint32_t lost_before;
    uint16_t length;
    uint16_t samples;
    uint16_t flags;
    uint8_t codec;
    uint8_t payload_type;
};

struct tap {
    struct tap_entry *entries;
    uint8_t *bytes;
    uint32_t entry_mask;
    uint32_t byte_mask;
    _Alignas(CACHE_LINE) uint32_t entry_head; /* moved by the reader */
    uint32_t byte_head;
    _Alignas(CACHE_LINE) uint32_t entry_tail; /* moved by the writer */
    uint32_t byte_tail;
    uint64_t lost;
};

/* Takes about `size` bytes of memory for both parts. */
bool tap_create(struct tap *tap, size_t size);
void tap_destroy(struct tap *tap);
/* Fills in the entry's offset. */
void tap_put(struct tap *tap, struct tap_entry *entry, const uint8_t *payload);
/* What waits; then the copy of exactly that much. `base` is added to each offset. */
void tap_waiting(const struct tap *tap, uint32_t *entries, uint32_t *bytes);
void tap_take(struct tap *tap, uint32_t entries, uint32_t bytes, uint32_t base,
              struct tap_entry *entries_out, uint8_t *bytes_out);

#endif
