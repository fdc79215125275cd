/* What the clock makes a leg do: frames of a prompt, of a mix, digits, silence; RTCP; digits without
 * an end.
 *
 * A frame is due at its predecessor's due time plus the packet time, so that no delay adds up.
 */
#include "leg.h"

/* A shard that was stopped for longer than this does not send what it missed in one burst. */
#define MAX_CATCH_UP_NS (100 * NS_PER_MS)

#define LEG_OF(node, member) ((struct leg *)((char *)(node)-offsetof(struct leg, member)))

/* With silence, noise, or the sum of what it hears: nobody else sends its packets. */
static bool fills_time(const struct leg *leg) {
    return (!leg->hears || leg->says_noise) && leg_can_send(leg);
}

static bool has_something_to_say(const struct leg *leg) {
    return leg->has_codecs &&
           (leg->playback.prompt || digits_sending(&leg->sender) || fills_time(leg));
}

void leg_wake(struct core *core, struct leg *leg, int64_t now) {
    if (wheel_holds(&leg->pace_node) || !has_something_to_say(leg))
        return;
    /* Not before the last frame is over. */
    if (leg->next_frame_ns < now)
        leg->next_frame_ns = now;
    wheel_add(&core->pace, &leg->pace_node, leg->next_frame_ns);
}

void leg_end_playback(struct core *core, struct leg *leg, bool completed) {
    if (!leg->playback.prompt)
        return;
    struct engine_event event = {.kind = EVENT_PLAYBACK_ENDED,
                                 .leg = leg->id,
                                 .value = leg->playback.id,
                                 .completed = completed};
    prompt_release(leg->playback.prompt);
    leg->playback.prompt = NULL;
    core->report(core->context, &event);
}

static void send_digit(struct core *core, struct leg *leg, uint32_t samples, int64_t now) {
    uint8_t *payload = core->scratch + RTP_HEADER_LENGTH;
    struct outgoing out;
    bool first;
    uint32_t clock = stream_clock(&leg->stream, now);
    /* Sound that follows is a new beginning, at the time it is then. */
    stream_fall_silent(&leg->stream);
    if (digits_step(&leg->sender, samples, clock, payload, &first) != DIGIT_STEP_PACKET)
        return;
    if (!leg_can_send(leg) || leg->codecs.digit_payload_type < 0)
        return;
    if (first)
        COUNT(leg->digits_sent);
    stream_speak_event(&leg->stream, leg->sender.timestamp, read_16(payload + 2), now, &out);
    /* RFC 4733 2.5.1.2: the marker stands on the first packet of an event, and there alone. */
    out.marker = first;
    if (leg->stream.scale != 1)
        digits_scale(payload, 4, leg->stream.scale);
    stream_fall_silent(&leg->stream);
    leg_transmit(core, leg, &out, (uint8_t)leg->codecs.digit_payload_type, core->scratch, 4);
}

static void say_noise(struct core *core, struct leg *leg, uint8_t codec, uint8_t *payload,
                      uint32_t samples) {
    noise_take(&leg->noise, core->samples, samples);
    codec_encode(codec, core->samples, samples, payload);
}

static void send_frame(struct core *core, struct leg *leg, uint32_t samples, int64_t now) {
    uint8_t codec = codec_is_law(leg->codecs.send) ? leg->codecs.send : CODEC_PCMU;
    uint8_t *payload = core->scratch + RTP_HEADER_LENGTH;
    size_t length = codec_length(codec, samples);
    struct outgoing out;
    if (leg->playback.prompt)
        playback_take(&leg->playback, codec, payload, samples);
    else if (leg->mix)
        mix_take(leg->mix, codec, payload, samples, leg->next_frame_ns);
    else if (leg->says_noise)
        say_noise(core, leg, codec, payload, samples);
    else
        codec_silence(codec, payload, length);
    if (!leg_can_send(leg)) {
        stream_fall_silent(&leg->stream); /* a prompt runs on unheard while the leg is held */
        return;
    }
    if (codec != leg->codecs.send)
        length = recode_frame(core, leg, payload, samples);
    if (!length)
        return;
    stream_speak(&leg->stream, samples, now, &out);
    leg_transmit(core, leg, &out, leg->codecs.send_payload_type, core->scratch, length);
}

static void speak(struct core *core, struct leg *leg, int64_t now) {
    uint32_t rate = codec_clock_rate(leg->codecs.send);
    uint32_t samples = rate / 1000 * leg->codecs.ptime_ms;
    if (digits_sending(&leg->sender)) {
        send_digit(core, leg, samples, now);
        return;
    }
    if (leg->playback.prompt && playback_over(&leg->playback))
        leg_end_playback(core, leg, true);
    if (leg->playback.prompt || fills_time(leg))
        send_frame(core, leg, samples, now);
}

static void pace(struct core *core, struct leg *leg, int64_t now) {
    if (now - leg->next_frame_ns > MAX_CATCH_UP_NS) {
        leg->next_frame_ns = now;
        stream_fall_silent(&leg->stream);
    }
    if (!has_something_to_say(leg)) {
        stream_fall_silent(&leg->stream);
        return;
    }
    speak(core, leg, now);
    leg->next_frame_ns += leg->codecs.ptime_ms * NS_PER_MS;
    if (has_something_to_say(leg))
        wheel_add(&core->pace, &leg->pace_node, leg->next_frame_ns);
    else
        stream_fall_silent(&leg->stream);
}

static void send_report(struct core *core, struct leg *leg, bool bye, int64_t now) {
    struct address to = leg->rtcp_signalled;
    const struct latch *latch = &leg->latch;
    if (!latch->destination.length)
        return;
    if (leg->has_one_port)
        to = latch->destination;
    /* Where RTP was found elsewhere than signalled, RTCP is taken to be beside it. */
    else if (!to.length || !address_equal(&latch->destination, &latch->signalled)) {
        to = latch->destination;
        if (address_port(&to) == 65535)
            return;
        address_set_port(&to, address_port(&to) + 1);
    }
    size_t length = rtcp_write(&leg->rtcp, &leg->source, &leg->stream, core->cname, bye,
                               now + core->wall_offset, now, core->scratch);
    if (leg->secure && !secure_seal_rtcp(leg->secure, core->scratch, &length)) {
        COUNT(leg->dropped[DROP_NOT_SEALED]);
        return;
    }
    int socket = leg->has_one_port ? leg->rtp_socket : leg->rtcp_socket;
    core->send(core->context, socket, core->scratch, length, &to, leg);
}

static bool is_silent_so_far(const struct leg *leg) {
    return leg->passes || (!leg->stream.packets && !leg->source.started);
}

void leg_start_reports(struct core *core, struct leg *leg, int64_t now) {
    wheel_add(&core->reports, &leg->report_node, now + rtcp_interval(true, &core->random));
}

static void report_when_due(struct core *core, struct leg *leg, int64_t now) {
    if (!is_silent_so_far(leg))
        send_report(core, leg, false, now);
    wheel_add(&core->reports, &leg->report_node, now + rtcp_interval(false, &core->random));
}

void leg_say_goodbye(struct core *core, struct leg *leg, int64_t now) {
    /* 6.3.7: "A participant which never sent an RTP or RTCP packet MUST NOT send a BYE packet". */
    if (!leg->passes && (leg->stream.packets || leg->rtcp.sent))
        send_report(core, leg, true, now);
}

void leg_report_digit(void *context, enum digit_change change, char digit, uint32_t duration,
                      uint64_t timestamp) {
    struct digit_context *at = context;
    struct engine_event event = {
        .kind = change == DIGIT_BEGAN ? EVENT_DIGIT_RECEIVED : EVENT_DIGIT_ENDED,
        .leg = at->leg->id,
        .value = timestamp,
        .duration_ms = duration,
        .digit = digit,
    };
    at->core->report(at->core->context, &event);
}

void leg_watch_digit(struct core *core, struct leg *leg, int64_t now) {
    if (!wheel_holds(&leg->digit_node))
        wheel_add(&core->digits, &leg->digit_node, now + DIGIT_TIMEOUT_NS);
}

static void expire_digit(struct core *core, struct leg *leg, int64_t now) {
    struct digit_context context = {core, leg};
    if (digits_expire(&leg->digits, now, leg_report_digit, &context))
        wheel_add(&core->digits, &leg->digit_node, leg->digits.last_arrival + DIGIT_TIMEOUT_NS);
}

static int64_t earlier(int64_t a, int64_t b) { return a < b ? a : b; }

int64_t core_run_timers(struct core *core, int64_t now) {
    struct wheel_node *node;
    while ((node = wheel_expire(&core->pace, now)))
        pace(core, LEG_OF(node, pace_node), now);
    while ((node = wheel_expire(&core->digits, now)))
        expire_digit(core, LEG_OF(node, digit_node), now);
    while ((node = wheel_expire(&core->reports, now)))
        report_when_due(core, LEG_OF(node, report_node), now);
    int64_t sound = earlier(wheel_next(&core->pace), wheel_next(&core->digits));
    return earlier(sound, wheel_next(&core->reports));
}
