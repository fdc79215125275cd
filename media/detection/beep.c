/* One steady tone, then quiet. See beep.h. */
#include "beep.h"

#include <math.h>

/* Of 0.15 s that fall anywhere between frames, six whole ones; both ends may look like noise. */
#define SHORTEST MS(110)
#define LONGEST MS(2050)
#define LEAST_SHARE 0.75f
#define MOST_DRIFT_HZ 20
/* Of its power, from frame to frame: 4 dB. */
#define MOST_CHANGE 2.5119f
/* 8 dB. */
#define QUIETER 0.15849f
/* It must be quiet so soon after the tone: one frame holds its end, a lost one comes on top. */
#define UNTIL_QUIET MS(100)
/* Frames after which a tone is what it is; the first may have been only half of one. */
#define BEGINNING 2
/* Share of its frames that must have been heard as its tone. */
#define LEAST_HEARD 0.75f

void beep_reset(struct beep *beep) { *beep = (struct beep){.start = NEVER, .last = NEVER}; }

/* Go on with a tone, or begin a new one. The frame in which a tone ends may hold a tone still, weaker
 * or of a frequency that is not right: it is left out. */
static bool sound(struct beep *beep, const struct frame *frame, float frequency) {
    float change = frame->power / larger(beep->power, 1e-12f);
    bool recent = frame->position - beep->last <= UNTIL_QUIET;
    bool same = recent && fabsf(frequency - beep->frequency) <= MOST_DRIFT_HZ &&
                change <= MOST_CHANGE && change >= 1 / MOST_CHANGE;
    if (!same && recent && beep->frames > BEGINNING)
        return false;
    if (!same)
        beep->start = frame->position;
    beep->frames = same ? beep->frames + 1 : 1;
    beep->frequency = frequency;
    beep->power = frame->power;
    beep->last = frame->position;
    return true;
}

bool beep_hear(struct beep *beep, const struct frame *frame, const struct look *look) {
    bool tone = look->share >= LEAST_SHARE && frame->power > QUIET &&
                look->frequency >= LOWEST_HZ && look->frequency <= HIGHEST_HZ;
    if ((tone && sound(beep, frame, look->frequency)) || !beep_sounds(beep))
        return false;
    int64_t length = beep->last + FRAME - beep->start;
    bool right = length >= SHORTEST && length <= LONGEST &&
                 frame->power <= QUIETER * beep->power &&
                 (float)(beep->frames * FRAME) >= LEAST_HEARD * (float)length;
    bool late = frame->position - beep->last > UNTIL_QUIET;
    if (right || late)
        beep_reset(beep);
    return right && !late;
}
