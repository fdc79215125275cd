/* White noise of a level. See noise.h. */
#include "noise.h"

#define FULL_SCALE 32768.0
#define ROOT_OF_THREE 1.7320508
#define ONE_DB_LESS 0.8912509

void noise_set(struct noise *noise, uint8_t level) {
    level &= 127; /* 3.1: "the most significant bit unused and always set to 0" */
    if (level < LOUDEST_NOISE)
        level = LOUDEST_NOISE;
    /* Overload is the power of a square wave of full scale; noise that is spread evenly has a third
     * of its peak's. */
    double peak = FULL_SCALE * ROOT_OF_THREE;
    for (int i = 0; i < level; i++)
        peak *= ONE_DB_LESS;
    noise->amplitude = level > SOFTEST_NOISE ? 0 : (int32_t)(peak + 0.5);
    if (!noise->random)
        noise->random = 0x9e3779b9;
}

void noise_take(struct noise *noise, int16_t *samples, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        /* Numerical Recipes' generator: its upper half is even enough for the ear. */
        noise->random = noise->random * 1664525 + 1013904223;
        samples[i] = (int16_t)((int32_t)(int16_t)(noise->random >> 16) * noise->amplitude >> 15);
    }
}
