/* Keys heard in the sound: ITU-T Q.24.
 *
 * A frame that may hold a pair of Q.23's frequencies is fitted with that pair in halves of 10 ms:
 * least squares, so that the two tones do not disturb each other. How much of the energy the pair
 * carries tells tones from speech, the phase between the halves tells the frequency, and the strength
 * of each half how long the tone was there, to a few milliseconds. Where a packet is missing a tone
 * goes on as it was. A key is told once, when it has lasted.
 *
 * Who pressed it, and whether it was told another way too, is not known here.
 */
#ifndef DETECTION_KEYS_H
#define DETECTION_KEYS_H

#include "sound.h"

#define NO_KEY (-1)
#define KEYS "123A456B789C*0#D"

struct keys {
    int8_t key;  /* that sounds, or did a moment ago: an index into KEYS */
    bool told;
    bool masked; /* the frame before is missing */
    uint32_t pure;      /* halves with nothing but the pair */
    uint32_t measured;  /* frames in ... */
    float errors[2];    /* ... the sums of how far the frequencies are off, as shares */
    float amplitude;    /* of the tone at its strongest */
    float lasted;       /* milliseconds, times amplitude */
    float unheard;      /* what of it is missing packets */
    float absent;       /* milliseconds of pause since it was last there */
};

/* Once, before anything is heard. */
void keys_prepare(void);
void keys_reset(struct keys *keys);
/* Whether there is a key, told or not, whose end is to be heard. */
static inline bool keys_wait(const struct keys *keys) { return keys->key != NO_KEY; }
/* The key that has lasted long enough in this frame, or NO_KEY. */
int keys_hear(struct keys *keys, struct frame *frame);

#endif
