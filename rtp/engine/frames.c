/* What all detectors want of frames. See frames.h. */
#include "frames.h"

#define FULL_SCALE 32768.0f
/* Sums that do not wait for each other, so that the compiler can do several at once. */
#define LANES 16

__attribute__((optimize("O3"))) void frames_power(const int16_t *samples, size_t rows,
                                                  float *power) {
    const float scale = 1.0f / (FULL_SCALE * FULL_SCALE * FRAME_SAMPLES);
    for (size_t row = 0; row < rows; row++, samples += FRAME_SAMPLES) {
        float sums[LANES] = {0};
        for (int at = 0; at < FRAME_SAMPLES; at += LANES)
            for (int lane = 0; lane < LANES; lane++) {
                float sample = samples[at + lane];
                sums[lane] += sample * sample;
            }
        float sum = 0;
        for (int lane = 0; lane < LANES; lane++)
            sum += sums[lane];
        power[row] = sum * scale;
    }
}

__attribute__((optimize("O3"))) void frames_floats(const int16_t *samples,
                                                   const intptr_t *picked, size_t count,
                                                   float *floats) {
    for (size_t row = 0; row < count; row++, floats += FRAME_SAMPLES) {
        const int16_t *frame = samples + picked[row] * FRAME_SAMPLES;
        for (int at = 0; at < FRAME_SAMPLES; at++)
            floats[at] = frame[at] * (1.0f / FULL_SCALE);
    }
}
