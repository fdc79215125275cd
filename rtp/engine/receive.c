/* The way of a packet that comes in: checked, judged, put in order, tapped, passed on.
 *
 * RFC 3550 5.1 and A.1, RFC 3711, RFC 5761. Whatever the bytes are, the outcome is a count.
 */
#include "leg.h"

/* Reads the fixed header, skips contributing sources and extension, cuts padding. */
static enum drop parse(uint8_t *data, size_t length, struct rtp_packet *packet) {
    if (length < RTP_HEADER_LENGTH)
        return DROP_TOO_SHORT;
    if (data[0] >> 6 != 2)
        return DROP_BAD_VERSION;
    size_t at = RTP_HEADER_LENGTH + 4 * (size_t)(data[0] & 15);
    if (data[0] & 0x10) {
        if (at + 4 > length)
            return DROP_MALFORMED;
        at += 4 + 4 * (size_t)read_16(data + at + 2);
    }
    /* "The last octet of the padding contains a count of how many padding octets should be
     * ignored, including itself." */
    size_t padding = data[0] & 0x20 ? data[length - 1] : 0;
    if (at + padding > length || (data[0] & 0x20 && padding == 0))
        return DROP_MALFORMED;
    if (length - at - padding > MAX_PAYLOAD)
        return DROP_TOO_LONG;
    packet->marker = data[1] >> 7;
    packet->payload_type = data[1] & 127;
    packet->sequence = read_16(data + 2);
    packet->timestamp = read_32(data + 4);
    packet->ssrc = read_32(data + 8);
    packet->payload = data + at;
    packet->length = (uint32_t)(length - at - padding);
    return DROP_NONE;
}

static void report_source(struct core *core, struct leg *leg) {
    struct engine_event event = {
        .kind = leg->media_started ? EVENT_SOURCE_CHANGED : EVENT_MEDIA_STARTED,
        .leg = leg->id,
        .address = leg->latch.source,
    };
    leg->media_started = true;
    core->report(core->context, &event);
}

static enum drop judge(struct core *core, struct leg *leg, const struct address *from,
                       const struct rtp_packet *packet, uint8_t codec, int64_t now) {
    switch (latch_judge(&leg->latch, from, packet, codec != CODEC_NONE)) {
    case LATCH_OTHER_SOURCE:
        return DROP_OTHER_SOURCE;
    case LATCH_PROBATION:
        return DROP_PROBATION;
    case LATCH_UNEXPECTED:
        return DROP_BAD_PAYLOAD_TYPE;
    case LATCH_MOVED:
        if (!address_equal(&leg->latch.previous, from)) {
            leg->source.trust_next = true;
            report_source(core, leg);
            leg_wake(core, leg, now);
        }
        break;
    case LATCH_BELIEVED:
        break;
    }
    return codec == CODEC_NONE ? DROP_BAD_PAYLOAD_TYPE : DROP_NONE;
}

static enum drop put_in_order(struct leg *leg, const struct rtp_packet *packet, uint8_t codec,
                              int64_t now, struct place *place) {
    bool clocked = codec != CODEC_TELEPHONE_EVENT;
    *place = source_receive(&leg->source, packet, clocked, codec_clock_rate(codec), now);
    if (place->verdict == VERDICT_PROBATION)
        return DROP_PROBATION;
    return place->verdict == VERDICT_DUPLICATE ? DROP_DUPLICATE : DROP_NONE;
}

static void tap(struct core *core, struct leg *leg, const struct rtp_packet *packet,
                const struct place *place, uint8_t codec, int64_t now) {
    uint16_t flags = 0;
    flags |= place->lost_before ? TAP_LOST_BEFORE : 0;
    flags |= packet->marker ? TAP_MARKER : 0;
    flags |= codec == CODEC_TELEPHONE_EVENT ? TAP_DIGIT : 0;
    flags |= codec == CODEC_COMFORT_NOISE ? TAP_COMFORT_NOISE : 0;
    flags |= place->restarted ? TAP_RESTARTED : 0;
    flags |= place->verdict == VERDICT_LATE ? TAP_LATE : 0;
    struct tap_entry entry = {
        .leg = leg->id,
        .timestamp = place->timestamp,
        .sequence = place->sequence,
        .arrived_ns = now,
        .lost_before = place->lost_before,
        .length = (uint16_t)packet->length,
        .samples = (uint16_t)codec_samples(codec, packet->length),
        .flags = flags,
        .codec = codec,
        .payload_type = packet->payload_type,
    };
    tap_put(core->tap, &entry, packet->payload);
}

static void hear_digits(struct core *core, struct leg *leg, const struct rtp_packet *packet,
                        const struct place *place, int64_t now) {
    struct digit_context context = {core, leg};
    digits_receive(&leg->digits, packet->payload, packet->length, place->timestamp, now,
                   leg_report_digit, &context);
    if (leg->digits.active)
        leg_watch_digit(core, leg, now);
}

static void hear(struct core *core, struct leg *leg, const struct rtp_packet *packet,
                 const struct place *place, uint8_t codec, int64_t now) {
    if (leg->tapped)
        tap(core, leg, packet, place, codec, now);
    if (leg->voice && codec_is_law(codec))
        voice_put(leg->voice, codec, packet->payload, packet->length, place, now);
}

static void believe(struct core *core, struct leg *leg, const struct rtp_packet *packet,
                    const struct place *place, uint8_t codec, int64_t now) {
    if (!leg->first_received_ns)
        STORE(leg->first_received_ns, now);
    STORE(leg->last_received_ns, now);
    ADD(leg->octets_received, packet->length);
    if (codec == CODEC_TELEPHONE_EVENT)
        hear_digits(core, leg, packet, place, now);
    if (codec_is_stateful(codec)) {
        struct rtp_packet opened = *packet;
        uint8_t opened_codec = recode_open(core, leg, &opened, place, codec);
        hear(core, leg, &opened, place, opened_codec, now);
    } else {
        hear(core, leg, packet, place, codec, now);
    }
    if (leg->listeners)
        relay(core, leg, packet, place, codec, now);
}

/* What comes during a hold has arrived and is not lost, neither here nor to those who hear us: for
 * them the stream begins anew when the hold ends. */
static enum drop hold_back(struct leg *leg) {
    for (struct leg *listener = leg->listeners; listener; listener = listener->next_listener)
        stream_interrupt(&listener->stream);
    return DROP_DIRECTION;
}

static enum drop drop_of(enum opened opened) {
    if (opened == OPENED)
        return DROP_NONE;
    return opened == REPLAYED ? DROP_REPLAYED : DROP_NOT_AUTHENTIC;
}

/* What cannot be believed for where it comes from is not worth the work. */
static enum drop open_sealed(struct leg *leg, uint8_t *data, size_t *length,
                             const struct address *from) {
    const struct latch *latch = &leg->latch;
    if (*length < RTP_HEADER_LENGTH)
        return DROP_TOO_SHORT;
    if (data[0] >> 6 != 2)
        return DROP_BAD_VERSION;
    if (latch->locked && !address_equal(from, &latch->source) &&
        !address_equal(from, &latch->signalled))
        return DROP_OTHER_SOURCE;
    return drop_of(secure_open(leg->secure, data, length));
}

/* From here on there is but one clock. Where 32 bits wrap (once a day) this one jumps, as that of a
 * source that begins anew does. */
static uint8_t take_our_clock(struct rtp_packet *packet, uint8_t codec) {
    uint32_t scale = codec_scale(codec);
    packet->timestamp /= scale;
    if (codec != CODEC_TELEPHONE_EVENT_48)
        return codec;
    digits_unscale(packet->payload, packet->length, scale);
    return CODEC_TELEPHONE_EVENT;
}

/* RFC 5761 4: the second octet of RTCP is its type, 192 to 223; of RTP, what is then no payload
 * type that may be agreed. */
static bool is_rtcp(const uint8_t *data, size_t length) {
    return length >= 2 && data[1] >= 192 && data[1] <= 223;
}

void leg_receive(struct core *core, struct leg *leg, uint8_t *data, size_t length,
                 const struct address *from, int64_t now) {
    struct rtp_packet packet;
    struct place place;
    enum drop drop = DROP_NONE;
    if (leg->passes) {
        leg_receive_datagram(core, leg, data, length, from, now);
        return;
    }
    if (leg->has_one_port && is_rtcp(data, length)) {
        leg_receive_rtcp(core, leg, data, length, from, now);
        return;
    }
    if (leg->secure)
        drop = open_sealed(leg, data, &length, from);
    if (drop == DROP_NONE)
        drop = parse(data, length, &packet);
    if (drop == DROP_NONE) {
        uint8_t codec = leg->codecs.receive[packet.payload_type];
        if (codec_scale(codec) != 1)
            codec = take_our_clock(&packet, codec);
        drop = judge(core, leg, from, &packet, codec, now);
        if (drop == DROP_NONE)
            drop = put_in_order(leg, &packet, codec, now, &place);
        if (drop == DROP_NONE && !leg->may_receive)
            drop = hold_back(leg);
        if (drop == DROP_NONE)
            believe(core, leg, &packet, &place, codec, now);
    }
    if (drop != DROP_NONE)
        COUNT(leg->dropped[drop]);
}

void leg_receive_rtcp(struct core *core, struct leg *leg, uint8_t *data, size_t length,
                      const struct address *from, int64_t now) {
    const struct latch *latch = &leg->latch;
    if (!address_same_host(from, &latch->destination) &&
        !address_same_host(from, &leg->rtcp_signalled)) {
        COUNT(leg->dropped[DROP_OTHER_SOURCE]);
        return;
    }
    enum drop drop =
        leg->secure ? drop_of(secure_open_rtcp(leg->secure, data, &length)) : DROP_NONE;
    if (drop != DROP_NONE) {
        COUNT(leg->dropped[drop]);
        return;
    }
    if (!rtcp_receive(&leg->rtcp, &leg->stream, data, length, now + core->wall_offset, now))
        COUNT(leg->rtcp.malformed);
}
