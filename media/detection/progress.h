/* Call progress heard on a leg that is being called: bursts and pauses, special information, silence.
 *
 * 440 and 480 Hz are 40 Hz apart, 20 ms tell 50: the transforms of five frames in a row, turned to a
 * common origin, add up to that of 100 ms, which tells 10 Hz. What a cadence is called is not known
 * here, and not which frequencies it is made of: those are given.
 */
#ifndef DETECTION_PROGRESS_H
#define DETECTION_PROGRESS_H

#include "bank.h"
#include "look.h"
#include "sound.h"

/* Frames in a row that are transformed together: 100 ms. */
#define BLOCK 5

/* The frequencies of cadences. */
struct cadence_bank {
    struct bank bank;
    int count;
    float turn_real[BLOCK][TONE_ROOM], turn_imaginary[BLOCK][TONE_ROOM]; /* by frame of a block */
};

struct progress {
    int64_t start, last; /* of the burst, frame of it */
    int64_t silent_since;
    int64_t sit_start, sit_last;
    float softest, loudest;
    float energy, block_energy;
    float real[TONE_ROOM], imaginary[TONE_ROOM]; /* of the block */
    float power[TONE_ROOM];                      /* of whole blocks */
    int8_t blocked; /* frames in the block */
    int8_t sit;     /* which of its tones sounds */
    bool sounds;
};

struct burst {
    float milliseconds;
    float shares[TONE_ROOM]; /* of its energy in each frequency */
};

/* What one frame can tell. */
struct progress_told {
    bool burst_over, pause_over, sit, silence;
    struct burst burst;
    float pause; /* milliseconds */
};

void cadence_bank_fill(struct cadence_bank *bank, const double *frequencies, int count);
void progress_reset(struct progress *progress);
/* `look`: the tone that carries the frame. Frames that are missing are not given. */
void progress_hear(struct progress *progress, const struct cadence_bank *bank,
                   struct frame *frame, const struct look *look,
                   struct progress_told *told);

#endif
