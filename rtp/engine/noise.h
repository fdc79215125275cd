/* Comfort noise (RFC 3389) for those who do not make their own: what a far end says of its silence,
 * as sound.
 *
 * White noise of the level that was told; its spectrum, which may be told too, is not followed
 * (section 3 lets a receiver read the level alone). Knows no packets and no clock.
 */
#ifndef ENGINE_NOISE_H
#define ENGINE_NOISE_H

#include "base.h"

/* In dB below overload, which is how it is told. No room is louder than this while nobody speaks,
 * and who says so must not deafen anybody. */
#define LOUDEST_NOISE 30
/* Softer than a step of G.711. */
#define SOFTEST_NOISE 78

struct noise {
    int32_t amplitude;
    uint32_t random;
};

/* `level`: the first octet of a payload. */
void noise_set(struct noise *noise, uint8_t level);
void noise_take(struct noise *noise, int16_t *samples, uint32_t count);

#endif
