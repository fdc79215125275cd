/* A leg's life and settings. See leg.h. */
#include "leg.h"

#include <stdlib.h>
#include <string.h>

const char *const DROP_NAMES[DROP_REASONS] = {
    [DROP_NONE] = "none",
    [DROP_TOO_SHORT] = "too_short",
    [DROP_TOO_LONG] = "too_long",
    [DROP_BAD_VERSION] = "bad_version",
    [DROP_MALFORMED] = "malformed",
    [DROP_BAD_PAYLOAD_TYPE] = "bad_payload_type",
    [DROP_OTHER_SOURCE] = "other_source",
    [DROP_DIRECTION] = "direction",
    [DROP_PROBATION] = "probation",
    [DROP_DUPLICATE] = "duplicate",
    [DROP_EMPTY] = "empty",
    [DROP_DIGIT] = "digit",
    [DROP_LATE] = "late",
    [DROP_SEND_FAILED] = "send_failed",
    [DROP_NOT_AUTHENTIC] = "not_authentic",
    [DROP_REPLAYED] = "replayed",
    [DROP_NOT_SEALED] = "not_sealed",
    [DROP_FLOOD] = "flood",
};

void core_init(struct core *core, int64_t now) {
    wheel_init(&core->pace, NS_PER_MS, now);
    wheel_init(&core->digits, 10 * NS_PER_MS, now);
    wheel_init(&core->reports, 125 * NS_PER_MS, now);
    core->legs = NULL;
}

struct leg *leg_create(uint64_t id, int rtp_socket, int rtcp_socket, uint64_t *random) {
    void *memory;
    if (posix_memalign(&memory, CACHE_LINE, sizeof(struct leg)))
        return NULL;
    struct leg *leg = memset(memory, 0, sizeof(struct leg));
    leg->id = id;
    leg->rtp_socket = rtp_socket;
    leg->rtcp_socket = rtcp_socket;
    leg->direct_socket = -1;
    leg->may_send = leg->may_receive = true;
    stream_init(&leg->stream, random);
    return leg;
}

void leg_free(struct leg *leg) {
    prompt_release(leg->playback.prompt);
    voice_release(leg->voice);
    mix_free(leg->mix);
    secure_free(leg->secure);
    recoder_free(leg->recoder);
    outlet_release(leg->passing.outlet);
    outlet_release(leg->passing.partner);
    free(leg);
}

void leg_open(struct core *core, struct leg *leg, int64_t now) {
    leg->next = core->legs;
    leg->link = &core->legs;
    if (leg->next)
        leg->next->link = &leg->next;
    core->legs = leg;
    leg_start_reports(core, leg, now);
}

static void stop_hearing(struct leg *leg) {
    mix_free(leg->mix);
    leg->mix = NULL;
    leg->says_noise = false;
    if (!leg->hears)
        return;
    struct leg **at = &leg->hears->listeners;
    while (*at != leg)
        at = &(*at)->next_listener;
    *at = leg->next_listener;
    leg->next_listener = leg->hears = NULL;
}

void leg_close(struct core *core, struct leg *leg, int64_t now) {
    leg_say_goodbye(core, leg, now);
    leg_part(leg);
    stop_hearing(leg);
    while (leg->listeners) {
        struct leg *listener = leg->listeners;
        stop_hearing(listener);
        leg_wake(core, listener, now);
    }
    wheel_remove(&core->pace, &leg->pace_node);
    wheel_remove(&core->reports, &leg->report_node);
    wheel_remove(&core->digits, &leg->digit_node);
    *leg->link = leg->next;
    if (leg->next)
        leg->next->link = leg->link;
    leg_free(leg);
}

void leg_set_codecs(struct core *core, struct leg *leg, const struct codecs *codecs, int64_t now) {
    uint32_t scale = codec_scale(codecs->send);
    leg->codecs = *codecs;
    recode_reset(leg);
    if (codecs->send == CODEC_OPUS)
        leg->codecs.ptime_ms = opus_ptime_ms(codecs->ptime_ms);
    if (leg->stream.scale != scale) {
        STORE(leg->stream.scale, scale);
        stream_interrupt(&leg->stream);
    }
    leg->has_codecs = true;
    leg_wake(core, leg, now);
}

void leg_set_remote(struct core *core, struct leg *leg, const struct address *rtp,
                    const struct address *rtcp, int64_t now) {
    latch_set_remote(&leg->latch, rtp);
    leg_aim_outlet(leg);
    leg->rtcp_signalled = *rtcp;
    leg_wake(core, leg, now);
}

void leg_set_direction(struct core *core, struct leg *leg, bool send, bool receive, int64_t now) {
    leg->may_send = send;
    leg->may_receive = receive;
    leg_wake(core, leg, now);
}

void leg_set_secure(struct leg *leg, struct secure *secure) {
    if (secure) {
        leg->secure = secure_renew(leg->secure, secure);
    } else {
        secure_free(leg->secure);
        leg->secure = NULL;
    }
}

void leg_hear(struct core *core, struct leg *leg, struct leg *source, int64_t now) {
    stop_hearing(leg);
    if (source) {
        leg->hears = source;
        leg->next_listener = source->listeners;
        source->listeners = leg;
    }
    leg_wake(core, leg, now);
}

void leg_hear_mix(struct core *core, struct leg *leg, struct mix *mix, int64_t now) {
    stop_hearing(leg);
    leg->mix = mix;
    leg_wake(core, leg, now);
}

void leg_give_voice(struct leg *leg, struct voice *voice) {
    voice_release(leg->voice);
    leg->voice = voice;
}

void leg_play(struct core *core, struct leg *leg, struct prompt *prompt, uint64_t id, bool repeat,
              int64_t now) {
    leg_end_playback(core, leg, false);
    leg->playback = (struct playback){.prompt = prompt, .id = id, .repeat = repeat};
    leg_wake(core, leg, now);
}

void leg_stop_playback(struct core *core, struct leg *leg) { leg_end_playback(core, leg, false); }

void leg_send_digits(struct core *core, struct leg *leg, const char *digits, uint32_t duration,
                     uint32_t gap, int64_t now) {
    struct digit_sender *sender = &leg->sender;
    if (!digits_sending(sender))
        *sender = (struct digit_sender){.duration = duration, .gap = gap};
    /* Behind those still being sent; with their lengths. */
    size_t room = sizeof sender->digits - sender->count, count = strlen(digits);
    memcpy(sender->digits + sender->count, digits, count < room ? count : room);
    sender->count = (uint8_t)(sender->count + (count < room ? count : room));
    leg_wake(core, leg, now);
}
