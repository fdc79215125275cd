/* A voice: what a leg says, laid out by the wall clock for those who hear it among others.
 *
 * The leg's shard writes; mixers of any shard read, so the samples are shared without a lock. A
 * packet is laid out a little ahead of its arrival, and that lead is what its jitter may use up:
 * 20 ms at first, more after a packet that came late, back to 20 ms when two seconds needed less.
 * Positions count samples of the engine's clock. Knows no legs.
 */
#ifndef ENGINE_VOICE_H
#define ENGINE_VOICE_H

#include "base.h"
#include "ring.h"
#include "source.h"

/* Half a second: the longest packet, the largest lead and a reader that is behind, together. */
#define VOICE_SAMPLES 4096u
/* Where a packet is laid out that begins anew: one frame of jitter. */
#define VOICE_LEAD 160
/* What a late packet gets beyond its lateness, so that a slow clock is not late each time. */
#define VOICE_MARGIN 40
/* Later than this it was no jitter: the sender paused, or its clock stood still. */
#define MAX_VOICE_LATENESS 480
/* 100 ms ahead of time, after a burst: what is there is cut short. */
#define MAX_VOICE_LEAD 800
/* A frame of MAX_PTIME_MS. */
#define MAX_VOICE_READ 480
/* Packets over which the least lead is watched: two seconds of 20 ms. */
#define VOICE_WATCH 100

struct voice {
    uint32_t references; /* the leg's, and each mix's */
    uint32_t readers;    /* mixes; without one nothing is laid out */
    bool placed;
    uint32_t watched;
    int64_t least_lead;
    uint64_t offset; /* position less timestamp */
    _Alignas(CACHE_LINE) int64_t end; /* the position after the newest sample */
    _Alignas(CACHE_LINE) union {
        uint16_t samples[VOICE_SAMPLES];
        uint64_t groups[VOICE_SAMPLES / 4];
    };
};

/* Held once; NULL without memory. */
struct voice *voice_create(void);
void voice_hold(struct voice *voice);
void voice_release(struct voice *voice);
/* An audio packet at its place on its leg's timeline. */
void voice_put(struct voice *voice, uint8_t codec, const uint8_t *payload, size_t length,
               const struct place *place, int64_t now);
/* Adds the samples from `position` on to `sum`; at most MAX_VOICE_READ. */
void voice_add(const struct voice *voice, int64_t position, uint32_t count, int32_t *sum);

#endif
