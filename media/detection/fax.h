/* Fax tones: ITU-T T.30 section 4 (CNG, CED), V.8 (ANSam), V.25 (answer tone with reversals).
 *
 * CNG is told by its cadence, not by its frequency alone: a burst of 1100 Hz that lasts half a second,
 * three seconds without, and then the next burst while it sounds. The answer tone is told when 2100 Hz
 * has lasted a good second: ANSam with the amplitude modulation or the phase reversals of modems, CED
 * without. Time is counted in samples of the leg's own clock: what was not sent counts too.
 *
 * Which leg does what about it is not known here.
 */
#ifndef DETECTION_FAX_H
#define DETECTION_FAX_H

#include <complex.h>

#include "sound.h"

struct cng {
    int64_t start, last; /* of the burst, frame of it */
    int64_t before;      /* when the burst before ended, if it was as long as CNG is */
    bool told;
};

struct ced {
    int64_t start, last;
    int64_t last_before;         /* the frame before `last` */
    int64_t reversed;            /* when the last reversal was */
    float complex tone, before;  /* amplitudes of the last frame, and of the one before it */
    float complex turn;          /* over two frames, smoothed */
    float complex swing;         /* strength, turned back at 15 Hz */
    float complex turns;         /* what swing would be of a steady strength of 1 */
    float strength;
    uint32_t frames, reversals;
    bool told;
};

struct fax {
    struct cng cng;
    struct ced ced;
};

enum fax_tone { FAX_NONE, FAX_CNG, FAX_CED, FAX_ANSAM };

void fax_reset(struct fax *fax);
/* What was recognised in this frame: once a burst, CNG once a cadence. */
enum fax_tone fax_hear(struct fax *fax, struct frame *frame);

#endif
