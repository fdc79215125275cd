/* Prompts. See playback.h. */
#include "playback.h"

#include <stdlib.h>
#include <string.h>

struct prompt *prompt_create(const int16_t *samples, uint32_t count) {
    struct prompt *prompt = calloc(1, sizeof *prompt);
    if (!prompt)
        return NULL;
    prompt->references = 1;
    prompt->samples = count;
    for (uint8_t codec = CODEC_PCMU; codec < LAW_CODECS; codec++) {
        prompt->encoded[codec] = malloc(count);
        if (!prompt->encoded[codec]) {
            prompt_release(prompt);
            return NULL;
        }
        codec_encode(codec, samples, count, prompt->encoded[codec]);
    }
    return prompt;
}

void prompt_hold(struct prompt *prompt) {
    __atomic_add_fetch(&prompt->references, 1, __ATOMIC_RELAXED);
}

void prompt_release(struct prompt *prompt) {
    if (!prompt || __atomic_sub_fetch(&prompt->references, 1, __ATOMIC_ACQ_REL))
        return;
    for (int codec = 0; codec < LAW_CODECS; codec++)
        free(prompt->encoded[codec]);
    free(prompt);
}

void playback_take(struct playback *playback, uint8_t codec, uint8_t *out, uint32_t samples) {
    const struct prompt *prompt = playback->prompt;
    while (samples && !playback_over(playback)) {
        if (playback->position >= prompt->samples)
            playback->position = 0;
        uint32_t part = prompt->samples - playback->position;
        if (part > samples)
            part = samples;
        memcpy(out, prompt->encoded[codec] + playback->position, part);
        playback->position += part;
        out += part;
        samples -= part;
    }
    if (samples)
        codec_silence(codec, out, samples);
}
