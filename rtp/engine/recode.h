/* The long way from one leg to another: what the listener cannot take as it comes.
 *
 * Another codec than G.711 on either side, or another packet time than the listener's peer asked
 * for. What comes is made sound of the listener's codec and packed into its packet time; from then
 * on everything from that source has sequence numbers of its own.
 */
#ifndef ENGINE_RECODE_H
#define ENGINE_RECODE_H

#include "g722.h"
#include "opus_codec.h"
#include "packer.h"
#include "source.h"

struct core;
struct leg;

/* Made for a leg when something is first recoded from or for its peer. */
struct recoder {
    uint64_t origin; /* the leg whose sound is packed; ORIGIN_NONE: none's */
    struct packer packer;
    struct g722 decoder, encoder;
    /* Made when they are first needed. */
    struct opus_decoder *opus_decoder;
    struct opus_encoder *opus_encoder;
};

void recoder_free(struct recoder *recoder);

/* A packet of a codec with a state, where anybody hears it in another form: its sound is in
 * core->samples until the next packet, and `packet` becomes the same as mu-law. Returns the codec
 * that `packet` is in now. */
uint8_t recode_open(struct core *core, struct leg *leg, struct rtp_packet *packet,
                    const struct place *place, uint8_t codec);
/* A frame of our own, of mu-law, in the codec of the leg; its length then. */
size_t recode_frame(struct core *core, struct leg *leg, uint8_t *frame, uint32_t samples);

/* Whether the listener takes sound of this source in another form only. */
bool recode_needed(const struct leg *listener, const struct leg *source, uint8_t codec,
                   uint32_t samples);
/* Whether what comes from this source is packed anew, so that all of it is numbered here. */
bool recode_packs(const struct leg *listener, const struct leg *source);
void recode_sound(struct core *core, struct leg *listener, const struct leg *source,
                  const struct rtp_packet *packet, const struct place *place, uint8_t codec,
                  int64_t now);
/* Sends what waits for the rest of its packet: something else comes now. */
void recode_flush(struct core *core, struct leg *listener, int64_t now);
/* What is agreed has changed: the next sound begins anew. */
void recode_reset(struct leg *leg);

#endif
