/* The engine's core on a virtual clock, driven line by line from standard input; each packet it
 * sends is a line of output. test_mixing_model.py writes the lines and knows what must come out.
 *
 *   leg CODEC PTIME                        codec 1: PCMU, 2: PCMA; legs are numbered from 1
 *   hear LEG SOURCE...                     as Python's hears(): none, one relayed, more mixed
 *   mix LEG SOURCE...                      mixed though it be one, as of another thread
 *   pass MS
 *   send LEG TYPE SEQUENCE TIMESTAMP HEX   a packet of the leg's peer arrives
 *   play LEG SAMPLES                       a prompt of full scale
 *   hold LEG SEND RECEIVE
 *   close LEG
 */
#include "harness.h"

#define MAX_LEGS 64

static struct stage *stage;
static struct leg *legs[MAX_LEGS + 1];
static int printed;

static int number(char **at) { return (int)strtol(*at, at, 10); }

static void make_leg(char *at) {
    uint8_t codec = (uint8_t)number(&at);
    struct leg *leg = new_leg(stage, codec, codec == CODEC_PCMA ? 8 : 0);
    struct codecs codecs = codecs_of(codec, codec == CODEC_PCMA ? 8 : 0);
    codecs.ptime_ms = (uint8_t)number(&at);
    leg_set_codecs(&stage->core, leg, &codecs, stage->now);
    CHECK(leg->id <= MAX_LEGS);
    legs[leg->id] = leg;
}

static void hear(char *at, bool mixed) {
    struct leg *leg = legs[number(&at)], *source = NULL;
    struct mix *mix = mix_create();
    for (int place; (place = number(&at));) {
        source = legs[place];
        if (!source->voice)
            leg_give_voice(source, voice_create());
        mix_add(mix, source->voice);
    }
    if (mixed || mix->count > 1) {
        leg_hear_mix(&stage->core, leg, mix, stage->now);
        return;
    }
    mix_free(mix);
    leg_hear(&stage->core, leg, source, stage->now);
}

static void arrive_as_told(char *at) {
    static uint8_t payload[MAX_PAYLOAD];
    struct leg *leg = legs[number(&at)];
    struct packet_of packet = {.payload_type = (uint8_t)number(&at), .payload = payload};
    packet.sequence = (uint16_t)number(&at);
    packet.timestamp = (uint32_t)strtoul(at, &at, 10);
    unsigned octet;
    for (at++; packet.length < MAX_PAYLOAD && sscanf(at, "%2x", &octet) == 1; at += 2)
        payload[packet.length++] = (uint8_t)octet;
    arrive(stage, leg, packet);
}

static void print_sent(void) {
    for (; printed < stage->sent_count; printed++) {
        const struct sent *sent = &stage->sent[printed];
        if (sent->socket % 2)
            continue;
        printf("%d %lld %d %d %d %u ", sent->socket / 2,
               (long long)((sent->at - 1000 * NS_PER_SECOND) / NS_PER_MS), sent->payload_type,
               sent->marker, sent->sequence, sent->timestamp);
        for (size_t i = 0; i < sent->length; i++)
            printf("%02x", sent->payload[i]);
        printf("\n");
    }
    stage->sent_count = printed = 0;
}

static void play(char *at) {
    struct leg *leg = legs[number(&at)];
    uint32_t samples = (uint32_t)number(&at);
    int16_t *sound = malloc(samples * sizeof *sound);
    for (uint32_t i = 0; i < samples; i++)
        sound[i] = INT16_MAX;
    leg_play(&stage->core, leg, prompt_create(sound, samples), 1, false, stage->now);
    free(sound);
}

static void obey(char *line) {
    char *at = strchr(line, ' ');
    CHECK(at);
    if (!strncmp(line, "leg ", 4))
        make_leg(at);
    else if (!strncmp(line, "hear ", 5) || !strncmp(line, "mix ", 4))
        hear(at, line[0] == 'm');
    else if (!strncmp(line, "pass ", 5))
        pass(stage, number(&at));
    else if (!strncmp(line, "send ", 5))
        arrive_as_told(at);
    else if (!strncmp(line, "play ", 5))
        play(at);
    else if (!strncmp(line, "hold ", 5)) {
        struct leg *leg = legs[number(&at)];
        bool send = number(&at), receive = number(&at);
        leg_set_direction(&stage->core, leg, send, receive, stage->now);
    } else if (!strncmp(line, "close ", 6)) {
        int place = number(&at);
        leg_close(&stage->core, legs[place], stage->now);
        legs[place] = NULL;
    } else
        CHECK(!"a line that says nothing");
    print_sent();
}

int main(void) {
    static char line[16 + 2 * MAX_PAYLOAD + 64];
    stage = raise_curtain();
    while (fgets(line, sizeof line, stdin))
        obey(line);
    drop_curtain(stage);
    return 0;
}
