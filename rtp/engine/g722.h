/* G.722 at 64 kbit/s (ITU-T Rec. G.722, mode 1) as far as telephony hears it: the lower sub-band.
 *
 * An octet carries two samples of 16 kHz sound: six bits code what lies below 4 kHz, two what lies
 * above. All else in the engine is 8 kHz sound, which is what the lower sub-band is, so that it is
 * coded and decoded alone: no filter banks, half the work. What is said above 4 kHz is passed on
 * between two who both speak G.722 and is not heard by others; what is coded here has silence there.
 *
 * RFC 3551 4.5.2: the RTP clock of G.722 is 8,000 Hz, by an old mistake: an octet a tick.
 */
#ifndef ENGINE_G722_H
#define ENGINE_G722_H

#include <stddef.h>
#include <stdint.h>

/* The smallest steps in both sub-bands. */
#define G722_SILENCE 0xff

#define G722_ZEROS 6

/* The state that coder and decoder share, once each: section 3 of the recommendation, where the
 * names stand too. */
struct g722 {
    int32_t log_scale;              /* nabla: the logarithm of the quantizer's scale */
    int32_t scale;                  /* delta */
    int32_t estimate;               /* s: what is predicted of the next sample */
    int32_t zero_estimate;          /* s_z: the zeros' part of it */
    int32_t differences[G722_ZEROS]; /* d_t, quantized; the newest first */
    int32_t zeros[G722_ZEROS];      /* b */
    int32_t poles[2];               /* a */
    int32_t reconstructed[2];       /* r_t */
    int32_t partial[2];             /* p_t: reconstructed by the zeros alone */
};

void g722_init(struct g722 *state);
/* 8 kHz samples, an octet each. */
void g722_encode(struct g722 *state, const int16_t *samples, size_t count, uint8_t *out);
void g722_decode(struct g722 *state, const uint8_t *octets, size_t count, int16_t *out);

#endif
