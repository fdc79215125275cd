/* Packets of one length out of packets of any: for a peer that asked for a packet time, and for what
 * is transcoded.
 *
 * Sound is laid out by its timestamps in a frame, which is handed on when it is full. What is
 * missing within a frame is silence; what is missing whole is left out. Works on octets, of which
 * each is a sample (G.711, G.722), or on samples of 16 bits (Opus). Sends nothing, knows no clock but the one it is told.
 */
#ifndef ENGINE_PACKER_H
#define ENGINE_PACKER_H

#include "base.h"
#include "codec.h"
#include "secure.h"

/* MAX_PTIME_MS of 8,000 samples a second. */
#define MAX_PACKED 480
/* The beginning of a frame whose rest did not come in this time is not worth sending any more. */
#define PACKER_PATIENCE_NS (200 * NS_PER_MS)

struct packer {
    uint64_t timestamp; /* of the frame's first sample */
    uint64_t end;       /* after the last frame that was handed on */
    int64_t last_ns;    /* when sound last came */
    uint32_t frame;     /* samples of a packet; 0: not begun */
    uint32_t filled;
    uint32_t lost; /* frames that never came, before this one */
    bool marker;
    uint8_t codec;
    uint8_t unit; /* octets of a sample: 1, or 2 where frames are coded whole (Opus) */
    _Alignas(8) uint8_t packet[RTP_HEADER_LENGTH + 2 * MAX_PACKED + MAX_SECURE_TRAILER];
};

/* The frame that is full: packer->packet after its header, `frame` long. */
typedef void packer_emit(void *context, struct packer *packer, uint64_t timestamp);

/* A stretch of sound in the codec that is sent. */
struct packed {
    const uint8_t *octets;
    uint32_t length; /* in samples */
    uint64_t timestamp;
    bool marker;
    bool lost_before;
};

/* Forgets what waits, if anything does. */
void packer_begin(struct packer *packer, uint8_t codec, uint32_t frame);
void packer_put(struct packer *packer, const struct packed *sound, int64_t now,
                packer_emit *emit, void *context);
/* What waits is handed on, filled up with silence. */
void packer_flush(struct packer *packer, int64_t now, packer_emit *emit, void *context);
/* One that was overtaken: true when its place was still there. */
bool packer_put_late(struct packer *packer, const struct packed *sound);

#endif
