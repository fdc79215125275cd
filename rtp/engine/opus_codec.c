/* libopus behind our own prototypes. See opus_codec.h. */
#include "opus_codec.h"

#include <dlfcn.h>

#define RATE 8000
#define CHANNELS 1
#define APPLICATION_VOIP 2048
#define SET_BITRATE 4002
#define SET_COMPLEXITY 4010
/* Narrow-band speech is clear at 16 kbit/s; a higher complexity costs twice the CPU and is not
 * heard at this rate. */
#define BITRATE 20000
#define COMPLEXITY 4

static struct {
    void *handle;
    struct opus_encoder *(*create_encoder)(int32_t rate, int channels, int application, int *error);
    struct opus_decoder *(*create_decoder)(int32_t rate, int channels, int *error);
    void (*destroy_encoder)(struct opus_encoder *encoder);
    void (*destroy_decoder)(struct opus_decoder *decoder);
    int (*control)(struct opus_encoder *encoder, int request, ...);
    int (*count)(const uint8_t *payload, int32_t length, int32_t rate);
    int32_t (*encode)(struct opus_encoder *encoder, const int16_t *samples, int count,
                      uint8_t *out, int32_t room);
    int (*decode)(struct opus_decoder *decoder, const uint8_t *payload, int32_t length,
                  int16_t *out, int room, int correct);
} library;

static bool find(void *function, const char *name) {
    void *found = dlsym(library.handle, name);
    *(void **)function = found;
    return found != NULL;
}

static bool find_all(void) {
    return find(&library.create_encoder, "opus_encoder_create") &&
           find(&library.create_decoder, "opus_decoder_create") &&
           find(&library.destroy_encoder, "opus_encoder_destroy") &&
           find(&library.destroy_decoder, "opus_decoder_destroy") &&
           find(&library.control, "opus_encoder_ctl") &&
           find(&library.count, "opus_packet_get_nb_samples") &&
           find(&library.encode, "opus_encode") && find(&library.decode, "opus_decode");
}

bool opus_load(void) {
    if (library.handle)
        return true;
    library.handle = dlopen("libopus.so.0", RTLD_NOW | RTLD_LOCAL);
    if (library.handle && find_all())
        return true;
    if (library.handle)
        dlclose(library.handle);
    library.handle = NULL;
    return false;
}

struct opus_encoder *opus_encoder_new(void) {
    int error;
    struct opus_encoder *encoder =
        opus_load() ? library.create_encoder(RATE, CHANNELS, APPLICATION_VOIP, &error) : NULL;
    if (encoder) {
        library.control(encoder, SET_BITRATE, BITRATE);
        library.control(encoder, SET_COMPLEXITY, COMPLEXITY);
    }
    return encoder;
}

struct opus_decoder *opus_decoder_new(void) {
    int error;
    return opus_load() ? library.create_decoder(RATE, CHANNELS, &error) : NULL;
}

void opus_encoder_free(struct opus_encoder *encoder) {
    if (encoder)
        library.destroy_encoder(encoder);
}

void opus_decoder_free(struct opus_decoder *decoder) {
    if (decoder)
        library.destroy_decoder(decoder);
}

uint32_t opus_samples(const uint8_t *payload, size_t length) {
    int count = library.handle && length ? library.count(payload, (int32_t)length, RATE) : 0;
    return count > 0 ? (uint32_t)count : 0;
}

uint8_t opus_ptime_ms(uint8_t ptime_ms) {
    return ptime_ms < 20 ? 10 : ptime_ms < 40 ? 20 : ptime_ms < 60 ? 40 : 60;
}

uint32_t opus_open(struct opus_decoder *decoder, const uint8_t *payload, size_t length,
                   int16_t *out) {
    int count = library.decode(decoder, payload, (int32_t)length, out, MAX_OPUS_SAMPLES, 0);
    return count > 0 ? (uint32_t)count : 0;
}

size_t opus_pack(struct opus_encoder *encoder, const int16_t *samples, uint32_t count,
                 uint8_t *out, size_t room) {
    int32_t length = library.encode(encoder, samples, (int)count, out, (int32_t)room);
    return length > 0 ? (size_t)length : 0;
}
