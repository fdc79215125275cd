/* The way of a datagram from a leg to its partner. See passing.h. */
#include "passing.h"

#include "leg.h"

static const struct address NOWHERE = {.length = 0};

static void aim(const struct leg *leg) {
    outlet_aim(leg->passing.outlet, &leg->latch.destination);
}

static void set_partner(struct leg *leg, struct outlet *partner) {
    outlet_release(leg->passing.partner);
    leg->passing.partner = partner;
}

static void begin(struct core *core, struct leg *leg, struct outlet *partner) {
    leg_end_playback(core, leg, false);
    set_partner(leg, partner);
    leg->passes = true;
    aim(leg);
}

/* Sound goes on at the time it is then, not where it was left. */
static void end(struct core *core, struct leg *leg, int64_t now) {
    leg_part(leg);
    leg->passes = false;
    stream_interrupt(&leg->stream);
    leg_wake(core, leg, now);
}

void leg_give_outlet(struct leg *leg, struct outlet *outlet) {
    outlet_release(leg->passing.outlet);
    leg->passing.outlet = outlet;
}

void leg_part(struct leg *leg) {
    if (leg->passing.outlet)
        outlet_aim(leg->passing.outlet, &NOWHERE);
    set_partner(leg, NULL);
}

void leg_pass(struct core *core, struct leg *leg, struct outlet *partner, int64_t now) {
    if (partner)
        begin(core, leg, partner);
    else if (leg->passes)
        end(core, leg, now);
}

void leg_aim_outlet(const struct leg *leg) {
    if (leg->passes)
        aim(leg);
}

static bool is_of_source(const struct leg *leg, const uint8_t *data) {
    return leg->source.started &&
           (read_32(data + 8) == leg->source.ssrc ||
            (leg->has_one_port && read_32(data + 4) == leg->source.ssrc));
}

/* The last packets of the sound, or of its reports, may still be on their way; they have the number
 * of its source where nothing else has it but by chance. Of a source that was never heard they
 * look like sound, and nothing from there is believed by its host alone: datagrams of UDPTL are
 * numbered from 0 and look like it after half an hour. */
static bool is_late_sound(const struct leg *leg, const uint8_t *data, size_t length,
                          const struct address *from) {
    if (length < RTP_HEADER_LENGTH || data[0] >> 6 != 2)
        return false;
    return is_of_source(leg, data) ||
           (!leg->latch.locked && !address_equal(from, &leg->latch.signalled));
}

static bool is_flood(struct passing *passing, int64_t now) {
    if (now - passing->second_ns >= NS_PER_SECOND) {
        passing->second_ns = now;
        passing->in_second = 0;
    }
    return ++passing->in_second > MAX_DATAGRAMS_A_SECOND;
}

static bool believes(struct leg *leg, const struct address *from) {
    uint32_t changes = leg->latch.changes;
    bool believed = latch_believes(&leg->latch, from);
    if (leg->latch.changes != changes)
        aim(leg);
    return believed;
}

static enum drop judge_datagram(struct leg *leg, const uint8_t *data, size_t length,
                                const struct address *from, int64_t now) {
    if (length == 0)
        return DROP_TOO_SHORT;
    if (length > MAX_PAYLOAD)
        return DROP_TOO_LONG;
    if (is_late_sound(leg, data, length, from))
        return DROP_LATE;
    if (!believes(leg, from))
        return DROP_OTHER_SOURCE;
    return is_flood(&leg->passing, now) ? DROP_FLOOD : DROP_NONE;
}

void leg_receive_datagram(struct core *core, struct leg *leg, const uint8_t *data, size_t length,
                          const struct address *from, int64_t now) {
    struct outlet *partner = leg->passing.partner;
    struct address to;
    enum drop drop = judge_datagram(leg, data, length, from, now);
    if (drop != DROP_NONE) {
        COUNT(leg->dropped[drop]);
        return;
    }
    STORE(leg->last_received_ns, now);
    COUNT(leg->passing.received);
    if (!partner || !outlet_read(partner, &to)) {
        COUNT(leg->dropped[DROP_DIRECTION]);
        return;
    }
    __atomic_add_fetch(&partner->sent, 1, __ATOMIC_RELAXED);
    core->send(core->context, partner->socket, data, length, &to, leg);
}
