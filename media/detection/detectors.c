/* A round of frames through all detectors. See detectors.h. */
#include "detectors.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 64
#define FIRST_SIGNS 64
/* Signs that one frame can give. */
#define MOST_SIGNS 8
#define PREFETCHED_ROWS 8

struct detectors *detectors_create(const double *frequencies, int count) {
    if (count < 0 || count > TONE_ROOM)
        return NULL;
    struct detectors *detectors = aligned_alloc(32, (sizeof *detectors + 31) / 32 * 32);
    if (!detectors)
        return NULL;
    memset(detectors, 0, sizeof *detectors);
    look_prepare();
    keys_prepare();
    bank_fill_tones(&detectors->bank);
    cadence_bank_fill(&detectors->cadences, frequencies, count);
    return detectors;
}

void detectors_destroy(struct detectors *detectors) {
    free(detectors->legs);
    free(detectors->signs);
    free(detectors);
}

/* Legs. */

static void reset(struct detector_leg *leg) {
    *leg = (struct detector_leg){.position = NEVER};
    keys_reset(&leg->keys);
    steady_reset(&leg->steady);
    beep_reset(&leg->beep);
    fax_reset(&leg->fax);
    progress_reset(&leg->progress);
}

static bool make_room(struct detectors *detectors, size_t slot) {
    size_t room = detectors->room ? detectors->room : FIRST_ROOM;
    while (room <= slot)
        room *= 2;
    if (room == detectors->room)
        return true;
    struct detector_leg *legs = realloc(detectors->legs, room * sizeof *legs);
    if (!legs)
        return false;
    for (size_t at = detectors->room; at < room; at++)
        reset(&legs[at]);
    detectors->legs = legs;
    detectors->room = room;
    return true;
}

bool detectors_open(struct detectors *detectors, size_t slot, uint8_t wants) {
    if (slot >= MAX_SLOTS || !make_room(detectors, slot))
        return false;
    reset(&detectors->legs[slot]);
    detectors->legs[slot].wants = wants;
    return true;
}

bool detectors_want(struct detectors *detectors, size_t slot, uint8_t wants) {
    if (slot >= detectors->room)
        return false;
    detectors->legs[slot].wants = wants;
    return true;
}

/* Signs. */

static bool make_room_for_signs(struct detectors *detectors) {
    if (detectors->sign_count + MOST_SIGNS <= detectors->sign_room)
        return true;
    size_t room = detectors->sign_room ? 2 * detectors->sign_room : FIRST_SIGNS;
    struct sign *signs = realloc(detectors->signs, room * sizeof *signs);
    if (!signs)
        return false;
    detectors->signs = signs;
    detectors->sign_room = room;
    return true;
}

/* There is room for what one frame can give. */
static struct sign *tell(struct detectors *detectors, intptr_t slot, enum sign_kind kind,
                         const char *name) {
    struct sign *sign = &detectors->signs[detectors->sign_count++];
    sign->slot = slot;
    sign->kind = kind;
    sign->name = name;
    return sign;
}

/* Frames. */

/* Whether all samples arrived. */
static bool is_whole(const uint8_t *valid) {
    uint64_t all = UINT64_MAX, eight;
    for (int at = 0; at < FRAME; at += (int)sizeof eight) {
        memcpy(&eight, valid + at, sizeof eight);
        all &= eight;
    }
    return all == UINT64_C(0x0101010101010101);
}

/* How much of the frame arrived; of less than half nothing is judged. */
static float arrived(const uint8_t *valid) {
    int count = 0;
    for (int at = 0; at < FRAME; at++)
        count += valid[at];
    return (float)count / FRAME;
}

/* Where there is a sound, where the end of one is waited for, and where silence counts. Half of the
 * frame may be missing. */
static bool is_wanted(const struct detector_leg *leg, float power) {
    return power > QUIET / 2 || keys_wait(&leg->keys) || leg->wants & WANT_PROGRESS ||
           (leg->wants & WANT_BEEP && beep_sounds(&leg->beep));
}

/* What is missing counts as what arrived. */
static void look_through(const struct bank *bank, struct frame *frame, float share) {
    _Alignas(32) float real[TONE_ROOM], imaginary[TONE_ROOM];
    float scale = frame->usable ? 1 / share : 0;
    bank_transform(bank, frame->pcm, real, imaginary);
    for (int tone = 0; tone < TONE_ROOM; tone++)
        frame->tones[tone] =
            (real[tone] * real[tone] + imaginary[tone] * imaginary[tone]) * scale * scale;
    frame->power *= scale;
}

/* What only legs that we called can have: progress before the answer, a beep after it. */
static bool hear_called(struct detectors *detectors, intptr_t slot, struct frame *frame) {
    struct detector_leg *leg = &detectors->legs[slot];
    struct look look = {0};
    bool rings = leg->wants & WANT_PROGRESS;
    if (!frame->usable)
        return false;
    if (frame->power > QUIET)
        look = look_for(samples_of(frame), frame->power);
    if (rings) {
        struct progress_told told;
        progress_hear(&leg->progress, &detectors->cadences, frame, &look, &told);
        if (told.burst_over)
            tell(detectors, slot, SIGN_BURST, NULL)->burst = told.burst;
        if (told.pause_over)
            tell(detectors, slot, SIGN_PAUSE, NULL)->burst.milliseconds = told.pause;
        if (told.sit)
            tell(detectors, slot, SIGN_PROGRESS, "sit");
        if (told.silence)
            tell(detectors, slot, SIGN_PROGRESS, "silence");
    }
    return leg->wants & WANT_BEEP && beep_hear(&leg->beep, frame, &look) && !rings;
}

/* Whether a tone carries the frame. */
static bool hear_any(struct detectors *detectors, intptr_t slot, struct frame *frame) {
    static const char *const key_names[] = {"1", "2", "3", "A", "4", "5", "6", "B",
                                            "7", "8", "9", "C", "*", "0", "#", "D"};
    static const char *const fax_names[] = {"", "cng", "ced", "ansam"};
    struct detector_leg *leg = &detectors->legs[slot];
    bool tonal = steady_hear(&leg->steady, frame);
    if (leg->wants & WANT_KEYS) {
        int key = keys_hear(&leg->keys, frame);
        if (key != NO_KEY)
            tell(detectors, slot, SIGN_KEY, key_names[key]);
        if (leg->keys.told) {
            tonal = true;
            tell(detectors, slot, SIGN_KEY_SOUNDS, key_names[leg->keys.key]);
        }
    }
    if (leg->wants & WANT_FAX) {
        enum fax_tone tone = fax_hear(&leg->fax, frame);
        if (tone != FAX_NONE)
            tell(detectors, slot, SIGN_FAX, fax_names[tone]);
    }
    return tonal;
}

static bool hear_row(struct detectors *detectors, const struct round *round, size_t row,
                     struct frame *frame) {
    intptr_t slot = round->slots[row];
    const uint8_t *valid = round->valid + row * FRAME;
    struct detector_leg *leg = &detectors->legs[slot];
    bool whole = is_whole(valid);
    float share = whole ? 1 : arrived(valid);
    frame->position = round->positions[row];
    frame->usable = share >= 0.5f;
    if (frame->position - leg->position != FRAME)
        keys_reset(&leg->keys); /* no key is held over what was not sent, or not listened to */
    leg->position = frame->position;
    if (!is_wanted(leg, round->power[row])) {
        leg->keys.masked = !frame->usable;
        return true;
    }
    if (!make_room_for_signs(detectors))
        return false;
    frame->pcm = round->samples + row * FRAME;
    frame->converted = false;
    frame->valid = whole ? NULL : valid;
    frame->power = round->power[row];
    look_through(&detectors->bank, frame, share);
    round->tonal[row] = hear_any(detectors, slot, frame);
    if (leg->wants & (WANT_PROGRESS | WANT_BEEP))
        round->beep[row] = hear_called(detectors, slot, frame);
    return true;
}

bool detectors_hear(struct detectors *detectors, const struct round *round) {
    struct frame frame;
    detectors->sign_count = 0;
    memset(round->tonal, 0, round->rows);
    memset(round->beep, 0, round->rows);
    for (size_t row = 0; row < round->rows; row++) {
        if ((size_t)round->slots[row] >= detectors->room ||
            !hear_row(detectors, round, row, &frame))
            return false;
        if (row + PREFETCHED_ROWS < round->rows &&
            (size_t)round->slots[row + PREFETCHED_ROWS] < detectors->room)
            __builtin_prefetch(&detectors->legs[round->slots[row + PREFETCHED_ROWS]]);
    }
    return true;
}
