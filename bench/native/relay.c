/* The floor of a userspace RTP relay on this machine: one thread, epoll, one recv and one send a
 * packet, connected sockets, nothing read and nothing rewritten.
 *
 *   relay BASE CALLS A_PORT B_PORT SOCKETS
 *
 * Call i listens on 127.0.0.1:BASE+2i (its A side) and BASE+2i+1 (its B side). The A side's peer is
 * A_PORT + i % SOCKETS, the B side's is B_PORT + i % SOCKETS; what comes from one goes to the other.
 * Prints "ready" when every socket stands; runs until it is killed.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

enum { MAX_EVENTS = 256, MAX_PACKET = 2048 };

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static struct sockaddr_in loopback(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static int open_socket(int port, int peer_port) {
    struct sockaddr_in own = loopback(port), peer = loopback(peer_port);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) fail("socket");
    if (bind(fd, (struct sockaddr *)&own, sizeof own)) fail("bind");
    if (connect(fd, (struct sockaddr *)&peer, sizeof peer)) fail("connect");
    return fd;
}

static void allow_open_files(int wanted) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit)) fail("getrlimit");
    if (limit.rlim_cur >= (rlim_t)wanted) return;
    limit.rlim_cur = (rlim_t)wanted;
    if (limit.rlim_max < limit.rlim_cur) limit.rlim_max = limit.rlim_cur;
    if (setrlimit(RLIMIT_NOFILE, &limit)) fail("setrlimit");
}

int main(int argc, char **argv) {
    if (argc != 6) {
        fprintf(stderr, "usage: relay BASE CALLS A_PORT B_PORT SOCKETS\n");
        return 2;
    }
    int base = atoi(argv[1]), calls = atoi(argv[2]), sockets = atoi(argv[5]);
    int peer_base[2] = {atoi(argv[3]), atoi(argv[4])};
    allow_open_files(2 * calls + 32);
    int *fds = calloc(2 * (size_t)calls, sizeof *fds);
    int poll = epoll_create1(EPOLL_CLOEXEC);
    if (!fds || poll < 0) fail("set-up");
    for (int i = 0; i < 2 * calls; i++) {
        fds[i] = open_socket(base + i, peer_base[i & 1] + (i / 2) % sockets);
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
        if (epoll_ctl(poll, EPOLL_CTL_ADD, fds[i], &event)) fail("epoll_ctl");
    }
    printf("ready\n");
    fflush(stdout);
    for (;;) {
        struct epoll_event events[MAX_EVENTS];
        static unsigned char packet[MAX_PACKET];
        int count = epoll_wait(poll, events, MAX_EVENTS, -1);
        for (int i = 0; i < count; i++) {
            uint32_t leg = events[i].data.u32;
            ssize_t size = recv(fds[leg], packet, sizeof packet, 0);
            if (size > 0) (void)!send(fds[leg ^ 1], packet, (size_t)size, 0);
        }
    }
}
