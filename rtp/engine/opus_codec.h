/* Opus (RFC 6716, RFC 7587) by libopus, at the 8 kHz of everything else in the engine.
 *
 * The library is loaded when it is first wanted, so that neither building nor running needs it.
 * RFC 7587 4.1: the RTP clock of Opus is 48,000 Hz, which is OPUS_SCALE times ours. Knows no packets.
 */
#ifndef ENGINE_OPUS_CODEC_H
#define ENGINE_OPUS_CODEC_H

#include "base.h"

#define OPUS_SCALE 6
/* RFC 6716 3.2.5: a packet has 120 ms at most. */
#define MAX_OPUS_SAMPLES 960

struct opus_encoder;
struct opus_decoder;

/* Whether the library is there. First called before any thread needs it. */
bool opus_load(void);
/* NULL without memory. */
struct opus_encoder *opus_encoder_new(void);
struct opus_decoder *opus_decoder_new(void);
void opus_encoder_free(struct opus_encoder *encoder);
void opus_decoder_free(struct opus_decoder *decoder);
/* How long a payload is, in samples of 8 kHz; 0: it is none. */
uint32_t opus_samples(const uint8_t *payload, size_t length);
/* The nearest frame, not longer, that can be coded in one: 10, 20, 40 or 60 ms. */
uint8_t opus_ptime_ms(uint8_t ptime_ms);
/* At most MAX_OPUS_SAMPLES at `out`; returns how many, 0 of a payload that is none. */
uint32_t opus_open(struct opus_decoder *decoder, const uint8_t *payload, size_t length,
                   int16_t *out);
/* A frame of one of these lengths; returns the length of the payload, 0 when it fails. */
size_t opus_pack(struct opus_encoder *encoder, const int16_t *samples, uint32_t count,
                 uint8_t *out, size_t room);

#endif
