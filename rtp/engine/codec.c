/* G.711 by its definition: segments of a piecewise linear law, sign and magnitude apart.
 *
 * Linear samples are read as the ITU's own software does (G.191): a negative one as its one's
 * complement. Transcoding decodes one law and encodes the other, through tables.
 */
#include "codec.h"

#include <stdbool.h>
#include <string.h>

#include "g722.h"
#include "opus_codec.h"

/* 33 on the 14-bit scale of the recommendation, here on 16 bits. */
#define MU_LAW_BIAS 132
#define MU_LAW_MAX 32635
/* Even bits are inverted on the line (G.711, table 1a, note 2). */
#define A_LAW_INVERSION 0x55

static int16_t decoded[LAW_CODECS][256];
static uint8_t transcoded[LAW_CODECS][256];
/* By the upper 14 bits of a sample: what is below them decides nothing in either law. */
static uint8_t encoded[LAW_CODECS][1 << 14];

static int16_t decode_mu_law(uint8_t value) {
    value = (uint8_t)~value;
    int segment = value >> 4 & 7;
    int magnitude = (((value & 15) << 3) + MU_LAW_BIAS) << segment;
    return (int16_t)(value & 0x80 ? MU_LAW_BIAS - magnitude : magnitude - MU_LAW_BIAS);
}

static uint8_t encode_mu_law(int sample) {
    bool negative = sample < 0;
    int magnitude = negative ? ~sample : sample;
    magnitude = (magnitude > MU_LAW_MAX ? MU_LAW_MAX : magnitude) + MU_LAW_BIAS;
    int segment = 31 - __builtin_clz((unsigned)magnitude) - 7;
    int code = segment << 4 | (magnitude >> (segment + 3) & 15);
    return (uint8_t)~(code | (negative ? 0x80 : 0));
}

static int16_t decode_a_law(uint8_t value) {
    value ^= A_LAW_INVERSION;
    int segment = value >> 4 & 7;
    int magnitude = ((value & 15) << 4) + 8;
    if (segment)
        magnitude = (magnitude + 256) << (segment - 1);
    return (int16_t)(value & 0x80 ? magnitude : -magnitude);
}

static uint8_t encode_a_law(int sample) {
    bool negative = sample < 0;
    int magnitude = negative ? ~sample : sample;
    int segment = magnitude < 256 ? 0 : 31 - __builtin_clz((unsigned)magnitude) - 7;
    int code = segment << 4 | (magnitude >> (segment ? segment + 3 : 4) & 15);
    return (uint8_t)((code | (negative ? 0 : 0x80)) ^ A_LAW_INVERSION);
}

static uint8_t encode_one(uint8_t codec, int sample) {
    return codec == CODEC_PCMA ? encode_a_law(sample) : encode_mu_law(sample);
}

void codec_prepare(void) {
    static bool prepared;
    if (prepared)
        return;
    prepared = true;
    for (int value = 0; value < 256; value++) {
        decoded[CODEC_PCMU][value] = decode_mu_law((uint8_t)value);
        decoded[CODEC_PCMA][value] = decode_a_law((uint8_t)value);
        transcoded[CODEC_PCMU][value] = encode_a_law(decoded[CODEC_PCMU][value]);
        transcoded[CODEC_PCMA][value] = encode_mu_law(decoded[CODEC_PCMA][value]);
    }
    for (int value = 0; value < 1 << 14; value++) {
        int16_t sample = (int16_t)(uint16_t)(value << 2);
        encoded[CODEC_PCMU][value] = encode_mu_law(sample);
        encoded[CODEC_PCMA][value] = encode_a_law(sample);
    }
}

uint32_t codec_clock_rate(uint8_t codec) {
    (void)codec; /* RFC 3551 4.5.2 and 4.5.14, RFC 3389, RFC 4733: 8,000 Hz, and Opus is scaled */
    return 8000;
}

uint32_t codec_scale(uint8_t codec) {
    return codec == CODEC_OPUS || codec == CODEC_TELEPHONE_EVENT_48 ? OPUS_SCALE : 1;
}

uint32_t codec_samples(uint8_t codec, size_t length) {
    return codec_is_audio(codec) && codec != CODEC_OPUS ? (uint32_t)length : 0;
}

size_t codec_length(uint8_t codec, uint32_t samples) {
    return codec_is_audio(codec) ? samples : 0;
}

void codec_encode(uint8_t codec, const int16_t *samples, size_t count, uint8_t *out) {
    const uint8_t *table = encoded[codec == CODEC_PCMA ? CODEC_PCMA : CODEC_PCMU];
    for (size_t i = 0; i < count; i++)
        out[i] = table[(uint16_t)samples[i] >> 2];
}

void codec_decode(uint8_t codec, const uint8_t *octets, size_t count, int16_t *out) {
    const int16_t *table = decoded[codec == CODEC_PCMA ? CODEC_PCMA : CODEC_PCMU];
    for (size_t i = 0; i < count; i++)
        out[i] = table[octets[i]];
}

int16_t codec_decode_one(uint8_t codec, uint8_t value) { return decoded[codec][value]; }

void codec_transcode(uint8_t from, uint8_t to, const uint8_t *in, size_t length, uint8_t *out) {
    if (from == to) {
        memmove(out, in, length);
        return;
    }
    const uint8_t *table = transcoded[from];
    for (size_t i = 0; i < length; i++)
        out[i] = table[in[i]];
}

void codec_silence(uint8_t codec, uint8_t *out, size_t length) {
    memset(out, codec_is_law(codec) ? encode_one(codec, 0) : G722_SILENCE, length);
}
