/* All detectors of all legs: one frame of each goes in, what was recognised comes out.
 *
 * Each leg has a slot, a small number. Most legs are silent most of the time, and only those are looked
 * at that sound, whose end of a sound is waited for, or on which silence counts. Used by one thread at a
 * time; knows no Python.
 */
#ifndef DETECTION_DETECTORS_H
#define DETECTION_DETECTORS_H

#include "bank.h"
#include "beep.h"
#include "fax.h"
#include "keys.h"
#include "progress.h"
#include "sound.h"
#include "steady.h"

/* More legs than one process can have ports for; beyond it a slot number is a mistake. */
#define MAX_SLOTS (1 << 17)

/* What a leg is listened to for. */
#define WANT_KEYS 1
#define WANT_FAX 2
#define WANT_PROGRESS 4 /* it rings */
#define WANT_BEEP 8

enum sign_kind { SIGN_KEY, SIGN_KEY_SOUNDS, SIGN_FAX, SIGN_PROGRESS, SIGN_BURST, SIGN_PAUSE };

struct sign {
    intptr_t slot;
    enum sign_kind kind;
    const char *name;   /* of a key, a fax tone, progress */
    struct burst burst; /* of a burst; of a pause how long it was */
};

struct detector_leg {
    int64_t position; /* of the last frame */
    uint8_t wants;
    struct keys keys;
    struct steady steady;
    struct beep beep;
    struct fax fax;
    struct progress progress;
};

struct round {
    size_t rows;
    const intptr_t *slots;
    const int16_t *samples;   /* a frame a row, zero where nothing arrived */
    const uint8_t *valid;     /* which samples arrived, 0 or 1 */
    const int64_t *positions; /* of the frames' first samples */
    const float *power;       /* mean square of each frame */
    uint8_t *tonal;           /* to be told: whether a tone carries the frame */
    uint8_t *beep;            /* and whether a beep is over, and it is quiet */
};

struct detectors {
    struct bank bank;
    struct cadence_bank cadences;
    struct detector_leg *legs; /* by slot */
    size_t room;
    struct sign *signs; /* of the last round */
    size_t sign_count, sign_room;
};

/* `frequencies`: those of cadences, in Hz, TONE_ROOM at most. */
struct detectors *detectors_create(const double *frequencies, int count);
void detectors_destroy(struct detectors *detectors);
/* Another leg has this slot. False: there is no such slot, or no memory. */
bool detectors_open(struct detectors *detectors, size_t slot, uint8_t wants);
/* What a leg is listened to for from now on. */
bool detectors_want(struct detectors *detectors, size_t slot, uint8_t wants);
/* False: a slot that was never opened, or no memory; nothing of the rest was heard. */
bool detectors_hear(struct detectors *detectors, const struct round *round);

#endif
