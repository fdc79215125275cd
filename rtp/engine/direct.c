/* The connected socket of a settled leg. See direct.h. */
#include "direct.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ports.h"

void direct_close(struct leg *leg) {
    if (leg->direct_socket >= 0)
        close(leg->direct_socket);
    leg->direct_socket = -1;
    leg->settled = 0;
}

/* SO_REUSEPORT is set on the first socket only now, after a bind that shares with nobody: a port
 * that another program holds is still found to be taken. */
static bool share_port(const struct leg *leg, int fd) {
    struct address own;
    int yes = 1;
    own.length = sizeof own.v6;
    return setsockopt(leg->rtp_socket, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes) == 0 &&
           setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes) == 0 &&
           getsockname(leg->rtp_socket, &own.any, &own.length) == 0 &&
           bind(fd, &own.any, own.length) == 0;
}

static void open_direct(struct leg *leg, int poll_fd, void *datum) {
    const struct address *to = &leg->latch.destination;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = datum};
    int fd = socket(to->any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    ports_copy_marking(leg->rtp_socket, fd, to->any.sa_family);
    if (share_port(leg, fd) && connect(fd, &to->any, to->length) == 0 &&
        epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event) == 0)
        leg->direct_socket = fd;
    else
        close(fd);
}

bool direct_send(struct leg *leg, int poll_fd, void *datum, const uint8_t *data, size_t length) {
    const struct address *to = &leg->latch.destination;
    if (leg->direct_changes != leg->latch.changes) {
        direct_close(leg);
        leg->direct_changes = leg->latch.changes;
    }
    if (leg->direct_socket < 0) {
        if (leg->latch.locked && ++leg->settled % SETTLED_PACKETS == 0)
            open_direct(leg, poll_fd, datum);
        return sendto(leg->rtp_socket, data, length, 0, &to->any, to->length) >= 0;
    }
    /* The first try may fail with what ICMP said of an earlier packet, and clears it. */
    return send(leg->direct_socket, data, length, 0) >= 0 ||
           send(leg->direct_socket, data, length, 0) >= 0;
}
