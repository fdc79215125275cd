/* The thread of a shard: epoll, sockets, commands. See shard.h. */
#define _GNU_SOURCE /* pthread_setname_np, epoll_pwait2 */
#include "shard.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "direct.h"
#include "ports.h"

/* The lowest bits of an epoll datum tell a pair's sockets apart; none: the RTP socket. */
#define RTCP_BIT ((uintptr_t)1)
#define DIRECT_BIT ((uintptr_t)2)
/* Until the next look, when nothing is due: only commands and packets wake us before. */
#define LONG_WAIT_NS NS_PER_SECOND

int64_t engine_clock(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * NS_PER_SECOND + time.tv_nsec;
}

static int64_t wall_clock(void) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return time.tv_sec * NS_PER_SECOND + time.tv_nsec;
}

static void send_packet(void *context, int socket, const uint8_t *data, size_t length,
                        const struct address *to, struct leg *leg) {
    struct shard *shard = context;
    bool sent;
    if (socket == leg->rtp_socket)
        sent = direct_send(leg, shard->poll_fd, (void *)((uintptr_t)leg->pair | DIRECT_BIT), data,
                           length);
    else
        sent = sendto(socket, data, length, 0, &to->any, to->length) >= 0;
    if (sent)
        return;
    COUNT(shard->send_errors);
    COUNT(leg->dropped[DROP_SEND_FAILED]);
}

static void put_event(void *context, const struct engine_event *event) {
    struct shard *shard = context;
    bool digit = event->kind == EVENT_DIGIT_RECEIVED || event->kind == EVENT_DIGIT_ENDED;
    if ((digit && event_ring_waiting(&shard->events) >= EVENT_RING / 4 * 3) ||
        !event_ring_put(&shard->events, event))
        COUNT(shard->events_lost);
    shard->events_put = true;
}

static void notify(int fd) {
    uint64_t one = 1;
    /* Fails only when the counter is full, and then it is readable anyway. */
    ssize_t written = write(fd, &one, sizeof one);
    (void)written;
}

static void free_command(const struct command *command) {
    if (command->kind == COMMAND_PLAY)
        prompt_release(command->prompt);
    if (command->kind == COMMAND_HEAR_MIX)
        mix_free(command->mix);
    if (command->kind == COMMAND_GIVE_VOICE)
        voice_release(command->voice);
    if (command->kind == COMMAND_SECURE)
        secure_free(command->secure);
    if (command->kind == COMMAND_GIVE_OUTLET || command->kind == COMMAND_PASS)
        outlet_release(command->outlet);
    if (command->kind == COMMAND_OPEN)
        leg_free(command->leg);
}

static void obey(struct shard *shard, const struct command *command, int64_t now) {
    struct core *core = &shard->core;
    struct leg *leg = command->leg;
    switch (command->kind) {
    case COMMAND_OPEN:
        command->pair->leg = leg;
        leg->pair = command->pair;
        leg_open(core, leg, now);
        break;
    case COMMAND_CLOSE:
        leg->pair->leg = NULL;
        direct_close(leg);
        leg_close(core, leg, now);
        break;
    case COMMAND_CODECS:
        leg_set_codecs(core, leg, &command->codecs, now);
        break;
    case COMMAND_REMOTE:
        leg_set_remote(core, leg, &command->rtp, &command->rtcp, now);
        break;
    case COMMAND_DIRECTION:
        leg_set_direction(core, leg, command->send, command->receive, now);
        break;
    case COMMAND_HEAR:
        leg_hear(core, leg, command->source, now);
        break;
    case COMMAND_HEAR_MIX:
        leg_hear_mix(core, leg, command->mix, now);
        break;
    case COMMAND_GIVE_VOICE:
        leg_give_voice(leg, command->voice);
        break;
    case COMMAND_PLAY:
        leg_play(core, leg, command->prompt, command->playback, command->repeat, now);
        break;
    case COMMAND_STOP_PLAYBACK:
        leg_stop_playback(core, leg);
        break;
    case COMMAND_SEND_DIGITS:
        leg_send_digits(core, leg, command->digits, command->duration, command->gap, now);
        break;
    case COMMAND_TAP:
        leg->tapped = command->tapped;
        break;
    case COMMAND_SECURE:
        leg_set_secure(leg, command->secure);
        break;
    case COMMAND_ONE_PORT:
        leg->has_one_port = command->one_port;
        break;
    case COMMAND_GIVE_OUTLET:
        leg_give_outlet(leg, command->outlet);
        break;
    case COMMAND_PASS:
        leg_pass(core, leg, command->outlet, now);
        break;
    }
}

static void obey_all(struct shard *shard, int64_t now) {
    struct command command;
    while (command_ring_take(&shard->commands, &command))
        obey(shard, &command, now);
}

/* One packet; the socket stays ready while there are more. */
static void read_rtp(struct shard *shard, struct port_pair *pair, int socket) {
    struct address from;
    uint8_t *data = shard->buffer + RTP_HEADER_LENGTH;
    from.length = sizeof(struct sockaddr_in6);
    ssize_t length = recvfrom(socket, data, MAX_PACKET, MSG_TRUNC, &from.any, &from.length);
    if (length < 0)
        return;
    if (!pair->leg)
        COUNT(shard->stray_packets);
    else if (length > MAX_PACKET)
        COUNT(pair->leg->dropped[DROP_TOO_LONG]);
    else
        leg_receive(&shard->core, pair->leg, data, (size_t)length, &from, engine_clock());
}

static void read_rtcp(struct shard *shard, struct port_pair *pair) {
    struct address from;
    from.length = sizeof(struct sockaddr_in6);
    ssize_t length = recvfrom(pair->rtcp_socket, shard->buffer, MAX_PACKET, MSG_TRUNC, &from.any,
                              &from.length);
    if (length < 0)
        return;
    shard->core.wall_offset = wall_clock() - engine_clock();
    if (!pair->leg)
        COUNT(shard->stray_packets);
    else if (length > MAX_PACKET)
        COUNT(pair->leg->rtcp.malformed);
    else
        leg_receive_rtcp(&shard->core, pair->leg, shard->buffer, (size_t)length, &from,
                         engine_clock());
}

static struct port_pair *pair_of(const struct epoll_event *event) {
    return (struct port_pair *)((uintptr_t)event->data.ptr & ~(RTCP_BIT | DIRECT_BIT));
}

static void handle(struct shard *shard, const struct epoll_event *event) {
    struct port_pair *pair = pair_of(event);
    if (!pair)
        return; /* woken for a command; edge-triggered, so there is nothing to read */
    uintptr_t bits = (uintptr_t)event->data.ptr & (RTCP_BIT | DIRECT_BIT);
    if (bits == RTCP_BIT)
        read_rtcp(shard, pair);
    else if (bits == 0)
        read_rtp(shard, pair, pair->rtp_socket);
    else if (pair->leg && pair->leg->direct_socket >= 0) /* not closed earlier in this batch */
        read_rtp(shard, pair, pair->leg->direct_socket);
}

/* A thousand legs do not fit the near caches: what packets further on in the batch will touch is
 * asked for in three steps, each needing what the one before has brought. */
static inline __attribute__((always_inline)) void prefetch(const struct epoll_event *events,
                                                          int at, int count) {
    struct port_pair *pair;
    if (at + 6 < count)
        __builtin_prefetch(pair_of(&events[at + 6]));
    if (at + 4 < count && (pair = pair_of(&events[at + 4])) && pair->leg)
        leg_prefetch(pair->leg);
    if (at + 2 < count && (pair = pair_of(&events[at + 2])) && pair->leg && pair->leg->listeners)
        leg_prefetch(pair->leg->listeners);
}

static int wait_until(struct shard *shard, struct epoll_event *events, int64_t due, int64_t now) {
    int64_t wait = due == INT64_MAX ? LONG_WAIT_NS : due - now;
    if (wait < 0)
        wait = 0;
    if (wait > LONG_WAIT_NS)
        wait = LONG_WAIT_NS;
    if (shard->has_precise_wait) {
        struct timespec time = {.tv_sec = wait / NS_PER_SECOND, .tv_nsec = wait % NS_PER_SECOND};
        int count = epoll_pwait2(shard->poll_fd, events, EVENTS_A_BATCH, &time, NULL);
        if (count >= 0 || errno != ENOSYS)
            return count;
        shard->has_precise_wait = false; /* Linux before 5.11 */
    }
    int ms = (int)((wait + NS_PER_MS - 1) / NS_PER_MS);
    return epoll_wait(shard->poll_fd, events, EVENTS_A_BATCH, ms);
}

static int sleep_until(struct shard *shard, struct epoll_event *events, int64_t due, int64_t now) {
    /* Either we see the command, or its writer sees us asleep: both sides write, then read. */
    __atomic_store_n(&shard->sleeping, 1, __ATOMIC_SEQ_CST);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (command_ring_waiting(&shard->commands) ||
        __atomic_load_n(&shard->stopping, __ATOMIC_SEQ_CST))
        due = 0;
    int count = wait_until(shard, events, due, now);
    __atomic_store_n(&shard->sleeping, 0, __ATOMIC_SEQ_CST);
    return count;
}

static void *run(void *context) {
    struct shard *shard = context;
    struct epoll_event events[EVENTS_A_BATCH];
    int64_t now = engine_clock();
    while (!__atomic_load_n(&shard->stopping, __ATOMIC_SEQ_CST)) {
        shard->core.wall_offset = wall_clock() - now;
        int64_t due = core_run_timers(&shard->core, now);
        if (shard->events_put) {
            shard->events_put = false;
            notify(shard->event_fd);
        }
        int count = sleep_until(shard, events, due, now);
        now = engine_clock();
        obey_all(shard, now);
        for (int i = 0; i < count; i++) {
            prefetch(events, i, count);
            handle(shard, &events[i]);
        }
        if (count > 0)
            now = engine_clock();
    }
    return NULL;
}

bool shard_create(struct shard *shard, int event_fd, size_t tap_bytes, uint64_t seed,
                  const char *cname) {
    memset(shard, 0, sizeof *shard);
    core_init(&shard->core, engine_clock());
    shard->core.context = shard;
    shard->core.send = send_packet;
    shard->core.report = put_event;
    shard->core.tap = &shard->tap;
    shard->core.random = seed;
    shard->has_precise_wait = true;
    shard->event_fd = event_fd;
    snprintf(shard->core.cname, sizeof shard->core.cname, "%s", cname);
    shard->poll_fd = epoll_create1(EPOLL_CLOEXEC);
    shard->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event wake = {.events = EPOLLIN | EPOLLET, .data.ptr = NULL};
    return tap_create(&shard->tap, tap_bytes) &&
           command_ring_create(&shard->commands, COMMAND_RING) &&
           event_ring_create(&shard->events, EVENT_RING) && shard->poll_fd >= 0 &&
           shard->wake_fd >= 0 &&
           epoll_ctl(shard->poll_fd, EPOLL_CTL_ADD, shard->wake_fd, &wake) == 0;
}

bool shard_start(struct shard *shard, int number) {
    sigset_t all, before;
    char name[16];
    /* Signals are the main thread's business. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    shard->running = pthread_create(&shard->thread, NULL, run, shard) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!shard->running)
        return false;
    snprintf(name, sizeof name, "rtp-shard-%d", number);
    pthread_setname_np(shard->thread, name);
    return true;
}

void shard_stop(struct shard *shard) {
    if (shard->running) {
        __atomic_store_n(&shard->stopping, 1, __ATOMIC_SEQ_CST);
        notify(shard->wake_fd);
        pthread_join(shard->thread, NULL);
        shard->running = false;
    }
    struct command command;
    while (shard->commands.entries && command_ring_take(&shard->commands, &command))
        free_command(&command);
    while (shard->core.legs) {
        struct leg *leg = shard->core.legs;
        leg->pair->leg = NULL;
        shard->core.legs = leg->next;
        direct_close(leg);
        leg_free(leg);
    }
    if (shard->poll_fd >= 0)
        close(shard->poll_fd);
    if (shard->wake_fd >= 0)
        close(shard->wake_fd);
    shard->poll_fd = shard->wake_fd = -1;
}

void shard_destroy(struct shard *shard) {
    shard_stop(shard);
    tap_destroy(&shard->tap);
    command_ring_destroy(&shard->commands);
    event_ring_destroy(&shard->events);
}

static void wake(struct shard *shard) {
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (__atomic_exchange_n(&shard->sleeping, 0, __ATOMIC_SEQ_CST))
        notify(shard->wake_fd);
}

void shard_command(struct shard *shard, const struct command *command) {
    while (!command_ring_put(&shard->commands, command)) {
        notify(shard->wake_fd);
        struct timespec pause = {.tv_nsec = 50000};
        nanosleep(&pause, NULL);
    }
    /* To wake a thread costs more than a command: a call's dozen commands can share one. */
    if (shard->holds_commands)
        shard->kick_due = true;
    else
        wake(shard);
}

void shard_kick(struct shard *shard) {
    if (!shard->kick_due)
        return;
    shard->kick_due = false;
    wake(shard);
}

static bool watch(const struct shard *shard, int socket, uintptr_t datum) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = (void *)datum};
    return epoll_ctl(shard->poll_fd, EPOLL_CTL_ADD, socket, &event) == 0;
}

bool shard_watch(struct shard *shard, struct port_pair *pair) {
    return watch(shard, pair->rtp_socket, (uintptr_t)pair) &&
           watch(shard, pair->rtcp_socket, (uintptr_t)pair | RTCP_BIT);
}
