/* White noise of a level. See noise.h. */
#include "noise.h"

#include <math.h>

void noise_set(struct noise *noise, uint8_t level) {
    level &= 127; /* 3.1: "the most significant bit unused and always set to 0" */
    if (level < LOUDEST_NOISE)
        level = LOUDEST_NOISE;
    /* Overload is the power of a square wave of full scale; noise that is spread evenly has a third
     * of its peak's. */
    double rms = level > SOFTEST_NOISE ? 0 : 32768 * pow(10, level / -20.0);
    noise->amplitude = (int32_t)(rms * sqrt(3) + 0.5);
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
