/* CNG and answer tones. See fax.h. */
#include "fax.h"

#include <math.h>

#include "look.h"

/* Share of a frame's energy in the bank's tones that is worth a closer look. */
#define GATE 0.3f
/* Of the frame's energy; in noise 10 dB below it is 0.9, in a burst's first and last frame less. */
#define LEAST_SHARE 0.6f
/* Frames missing for so long do not end a burst: two lost packets. */
#define MAX_DROPOUT MS(60)

/* T.30 4.1: CNG is 1100 Hz +-38 Hz, 0.5 s on and 3 s off, both +-15 %. */
#define CNG_HZ 1100
#define CNG_ERROR_HZ 45
/* 0.425 to 0.575 s, a frame and more of it cut or added at both ends. */
#define CNG_LEAST_ON MS(370)
#define CNG_MOST_ON MS(630)
#define CNG_LEAST_OFF MS(2490)
#define CNG_MOST_OFF MS(3510)
/* So much of the second burst must have been heard. */
#define CNG_SECOND MS(160)

/* T.30 4.2 and V.25: 2100 Hz +-15 Hz, 2.6 to 4 s. */
#define CED_HZ 2100
#define CED_ERROR_HZ 22
/* Two reversals (every 450 +-25 ms) and 19 periods of the modulation are in it; a note of music that
 * is as high and as plain is seldom as long. */
#define CED_LASTS MS(1300)
/* Share of that time that must have been 2100 Hz. */
#define LEAST_HEARD 0.75f
#define MODULATED_HZ 15
/* V.8 7.2: the amplitude is modulated by 20 % of its mean; in noise 10 dB below a plain tone seems to
 * be by 1 %. */
#define LEAST_DEPTH 0.08f
/* Phases are compared over two frames: with a frame between in which it may have turned. */
#define BACK (2 * FRAME)
/* Reversals are 425 ms apart at least. */
#define LEAST_BETWEEN MS(350)

static void reset_ced(struct ced *ced) {
    *ced = (struct ced){.start = NEVER, .last = NEVER, .last_before = NEVER, .reversed = NEVER};
}

void fax_reset(struct fax *fax) {
    fax->cng = (struct cng){.start = NEVER, .last = NEVER, .before = NEVER};
    reset_ced(&fax->ced);
}

static bool is_tone(const struct look *look, int frequency, int error) {
    return fabsf(look->frequency - (float)frequency) <= (float)error &&
           look->share >= LEAST_SHARE;
}

/* CNG. */

static bool hear_cng(struct cng *cng, struct frame *frame) {
    struct look look = look_at(samples_of(frame), CNG_HZ);
    if (!is_tone(&look, CNG_HZ, CNG_ERROR_HZ))
        return false;
    int64_t position = frame->position;
    if (position - cng->last > FRAME + MAX_DROPOUT) {
        int64_t length = cng->last + FRAME - cng->start;
        bool as_cng = length >= CNG_LEAST_ON && length <= CNG_MOST_ON;
        *cng = (struct cng){.start = position, .before = as_cng ? cng->last + FRAME : NEVER};
    }
    cng->last = position;
    int64_t gap = cng->start - cng->before;
    if (cng->told || position + FRAME - cng->start < CNG_SECOND || gap < CNG_LEAST_OFF ||
        gap > CNG_MOST_OFF)
        return false;
    return cng->told = true;
}

/* Answer tones. */

/* The turn since two frames ago, of length 1; 0 when that is not known. */
static float complex turn_since(const struct ced *ced, int64_t position, float complex tone) {
    float complex turn = 0;
    if (position - ced->last == BACK)
        turn = tone * conjf(ced->tone);
    else if (position - ced->last_before == BACK)
        turn = tone * conjf(ced->before);
    float size = cabsf(turn);
    return size > 0 ? turn / larger(size, 1e-12f) : 0;
}

/* 2100 Hz turn 84 times in two frames: but for a reversal, and for the little that the sender is off,
 * the phase is where it was. */
static void follow_phase(struct ced *ced, int64_t position, float complex tone) {
    float complex turn = turn_since(ced, position, tone), usual = ced->turn;
    float against = crealf(turn * conjf(usual)), size = cabsf(usual);
    if (against < -0.5f * size && size > 0.5f) {
        if (position - ced->reversed >= LEAST_BETWEEN) {
            ced->reversals++;
            ced->reversed = position;
        }
    } else if (turn != 0) {
        ced->turn = usual == 0 ? turn : 0.8f * usual + 0.2f * turn;
    }
    ced->before = ced->tone;
    ced->last_before = ced->last;
    ced->tone = tone;
}

/* How the amplitude swings at 15 Hz. */
static void follow_strength(struct ced *ced, int64_t position, float strength) {
    int64_t since = (position - ced->start) % (SAMPLE_RATE / 5); /* three whole swings */
    float angle = (float)(2 * PI * MODULATED_HZ / SAMPLE_RATE) * (float)since;
    float complex turn = cosf(angle) - I * sinf(angle);
    ced->last = position;
    ced->frames++;
    ced->strength += strength;
    ced->swing += strength * turn;
    ced->turns += turn;
}

static bool is_modem(const struct ced *ced) {
    float strength = larger(ced->strength, 1e-9f);
    /* What a steady tone would give, of which frames are missing, is no swing. */
    float complex swing = ced->swing - strength / (float)ced->frames * ced->turns;
    return ced->reversals > 0 || 2 * cabsf(swing) / strength >= LEAST_DEPTH;
}

static enum fax_tone hear_ced(struct ced *ced, struct frame *frame) {
    struct look look = look_at(samples_of(frame), CED_HZ);
    if (!is_tone(&look, CED_HZ, CED_ERROR_HZ))
        return FAX_NONE;
    int64_t position = frame->position;
    if (position - ced->last > FRAME + MAX_DROPOUT) {
        reset_ced(ced);
        ced->start = position;
    }
    if (ced->told) {
        ced->last = position;
        return FAX_NONE;
    }
    float complex tone = look.real + I * look.imaginary;
    follow_phase(ced, position, tone);
    follow_strength(ced, position, cabsf(tone));
    int64_t lasted = position + FRAME - ced->start;
    if (lasted < CED_LASTS || (float)(ced->frames * FRAME) < LEAST_HEARD * (float)lasted)
        return FAX_NONE;
    ced->told = true;
    return is_modem(ced) ? FAX_ANSAM : FAX_CED;
}

enum fax_tone fax_hear(struct fax *fax, struct frame *frame) {
    float least = GATE * frame->power;
    if (frame->power <= QUIET)
        return FAX_NONE;
    if (strongest(frame->tones + CNG_TONES, 2, NULL) > least && hear_cng(&fax->cng, frame))
        return FAX_CNG;
    return frame->tones[CED_TONE] > least ? hear_ced(&fax->ced, frame) : FAX_NONE;
}
