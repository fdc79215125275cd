/* What the tests look at of the detectors' parts, as functions of plain arrays. */
#include "bank.h"
#include "look.h"

/* The mean square of each frequency in a frame; `plain`: without vectors beyond the oldest. */
void face_strengths(int plain, const double *frequencies, int count, const int16_t *pcm,
                    float *strengths) {
    _Alignas(32) float real[TONE_ROOM], imaginary[TONE_ROOM];
    struct bank bank;
    bank_fill(&bank, frequencies, count, plain ? BANK_PLAIN : BANK_AS_FAST_AS_CAN_BE);
    bank_transform(&bank, pcm, real, imaginary);
    for (int tone = 0; tone < count; tone++)
        strengths[tone] = real[tone] * real[tone] + imaginary[tone] * imaginary[tone];
}

void face_look_at(const float *samples, float frequency, float *found) {
    look_prepare();
    struct look look = look_at(samples, frequency);
    found[0] = look.frequency;
    found[1] = look.share;
    found[2] = look.real;
    found[3] = look.imaginary;
}

void face_look_for(const float *samples, float *found) {
    look_prepare();
    struct look look = look_for(samples, dot(samples, samples, FRAME) / FRAME);
    found[0] = look.frequency;
    found[1] = look.share;
}

float face_kept(float error) { return look_kept(error); }
