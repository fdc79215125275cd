/* A closer look at a frame that should hold one tone: its frequency, its share, its phase. */
#ifndef DETECTION_LOOK_H
#define DETECTION_LOOK_H

#include "sound.h"

struct look {
    float frequency;            /* Hz */
    float share;                /* of the frame's energy, in a tone of that frequency */
    float real, imaginary;      /* amplitude, its phase that of the expected frequency (to 5 Hz) at
                                   the frame's start */
};

/* Beeps and special information lie within; further away nothing is looked for. */
#define LOWEST_HZ 390.0f
#define HIGHEST_HZ 2120.0f

/* Once, before anything is looked at. */
void look_prepare(void);
/* The tone expected at a frequency; true within 50 Hz, half a turn from one half of the frame to the
 * other. */
struct look look_at(const float *samples, float frequency);
/* The tone that carries a frame, wherever it is between LOWEST_HZ and HIGHEST_HZ; a share of 0 for
 * none. `power`: the frame's mean square. */
struct look look_for(const float *samples, float power);
/* Share of a tone's power that a transform of 10 ms still sees when it is so many Hz off (up to 50):
 * the square of sin x / x, its series to the eighth power. */
float look_kept(float error);

#endif
