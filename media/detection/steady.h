/* Whether a tone carries a frame, so that there is no speech in it.
 *
 * One tone of the bank or a pair has most of the energy, and has had as much in the frames before: a
 * voice's harmonics pass through the same frequencies, but do not stay.
 */
#ifndef DETECTION_STEADY_H
#define DETECTION_STEADY_H

#include "sound.h"

struct steady {
    int64_t last; /* position of the last frame that a tone carried */
    float power;
    uint32_t run; /* such frames in a row */
};

void steady_reset(struct steady *steady);
bool steady_hear(struct steady *steady, const struct frame *frame);

#endif
