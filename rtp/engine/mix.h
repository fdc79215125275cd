/* A mix: the voices that one leg hears together, summed once a frame.
 *
 * Each listener has its own, so that nobody hears itself and each may hear others. Made by the
 * commanding thread, taken and freed by the listener's shard. Telephone events and comfort noise
 * are no sound and do not come through. Knows no clock: told when a frame is due.
 */
#ifndef ENGINE_MIX_H
#define ENGINE_MIX_H

#include "voice.h"

/* A hundred speak in no conference; bounds the sum (128 full-scale voices stay far from 32 bits)
 * and the work of one frame. */
#define MAX_MIXED 128

struct mix {
    uint32_t count;
    struct voice *voices[MAX_MIXED];
};

/* Without voices; NULL without memory. */
struct mix *mix_create(void);
/* At most MAX_MIXED; holds the voice. */
void mix_add(struct mix *mix, struct voice *voice);
void mix_free(struct mix *mix);
/* The frame whose time ends at `due`, clipped once. At most MAX_PTIME_MS long. */
void mix_take(const struct mix *mix, uint8_t codec, uint8_t *out, uint32_t samples, int64_t due);

#endif
