/* The codecs the engine knows: ITU-T G.711 mu-law and A-law, comfort noise, telephone events.
 *
 * Sizes are asked for here and assumed nowhere else.
 */
#ifndef ENGINE_CODEC_H
#define ENGINE_CODEC_H

#include <stddef.h>
#include <stdint.h>

enum codec { CODEC_NONE, CODEC_PCMU, CODEC_PCMA, CODEC_TELEPHONE_EVENT, CODEC_COMFORT_NOISE };
/* The audio codecs lie between CODEC_NONE and this. */
#define AUDIO_CODECS 3

static inline int codec_is_audio(uint8_t codec) {
    return codec == CODEC_PCMU || codec == CODEC_PCMA;
}

/* Fills the tables, once; first called before any thread runs, and by one thread at a time. */
void codec_prepare(void);
uint32_t codec_clock_rate(uint8_t codec);
/* How many samples a payload holds, and how many bytes so many samples take. */
uint32_t codec_samples(uint8_t codec, size_t length);
size_t codec_length(uint8_t codec, uint32_t samples);
void codec_encode(uint8_t codec, const int16_t *samples, size_t count, uint8_t *out);
int16_t codec_decode_one(uint8_t codec, uint8_t value);
/* Both audio codecs. `in` and `out` may be the same. */
void codec_transcode(uint8_t from, uint8_t to, const uint8_t *in, size_t length, uint8_t *out);
void codec_silence(uint8_t codec, uint8_t *out, size_t length);

#endif
