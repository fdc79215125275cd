/* RTCP reports. See rtcp.h. */
#include "rtcp.h"

#include <string.h>

#define SENDER_REPORT 200
#define RECEIVER_REPORT 201
#define SOURCE_DESCRIPTION 202
#define GOODBYE 203
#define CNAME 1
#define NTP_OFFSET INT64_C(2208988800) /* seconds from 1900 to 1970 */
#define MAX_CUMULATIVE_LOST 0x7fffff   /* 6.4.1: a signed number of 24 bits */

/* Seconds and a binary fraction, 32 bits each (RFC 3550 section 4). */
static uint64_t ntp_time(int64_t wall_ns) {
    uint64_t seconds = (uint64_t)(wall_ns / NS_PER_SECOND + NTP_OFFSET);
    uint64_t fraction = ((uint64_t)(wall_ns % NS_PER_SECOND) << 32) / (uint64_t)NS_PER_SECOND;
    return seconds << 32 | fraction;
}

int64_t rtcp_interval(bool first, uint64_t *random) {
    /* 6.3.1: times 0.5 to 1.5, divided by e - 3/2 "to compensate for the fact that the timer
     * reconsideration algorithm converges to a value below the intended average". */
    int64_t base = (first ? RTCP_INTERVAL_NS / 2 : RTCP_INTERVAL_NS) * 100000 / 121828;
    return base / 2 + (int64_t)(next_random(random) % (uint64_t)base);
}

/* 6.4.1 and A.3: loss since the last report, and altogether; doubles count as received. */
static void write_block(struct rtcp *rtcp, struct source *source, uint32_t scale, int64_t now,
                        uint8_t *out) {
    uint64_t expected = source->sequence - source->epoch_first + 1;
    uint64_t received = source->epoch_received;
    int64_t lost = (int64_t)(expected - received);
    int64_t expected_interval = (int64_t)(expected - source->expected_prior);
    int64_t lost_interval = expected_interval - (int64_t)(received - source->received_prior);
    source->expected_prior = expected;
    source->received_prior = received;
    uint32_t fraction = 0;
    if (expected_interval > 0 && lost_interval > 0)
        fraction = (uint32_t)((lost_interval << 8) / expected_interval);
    if (lost > MAX_CUMULATIVE_LOST)
        lost = MAX_CUMULATIVE_LOST;
    if (lost < -MAX_CUMULATIVE_LOST)
        lost = -MAX_CUMULATIVE_LOST;
    write_32(out, source->ssrc);
    write_32(out + 4, (fraction > 255 ? 255 : fraction) << 24 | ((uint32_t)lost & 0xffffff));
    write_32(out + 8, source->cycles << 16 | source->max_sequence);
    write_32(out + 12, (source->jitter >> 4) * scale);
    write_32(out + 16, rtcp->report_middle);
    int64_t delay = rtcp->report_middle ? now - rtcp->report_arrival : 0;
    write_32(out + 20, (uint32_t)samples_in(delay, 65536));
}

static size_t write_report(struct rtcp *rtcp, struct source *source, const struct stream *stream,
                           int64_t wall_ns, int64_t now, uint8_t *out) {
    bool sender = stream->packets > rtcp->packets_at_report;
    size_t at = 8;
    rtcp->packets_at_report = stream->packets;
    if (sender) {
        uint64_t ntp = ntp_time(wall_ns);
        write_32(out + 8, (uint32_t)(ntp >> 32));
        write_32(out + 12, (uint32_t)ntp);
        write_32(out + 16, stream_timestamp_at(stream, now) * stream->scale);
        write_32(out + 20, (uint32_t)stream->packets);
        write_32(out + 24, (uint32_t)stream->octets);
        at = 28;
    }
    if (source->started) {
        write_block(rtcp, source, stream->scale, now, out + at);
        at += 24;
    }
    out[0] = (uint8_t)(0x80 | source->started);
    out[1] = sender ? SENDER_REPORT : RECEIVER_REPORT;
    write_16(out + 2, (uint16_t)(at / 4 - 1));
    write_32(out + 4, stream->ssrc);
    return at;
}

static size_t write_description(uint32_t ssrc, const char *cname, uint8_t *out) {
    size_t name = strlen(cname), at = 8 + 2 + name;
    /* 6.5: "one or more null octets" end the list, up to the next 32-bit boundary. */
    size_t padded = (at + 4) & ~(size_t)3;
    out[0] = 0x81;
    out[1] = SOURCE_DESCRIPTION;
    write_16(out + 2, (uint16_t)(padded / 4 - 1));
    write_32(out + 4, ssrc);
    out[8] = CNAME;
    out[9] = (uint8_t)name;
    memcpy(out + 10, cname, name);
    memset(out + at, 0, padded - at);
    return padded;
}

static size_t write_goodbye(uint32_t ssrc, uint8_t *out) {
    out[0] = 0x81;
    out[1] = GOODBYE;
    write_16(out + 2, 1);
    write_32(out + 4, ssrc);
    return 8;
}

size_t rtcp_write(struct rtcp *rtcp, struct source *source, const struct stream *stream,
                  const char *cname, bool bye, int64_t wall_ns, int64_t now, uint8_t *out) {
    size_t length = write_report(rtcp, source, stream, wall_ns, now, out);
    length += write_description(stream->ssrc, cname, out + length);
    if (bye)
        length += write_goodbye(stream->ssrc, out + length);
    COUNT(rtcp->sent);
    return length;
}

/* RFC 3550 A.2: version, the first packet is a report, and the lengths add up exactly. */
static bool is_valid(const uint8_t *data, size_t length) {
    size_t at = 0;
    if (length < 8 || (data[1] != SENDER_REPORT && data[1] != RECEIVER_REPORT))
        return false;
    while (at + 4 <= length) {
        if (data[at] >> 6 != 2)
            return false;
        at += 4 * ((size_t)read_16(data + at + 2) + 1);
    }
    return at == length;
}

static void receive_block(struct rtcp *rtcp, const uint8_t *block, int64_t wall_ns) {
    int32_t lost = (int32_t)(read_32(block + 4) << 8) >> 8;
    uint32_t last = read_32(block + 16), delay = read_32(block + 20);
    STORE(rtcp->remote_fraction_lost, block[4]);
    STORE(rtcp->remote_lost, lost);
    STORE(rtcp->remote_jitter, read_32(block + 12));
    STORE(rtcp->has_remote, true);
    if (!last)
        return;
    /* 6.4.1: A - LSR - DLSR in units of 1/65536 s. Below zero the clocks or the peer are wrong. */
    int32_t round_trip = (int32_t)((uint32_t)(ntp_time(wall_ns) >> 16) - last - delay);
    if (round_trip < 0)
        return;
    STORE(rtcp->round_trip_ns, (int64_t)round_trip * NS_PER_SECOND / 65536);
    STORE(rtcp->has_round_trip, true);
}

static void receive_report(struct rtcp *rtcp, const struct stream *stream, const uint8_t *data,
                           size_t length, int64_t wall_ns, int64_t now) {
    size_t at = data[1] == SENDER_REPORT ? 28 : 8;
    if (length < at)
        return;
    if (data[1] == SENDER_REPORT) {
        rtcp->report_middle = read_16(data + 10) * UINT32_C(65536) + read_16(data + 12);
        rtcp->report_arrival = now;
    }
    for (int block = data[0] & 31; block > 0 && at + 24 <= length; block--, at += 24)
        if (read_32(data + at) == stream->ssrc)
            receive_block(rtcp, data + at, wall_ns);
}

bool rtcp_receive(struct rtcp *rtcp, const struct stream *stream, const uint8_t *data,
                  size_t length, int64_t wall_ns, int64_t now) {
    if (!is_valid(data, length))
        return false;
    COUNT(rtcp->received);
    for (size_t at = 0; at < length;) {
        size_t size = 4 * ((size_t)read_16(data + at + 2) + 1);
        if ((data[at + 1] == SENDER_REPORT || data[at + 1] == RECEIVER_REPORT) && size >= 8)
            receive_report(rtcp, stream, data + at, size, wall_ns, now);
        at += size;
    }
    return true;
}
