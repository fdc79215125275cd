/* The codecs the engine knows: ITU-T G.711 mu-law and A-law, G.722, Opus, comfort noise, telephone
 * events.
 *
 * Sizes are asked for here and assumed nowhere else.
 */
#ifndef ENGINE_CODEC_H
#define ENGINE_CODEC_H

#include <stddef.h>
#include <stdint.h>

enum codec {
    CODEC_NONE,
    CODEC_PCMU,
    CODEC_PCMA,
    CODEC_TELEPHONE_EVENT,
    CODEC_COMFORT_NOISE,
    CODEC_G722,
    CODEC_OPUS,
    CODEC_TELEPHONE_EVENT_48, /* on the clock of Opus; with ours once it is in */
};
/* Those of G.711 lie between CODEC_NONE and this. */
#define LAW_CODECS 3

/* G.711: an octet a sample, through tables. */
static inline int codec_is_law(uint8_t codec) {
    return codec == CODEC_PCMU || codec == CODEC_PCMA;
}
/* With a state from sample to sample: opened and made in recode.c. */
static inline int codec_is_stateful(uint8_t codec) {
    return codec == CODEC_G722 || codec == CODEC_OPUS;
}
static inline int codec_is_audio(uint8_t codec) {
    return codec_is_law(codec) || codec_is_stateful(codec);
}

/* Fills the tables, once; first called before any thread runs, and by one thread at a time. */
void codec_prepare(void);
uint32_t codec_clock_rate(uint8_t codec);
/* How many ticks of its RTP clock are one of the engine's, which is of 8,000 Hz. */
uint32_t codec_scale(uint8_t codec);
/* How many samples a payload holds, and how many bytes so many samples take; not of Opus. */
uint32_t codec_samples(uint8_t codec, size_t length);
size_t codec_length(uint8_t codec, uint32_t samples);
/* G.711 alone. */
void codec_encode(uint8_t codec, const int16_t *samples, size_t count, uint8_t *out);
void codec_decode(uint8_t codec, const uint8_t *octets, size_t count, int16_t *out);
int16_t codec_decode_one(uint8_t codec, uint8_t value);
/* Both of G.711, or one and the same. `in` and `out` may be the same. */
void codec_transcode(uint8_t from, uint8_t to, const uint8_t *in, size_t length, uint8_t *out);
void codec_silence(uint8_t codec, uint8_t *out, size_t length);

#endif
