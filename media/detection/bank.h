/* A bank of tones: how strong each of some frequencies is in a frame.
 *
 * A discrete Fourier transform over 20 ms at the frequencies that matter. 20 ms tell frequencies 50 Hz
 * apart; who needs more looks closer at the few frames that may be his (look.h, dtmf.h). Phases are
 * those at the frame's middle: around it cosines are even and sines odd, which saves half of the work.
 */
#ifndef DETECTION_BANK_H
#define DETECTION_BANK_H

#include "sound.h"

struct bank {
    _Alignas(32) float cosines[HALF][TONE_ROOM];
    _Alignas(32) float sines[HALF][TONE_ROOM];
    void (*transform)(const struct bank *bank, const int16_t *pcm, float *real, float *imaginary);
};

/* Whether vectors of the processor beyond the oldest may be used; tests look at both. */
enum bank_speed { BANK_AS_FAST_AS_CAN_BE, BANK_PLAIN };

/* At most TONE_ROOM frequencies, in Hz. A sine's square comes out as its mean square. */
void bank_fill(struct bank *bank, const double *frequencies, int count, enum bank_speed speed);
/* The tones of sound.h. */
void bank_fill_tones(struct bank *bank);

/* The real and imaginary parts [TONE_ROOM] of a frame's transform. */
static inline void bank_transform(const struct bank *bank, const int16_t *pcm, float *real,
                                  float *imaginary) {
    bank->transform(bank, pcm, real, imaginary);
}

#endif
