/* Bounded queues from one thread to one other, without locks.
 *
 * RING(name, type) makes `struct name` over an array of a power of two entries. The writer never
 * waits: a full ring says so, and the writer counts.
 */
#ifndef ENGINE_RING_H
#define ENGINE_RING_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#define CACHE_LINE 64

#define RING(name, type)                                                                         \
    struct name {                                                                                \
        type *entries;                                                                           \
        uint32_t mask;                                                                           \
        _Alignas(CACHE_LINE) uint32_t head; /* moved by the reader */                            \
        _Alignas(CACHE_LINE) uint32_t tail; /* moved by the writer */                            \
    };                                                                                           \
    static inline bool name##_create(struct name *ring, uint32_t size) {                         \
        ring->entries = calloc(size, sizeof(type));                                              \
        ring->mask = size - 1;                                                                   \
        ring->head = ring->tail = 0;                                                             \
        return ring->entries != NULL;                                                            \
    }                                                                                            \
    static inline void name##_destroy(struct name *ring) {                                       \
        free(ring->entries);                                                                     \
        ring->entries = NULL;                                                                    \
    }                                                                                            \
    static inline uint32_t name##_waiting(const struct name *ring) {                             \
        return __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE) -                                  \
               __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);                                   \
    }                                                                                            \
    static inline bool name##_put(struct name *ring, const type *entry) {                        \
        uint32_t tail = ring->tail;                                                              \
        if (tail - __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE) > ring->mask)                  \
            return false;                                                                        \
        ring->entries[tail & ring->mask] = *entry;                                               \
        __atomic_store_n(&ring->tail, tail + 1, __ATOMIC_RELEASE);                               \
        return true;                                                                             \
    }                                                                                            \
    static inline bool name##_take(struct name *ring, type *entry) {                             \
        uint32_t head = ring->head;                                                              \
        if (head == __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE))                              \
            return false;                                                                        \
        *entry = ring->entries[head & ring->mask];                                               \
        __atomic_store_n(&ring->head, head + 1, __ATOMIC_RELEASE);                               \
        return true;                                                                             \
    }

#endif
