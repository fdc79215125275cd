/* An outlet: where datagrams for a leg's peer go out, for who has them, on whichever shard.
 *
 * Its leg's shard says where the peer is, its partner's shard reads that and sends; neither waits
 * for the other. A read while it is written gives nothing: one datagram that is lost in years.
 * Knows no legs and sends nothing itself.
 */
#ifndef ENGINE_OUTLET_H
#define ENGINE_OUTLET_H

#include "address.h"
#include "base.h"

#define OUTLET_WORDS (sizeof(struct address) / sizeof(uint32_t))

struct outlet {
    uint32_t references; /* its leg's, and those of who passes to it */
    int socket;
    uint32_t version; /* odd while the destination is written */
    uint32_t destination[OUTLET_WORDS];
    uint64_t sent; /* by any shard */
};

/* Held once, and leads nowhere yet; NULL without memory. */
struct outlet *outlet_create(int socket);
void outlet_hold(struct outlet *outlet);
void outlet_release(struct outlet *outlet);
/* By its leg's shard alone. An address of length 0: nowhere. */
void outlet_aim(struct outlet *outlet, const struct address *destination);
/* False: nowhere. */
bool outlet_read(const struct outlet *outlet, struct address *destination);

#endif
