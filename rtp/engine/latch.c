/* Symmetric latching. See latch.h. */
#include "latch.h"

void latch_set_remote(struct latch *latch, const struct address *signalled) {
    bool none = address_is_any(signalled) || address_port(signalled) == 0;
    bool same = !none && address_equal(signalled, &latch->signalled);
    if (latch->locked && !same) {
        latch->left_behind = latch->source;
        latch->left_behind_packets = 0;
    }
    if (same && latch->locked)
        latch->destination = latch->source;
    else if (!same || !latch->destination.length)
        latch->destination = none ? (struct address){.length = 0} : *signalled;
    latch->signalled = none ? (struct address){.length = 0} : *signalled;
    latch->locked = latch->probing = false;
    latch->changes++;
}

static enum latch_verdict lock(struct latch *latch, const struct address *from) {
    latch->previous = latch->source;
    latch->source = latch->destination = *from;
    latch->left_behind.length = 0;
    latch->locked = true;
    latch->changes++;
    latch->probing = false;
    return LATCH_MOVED;
}

/* The signalled address speaks while another is believed: two packets in order, as in A.1. */
static enum latch_verdict take_over(struct latch *latch, const struct address *from,
                                    const struct rtp_packet *packet) {
    if (latch->probing && packet->ssrc == latch->probed_ssrc &&
        packet->sequence == latch->probed_sequence)
        return lock(latch, from);
    latch->probing = true;
    latch->probed_ssrc = packet->ssrc;
    latch->probed_sequence = (uint16_t)(packet->sequence + 1);
    return LATCH_PROBATION;
}

static bool is_left_behind(struct latch *latch, const struct address *from) {
    return address_equal(from, &latch->left_behind) && !address_equal(from, &latch->signalled) &&
           ++latch->left_behind_packets < MIN_LEFT_BEHIND_PACKETS;
}

enum latch_verdict latch_judge(struct latch *latch, const struct address *from,
                               const struct rtp_packet *packet, bool expected) {
    if (latch->locked && address_equal(from, &latch->source))
        return LATCH_BELIEVED;
    if (latch->locked) {
        if (!expected || !address_equal(from, &latch->signalled))
            return LATCH_OTHER_SOURCE;
        return take_over(latch, from, packet);
    }
    if (!expected)
        return LATCH_UNEXPECTED;
    if (is_left_behind(latch, from))
        return LATCH_OTHER_SOURCE;
    return lock(latch, from);
}

bool latch_believes(struct latch *latch, const struct address *from) {
    if (latch->locked && address_equal(from, &latch->source))
        return true;
    bool known = latch->locked ? address_equal(from, &latch->signalled)
                               : address_same_host(from, &latch->signalled) ||
                                     address_same_host(from, &latch->source);
    if (known)
        lock(latch, from);
    return known;
}
