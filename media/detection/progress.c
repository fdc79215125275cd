/* Bursts and pauses, special information, silence. See progress.h. */
#include "progress.h"

#include <math.h>
#include <string.h>

/* Share of a frame's energy in one tone of the bank: 440 and 480 Hz together leave 0.4 of it when
 * their beat is at its lowest. */
#define GATE 0.3f
/* A pause up to this is none: lost packets, and the troughs of modulated tones. The shortest of a
 * cadence is 167 ms. */
#define DROPOUT MS(70)
/* The first frame of a burst may be only half tone: it is in no block. */
#define FIRST (-1)

/* E.180 section 7: each tone 330 +-70 ms, up to 30 ms apart. North America's are 276 or 380 ms, and up
 * to 40 Hz off. */
#define SIT_SHARE 0.7f
#define SIT_LASTS MS(200)
/* So much of the third one must have been heard. */
#define SIT_LAST_LASTS MS(140)
#define SIT_APART MS(110)

/* Five seconds and more: the longest pause of a ringing tone is five. */
#define SILENCE_LASTS MS(5500)
/* -50 dBFS: whatever it is, it is not heard. */
#define SILENT 1e-5f
/* Noise whose frames are within 9 dB of each other is silence too ... */
#define STEADY 8.0f
/* ... up to -30 dBFS; what is louder is music. */
#define NOISE 1e-3f

void cadence_bank_fill(struct cadence_bank *bank, const double *frequencies, int count) {
    bank_fill(&bank->bank, frequencies, count, BANK_AS_FAST_AS_CAN_BE);
    bank->count = count;
    for (int frame = 0; frame < BLOCK; frame++)
        for (int tone = 0; tone < count; tone++) {
            double angle = 2 * PI * frequencies[tone] * frame * FRAME / SAMPLE_RATE;
            bank->turn_real[frame][tone] = (float)cos(angle);
            bank->turn_imaginary[frame][tone] = (float)-sin(angle);
        }
}

void progress_reset(struct progress *progress) {
    memset(progress, 0, sizeof *progress);
    progress->start = progress->last = progress->silent_since = NEVER;
    progress->sit_start = progress->sit_last = NEVER;
    progress->sit = -1;
}

/* Bursts. */

/* A burst is over when its tone has been away for longer than a dropout. */
static void end_burst(struct progress *progress, int count, int64_t position, bool sounds,
                      struct progress_told *told) {
    if (!progress->sounds || position - progress->last - (sounds ? FRAME : 0) <= DROPOUT)
        return;
    progress->sounds = false;
    told->burst_over = true;
    told->burst.milliseconds = (float)(progress->last + FRAME - progress->start) / MS(1);
    for (int tone = 0; tone < count; tone++)
        told->burst.shares[tone] = progress->power[tone] / larger(progress->energy, 1e-12f);
}

static void end_block(struct progress *progress, int count) {
    for (int tone = 0; tone < count; tone++) {
        float real = progress->real[tone], imaginary = progress->imaginary[tone];
        progress->power[tone] += (real * real + imaginary * imaginary) / BLOCK;
    }
    progress->energy += progress->block_energy;
    progress->blocked = 0;
}

static void add_to_block(struct progress *progress, const struct cadence_bank *bank,
                         struct frame *frame) {
    _Alignas(32) float real[TONE_ROOM], imaginary[TONE_ROOM];
    if (progress->blocked <= 0) {
        memset(progress->real, 0, sizeof progress->real);
        memset(progress->imaginary, 0, sizeof progress->imaginary);
        progress->block_energy = 0;
    }
    if (progress->blocked != FIRST) {
        const float *turn_real = bank->turn_real[progress->blocked];
        const float *turn_imaginary = bank->turn_imaginary[progress->blocked];
        bank_transform(&bank->bank, frame->pcm, real, imaginary);
        for (int tone = 0; tone < bank->count; tone++) {
            progress->real[tone] +=
                real[tone] * turn_real[tone] - imaginary[tone] * turn_imaginary[tone];
            progress->imaginary[tone] +=
                real[tone] * turn_imaginary[tone] + imaginary[tone] * turn_real[tone];
        }
        progress->block_energy += dot(samples_of(frame), samples_of(frame), FRAME) / FRAME;
    }
    if (++progress->blocked >= BLOCK)
        end_block(progress, bank->count);
}

/* Go on with a burst or begin a new one, at whose beginning the pause is known. */
static void sound(struct progress *progress, const struct cadence_bank *bank,
                  struct frame *frame, struct progress_told *told) {
    int64_t position = frame->position, last = progress->last;
    if (!progress->sounds) {
        told->pause_over = last != NEVER;
        told->pause = (float)(position - last - FRAME) / MS(1);
        progress->sounds = true;
        progress->start = position;
        progress->energy = 0;
        memset(progress->power, 0, sizeof progress->power);
    }
    if (progress->start == position || position - last != FRAME)
        progress->blocked = FIRST;
    progress->last = position;
    add_to_block(progress, bank, frame);
}

/* Special information. */

static int sit_band(float frequency) {
    static const float bands[][2] = {{890, 1010}, {1340, 1460}, {1740, 1840}};
    for (int band = 0; band < 3; band++)
        if (bands[band][0] <= frequency && frequency <= bands[band][1])
            return band;
    return -1;
}

/* Three tones, one after the other. */
static bool hear_sit(struct progress *progress, int64_t position, const struct look *look) {
    int band = look->share >= SIT_SHARE ? sit_band(look->frequency) : -1;
    if (band < 0)
        return false;
    bool goes_on = position - progress->sit_last <= FRAME + SIT_APART;
    if (!goes_on || band != progress->sit) {
        bool lasted = progress->sit_last + FRAME - progress->sit_start >= SIT_LASTS;
        bool follows = goes_on && band == progress->sit + 1 && lasted;
        progress->sit = (int8_t)(follows || band == 0 ? band : -1);
        progress->sit_start = position;
    }
    progress->sit_last = position;
    return progress->sit == 2 && position + FRAME - progress->sit_start >= SIT_LAST_LASTS;
}

/* Silence. */

static bool hear_silence(struct progress *progress, struct frame *frame, bool sounds) {
    float softest = smaller(progress->softest, frame->power);
    float loudest = larger(progress->loudest, frame->power);
    bool silent = !sounds && progress->silent_since != NEVER &&
                  (loudest <= SILENT || loudest <= smaller(STEADY * softest, NOISE));
    if (!silent)
        progress->silent_since = frame->position;
    progress->softest = silent ? softest : frame->power;
    progress->loudest = silent ? loudest : frame->power;
    return frame->position + FRAME - progress->silent_since >= SILENCE_LASTS;
}

void progress_hear(struct progress *progress, const struct cadence_bank *bank,
                   struct frame *frame, const struct look *look,
                   struct progress_told *told) {
    float tone = strongest(frame->tones + PROGRESS_TONES, TONES - PROGRESS_TONES, NULL);
    bool sounds = tone > GATE * frame->power && frame->power > QUIET;
    told->burst_over = told->pause_over = false;
    end_burst(progress, bank->count, frame->position, sounds, told);
    if (sounds)
        sound(progress, bank, frame, told);
    told->sit = hear_sit(progress, frame->position, look);
    told->silence = hear_silence(progress, frame, sounds);
}
