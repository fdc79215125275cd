/* RFC 4733 in both directions. See digits.h. */
#include "digits.h"

#define MAX_SEGMENT 0xffff /* 2.5.1.3: the longest duration one segment can tell */
#define VOLUME 10          /* -10 dBm0, inside the range of 2.3.3 */
#define SAMPLES_A_MS 8

static const char DIGITS[16] = "0123456789*#ABCD";

int digit_event(char digit) {
    for (int event = 0; event < 16; event++)
        if (DIGITS[event] == digit)
            return event;
    return -1;
}

static uint32_t duration_ms(const struct digit_decoder *decoder) {
    uint64_t samples = decoder->segment - decoder->timestamp + decoder->segment_duration;
    return (uint32_t)(samples / SAMPLES_A_MS);
}

static void finish(struct digit_decoder *decoder, digit_report *report, void *context) {
    if (!decoder->active)
        return;
    decoder->active = false;
    report(context, DIGIT_ENDED, DIGITS[decoder->event], duration_ms(decoder), decoder->timestamp);
}

static bool is_known(const struct digit_decoder *decoder, uint64_t timestamp) {
    for (int i = 0; i < decoder->known_count; i++)
        if (decoder->known[i] == timestamp)
            return true;
    return false;
}

static void remember(struct digit_decoder *decoder, uint64_t timestamp) {
    decoder->known[decoder->known_next] = timestamp;
    decoder->known_next = (uint8_t)((decoder->known_next + 1) % DIGIT_MEMORY);
    if (decoder->known_count < DIGIT_MEMORY)
        decoder->known_count++;
}

struct event {
    uint8_t code;
    bool end;
    uint32_t duration;
    uint64_t timestamp;
};

/* 2.5.1.3: the parts of a long press follow each other at the longest duration, without an end. */
static bool is_later_segment(const struct digit_decoder *decoder, const struct event *event) {
    uint64_t after = event->timestamp - decoder->segment;
    return decoder->active && event->code == decoder->event && after > 0 &&
           after <= 8 * (uint64_t)MAX_SEGMENT && after % MAX_SEGMENT == 0;
}

/* A new press cannot begin inside the one that goes on: some senders move the timestamp. */
static bool is_inside_present(const struct digit_decoder *decoder, const struct event *event) {
    return decoder->active && event->code == decoder->event &&
           event->timestamp - decoder->segment < decoder->segment_duration;
}

static void update(struct digit_decoder *decoder, const struct event *event, int64_t now,
                   digit_report *report, void *context) {
    decoder->last_arrival = now;
    if (event->duration > decoder->segment_duration)
        decoder->segment_duration = event->duration;
    if (event->end)
        finish(decoder, report, context);
}

static void begin(struct digit_decoder *decoder, const struct event *event, int64_t now,
                  digit_report *report, void *context) {
    finish(decoder, report, context);
    decoder->active = true;
    decoder->event = event->code;
    decoder->timestamp = decoder->segment = event->timestamp;
    decoder->segment_duration = event->duration;
    remember(decoder, event->timestamp);
    COUNT(decoder->received);
    report(context, DIGIT_BEGAN, DIGITS[event->code], event->duration / SAMPLES_A_MS,
           event->timestamp);
    update(decoder, event, now, report, context);
}

/* All packets of this press come after the next one's first: told, and over at once. */
static void tell_late(struct digit_decoder *decoder, const struct event *event,
                      digit_report *report, void *context) {
    uint32_t ms = event->duration / SAMPLES_A_MS;
    remember(decoder, event->timestamp);
    COUNT(decoder->received);
    report(context, DIGIT_BEGAN, DIGITS[event->code], ms, event->timestamp);
    report(context, DIGIT_ENDED, DIGITS[event->code], ms, event->timestamp);
}

static void receive_event(struct digit_decoder *decoder, const struct event *event, int64_t now,
                          digit_report *report, void *context) {
    if (decoder->active && event->timestamp == decoder->segment) {
        if (event->code == decoder->event)
            update(decoder, event, now, report, context);
    } else if (is_known(decoder, event->timestamp)) {
        return;
    } else if (is_later_segment(decoder, event) || is_inside_present(decoder, event)) {
        remember(decoder, event->timestamp);
        decoder->segment = event->timestamp;
        decoder->segment_duration = 0;
        update(decoder, event, now, report, context);
    } else if (decoder->known_count && event->timestamp < decoder->segment) {
        tell_late(decoder, event, report, context);
    } else {
        begin(decoder, event, now, report, context);
    }
}

void digits_receive(struct digit_decoder *decoder, const uint8_t *payload, size_t length,
                    uint64_t timestamp, int64_t now, digit_report *report, void *context) {
    size_t count = length / 4;
    if (count > MAX_EVENTS_A_PACKET)
        count = MAX_EVENTS_A_PACKET;
    for (size_t i = 0; i < count; i++, payload += 4) {
        struct event event = {.code = payload[0],
                              .end = payload[1] & 0x80 || i + 1 < count,
                              .duration = read_16(payload + 2),
                              .timestamp = timestamp};
        /* Codes above 15 are no keys (flash, fax and line tones). */
        if (event.code < 16)
            receive_event(decoder, &event, now, report, context);
        timestamp += event.duration;
    }
}

bool digits_expire(struct digit_decoder *decoder, int64_t now, digit_report *report,
                   void *context) {
    if (decoder->active && now - decoder->last_arrival >= DIGIT_TIMEOUT_NS)
        finish(decoder, report, context);
    return decoder->active;
}

uint32_t digits_reach(const uint8_t *payload, size_t length) {
    uint32_t reach = 0;
    for (size_t i = 0; i < MAX_EVENTS_A_PACKET && 4 * i + 4 <= length; i++)
        reach += read_16(payload + 4 * i + 2);
    return reach;
}

static void next_digit(struct digit_sender *sender) {
    sender->index++;
    sender->started = false;
    sender->elapsed = 0;
    sender->ends = 0;
}

enum digit_step digits_step(struct digit_sender *sender, uint32_t samples, uint32_t clock,
                            uint8_t payload[4], bool *first) {
    *first = false;
    if (sender->started && sender->ends == END_PACKETS) {
        if (sender->elapsed < sender->duration + sender->gap) {
            sender->elapsed += samples;
            return DIGIT_STEP_GAP;
        }
        next_digit(sender);
    }
    if (!digits_sending(sender))
        return DIGIT_STEP_DONE;
    if (!sender->started) {
        sender->started = *first = true;
        sender->timestamp = clock;
    }
    sender->elapsed += samples;
    bool over = sender->elapsed >= sender->duration;
    payload[0] = (uint8_t)digit_event(sender->digits[sender->index]);
    payload[1] = (uint8_t)((over ? 0x80 : 0) | VOLUME);
    write_16(payload + 2, (uint16_t)(over ? sender->duration : sender->elapsed));
    sender->ends = (uint8_t)(sender->ends + over);
    return DIGIT_STEP_PACKET;
}

void digits_scale(uint8_t *payload, size_t length, uint32_t scale) {
    for (; length >= 4; payload += 4, length -= 4) {
        uint32_t duration = read_16(payload + 2) * scale;
        write_16(payload + 2, (uint16_t)(duration > UINT16_MAX ? UINT16_MAX : duration));
    }
}

void digits_unscale(uint8_t *payload, size_t length, uint32_t scale) {
    for (; length >= 4; payload += 4, length -= 4)
        write_16(payload + 2, (uint16_t)(read_16(payload + 2) / scale));
}
