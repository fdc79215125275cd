/* The way of a datagram from a leg to its partner. See passing.h. */
#include "passing.h"

#include "leg.h"

static void begin(struct core *core, struct leg *leg, struct leg *partner) {
    leg_end_playback(core, leg, false);
    leg->passes = true;
    leg->passing.partner = partner;
}

/* Sound goes on at the time it is then, not where it was left. */
static void end(struct core *core, struct leg *leg, int64_t now) {
    leg->passes = false;
    leg->passing.partner = NULL;
    stream_interrupt(&leg->stream);
    leg_wake(core, leg, now);
}

void leg_part(struct leg *leg) {
    if (leg->passing.partner)
        leg->passing.partner->passing.partner = NULL;
    leg->passing.partner = NULL;
}

void leg_pass(struct core *core, struct leg *leg, struct leg *partner, int64_t now) {
    struct leg *before = leg->passing.partner;
    if (before && before != partner)
        end(core, before, now);
    if (!partner) {
        if (leg->passes)
            end(core, leg, now);
        return;
    }
    if (partner->passing.partner && partner->passing.partner != leg)
        end(core, partner->passing.partner, now);
    begin(core, leg, partner);
    begin(core, partner, leg);
}

/* The last packets of the sound, or of its reports, may still be on their way; they have the number
 * of its source where nothing else has it but by chance. */
static bool is_late_sound(const struct leg *leg, const uint8_t *data, size_t length) {
    if (!leg->source.started || length < RTP_HEADER_LENGTH || data[0] >> 6 != 2)
        return false;
    return read_32(data + 8) == leg->source.ssrc ||
           (leg->has_one_port && read_32(data + 4) == leg->source.ssrc);
}

static bool is_flood(struct passing *passing, int64_t now) {
    if (now - passing->second_ns >= NS_PER_SECOND) {
        passing->second_ns = now;
        passing->in_second = 0;
    }
    return ++passing->in_second > MAX_DATAGRAMS_A_SECOND;
}

static enum drop judge_datagram(struct leg *leg, const uint8_t *data, size_t length,
                                const struct address *from, int64_t now) {
    if (length == 0)
        return DROP_TOO_SHORT;
    if (length > MAX_PAYLOAD)
        return DROP_TOO_LONG;
    if (is_late_sound(leg, data, length))
        return DROP_LATE;
    if (!latch_believes(&leg->latch, from))
        return DROP_OTHER_SOURCE;
    return is_flood(&leg->passing, now) ? DROP_FLOOD : DROP_NONE;
}

void leg_receive_datagram(struct core *core, struct leg *leg, const uint8_t *data, size_t length,
                          const struct address *from, int64_t now) {
    struct leg *partner = leg->passing.partner;
    enum drop drop = judge_datagram(leg, data, length, from, now);
    if (drop != DROP_NONE) {
        COUNT(leg->dropped[drop]);
        return;
    }
    STORE(leg->last_received_ns, now);
    COUNT(leg->passing.received);
    if (!partner || !partner->latch.destination.length) {
        COUNT(leg->dropped[DROP_DIRECTION]);
        return;
    }
    COUNT(partner->passing.sent);
    core->send(core->context, partner->rtp_socket, data, length, &partner->latch.destination,
               partner);
}
