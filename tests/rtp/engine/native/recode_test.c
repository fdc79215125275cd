/* Tests of what a listener cannot take as it comes, on a virtual clock: other packet times, other
 * codecs, comfort noise. `recode_test` lists their names, `recode_test NAME` runs one; built with the
 * address and undefined-behaviour sanitizers by test_native_recode.py.
 */
#include <math.h>

#include "harness.h"

static uint8_t octet_at(uint32_t timestamp) { return (uint8_t)(timestamp * 31 + timestamp / 251); }

/* Sound that can be told by its place: `samples` octets from a timestamp on. */
static void say(struct stage *stage, struct leg *leg, uint16_t sequence, uint32_t timestamp,
                uint32_t samples, bool marker) {
    uint8_t sound[MAX_PAYLOAD];
    for (uint32_t i = 0; i < samples; i++)
        sound[i] = octet_at(timestamp + i);
    arrive(stage, leg,
           (struct packet_of){.payload_type = leg->codecs.send_payload_type,
                              .marker = marker,
                              .sequence = sequence,
                              .timestamp = timestamp,
                              .payload = sound,
                              .length = samples});
}

static void ask_for(struct stage *stage, struct leg *leg, uint8_t ptime_ms) {
    struct codecs codecs = leg->codecs;
    codecs.ptime_ms = ptime_ms;
    codecs.untouched_least = codecs.untouched_most = (uint16_t)(8 * ptime_ms);
    leg_set_codecs(&stage->core, leg, &codecs, stage->now);
}

/* A listener whose peer asked for a packet time, and whom it hears. */
static struct stage *two_legs(struct leg **listener, struct leg **source, uint8_t ptime_ms) {
    struct stage *stage = raise_curtain();
    *listener = new_leg(stage, CODEC_PCMU, 0);
    *source = new_leg(stage, CODEC_PCMU, 0);
    ask_for(stage, *listener, ptime_ms);
    leg_hear(&stage->core, *listener, *source, stage->now);
    return stage;
}

static void sound_is_packed_into_every_packet_time_from_every_other(void) {
    for (uint8_t want = 10; want <= 60; want += 10)
        for (uint32_t come = 10; come <= 60; come += 10) {
            struct leg *a, *b;
            struct stage *stage = two_legs(&a, &b, want);
            const uint32_t start = 0xfffffe00; /* wraps */
            for (uint16_t i = 0; i < 60; i++) {
                say(stage, b, (uint16_t)(65530 + i), start + i * come * 8, come * 8, i == 0);
                pass(stage, (int)come);
            }
            int at = 0;
            uint32_t heard = 0;
            const struct sent *sent, *first = NULL, *last = NULL;
            while ((sent = next_sent(stage, a, &at))) {
                first = first ? first : sent;
                CHECK_EQUAL(sent->length, want * 8u);
                CHECK_EQUAL(sent->timestamp - first->timestamp, heard);
                CHECK_EQUAL(sent->marker, sent == first);
                if (last)
                    CHECK_EQUAL(sent->sequence, (uint16_t)(last->sequence + 1));
                for (uint32_t i = 0; i < sent->length; i++)
                    CHECK_EQUAL(sent->payload[i], octet_at(start + heard + i));
                heard += want * 8u;
                last = sent;
            }
            CHECK(heard + want * 8 > 60 * come * 8);
            drop_curtain(stage);
        }
}

static void packets_of_the_right_length_go_on_as_they_come(void) {
    struct leg *a, *b;
    struct stage *stage = two_legs(&a, &b, 30);
    say(stage, b, 1, 0, 240, false);
    say(stage, b, 3, 480, 240, false);
    say(stage, b, 2, 240, 240, false); /* overtaken, and passed on all the same */
    CHECK(!a->recoder);
    CHECK_EQUAL(a->stream.packets, 3);
    drop_curtain(stage);
}

static void a_limit_packs_only_what_is_longer(void) {
    struct leg *a, *b;
    struct stage *stage = two_legs(&a, &b, 20);
    struct codecs codecs = a->codecs;
    codecs.untouched_least = 0;
    codecs.untouched_most = 240;
    leg_set_codecs(&stage->core, a, &codecs, stage->now);
    int at = 0;
    say(stage, b, 1, 0, 80, false);
    CHECK_EQUAL(next_sent(stage, a, &at)->length, 80);
    say(stage, b, 2, 80, 240, false);
    CHECK_EQUAL(next_sent(stage, a, &at)->length, 240);
    say(stage, b, 3, 320, 480, false);
    for (int i = 0; i < 3; i++)
        CHECK_EQUAL(next_sent(stage, a, &at)->length, 160);
    /* Once packed, what comes from there has numbers of our own until something else is heard. */
    say(stage, b, 4, 800, 80, false);
    CHECK(!next_sent(stage, a, &at));
    drop_curtain(stage);
}

static void what_is_lost_within_a_packet_is_silence_and_whole_packets_are_missed(void) {
    struct leg *a, *b;
    struct stage *stage = two_legs(&a, &b, 40);
    for (uint16_t i = 0; i < 20; i++) {
        if (i != 5 && i != 10 && i != 11 && i != 12 && i != 13)
            say(stage, b, i, i * 160u, 160, false);
        pass(stage, 20);
    }
    int at = 0, count = 0;
    const struct sent *sent, *first = NULL;
    while ((sent = next_sent(stage, a, &at))) {
        first = first ? first : sent;
        uint32_t offset = sent->timestamp - first->timestamp;
        CHECK_EQUAL((uint16_t)(sent->sequence - first->sequence), offset / 320);
        for (uint32_t i = 0; i < sent->length; i++) {
            uint32_t packet = (offset + i) / 160;
            bool lost = packet == 5;
            CHECK_EQUAL(sent->payload[i], lost ? 0xff : octet_at(offset + i));
        }
        count++;
    }
    CHECK_EQUAL(count, 8);
    drop_curtain(stage);
}

static void time_that_the_sender_left_out_is_no_loss(void) {
    struct leg *a, *b;
    struct stage *stage = two_legs(&a, &b, 60);
    say(stage, b, 1, 0, 480, false);
    say(stage, b, 2, 480, 160, false);
    pass(stage, 20);
    say(stage, b, 3, 8000, 160, true);
    pass(stage, 20);
    say(stage, b, 4, 8160, 320, false);
    int at = 0;
    const struct sent *one = next_sent(stage, a, &at), *two = next_sent(stage, a, &at);
    const struct sent *three = next_sent(stage, a, &at);
    CHECK_EQUAL((uint16_t)(two->sequence - one->sequence), 1);
    CHECK_EQUAL((uint16_t)(three->sequence - two->sequence), 1);
    CHECK_EQUAL(two->timestamp - one->timestamp, 480);
    CHECK_EQUAL(two->payload[159], octet_at(480 + 159));
    CHECK_EQUAL(two->payload[160], 0xff); /* filled up */
    CHECK_EQUAL(three->timestamp - one->timestamp, 8000);
    CHECK(three->marker && !two->marker);
    drop_curtain(stage);
}

static void the_beginning_of_a_packet_is_not_kept_for_long(void) {
    struct leg *a, *b;
    struct stage *stage = two_legs(&a, &b, 60);
    say(stage, b, 1, 0, 480, false);
    say(stage, b, 2, 480, 160, false);
    pass(stage, 1000);
    say(stage, b, 3, 8480, 480, false);
    int at = 0;
    const struct sent *one = next_sent(stage, a, &at), *two = next_sent(stage, a, &at);
    CHECK_EQUAL(two->timestamp - one->timestamp, 8480);
    CHECK(!next_sent(stage, a, &at));
    drop_curtain(stage);
}

static void one_that_was_overtaken_has_its_place_while_its_packet_waits(void) {
    struct leg *a, *b;
    struct stage *stage = two_legs(&a, &b, 60);
    say(stage, b, 1, 0, 160, false);
    say(stage, b, 3, 320, 80, false);
    say(stage, b, 2, 160, 160, false);
    say(stage, b, 4, 400, 80, false);
    int at = 0;
    const struct sent *sent = next_sent(stage, a, &at);
    for (uint32_t i = 0; i < 480; i++)
        CHECK_EQUAL(sent->payload[i], octet_at(i));
    say(stage, b, 6, 640, 160, false);
    say(stage, b, 7, 800, 480, false);
    say(stage, b, 5, 480, 160, false); /* its packet has gone */
    CHECK_EQUAL(a->dropped[DROP_LATE], 1);
    drop_curtain(stage);
}

static void keys_among_packed_sound_keep_order_and_numbers(void) {
    static const uint8_t key[] = {5, 0x8a, 3, 0x20};
    struct leg *a, *b;
    struct stage *stage = two_legs(&a, &b, 60);
    say(stage, b, 1, 0, 160, false);
    for (uint16_t i = 0; i < 3; i++)
        arrive(stage, b,
               (struct packet_of){.payload_type = 101, .sequence = (uint16_t)(2 + i),
                                  .timestamp = 160, .payload = key, .length = 4});
    say(stage, b, 5, 960, 480, false);
    int at = 0;
    const struct sent *sent, *first = NULL;
    static const uint8_t types[] = {0, 101, 101, 101, 0};
    for (uint16_t i = 0; i < 5; i++) {
        sent = next_sent(stage, a, &at);
        first = first ? first : sent;
        CHECK_EQUAL(sent->payload_type, types[i]);
        CHECK_EQUAL(sent->sequence, (uint16_t)(first->sequence + i));
        CHECK_EQUAL(sent->timestamp - first->timestamp, i == 0 ? 0 : i == 4 ? 960 : 160);
    }
    CHECK(!next_sent(stage, a, &at));
    drop_curtain(stage);
}

static void a_prompt_between_goes_on_in_one_stream(void) {
    struct leg *a, *b;
    struct stage *stage = two_legs(&a, &b, 30);
    int16_t sound[2400] = {0};
    for (uint16_t i = 0; i < 10; i++, pass(stage, 20))
        say(stage, b, i, i * 160u, 160, false);
    leg_play(&stage->core, a, prompt_create(sound, 2400), 1, false, stage->now);
    for (uint16_t i = 10; i < 30; i++, pass(stage, 20))
        say(stage, b, i, i * 160u, 160, false);
    int at = 0, markers = 0;
    const struct sent *sent, *last = NULL;
    while ((sent = next_sent(stage, a, &at))) {
        if (last) {
            CHECK_EQUAL(sent->sequence, (uint16_t)(last->sequence + 1));
            CHECK((int32_t)(sent->timestamp - last->timestamp) >= 240);
        }
        CHECK_EQUAL(sent->length, 240);
        markers += sent->marker;
        last = sent;
    }
    CHECK_EQUAL(markers, 3);
    drop_curtain(stage);
}

static void a_new_agreement_ends_the_packing(void) {
    struct leg *a, *b;
    struct stage *stage = two_legs(&a, &b, 60);
    say(stage, b, 1, 0, 160, false);
    ask_for(stage, a, 20);
    say(stage, b, 2, 160, 160, false);
    int at = 0;
    const struct sent *sent = next_sent(stage, a, &at);
    CHECK_EQUAL(sent->length, 160);
    CHECK_EQUAL(sent->payload[0], octet_at(160));
    CHECK(!next_sent(stage, a, &at));
    drop_curtain(stage);
}

/* A tone of 1 kHz, whose place in its period goes on from packet to packet. */
static void tone(int16_t *samples, uint32_t count, uint32_t from) {
    static const int16_t period[8] = {0, 5657, 8000, 5657, 0, -5657, -8000, -5657};
    for (uint32_t i = 0; i < count; i++)
        samples[i] = period[(from + i) % 8];
}

/* How much stronger the tone is than the rest, in what was sent; delayed by whole samples. */
static double tone_to_noise(const struct stage *stage, const struct leg *leg, int skipped) {
    int16_t heard[MAX_PAYLOAD];
    double signal = 0, noise = 0;
    struct g722 decoder;
    const struct sent *sent;
    int at = 0;
    g722_init(&decoder);
    while ((sent = next_sent(stage, leg, &at))) {
        if (leg->codecs.send == CODEC_G722)
            g722_decode(&decoder, sent->payload, sent->length, heard);
        else
            codec_decode(leg->codecs.send, sent->payload, sent->length, heard);
        if (skipped-- > 0)
            continue;
        int16_t want[MAX_PAYLOAD];
        tone(want, (uint32_t)sent->length, 0);
        for (size_t i = 0; i < sent->length; i++) {
            signal += (double)want[i] * want[i];
            noise += (double)(want[i] - heard[i]) * (want[i] - heard[i]);
        }
    }
    CHECK(signal > 0);
    return signal / (noise + 1);
}

static void say_tone(struct stage *stage, struct leg *leg, struct g722 *encoder, uint16_t number,
                     uint32_t count) {
    int16_t samples[MAX_PAYLOAD];
    uint8_t sound[MAX_PAYLOAD];
    tone(samples, count, number * count);
    if (leg->codecs.send == CODEC_G722)
        g722_encode(encoder, samples, count, sound);
    else
        codec_encode(leg->codecs.send, samples, count, sound);
    arrive(stage, leg,
           (struct packet_of){.payload_type = leg->codecs.send_payload_type, .sequence = number,
                              .timestamp = number * count, .payload = sound, .length = count});
}

static const struct kind {
    uint8_t codec, payload_type;
} PCMU = {CODEC_PCMU, 0}, PCMA = {CODEC_PCMA, 8}, G722 = {CODEC_G722, 9};

static void g722_becomes_g711_and_back_at_every_packet_time(void) {
    const struct kind pairs[][2] = {{PCMU, G722}, {PCMA, G722}, {G722, PCMU}, {G722, PCMA}};
    for (size_t pair = 0; pair < 4; pair++)
        for (uint8_t ptime = 10; ptime <= 60; ptime += 10) {
            struct stage *stage = raise_curtain();
            struct leg *b = new_leg(stage, pairs[pair][0].codec, pairs[pair][0].payload_type);
            struct leg *a = new_leg(stage, pairs[pair][1].codec, pairs[pair][1].payload_type);
            struct g722 encoder;
            g722_init(&encoder);
            ask_for(stage, a, ptime);
            leg_hear(&stage->core, a, b, stage->now);
            for (uint16_t i = 0; i < 50; i++, pass(stage, 20))
                say_tone(stage, b, &encoder, i, 160);
            int at = 0;
            const struct sent *sent = next_sent(stage, a, &at);
            CHECK_EQUAL(sent->length, ptime * 8);
            CHECK_EQUAL(sent->payload_type, pairs[pair][1].payload_type);
            CHECK_EQUAL(a->stream.packets, 50 * 20 / ptime);
            CHECK(tone_to_noise(stage, a, 60 / ptime) > 1000); /* 30 dB */
            drop_curtain(stage);
        }
}

static void g722_goes_on_untouched_to_one_who_speaks_it(void) {
    struct stage *stage = raise_curtain();
    struct leg *a = new_leg(stage, CODEC_G722, 9), *b = new_leg(stage, CODEC_G722, 9);
    leg_hear(&stage->core, a, b, stage->now);
    b->tapped = true;
    say(stage, b, 1, 0, 160, false);
    int at = 0;
    const struct sent *sent = next_sent(stage, a, &at);
    for (uint32_t i = 0; i < 160; i++)
        CHECK_EQUAL(sent->payload[i], octet_at(i)); /* both sub-bands */
    drop_curtain(stage);
}

static void g722_is_packed_anew_without_being_coded_anew(void) {
    struct stage *stage = raise_curtain();
    struct leg *a = new_leg(stage, CODEC_G722, 9), *b = new_leg(stage, CODEC_G722, 9);
    ask_for(stage, a, 30);
    leg_hear(&stage->core, a, b, stage->now);
    for (uint16_t i = 0; i < 6; i++)
        say(stage, b, i, i * 160u, 160, false);
    int at = 0;
    const struct sent *sent;
    for (uint32_t heard = 0; (sent = next_sent(stage, a, &at)); heard += 240)
        for (uint32_t i = 0; i < 240; i++)
            CHECK_EQUAL(sent->payload[i], octet_at(heard + i));
    CHECK_EQUAL(a->stream.packets, 4);
    drop_curtain(stage);
}

static void prompts_and_mixes_are_heard_in_g722(void) {
    for (int mixed = 0; mixed < 2; mixed++) {
        struct stage *stage = raise_curtain();
        struct leg *a = new_leg(stage, CODEC_G722, 9), *b = new_leg(stage, CODEC_PCMU, 0);
        int16_t samples[8000];
        tone(samples, 8000, 0);
        ask_for(stage, a, 40);
        if (mixed) {
            struct mix *mix = mix_create();
            leg_give_voice(b, voice_create());
            mix_add(mix, b->voice);
            leg_hear_mix(&stage->core, a, mix, stage->now);
            for (uint16_t i = 0; i < 50; i++, pass(stage, 20))
                say_tone(stage, b, NULL, i, 160);
        } else {
            leg_play(&stage->core, a, prompt_create(samples, 8000), 1, false, stage->now);
            pass(stage, 999);
        }
        int at = 0;
        CHECK_EQUAL(next_sent(stage, a, &at)->length, 320);
        CHECK_EQUAL(a->stream.packets, mixed ? 26 : 25); /* one as soon as it hears */
        if (!mixed)
            CHECK(tone_to_noise(stage, a, 3) > 1000);
        drop_curtain(stage);
    }
}

static void what_is_tapped_of_g722_is_mu_law_of_the_same_sound(void) {
    struct stage *stage = raise_curtain();
    struct leg *b = new_leg(stage, CODEC_G722, 9);
    struct g722 encoder;
    struct tap_entry entries[50];
    uint8_t bytes[50 * 160];
    uint32_t count, length;
    g722_init(&encoder);
    b->tapped = true;
    for (uint16_t i = 0; i < 50; i++)
        say_tone(stage, b, &encoder, i, 160);
    tap_waiting(&stage->tap, &count, &length);
    CHECK_EQUAL(count, 50);
    tap_take(&stage->tap, count, length, 0, entries, bytes);
    double signal = 0, noise = 0;
    for (uint32_t i = 0; i < 50; i++) {
        CHECK_EQUAL(entries[i].codec, CODEC_PCMU);
        CHECK_EQUAL(entries[i].payload_type, 9);
        CHECK_EQUAL(entries[i].samples, 160);
        CHECK_EQUAL(entries[i].timestamp % 160, entries[0].timestamp % 160);
        int16_t heard[160], want[160];
        codec_decode(CODEC_PCMU, bytes + entries[i].offset, 160, heard);
        tone(want, 160, 0);
        for (int at = 0; i > 2 && at < 160; at++) {
            signal += (double)want[at] * want[at];
            noise += (double)(want[at] - heard[at]) * (want[at] - heard[at]);
        }
    }
    CHECK(signal > 1000 * noise);
    drop_curtain(stage);
}

static void loss_and_disorder_of_g722_stay_what_they_are(void) {
    struct stage *stage = raise_curtain();
    struct leg *a = new_leg(stage, CODEC_PCMU, 0), *b = new_leg(stage, CODEC_G722, 9);
    struct g722 encoder;
    g722_init(&encoder);
    leg_hear(&stage->core, a, b, stage->now);
    b->tapped = true;
    static const uint16_t order[] = {0, 1, 2, 4, 3, 5, 8, 9, 9, 10};
    uint8_t sound[11][160];
    int16_t samples[160];
    for (uint16_t i = 0; i < 11; i++) {
        tone(samples, 160, 0);
        g722_encode(&encoder, samples, 160, sound[i]);
    }
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        arrive(stage, b,
               (struct packet_of){.payload_type = 9, .sequence = order[i],
                                  .timestamp = order[i] * 160u, .payload = sound[order[i]],
                                  .length = 160});
    int at = 0;
    const struct sent *sent, *first = NULL;
    while ((sent = next_sent(stage, a, &at))) {
        first = first ? first : sent;
        CHECK_EQUAL((uint16_t)(sent->sequence - first->sequence) * 160u,
                    sent->timestamp - first->timestamp);
    }
    CHECK_EQUAL(a->stream.packets, 8);
    CHECK_EQUAL(a->dropped[DROP_LATE], 1);
    drop_curtain(stage);
}

/* A listener that did not agree to comfort noise, of some codec, and whom it hears. */
static struct stage *without_noise(struct leg **listener, struct leg **source, struct kind kind) {
    struct stage *stage = raise_curtain();
    *listener = new_leg(stage, kind.codec, kind.payload_type);
    *source = new_leg(stage, CODEC_PCMU, 0);
    struct codecs codecs = (*listener)->codecs;
    codecs.comfort_noise_payload_type = -1;
    leg_set_codecs(&stage->core, *listener, &codecs, stage->now);
    leg_hear(&stage->core, *listener, *source, stage->now);
    return stage;
}

static void fall_silent(struct stage *stage, struct leg *leg, uint16_t sequence,
                        uint32_t timestamp, uint8_t level) {
    uint8_t told[3] = {level, 140, 120};
    arrive(stage, leg,
           (struct packet_of){.payload_type = 13, .sequence = sequence, .timestamp = timestamp,
                              .payload = told, .length = 3});
}

static double level_of(const struct stage *stage, const struct leg *leg, int from, int to) {
    int16_t heard[MAX_PAYLOAD];
    double power = 0, count = 0;
    const struct sent *sent;
    for (int at = 0, i = 0; i < to && (sent = next_sent(stage, leg, &at)); i++) {
        codec_decode(leg->codecs.send, sent->payload, sent->length, heard);
        for (size_t n = 0; i >= from && n < sent->length; n++, count++)
            power += (double)heard[n] * heard[n];
    }
    return 10 * log10(power / count / 32768 / 32768 + 1e-12);
}

static void silence_of_one_is_noise_of_its_level_for_who_makes_none(void) {
    for (int level = 30; level <= 70; level += 10) {
        struct leg *a, *b;
        struct stage *stage = without_noise(&a, &b, level % 20 ? PCMU : PCMA);
        for (uint16_t i = 0; i < 10; i++, pass(stage, 20))
            say(stage, b, i, i * 160u, 160, false);
        fall_silent(stage, b, 10, 1600, (uint8_t)level);
        pass(stage, 1995);
        for (uint16_t i = 0; i < 10; i++, pass(stage, 20))
            say(stage, b, (uint16_t)(11 + i), 1600 + 16000 + i * 160u, 160, i == 0);
        double error = level_of(stage, a, 10, 110) + level;
        CHECK(error > -1.5 && error < 1.5);
        int at = 0, count = 0, markers = 0;
        const struct sent *sent, *first = NULL;
        for (; (sent = next_sent(stage, a, &at)); count++) {
            first = first ? first : sent;
            CHECK_EQUAL(sent->sequence, (uint16_t)(first->sequence + count));
            CHECK_EQUAL(sent->timestamp - first->timestamp, count * 160);
            CHECK(sent->at - first->at - count * 20 * NS_PER_MS <= NS_PER_MS);
            CHECK_EQUAL(sent->length, 160);
            markers += sent->marker;
        }
        CHECK_EQUAL(count, 120);
        CHECK_EQUAL(markers, 3);
        drop_curtain(stage);
    }
}

static void noise_goes_on_as_it_comes_to_who_agreed_to_it(void) {
    struct leg *a, *b;
    struct stage *stage = two_legs(&a, &b, 20);
    say(stage, b, 1, 0, 160, false);
    fall_silent(stage, b, 2, 160, 50);
    pass(stage, 500);
    int at = 0;
    next_sent(stage, a, &at);
    const struct sent *sent = next_sent(stage, a, &at);
    CHECK_EQUAL(sent->payload_type, 13);
    CHECK(sent->length == 3 && sent->payload[0] == 50);
    CHECK(!next_sent(stage, a, &at));
    drop_curtain(stage);
}

static void nobody_is_deafened_by_noise(void) {
    struct leg *a, *b;
    struct stage *stage = without_noise(&a, &b, PCMU);
    fall_silent(stage, b, 1, 0, 0);
    pass(stage, 1000);
    CHECK(level_of(stage, a, 0, 50) < -28.5);
    fall_silent(stage, b, 2, 8000, 127);
    pass(stage, 1000);
    CHECK(level_of(stage, a, 51, 100) < -78);
    drop_curtain(stage);
}

static void noise_is_over_when_there_is_sound_or_another_is_heard(void) {
    struct leg *a, *b;
    struct stage *stage = without_noise(&a, &b, PCMU);
    say(stage, b, 1, 0, 160, false);
    fall_silent(stage, b, 3, 320, 40);
    pass(stage, 50);
    CHECK(a->says_noise);
    say(stage, b, 2, 160, 160, false); /* overtaken: of before the silence */
    CHECK(a->says_noise);
    say(stage, b, 4, 800, 160, true);
    CHECK(!a->says_noise);
    uint64_t sent = a->stream.packets;
    pass(stage, 500);
    CHECK_EQUAL(a->stream.packets, sent);
    fall_silent(stage, b, 5, 8000, 40);
    leg_hear(&stage->core, a, new_leg(stage, CODEC_PCMU, 0), stage->now);
    sent = a->stream.packets;
    pass(stage, 500);
    CHECK_EQUAL(a->stream.packets, sent);
    drop_curtain(stage);
}

static void noise_has_the_codec_and_packet_time_of_who_hears_it(void) {
    struct leg *a, *b;
    struct stage *stage = without_noise(&a, &b, G722);
    ask_for(stage, a, 60);
    for (uint16_t i = 0; i < 4; i++, pass(stage, 20))
        say(stage, b, i, i * 160u, 160, false);
    fall_silent(stage, b, 4, 640, 40);
    pass(stage, 600);
    for (uint16_t i = 0; i < 6; i++, pass(stage, 20))
        say(stage, b, (uint16_t)(5 + i), 640 + 4800 + i * 160u, 160, i == 0);
    int at = 0, count = 0;
    const struct sent *sent, *last = NULL;
    for (; (sent = next_sent(stage, a, &at)); count++) {
        CHECK_EQUAL(sent->payload_type, 9);
        CHECK_EQUAL(sent->length, 480);
        if (last) {
            CHECK_EQUAL(sent->sequence, (uint16_t)(last->sequence + 1));
            CHECK((int32_t)(sent->timestamp - last->timestamp) >= 480);
        }
        last = sent;
    }
    CHECK(count >= 13);
    drop_curtain(stage);
}

static void the_dead_say_no_noise(void) {
    struct leg *a, *b;
    struct stage *stage = without_noise(&a, &b, PCMU);
    fall_silent(stage, b, 1, 0, 40);
    leg_set_direction(&stage->core, a, false, true, stage->now);
    uint64_t sent = a->stream.packets;
    pass(stage, 200);
    CHECK_EQUAL(a->stream.packets, sent); /* on hold */
    leg_set_direction(&stage->core, a, true, true, stage->now);
    pass(stage, 200);
    CHECK(a->stream.packets >= sent + 9);
    leg_close(&stage->core, b, stage->now);
    CHECK(!a->says_noise);
    drop_curtain(stage);
}

/* A leg of Opus, with keys on its clock. */
static struct leg *opus_leg(struct stage *stage) {
    struct leg *leg = new_leg(stage, CODEC_OPUS, 96);
    struct codecs codecs = leg->codecs;
    codecs.receive[101] = CODEC_NONE;
    codecs.receive[102] = CODEC_TELEPHONE_EVENT_48;
    codecs.digit_payload_type = 102;
    leg_set_codecs(&stage->core, leg, &codecs, stage->now);
    CHECK(opus_load());
    return leg;
}

static void say_opus(struct stage *stage, struct leg *leg, struct opus_encoder *encoder,
                     uint16_t number) {
    int16_t samples[160];
    uint8_t payload[MAX_PAYLOAD];
    tone(samples, 160, number * 160u);
    size_t length = opus_pack(encoder, samples, 160, payload, sizeof payload);
    CHECK(length > 0 && opus_samples(payload, length) == 160);
    arrive(stage, leg,
           (struct packet_of){.payload_type = 96, .sequence = number, .timestamp = number * 960u,
                              .payload = payload, .length = length});
}

static double strength(const int16_t *samples, uint32_t count) {
    double sine = 0, cosine = 0, power = 0;
    for (uint32_t i = 0; i < count; i++) {
        sine += samples[i] * sin(i * 3.14159265358979 / 4);
        cosine += samples[i] * cos(i * 3.14159265358979 / 4);
        power += (double)samples[i] * samples[i];
    }
    return (sine * sine + cosine * cosine) * 2 / count / (power + 1);
}

static void opus_becomes_g711_and_g722(void) {
    const struct kind kinds[] = {PCMU, PCMA, G722};
    for (int at_kind = 0; at_kind < 3; at_kind++) {
        struct stage *stage = raise_curtain();
        struct leg *a = new_leg(stage, kinds[at_kind].codec, kinds[at_kind].payload_type);
        struct leg *b = opus_leg(stage);
        struct opus_encoder *encoder = opus_encoder_new();
        ask_for(stage, a, 30);
        leg_hear(&stage->core, a, b, stage->now);
        b->tapped = true;
        for (uint16_t i = 0; i < 60; i++, pass(stage, 20))
            if (i != 30)
                say_opus(stage, b, encoder, i);
        int at = 0, count = 0, strong = 0;
        struct g722 decoder;
        g722_init(&decoder);
        const struct sent *sent, *first = NULL;
        for (; (sent = next_sent(stage, a, &at)); count++) {
            int16_t heard[240];
            first = first ? first : sent;
            CHECK_EQUAL(sent->length, 240);
            CHECK_EQUAL((sent->timestamp - first->timestamp) % 80, 0);
            if (kinds[at_kind].codec == CODEC_G722)
                g722_decode(&decoder, sent->payload, 240, heard);
            else
                codec_decode(kinds[at_kind].codec, sent->payload, 240, heard);
            strong += strength(heard, 240) > 0.95;
        }
        CHECK(count >= 38);
        CHECK(strong >= count - 8);
        opus_encoder_free(encoder);
        drop_curtain(stage);
    }
}

static void g711_and_prompts_become_opus_on_its_clock(void) {
    for (uint8_t ptime = 10; ptime <= 60; ptime += 10)
        for (int prompt = 0; prompt < 2; prompt++) {
            struct stage *stage = raise_curtain();
            struct leg *a = opus_leg(stage), *b = new_leg(stage, CODEC_PCMA, 8);
            struct opus_decoder *decoder = opus_decoder_new();
            int16_t samples[8000];
            uint32_t frame = 8u * opus_ptime_ms(ptime);
            tone(samples, 8000, 0);
            ask_for(stage, a, ptime);
            CHECK_EQUAL(a->codecs.ptime_ms * 8, frame);
            if (!prompt)
                leg_hear(&stage->core, a, b, stage->now);
            else
                leg_play(&stage->core, a, prompt_create(samples, 8000), 1, false, stage->now);
            for (uint16_t i = 0; i < 50; i++, pass(stage, 20))
                say_tone(stage, b, NULL, i, 160);
            int at = 0, count = 0, strong = 0;
            const struct sent *sent, *first = NULL;
            for (; (sent = next_sent(stage, a, &at)) && count < 800 / opus_ptime_ms(ptime); count++) {
                int16_t heard[MAX_OPUS_SAMPLES];
                first = first ? first : sent;
                CHECK_EQUAL(sent->payload_type, 96);
                CHECK_EQUAL(sent->sequence, (uint16_t)(first->sequence + count));
                CHECK_EQUAL(sent->timestamp - first->timestamp, (uint32_t)count * frame * 6);
                CHECK_EQUAL(opus_open(decoder, sent->payload, sent->length, heard), frame);
                strong += strength(heard, frame) > 0.9;
            }
            CHECK(count >= 13);
            CHECK(strong >= count - 6);
            opus_decoder_free(decoder);
            drop_curtain(stage);
        }
}

static void opus_goes_on_untouched_to_one_who_speaks_it(void) {
    struct stage *stage = raise_curtain();
    struct leg *a = opus_leg(stage), *b = opus_leg(stage);
    struct opus_encoder *encoder = opus_encoder_new();
    ask_for(stage, a, 60);
    leg_hear(&stage->core, a, b, stage->now);
    for (uint16_t i = 0; i < 10; i++, pass(stage, 20))
        say_opus(stage, b, encoder, i);
    int at = 0, count = 0;
    const struct sent *sent, *first = NULL;
    for (; (sent = next_sent(stage, a, &at)); count++) {
        first = first ? first : sent;
        CHECK_EQUAL(sent->timestamp - first->timestamp, (uint32_t)count * 960);
        CHECK_EQUAL(opus_samples(sent->payload, sent->length), 160);
    }
    CHECK_EQUAL(count, 10);
    opus_encoder_free(encoder);
    drop_curtain(stage);
}

static void keys_beside_opus_are_on_its_clock(void) {
    struct stage *stage = raise_curtain();
    struct leg *a = new_leg(stage, CODEC_PCMU, 0), *b = opus_leg(stage);
    uint8_t key[] = {5, 0x8a, 0x12, 0xc0}; /* 4800 ticks: 100 ms */
    leg_hear(&stage->core, a, b, stage->now);
    leg_hear(&stage->core, b, a, stage->now);
    arrive(stage, b,
           (struct packet_of){.payload_type = 102, .sequence = 1, .timestamp = 48000,
                              .payload = key, .length = 4});
    CHECK_EQUAL(stage->events[stage->event_count - 1].duration_ms, 100);
    int at = 0;
    const struct sent *sent = next_sent(stage, a, &at);
    CHECK_EQUAL(sent->payload_type, 101);
    CHECK_EQUAL(read_16(sent->payload + 2), 800);
    write_16(key + 2, 800);
    arrive(stage, a,
           (struct packet_of){.payload_type = 101, .sequence = 1, .timestamp = 8000,
                              .payload = key, .length = 4});
    at = 0;
    sent = next_sent(stage, b, &at);
    CHECK_EQUAL(sent->payload_type, 102);
    CHECK_EQUAL(read_16(sent->payload + 2), 4800);
    leg_send_digits(&stage->core, b, "1", 800, 480, stage->now);
    pass(stage, 300);
    const struct sent *end = NULL;
    while ((sent = next_sent(stage, b, &at)))
        end = sent->payload_type == 102 ? sent : end;
    CHECK_EQUAL(read_16(end->payload + 2), 4800);
    drop_curtain(stage);
}

static void what_is_no_opus_is_no_sound(void) {
    struct stage *stage = raise_curtain();
    struct leg *a = new_leg(stage, CODEC_PCMU, 0), *b = opus_leg(stage), *c = opus_leg(stage);
    leg_hear(&stage->core, a, b, stage->now);
    leg_hear(&stage->core, c, b, stage->now);
    b->tapped = true;
    leg_give_voice(b, voice_create());
    for (uint16_t i = 0; i < 300; i++) {
        uint8_t noise[MAX_PAYLOAD];
        for (size_t n = 0; n < sizeof noise; n++)
            noise[n] = (uint8_t)next_random(&stage->random);
        arrive(stage, b,
               (struct packet_of){.payload_type = 96, .sequence = i, .timestamp = i * 960u,
                                  .payload = noise, .length = 1 + i % 500});
        pass(stage, 20);
    }
    leg_set_codecs(&stage->core, b, &(struct codecs){.send = CODEC_PCMU, .ptime_ms = 20},
                   stage->now);
    drop_curtain(stage);
}

static void what_is_packed_for_an_encrypted_leg_is_sealed_once(void) {
    static const uint8_t key[SECURE_KEY_LENGTH] = {1, 2, 3};
    struct leg *a, *b;
    struct stage *stage = two_legs(&a, &b, 60);
    struct secure *peer = secure_create(SUITE_AES_CM_128_HMAC_SHA1_80, NULL, key);
    CHECK(peer);
    leg_set_secure(a, secure_create(SUITE_AES_CM_128_HMAC_SHA1_80, key, NULL));
    for (uint16_t i = 0; i < 12; i++)
        say(stage, b, i, i * 160u, 160, false);
    int at = 0;
    const struct sent *sent;
    for (uint32_t heard = 0; (sent = next_sent(stage, a, &at)); heard += 480) {
        uint8_t packet[RTP_HEADER_LENGTH + MAX_PAYLOAD];
        size_t length = RTP_HEADER_LENGTH + sent->length;
        packet[0] = 0x80;
        packet[1] = (uint8_t)(sent->payload_type | (sent->marker ? 0x80 : 0));
        write_16(packet + 2, sent->sequence);
        write_32(packet + 4, sent->timestamp);
        write_32(packet + 8, sent->ssrc);
        memcpy(packet + RTP_HEADER_LENGTH, sent->payload, sent->length);
        CHECK_EQUAL(secure_open(peer, packet, &length), OPENED);
        CHECK_EQUAL(length, RTP_HEADER_LENGTH + 480);
        for (uint32_t i = 0; i < 480; i++)
            CHECK_EQUAL(packet[RTP_HEADER_LENGTH + i], octet_at(heard + i));
    }
    CHECK_EQUAL(a->stream.packets, 4);
    secure_free(peer);
    drop_curtain(stage);
}

/* A peer may begin with one clock and go on with another (a re-INVITE with other codecs). */
static void another_clock_beside_opus_does_not_tear_what_the_listener_hears(void) {
    struct stage *stage = raise_curtain();
    struct leg *a = new_leg(stage, CODEC_PCMU, 0), *b = opus_leg(stage);
    struct opus_encoder *encoder = opus_encoder_new();
    leg_hear(&stage->core, a, b, stage->now);
    for (uint16_t i = 0; i < 20; i++, pass(stage, 20))
        say_opus(stage, b, encoder, i);
    struct codecs codecs = codecs_of(CODEC_PCMU, 0);
    leg_set_codecs(&stage->core, b, &codecs, stage->now);
    for (uint16_t i = 20; i < 40; i++, pass(stage, 20))
        say_tone(stage, b, NULL, i, 160);
    int at = 0;
    const struct sent *sent, *first = NULL, *last = NULL;
    while ((sent = next_sent(stage, a, &at))) {
        first = first ? first : sent;
        int64_t wall = samples_in(sent->at - first->at, 8000);
        int64_t stamp = (int32_t)(sent->timestamp - first->timestamp);
        CHECK(stamp - wall <= 320 && wall - stamp <= 320);
        if (last)
            CHECK_EQUAL(sent->sequence, (uint16_t)(last->sequence + 1));
        last = sent;
    }
    CHECK(a->stream.packets >= 38);
    opus_encoder_free(encoder);
    drop_curtain(stage);
}

static const struct test TESTS[] = {
    TEST(sound_is_packed_into_every_packet_time_from_every_other),
    TEST(packets_of_the_right_length_go_on_as_they_come),
    TEST(a_limit_packs_only_what_is_longer),
    TEST(what_is_lost_within_a_packet_is_silence_and_whole_packets_are_missed),
    TEST(time_that_the_sender_left_out_is_no_loss),
    TEST(the_beginning_of_a_packet_is_not_kept_for_long),
    TEST(one_that_was_overtaken_has_its_place_while_its_packet_waits),
    TEST(keys_among_packed_sound_keep_order_and_numbers),
    TEST(a_prompt_between_goes_on_in_one_stream),
    TEST(a_new_agreement_ends_the_packing),
    TEST(g722_becomes_g711_and_back_at_every_packet_time),
    TEST(g722_goes_on_untouched_to_one_who_speaks_it),
    TEST(g722_is_packed_anew_without_being_coded_anew),
    TEST(prompts_and_mixes_are_heard_in_g722),
    TEST(what_is_tapped_of_g722_is_mu_law_of_the_same_sound),
    TEST(loss_and_disorder_of_g722_stay_what_they_are),
    TEST(silence_of_one_is_noise_of_its_level_for_who_makes_none),
    TEST(noise_goes_on_as_it_comes_to_who_agreed_to_it),
    TEST(nobody_is_deafened_by_noise),
    TEST(noise_is_over_when_there_is_sound_or_another_is_heard),
    TEST(noise_has_the_codec_and_packet_time_of_who_hears_it),
    TEST(the_dead_say_no_noise),
    TEST(opus_becomes_g711_and_g722),
    TEST(g711_and_prompts_become_opus_on_its_clock),
    TEST(opus_goes_on_untouched_to_one_who_speaks_it),
    TEST(keys_beside_opus_are_on_its_clock),
    TEST(what_is_no_opus_is_no_sound),
    TEST(another_clock_beside_opus_does_not_tear_what_the_listener_hears),
    TEST(what_is_packed_for_an_encrypted_leg_is_sealed_once),
};

int main(int argc, char **argv) {
    return run_one(TESTS, sizeof TESTS / sizeof *TESTS, argc < 2 ? NULL : argv[1]);
}
