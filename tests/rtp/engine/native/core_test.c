/* Tests of the engine's C core on a virtual clock. `core_test` lists their names, `core_test NAME`
 * runs one; built with the address and undefined-behaviour sanitizers by test_native_core.py.
 */
#include "harness.h"

static void send_speech(struct stage *stage, struct leg *leg, uint16_t sequence, uint32_t timestamp,
                        uint32_t ssrc, int count) {
    for (int i = 0; i < count; i++) {
        arrive(stage, leg,
               (struct packet_of){.payload_type = leg->codecs.send_payload_type,
                                  .sequence = (uint16_t)(sequence + i),
                                  .timestamp = timestamp + 160 * (uint32_t)i,
                                  .ssrc = ssrc,
                                  .fill = (uint8_t)i});
        pass(stage, 20);
    }
}

static struct prompt *beep(uint32_t samples) {
    int16_t sound[8000];
    for (uint32_t i = 0; i < samples; i++)
        sound[i] = (int16_t)(8 * (int)i);
    return prompt_create(sound, samples);
}

/* Every packet: next number, same SSRC, timestamp by the wall clock within one packet. */
static int check_one_stream(const struct stage *stage, const struct leg *leg) {
    int at = 0, count = 0;
    const struct sent *first = NULL, *last = NULL, *sent;
    while ((sent = next_sent(stage, leg, &at))) {
        if (!first)
            first = sent;
        if (last) {
            int64_t wall = samples_in(sent->at - first->at, 8000);
            int64_t stamp = (int32_t)(sent->timestamp - first->timestamp);
            CHECK_EQUAL(sent->sequence, (uint16_t)(last->sequence + 1));
            CHECK_EQUAL(sent->ssrc, first->ssrc);
            CHECK((int32_t)(sent->timestamp - last->timestamp) > 0);
            CHECK(stamp - wall <= 160 && wall - stamp <= 160);
        }
        last = sent;
        count++;
    }
    return count;
}

static void a_listener_hears_one_stream_across_all_changes_of_source(void) {
    struct stage *stage = raise_curtain();
    struct leg *a = new_leg(stage, CODEC_PCMU, 0), *b = new_leg(stage, CODEC_PCMU, 0);
    struct leg *c = new_leg(stage, CODEC_PCMU, 0);
    pass(stage, 105); /* silence */
    leg_play(&stage->core, a, beep(1000), 1, false, stage->now);
    pass(stage, 160); /* the prompt, then silence again */
    leg_hear(&stage->core, a, b, stage->now);
    pass(stage, 7);
    send_speech(stage, b, 65530, 0xffffff00, 1, 20); /* wraps both */
    leg_hear(&stage->core, a, c, stage->now);
    send_speech(stage, c, 100, 5, 2, 20);
    leg_play(&stage->core, a, beep(800), 2, false, stage->now);
    pass(stage, 140);
    leg_hear(&stage->core, a, b, stage->now);
    send_speech(stage, b, 30000, 77777, 9, 20); /* b began anew: its first packet is on trial */
    leg_hear(&stage->core, a, NULL, stage->now);
    pass(stage, 100);
    int count = check_one_stream(stage, a);
    CHECK(count >= 6 + 8 + 20 + 20 + 5 + 19 + 4);
    int at = 0, markers = 0;
    const struct sent *sent;
    while ((sent = next_sent(stage, a, &at)))
        markers += sent->marker;
    CHECK_EQUAL(markers, 6); /* silence and prompt, b, c, prompt, b, silence */
    drop_curtain(stage);
}

static void gaps_of_the_source_stay_gaps_for_the_listener(void) {
    struct stage *stage = raise_curtain();
    struct leg *a = new_leg(stage, CODEC_PCMU, 0), *b = new_leg(stage, CODEC_PCMU, 0);
    leg_hear(&stage->core, a, b, stage->now);
    for (uint16_t i = 0; i < 20; i++) {
        if (i != 5 && i != 6 && i != 12)
            arrive(stage, b, (struct packet_of){.sequence = i, .timestamp = 160u * i, .fill = 1});
        pass(stage, 20);
    }
    int at = 0, gaps = 0;
    const struct sent *last = next_sent(stage, a, &at), *sent;
    while ((sent = next_sent(stage, a, &at))) {
        uint16_t step = (uint16_t)(sent->sequence - last->sequence);
        CHECK_EQUAL(sent->timestamp - last->timestamp, 160u * step);
        gaps += step - 1;
        last = sent;
    }
    CHECK_EQUAL(gaps, 3);
    CHECK_EQUAL(source_lost(&b->source), 3);
    drop_curtain(stage);
}

static void order_and_doubles_of_the_source_are_told_apart(void) {
    struct stage *stage = raise_curtain();
    struct leg *a = new_leg(stage, CODEC_PCMU, 0), *b = new_leg(stage, CODEC_PCMU, 0);
    static const uint16_t order[] = {10, 11, 13, 12, 12, 14, 14, 16, 9, 15, 20};
    leg_hear(&stage->core, a, b, stage->now);
    b->tapped = true;
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        arrive(stage, b, (struct packet_of){.sequence = order[i], .timestamp = 160u * order[i]});
    CHECK_EQUAL(b->source.received, 9);
    CHECK_EQUAL(b->source.duplicated, 2);
    CHECK_EQUAL(b->source.reordered, 3);
    CHECK_EQUAL(b->dropped[DROP_DUPLICATE], 2);
    CHECK_EQUAL(source_lost(&b->source), 3);
    /* 9 came before the listener's first: it has no place left there. */
    CHECK_EQUAL(a->dropped[DROP_LATE], 1);
    CHECK_EQUAL(a->stream.packets, 8);
    int at = 0;
    const struct sent *first = next_sent(stage, a, &at), *sent;
    for (int i = 1; (sent = next_sent(stage, a, &at)); i++) {
        static const int steps[] = {0, 1, 3, 2, 4, 6, 5, 10};
        CHECK_EQUAL((uint16_t)(sent->sequence - first->sequence), steps[i]);
        CHECK_EQUAL(sent->timestamp - first->timestamp, 160 * steps[i]);
    }
    drop_curtain(stage);
}

static void stretches_of_missing_packets_are_counted_whatever_the_order(void) {
    struct stage *stage = raise_curtain();
    struct leg *b = new_leg(stage, CODEC_PCMU, 0);
    static const uint16_t order[] = {10, 11, 13, 12, 12, 16, 14, 20, 18, 9, 7, 30, 25, 17, 15, 19, 8};
    bool seen[32] = {false};
    uint16_t first = order[0], last = order[0];
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        uint64_t runs = 0;
        arrive(stage, b, (struct packet_of){.sequence = order[i], .timestamp = 160u * order[i]});
        seen[order[i]] = true;
        first = order[i] < first ? order[i] : first;
        last = order[i] > last ? order[i] : last;
        for (uint16_t at = first; at < last; at++)
            runs += seen[at] && !seen[at + 1];
        CHECK_EQUAL(b->source.loss_runs, runs);
    }
    drop_curtain(stage);
}

static void a_source_that_begins_anew_is_believed_at_its_second_packet_in_order(void) {
    struct stage *stage = raise_curtain();
    struct leg *b = new_leg(stage, CODEC_PCMU, 0);
    send_speech(stage, b, 1, 0, 1, 10);
    uint64_t sequence = b->source.sequence, timestamp = b->source.timestamp;
    arrive(stage, b, (struct packet_of){.sequence = 40000, .timestamp = 9, .ssrc = 2});
    arrive(stage, b, (struct packet_of){.sequence = 50000, .timestamp = 9, .ssrc = 3});
    arrive(stage, b, (struct packet_of){.sequence = 50000, .timestamp = 9, .ssrc = 2});
    CHECK_EQUAL(b->source.received, 10);
    CHECK_EQUAL(b->dropped[DROP_PROBATION], 3);
    pass(stage, 20);
    arrive(stage, b, (struct packet_of){.sequence = 50001, .timestamp = 169, .ssrc = 2});
    CHECK_EQUAL(b->source.received, 11);
    CHECK_EQUAL(b->source.restarts, 1);
    CHECK_EQUAL(b->source.sequence, sequence + 1);
    CHECK_EQUAL(b->source.timestamp, timestamp + 320);
    /* The same by a jump of the sequence numbers alone. */
    arrive(stage, b, (struct packet_of){.sequence = 9000, .timestamp = 400, .ssrc = 2});
    arrive(stage, b, (struct packet_of){.sequence = 9001, .timestamp = 560, .ssrc = 2});
    CHECK_EQUAL(b->source.restarts, 2);
    CHECK_EQUAL(source_lost(&b->source), 0);
    drop_curtain(stage);
}

static void a_clock_set_anew_by_the_source_does_not_tear_the_timeline(void) {
    struct stage *stage = raise_curtain();
    struct leg *a = new_leg(stage, CODEC_PCMU, 0), *b = new_leg(stage, CODEC_PCMU, 0);
    leg_hear(&stage->core, a, b, stage->now);
    send_speech(stage, b, 1, 1000, 1, 10);
    send_speech(stage, b, 11, 3000000000, 1, 10);
    send_speech(stage, b, 21, 17, 1, 10);
    CHECK_EQUAL(check_one_stream(stage, a), 30);
    drop_curtain(stage);
}

static void the_first_source_is_believed_and_others_are_counted(void) {
    struct stage *stage = raise_curtain();
    struct leg *b = new_leg(stage, CODEC_PCMU, 0);
    /* An unexpected payload type proves nothing, wherever it comes from. */
    arrive(stage, b, (struct packet_of){.host = "198.51.100.9", .payload_type = 50});
    CHECK_EQUAL(b->dropped[DROP_BAD_PAYLOAD_TYPE], 1);
    CHECK_EQUAL(b->source.received, 0);
    for (uint16_t i = 0; i < 5; i++) {
        arrive(stage, b, (struct packet_of){.host = "203.0.113.7", .port = 999, .sequence = i});
        arrive(stage, b, (struct packet_of){.host = "198.51.100.9", .sequence = i});
        arrive(stage, b, (struct packet_of){.host = "203.0.113.7", .port = 998, .sequence = i});
    }
    CHECK_EQUAL(b->source.received, 5);
    CHECK_EQUAL(b->dropped[DROP_OTHER_SOURCE], 10);
    CHECK_EQUAL(address_port(&b->latch.destination), 999);
    CHECK_EQUAL(count_events(stage, EVENT_MEDIA_STARTED), 1);
    drop_curtain(stage);
}

static void the_signalled_address_takes_over_at_its_second_packet(void) {
    struct stage *stage = raise_curtain();
    struct leg *b = new_leg(stage, CODEC_PCMU, 0);
    for (uint16_t i = 0; i < 3; i++)
        arrive(stage, b, (struct packet_of){.host = "203.0.113.7", .sequence = i, .ssrc = 5});
    arrive(stage, b, (struct packet_of){.sequence = 700});
    CHECK_EQUAL(b->dropped[DROP_PROBATION], 1);
    arrive(stage, b, (struct packet_of){.sequence = 701});
    arrive(stage, b, (struct packet_of){.sequence = 702});
    arrive(stage, b, (struct packet_of){.host = "203.0.113.7", .sequence = 3, .ssrc = 5});
    CHECK_EQUAL(b->source.received, 5);
    CHECK_EQUAL(b->dropped[DROP_OTHER_SOURCE], 1);
    CHECK_EQUAL(count_events(stage, EVENT_SOURCE_CHANGED), 1);
    CHECK_EQUAL(source_lost(&b->source), 0);
    drop_curtain(stage);
}

static void a_new_remote_address_unlocks_and_stragglers_do_not_take_it_back(void) {
    struct stage *stage = raise_curtain();
    struct leg *b = new_leg(stage, CODEC_PCMU, 0);
    struct address moved = address_of("198.51.100.1", 6000), none = {.length = 0};
    send_speech(stage, b, 1, 0, 1, 5);
    leg_set_remote(&stage->core, b, &moved, &none, stage->now);
    CHECK(address_equal(&b->latch.destination, &moved));
    arrive(stage, b, (struct packet_of){.sequence = 6, .ssrc = 1}); /* still on its way */
    CHECK_EQUAL(b->dropped[DROP_OTHER_SOURCE], 1);
    CHECK(address_equal(&b->latch.destination, &moved));
    arrive(stage, b,
           (struct packet_of){.host = "198.51.100.1", .port = 6000, .sequence = 900, .ssrc = 2});
    CHECK_EQUAL(b->source.received, 6); /* at once: its address was told to us */
    CHECK_EQUAL(count_events(stage, EVENT_SOURCE_CHANGED), 1);
    /* A peer that keeps sending from where it always did is believed after a while. */
    moved = address_of("198.51.100.1", 7000);
    leg_set_remote(&stage->core, b, &moved, &none, stage->now);
    for (uint16_t i = 1; i <= MIN_LEFT_BEHIND_PACKETS; i++)
        arrive(stage, b,
               (struct packet_of){
                   .host = "198.51.100.1", .port = 6000, .sequence = (uint16_t)(900 + i), .ssrc = 2});
    CHECK_EQUAL(b->source.received, 7);
    CHECK_EQUAL(address_port(&b->latch.destination), 6000);
    drop_curtain(stage);
}

static void the_same_remote_address_again_keeps_the_latched_destination(void) {
    struct stage *stage = raise_curtain();
    struct leg *b = new_leg(stage, CODEC_PCMU, 0);
    struct address same = address_of("192.0.2.1", 4000), none = {.length = 0};
    arrive(stage, b, (struct packet_of){.host = "203.0.113.7", .sequence = 1});
    leg_set_remote(&stage->core, b, &same, &none, stage->now);
    CHECK_EQUAL(b->latch.locked, false);
    CHECK(!address_equal(&b->latch.destination, &same));
    drop_curtain(stage);
}

static void an_unspecified_remote_address_means_nowhere(void) {
    struct stage *stage = raise_curtain();
    struct leg *a = new_leg(stage, CODEC_PCMU, 0);
    struct address nowhere = address_of("0.0.0.0", 4000), none = {.length = 0};
    pass(stage, 100);
    leg_set_remote(&stage->core, a, &nowhere, &none, stage->now);
    uint64_t sent = a->stream.packets;
    CHECK(sent > 0);
    pass(stage, 200);
    CHECK_EQUAL(a->stream.packets, sent);
    drop_curtain(stage);
}

static void frames_are_paced_without_drift_at_every_packet_time(void) {
    for (int ptime = MIN_PTIME_MS; ptime <= MAX_PTIME_MS; ptime += 5) {
        struct stage *stage = raise_curtain();
        struct leg *a = new_leg(stage, CODEC_PCMU, 0);
        struct codecs codecs = codecs_of(CODEC_PCMA, 8);
        int at = 0, count = 0;
        codecs.ptime_ms = (uint8_t)ptime;
        leg_set_codecs(&stage->core, a, &codecs, stage->now);
        int64_t began = stage->now;
        for (int i = 0; i < 3000; i++) { /* a shard that is late by a different time each time */
            stage->now += (1 + i * 7 % 5) * NS_PER_MS;
            core_run_timers(&stage->core, stage->now);
        }
        const struct sent *sent;
        while ((sent = next_sent(stage, a, &at))) {
            CHECK_EQUAL(sent->length, 8 * ptime);
            CHECK_EQUAL(sent->payload[0], 0xd5);
            CHECK(sent->at >= began + count * ptime * NS_PER_MS);
            CHECK(sent->at <= began + (count * ptime + 6) * NS_PER_MS);
            count++;
        }
        CHECK(count >= 9000 / ptime - 1);
        CHECK_EQUAL(check_one_stream(stage, a), count);
        drop_curtain(stage);
    }
}

static void a_prompt_arrives_sample_for_sample_and_its_end_is_told(void) {
    struct stage *stage = raise_curtain();
    struct leg *a = new_leg(stage, CODEC_PCMU, 0);
    struct prompt *prompt = beep(500);
    uint8_t want[640];
    memset(want, 0xff, sizeof want);
    memcpy(want, prompt->encoded[CODEC_PCMU], 500);
    leg_play(&stage->core, a, prompt, 5, false, stage->now);
    pass(stage, 75);
    CHECK_EQUAL(stage->event_count, 0);
    pass(stage, 10);
    CHECK_EQUAL(count_events(stage, EVENT_PLAYBACK_ENDED), 1);
    CHECK(stage->events[0].completed && stage->events[0].value == 5);
    int at = 0;
    for (int i = 0; i < 4; i++) {
        const struct sent *sent = next_sent(stage, a, &at);
        CHECK(memcmp(sent->payload, want + 160 * i, 160) == 0);
    }
    drop_curtain(stage);
}

static void a_repeated_prompt_has_no_seam(void) {
    struct stage *stage = raise_curtain();
    struct leg *a = new_leg(stage, CODEC_PCMU, 0);
    struct prompt *prompt = beep(333);
    prompt_hold(prompt);
    leg_play(&stage->core, a, prompt, 5, true, stage->now);
    pass(stage, 990);
    int at = 0, position = 0;
    const struct sent *sent;
    while ((sent = next_sent(stage, a, &at)))
        for (size_t i = 0; i < sent->length; i++)
            CHECK_EQUAL(sent->payload[i], prompt->encoded[CODEC_PCMU][position++ % 333]);
    CHECK_EQUAL(position, 50 * 160);
    leg_stop_playback(&stage->core, a);
    CHECK_EQUAL(count_events(stage, EVENT_PLAYBACK_ENDED), 1);
    CHECK(!stage->events[0].completed);
    prompt_release(prompt);
    drop_curtain(stage);
}

static void silence_is_said_only_when_nobody_is_heard(void) {
    struct stage *stage = raise_curtain();
    struct leg *a = new_leg(stage, CODEC_PCMU, 0), *b = new_leg(stage, CODEC_PCMU, 0);
    pass(stage, 199);
    CHECK_EQUAL(a->stream.packets, 10);
    leg_hear(&stage->core, a, b, stage->now);
    pass(stage, 500);
    CHECK_EQUAL(a->stream.packets, 10);
    leg_close(&stage->core, b, stage->now); /* the source is gone */
    CHECK(a->hears == NULL);
    pass(stage, 100);
    CHECK(a->stream.packets >= 14);
    leg_set_direction(&stage->core, a, false, true, stage->now);
    uint64_t before = a->stream.packets;
    pass(stage, 100);
    CHECK_EQUAL(a->stream.packets, before);
    CHECK_EQUAL(check_one_stream(stage, a), before);
    drop_curtain(stage);
}

static void a_held_leg_is_not_heard_and_hears_nothing(void) {
    struct stage *stage = raise_curtain();
    struct leg *a = new_leg(stage, CODEC_PCMU, 0), *b = new_leg(stage, CODEC_PCMU, 0);
    leg_hear(&stage->core, a, b, stage->now);
    send_speech(stage, b, 1, 0, 1, 5);
    leg_set_direction(&stage->core, b, true, false, stage->now);
    send_speech(stage, b, 6, 800, 1, 5);
    CHECK_EQUAL(b->dropped[DROP_DIRECTION], 5);
    leg_set_direction(&stage->core, b, true, true, stage->now);
    leg_set_direction(&stage->core, a, false, true, stage->now);
    send_speech(stage, b, 11, 1600, 1, 5);
    leg_set_direction(&stage->core, a, true, true, stage->now);
    send_speech(stage, b, 16, 2400, 1, 5);
    CHECK_EQUAL(a->stream.packets, 10);
    drop_curtain(stage);
}

static void payloads_are_transcoded_by_the_table_and_types_mapped(void) {
    struct stage *stage = raise_curtain();
    struct leg *a = new_leg(stage, CODEC_PCMA, 8), *b = new_leg(stage, CODEC_PCMU, 0);
    struct codecs codecs = codecs_of(CODEC_PCMA, 97);
    uint8_t all[256], want[256];
    codecs.digit_payload_type = 120;
    codecs.comfort_noise_payload_type = -1;
    leg_set_codecs(&stage->core, a, &codecs, stage->now);
    for (int i = 0; i < 256; i++)
        all[i] = (uint8_t)i;
    codec_transcode(CODEC_PCMU, CODEC_PCMA, all, 256, want);
    leg_hear(&stage->core, a, b, stage->now);
    arrive(stage, b, (struct packet_of){.sequence = 1, .payload = all, .length = 256});
    arrive(stage, b,
           (struct packet_of){.sequence = 2, .payload_type = 13, .payload = all, .length = 1});
    arrive(stage, b,
           (struct packet_of){.sequence = 3, .payload_type = 101, .payload = all, .length = 4});
    arrive(stage, b, (struct packet_of){.sequence = 4, .payload = all, .length = 0});
    arrive(stage, b, (struct packet_of){.sequence = 5, .payload = all, .length = 1});
    int at = 0;
    const struct sent *sent = next_sent(stage, a, &at);
    uint16_t first = sent->sequence;
    CHECK_EQUAL(sent->payload_type, 97);
    CHECK(sent->length == 256 && memcmp(sent->payload, want, 256) == 0);
    sent = next_sent(stage, a, &at);
    CHECK_EQUAL(sent->payload_type, 120);
    CHECK_EQUAL(sent->sequence, (uint16_t)(first + 1)); /* what was left out is no gap */
    sent = next_sent(stage, a, &at);
    CHECK_EQUAL(sent->sequence, (uint16_t)(first + 2));
    CHECK(!a->says_noise); /* there was sound again before a frame of it was due */
    CHECK_EQUAL(a->dropped[DROP_EMPTY], 1);
    CHECK(!next_sent(stage, a, &at));
    drop_curtain(stage);
}

static void several_legs_can_hear_one(void) {
    struct stage *stage = raise_curtain();
    struct leg *b = new_leg(stage, CODEC_PCMU, 0);
    struct leg *ears[4];
    for (int i = 0; i < 4; i++) {
        ears[i] = new_leg(stage, i % 2 ? CODEC_PCMA : CODEC_PCMU, i % 2 ? 8 : 0);
        leg_hear(&stage->core, ears[i], b, stage->now);
    }
    uint8_t sound[160], want[160];
    memset(sound, 0x42, sizeof sound);
    codec_transcode(CODEC_PCMU, CODEC_PCMA, sound, 160, want);
    arrive(stage, b, (struct packet_of){.sequence = 1, .fill = 0x42});
    for (int i = 0; i < 4; i++) {
        int at = 0;
        const struct sent *sent = next_sent(stage, ears[i], &at);
        CHECK(memcmp(sent->payload, i % 2 ? want : sound, 160) == 0);
        CHECK_EQUAL(sent->ssrc, ears[i]->stream.ssrc);
    }
    leg_hear(&stage->core, ears[2], NULL, stage->now);
    leg_close(&stage->core, ears[1], stage->now);
    arrive(stage, b, (struct packet_of){.sequence = 2, .fill = 0x42});
    CHECK_EQUAL(ears[0]->stream.packets, 2);
    CHECK_EQUAL(ears[2]->stream.packets, 1);
    CHECK_EQUAL(ears[3]->stream.packets, 2);
    drop_curtain(stage);
}

/* One press of `code`: six updates, the last three with the end bit. Bit n of `lost`: not sent. */
static void press(struct stage *stage, struct leg *leg, uint8_t code, uint16_t sequence,
                  uint32_t timestamp, unsigned lost, bool no_marker) {
    for (int i = 0; i < 6; i++) {
        uint16_t duration = (uint16_t)(160 * (i < 4 ? i + 1 : 4));
        uint8_t payload[4] = {code, (uint8_t)(i >= 3 ? 0x8a : 0x0a), (uint8_t)(duration >> 8),
                              (uint8_t)duration};
        if (!(lost >> i & 1))
            arrive(stage, leg,
                   (struct packet_of){.payload_type = 101,
                                      .marker = i == 0 && !no_marker,
                                      .sequence = (uint16_t)(sequence + i),
                                      .timestamp = timestamp,
                                      .payload = payload,
                                      .length = 4});
        pass(stage, 20);
    }
}

static void a_press_is_told_once_whichever_of_its_packets_are_lost(void) {
    for (unsigned lost = 0; lost < 63; lost++)
        for (int no_marker = 0; no_marker < 2; no_marker++) {
            struct stage *stage = raise_curtain();
            struct leg *b = new_leg(stage, CODEC_PCMU, 0);
            send_speech(stage, b, 1, 0, 0, 3);
            press(stage, b, 5, 4, 480, lost, no_marker);
            press(stage, b, 5, 10, 1440, lost, no_marker); /* the same key again */
            send_speech(stage, b, 16, 2400, 0, 20);
            CHECK_EQUAL(count_events(stage, EVENT_DIGIT_RECEIVED), 2);
            CHECK_EQUAL(count_events(stage, EVENT_DIGIT_ENDED), 2);
            bool end_seen = (lost & 0x38) != 0x38;
            for (int i = 0; i < stage->event_count; i++) {
                const struct engine_event *event = &stage->events[i];
                if (event->kind == EVENT_MEDIA_STARTED)
                    continue;
                CHECK_EQUAL(event->digit, '5');
                if (event->kind == EVENT_DIGIT_ENDED && end_seen)
                    CHECK_EQUAL(event->duration_ms, 80);
            }
            drop_curtain(stage);
        }
}

static void a_press_whose_ends_are_lost_is_over_after_a_while(void) {
    struct stage *stage = raise_curtain();
    struct leg *b = new_leg(stage, CODEC_PCMU, 0);
    press(stage, b, 11, 1, 0, 0x3c, false); /* two packets of six */
    CHECK_EQUAL(count_events(stage, EVENT_DIGIT_ENDED), 0);
    pass(stage, 150);
    CHECK_EQUAL(count_events(stage, EVENT_DIGIT_ENDED), 1);
    CHECK_EQUAL(stage->events[2].digit, '#');
    CHECK_EQUAL(stage->events[2].duration_ms, 40);
    drop_curtain(stage);
}

static void a_press_longer_than_its_duration_field_is_one_press(void) {
    struct stage *stage = raise_curtain();
    struct leg *b = new_leg(stage, CODEC_PCMU, 0);
    uint32_t timestamp = 1000, total = 0;
    for (uint16_t i = 0; i < 1000; i++) { /* 20 s in updates of 20 ms */
        total += 160;
        if (total - (timestamp - 1000) > 0xffff)
            timestamp += 0xffff;
        uint32_t duration = total - (timestamp - 1000);
        uint8_t payload[4] = {9, (uint8_t)(i == 999 ? 0x8a : 0x0a), (uint8_t)(duration >> 8),
                              (uint8_t)duration};
        arrive(stage, b,
               (struct packet_of){.payload_type = 101,
                                  .sequence = i,
                                  .timestamp = timestamp,
                                  .payload = payload,
                                  .length = 4});
        pass(stage, 20);
    }
    CHECK_EQUAL(count_events(stage, EVENT_DIGIT_RECEIVED), 1);
    CHECK_EQUAL(count_events(stage, EVENT_DIGIT_ENDED), 1);
    CHECK_EQUAL(stage->events[2].duration_ms, 20000);
    drop_curtain(stage);
}

static void presses_out_of_order_are_told_once_each(void) {
    struct stage *stage = raise_curtain();
    struct leg *b = new_leg(stage, CODEC_PCMU, 0);
    send_speech(stage, b, 0, 0, 0, 1);
    press(stage, b, 2, 10, 1600, 0, false);
    press(stage, b, 1, 4, 600, 0, false);  /* all of it came late */
    press(stage, b, 2, 10, 1600, 0, false); /* doubles */
    press(stage, b, 3, 16, 2700, 0, false);
    pass(stage, 300);
    CHECK_EQUAL(count_events(stage, EVENT_DIGIT_RECEIVED), 3);
    CHECK_EQUAL(count_events(stage, EVENT_DIGIT_ENDED), 3);
    CHECK_EQUAL(b->digits.received, 3);
    drop_curtain(stage);
}

static void several_presses_in_one_packet_are_all_told(void) {
    struct stage *stage = raise_curtain();
    struct leg *b = new_leg(stage, CODEC_PCMU, 0);
    uint8_t payload[12] = {1, 0x0a, 3, 32, 2, 0x0a, 3, 32, 3, 0x8a, 3, 32};
    arrive(stage, b,
           (struct packet_of){.payload_type = 101, .sequence = 1, .payload = payload, .length = 12});
    CHECK_EQUAL(count_events(stage, EVENT_DIGIT_RECEIVED), 3);
    CHECK_EQUAL(count_events(stage, EVENT_DIGIT_ENDED), 3);
    drop_curtain(stage);
}

static void events_that_are_no_keys_are_relayed_and_not_told(void) {
    struct stage *stage = raise_curtain();
    struct leg *a = new_leg(stage, CODEC_PCMU, 0), *b = new_leg(stage, CODEC_PCMU, 0);
    leg_hear(&stage->core, a, b, stage->now);
    press(stage, b, 16, 1, 0, 0, false);
    press(stage, b, 36, 7, 2000, 0, false);
    CHECK_EQUAL(count_events(stage, EVENT_DIGIT_RECEIVED), 0);
    CHECK_EQUAL(a->stream.packets, 12);
    drop_curtain(stage);
}

static void relayed_digits_keep_timestamp_and_duration(void) {
    struct stage *stage = raise_curtain();
    struct leg *a = new_leg(stage, CODEC_PCMU, 0), *b = new_leg(stage, CODEC_PCMU, 0);
    leg_hear(&stage->core, a, b, stage->now);
    send_speech(stage, b, 1, 0, 0, 3);
    press(stage, b, 7, 4, 480, 0, false);
    send_speech(stage, b, 10, 480 + 6 * 160, 0, 3);
    int at = 0;
    const struct sent *sent[12];
    for (int i = 0; i < 12; i++)
        sent[i] = next_sent(stage, a, &at);
    for (int i = 1; i < 12; i++)
        CHECK_EQUAL(sent[i]->sequence, (uint16_t)(sent[0]->sequence + i));
    for (int i = 3; i < 9; i++) {
        CHECK_EQUAL(sent[i]->timestamp, sent[0]->timestamp + 480);
        CHECK_EQUAL(sent[i]->marker, i == 3);
        CHECK_EQUAL(read_16(sent[i]->payload + 2), 160 * (i - 3 < 4 ? i - 2 : 4));
    }
    CHECK_EQUAL(sent[9]->timestamp, sent[0]->timestamp + 480 + 6 * 160);
    drop_curtain(stage);
}

static void digits_sent_are_read_back_by_another_leg(void) {
    struct stage *stage = raise_curtain();
    struct leg *a = new_leg(stage, CODEC_PCMU, 0), *b = new_leg(stage, CODEC_PCMU, 0);
    leg_send_digits(&stage->core, a, "15#D", 100 * 8, 60 * 8, stage->now);
    leg_send_digits(&stage->core, a, "0", 100 * 8, 60 * 8, stage->now);
    int at = 0, audio = 0;
    for (int ms = 0; ms < 1200; ms++) {
        const struct sent *sent;
        pass(stage, 1);
        while ((sent = next_sent(stage, a, &at))) {
            audio += sent->payload_type == 0;
            arrive(stage, b,
                   (struct packet_of){.payload_type = sent->payload_type,
                                      .marker = sent->marker,
                                      .sequence = sent->sequence,
                                      .timestamp = sent->timestamp,
                                      .ssrc = sent->ssrc,
                                      .payload = sent->payload,
                                      .length = sent->length});
        }
    }
    char told[8] = {0};
    int count = 0;
    for (int i = 0; i < stage->event_count; i++) {
        if (stage->events[i].kind == EVENT_DIGIT_RECEIVED)
            told[count++] = stage->events[i].digit;
        if (stage->events[i].kind == EVENT_DIGIT_ENDED)
            CHECK_EQUAL(stage->events[i].duration_ms, 100);
    }
    CHECK(strcmp(told, "15#D0") == 0);
    CHECK_EQUAL(a->digits_sent, 5);
    CHECK(audio > 5); /* silence goes on after them */
    CHECK_EQUAL(source_lost(&b->source), 0);
    drop_curtain(stage);
}

static void reports_tell_both_ends_of_loss_and_round_trip(void) {
    struct stage *stage = raise_curtain();
    struct leg *a = new_leg(stage, CODEC_PCMU, 0), *b = new_leg(stage, CODEC_PCMU, 0);
    int at = 0, reports = 0, rtp_at[2] = {0, 0}, seen = 0;
    struct leg *legs[2] = {a, b};
    for (int ms = 0; ms < 60000; ms++) { /* each hears the other, 1 of 10 packets to b is lost */
        const struct sent *sent;
        pass(stage, 1);
        for (int i = 0; i < 2; i++)
            while ((sent = next_sent(stage, legs[i], &rtp_at[i])))
                if (i || ++seen % 10)
                    arrive(stage, legs[!i],
                           (struct packet_of){.sequence = sent->sequence,
                                              .timestamp = sent->timestamp,
                                              .ssrc = sent->ssrc});
        for (; at < stage->sent_count; at++) {
            sent = &stage->sent[at];
            if (sent->socket % 2 == 0)
                continue;
            struct leg *to = sent->socket == a->rtcp_socket ? b : a;
            reports++;
            CHECK_EQUAL(address_port(&sent->to), 4001);
            int64_t now = stage->now;
            leg_receive_rtcp(&stage->core, to, stage->sent[at].payload, sent->length,
                             &to->latch.destination, now + 30 * NS_PER_MS);
        }
    }
    CHECK(reports >= 2 * 9 && reports <= 2 * 25);
    CHECK(a->rtcp.has_remote && a->rtcp.has_round_trip);
    CHECK(a->rtcp.remote_fraction_lost >= 20 && a->rtcp.remote_fraction_lost <= 30);
    CHECK(a->rtcp.remote_lost > 200);
    CHECK_EQUAL(b->rtcp.remote_lost, 0);
    CHECK_EQUAL(a->rtcp.malformed + b->rtcp.malformed, 0);
    drop_curtain(stage);
}

static void malformed_reports_are_counted(void) {
    struct stage *stage = raise_curtain();
    struct leg *a = new_leg(stage, CODEC_PCMU, 0);
    uint8_t report[28] = {0x80, 200, 0, 6};
    struct address peer = a->latch.destination, other = address_of("198.51.100.9", 4001);
    for (size_t length = 0; length < 28; length++)
        leg_receive_rtcp(&stage->core, a, report, length, &peer, stage->now);
    CHECK_EQUAL(a->rtcp.malformed, 28);
    leg_receive_rtcp(&stage->core, a, report, 28, &peer, stage->now);
    CHECK_EQUAL(a->rtcp.received, 1);
    leg_receive_rtcp(&stage->core, a, report, 28, &other, stage->now);
    CHECK_EQUAL(a->dropped[DROP_OTHER_SOURCE], 1);
    drop_curtain(stage);
}

static size_t sealed_by(struct secure *peer, uint32_t ssrc, uint8_t *packet) {
    size_t length = RTP_HEADER_LENGTH + 160;
    memset(packet, 0, length);
    packet[0] = 0x80;
    write_16(packet + 2, 7);
    write_32(packet + 8, ssrc);
    CHECK(secure_seal(peer, packet, &length));
    CHECK_EQUAL(length, RTP_HEADER_LENGTH + 160 + 10);
    return length;
}

static void a_key_remembers_what_it_opened_of_a_few_sources(void) {
    static const uint8_t key[SECURE_KEY_LENGTH] = {3};
    enum { SENDERS = MAX_SECURE_SOURCES + 4 };
    uint8_t packets[SENDERS][RTP_HEADER_LENGTH + 160 + MAX_SECURE_TRAILER], copy[sizeof packets[0]];
    size_t lengths[SENDERS];
    if (!secure_load())
        return; /* where libsrtp2 is not installed, nothing is encrypted */
    struct secure *peer = secure_create(SUITE_AES_CM_128_HMAC_SHA1_80, key, NULL);
    struct secure *secure = secure_create(SUITE_AES_CM_128_HMAC_SHA1_80, NULL, key);
    for (int i = 0; i < SENDERS; i++) {
        lengths[i] = sealed_by(peer, 0x01020300u + (uint32_t)i, packets[i]);
        memcpy(copy, packets[i], sizeof copy);
        size_t length = lengths[i];
        CHECK_EQUAL(secure_open(secure, copy, &length), OPENED);
        CHECK_EQUAL(length, RTP_HEADER_LENGTH + 160);
    }
    /* The newest are remembered; of those before them nothing is kept. */
    for (int i = SENDERS - 1; i >= 0; i--) {
        memcpy(copy, packets[i], sizeof copy);
        size_t length = lengths[i];
        CHECK_EQUAL(secure_open(secure, copy, &length),
                    i >= SENDERS - MAX_SECURE_SOURCES ? REPLAYED : OPENED);
    }
    secure_free(peer);
    secure_free(secure);
}

static void malformed_packets_are_counted_by_reason(void) {
    struct stage *stage = raise_curtain();
    struct leg *a = new_leg(stage, CODEC_PCMU, 0);
    uint8_t data[MAX_PACKET];
    struct address peer = a->latch.destination;
    struct {
        uint8_t first;
        uint8_t last;
        size_t length;
        enum drop reason;
    } cases[] = {
        {0x80, 0, 0, DROP_TOO_SHORT},     {0x80, 0, 11, DROP_TOO_SHORT},
        {0x40, 0, 172, DROP_BAD_VERSION}, {0x8f, 0, 71, DROP_MALFORMED},
        {0x90, 0, 14, DROP_MALFORMED},    {0xa0, 0, 172, DROP_MALFORMED},
        {0xa0, 161, 172, DROP_MALFORMED}, {0x80, 0, 12 + MAX_PAYLOAD + 1, DROP_TOO_LONG},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t before = a->dropped[cases[i].reason];
        memset(data, 0, sizeof data);
        data[0] = cases[i].first;
        if (cases[i].length)
            data[cases[i].length - 1] = cases[i].last;
        if (cases[i].length == 0)
            data[0] = 0;
        leg_receive(&stage->core, a, data, cases[i].length, &peer, stage->now);
        CHECK_EQUAL(a->dropped[cases[i].reason], before + 1);
    }
    data[0] = 0x90; /* an extension longer than the packet */
    write_16(data + 14, 0xffff);
    leg_receive(&stage->core, a, data, 100, &peer, stage->now);
    CHECK_EQUAL(a->dropped[DROP_MALFORMED], 5);
    CHECK_EQUAL(a->source.received, 0);
    drop_curtain(stage);
}

static void header_extras_are_taken_off_before_the_tap_and_the_relay(void) {
    struct stage *stage = raise_curtain();
    struct leg *a = new_leg(stage, CODEC_PCMU, 0), *b = new_leg(stage, CODEC_PCMU, 0);
    uint8_t buffer[200] = {0}, *data = buffer + RTP_HEADER_LENGTH;
    struct address peer = b->latch.destination;
    leg_hear(&stage->core, a, b, stage->now);
    b->tapped = true;
    data[0] = 0x80 | 0x20 | 0x10 | 2; /* padding, extension, two contributing sources */
    write_16(data + 12 + 8 + 2, 1);   /* one word of extension */
    memset(data + 28, 0x77, 80);
    data[28 + 80 + 3] = 4;
    leg_receive(&stage->core, b, data, 28 + 80 + 4, &peer, stage->now);
    int at = 0;
    const struct sent *sent = next_sent(stage, a, &at);
    CHECK_EQUAL(sent->length, 80);
    for (int i = 0; i < 80; i++)
        CHECK_EQUAL(sent->payload[i], 0x77);
    uint32_t entries, bytes;
    tap_waiting(&stage->tap, &entries, &bytes);
    CHECK_EQUAL(entries, 1);
    CHECK_EQUAL(bytes, 80);
    drop_curtain(stage);
}

static void a_full_tap_loses_what_is_new_and_keeps_what_is_old(void) {
    struct tap tap;
    CHECK(tap_create(&tap, 64 * 1024));
    uint8_t payload[1000], bytes_out[40000];
    struct tap_entry out[600];
    uint64_t put = 0, taken = 0;
    uint32_t entries, bytes;
    for (int round = 0; round < 200; round++) {
        for (int i = 0; i < 20 + round; i++) {
            uint16_t length = (uint16_t)((round * 31 + i * 17) % 1000);
            uint64_t lost = tap.lost;
            struct tap_entry entry = {.sequence = put, .length = length};
            memset(payload, (int)(put & 0xff), length);
            tap_put(&tap, &entry, payload);
            put += tap.lost == lost;
        }
        tap_waiting(&tap, &entries, &bytes);
        tap_take(&tap, entries, bytes, 7, out, bytes_out);
        for (uint32_t i = 0; i < entries; i++) {
            CHECK_EQUAL(out[i].sequence, taken++);
            CHECK(out[i].offset - 7 + out[i].length <= bytes);
            for (int j = 0; j < out[i].length; j++)
                CHECK_EQUAL(bytes_out[out[i].offset - 7 + (uint32_t)j], out[i].sequence & 0xff);
        }
    }
    CHECK_EQUAL(put, taken);
    CHECK(tap.lost > 0);
    tap_destroy(&tap);
}

static void a_wheel_gives_each_node_once_and_never_early(void) {
    enum { NODES = 500 };
    struct wheel wheel;
    static struct wheel_node nodes[NODES];
    static int64_t due[NODES];
    int64_t now = 5000 * NS_PER_MS;
    uint64_t random = 3;
    int fired = 0, added = 0;
    wheel_init(&wheel, NS_PER_MS, now);
    for (int step = 0; step < 20000; step++) {
        int i = (int)(next_random(&random) % NODES);
        if (next_random(&random) % 8 == 0) {
            if (wheel_holds(&nodes[i]))
                added--;
            wheel_remove(&wheel, &nodes[i]);
        } else {
            added += !wheel_holds(&nodes[i]);
            due[i] = now + (int64_t)(next_random(&random) % 60) * NS_PER_MS;
            wheel_add(&wheel, &nodes[i], due[i]);
        }
        int64_t next = wheel_next(&wheel);
        now += (int64_t)(next_random(&random) % 3) * NS_PER_MS / 2;
        struct wheel_node *node;
        bool first = true;
        while ((node = wheel_expire(&wheel, now))) {
            CHECK(due[node - nodes] <= now);
            CHECK(now - due[node - nodes] < 4 * NS_PER_MS);
            CHECK(!first || next <= now);
            first = false;
            fired++;
        }
    }
    for (now += 64 * NS_PER_MS; wheel_expire(&wheel, now);)
        fired++;
    CHECK_EQUAL(fired, added);
    CHECK(wheel_next(&wheel) == INT64_MAX);
}

static const struct test TESTS[] = {
    TEST(a_listener_hears_one_stream_across_all_changes_of_source),
    TEST(gaps_of_the_source_stay_gaps_for_the_listener),
    TEST(order_and_doubles_of_the_source_are_told_apart),
    TEST(stretches_of_missing_packets_are_counted_whatever_the_order),
    TEST(a_source_that_begins_anew_is_believed_at_its_second_packet_in_order),
    TEST(a_clock_set_anew_by_the_source_does_not_tear_the_timeline),
    TEST(the_first_source_is_believed_and_others_are_counted),
    TEST(the_signalled_address_takes_over_at_its_second_packet),
    TEST(a_new_remote_address_unlocks_and_stragglers_do_not_take_it_back),
    TEST(the_same_remote_address_again_keeps_the_latched_destination),
    TEST(an_unspecified_remote_address_means_nowhere),
    TEST(frames_are_paced_without_drift_at_every_packet_time),
    TEST(a_prompt_arrives_sample_for_sample_and_its_end_is_told),
    TEST(a_repeated_prompt_has_no_seam),
    TEST(silence_is_said_only_when_nobody_is_heard),
    TEST(a_held_leg_is_not_heard_and_hears_nothing),
    TEST(payloads_are_transcoded_by_the_table_and_types_mapped),
    TEST(several_legs_can_hear_one),
    TEST(a_press_is_told_once_whichever_of_its_packets_are_lost),
    TEST(a_press_whose_ends_are_lost_is_over_after_a_while),
    TEST(a_press_longer_than_its_duration_field_is_one_press),
    TEST(presses_out_of_order_are_told_once_each),
    TEST(several_presses_in_one_packet_are_all_told),
    TEST(events_that_are_no_keys_are_relayed_and_not_told),
    TEST(relayed_digits_keep_timestamp_and_duration),
    TEST(digits_sent_are_read_back_by_another_leg),
    TEST(reports_tell_both_ends_of_loss_and_round_trip),
    TEST(malformed_reports_are_counted),
    TEST(a_key_remembers_what_it_opened_of_a_few_sources),
    TEST(malformed_packets_are_counted_by_reason),
    TEST(header_extras_are_taken_off_before_the_tap_and_the_relay),
    TEST(a_full_tap_loses_what_is_new_and_keeps_what_is_old),
    TEST(a_wheel_gives_each_node_once_and_never_early),
};

int main(int argc, char **argv) {
    return run_one(TESTS, sizeof TESTS / sizeof *TESTS, argc < 2 ? NULL : argv[1]);
}
