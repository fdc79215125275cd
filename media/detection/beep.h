/* The beep of an answering machine: one tone of any frequency, then quiet.
 *
 * ITU-T Q.23's keys, speech and music are none: a beep is a single steady sine from the first to the
 * last frame. Which machine it was is not known here.
 */
#ifndef DETECTION_BEEP_H
#define DETECTION_BEEP_H

#include "look.h"
#include "sound.h"

struct beep {
    int64_t start, last;
    uint32_t frames;
    float frequency, power;
};

void beep_reset(struct beep *beep);
/* Whether a tone sounds that may be one: its end is to be heard, however quiet. */
static inline bool beep_sounds(const struct beep *beep) { return beep->start != NEVER; }
/* Whether a beep is over, and it is quiet. `look`: the tone that carries the frame. Frames that are
 * missing are not given. */
bool beep_hear(struct beep *beep, const struct frame *frame, const struct look *look);

#endif
