/* Paced RTP load for a media relay, and the judge of what comes out of it.
 *
 *   load MAP SECONDS WARM_UP A_PORT B_PORT SOCKETS [PID]
 *
 * MAP has a line a call: the relay's address for the A side and for the B side ("ip:port ip:port").
 * Every call sends a 172-byte packet (20 ms of G.711) each 20 ms from A to B and from B to A. All
 * calls share SOCKETS sockets a side, so that sending and receiving are batched here while the relay
 * still sees a port of its own a leg. The clock ticks each millisecond and a call keeps its tick of
 * the 20, so that the load is even; the generator drains its sockets by that clock and never waits
 * for one, so that none of its wake-ups is billed to the relay.
 *
 * Delay is the kernel's receive stamp minus the clock read just before the batch was handed to the
 * kernel. CPU is that of PID by its own process clock (which keeps the time of ended threads) over
 * exactly the measured window. Prints one JSON object. A relay may rewrite the RTP header; the
 * payload tells call, direction and phase.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    PACKET = 172,
    TICKS = 20,          /* milliseconds between two packets of one direction */
    MAX_SOCKETS = 64,
    SEND_BATCH = 16,     /* small: the first of a batch must not wait long for its last */
    RECEIVE_BATCH = 64,
    FINE = 2000,         /* histogram: microseconds up to here, then 100 us a bucket */
    BUCKETS = 5000,
    BUFFER = 8 << 20,
};
enum { WARMING, MEASURED, AFTER, PHASES };

typedef struct {
    char magic[4];
    uint32_t call;
    uint8_t direction, phase; /* direction 0 is A to B */
    uint8_t unused[2];
    uint64_t sent_at;
} stamp_t;

typedef struct {
    struct sockaddr_in relay[2];
    uint16_t sequence[2];
    uint32_t timestamp[2];
    uint64_t received[2];
} call_t;

typedef struct {
    int call, direction;
} turn_t;

static call_t *calls;
static int call_count, socket_count, sockets[2][MAX_SOCKETS];
static uint64_t sent[PHASES], received[PHASES], stray, wrong_side, send_errors;
static uint64_t histogram[BUCKETS + 1], worst_delay;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static uint64_t read_clock(clockid_t clock) {
    struct timespec time;
    if (clock_gettime(clock, &time)) return 0;
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* ---- set-up ---------------------------------------------------------------------------------- */

static void read_map(const char *path) {
    FILE *file = fopen(path, "r");
    char host[2][64];
    int port[2], room = 0;
    if (!file) fail(path);
    while (fscanf(file, " %63[^:]:%d %63[^:]:%d", host[0], &port[0], host[1], &port[1]) == 4) {
        if (call_count == room) {
            room = room ? 2 * room : 1024;
            calls = realloc(calls, (size_t)room * sizeof *calls);
            if (!calls) fail("realloc");
        }
        call_t *call = &calls[call_count++];
        memset(call, 0, sizeof *call);
        for (int side = 0; side < 2; side++) {
            call->relay[side].sin_family = AF_INET;
            call->relay[side].sin_port = htons((uint16_t)port[side]);
            if (inet_pton(AF_INET, host[side], &call->relay[side].sin_addr) != 1) fail("address");
        }
    }
    fclose(file);
}

static int open_socket(int port) {
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), size = BUFFER, on = 1;
    if (fd < 0) fail("socket");
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size))
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size))
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on)) fail("SO_TIMESTAMPNS");
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, (struct sockaddr *)&own, sizeof own)) fail("bind");
    return fd;
}

/* Each (call, direction) gets one tick of the 20; within a tick, turns of one socket are neighbours. */
static void share_out(turn_t *turns[TICKS], int counts[TICKS]) {
    for (int tick = 0; tick < TICKS; tick++) {
        turns[tick] = calloc(2 * (size_t)call_count + 1, sizeof **turns);
        if (!turns[tick]) fail("calloc");
        counts[tick] = 0;
    }
    for (int direction = 0; direction < 2; direction++)
        for (int k = 0; k < socket_count; k++)
            for (int i = k; i < call_count; i += socket_count) {
                int tick = (i / socket_count * 2 + direction + 3 * k) % TICKS;
                turns[tick][counts[tick]++] = (turn_t){i, direction};
            }
}

/* ---- receiving ------------------------------------------------------------------------------- */

static uint64_t kernel_stamp(struct msghdr *header) {
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
            struct timespec time;
            memcpy(&time, CMSG_DATA(c), sizeof time);
            return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
        }
    return read_clock(CLOCK_REALTIME);
}

static void note_delay(uint64_t nanoseconds) {
    uint64_t us = nanoseconds / 1000;
    uint64_t bucket = us < FINE ? us : FINE + (us - FINE) / 100;
    histogram[bucket < BUCKETS ? bucket : BUCKETS]++;
    if (nanoseconds > worst_delay) worst_delay = nanoseconds;
}

static void judge(const unsigned char *packet, unsigned size, struct msghdr *header, int side) {
    stamp_t stamp;
    if (size != PACKET || memcmp(packet + 12, "LOAD", 4)) {
        stray++;
        return;
    }
    memcpy(&stamp, packet + 12, sizeof stamp);
    if (stamp.call >= (uint32_t)call_count || stamp.direction > 1 || stamp.phase >= PHASES) {
        stray++;
        return;
    }
    if (stamp.direction == side) { /* what A sent must come out at B */
        wrong_side++;
        return;
    }
    received[stamp.phase]++;
    if (stamp.phase != MEASURED) return;
    calls[stamp.call].received[stamp.direction]++;
    uint64_t at = kernel_stamp(header);
    note_delay(at > stamp.sent_at ? at - stamp.sent_at : 0);
}

static void drain(int fd, int side) {
    static unsigned char packets[RECEIVE_BATCH][2048];
    static char controls[RECEIVE_BATCH][128];
    static struct mmsghdr messages[RECEIVE_BATCH];
    static struct iovec parts[RECEIVE_BATCH];
    int count;
    do {
        for (int i = 0; i < RECEIVE_BATCH; i++) {
            parts[i] = (struct iovec){packets[i], sizeof packets[i]};
            messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1,
                .msg_control = controls[i], .msg_controllen = sizeof controls[i]};
        }
        count = recvmmsg(fd, messages, RECEIVE_BATCH, MSG_DONTWAIT, NULL);
        for (int i = 0; i < count; i++)
            judge(packets[i], messages[i].msg_len, &messages[i].msg_hdr, side);
    } while (count == RECEIVE_BATCH);
}

static void drain_all(void) {
    for (int side = 0; side < 2; side++)
        for (int k = 0; k < socket_count; k++) drain(sockets[side][k], side);
}

/* ---- sending --------------------------------------------------------------------------------- */

static unsigned char batch[SEND_BATCH][PACKET];
static struct mmsghdr batch_messages[SEND_BATCH];
static struct iovec batch_parts[SEND_BATCH];
static int batch_size, batch_fd, batch_phase;

static void flush_batch(void) {
    uint64_t now = read_clock(CLOCK_REALTIME);
    for (int i = 0; i < batch_size; i++)
        memcpy(batch[i] + 12 + offsetof(stamp_t, sent_at), &now, sizeof now);
    for (int done = 0; done < batch_size;) {
        int count = sendmmsg(batch_fd, batch_messages + done, (unsigned)(batch_size - done), 0);
        if (count <= 0) {
            send_errors++;
            done++;
        } else {
            sent[batch_phase] += (uint64_t)count;
            done += count;
        }
    }
    batch_size = 0;
}

static void send_turn(turn_t turn, int phase) {
    int fd = sockets[turn.direction][turn.call % socket_count];
    if (batch_size && (fd != batch_fd || batch_size == SEND_BATCH)) flush_batch();
    batch_fd = fd;
    batch_phase = phase;
    call_t *call = &calls[turn.call];
    unsigned char *packet = batch[batch_size];
    uint16_t sequence = htons(call->sequence[turn.direction]++);
    uint32_t timestamp = htonl(call->timestamp[turn.direction]);
    uint32_t ssrc = htonl(0x4c000000u + 2u * (uint32_t)turn.call + (uint32_t)turn.direction);
    stamp_t stamp = {.magic = "LOAD", .call = (uint32_t)turn.call,
        .direction = (uint8_t)turn.direction, .phase = (uint8_t)phase};
    call->timestamp[turn.direction] += 160;
    packet[0] = 0x80;
    packet[1] = 0; /* PCMU */
    memcpy(packet + 2, &sequence, 2);
    memcpy(packet + 4, &timestamp, 4);
    memcpy(packet + 8, &ssrc, 4);
    memcpy(packet + 12, &stamp, sizeof stamp);
    batch_parts[batch_size] = (struct iovec){packet, PACKET};
    batch_messages[batch_size].msg_hdr = (struct msghdr){.msg_iov = &batch_parts[batch_size],
        .msg_iovlen = 1, .msg_name = &call->relay[turn.direction],
        .msg_namelen = sizeof call->relay[0]};
    batch_size++;
}

/* ---- the run --------------------------------------------------------------------------------- */

typedef struct {
    uint64_t wall, relay_cpu, own_cpu, stolen;
} reading_t;

/* Ticks in which another guest had this machine's processors. (The busy counters beside them are
 * sampled by the tick and miss work that runs between two, so they are not reported.) */
static uint64_t stolen_ticks(void) {
    unsigned long long v[8] = {0};
    FILE *file = fopen("/proc/stat", "r");
    if (!file) fail("/proc/stat");
    int count = fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", v, v + 1, v + 2, v + 3,
                       v + 4, v + 5, v + 6, v + 7);
    fclose(file);
    return count == 8 ? v[7] : 0;
}

static reading_t take_reading(pid_t pid) {
    reading_t reading = {0};
    clockid_t clock;
    if (pid && !clock_getcpuclockid(pid, &clock)) reading.relay_cpu = read_clock(clock);
    reading.own_cpu = read_clock(CLOCK_PROCESS_CPUTIME_ID);
    reading.stolen = stolen_ticks();
    reading.wall = read_clock(CLOCK_MONOTONIC);
    return reading;
}

static double percentile(double share) {
    uint64_t total = 0, passed = 0;
    for (int i = 0; i <= BUCKETS; i++) total += histogram[i];
    if (!total) return -1;
    for (int i = 0; i <= BUCKETS; i++) {
        passed += histogram[i];
        if ((double)passed >= share * (double)total)
            return i < FINE ? i + 0.5 : FINE + (i - FINE) * 100 + 50;
    }
    return -1;
}

static void report(reading_t start, reading_t end, uint64_t worst_lag, uint64_t late) {
    double wall = (double)(end.wall - start.wall) / 1e9;
    double cpu = (double)(end.relay_cpu - start.relay_cpu) / 1e9;
    double ticks = (double)sysconf(_SC_CLK_TCK) * wall;
    int dead = 0;
    for (int i = 0; i < call_count; i++) dead += !calls[i].received[0] + !calls[i].received[1];
    printf("{\"calls\": %d, \"seconds\": %.3f, \"sent\": %lu, \"received\": %lu, ", call_count, wall,
           sent[MEASURED], received[MEASURED]);
    printf("\"loss_percent\": %.5f, \"dead_directions\": %d, \"stray\": %lu, \"wrong_side\": %lu, ",
           sent[MEASURED] ? 100.0 * (1 - (double)received[MEASURED] / (double)sent[MEASURED]) : 0,
           dead, stray, wrong_side);
    printf("\"send_errors\": %lu, \"cpu_seconds\": %.6f, \"cpu_seconds_per_million\": %.4f, ",
           send_errors, cpu, received[MEASURED] ? cpu / ((double)received[MEASURED] / 1e6) : 0);
    printf("\"p50_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f, \"max_us\": %.1f, ",
           percentile(.5), percentile(.99), percentile(.999), (double)worst_delay / 1e3);
    printf("\"generator_cpu_percent\": %.1f, \"generator_worst_lag_ms\": %.3f, ",
           (double)(end.own_cpu - start.own_cpu) / 1e7 / wall, (double)worst_lag / 1e6);
    printf("\"generator_late_ticks\": %lu, \"stolen_percent\": %.2f}\n", late,
           100 * (double)(end.stolen - start.stolen) / ticks);
}

static void sleep_until(uint64_t moment) {
    struct timespec time = {(time_t)(moment / 1000000000u), (long)(moment % 1000000000u)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR) {}
}

int main(int argc, char **argv) {
    if (argc < 7) {
        fprintf(stderr, "usage: load MAP SECONDS WARM_UP A_PORT B_PORT SOCKETS [PID]\n");
        return 2;
    }
    uint64_t warm_ticks = (uint64_t)(atof(argv[3]) * 1000);
    uint64_t end_tick = warm_ticks + (uint64_t)(atof(argv[2]) * 1000), last_tick = end_tick + 300;
    pid_t pid = argc > 7 ? (pid_t)atoi(argv[7]) : 0;
    socket_count = atoi(argv[6]);
    if (socket_count < 1 || socket_count > MAX_SOCKETS) fail("SOCKETS");
    read_map(argv[1]);
    if (!call_count) fail("no calls in the map");
    for (int k = 0; k < socket_count; k++) {
        sockets[0][k] = open_socket(atoi(argv[4]) + k);
        sockets[1][k] = open_socket(atoi(argv[5]) + k);
    }
    turn_t *turns[TICKS];
    int counts[TICKS];
    share_out(turns, counts);
    reading_t start = {0}, end = {0};
    uint64_t due = read_clock(CLOCK_MONOTONIC), worst_lag = 0, late = 0;
    for (uint64_t tick = 0; tick < last_tick; tick++, due += 1000000) {
        sleep_until(due);
        if (tick == warm_ticks) start = take_reading(pid);
        if (tick == end_tick) end = take_reading(pid);
        int phase = tick < warm_ticks ? WARMING : tick < end_tick ? MEASURED : AFTER;
        uint64_t lag = read_clock(CLOCK_MONOTONIC) - due;
        if (phase == MEASURED && lag > worst_lag) worst_lag = lag;
        if (phase == MEASURED && lag > 5000000) late++;
        for (int i = 0; i < counts[tick % TICKS]; i++) send_turn(turns[tick % TICKS][i], phase);
        flush_batch();
        drain_all();
    }
    for (int i = 0; i < 50; i++) {
        usleep(10000);
        drain_all();
    }
    report(start, end, worst_lag, late);
    return 0;
}
