/* A timer wheel of 64 slots: whoever is due within its reach hangs in the slot of its tick.
 *
 * Adding, removing and expiring cost the same for one node and for thousands. Not a clock: told
 * the time.
 */
#ifndef ENGINE_WHEEL_H
#define ENGINE_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WHEEL_SLOTS 64

struct wheel_node {
    struct wheel_node *next;
    struct wheel_node **link; /* what points at this node; NULL while it hangs in no slot */
    int64_t tick;
};

struct wheel {
    int64_t tick_ns;
    int64_t current;   /* the earliest tick that has not been gone through */
    uint64_t occupied; /* one bit a slot */
    struct wheel_node *slots[WHEEL_SLOTS];
};

void wheel_init(struct wheel *wheel, int64_t tick_ns, int64_t now);
/* Moves the node if it hangs already. Beyond the wheel's reach it is put at its end. */
void wheel_add(struct wheel *wheel, struct wheel_node *node, int64_t due);
void wheel_remove(struct wheel *wheel, struct wheel_node *node);
/* Takes out one node that is due, or NULL. */
struct wheel_node *wheel_expire(struct wheel *wheel, int64_t now);
/* When the next node is due, or INT64_MAX. */
int64_t wheel_next(const struct wheel *wheel);

static inline bool wheel_holds(const struct wheel_node *node) { return node->link != NULL; }

#endif
