/* Frames of linear samples, many at once: how strong they are, and as floating point numbers. */
#ifndef ENGINE_FRAMES_H
#define ENGINE_FRAMES_H

#include "base.h"
#include "timeline.h"

/* Mean square of each frame, a full scale of 1. */
void frames_power(const int16_t *samples, size_t rows, float *power);
/* The frames picked by their row, in -1..1. */
void frames_floats(const int16_t *samples, const intptr_t *picked, size_t count, float *floats);

#endif
