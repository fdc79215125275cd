/* What every part of the media engine shares: fixed sizes, units and counters.
 *
 * The engine is written like a sans-IO core: only shard.c, ports.c and engine.c touch sockets,
 * threads and clocks. Everything else is told what arrived and what time it is.
 */
#ifndef ENGINE_BASE_H
#define ENGINE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NS_PER_SECOND INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

/* RFC 3550 5.1: the fixed header without contributing sources. */
#define RTP_HEADER_LENGTH 12
/* An Ethernet frame's worth; a longer payload is dropped, counted as too_long. */
#define MAX_PAYLOAD 1500
/* Room for the header, fifteen contributing sources and an extension before MAX_PAYLOAD. */
#define MAX_PACKET 2048

#define MIN_PTIME_MS 10
/* Above 60 ms nobody packs G.711; also the reach of the pacing wheel (64 slots of 1 ms). */
#define MAX_PTIME_MS 60

/* Counters have one writer (the shard) and are read by Python at any time. */
#define ADD(field, amount) __atomic_store_n(&(field), (field) + (amount), __ATOMIC_RELAXED)
#define COUNT(field) ADD(field, 1)
#define STORE(field, value) __atomic_store_n(&(field), (value), __ATOMIC_RELAXED)
#define LOAD(field) __atomic_load_n(&(field), __ATOMIC_RELAXED)

static inline uint16_t read_16(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }

static inline uint32_t read_32(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static inline void write_16(uint8_t *at, uint16_t value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static inline void write_32(uint8_t *at, uint32_t value) {
    write_16(at, (uint16_t)(value >> 16));
    write_16(at + 2, (uint16_t)value);
}

/* Time as samples; long gaps do not overflow (a day in ns times 48,000 would). */
static inline int64_t samples_in(int64_t ns, uint32_t clock_rate) {
    return ns / NS_PER_SECOND * clock_rate + ns % NS_PER_SECOND * clock_rate / NS_PER_SECOND;
}

/* splitmix64: SSRC, first sequence numbers and RTCP intervals; seeded from the system's entropy. */
static inline uint64_t next_random(uint64_t *state) {
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

#endif
