/* The tap ring. See tap.h. */
#include "tap.h"

#include <string.h>

/* A payload of this size on average fills both parts at once: 10 ms of G.711 at worst, and
 * twice the entries that 20 ms needs. */
#define BYTES_AN_ENTRY 64
#define PREFETCHED_ENTRIES 6

static uint32_t power_of_two_within(size_t size) {
    uint32_t power = 1;
    while (power < (UINT32_C(1) << 30) && (size_t)power * 2 <= size)
        power *= 2;
    return power;
}

bool tap_create(struct tap *tap, size_t size) {
    uint32_t bytes = power_of_two_within(size / 2);
    if (bytes < 4 * MAX_PAYLOAD)
        bytes = 8192;
    uint32_t entries = bytes / BYTES_AN_ENTRY;
    memset(tap, 0, sizeof *tap);
    tap->entries = malloc(entries * sizeof *tap->entries);
    tap->bytes = malloc(bytes);
    tap->entry_mask = entries - 1;
    tap->byte_mask = bytes - 1;
    return tap->entries && tap->bytes;
}

void tap_destroy(struct tap *tap) {
    free(tap->entries);
    free(tap->bytes);
    tap->entries = NULL;
    tap->bytes = NULL;
}

static void copy_in(struct tap *tap, const uint8_t *payload, uint32_t length) {
    uint32_t at = tap->byte_tail & tap->byte_mask;
    uint32_t first = tap->byte_mask + 1 - at;
    if (first > length)
        first = length;
    memcpy(tap->bytes + at, payload, first);
    memcpy(tap->bytes, payload + first, length - first);
}

/* The ring is larger than the near caches: the places of the next packets are asked for early. */
static inline __attribute__((always_inline)) void prefetch_ahead(const struct tap *tap) {
    uint32_t bytes = tap->byte_tail + PREFETCHED_ENTRIES * 160;
    __builtin_prefetch(&tap->entries[(tap->entry_tail + PREFETCHED_ENTRIES) & tap->entry_mask], 1);
    for (uint32_t at = 0; at < 160; at += CACHE_LINE)
        __builtin_prefetch(tap->bytes + ((bytes + at) & tap->byte_mask), 1);
}

void tap_put(struct tap *tap, struct tap_entry *entry, const uint8_t *payload) {
    uint32_t entry_head = __atomic_load_n(&tap->entry_head, __ATOMIC_ACQUIRE);
    uint32_t byte_head = __atomic_load_n(&tap->byte_head, __ATOMIC_ACQUIRE);
    if (tap->entry_tail - entry_head > tap->entry_mask ||
        tap->byte_tail - byte_head + entry->length > tap->byte_mask + 1) {
        COUNT(tap->lost);
        return;
    }
    prefetch_ahead(tap);
    copy_in(tap, payload, entry->length);
    entry->offset = tap->byte_tail;
    tap->entries[tap->entry_tail & tap->entry_mask] = *entry;
    __atomic_store_n(&tap->byte_tail, tap->byte_tail + entry->length, __ATOMIC_RELEASE);
    __atomic_store_n(&tap->entry_tail, tap->entry_tail + 1, __ATOMIC_RELEASE);
}

void tap_waiting(const struct tap *tap, uint32_t *entries, uint32_t *bytes) {
    uint32_t tail = __atomic_load_n(&tap->entry_tail, __ATOMIC_ACQUIRE);
    *entries = tail - tap->entry_head;
    *bytes = 0;
    if (*entries) {
        const struct tap_entry *last = &tap->entries[(tail - 1) & tap->entry_mask];
        *bytes = last->offset + last->length - tap->byte_head;
    }
}

void tap_take(struct tap *tap, uint32_t entries, uint32_t bytes, uint32_t base,
              struct tap_entry *entries_out, uint8_t *bytes_out) {
    uint32_t start = tap->byte_head, at = start & tap->byte_mask;
    uint32_t first = tap->byte_mask + 1 - at;
    if (first > bytes)
        first = bytes;
    memcpy(bytes_out, tap->bytes + at, first);
    memcpy(bytes_out + first, tap->bytes, bytes - first);
    for (uint32_t i = 0; i < entries; i++) {
        entries_out[i] = tap->entries[(tap->entry_head + i) & tap->entry_mask];
        entries_out[i].offset = entries_out[i].offset - start + base;
    }
    __atomic_store_n(&tap->byte_head, start + bytes, __ATOMIC_RELEASE);
    __atomic_store_n(&tap->entry_head, tap->entry_head + entries, __ATOMIC_RELEASE);
}
