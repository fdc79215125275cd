/* Port pairs and their sockets. See ports.h. */
#include "ports.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shard.h"

/* A stranger who sends faster than we read cannot hold the pool up for longer. */
#define MAX_DRAINED 1000
/* How many pairs one call tries when other programs sit in the range. */
#define MAX_TRIES 200

void port_list_append(struct port_list *list, struct port_pair *pair) {
    pair->next = NULL;
    if (list->last)
        list->last->next = pair;
    else
        list->first = pair;
    list->last = pair;
    list->count++;
}

static struct port_pair *take_first(struct port_list *list) {
    struct port_pair *pair = list->first;
    if (!pair)
        return NULL;
    list->first = pair->next;
    if (!list->first)
        list->last = NULL;
    list->count--;
    return pair;
}

/* RFC 2474: the code point is the upper six bits of the octet. A host that forbids it still talks. */
static void mark_traffic(int fd, int family, int dscp) {
    int octet = dscp << 2;
    if (family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &octet, sizeof octet);
    /* Mapped IPv4 addresses go out under the IPv4 option. */
    setsockopt(fd, IPPROTO_IP, IP_TOS, &octet, sizeof octet);
}

void ports_copy_marking(int from, int to, int family) {
    int octet = 0;
    socklen_t length = sizeof octet;
    if (getsockopt(from, IPPROTO_IP, IP_TOS, &octet, &length) == 0)
        mark_traffic(to, family, octet >> 2);
}

static int open_socket(const struct address *host, int port, int dscp) {
    struct address at = *host;
    address_set_port(&at, port);
    int fd = socket(at.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    mark_traffic(fd, at.any.sa_family, dscp);
    if (bind(fd, &at.any, at.length) == 0)
        return fd;
    close(fd);
    return -1;
}

void ports_close(struct port_pair *pair) {
    if (pair->rtp_socket >= 0)
        close(pair->rtp_socket);
    if (pair->rtcp_socket >= 0)
        close(pair->rtcp_socket);
    pair->rtp_socket = pair->rtcp_socket = -1;
}

static bool make(struct port_pair *pair, struct shard *shard, const struct address *host,
                 int dscp) {
    pair->rtp_socket = open_socket(host, pair->port, dscp);
    if (pair->rtp_socket >= 0)
        pair->rtcp_socket = open_socket(host, pair->port + 1, dscp);
    if (pair->rtcp_socket >= 0 && shard_watch(shard, pair))
        return true;
    ports_close(pair);
    return false;
}

/* A new leg never inherits a stranger's stream. */
static void drain(int fd) {
    char byte;
    for (int i = 0; i < MAX_DRAINED; i++)
        if (recv(fd, &byte, 1, 0) < 0 && errno == EAGAIN)
            return;
}

static struct port_pair *use(struct port_pool *pool, struct port_pair *pair) {
    pair->state = PORT_IN_USE;
    pool->in_use++;
    return pair;
}

static struct port_pair *take_rested(struct port_pool *pool, int64_t rest_ns, int64_t now) {
    if (!pool->resting.first || now - pool->resting.first->since < rest_ns)
        return NULL;
    struct port_pair *pair = take_first(&pool->resting);
    drain(pair->rtp_socket);
    drain(pair->rtcp_socket);
    return use(pool, pair);
}

static void set_aside(struct port_pool *pool, struct port_pair *pair, int64_t now) {
    pair->state = PORT_UNUSABLE;
    pair->since = now;
    port_list_append(&pool->unusable, pair);
}

static bool out_of_files(void) { return errno == EMFILE || errno == ENFILE || errno == ENOMEM; }

static struct port_pair *take_fresh(struct port_pool *pool, struct shard *shard,
                                    const struct address *host, int dscp, int64_t now) {
    while (pool->unusable.first && now - pool->unusable.first->since >= RETRY_UNUSABLE_NS)
        port_list_append(&pool->fresh, take_first(&pool->unusable));
    for (int i = 0; i < MAX_TRIES; i++) {
        struct port_pair *pair = take_first(&pool->fresh);
        if (!pair)
            return NULL;
        errno = 0;
        if (make(pair, shard, host, dscp))
            return use(pool, pair);
        if (out_of_files()) {
            port_list_append(&pool->fresh, pair); /* not the port's fault */
            return NULL;
        }
        set_aside(pool, pair, now);
    }
    return NULL;
}

struct port_pair *ports_take(struct port_pool *pool, struct shard *shard,
                             const struct address *host, int dscp, int64_t rest_ns, int64_t now) {
    struct port_pair *pair = take_rested(pool, rest_ns, now);
    return pair ? pair : take_fresh(pool, shard, host, dscp, now);
}

void ports_give_back(struct port_pool *pool, struct port_pair *pair, int64_t now) {
    pair->state = PORT_RESTING;
    pair->since = now;
    pool->in_use--;
    port_list_append(&pool->resting, pair);
}

void ports_prepare(struct port_pool *pool, struct shard *shard, const struct address *host,
                   int dscp, int64_t rest_ns, int64_t now) {
    struct port_pair *pair;
    for (int i = 0; i < PREPARED_PAIRS && (pair = take_fresh(pool, shard, host, dscp, now)); i++)
        ports_give_back(pool, pair, now - rest_ns); /* nobody had it: it need not rest */
}

void ports_count(const struct port_pool *pool, int64_t rest_ns, int64_t now,
                 struct port_counts *counts) {
    uint32_t resting = 0;
    for (const struct port_pair *pair = pool->resting.first; pair; pair = pair->next)
        resting += now - pair->since < rest_ns;
    counts->in_use += pool->in_use;
    counts->resting += resting;
    counts->free += pool->fresh.count + pool->resting.count - resting;
    counts->unusable += pool->unusable.count;
    counts->total += pool->in_use + pool->fresh.count + pool->resting.count + pool->unusable.count;
}
