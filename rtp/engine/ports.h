/* The pool of port pairs: even RTP, odd RTCP (RFC 3550 section 11).
 *
 * A pair belongs to one shard for good, and its sockets stay open and watched once they exist, so
 * that a call pays no set-up and whatever a former peer still sends is read and thrown away. A
 * returned pair rests; the one that has rested longest is given out first. Used by Python's
 * thread alone.
 */
#ifndef ENGINE_PORTS_H
#define ENGINE_PORTS_H

#include "address.h"
#include "base.h"

struct leg;
struct shard;

/* Made at the start, a shard: two sockets take 30 us or more, a pair that has them 1 us. */
#define PREPARED_PAIRS 64

/* A pair that another program holds is tried again after this. */
#define RETRY_UNUSABLE_NS (30 * NS_PER_SECOND)

enum port_state { PORT_NEW, PORT_IN_USE, PORT_RESTING, PORT_UNUSABLE };

struct port_pair { /* at addresses of which the two lowest bits are free */
    uint16_t port;
    uint16_t state;
    int rtp_socket, rtcp_socket; /* -1: not made yet */
    int64_t since;               /* when it began to rest, or was found unusable */
    struct port_pair *next;      /* in the list of its state */
    struct leg *leg;             /* the shard's: who has it now */
};

struct port_list {
    struct port_pair *first, *last;
    uint32_t count;
};

/* One shard's share. */
struct port_pool {
    struct port_list fresh, resting, unusable;
    uint32_t in_use;
};

struct port_counts {
    uint32_t total, in_use, resting, free, unusable;
};

/* Gives a second socket the same traffic class. */
void ports_copy_marking(int from, int to, int family);
void port_list_append(struct port_list *list, struct port_pair *pair);
/* NULL when none is free now. The pair's sockets are open, watched by the shard, and empty. */
struct port_pair *ports_take(struct port_pool *pool, struct shard *shard,
                             const struct address *host, int dscp, int64_t rest_ns, int64_t now);
/* Makes the sockets of some pairs before anybody waits for them. */
void ports_prepare(struct port_pool *pool, struct shard *shard, const struct address *host,
                   int dscp, int64_t rest_ns, int64_t now);
void ports_give_back(struct port_pool *pool, struct port_pair *pair, int64_t now);
void ports_count(const struct port_pool *pool, int64_t rest_ns, int64_t now,
                 struct port_counts *counts);
void ports_close(struct port_pair *pair);

#endif
